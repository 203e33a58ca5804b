// The receptive fields as dots: which colour each has now, and drawing them in few strokes.

/** Codes beyond the 256 colours of the table. */
export const NOT_MODELLED = 256;
export const BELOW_THRESHOLD = 257;
export const HIDDEN = 258;
const N_CODES = 259;

/** Lowest and highest value of the colour table: the same rule as the cortex's. */
export function colourEnds(range) {
  return range.isSigned ? [-range.limit, range.limit] : [0, range.limit];
}

/** Colour code of each value into `codes`; `isShown[area]` says which areas are wanted. */
export function colourCodes(values, area, isShown, range, codes) {
  const [low, high] = colourEnds(range);
  const perUnit = 256 / (high - low);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!isShown[area[i]]) codes[i] = HIDDEN;
    else if (Number.isNaN(value)) codes[i] = NOT_MODELLED;
    else if (Math.abs(value) < range.threshold) codes[i] = BELOW_THRESHOLD;
    else codes[i] = Math.min(Math.max(Math.floor((value - low) * perUnit), 0), 255);
  }
  return codes;
}

/** "rgb(…)" of each of the 256 colours. */
export function cssColours(lut) {
  return Array.from({ length: 256 }, (_, k) => `rgb(${lut[3 * k]},${lut[3 * k + 1]},${lut[3 * k + 2]})`);
}

/** Draws dots sorted by colour, so that a frame costs one stroke a colour and not one a dot. */
export class DotPainter {
  constructor(count) {
    this.order = new Uint16Array(count);
    this.first = new Uint32Array(N_CODES + 1);
    this.cursor = new Uint32Array(N_CODES);
  }

  /** Counting sort of the dots by code. */
  sort(codes) {
    const { order, first, cursor } = this;
    first.fill(0);
    for (const code of codes) first[code + 1]++;
    for (let code = 0; code < N_CODES; code++) first[code + 1] += first[code];
    cursor.set(first.subarray(0, N_CODES));
    for (let i = 0; i < codes.length; i++) order[cursor[codes[i]]++] = i;
  }

  /** `px`, `py`: canvas pixels of each dot; `look`: {radius, colours, rim, empty, faint}. */
  draw(context, px, py, codes, look) {
    this.sort(codes);
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    context.lineCap = "round";
    // Places without a value lie underneath: hollow, so that grey is never read as a colour.
    this.drawRings(context, px, py, NOT_MODELLED, look);
    this.stroke(context, px, py, BELOW_THRESHOLD, BELOW_THRESHOLD, look.radius * 0.8, look.faint);
    this.stroke(context, px, py, 0, 255, 2 * look.radius + look.rimWidth, look.rim);
    for (let code = 0; code < 256; code++) {
      this.stroke(context, px, py, code, code, 2 * look.radius, look.colours[code]);
    }
  }

  /** Dots of codes `low`..`high` as very short round-capped lines: half the cost of arcs. */
  stroke(context, px, py, low, high, width, style) {
    const end = this.first[high + 1];
    let k = this.first[low];
    if (k === end) return;
    context.beginPath();
    for (; k < end; k++) {
      const i = this.order[k];
      context.moveTo(px[i], py[i]);
      // Not quite zero: the standard lets browsers drop lines without a length.
      context.lineTo(px[i] + 0.01, py[i]);
    }
    context.lineWidth = width;
    context.strokeStyle = style;
    context.stroke();
  }

  drawRings(context, px, py, code, look) {
    const radius = look.radius * 0.8;
    context.beginPath();
    for (let k = this.first[code]; k < this.first[code + 1]; k++) {
      const i = this.order[k];
      context.moveTo(px[i] + radius, py[i]);
      context.arc(px[i], py[i], radius, 0, 2 * Math.PI);
    }
    context.lineWidth = look.rimWidth;
    context.strokeStyle = look.empty;
    context.stroke();
  }
}

/** Index of the shown dot nearest to a pixel, or -1 beyond `reach` pixels. */
export function nearestDot(px, py, codes, x, y, reach) {
  let best = -1;
  let bestSquare = reach * reach;
  for (let i = 0; i < codes.length; i++) {
    if (codes[i] === HIDDEN) continue;
    const square = (px[i] - x) ** 2 + (py[i] - y) ** 2;
    if (square < bestSquare) {
      best = i;
      bestSquare = square;
    }
  }
  return best;
}

/** Next shown dot from dot `from` towards (dx, dy), for the arrow keys; `from` if there is none. */
export function nextDot(px, py, codes, from, dx, dy, edge) {
  let best = from;
  let bestCost = Infinity;
  for (let i = 0; i < codes.length; i++) {
    if (i === from || codes[i] === HIDDEN) continue;
    if (px[i] < 0 || py[i] < 0 || px[i] > edge || py[i] > edge) continue;
    const along = (px[i] - px[from]) * dx + (py[i] - py[from]) * dy;
    const across = Math.abs((px[i] - px[from]) * dy - (py[i] - py[from]) * dx);
    if (along <= 0 || across > along) continue;
    const cost = along + 2 * across;
    if (cost < bestCost) {
      best = i;
      bestCost = cost;
    }
  }
  return best;
}
