// Borders of sets of picture elements; pure.

/**
 * Straight pieces [x0, y0, x1, y1, ...] of the border between members (numbers of picture
 * elements, row by row) and everything else. Element (x, y) covers x ... x + 1, y ... y + 1.
 */
export function traceBorder(width, height, members) {
  const isMember = new Uint8Array(width * height);
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (const element of members) {
    isMember[element] = 1;
    const x = element % width;
    const y = (element - x) / width;
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  const at = (x, y) => (x < 0 || x >= width || y < 0 || y >= height ? 0 : isMember[y * width + x]);
  const pieces = [];
  for (let y = top; y <= bottom + 1; y++) {
    joinRuns(left, right, (x) => at(x, y) !== at(x, y - 1), (from, to) => pieces.push(from, y, to, y));
  }
  for (let x = left; x <= right + 1; x++) {
    joinRuns(top, bottom, (y) => at(x, y) !== at(x - 1, y), (from, to) => pieces.push(x, from, x, to));
  }
  return pieces;
}

/** Call take(from, to) for every longest run of first ... last in which isEdge holds. */
function joinRuns(first, last, isEdge, take) {
  let start = -1;
  for (let n = first; n <= last + 1; n++) {
    const isOn = n <= last && isEdge(n);
    if (isOn && start < 0) start = n;
    if (!isOn && start >= 0) {
      take(start, n);
      start = -1;
    }
  }
}

/** Picture elements of the places of a region that lie in one slice. */
export function membersInSlice(grid, plane, places, index) {
  const along = grid.indices[plane.fixed];
  const across = grid.indices[plane.across];
  const up = grid.indices[plane.up];
  const members = [];
  for (const place of places) {
    if (along[place] !== index) continue;
    members.push(plane.yOf(up[place]) * plane.width + plane.xOf(across[place]));
  }
  return members;
}
