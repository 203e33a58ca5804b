// What the viewer starts with, and what of a link fits the grid; pure.

import { commonState } from "../../shared/view_state.js";
import { LAYOUTS } from "./layout.js";

export function firstState(header, prefersStillness) {
  return {
    layout: header.layout ?? "slices",
    cross: [...header.start],
    lines: true,
    ...commonState(header, prefersStillness),
  };
}

/** A state with a layout that exists and a crosshair inside the box. */
export function fitState(state, header) {
  const isKnown = LAYOUTS.some(({ name }) => name === state.layout);
  return {
    ...state,
    layout: isKnown ? state.layout : "slices",
    cross: clampCross(state.cross, header.box),
  };
}

export function clampCross(cross, box) {
  return cross.map((index, axis) => Math.min(Math.max(Math.round(index), box[axis][0]), box[axis][1]));
}
