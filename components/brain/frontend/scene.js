// From the state to panels ready to draw: framing, turning, matrices.

import { fromRows, multiply, orthographic, slerp, toRows } from "./camera.js";
import { arrange, extent } from "./layout.js";

/** Extents of hemispheres as seen in a view; each is computed once. */
class Fits {
  constructor(mesh, modelled) {
    this.mesh = mesh;
    this.modelledVertices = modelled;
    this.everything = mesh.hemispheres.map(({ nVertices }) =>
      Uint32Array.from({ length: nVertices }, (_, vertex) => vertex),
    );
    this.cache = new Map();
  }

  whole(side, shape, view) {
    return this.#extent("all", side, shape, view, this.everything[side]);
  }

  modelled(side, shape, view) {
    const vertices = this.modelledVertices?.[side];
    return vertices?.length ? this.#extent("modelled", side, shape, view, vertices) : null;
  }

  #extent(kind, side, shape, view, vertices) {
    const key = `${kind} ${side} ${shape} ${view}`;
    if (!this.cache.has(key)) {
      const place = this.mesh.hemispheres[side].positions[shape];
      this.cache.set(key, extent(place, this.mesh.views[view], vertices));
    }
    return this.cache.get(key);
  }
}

export class Scene {
  constructor() {
    this.panels = [];
    this.fits = null;
  }

  /** modelled: vertices a hemisphere to frame large, or null. */
  setMesh(mesh, modelled) {
    this.mesh = mesh;
    this.hasFlat = mesh.shapes.includes("flat");
    this.fits = new Fits(mesh, modelled);
    this.quaternions = Object.fromEntries(
      Object.entries(mesh.views).map(([name, rows]) => [name, fromRows(rows)]),
    );
  }

  /** Layout, size or shapes changed. */
  arrange(state, width, height) {
    this.panels = arrange(state.layout, width, height, {
      fits: this.fits, shapes: state, hasFlat: this.hasFlat,
    });
    for (const panel of this.panels) {
      panel.matrix = new Float32Array(16);
      panel.turn = new Float32Array(9);
      panel.visible = [null, null];
      panel.version = 0; // of its camera
      panel.lineWidth = panel.start.isFocused ? 2 : 1.4;
    }
    this.look(state);
  }

  /** Camera changed: matrices of all panels. */
  look(state) {
    const rows = [];
    for (const panel of this.panels) {
      const { start, end, mixing, matrix, turn } = panel;
      const view = slerp(this.quaternions[start.view], this.quaternions[end.view], mixing);
      toRows(rows, panel.isSheet ? view : multiply(state.rotation, view));
      const center = start.center.map((from, axis) => from + (end.center[axis] - from) * mixing);
      const scale = start.pxPerMm * (end.pxPerMm / start.pxPerMm) ** mixing * state.zoom;
      const shift = [state.pan[0] * panel.width, state.pan[1] * panel.height];
      panel.version++;
      orthographic(matrix, rows, center, scale, panel.width, panel.height, shift);
      for (let row = 0; row < 3; row++) {
        for (let column = 0; column < 3; column++) turn[column * 3 + row] = rows[row * 3 + column];
      }
    }
  }
}

/**
 * Vertices with a value, a hemisphere at a time; null where most of the cortex has one and there
 * is nothing to single out. Looks at up to eight frames.
 */
export function modelledVertices(mesh, header, isModelled) {
  const step = Math.max(1, Math.floor(header.n_frames / 8));
  const found = mesh.hemispheres.map(({ nVertices }, side) => {
    const vertices = [];
    for (let vertex = 0; vertex < nVertices; vertex++) {
      for (let frame = 0; frame < header.n_frames; frame += step) {
        if (isModelled(frame, side, vertex)) {
          vertices.push(vertex);
          break;
        }
      }
    }
    return Uint32Array.from(vertices);
  });
  const total = mesh.hemispheres.reduce((sum, { nVertices }) => sum + nVertices, 0);
  const count = found[0].length + found[1].length;
  return count > 0 && count < total * 0.5 ? found : null;
}
