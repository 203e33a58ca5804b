// Which view stands where and how large: pure geometry.

const TOP = 26; // px for the label
const SIDE = 8;

/** Ways to put n views into rows. */
function splits(count) {
  if (count === 4) return [[[0, 1, 2, 3]], [[0, 1], [2, 3]], [[0], [1], [2], [3]]];
  const all = Array.from({ length: count }, (_, n) => n);
  return [[all], all.map((n) => [n])];
}

/**
 * Panels in pixels: {view (its number), left, top, width, height, image: {left, top, width,
 * height}, scale}. All share one scale, the largest that any arrangement in rows allows.
 */
export function arrange(width, height, views) {
  const found = splits(views.length).map((rows) => ({ rows, scale: scaleOf(rows, width, height, views) }));
  const best = found.reduce((one, other) => (other.scale > one.scale * 1.02 ? other : one));
  const scale = Math.max(0.1, best.scale);
  const rowHeight = height / best.rows.length;
  return best.rows.flatMap((row, r) => {
    const total = row.reduce((sum, n) => sum + views[n].width, 0);
    let left = 0;
    return row.map((n) => {
      const share = (views[n].width / total) * width;
      const box = { view: n, left, top: r * rowHeight, width: share, height: rowHeight, scale };
      left += share;
      return { ...box, image: imageOf(box, views[n], scale) };
    });
  });
}

function scaleOf(rows, width, height, views) {
  const each = rows.flatMap((row) => {
    const total = row.reduce((sum, n) => sum + views[n].width, 0);
    const tallest = Math.max(...row.map((n) => views[n].height));
    return [(width - 2 * SIDE * row.length) / total, (height / rows.length - TOP - SIDE) / tallest];
  });
  return Math.min(...each);
}

/** The picture stands in the middle of its panel's room. */
function imageOf(box, view, scale) {
  const size = { width: view.width * scale, height: view.height * scale };
  return {
    ...size,
    left: box.left + (box.width - size.width) / 2,
    top: box.top + TOP + (box.height - TOP - SIDE - size.height) / 2,
  };
}

/** Words and letters of a panel, as labels.js takes them, just above the picture. */
export function labelOf({ image, top }, view) {
  const box = { left: image.left, top, width: image.width };
  return { ...box, label: { left: view.left, right: view.right, words: view.title } };
}

/** Cell of a panel under a point of the stage; null beside the picture. */
export function cellAt({ image, scale }, view, x, y) {
  const column = Math.floor((x - image.left) / scale);
  const row = Math.floor((y - image.top) / scale);
  const isInside = column >= 0 && column < view.width && row >= 0 && row < view.height;
  return isInside ? { column, row } : null;
}
