// Turning and projecting: unit quaternions [x, y, z, w], orthographic matrices; pure.

export const IDENTITY = Object.freeze([0, 0, 0, 1]);

/** a after b. */
export function multiply(a, b) {
  return [
    a[3] * b[0] + a[0] * b[3] + a[1] * b[2] - a[2] * b[1],
    a[3] * b[1] - a[0] * b[2] + a[1] * b[3] + a[2] * b[0],
    a[3] * b[2] + a[0] * b[1] - a[1] * b[0] + a[2] * b[3],
    a[3] * b[3] - a[0] * b[0] - a[1] * b[1] - a[2] * b[2],
  ];
}

export function normalize(q) {
  const length = Math.hypot(q[0], q[1], q[2], q[3]) || 1;
  return q.map((part) => part / length);
}

/** Turn by `right` radians about the screen's up axis, then `down` about its right axis. */
export function turnBy(right, down) {
  const aboutUp = [0, Math.sin(right / 2), 0, Math.cos(right / 2)];
  const aboutRight = [Math.sin(down / 2), 0, 0, Math.cos(down / 2)];
  return multiply(aboutRight, aboutUp);
}

/** Quaternion of a view: rows are screen right, screen up and towards the viewer in RAS. */
export function fromRows(m) {
  const trace = m[0] + m[4] + m[8];
  if (trace > 0) {
    const s = Math.sqrt(trace + 1) * 2;
    return [(m[7] - m[5]) / s, (m[2] - m[6]) / s, (m[3] - m[1]) / s, s / 4];
  }
  if (m[0] > m[4] && m[0] > m[8]) {
    const s = Math.sqrt(1 + m[0] - m[4] - m[8]) * 2;
    return [s / 4, (m[1] + m[3]) / s, (m[2] + m[6]) / s, (m[7] - m[5]) / s];
  }
  if (m[4] > m[8]) {
    const s = Math.sqrt(1 + m[4] - m[0] - m[8]) * 2;
    return [(m[1] + m[3]) / s, s / 4, (m[5] + m[7]) / s, (m[2] - m[6]) / s];
  }
  const s = Math.sqrt(1 + m[8] - m[0] - m[4]) * 2;
  return [(m[2] + m[6]) / s, (m[5] + m[7]) / s, s / 4, (m[3] - m[1]) / s];
}

/** Rows of a rotation, into `out` (9 numbers). */
export function toRows(out, [x, y, z, w]) {
  out[0] = 1 - 2 * (y * y + z * z); out[1] = 2 * (x * y - z * w); out[2] = 2 * (x * z + y * w);
  out[3] = 2 * (x * y + z * w); out[4] = 1 - 2 * (x * x + z * z); out[5] = 2 * (y * z - x * w);
  out[6] = 2 * (x * z - y * w); out[7] = 2 * (y * z + x * w); out[8] = 1 - 2 * (x * x + y * y);
  return out;
}

/** The short way from a to b. */
export function slerp(a, b, t) {
  if (t <= 0) return a;
  if (t >= 1) return b;
  let cosine = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
  const sign = cosine < 0 ? -1 : 1;
  cosine *= sign;
  if (cosine > 0.9995) return normalize(a.map((part, i) => part + t * (sign * b[i] - part)));
  const angle = Math.acos(cosine);
  const u = Math.sin((1 - t) * angle) / Math.sin(angle);
  const v = (sign * Math.sin(t * angle)) / Math.sin(angle);
  return a.map((part, i) => u * part + v * b[i]);
}

/**
 * Column-major orthographic matrix into `out` (16 numbers).
 * rows: rotation; center: display mm shown in the panel's middle; pxPerMm; panel size in px;
 * shift: of the middle, in px right and up.
 */
export function orthographic(out, rows, center, pxPerMm, width, height, shift) {
  const sx = (2 * pxPerMm) / width;
  const sy = (2 * pxPerMm) / height;
  const sz = -1 / 500;
  for (let column = 0; column < 3; column++) {
    out[column * 4] = rows[column] * sx;
    out[column * 4 + 1] = rows[3 + column] * sy;
    out[column * 4 + 2] = rows[6 + column] * sz;
    out[column * 4 + 3] = 0;
  }
  for (let row = 0; row < 3; row++) {
    out[12 + row] = -(out[row] * center[0] + out[4 + row] * center[1] + out[8 + row] * center[2]);
  }
  out[12] += (2 * shift[0]) / width;
  out[13] += (2 * shift[1]) / height;
  out[15] = 1;
  return out;
}

/** Pixel (from the panel's top left) and depth (small = near) of a point, into `out`. */
export function project(out, matrix, point, width, height) {
  const [x, y, z] = point;
  const clipX = matrix[0] * x + matrix[4] * y + matrix[8] * z + matrix[12];
  const clipY = matrix[1] * x + matrix[5] * y + matrix[9] * z + matrix[13];
  out[0] = ((clipX + 1) / 2) * width;
  out[1] = ((1 - clipY) / 2) * height;
  out[2] = matrix[2] * x + matrix[6] * y + matrix[10] * z + matrix[14];
  return out;
}
