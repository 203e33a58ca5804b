// Faces in small neighbourhoods (the mesh file lists neighbours one after the other), so that what
// is outside a panel or turned away is not sent through the vertex shader at all. Pure.

export const CLUSTER = 256; // faces
const NUMBERS = 8; // a cluster's bounds: center, radius, axis of its normals, sine of their spread
const NEVER = 2; // a "sine" no camera reaches: normals spread over more than half a sphere

/** Bounds of each cluster of a shape, eight numbers a cluster. */
export function clusterBounds(faces, { steps, scale, origin }) {
  const count = faces.length / 3;
  const bounds = new Float32Array(Math.ceil(count / CLUSTER) * NUMBERS);
  const normals = new Float32Array(CLUSTER * 3);
  for (let first = 0, out = 0; first < count; first += CLUSTER, out += NUMBERS) {
    const size = Math.min(CLUSTER, count - first);
    const corners = faces.subarray(first * 3, (first + size) * 3);
    enclose(bounds, out, corners, steps, scale, origin);
    spread(bounds, out + 4, corners, steps, normals);
  }
  return bounds;
}

/** Center and radius of a sphere around the corners. */
function enclose(bounds, out, corners, steps, scale, origin) {
  for (let axis = 0; axis < 3; axis++) {
    let low = Infinity;
    let high = -Infinity;
    for (const vertex of corners) {
      const step = steps[vertex * 3 + axis];
      if (step < low) low = step;
      if (step > high) high = step;
    }
    bounds[out + axis] = origin[axis] + (scale * (low + high)) / 2;
  }
  let farthest = 0;
  for (const vertex of corners) {
    let square = 0;
    for (let axis = 0; axis < 3; axis++) {
      square += (origin[axis] + scale * steps[vertex * 3 + axis] - bounds[out + axis]) ** 2;
    }
    if (square > farthest) farthest = square;
  }
  bounds[out + 3] = Math.sqrt(farthest);
}

/** Mean direction of the faces' normals and the sine of the widest angle to it. */
function spread(bounds, out, corners, p, normals) {
  const size = corners.length / 3;
  const axis = [0, 0, 0];
  for (let i = 0; i < size; i++) {
    const a = corners[i * 3] * 3, b = corners[i * 3 + 1] * 3, c = corners[i * 3 + 2] * 3;
    const ux = p[b] - p[a], uy = p[b + 1] - p[a + 1], uz = p[b + 2] - p[a + 2];
    const vx = p[c] - p[a], vy = p[c + 1] - p[a + 1], vz = p[c + 2] - p[a + 2];
    const x = uy * vz - uz * vy, y = uz * vx - ux * vz, z = ux * vy - uy * vx;
    const length = Math.hypot(x, y, z) || 1;
    normals[i * 3] = x / length;
    normals[i * 3 + 1] = y / length;
    normals[i * 3 + 2] = z / length;
    for (let k = 0; k < 3; k++) axis[k] += normals[i * 3 + k];
  }
  const length = Math.hypot(...axis) || 1;
  let widest = 1;
  for (let i = 0; i < size; i++) {
    const cosine = (normals[i * 3] * axis[0] + normals[i * 3 + 1] * axis[1]
      + normals[i * 3 + 2] * axis[2]) / length;
    if (cosine < widest) widest = cosine;
  }
  for (let k = 0; k < 3; k++) bounds[out + k] = axis[k] / length;
  bounds[out + 3] = widest <= 0 ? NEVER : Math.sqrt(1 - Math.min(1, widest) ** 2);
}

/**
 * Runs of visible faces: {starts, counts} in faces, `length` of them used.
 * matrix: of the panel (clip space); toward: unit vector to the viewer, or null to keep back faces.
 */
export function visibleRuns(bounds, faceCount, matrix, toward, runs) {
  const reachX = Math.hypot(matrix[0], matrix[4], matrix[8]);
  const reachY = Math.hypot(matrix[1], matrix[5], matrix[9]);
  const clusters = bounds.length / NUMBERS;
  runs.length = 0;
  let wasVisible = false;
  for (let cluster = 0; cluster < clusters; cluster++) {
    const i = cluster * NUMBERS;
    const [x, y, z, radius] = [bounds[i], bounds[i + 1], bounds[i + 2], bounds[i + 3]];
    const clipX = matrix[0] * x + matrix[4] * y + matrix[8] * z + matrix[12];
    const clipY = matrix[1] * x + matrix[5] * y + matrix[9] * z + matrix[13];
    let isVisible = Math.abs(clipX) - radius * reachX < 1 && Math.abs(clipY) - radius * reachY < 1;
    if (isVisible && toward) {
      const facing = bounds[i + 4] * toward[0] + bounds[i + 5] * toward[1] + bounds[i + 6] * toward[2];
      isVisible = facing >= -bounds[i + 7] - 0.01;
    }
    if (isVisible) {
      const size = Math.min(CLUSTER, faceCount - cluster * CLUSTER);
      if (wasVisible) runs.counts[runs.length - 1] += size;
      else {
        runs.starts[runs.length] = cluster * CLUSTER;
        runs.counts[runs.length++] = size;
      }
    }
    wasVisible = isVisible;
  }
  return runs;
}
