// One message from Python -> lines, words, bars and times; pure. Twin of components/courses/wire.py.

import { decodeMessage, section } from "../../shared/wire.js";

export function decodeCourses(bytes) {
  const { header, payload } = decodeMessage(bytes);
  const numbers = (place) => new Float32Array(section(payload, place).slice().buffer);
  const { n_rows: count, tr_s: tr, first_s: first } = header;
  const times = Array.from({ length: count }, (_, row) => first + row * tr);
  const values = numbers(header.values);
  const lines = header.lines.map((line, n) => ({
    ...line,
    // plotly takes null for a gap
    values: Array.from(values.subarray(n * count, (n + 1) * count), (v) => (isFinite(v) ? v : null)),
  }));
  const onsets = numbers(header.onsets);
  const { effects } = header;
  const bars = effects && {
    ...effects,
    ...Object.fromEntries(
      ["onsets", "widths", "values", "means", "lows", "highs"].map((name) => [
        name,
        Array.from(numbers(effects[name])),
      ]),
    ),
  };
  const end = Math.max(first + count * tr, (onsets.at(-1) ?? first) + 1);
  return { ...header, count, tr, first, end, times, lines, onsets, bars };
}

/** First index whose number is at least `value`, in rising numbers. */
export function lowerBound(numbers, value) {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Line that a name of the bus means: its own, or that of a region inside it; -1 for none. */
export function lineOf(lines, name) {
  const own = lines.findIndex((line) => line.name === name);
  return own >= 0 ? own : lines.findIndex((line) => line.parts.includes(name));
}
