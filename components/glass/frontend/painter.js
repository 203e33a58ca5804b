// Colours of the cells -> small canvases, one a view, that the page enlarges: a frame of playback
// costs only their few thousand cells. Outlines and rings lie above, drawn when they change.

import { paint, palette } from "./colors.js";
import { markIn } from "./sequence.js";

const MAX_DPR = 2;
const LINE_OPACITY = 0.7; // as in nilearn's figures
const REFERENCE_SCALE = 3; // px a cell at which a line of one point is one pixel wide

export class Painter {
  /** holder: element of the stage below `canvas`, which gets the lines. */
  constructor(holder, canvas) {
    this.holder = holder;
    this.canvas = canvas;
    this.isDark = false;
    this.pictures = [];
    this.drawnLines = "";
  }

  /** New data: a small picture for each view. */
  setSequence({ header, codes, views, marks }) {
    Object.assign(this, { header, codes, views, marks, drawnLines: "" });
    this.colors = null;
    this.pictures = views.map((view) => new Picture(view));
  }

  setColors(lut, state) {
    this.colors = palette(this.header, lut, state, this.colors ?? undefined);
    for (const picture of this.pictures) picture.isStale = true;
  }

  /** Outlines suit the ground. */
  setInk(color) {
    const [red, green, blue] = (color.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
    this.isDark = red + green + blue > 384; // light letters stand on a dark ground
  }

  /** Put the pictures on the stage. */
  place(panels) {
    this.drawnLines = "";
    this.holder.replaceChildren(...panels.map(({ view, image }) => {
      const { canvas } = this.pictures[view];
      for (const side of ["left", "top", "width", "height"]) canvas.style[side] = `${image[side]}px`;
      return canvas;
    }));
  }

  /** time: {a, b, between}; marks: {hovered (linked place or -1), hasOutlines}. */
  draw(panels, time, marks, size) {
    for (const { view } of panels) this.#update(view, time);
    const dpr = Math.min(globalThis.devicePixelRatio || 1, MAX_DPR);
    const wanted = [size.width, size.height, dpr, this.isDark, marks.hovered, marks.hasOutlines].join();
    if (wanted === this.drawnLines) return;
    this.drawnLines = wanted;
    const { canvas } = this;
    canvas.width = Math.round(size.width * dpr); // clears it, too
    canvas.height = Math.round(size.height * dpr);
    this.#drawLines(canvas.getContext("2d"), panels, dpr, marks);
  }

  #update(number, { a, b, between }) {
    const picture = this.pictures[number];
    const isSame = picture.a === a && picture.b === b && picture.between === between;
    if (isSame && !picture.isStale) return;
    const { cells, start } = this.views[number];
    const nCells = this.header.n_left;
    paint(
      picture.pixels, cells, this.codes, a * nCells + start, b * nCells + start, between,
      this.colors,
    );
    picture.context.putImageData(picture.image, 0, 0);
    Object.assign(picture, { a, b, between, isStale: false });
  }

  /** All of the stage as one canvas, for a saved picture. */
  compose(panels, width) {
    const scale = this.canvas.width / width;
    const page = document.createElement("canvas");
    Object.assign(page, { width: this.canvas.width, height: this.canvas.height });
    const context = page.getContext("2d");
    for (const { view, image } of panels) {
      const box = [image.left, image.top, image.width, image.height].map((one) => one * scale);
      context.drawImage(this.pictures[view].canvas, ...box);
    }
    context.drawImage(this.canvas, 0, 0);
    return page;
  }

  #drawLines(context, panels, dpr, { hovered, hasOutlines }) {
    context.lineCap = "round";
    for (const panel of panels) {
      const { view, image, scale } = panel;
      context.setTransform(dpr * scale, 0, 0, dpr * scale, image.left * dpr, image.top * dpr);
      if (hasOutlines) this.#drawOutline(context, this.pictures[view].strokes, scale);
      const mark = markIn(this.views[view], this.marks, hovered);
      if (mark) drawRing(context, mark, 1 / scale);
    }
  }

  #drawOutline(context, strokes, scale) {
    context.globalAlpha = LINE_OPACITY;
    const weight = Math.min(Math.max(scale / REFERENCE_SCALE, 0.6), 1.6) / scale;
    for (const { path, color, width } of strokes) {
      context.strokeStyle = this.isDark ? inverted(color) : color;
      context.lineWidth = width * weight;
      context.stroke(path);
    }
  }
}

/** Where the place lies that another view is pointing at; dark below light: seen on any colour. */
function drawRing(context, { x, y }, pixel) {
  const ring = new Path2D();
  ring.arc(x, y, 5 * pixel, 0, 2 * Math.PI);
  context.globalAlpha = 1;
  for (const [color, width] of [["#000", 3.5], ["#fff", 1.5]]) {
    context.strokeStyle = color;
    context.lineWidth = width * pixel;
    context.stroke(ring);
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
