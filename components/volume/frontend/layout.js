// Which panels stand where and how large: pure geometry, no canvas, no DOM.

import { indexName } from "./grid.js";

/** Layouts a person can choose, in their order. */
export const LAYOUTS = [
  { name: "slices", title: "Slices" },
  { name: "projections", title: "Projections" },
  { name: "both", title: "Both" },
];

const TOP = 26; // px for the label
const BOTTOM = 30; // px for a slider
const SIDE = 8;
const LEAST = 140; // px a panel needs for its letters and words
const WIDE = 270; // px a label needs to say where a plane is seen from

/** Ways to stand in rows, as lists of [kind, plane]; the one with the largest pictures is taken. */
function candidates(layout) {
  const slices = [0, 1, 2].map((plane) => ["slice", plane]);
  const projections = [0, 1, 2].map((plane) => ["projection", plane]);
  if (layout === "both") {
    return [
      [slices, projections],
      [[...slices, ...projections]],
      slices.map((one, i) => [one, projections[i]]),
    ];
  }
  const three = layout === "slices" ? slices : projections;
  return [[three], [[three[1], three[2]], [three[0]]]];
}

/**
 * Panels in pixels. Each: {kind, plane, left, top, width, height, image: {left, top, width,
 * height}, scale}. All share one scale: stage pixels a voxel.
 */
export function arrange(layout, width, height, planes) {
  const all = candidates(layout).map((rows) => inRows(rows, width, height, planes));
  const legible = all.filter(({ boxes }) => boxes.every((box) => box.width >= LEAST));
  const tried = legible.length ? legible : all.slice(-1);
  const best = Math.max(...tried.map(({ scale }) => scale));
  const { scale, boxes } = tried.find((one) => one.scale === best);
  return boxes.map((box) => ({ ...box, scale, image: imageOf(box, planes[box.plane], scale) }));
}

function inRows(rows, width, height, planes) {
  const rowHeight = height / rows.length;
  const boxes = rows.flatMap((row, r) => {
    const widths = row.map(([, plane]) => planes[plane].width);
    const total = widths.reduce((sum, one) => sum + one, 0);
    let left = 0;
    return row.map(([kind, plane], i) => {
      const share = (widths[i] / total) * width;
      const box = { kind, plane, left, top: r * rowHeight, width: share, height: rowHeight };
      left += share;
      return box;
    });
  });
  return { boxes, scale: Math.max(0.1, Math.min(...boxes.map((box) => fit(box, planes[box.plane])))) };
}

const roomOf = ({ kind, width, height }) => ({
  width: width - 2 * SIDE,
  height: height - TOP - (kind === "slice" ? BOTTOM : SIDE),
});

function fit(box, plane) {
  const room = roomOf(box);
  return Math.min(room.width / plane.width, room.height / plane.height);
}

/** The picture stands in the middle of its panel's room. */
function imageOf(box, plane, scale) {
  const room = roomOf(box);
  const size = { width: plane.width * scale, height: plane.height * scale };
  return {
    ...size,
    left: box.left + SIDE + (room.width - size.width) / 2,
    top: box.top + TOP + (room.height - size.height) / 2,
  };
}

/** Words and letters of a panel, as labels.js takes them, in a box just above the picture. */
export function labelOf(panel, planes, cross) {
  const { kind, plane, image } = panel;
  const { title, view, left, right, fixed } = planes[plane];
  const what = kind === "slice" ? `${indexName(fixed)} ${cross[fixed]}` : "projection";
  const width = Math.min(panel.width, Math.max(image.width + 18, WIDE));
  const middle = image.left + image.width / 2;
  const box = { left: middle - width / 2, top: image.top - TOP, width };
  const named = view && width >= WIDE ? `${title}, ${view}` : title;
  return { ...box, label: { left, right, words: `${named} · ${what}` } };
}

/** Picture element under a point of the stage: x, y, and whether the point is on the picture. */
export function elementAt({ image, scale }, plane, x, y) {
  const column = Math.floor((x - image.left) / scale);
  const row = Math.floor((y - image.top) / scale);
  const element = {
    x: Math.min(Math.max(column, 0), plane.width - 1),
    y: Math.min(Math.max(row, 0), plane.height - 1),
  };
  return { ...element, isInside: element.x === column && element.y === row };
}
