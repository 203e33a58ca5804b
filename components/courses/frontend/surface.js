// Pointer and keyboard over lane, bars and courses: hover names, a click sends the page there.

import { LANE_PX } from "./lane.js";

export class Surface {
  constructor(view, signal) {
    this.view = view;
    this.node = view.parts.surface;
    this.row = null;
    const listen = (type, handler) => this.node.addEventListener(type, handler, { signal });
    listen("pointermove", (event) => this.#hover(event));
    listen("pointerleave", () => this.#leave());
    listen("click", (event) => this.click(event));
    listen("keydown", (event) => this.#step(event));
  }

  /** Volume, time and place of a pointer event; a point of a course is its volume's onset. */
  #at({ clientX, clientY }) {
    const { axis, header } = this.view;
    const box = this.node.getBoundingClientRect();
    const [x, y] = [clientX - box.left, clientY - box.top];
    const time = axis.toTime(x - axis.left);
    const volume = (time - header.first) / header.tr;
    const isLane = y < LANE_PX; // there a volume reaches to the next one
    const row = isLane ? Math.floor(volume + 1e-6) : Math.round(volume);
    return { x, y, time, row: Math.min(Math.max(row, 0), header.count - 1) };
  }

  #hover(event) {
    if (!this.view.header || event.pointerType === "touch") return;
    const { row, time, x, y } = this.#at(event);
    this.showRow(row);
    this.view.point(row, this.view.barAt(time), x, y);
  }

  #leave() {
    if (!this.view.header) return;
    this.showRow(null);
    this.view.point(null, -1, 0, 0);
  }

  click(event) {
    if (this.view.header) this.view.goTo(this.#at(event).row);
  }

  #step(event) {
    const { view } = this;
    const at = Number.isFinite(view.frame) ? Math.round(view.frame) : 0;
    const page = Math.max(1, Math.round((view.axis.to - view.axis.from) / view.header.tr / 2));
    const to = {
      ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1,
      PageUp: at - page, PageDown: at + page, Home: 0, End: view.header.count - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    view.goTo(to);
  }

  /** Mark a volume, pointed at here or elsewhere; null for none. */
  showRow(row) {
    const { view } = this;
    const { hoverline } = view.parts;
    this.row = row;
    hoverline.hidden = row === null || !view.header;
    if (hoverline.hidden) return;
    const { first, tr } = view.header;
    hoverline.style.transform = `translateX(${view.axis.toPx(first + row * tr)}px)`;
  }
}
