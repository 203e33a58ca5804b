// Panels -> the canvas of the stage.

import { membersInSlice, traceEdges } from "./borders.js";
import { Palette, paint, valueTable } from "./colors.js";
import { OUTSIDE } from "./grid.js";
import { elementsOf, Projections } from "./projections.js";

const MAX_DPR = 2;

export class Painter {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.palette = new Palette();
    this.pictures = [];
    this.ink = "#000";
  }

  /** New data: a small picture for each plane as a slice and as a projection. */
  setSequence(header, grid, codes) {
    Object.assign(this, { header, grid, codes });
    const values = valueTable(header);
    this.palette.setRange(header);
    this.positions = this.palette.positions(values);
    this.sizes = values.map(Math.abs);
    const chosen = new Set(header.regions);
    this.outlined = grid.regions.filter(({ name }) => chosen.size === 0 || chosen.has(name));
    this.found = null;
    this.pictures = grid.planes.map((plane) => ({
      slice: new Picture(plane),
      projection: new Picture(plane),
    }));
  }

  /** Made when first looked at. */
  get projections() {
    this.found ??= new Projections(this.grid, this.codes, this.sizes);
    return this.found;
  }

  setColors(lut, state) {
    this.palette.update(lut, state);
    for (const { slice, projection } of this.pictures) slice.isStale = projection.isStale = true;
  }

  /** The crosshair moved: which columns each slice shows. */
  setCross(cross) {
    this.grid.planes.forEach((plane, which) => {
      const picture = this.pictures[which].slice;
      const index = cross[plane.fixed];
      if (picture.index === index) return;
      picture.index = index;
      picture.isStale = true;
      this.grid.slice(plane, index, this.grid.columnAt, picture.columns);
      const members = (places) => membersInSlice(this.grid, plane, places, index);
      this.#outline(picture, picture.columns, members);
    });
  }

  #outline(picture, columns, members) {
    const { width, height } = picture.plane;
    const brain = [];
    columns.forEach((column, element) => column !== OUTSIDE && brain.push(element));
    picture.rim = pathOf(traceEdges(width, height, brain));
    picture.borders = new Path2D();
    for (const { places } of this.outlined) {
      picture.borders.addPath(pathOf(traceEdges(width, height, members(places))));
    }
  }

  /** time: {a, b, between}; marks: {cross, hasLines, hovered, pinned (places)}. */
  draw(panels, time, marks, hasOutlines, { width, height }) {
    const { canvas, context } = this;
    const dpr = Math.min(globalThis.devicePixelRatio || 1, MAX_DPR);
    const [w, h] = [Math.round(width * dpr), Math.round(height * dpr)];
    if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
    context.setTransform(dpr, 0, 0, dpr, 0, 0);
    context.clearRect(0, 0, width, height);
    for (const panel of panels) {
      const picture = this.#pictureOf(panel, time);
      const { left, top } = panel.image;
      context.setTransform(dpr * panel.scale, 0, 0, dpr * panel.scale, left * dpr, top * dpr);
      context.globalAlpha = 1;
      context.imageSmoothingEnabled = false;
      context.drawImage(picture.canvas, 0, 0);
      this.#drawBorders(picture, 1 / panel.scale, hasOutlines);
      this.#drawMarks(panel, marks);
    }
  }

  #pictureOf({ kind, plane }, { a, b, between }) {
    const picture = this.pictures[plane][kind];
    const isSame = picture.a === a && picture.b === b && picture.between === between;
    if (isSame && !picture.isStale) return picture;
    const n = this.grid.places.length;
    let [from, to] = [picture.columns, picture.columns];
    if (kind === "projection") {
      from = this.projections.columns(plane, a);
      to = this.projections.columns(plane, b);
      if (!picture.rim) this.#outlineProjection(picture, from);
    }
    paint(
      picture.pixels, this.codes, { columns: from, offset: a * n }, { columns: to, offset: b * n },
      between, this.positions, this.palette,
    );
    picture.context.putImageData(picture.image, 0, 0);
    Object.assign(picture, { a, b, between, isStale: false });
    return picture;
  }

  #outlineProjection(picture, columns) {
    const elements = elementsOf(this.grid, picture.plane);
    this.#outline(picture, columns, (places) => [...new Set(places.map((place) => elements[place]))]);
  }

  #drawBorders(picture, pixel, hasOutlines) {
    const { context } = this;
    context.lineCap = "square";
    context.globalAlpha = 0.45;
    context.strokeStyle = this.ink;
    context.lineWidth = pixel;
    context.stroke(picture.rim);
    if (!hasOutlines) return;
    context.globalAlpha = 0.85;
    context.strokeStyle = this.header.is_signed ? "rgb(13 15 20)" : "#fff";
    context.lineWidth = 1.4 * pixel;
    context.stroke(picture.borders);
  }

  #drawMarks(panel, { cross, hasLines, hovered, pinned }) {
    const plane = this.grid.planes[panel.plane];
    const pixel = 1 / panel.scale;
    if (hasLines) this.#drawCross(plane, cross, pixel);
    for (const [place, width] of [[hovered, 1.5], [pinned, 2.5]]) {
      if (place < 0) continue;
      const indices = this.grid.indicesOf(place);
      if (panel.kind === "slice" && indices[plane.fixed] !== cross[plane.fixed]) continue;
      this.#drawBox(plane.xOf(indices[plane.across]), plane.yOf(indices[plane.up]), width, pixel);
    }
  }

  /** Two lines with room for the voxel itself, dark below light: seen on every colour. */
  #drawCross(plane, cross, pixel) {
    const { context } = this;
    const x = plane.xOf(cross[plane.across]) + 0.5;
    const y = plane.yOf(cross[plane.up]) + 0.5;
    const gap = Math.max(1.5, 6 * pixel);
    const lines = new Path2D();
    for (const [x0, y0, x1, y1] of [
      [0, y, x - gap, y], [x + gap, y, plane.width, y],
      [x, 0, x, y - gap], [x, y + gap, x, plane.height],
    ]) {
      if (x1 < x0 || y1 < y0) continue;
      lines.moveTo(x0, y0);
      lines.lineTo(x1, y1);
    }
    this.#strokeTwice(lines, 1, pixel, 0.75);
  }

  #drawBox(x, y, width, pixel) {
    const box = new Path2D();
    const grow = 1.5 * pixel;
    box.rect(x - grow, y - grow, 1 + 2 * grow, 1 + 2 * grow);
    this.#strokeTwice(box, width, pixel, 1);
  }

  #strokeTwice(path, width, pixel, alpha) {
    const { context } = this;
    context.lineCap = "butt";
    context.globalAlpha = 0.5 * alpha;
    context.strokeStyle = "#000";
    context.lineWidth = (width + 1) * pixel;
    context.stroke(path);
    context.globalAlpha = alpha;
    context.strokeStyle = "#fff";
    context.lineWidth = width * pixel;
    context.stroke(path);
  }
}

/** One plane in picture elements, kept between frames. */
class Picture {
  constructor(plane) {
    this.plane = plane;
    this.canvas = document.createElement("canvas");
    this.canvas.width = plane.width;
    this.canvas.height = plane.height;
    this.context = this.canvas.getContext("2d");
    this.image = this.context.createImageData(plane.width, plane.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.columns = new Int32Array(this.pixels.length).fill(OUTSIDE);
    this.index = -1;
    this.isStale = true;
    this.rim = null;
    this.borders = null;
  }
}

function pathOf(edges) {
  const path = new Path2D();
  for (let n = 0; n < edges.length; n += 4) {
    path.moveTo(edges[n], edges[n + 1]);
    path.lineTo(edges[n + 2], edges[n + 3]);
  }
  return path;
}
