// Borders of sets of picture elements; pure.

/**
 * Edges [x0, y0, x1, y1, ...] between members (numbers of picture elements, row by row) and
 * everything else. Element (x, y) covers x ... x + 1, y ... y + 1.
 */
export function traceEdges(width, height, members) {
  const isMember = new Uint8Array(width * height);
  for (const element of members) isMember[element] = 1;
  const edges = [];
  for (const element of members) {
    const x = element % width;
    const y = (element - x) / width;
    if (y === 0 || !isMember[element - width]) edges.push(x, y, x + 1, y);
    if (y === height - 1 || !isMember[element + width]) edges.push(x, y + 1, x + 1, y + 1);
    if (x === 0 || !isMember[element - 1]) edges.push(x, y, x, y + 1);
    if (x === width - 1 || !isMember[element + 1]) edges.push(x + 1, y, x + 1, y + 1);
  }
  return edges;
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
