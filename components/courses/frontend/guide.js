// The delay guide: which words a response is mostly about; pure but for `Guide`.

import { lowerBound } from "./sequence.js";

export const LONGEST_S = 15;

/** Band of onsets, in s before the response: the shape stretches with the delay. */
export function bandOf(delay, { peak, from, to }) {
  return { from: (delay * from) / peak, to: (delay * to) / peak };
}

/** Words (first, stop) whose onsets lie in the band before a time. */
export function wordsBefore(onsets, time, band) {
  return [lowerBound(onsets, time - band.to), lowerBound(onsets, time - band.from)];
}

/** A delay in steps of 0.1 s, within its limits. */
export function fitDelay(delay) {
  return Math.min(Math.max(Math.round(delay * 10) / 10, 0.5), LONGEST_S);
}

/** Lets the band be dragged; `actions`: delay(), pxPerS(), set(delay), click(event). */
export class Guide {
  constructor(band, actions, signal) {
    this.held = null;
    const listen = (type, handler) => band.addEventListener(type, handler, { signal });
    listen("pointerdown", (event) => {
      this.held = { x: event.clientX, delay: actions.delay(), hasMoved: false };
      band.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    listen("pointermove", (event) => {
      if (!this.held) return;
      const by = event.clientX - this.held.x;
      this.held.hasMoved ||= Math.abs(by) > 3;
      if (this.held.hasMoved) actions.set(this.held.delay - by / actions.pxPerS());
    });
    listen("pointerup", (event) => {
      if (this.held && !this.held.hasMoved) actions.click(event);
      this.held = null;
    });
    listen("pointercancel", () => (this.held = null));
  }
}
