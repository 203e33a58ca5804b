// The fixation cross: a button that is dragged with mouse or finger and moved with arrow keys.
// Places are {x, y} in degrees from the picture's centre, right and up positive.

import { fixationWords } from "./words.js";

/** After so long without an arrow key the cross counts as released. */
const SETTLE_MS = 450;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export class Cross {
  /** `view` is the panel; `signal` ends all listening. */
  constructor(view, button, signal) {
    this.view = view;
    this.button = button;
    this.candidate = null; // where it is held or was let go; null where the response has it
    this.isHeld = false;
    this.timer = 0;
    const listen = (type, listener) => button.addEventListener(type, listener, { signal });
    listen("pointerdown", (event) => {
      if (event.button === 0) button.setPointerCapture(event.pointerId);
    });
    listen("pointermove", (event) => {
      if (button.hasPointerCapture(event.pointerId)) this.move(view.locate(event));
    });
    listen("pointerup", () => this.release());
    listen("pointercancel", () => this.cancel());
    listen("blur", () => this.release());
    listen("keydown", (event) => this.step(event));
    signal.addEventListener("abort", () => clearTimeout(this.timer));
  }

  /** Where the cross is drawn. */
  get place() {
    return this.candidate ?? this.view.fixation;
  }

  /** Whether it was let go and the answer for its new place is not here yet. */
  get isPending() {
    return this.candidate !== null && !this.isHeld;
  }

  step(event) {
    if (event.key === "Escape") return this.cancel();
    if (event.key === "Enter") return this.release();
    const arrow = ARROWS[event.key];
    if (arrow === undefined && event.key !== "Home") return;
    event.preventDefault();
    const degrees = event.shiftKey ? 1 : this.view.message.header.fixation_step_deg;
    const { x, y } = this.place;
    this.move(arrow ? { x: x + arrow[0] * degrees, y: y + arrow[1] * degrees } : { x: 0, y: 0 });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.release(), SETTLE_MS);
  }

  move(place) {
    this.candidate = this.settle(place);
    this.isHeld = true;
    this.show();
  }

  release() {
    clearTimeout(this.timer);
    if (!this.isHeld) return;
    this.isHeld = false;
    const { x, y } = this.candidate;
    const before = this.view.fixation;
    if (Math.abs(x - before.x) < 1e-6 && Math.abs(y - before.y) < 1e-6) return this.cancel();
    this.view.setTrigger("fixation", { x_deg: x, y_deg: y });
    this.show();
  }

  /** Back to where the response has it; also when a new response is here. */
  cancel() {
    clearTimeout(this.timer);
    this.candidate = null;
    this.isHeld = false;
    this.show();
  }

  /** On the setting's grid, in its range, and inside the panel. */
  settle({ x, y }) {
    const { fixation_step_deg: step, fixation_limit_deg: limit } = this.view.message.header;
    const most = Math.floor(Math.min(limit, this.view.half) / step + 1e-6);
    const keep = (degrees) => {
      const steps = Math.min(Math.max(Math.round(degrees / step), -most), most);
      return Number((steps * step).toFixed(6));
    };
    return { x: keep(x), y: keep(y) };
  }

  show() {
    this.view.root.classList.toggle("is-moving", this.isHeld);
    // The dots stay pale until the answer for the new place is here.
    this.view.root.classList.toggle("is-pending", this.isPending);
    this.view.redraw("layout");
  }

  /** Bring the button to CSS pixels `x`, `y` of the square. */
  draw(x, y, isMovable) {
    this.button.style.translate = `${x}px ${y}px`;
    this.button.disabled = !isMovable;
    this.button.setAttribute(
      "aria-label",
      `Fixation point, ${fixationWords(this.place)}. ` +
        "Arrow keys move it, with Shift by one degree; Home centres it.",
    );
  }
}
