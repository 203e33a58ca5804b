// Controls of the brain viewer beyond those of every viewer: layouts, shapes, folds.

import { Controls, press, segments } from "../../shared/controls.js";
import { LAYOUTS } from "./layout.js";

const SHAPE_TITLES = {
  white: "White", pial: "Folded", midthickness: "Middle", inflated: "Inflated",
  very_inflated: "Very inflated", sphere: "Sphere",
};

export class BrainControls extends Controls {
  /** actions: also {setLayout(name), setShape(name), unfold(amount)} */
  constructor(parts, actions) {
    super(parts, actions);
    this.on("underlay", (input) => ({ underlay: Number(input.value) }));
    parts.unfold.addEventListener("input", () => actions.unfold(Number(parts.unfold.value)));
  }

  setMesh(mesh, hasFocus) {
    const { parts, actions } = this;
    const hasFlat = mesh.shapes.includes("flat");
    const layouts = LAYOUTS.filter(
      ({ name }) => (name !== "flat" || hasFlat) && (name !== "visual" || hasFocus),
    );
    this.layoutNames = new Set(layouts.map(({ name }) => name));
    segments(parts.layouts, layouts, actions.setLayout);
    const main = mesh.shapes.filter((name) => ["pial", "inflated", "very_inflated"].includes(name));
    segments(parts.shapes, main.map((name) => ({ name, title: SHAPE_TITLES[name] })), actions.setShape);
  }

  hasLayout(name) {
    return this.layoutNames.has(name);
  }

  sync(header, state) {
    super.sync(header, state);
    const { parts } = this;
    parts.underlay.value = state.underlay;
    parts.unfold.value = state.layout === "flat" ? state.unfolding : state.mixing;
    press(parts.layouts, state.layout);
    press(parts.shapes, state.mixing < 0.5 ? state.from : state.to);
  }
}
