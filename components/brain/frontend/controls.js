// Buttons, sliders and selects <-> the state. Reads the person, writes the state, and back.

import { axisNumber } from "./colorbar.js";
import { LAYOUTS } from "./layout.js";

const SHAPE_TITLES = {
  white: "White", pial: "Folded", midthickness: "Middle", inflated: "Inflated",
  very_inflated: "Very inflated", sphere: "Sphere",
};

/** A row of buttons of which one is pressed. */
function segments(holder, choices, choose) {
  holder.replaceChildren(
    ...choices.map(({ name, title }) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.name = name;
      button.textContent = title;
      button.addEventListener("click", () => choose(name));
      return button;
    }),
  );
}

function press(holder, name) {
  for (const button of holder.children) {
    button.setAttribute("aria-pressed", button.dataset.name === name);
  }
}

export class Controls {
  /** actions: {set(patch), setLayout, setShape, reset, save} */
  constructor(parts, actions) {
    this.parts = parts;
    this.actions = actions;
    const on = (name, read) =>
      parts[name].addEventListener("input", () => actions.set(read(parts[name])));
    on("threshold", (input) => ({ threshold: Number(input.value) }));
    on("limit", (input) => ({ limit: Number(input.value) }));
    on("lock", (input) => ({ isLocked: input.checked }));
    on("fade", (input) => ({ fade: input.checked }));
    on("underlay", (input) => ({ underlay: Number(input.value) }));
    on("outlines", (input) => ({ outlines: input.checked }));
    on("hold", (input) => ({ hold: input.checked }));
    on("speed", (input) => ({ speed: Number(input.value) }));
    on("colormap", (input) => ({ colormap: input.value }));
    on("background", (input) => ({ background: input.value }));
    on("unfold", (input) => actions.unfold(Number(input.value)));
    parts.reset.addEventListener("click", actions.reset);
    parts.save.addEventListener("click", actions.save);
    parts.root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !parts.display.open) return;
      parts.display.open = false;
      parts.display.firstElementChild.focus();
    });
    this.closeOutside = (event) => {
      if (parts.display.open && !event.composedPath().includes(parts.display)) {
        parts.display.open = false;
      }
    };
    document.addEventListener("pointerdown", this.closeOutside);
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

  setSequence(header) {
    const { parts } = this;
    parts.colormap.replaceChildren(
      ...header.colormaps.map(({ name, title }) => new Option(title, name)),
    );
    parts.footer.textContent = header.footer;
    parts.missing.textContent = header.missing;
    parts.badge.hidden = !header.badge;
    parts.badge.textContent = header.badge ?? "";
    parts.badge.title = header.caveat ?? "";
  }

  sync(header, state) {
    const { parts } = this;
    const most = Math.max(Math.abs(header.minimum), Math.abs(header.maximum), header.limit, state.limit);
    parts.threshold.max = state.limit;
    parts.threshold.value = state.threshold;
    parts.thresholdWord.textContent = state.fade ? "Fade" : "Hide";
    parts.thresholdValue.textContent = state.threshold > 0 ? axisNumber(state.threshold) : "off";
    parts.limit.min = most * 0.02;
    parts.limit.max = most;
    parts.limit.value = state.limit;
    parts.limitValue.textContent = `${header.is_signed ? "±" : ""}${axisNumber(state.limit)}`;
    parts.lock.checked = state.isLocked;
    parts.fade.checked = state.fade;
    parts.underlay.value = state.underlay;
    parts.outlines.checked = state.outlines;
    parts.hold.checked = state.hold;
    parts.speed.value = String(state.speed);
    parts.colormap.value = state.colormap;
    parts.background.value = state.background;
    parts.unfold.value = state.layout === "flat" ? state.unfolding : state.mixing;
    press(parts.layouts, state.layout);
    press(parts.shapes, state.mixing < 0.5 ? state.from : state.to);
  }

  stop() {
    document.removeEventListener("pointerdown", this.closeOutside);
  }
}
