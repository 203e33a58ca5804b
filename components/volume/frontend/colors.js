// Codes -> colours of picture elements; pure.

import { halfToNumber } from "../../shared/wire.js";
import { NO_COLUMN } from "./grid.js";

/** Steps from the lowest to the highest value that a colour is kept for. */
const STEPS = 4096;
export const HIDDEN = [178, 176, 172];
export const MISSING = [121, 129, 142];

/** Packed as canvases keep it on little-endian machines. */
const opaque = (red, green, blue) =>
  ((255 << 24) | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red)) >>> 0;
const MISSING_PIXEL = opaque(...MISSING);

/** Code -> value, NaN for "not modelled"; 256 or 65,536 entries. */
export function valueTable(header) {
  if (header.encoding === "f16") {
    return Float32Array.from({ length: 65536 }, (_, half) => halfToNumber(half));
  }
  const step = (header.maximum - header.minimum) / 254;
  return Float32Array.from({ length: 256 }, (_, code) =>
    code === 255 ? NaN : header.minimum + code * step,
  );
}

/** Values over the range of the data -> packed colours, and which step a value is. */
export class Palette {
  constructor() {
    this.pixels = new Uint32Array(STEPS);
  }

  setRange(header) {
    this.isSigned = header.is_signed;
    this.minimum = header.minimum;
    this.perStep = (header.maximum - header.minimum) / (STEPS - 1);
  }

  /** Position (0 ... STEPS - 1) of every code; NaN stays. */
  positions(values) {
    return values.map((value) => Math.min(Math.max((value - this.minimum) / this.perStep, 0), STEPS - 1));
  }

  /** Colours for a colour map, a limit and a threshold. */
  update(lut, { limit, threshold, fade }) {
    for (let step = 0; step < STEPS; step++) {
      const value = this.minimum + step * this.perStep;
      const share = this.isSigned ? 0.5 + (0.5 * value) / limit : value / limit;
      const at = 3 * Math.min(255, Math.max(0, Math.floor(share * 256)));
      const size = (this.isSigned ? Math.abs(value) : value) + this.perStep / 2;
      const shown = shownShare(size, threshold, fade);
      const red = HIDDEN[0] + (lut[at] - HIDDEN[0]) * shown;
      const green = HIDDEN[1] + (lut[at + 1] - HIDDEN[1]) * shown;
      const blue = HIDDEN[2] + (lut[at + 2] - HIDDEN[2]) * shown;
      this.pixels[step] = opaque(red, green, blue);
    }
  }
}

/** How much of its colour a size keeps. */
function shownShare(size, threshold, fade) {
  if (threshold <= 0) return 1;
  if (!fade) return size >= threshold ? 1 : 0;
  return Math.min(Math.max(size / threshold, 0), 1) ** 2;
}

/**
 * Colours of one panel into `pixels` (Uint32Array). from, to: {columns (one a picture element),
 * offset (of the frame in codes)}; `between` mixes the two frames.
 */
export function paint(pixels, codes, from, to, between, positions, palette) {
  const colors = palette.pixels;
  const a = from.columns;
  const b = to.columns;
  for (let n = 0; n < a.length; n++) {
    const column = a[n];
    if (column < 0) {
      pixels[n] = column === NO_COLUMN ? MISSING_PIXEL : 0;
      continue;
    }
    let position = positions[codes[from.offset + column]];
    if (between > 0) {
      const other = b[n] < 0 ? NaN : positions[codes[to.offset + b[n]]];
      position += (other - position) * between;
    }
    pixels[n] = position === position ? colors[(position + 0.5) | 0] : MISSING_PIXEL; // NaN is not itself
  }
}
