// Values -> small canvases, one a plane, that the page enlarges: a frame of playback costs only
// their few thousand picture elements.

import { membersInSlice, traceBorder } from "./borders.js";
import { Palette, paint, valueTable } from "./colors.js";
import { OUTSIDE } from "./grid.js";
import { elementsOf, Projections } from "./projections.js";

export class Painter {
  /** holder: element of the stage below the marks. */
  constructor(holder) {
    this.holder = holder;
    this.palette = new Palette();
    this.pictures = [];
    this.found = null;
  }

  /** New data: a small picture for each plane as a slice and as a projection. */
  setSequence(header, grid, codes) {
    Object.assign(this, { grid, codes });
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

  /** Colours as the state says. */
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
      this.#trace(picture, picture.columns, (places) => membersInSlice(this.grid, plane, places, index));
    });
  }

  /** Borders of the brain and of the outlined regions in a picture. */
  #trace(picture, columns, members) {
    const { width, height } = picture.plane;
    const brain = [];
    columns.forEach((column, element) => column !== OUTSIDE && brain.push(element));
    picture.rim = traceBorder(width, height, brain);
    picture.borders = this.outlined.flatMap(({ places }) => traceBorder(width, height, members(places)));
  }

  #traceProjection(picture, columns) {
    const elements = elementsOf(this.grid, picture.plane);
    this.#trace(picture, columns, (places) => places.map((place) => elements[place]));
  }

  /** Put the pictures of these panels on the stage. */
  place(panels) {
    this.holder.replaceChildren(...panels.map(({ kind, plane, image }) => {
      const { canvas } = this.pictures[plane][kind];
      for (const side of ["left", "top", "width", "height"]) canvas.style[side] = `${image[side]}px`;
      return canvas;
    }));
  }

  /** Bring the pictures of these panels up to date; time: {a, b, between}. */
  draw(panels, { a, b, between }) {
    const n = this.grid.places.length;
    for (const { kind, plane } of panels) {
      const picture = this.pictures[plane][kind];
      const isSame = picture.a === a && picture.b === b && picture.between === between;
      if (isSame && !picture.isStale) continue;
      let [from, to] = [picture.columns, picture.columns];
      if (kind === "projection") {
        from = this.projections.columns(plane, a);
        to = this.projections.columns(plane, b);
        if (!picture.rim) this.#traceProjection(picture, from);
      }
      paint(
        picture.pixels, this.codes, { columns: from, offset: a * n }, { columns: to, offset: b * n },
        between, this.positions, this.palette,
      );
      picture.context.putImageData(picture.image, 0, 0);
      picture.a = a;
      picture.b = b;
      picture.between = between;
      picture.isStale = false;
    }
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
    this.borders = [];
  }
}
