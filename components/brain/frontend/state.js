// What a viewer starts with, before the address bar and the person have their say; pure.

import { commonState } from "../../shared/view_state.js";
import { IDENTITY } from "./camera.js";

/** The camera of every layout before it is moved. */
export const CAMERA = () => ({ rotation: [...IDENTITY], zoom: 1, pan: [0, 0] });

export function firstState(header, mesh, hasFocus, prefersStillness) {
  const wanted = header.layout ?? "visual";
  return {
    layout: wanted === "visual" && !hasFocus ? "four" : wanted,
    ...CAMERA(),
    ...shapePairOf(mesh, {}),
    unfolding: 1,
    underlay: 0.7,
    ...commonState(header, prefersStillness),
  };
}

/** The two shapes to morph between, where the mesh has those asked for. */
export function shapePairOf(mesh, { from, to, mixing }) {
  const solid = mesh.shapes.filter((name) => name !== "flat");
  const folded = ["pial", "white", "midthickness"].find((name) => solid.includes(name)) ?? solid[0];
  const inflated = solid.includes(mesh.defaultShape) ? mesh.defaultShape : solid.at(-1);
  return {
    from: solid.includes(from) ? from : folded,
    to: solid.includes(to) ? to : inflated,
    mixing: mixing ?? 1,
  };
}
