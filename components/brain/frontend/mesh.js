// Mesh files ("BCM1"): fetch once, decode into typed-array views, derive normals once a shape.


const cache = new Map();

/** Mesh of a URL; the same promise for the same URL. A failed fetch may be tried again. */
export function loadMesh(url) {
  if (!cache.has(url)) {
    const promise = fetchBytes(url).then(decodeMesh);
    cache.set(url, promise);
    promise.catch(() => cache.delete(url));
  }
  return cache.get(url);
}

async function fetchBytes(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`The brain's shape did not load (${response.status}).`);
  const buffer = await response.arrayBuffer();
  const start = new Uint8Array(buffer, 0, 2);
  const isGzip = start[0] === 0x1f && start[1] === 0x8b;
  if (!isGzip) return buffer;
  const stream = new Blob([buffer]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

/** Typed views into a mesh file; nothing is copied. */
export function decodeMesh(buffer) {
  const magic = new TextDecoder().decode(new Uint8Array(buffer, 0, 4));
  if (magic !== "BCM1") throw new Error(`Expected a BCM1 mesh file; got "${magic}".`);
  const length = new DataView(buffer).getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const base = 8 + length;
  const hemispheres = header.hemispheres.map((part) => decodeHemisphere(buffer, base, part));
  return {
    space: header.space,
    shapes: header.shapes,
    defaultShape: header.default_shape,
    atlases: header.atlases,
    views: header.views,
    hemispheres,
  };
}

/** Mesh with the labels that travel in a message; everything else is shared with the mesh. */
export function withOwnLabels(mesh, header, payload) {
  const { offset, length } = header.own_labels;
  const bytes = payload.slice(offset, offset + length); // a copy is aligned
  const labels = new Uint16Array(bytes.buffer);
  const of = (side) => (side ? labels.subarray(header.n_left) : labels.subarray(0, header.n_left));
  const hemispheres = mesh.hemispheres.map((hemisphere, side) => ({
    ...hemisphere, labels: { ...hemisphere.labels, [header.atlas]: of(side) },
  }));
  return { ...mesh, base: mesh, hemispheres };
}

/** Words for label 1, 2 ... of a message. */
export function namesOf(mesh, header) {
  return header.own_labels?.names ?? mesh.atlases?.[header.atlas]?.names ?? [];
}

/** Label -> number; outlines run between places whose numbers differ. */
export function outlinesOf(mesh, header) {
  const own = header.own_labels?.outlines;
  if (own) return (label) => (label > 0 ? own[label - 1] : 0);
  const chosen = new Set(header.regions);
  const names = namesOf(mesh, header);
  return (label) => (label > 0 && (chosen.size === 0 || chosen.has(names[label - 1])) ? label : 0);
}

function decodeHemisphere(buffer, base, part) {
  const n = part.n_vertices;
  const positions = {};
  for (const [shape, place] of Object.entries(part.positions)) {
    positions[shape] = {
      steps: new Int16Array(buffer, base + place.offset, n * 3),
      scale: place.scale,
      origin: place.origin,
    };
  }
  const labels = {};
  for (const [atlas, place] of Object.entries(part.atlases ?? {})) {
    labels[atlas] = new Uint16Array(buffer, base + place.offset, n);
  }
  const faces = decodeFaces(buffer, base, part.faces);
  return {
    name: part.name,
    nVertices: n,
    positions,
    labels,
    faces,
    flatFaces: part.flat_faces ? decodeFaces(buffer, base, part.flat_faces) : faces,
    sulcus: new Uint8Array(buffer, base + part.sulcus.offset, n),
    medialWall: new Uint8Array(buffer, base + part.medial_wall.offset, n),
    normals: {},
  };
}

function decodeFaces(buffer, base, place) {
  const IndexArray = place.type === "u16" ? Uint16Array : Uint32Array;
  return new IndexArray(buffer, base + place.offset, place.n * 3);
}

/** Whether a shape is the flat one, which has its own faces. */
export const isFlat = (shape) => shape === "flat";

/** Position of a vertex in display millimetres, between two shapes. */
export function placeVertex(out, hemisphere, from, to, mixing, vertex) {
  const a = hemisphere.positions[from];
  const b = hemisphere.positions[to];
  for (let axis = 0; axis < 3; axis++) {
    const start = a.origin[axis] + a.scale * a.steps[vertex * 3 + axis];
    const end = b.origin[axis] + b.scale * b.steps[vertex * 3 + axis];
    out[axis] = start + (end - start) * mixing;
  }
  return out;
}

/** Outward unit normals as signed bytes, (x, y, z) a vertex; computed once a shape. */
export function vertexNormals(hemisphere, shape) {
  return (hemisphere.normals[shape] ??= computeNormals(
    hemisphere.positions[shape].steps,
    isFlat(shape) ? hemisphere.flatFaces : hemisphere.faces,
  ));
}

export function computeNormals(p, faces) {
  const sum = new Float32Array(p.length);
  for (let i = 0; i < faces.length; i += 3) {
    const a = faces[i] * 3;
    const b = faces[i + 1] * 3;
    const c = faces[i + 2] * 3;
    const ux = p[b] - p[a], uy = p[b + 1] - p[a + 1], uz = p[b + 2] - p[a + 2];
    const vx = p[c] - p[a], vy = p[c + 1] - p[a + 1], vz = p[c + 2] - p[a + 2];
    const x = uy * vz - uz * vy, y = uz * vx - ux * vz, z = ux * vy - uy * vx;
    sum[a] += x; sum[a + 1] += y; sum[a + 2] += z;
    sum[b] += x; sum[b + 1] += y; sum[b + 2] += z;
    sum[c] += x; sum[c + 1] += y; sum[c + 2] += z;
  }
  const normals = new Int8Array(p.length);
  for (let i = 0; i < p.length; i += 3) {
    const length = Math.hypot(sum[i], sum[i + 1], sum[i + 2]) || 1;
    for (let axis = 0; axis < 3; axis++) normals[i + axis] = (127 * sum[i + axis]) / length;
  }
  return normals;
}

/** Triangles around each vertex: those of v are `list[start[v]] … list[start[v + 1] - 1]`. */
export function facesAround(faces, nVertices) {
  const start = new Uint32Array(nVertices + 1);
  for (let i = 0; i < faces.length; i++) start[faces[i] + 1]++;
  for (let v = 0; v < nVertices; v++) start[v + 1] += start[v];
  const next = start.slice(0, nVertices);
  const list = new Uint32Array(faces.length);
  for (let i = 0; i < faces.length; i++) list[next[faces[i]]++] = (i / 3) | 0;
  return { start, list };
}
