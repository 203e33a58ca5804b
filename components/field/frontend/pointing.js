// Going from dot to dot with mouse, finger or arrow keys; the cortex hears of each.

import { emit, listen } from "../../shared/bus.js";
import { nearestDot, nextDot } from "./dots.js";

const REACH_PX = 10; // how near a dot the pointer must be
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const SOURCE = "field";

export class Pointing {
  /** `view` is the panel; `signal` ends the listening to the person. */
  constructor(view, { stage, dots }, signal) {
    this.view = view;
    this.dot = -1;
    const point = (event) => this.point(event);
    stage.addEventListener("pointermove", point, { signal });
    stage.addEventListener("pointerdown", point, { signal });
    stage.addEventListener("pointerleave", (event) => {
      // A finger leaves with every tap; what it pointed at stays to be read.
      if (event.pointerType !== "touch") this.say(-1);
    }, { signal });
    dots.addEventListener("keydown", (event) => this.walk(event), { signal });
    dots.addEventListener("blur", () => this.say(-1), { signal });
  }

  /** Follow what is pointed at in another component of the same view; returns stop(). */
  follow(name) {
    return listen("hover", name, ({ vertex }) => {
      this.show(vertex === null ? -1 : (this.view.dotOf.get(vertex) ?? -1));
    }, SOURCE);
  }

  point(event) {
    const { view } = this;
    if (view.cross.isHeld) return;
    const { x, y } = view.pixelsOf(event);
    this.say(nearestDot(view.px, view.py, view.codes, x, y, REACH_PX * view.pixelRatio));
  }

  walk(event) {
    if (event.key === "Escape") return this.say(-1);
    const arrow = ARROWS[event.key];
    if (arrow === undefined) return;
    event.preventDefault();
    const { px, py, codes, scale } = this.view;
    const { edge, middle } = scale;
    if (this.dot < 0) this.say(nearestDot(px, py, codes, middle.x, middle.y, edge));
    else this.say(nextDot(px, py, codes, this.dot, ...arrow, edge));
  }

  /** Highlight a dot here and tell the cortex. */
  say(dot) {
    if (dot === this.dot) return;
    this.show(dot);
    const { header, vertex } = this.view.message;
    emit("hover", header.view, { vertex: dot < 0 ? null : vertex[dot] }, SOURCE);
  }

  show(dot) {
    this.dot = dot;
    this.view.redraw("marks");
  }
}
