// Panels -> the canvas of the stage: colours of the cells, enlarged, under the outline.

import { paint, palette } from "./colors.js";
import { markIn } from "./sequence.js";

const MAX_DPR = 2;
const LINE_OPACITY = 0.7; // as in nilearn's figures
const REFERENCE_SCALE = 3; // px a cell at which a line of one point is one pixel wide

export class Painter {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.lines = document.createElement("canvas"); // the outlines, drawn once a layout
    this.isDark = false;
    this.pictures = [];
  }

  /** New data: a small picture for each view. */
  setSequence({ header, codes, views, marks }) {
    Object.assign(this, { header, codes, views, marks });
    this.colors = null;
    this.needsLines = true;
    this.pictures = views.map((view) => new Picture(view));
  }

  setColors(lut, state) {
    this.colors = palette(this.header, lut, state, this.colors ?? undefined);
    for (const picture of this.pictures) picture.isStale = true;
  }

  /** Outlines suit the ground. */
  setInk(color) {
    const [red, green, blue] = (color.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
    const isDark = red + green + blue > 384; // light letters stand on a dark ground
    this.needsLines ||= isDark !== this.isDark;
    this.isDark = isDark;
  }

  /** time: {a, b, between}; hovered: linked place or -1. */
  draw(panels, time, { hovered, hasOutlines }, { width, height }) {
    const { canvas, context } = this;
    const dpr = Math.min(globalThis.devicePixelRatio || 1, MAX_DPR);
    const [w, h] = [Math.round(width * dpr), Math.round(height * dpr)];
    if (canvas.width !== w || canvas.height !== h) {
      Object.assign(canvas, { width: w, height: h });
      this.needsLines = true;
    }
    if (this.needsLines) this.#drawLines(panels, dpr);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, w, h);
    context.imageSmoothingEnabled = true;
    for (const { view, image } of panels) {
      const picture = this.#pictureOf(view, time);
      context.drawImage(
        picture.canvas, image.left * dpr, image.top * dpr, image.width * dpr, image.height * dpr,
      );
    }
    if (hasOutlines) context.drawImage(this.lines, 0, 0);
    if (hovered >= 0) this.#drawMarks(panels, hovered, dpr);
  }

  #pictureOf(number, { a, b, between }) {
    const picture = this.pictures[number];
    const isSame = picture.a === a && picture.b === b && picture.between === between;
    if (isSame && !picture.isStale) return picture;
    const { cells, start } = this.views[number];
    const nCells = this.header.n_left;
    paint(
      picture.pixels, cells, this.codes, a * nCells + start, b * nCells + start, between,
      this.colors,
    );
    picture.context.putImageData(picture.image, 0, 0);
    Object.assign(picture, { a, b, between, isStale: false });
    return picture;
  }

  #drawLines(panels, dpr) {
    const { lines, canvas } = this;
    Object.assign(lines, { width: canvas.width, height: canvas.height });
    const context = lines.getContext("2d");
    context.globalAlpha = LINE_OPACITY;
    context.lineCap = "round";
    for (const { view, image, scale } of panels) {
      context.setTransform(dpr * scale, 0, 0, dpr * scale, image.left * dpr, image.top * dpr);
      const weight = Math.min(Math.max(scale / REFERENCE_SCALE, 0.6), 1.6) / scale;
      for (const { path, color, width } of this.pictures[view].strokes) {
        context.strokeStyle = this.isDark ? inverted(color) : color;
        context.lineWidth = width * weight;
        context.stroke(path);
      }
    }
    this.needsLines = false;
  }

  /** A ring where the place lies that another view is showing. */
  #drawMarks(panels, hovered, dpr) {
    const { context } = this;
    for (const { view, image, scale } of panels) {
      const mark = markIn(this.views[view], this.marks, hovered);
      if (!mark) continue;
      const ring = new Path2D();
      ring.arc((image.left + mark.x * scale) * dpr, (image.top + mark.y * scale) * dpr, 5 * dpr, 0, 7);
      for (const [color, width] of [["#000", 3.5], ["#fff", 1.5]]) {
        context.strokeStyle = color;
        context.lineWidth = width * dpr;
        context.stroke(ring);
      }
    }
  }
}

/** One view in cells, kept between frames. */
class Picture {
  constructor({ width, height, strokes }) {
    this.canvas = document.createElement("canvas");
    Object.assign(this.canvas, { width, height });
    this.context = this.canvas.getContext("2d");
    this.image = this.context.createImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.strokes = strokes.map((one) => ({ ...one, path: new Path2D(one.path) }));
    this.isStale = true;
  }
}

/** "#rrggbb" of the opposite colour. */
function inverted(color) {
  const opposite = 0xffffff ^ Number.parseInt(color.slice(1), 16);
  return `#${opposite.toString(16).padStart(6, "0")}`;
}
