// Pointer, wheel, pinch and keyboard on the canvas -> turning, zooming, panning, picking, time.

import { multiply, normalize, turnBy } from "./camera.js";

const RADIANS_PER_PX = 0.009;
const CLICK_PX = 5;

/** actions: {state(), look(patch), hover(x, y), leave(), pick(x, y), panelAt, step, togglePlay, reset} */
export class Input {
  constructor(canvas, actions) {
    this.canvas = canvas;
    this.actions = actions;
    this.pointers = new Map();
    this.moved = 0;
    this.abort = new AbortController();
    const on = (type, handler, options = {}) =>
      canvas.addEventListener(type, handler, { ...options, signal: this.abort.signal });
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#up(event, true));
    on("pointercancel", (event) => this.#up(event, false));
    on("pointerleave", () => actions.leave());
    on("wheel", (event) => this.#wheel(event), { passive: false });
    on("dblclick", () => actions.reset());
    on("keydown", (event) => this.#key(event));
    on("contextmenu", (event) => event.shiftKey && event.preventDefault());
  }

  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  #down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.#at(event));
    if (this.pointers.size === 1) this.moved = 0;
  }

  #move(event) {
    const now = this.#at(event);
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.actions.hover(now.x, now.y);
      return;
    }
    this.pointers.set(event.pointerId, now);
    const dx = now.x - before.x;
    const dy = now.y - before.y;
    this.moved += Math.abs(dx) + Math.abs(dy);
    if (this.pointers.size === 2) this.#pinch(event.pointerId, before, now);
    else if (this.moved > CLICK_PX) this.#drag(event, now, dx, dy);
  }

  #drag(event, at, dx, dy) {
    const { state, look, panelAt } = this.actions;
    const panel = panelAt(at.x, at.y);
    if (event.shiftKey || event.buttons === 2 || panel?.isSheet) {
      const width = panel?.width ?? this.canvas.clientWidth;
      const height = panel?.height ?? this.canvas.clientHeight;
      look({ pan: [state().pan[0] + dx / width, state().pan[1] - dy / height] });
      return;
    }
    const turn = turnBy(dx * RADIANS_PER_PX, dy * RADIANS_PER_PX);
    look({ rotation: normalize(multiply(turn, state().rotation)) });
  }

  #pinch(id, before, now) {
    const other = [...this.pointers].find(([key]) => key !== id)[1];
    const was = Math.hypot(before.x - other.x, before.y - other.y);
    const is = Math.hypot(now.x - other.x, now.y - other.y);
    if (was > 0) this.#zoom(is / was);
  }

  #up(event, isPick) {
    const at = this.pointers.get(event.pointerId);
    const wasAlone = this.pointers.size === 1;
    this.pointers.delete(event.pointerId);
    if (at && isPick && wasAlone && this.moved <= CLICK_PX) this.actions.pick(at.x, at.y);
    if (!wasAlone) this.moved = CLICK_PX + 1; // a pinch never ends in a pick
  }

  /** The page scrolls over the brain until a person has clicked or focused it. */
  #wheel(event) {
    const root = this.canvas.getRootNode();
    const isOurs = event.ctrlKey || root.activeElement === this.canvas;
    if (!isOurs) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.#zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.008 : 0.0015)));
  }

  #zoom(factor) {
    const { state, look } = this.actions;
    look({ zoom: Math.min(12, Math.max(0.3, state().zoom * factor)) });
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (!this.#turnKey(event) && !this.#plainKey(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  #turnKey(event) {
    if (!event.shiftKey) return false;
    const angle = Math.PI / 24;
    const [right, down] = {
      ArrowLeft: [-angle, 0], ArrowRight: [angle, 0], ArrowUp: [0, -angle], ArrowDown: [0, angle],
    }[event.key] ?? [0, 0];
    if (right === 0 && down === 0) return false;
    const { state, look } = this.actions;
    look({ rotation: normalize(multiply(turnBy(right, down), state().rotation)) });
    return true;
  }

  #plainKey(event) {
    const { actions } = this;
    switch (event.key) {
      case "ArrowLeft": actions.step(-1); return true;
      case "ArrowRight": actions.step(1); return true;
      case " ": actions.togglePlay(); return true;
      case "+": case "=": this.#zoom(1.15); return true;
      case "-": case "_": this.#zoom(1 / 1.15); return true;
      case "0": case "Home": actions.reset(); return true;
      default: return false;
    }
  }

  stop() {
    this.abort.abort();
  }
}
