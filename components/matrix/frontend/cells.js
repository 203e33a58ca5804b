// Where a cell is, which one is meant, what is said of it: without DOM.

/** Bytes of a base64 text. */
export function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Row and column under a point of a table of `nRows` x `n` square cells, `width` px wide; or null. */
export function cellAt(x, y, width, nRows, n) {
  const row = Math.floor((y / width) * n);
  const column = Math.floor((x / width) * n);
  const isInside = row >= 0 && column >= 0 && row < nRows && column < n;
  return isInside ? { row, column } : null;
}

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** Cell after an arrow key, kept inside; null for another key. */
export function moved(cell, key, nRows, n) {
  const step = STEPS[key];
  if (!step) return null;
  const from = cell ?? { row: 0, column: 0 };
  const kept = (value, count) => Math.min(count - 1, Math.max(0, value));
  return { row: kept(from.row + step[0], nRows), column: kept(from.column + step[1], n) };
}

const TOP_CODE = 254;

/** Similarity that a code stands for. */
export function valueOf(code, limit) {
  return ((code / TOP_CODE) * 2 - 1) * limit;
}

/** Groups of columns as groups of the rows that are there: those without a row have none. */
export function rowGroups(groups, rows) {
  const at = (place) => rows.filter((row) => row < place).length;
  return groups
    .map(([name, first, behind]) => [name, at(first), at(behind)])
    .filter(([, first, behind]) => behind > first);
}

/** RGBA of every cell, row by row. */
export function coloursOf(codes, lut) {
  const out = new Uint8ClampedArray(codes.length * 4);
  codes.forEach((code, index) => {
    const entry = Math.round((code / TOP_CODE) * 255) * 3;
    out.set([lut[entry], lut[entry + 1], lut[entry + 2], 255], index * 4);
  });
  return out;
}

/** Words for a cell. */
export function wordsOf(data, codes, { row, column }) {
  const value = valueOf(codes[row * data.n + column], data.limit);
  const name = (index) => {
    const more = data.members[index] - 1;
    return more ? `${data.names[index]} and ${more} more like it` : data.names[index];
  };
  return {
    pattern: name(data.rows[row]),
    picture: name(column),
    score: `r = ${value.toFixed(2)}`,
    isRight: data.rows[row] === column,
  };
}
