// Which panels stand where, what each shows, and how large: pure geometry, no GL, no DOM.

import { isFlat } from "./mesh.js";

export const LEFT = 0;
export const RIGHT = 1;
const BOTH = [LEFT, RIGHT];

/** Layouts a person can choose, in their order. */
export const LAYOUTS = [
  { name: "visual", title: "Visual cortex" },
  { name: "four", title: "Four views" },
  { name: "posterior", title: "Back" },
  { name: "dorsal", title: "Above" },
  { name: "ventral", title: "Below" },
  { name: "flat", title: "Flat" },
  { name: "free", title: "Free" },
];

const VIEW_WORDS = {
  left_lateral: "lateral", right_lateral: "lateral", left_medial: "medial", right_medial: "medial",
  dorsal: "from above", ventral: "from below", anterior: "from the front",
  posterior: "from behind", flat: "flat",
};

const panel = (view, hemispheres, box, more = {}) => ({ view, hemispheres, box, ...more });

// Boxes are fractions of the stage: [left, top, width, height]. `focus` asks for the modelled
// cortex with that much room around it; `unfolds` follows the unfolding from its view to "flat".
const FOUR = [
  panel("left_lateral", [LEFT], [0, 0, 0.5, 0.5]),
  panel("right_lateral", [RIGHT], [0.5, 0, 0.5, 0.5]),
  panel("left_medial", [LEFT], [0, 0.5, 0.5, 0.5]),
  panel("right_medial", [RIGHT], [0.5, 0.5, 0.5, 0.5]),
];
const ROW_OF_FOUR = ["left_lateral", "left_medial", "right_medial", "right_lateral"].map((view, i) =>
  panel(view, [i < 2 ? LEFT : RIGHT], [i / 4, 0, 0.25, 1]),
);
const FLAT = [
  panel("left_lateral", [LEFT], [0, 0, 0.5, 1], { unfolds: true }),
  panel("right_lateral", [RIGHT], [0.5, 0, 0.5, 1], { unfolds: true }),
];
const VISUAL_WIDE = [
  panel("left_medial", [LEFT], [0, 0, 0.335, 0.52], { focus: 1.5 }),
  panel("posterior", BOTH, [0.335, 0, 0.33, 1], { focus: 1.25 }),
  panel("right_medial", [RIGHT], [0.665, 0, 0.335, 0.52], { focus: 1.5 }),
  panel("flat", [LEFT], [0, 0.52, 0.335, 0.48], { isSheet: true, focus: 1.15 }),
  panel("flat", [RIGHT], [0.665, 0.52, 0.335, 0.48], { isSheet: true, focus: 1.15 }),
];
const VISUAL_TALL = [
  panel("posterior", BOTH, [0, 0, 1, 0.4], { focus: 1.25 }),
  panel("left_medial", [LEFT], [0, 0.4, 0.5, 0.3], { focus: 1.5 }),
  panel("right_medial", [RIGHT], [0.5, 0.4, 0.5, 0.3], { focus: 1.5 }),
  panel("flat", [LEFT], [0, 0.7, 0.5, 0.3], { isSheet: true, focus: 1.15 }),
  panel("flat", [RIGHT], [0.5, 0.7, 0.5, 0.3], { isSheet: true, focus: 1.15 }),
];

function templates(layout, aspect, hasFlat) {
  if (layout === "flat" && hasFlat) return FLAT;
  if (layout === "visual") {
    return (aspect > 1.15 ? VISUAL_WIDE : VISUAL_TALL).filter((one) => hasFlat || !one.isSheet);
  }
  if (layout === "four" || layout === "flat") return aspect > 2.5 ? ROW_OF_FOUR : FOUR;
  return [panel(layout === "free" ? "posterior" : layout, BOTH, [0, 0, 1, 1])];
}

/**
 * Panels of a layout in pixels, with the pair of shapes each shows and how it is framed.
 *
 * fits: {whole(hemisphere, shape, view), modelled(...)} -> extent (see below); `modelled` may be
 * null. shapes: {from, to, mixing, unfolding}. Panels of whole hemispheres share one scale.
 */
export function arrange(layout, width, height, { fits, shapes, hasFlat }) {
  const panels = templates(layout, width / height, hasFlat).map((template) => {
    const [left, top, w, h] = template.box;
    const size = { width: w * width, height: h * height };
    const pair = shapePair(template, shapes);
    const framed = (shape) =>
      frame(template, shape, isFlat(shape) ? "flat" : template.view, size, fits);
    return {
      ...template,
      ...size,
      ...pair,
      left: left * width,
      top: top * height,
      label: label(template),
      start: framed(pair.from),
      end: framed(pair.to),
    };
  });
  for (const side of ["start", "end"]) {
    const whole = panels.map((one) => one[side]).filter((one) => !one.isFocused);
    const shared = Math.min(...whole.map((one) => one.pxPerMm));
    for (const one of whole) one.pxPerMm = shared;
  }
  return panels;
}

/** The two shapes of a panel and their mix. */
function shapePair(template, { from, to, mixing, unfolding }) {
  if (template.isSheet) return { from: "flat", to: "flat", mixing: 0 };
  if (!template.unfolds) return { from, to, mixing };
  return { from: mixing < 0.5 ? from : to, to: "flat", mixing: unfolding };
}

/** Middle and scale of one panel: the modelled cortex with room around it, or everything. */
function frame(template, shape, view, { width, height }, fits) {
  const roomy = fitBoxes(template.hemispheres.map((side) => fits.whole(side, shape, view)));
  const wholeScale = Math.min((width * 0.94) / roomy.width, (height * 0.92) / roomy.height);
  const parts = template.focus
    ? template.hemispheres.map((side) => fits.modelled(side, shape, view)).filter(Boolean)
    : [];
  if (parts.length === 0) {
    return { view, center: roomy.center, pxPerMm: wholeScale, isFocused: false };
  }
  const close = fitBoxes(parts);
  const closeScale = Math.min(width / close.width, height / close.height) / template.focus;
  return { view, center: close.center, pxPerMm: Math.max(closeScale, wholeScale), isFocused: true };
}

/** Smallest box around boxes; all are [minRight, maxRight, minUp, maxUp] plus a rotation. */
function fitBoxes(boxes) {
  const [left, right, low, high, near, far] = boxes.reduce(
    ([a, b, c, d, e, f], { box: o }) => [
      Math.min(a, o[0]), Math.max(b, o[1]), Math.min(c, o[2]),
      Math.max(d, o[3]), Math.min(e, o[4]), Math.max(f, o[5]),
    ],
    [Infinity, -Infinity, Infinity, -Infinity, Infinity, -Infinity],
  );
  const middle = [(left + right) / 2, (low + high) / 2, (near + far) / 2];
  const { rows } = boxes[0];
  const center = [0, 1, 2].map(
    (axis) => rows[axis] * middle[0] + rows[3 + axis] * middle[1] + rows[6 + axis] * middle[2],
  );
  return { center, width: Math.max(right - left, 1e-6), height: Math.max(high - low, 1e-6) };
}

function label({ view, hemispheres, unfolds }) {
  const words = VIEW_WORDS[unfolds ? "flat" : view];
  if (hemispheres.length === 2) {
    const isMirrored = view === "ventral" || view === "anterior";
    return { left: isMirrored ? "R" : "L", right: isMirrored ? "L" : "R", words };
  }
  return { left: hemispheres[0] === LEFT ? "L" : "R", right: "", words };
}

/** Extent of vertices on the screen of a view: [minRight, maxRight, minUp, maxUp, minNear, maxNear]. */
export function extent(place, rows, vertices) {
  const box = [Infinity, -Infinity, Infinity, -Infinity, Infinity, -Infinity];
  const { steps, scale, origin } = place;
  for (let i = 0; i < vertices.length; i++) {
    const k = vertices[i] * 3;
    const x = origin[0] + scale * steps[k];
    const y = origin[1] + scale * steps[k + 1];
    const z = origin[2] + scale * steps[k + 2];
    for (let axis = 0; axis < 3; axis++) {
      const along = rows[axis * 3] * x + rows[axis * 3 + 1] * y + rows[axis * 3 + 2] * z;
      if (along < box[axis * 2]) box[axis * 2] = along;
      if (along > box[axis * 2 + 1]) box[axis * 2 + 1] = along;
    }
  }
  return { box, rows };
}
