// Codes -> colour and opacity; pure. Twin of code_colours in models/drawing/glass_frames.py.

export const NOT_MODELLED = 255;
const LAST_CODE = 254;
/** Steps between two codes, for what is drawn between two frames. */
const FINE = 4;
export const STEPS = LAST_CODE * FINE + 1;

/** What is not modelled: the viewers' slate, as if behind glass. */
const MISSING = [121, 129, 142];
const MISSING_OPACITY = 0.35;
/** Signed values below this share of the limit let the glass show. */
const CLEAR_SHARE = 0.12;

/** Packed as canvases keep it on little-endian machines. */
const packed = (red, green, blue, opacity) =>
  ((Math.round(255 * opacity) << 24) | (blue << 16) | (green << 8) | red) >>> 0;

export const MISSING_PIXEL = packed(...MISSING, MISSING_OPACITY);

/** How much of a value of some size is seen. */
export function opacityOf(size, isSigned, { limit, threshold, fade }) {
  const clear = isSigned ? Math.min(1, size / (CLEAR_SHARE * limit)) : 1;
  if (threshold <= 0) return clear;
  if (!fade) return size >= threshold ? clear : 0;
  return Math.min(clear, Math.min(Math.max(size / threshold, 0), 1) ** 2);
}

/** Colours (Uint32Array of STEPS) from the lowest value to the highest. */
export function palette(header, lut, state, into = new Uint32Array(STEPS)) {
  const { minimum, maximum, is_signed: isSigned } = header;
  for (let step = 0; step < STEPS; step++) {
    const value = minimum + ((maximum - minimum) * step) / (STEPS - 1);
    const share = isSigned ? 0.5 + (0.5 * value) / state.limit : value / state.limit;
    const at = 3 * Math.min(255, Math.max(0, Math.floor(share * 256)));
    const opacity = opacityOf(isSigned ? Math.abs(value) : value, isSigned, state);
    into[step] = packed(lut[at], lut[at + 1], lut[at + 2], opacity);
  }
  return into;
}

/**
 * Colours of one view into `pixels` (Uint32Array of its cells). from, to: where its codes begin in
 * two frames; `between` mixes them.
 */
export function paint(pixels, cells, codes, from, to, between, colors) {
  for (let n = 0; n < cells.length; n++) {
    const a = codes[from + n];
    if (between === 0) {
      pixels[cells[n]] = a === NOT_MODELLED ? MISSING_PIXEL : colors[a * FINE];
      continue;
    }
    const b = codes[to + n];
    if (a === NOT_MODELLED || b === NOT_MODELLED) {
      const nearer = between < 0.5 ? a : b;
      pixels[cells[n]] = nearer === NOT_MODELLED ? MISSING_PIXEL : colors[nearer * FINE];
    } else pixels[cells[n]] = colors[((a + (b - a) * between) * FINE + 0.5) | 0];
  }
}
