// For each line of sight the column of largest |value|, frame by frame; pure.

import { NO_COLUMN, OUTSIDE } from "./grid.js";

const MOST_KEPT = 64; // frames

export class Projections {
  /** sizes: code -> |value|, NaN where missing. */
  constructor(grid, codes, sizes) {
    Object.assign(this, { codes, sizes, nColumns: grid.places.length });
    this.kept = new Map();
    this.planes = grid.planes.map((plane) => {
      const elements = elementsOf(grid, plane);
      const base = new Int32Array(plane.width * plane.height).fill(OUTSIDE);
      for (const element of elements) base[element] = NO_COLUMN;
      const targets = grid.places.map((place) => elements[place]);
      return { base, targets, largest: new Float32Array(base.length) };
    });
  }

  /** Column on show in each picture element of a plane, at a frame. */
  columns(plane, frame) {
    let found = this.kept.get(frame);
    if (!found) {
      found = this.planes.map((one) => this.#project(one, frame * this.nColumns));
      if (this.kept.size >= MOST_KEPT) this.kept.delete(this.kept.keys().next().value);
      this.kept.set(frame, found);
    }
    return found[plane];
  }

  #project({ base, targets, largest }, offset) {
    const { codes, sizes } = this;
    const columns = base.slice();
    largest.fill(-1);
    for (let column = 0; column < targets.length; column++) {
      const size = sizes[codes[offset + column]];
      const element = targets[column];
      if (size > largest[element]) {
        largest[element] = size;
        columns[element] = column;
      }
    }
    return columns;
  }
}

/** Picture element that each place falls on when a plane is looked through. */
export function elementsOf(grid, plane) {
  const across = grid.indices[plane.across];
  const up = grid.indices[plane.up];
  const elements = new Int32Array(across.length);
  for (let place = 0; place < elements.length; place++) {
    elements[place] = plane.yOf(up[place]) * plane.width + plane.xOf(across[place]);
  }
  return elements;
}
