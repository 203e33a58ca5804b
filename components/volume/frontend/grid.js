// Where voxels lie: cells of a grid, places, columns, and slices through them; pure. Twin of
// components/volume/wire.py.

import { section } from "../../shared/wire.js";

/** What a cell holds instead of a column: nothing of the brain; a voxel without a value. */
export const OUTSIDE = -1;
export const NO_COLUMN = -2;

/** Pairs of u32 (first, length) in bytes -> every number. */
export function expandRuns(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let total = 0;
  for (let at = 4; at < bytes.byteLength; at += 8) total += view.getUint32(at, true);
  const numbers = new Int32Array(total);
  let n = 0;
  for (let at = 0; at < bytes.byteLength; at += 8) {
    const first = view.getUint32(at, true);
    const length = view.getUint32(at + 4, true);
    for (let i = 0; i < length; i++) numbers[n++] = first + i;
  }
  return numbers;
}

export class Grid {
  constructor(header, payload) {
    const { shape, strides, box, planes } = header;
    Object.assign(this, { shape, strides, box });
    this.size = shape[0] * shape[1] * shape[2];
    this.cells = expandRuns(section(payload, header.cells)); // of each place
    this.places = expandRuns(section(payload, header.columns)); // of each column
    this.placeAt = new Int32Array(this.size).fill(OUTSIDE); // of each cell
    this.columnAt = new Int32Array(this.size).fill(OUTSIDE);
    this.#findIndices();
    for (let place = 0; place < this.cells.length; place++) {
      this.placeAt[this.cells[place]] = place;
      this.columnAt[this.cells[place]] = NO_COLUMN;
    }
    for (let column = 0; column < this.places.length; column++) {
      this.columnAt[this.cells[this.places[column]]] = column;
    }
    this.planes = planes.map((plane) => new PlaneOfGrid(plane, box));
    this.regions = header.masks.map((mask) => ({
      name: mask.name,
      places: expandRuns(section(payload, mask)),
    }));
  }

  cellOf([i, j, k]) {
    const [a, b, c] = this.strides;
    return i * a + j * b + k * c;
  }

  /** i, j and k of every place, an array each. */
  #findIndices() {
    const { cells, strides, shape } = this;
    this.indices = strides.map((stride, axis) => {
      const along = new Int16Array(cells.length);
      for (let n = 0; n < along.length; n++) along[n] = Math.floor(cells[n] / stride) % shape[axis];
      return along;
    });
  }

  /** Index triple of a place. */
  indicesOf(place) {
    return this.indices.map((along) => along[place]);
  }

  /** Place at an index triple; -1 outside the brain. */
  placeOf(indices) {
    const isInside = indices.every((index, axis) => index >= 0 && index < this.shape[axis]);
    return isInside ? this.placeAt[this.cellOf(indices)] : OUTSIDE;
  }

  /** Column of a place; negative where it has no value. */
  columnOf(place) {
    return place < 0 ? OUTSIDE : this.columnAt[this.cells[place]];
  }

  /** Names of the regions that hold a place, the smallest first. */
  regionsAt(place) {
    return this.regions
      .filter(({ places }) => includes(places, place))
      .sort((a, b) => a.places.length - b.places.length)
      .map(({ name }) => name);
  }

  /** What `source` (a number a cell) holds in one slice, row by row from the top left. */
  slice(plane, index, source, out) {
    const { strides } = this;
    const base = index * strides[plane.fixed];
    let n = 0;
    for (let y = 0; y < plane.height; y++) {
      const row = base + plane.upAt(y) * strides[plane.up];
      for (let x = 0; x < plane.width; x++) {
        out[n++] = source[row + plane.acrossAt(x) * strides[plane.across]];
      }
    }
    return out;
  }
}

/** Whether a rising list holds a number. */
function includes(numbers, wanted) {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return numbers[low] === wanted;
}

/** One family of slices: the part of the grid with voxels, in picture elements from the top left. */
export class PlaneOfGrid {
  constructor(plane, box) {
    Object.assign(this, plane);
    [this.low, this.high] = box[plane.fixed];
    [this.left0, this.right0] = box[plane.across];
    [this.bottom0, this.top0] = box[plane.up];
    this.width = this.right0 - this.left0 + 1;
    this.height = this.top0 - this.bottom0 + 1;
  }

  /** Index along the axis drawn across, of a picture element. */
  acrossAt(x) {
    return this.is_across_flipped ? this.right0 - x : this.left0 + x;
  }

  /** Index along the axis drawn upwards, of a picture element; y counts from the top. */
  upAt(y) {
    return this.is_up_flipped ? this.bottom0 + y : this.top0 - y;
  }

  xOf(index) {
    return this.is_across_flipped ? this.right0 - index : index - this.left0;
  }

  yOf(index) {
    return this.is_up_flipped ? index - this.bottom0 : this.top0 - index;
  }

  /** Index triple of a picture element in one slice. */
  indicesAt(x, y, index) {
    const triple = [0, 0, 0];
    triple[this.fixed] = index;
    triple[this.across] = this.acrossAt(x);
    triple[this.up] = this.upAt(y);
    return triple;
  }
}

/** Name of an axis's index. */
export const indexName = (axis) => "ijk"[axis];
