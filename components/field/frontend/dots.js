// The receptive fields as dots: which colour each has now, and stamping them.

/** Codes beyond the 256 colours of the table. */
export const NOT_MODELLED = 256;
export const BELOW_THRESHOLD = 257;
export const HIDDEN = 258;
const COLOURED = 255;

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
    else if ((range.isSigned ? Math.abs(value) : value) < range.threshold) codes[i] = BELOW_THRESHOLD;
    else codes[i] = Math.min(Math.max(Math.floor((value - low) * perUnit), 0), 255);
  }
  return codes;
}

/**
 * Draws all dots by stamping pixels. A path a dot costs as much script, and then five times as
 * much again where the browser has no graphics card.
 */
export class DotPainter {
  constructor(context) {
    this.context = context;
    this.stamps = [];
  }

  /** New size or new look: {radius, rimWidth} in pixels, {rim, empty, faint} as [r, g, b]. */
  prepare(edge, look) {
    const reach = Math.ceil(look.radius + look.rimWidth) + 1;
    this.edge = edge;
    this.reach = reach;
    // A margin lets dots at the border be stamped without clipping.
    const stride = edge + 4 * reach;
    if (stride !== this.stride) {
      this.stride = stride;
      this.image = new ImageData(stride, stride);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    this.look = look;
    this.stamps = [];
    this.drawn = null;
  }

  /** New colour table (768 bytes). */
  setLut(lut) {
    if (lut === this.lut) return;
    this.lut = lut;
    this.stamps = [];
  }

  /** `px`, `py`: canvas pixels of each dot; `codes`: see colourCodes. */
  draw(px, py, codes) {
    // From frame to frame only colours change: what lies around them can stay.
    const isNew = this.drawn === null || codes.some((code, i) => shapeOf(code) !== this.drawn[i]);
    if (isNew) {
      this.pixels.fill(0);
      this.drawn = Uint16Array.from(codes, shapeOf);
      // Places without a value lie underneath.
      for (let i = 0; i < codes.length; i++) {
        if (this.drawn[i] !== COLOURED && codes[i] !== HIDDEN) this.stamp(px[i], py[i], codes[i]);
      }
    }
    const box = { left: Infinity, right: 0, top: Infinity, bottom: 0 };
    for (let i = 0; i < codes.length; i++) {
      if (codes[i] >= NOT_MODELLED) continue;
      this.stamp(px[i], py[i], codes[i]);
      box.left = Math.min(box.left, px[i]);
      box.right = Math.max(box.right, px[i]);
      box.top = Math.min(box.top, py[i]);
      box.bottom = Math.max(box.bottom, py[i]);
    }
    this.show(isNew ? { left: 0, right: this.edge, top: 0, bottom: this.edge } : box);
  }

  /** Bring the pixels of a rectangle, and a dot's width around it, to the canvas. */
  show({ left, right, top, bottom }) {
    const margin = 2 * this.reach;
    const x = Math.max(Math.floor(left), 0) + this.reach;
    const y = Math.max(Math.floor(top), 0) + this.reach;
    const width = Math.ceil(right) + 2 * margin - x;
    const height = Math.ceil(bottom) + 2 * margin - y;
    if (width > 0 && height > 0) {
      this.context.putImageData(this.image, -margin, -margin, x, y, width, height);
    }
  }

  clear() {
    this.drawn = null;
    this.context.clearRect(0, 0, this.edge, this.edge);
  }

  stamp(x, y, code) {
    const { reach, edge, pixels } = this;
    const column = Math.floor(x);
    const row = Math.floor(y);
    if (column < -reach || row < -reach || column > edge + reach || row > edge + reach) return;
    const { offsets, colours, nSolid } = (this.stamps[code] ??= this.cut(code));
    const centre = (row + 2 * reach) * this.stride + column + 2 * reach;
    for (let k = 0; k < nSolid; k++) pixels[centre + offsets[k]] = colours[k];
    for (let k = nSolid; k < offsets.length; k++) {
      const at = centre + offsets[k];
      // A soft edge never takes away from a dot that is already there.
      if (pixels[at] >>> 24 < colours[k] >>> 24) pixels[at] = colours[k];
    }
  }

  /** Pixels of one dot: a disc in its rim, a ring, or a point; opaque ones first. */
  cut(code) {
    const { reach, stride } = this;
    const parts = [];
    for (let y = -reach; y <= reach; y++) {
      for (let x = -reach; x <= reach; x++) {
        const { colour, alpha } = this.shade(code, Math.hypot(x, y));
        if (alpha > 0) parts.push({ offset: y * stride + x, pixel: pack(colour, alpha), alpha });
      }
    }
    parts.sort((a, b) => b.alpha - a.alpha);
    return {
      offsets: Int32Array.from(parts, (part) => part.offset),
      colours: Uint32Array.from(parts, (part) => part.pixel),
      nSolid: parts.filter((part) => part.alpha === 255).length,
    };
  }

  /** Colour and opacity (0-255) of a dot at a distance from its centre. */
  shade(code, distance) {
    const { radius, rimWidth, rim, empty, faint } = this.look;
    const inside = (size) => Math.min(Math.max(size + 0.5 - distance, 0), 1);
    const opacity = (part) => Math.round(255 * part);
    if (code === NOT_MODELLED) {
      // Hollow, so that grey is never read as a colour.
      return { colour: empty, alpha: opacity(inside(radius) - inside(radius - rimWidth)) };
    }
    if (code === BELOW_THRESHOLD) return { colour: faint, alpha: opacity(0.6 * inside(radius / 3)) };
    const core = inside(radius);
    const own = this.lut.subarray(3 * code, 3 * code + 3);
    return {
      colour: rim.map((part, k) => part + core * (own[k] - part)),
      alpha: opacity(inside(radius + rimWidth)),
    };
  }
}

/** What of a code decides which pixels a dot covers: any colour is the same. */
function shapeOf(code) {
  return Math.max(code, COLOURED);
}

/** Pixel as the canvas keeps it: alpha, blue, green, red from the high byte down. */
function pack([red, green, blue], alpha) {
  return (
    ((alpha << 24) | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red)) >>> 0
  );
}

/** Entry of a colour table for CSS. */
export function cssColour(lut, code) {
  return `rgb(${lut.slice(3 * code, 3 * code + 3).join(",")})`;
}

/** CSS colour -> [red, green, blue], whatever notation the page's theme uses. */
export function rgbOf(colour) {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return Array.from(context.getImageData(0, 0, 1, 1).data.subarray(0, 3));
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
