// One message from Python -> projected frames and where their cells stand. Twin of
// components/glass/wire.py.

import { decodeMessage, section } from "../../shared/wire.js";
import { NOT_MODELLED } from "./colors.js";

/** Bytes of a zlib stream. */
export async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Numbers of a section of a fresh payload. */
function numbers(Kind, payload, place) {
  const bytes = section(payload, place);
  return new Kind(bytes.buffer, bytes.byteOffset, bytes.byteLength / Kind.BYTES_PER_ELEMENT);
}

/** {header, payload, codes, views: [{..., cells, start, at}], marks, behind}; payload: unpacked. */
export async function decodeGlass(bytes) {
  const { header, payload: packed } = decodeMessage(bytes);
  const payload = await inflate(packed);
  const nCells = header.n_left;
  let start = 0;
  const views = header.views.map((view) => {
    const cells = numbers(Uint32Array, payload, view.cells);
    const at = new Int32Array(view.width * view.height).fill(-1); // cell of the picture -> its number
    cells.forEach((cell, n) => (at[cell] = n));
    start += cells.length;
    return { ...view, cells, at, start: start - cells.length };
  });
  const marks = header.marks ? marksOf(header.marks, payload) : null;
  const codes = payload.subarray(0, header.n_frames * nCells);
  return { header, payload, codes, views, marks, behind: behindOf(header, payload) };
}

/** Linked places: coordinates, and the named place that each is drawn for, where they have one. */
function marksOf(marks, payload) {
  const owners = marks.named ? numbers(Uint16Array, payload, marks.named) : null;
  return { ...marks, places: numbers(Int16Array, payload, marks), owners };
}

/** Named places behind each cell: {columns, starts, codes, nPlaces}; null where none has a name. */
function behindOf({ behind }, payload) {
  if (!behind) return null;
  const counts = numbers(Uint16Array, payload, behind.counts);
  const starts = new Uint32Array(counts.length + 1);
  counts.forEach((count, cell) => (starts[cell + 1] = starts[cell] + count));
  return {
    columns: numbers(Uint16Array, payload, behind.columns),
    starts,
    codes: section(payload, behind.codes),
    nPlaces: behind.n_places,
  };
}

/** Named place that is seen in a cell: that of the largest size; -1 where none has a value. */
export function placeBehind({ header, behind }, cell, frame) {
  if (!behind) return -1;
  let found = -1;
  let largest = -1;
  for (let n = behind.starts[cell]; n < behind.starts[cell + 1]; n++) {
    const code = behind.codes[frame * behind.nPlaces + behind.columns[n]];
    if (code === NOT_MODELLED) continue;
    const size = Math.abs(header.minimum + (code * (header.maximum - header.minimum)) / 254);
    if (size > largest) [largest, found] = [size, behind.columns[n]];
  }
  return found;
}

/** Where a coordinate lies in a view, in cells; [name, value in the middle of cell 0, step]. */
export const toCells = ([, first, step], value) => (value - first) / step + 0.5;

/** Coordinate in the middle of a cell. */
export const toCoordinate = ([, first, step], cell) => first + cell * step;

/** Position of a linked place in a view, in cells; null where that view does not show it. */
export function markIn(view, marks, place) {
  if (!marks || place < 0 || 3 * place >= marks.places.length) return null;
  const isLeft = place < marks.n_left;
  if ((view.name === "l" && !isLeft) || (view.name === "r" && isLeft)) return null;
  const along = ([name]) => marks.places[3 * place + marks.axes.indexOf(name)] * marks.scale;
  return { x: toCells(view.across, along(view.across)), y: toCells(view.up, along(view.up)) };
}

/**
 * Linked place that stands for a named one near a point of a view, in cells: the nearest of those
 * drawn for it; -1 where none is.
 */
export function linkedNear({ marks }, view, named, x, y) {
  if (!marks?.owners || named < 0) return -1;
  let found = -1;
  let least = Infinity;
  for (let place = 0; place < marks.owners.length; place++) {
    if (marks.owners[place] !== named) continue;
    const at = markIn(view, marks, place);
    const away = at ? (at.x - x) ** 2 + (at.y - y) ** 2 : Infinity;
    if (away < least) [least, found] = [away, place];
  }
  return found;
}
