// The words above the courses, at their onsets: a tick each, written out where there is room.

import { wordLevels } from "./axis.js";
import { lowerBound } from "./sequence.js";

export const LEVELS = 4;
export const LEVEL_PX = 17;
export const LANE_PX = LEVELS * LEVEL_PX + 12;
const TICK_PX = 7;
/** Words on one page of the axis of which widths are asked for; the ticks show all. */
const MOST_WORDS = 1500;

export class Lane {
  constructor(parts) {
    this.parts = parts;
    this.path = parts.ticks.firstElementChild;
    this.pen = document.createElement("canvas").getContext("2d");
    this.nodes = new Map(); // number of a word -> its node
    this.marked = [0, 0];
  }

  /** Words of the shown part of the axis. */
  draw({ words, onsets }, axis, font) {
    const first = lowerBound(onsets, axis.from);
    const stop = lowerBound(onsets, axis.to);
    const starts = Float64Array.from({ length: stop - first }, (_, n) => axis.toPx(onsets[first + n]));
    this.path.setAttribute("d", tickPath(starts));
    this.nodes.clear();
    this.parts.texts.replaceChildren();
    if (stop - first > MOST_WORDS) return;
    this.pen.font = `12px ${font}`;
    const widths = Float64Array.from(starts, (_, n) => this.pen.measureText(words[first + n]).width + 7);
    wordLevels(starts, widths, LEVELS).forEach((level, n) => {
      if (level < 0 || starts[n] + widths[n] > axis.width + 12) return;
      const node = document.createElement("span");
      node.textContent = words[first + n];
      node.dir = "auto";
      node.style.left = `${starts[n]}px`;
      node.style.top = `${(LEVELS - 1 - level) * LEVEL_PX}px`;
      this.nodes.set(first + n, node);
    });
    this.parts.texts.append(...this.nodes.values());
    this.#show(true);
  }

  /** Words from `first` to `stop` stand out: what a response is mostly about. */
  mark(first, stop) {
    if (first === this.marked[0] && stop === this.marked[1]) return false;
    this.#show(false);
    this.marked = [first, stop];
    this.#show(true);
    return true;
  }

  #show(isMarked) {
    for (let word = this.marked[0]; word < this.marked[1]; word++)
      this.nodes.get(word)?.classList.toggle("bc-marked", isMarked);
  }
}

/** One tick a pixel at most. */
function tickPath(starts) {
  const places = new Set();
  for (const start of starts) places.add(Math.round(start));
  const top = LANE_PX - TICK_PX - 2;
  return [...places].map((x) => `M${x + 0.5} ${top}v${TICK_PX}`).join("");
}
