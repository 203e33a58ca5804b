// What of a mesh lives on the graphics card: shapes (lazily), faces, anatomy, outlines.

import { clusterBounds } from "./clusters.js";
import { createBuffer } from "./gl.js";
import { isFlat, vertexNormals } from "./mesh.js";
import { placeBorders, traceBorders } from "./outlines.js";
import { ATTRIBUTE } from "./shaders.js";

const VERTEX_BYTES = 12; // int16 x, y, z, padding; int8 normal x, y, z, padding

/** Positions and normals of a shape, interleaved and aligned to 4 bytes. */
function interleave(hemisphere, shape) {
  const { steps } = hemisphere.positions[shape];
  const normals = vertexNormals(hemisphere, shape);
  const n = hemisphere.nVertices;
  const buffer = new ArrayBuffer(n * VERTEX_BYTES);
  const shorts = new Int16Array(buffer);
  const bytes = new Int8Array(buffer);
  for (let v = 0; v < n; v++) {
    for (let axis = 0; axis < 3; axis++) {
      shorts[v * 6 + axis] = steps[v * 3 + axis];
      bytes[v * 12 + 8 + axis] = normals[v * 3 + axis];
    }
  }
  return buffer;
}

/** One hemisphere's buffers and vertex arrays. */
export class HemisphereSurface {
  constructor(gl, hemisphere, atlas, outlineOf, stats) {
    this.gl = gl;
    this.hemisphere = hemisphere;
    this.labels = hemisphere.labels[atlas] ?? null;
    this.outlineOf = outlineOf;
    this.stats = stats;
    this.shapeBuffers = {};
    this.indexBuffers = {};
    this.borders = {};
    this.borderBuffers = {};
    this.arrays = new Map();
    this.anatomy = this.#createAnatomy();
    this.indexType = hemisphere.faces.BYTES_PER_ELEMENT === 2 ? gl.UNSIGNED_SHORT : gl.UNSIGNED_INT;
  }

  /** Static 4 bytes a vertex: sulcal depth, medial wall, parcel id. */
  #createAnatomy() {
    const { nVertices: n, sulcus, medialWall } = this.hemisphere;
    const buffer = new ArrayBuffer(n * 4);
    const bytes = new Uint8Array(buffer);
    const shorts = new Uint16Array(buffer);
    for (let v = 0; v < n; v++) {
      bytes[v * 4] = sulcus[v];
      bytes[v * 4 + 1] = medialWall[v] ? 255 : 0;
      shorts[v * 2 + 1] = this.labels ? this.labels[v] : 0;
    }
    return this.#upload(this.gl.ARRAY_BUFFER, buffer);
  }

  #upload(target, data) {
    this.stats.uploads++;
    return createBuffer(this.gl, target, data);
  }

  #shapeBuffer(shape) {
    const { gl } = this;
    return (this.shapeBuffers[shape] ??= this.#upload(
      gl.ARRAY_BUFFER, interleave(this.hemisphere, shape),
    ));
  }

  #indexBuffer(flat) {
    const { gl, hemisphere } = this;
    const faces = flat ? hemisphere.flatFaces : hemisphere.faces;
    return (this.indexBuffers[flat] ??= this.#upload(gl.ELEMENT_ARRAY_BUFFER, faces));
  }

  /** Vertex array of a pair of shapes; flat faces as soon as either is flat. */
  surface(from, to) {
    const key = `${from} ${to}`;
    let found = this.arrays.get(key);
    if (!found) this.arrays.set(key, (found = this.#createSurface(from, to)));
    return found;
  }

  #createSurface(from, to) {
    const { gl, hemisphere } = this;
    const flat = isFlat(from) || isFlat(to);
    const [bufferA, bufferB] = [this.#shapeBuffer(from), this.#shapeBuffer(to)];
    gl.bindVertexArray(null);
    const indices = this.#indexBuffer(flat);
    const array = gl.createVertexArray();
    gl.bindVertexArray(array);
    const at = (location, buffer, size, type, normalized, stride, offset) => {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.enableVertexAttribArray(location);
      gl.vertexAttribPointer(location, size, type, normalized, stride, offset);
    };
    at(ATTRIBUTE.positionA, bufferA, 3, gl.SHORT, false, VERTEX_BYTES, 0);
    at(ATTRIBUTE.positionB, bufferB, 3, gl.SHORT, false, VERTEX_BYTES, 0);
    at(ATTRIBUTE.normalA, bufferA, 3, gl.BYTE, true, VERTEX_BYTES, 8);
    at(ATTRIBUTE.normalB, bufferB, 3, gl.BYTE, true, VERTEX_BYTES, 8);
    at(ATTRIBUTE.anatomy, this.anatomy, 2, gl.UNSIGNED_BYTE, true, 4, 0);
    at(ATTRIBUTE.parcel, this.anatomy, 1, gl.UNSIGNED_SHORT, false, 4, 2);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, indices);
    const place = (shape) => {
      const { origin, scale } = hemisphere.positions[shape];
      return Float32Array.of(...origin, scale);
    };
    const faces = flat ? hemisphere.flatFaces : hemisphere.faces;
    return {
      array,
      isFlat: flat,
      count: faces.length,
      indexType: this.indexType,
      indexBytes: faces.BYTES_PER_ELEMENT,
      bounds: from === to ? clusterBounds(faces, hemisphere.positions[to]) : null,
      placeA: place(from),
      placeB: place(to),
      frame: { values: null, a: -1, b: -1 },
    };
  }

  /** Vertex array of the region outlines between two shapes; null without an atlas. */
  outline(from, to) {
    if (!this.labels) return null;
    const key = `outline ${from} ${to}`;
    let found = this.arrays.get(key);
    if (!found) this.arrays.set(key, (found = this.#createOutline(from, to)));
    return found;
  }

  #createOutline(from, to) {
    const { gl } = this;
    const flat = isFlat(from) || isFlat(to);
    const [bufferA, bufferB] = [this.#borderBuffer(from, flat), this.#borderBuffer(to, flat)];
    const array = gl.createVertexArray();
    gl.bindVertexArray(array);
    const layout = [[0, bufferA, 0], [1, bufferA, 12], [2, bufferB, 0], [3, bufferB, 12]];
    for (const [location, buffer, offset] of layout) {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.enableVertexAttribArray(location);
      gl.vertexAttribPointer(location, 3, gl.FLOAT, false, 24, offset);
    }
    const count = this.borders[flat].segments.length / 2;
    this.#upload(gl.ELEMENT_ARRAY_BUFFER, ribbonIndices(count));
    return { array, count: count * 6 };
  }

  #borderBuffer(shape, flat) {
    const { gl, hemisphere } = this;
    const faces = flat ? hemisphere.flatFaces : hemisphere.faces;
    this.borders[flat] ??= traceBorders(faces, this.labels, this.outlineOf);
    return (this.borderBuffers[`${shape} ${flat}`] ??= this.#upload(
      gl.ARRAY_BUFFER, fourfold(placeBorders(this.borders[flat], hemisphere.positions[shape])),
    ));
  }
}

/** Each segment (6 floats) four times, once a corner of its ribbon: software drivers draw
 * instances one by one. */
function fourfold(segments) {
  const out = new Float32Array(segments.length * 4);
  for (let i = 0; i < segments.length; i += 6) {
    const segment = segments.subarray(i, i + 6);
    for (let corner = 0; corner < 4; corner++) out.set(segment, i * 4 + corner * 6);
  }
  return out;
}

/** Two triangles a ribbon; the corner is the vertex number modulo 4. */
function ribbonIndices(count) {
  const out = new Uint32Array(count * 6);
  for (let i = 0; i < count; i++) out.set([4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 2, 4 * i + 1, 4 * i + 3], i * 6);
  return out;
}
