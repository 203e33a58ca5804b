// Pointer, wheel and keyboard on the canvas -> crosshair, picking, time.

const CLICK_PX = 5;
const WHEEL_PX = 40; // of wheel a slice

export class Input {
  /** actions: {hover, leave, pick (x, y), drag(x, y, x0, y0), turn(by, x, y), move(across, up, through), pin, step, togglePlay, reset} */
  constructor(canvas, actions) {
    this.canvas = canvas;
    this.actions = actions;
    this.start = null;
    this.moved = 0;
    this.wheeled = 0;
    this.abort = new AbortController();
    const on = (type, handler, options = {}) =>
      canvas.addEventListener(type, handler, { ...options, signal: this.abort.signal });
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#up(event, true));
    on("pointercancel", (event) => this.#up(event, false));
    on("pointerleave", () => actions.leave());
    on("wheel", (event) => this.#wheel(event), { passive: false });
    on("dblclick", (event) => event.preventDefault());
    on("keydown", (event) => this.#key(event));
  }

  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  #down(event) {
    if (!event.isPrimary || event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.start = this.#at(event);
    this.moved = 0;
  }

  #move(event) {
    const { x, y } = this.#at(event);
    if (!this.start) {
      this.actions.hover(x, y);
      return;
    }
    if (!event.isPrimary) return;
    this.moved = Math.max(this.moved, Math.hypot(x - this.start.x, y - this.start.y));
    if (this.moved > CLICK_PX) this.actions.drag(x, y, this.start.x, this.start.y);
  }

  #up(event, isPick) {
    if (!event.isPrimary || !this.start) return;
    const { x, y } = this.#at(event);
    this.start = null;
    if (isPick && this.moved <= CLICK_PX) this.actions.pick(x, y);
  }

  /** The page scrolls over the pictures until a person has clicked or focused them. */
  #wheel(event) {
    const root = this.canvas.getRootNode();
    if (event.ctrlKey || root.activeElement !== this.canvas) return;
    event.preventDefault();
    this.wheeled += event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    const slices = Math.trunc(this.wheeled / WHEEL_PX);
    if (slices === 0) return;
    this.wheeled -= slices * WHEEL_PX;
    const { x, y } = this.#at(event);
    this.actions.turn(-slices, x, y);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (!this.#shiftKey(event) && !this.#plainKey(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  #shiftKey(event) {
    if (!event.shiftKey) return false;
    const [across, up] = {
      ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1],
    }[event.key] ?? [0, 0];
    if (across === 0 && up === 0) return false;
    this.actions.move(across, up, 0);
    return true;
  }

  #plainKey(event) {
    const { actions } = this;
    switch (event.key) {
      case "ArrowLeft": actions.step(-1); return true;
      case "ArrowRight": actions.step(1); return true;
      case "PageUp": case "+": case "=": actions.move(0, 0, 1); return true;
      case "PageDown": case "-": case "_": actions.move(0, 0, -1); return true;
      case "Enter": actions.pin(); return true;
      case " ": actions.togglePlay(); return true;
      case "0": case "Home": actions.reset(); return true;
      default: return false;
    }
  }

  stop() {
    this.abort.abort();
  }
}
