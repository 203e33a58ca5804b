// The time axis that lane, bars and courses share: which part is shown, pixels, ticks; pure.

/** Kept on the left of the playhead when the axis turns a page: what was said lies there. */
const LEAD_S = 10;

export class Axis {
  constructor() {
    Object.assign(this, { from: 0, to: 1, left: 0, width: 1 });
  }

  /** Plot area in px. */
  resize(left, width) {
    Object.assign(this, { left, width: Math.max(width, 1) });
  }

  /** Show from `from` to `to`, in s. */
  show(from, to) {
    Object.assign(this, { from, to });
  }

  get pxPerS() {
    return this.width / (this.to - this.from);
  }

  /** Distance in px of a time from the left end of the plot area. */
  toPx(time) {
    return (time - this.from) * this.pxPerS;
  }

  toTime(px) {
    return this.from + px / this.pxPerS;
  }
}

/**
 * Part of the axis to show around a time: all of it, or a page of `span` s.
 * Pages overlap, so that the words that a response is about are on the same page.
 */
export function pageAt(time, span, { first, end }) {
  const room = end - first;
  if (!span || span >= room) return [first - 0.006 * room, end + 0.006 * room];
  const step = span - Math.min(LEAD_S, span / 2);
  const page = Math.max(0, Math.floor((time - first - (span - step)) / step));
  const from = Math.min(first + page * step, end - span);
  return [from, from + span];
}

/** Volumes to number on the upper axis: {times, texts}, at least `room` px apart. */
export function volumeTicks({ count, first, tr }, axis, room = 44) {
  const least = room / (axis.pxPerS * tr);
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000].find((one) => one >= least) ?? 5000;
  const times = [];
  const texts = [];
  for (let number = step === 1 ? 1 : step; number <= count; number += step) {
    const time = first + (number - 1) * tr;
    if (time < axis.from || time > axis.to) continue;
    times.push(time);
    texts.push(String(number));
  }
  return { times, texts };
}

/**
 * Level (from 0) on which each word is written, -1 where there is no room; longer words first.
 * starts and widths in px; only words from `first` to `stop` are looked at.
 */
export function wordLevels(starts, widths, count) {
  const held = Array.from({ length: count }, () => []);
  const levels = new Int8Array(starts.length).fill(-1);
  const order = Array.from(starts.keys()).sort((a, b) => widths[b] - widths[a] || a - b);
  for (const word of order) {
    const from = starts[word];
    const to = from + widths[word];
    levels[word] = held.findIndex((taken) => taken.every(([a, b]) => b <= from || a >= to));
    if (levels[word] >= 0) held[levels[word]].push([from, to]);
  }
  return levels;
}
