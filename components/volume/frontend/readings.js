// Readings of a voxel: its regions, its indices and value.

import { Readings, whenWords } from "../../shared/readings.js";
import { decodeValue, formatReading, stepAt } from "../../shared/wire.js";

export class VoxelReadings extends Readings {
  setSequence(header, grid, codes) {
    Object.assign(this, { header, grid, codes });
  }

  /** Decoded value of a place at a real frame; NaN where it has none. */
  valueAt(place, frame) {
    const column = this.grid.columnOf(place);
    return column < 0 ? NaN : decodeValue(this.header, this.codes, frame, column);
  }

  words(place, frame) {
    const { header, grid } = this;
    const regions = grid.regionsAt(place);
    const [i, j, k] = grid.indicesOf(place);
    const isLow = regions.some((name) => header.low_confidence.includes(name));
    const value = this.valueAt(place, frame);
    const number = formatReading(value, stepAt(header, value));
    const where = `${regions.join(", ") || "no named region"} · i ${i} j ${j} k ${k}`;
    return {
      name: `${where}${isLow ? " · low confidence" : ""}`,
      value: Number.isFinite(value) ? `≈ ${number} ${header.units}` : header.missing,
      when: whenWords(header, frame),
    };
  }
}
