// Controls of the volume viewer beyond those of every viewer: layouts, crosshair, slices.

import { Controls, press, segments } from "../../shared/controls.js";
import { indexName } from "./grid.js";
import { LAYOUTS } from "./layout.js";

export class VolumeControls extends Controls {
  /** actions: also {setLayout(name), moveCross(axis, index)} */
  constructor(parts, actions) {
    super(parts, actions);
    this.on("lines", (input) => ({ lines: input.checked }));
    segments(parts.layouts, LAYOUTS, actions.setLayout);
    this.sliders = [];
  }

  setSequence(header) {
    super.setSequence(header);
    this.parts.claim.textContent = header.claim;
    this.parts.note.textContent = header.note;
    const wanted = header.planes.map((plane) => this.#slider(plane, header.box[plane.fixed]));
    this.sliders = wanted;
    this.parts.sliders.replaceChildren(...wanted);
  }

  #slider(plane, [low, high]) {
    const input = document.createElement("input");
    Object.assign(input, { type: "range", min: low, max: high, step: 1 });
    input.dataset.axis = plane.fixed;
    input.setAttribute("aria-label", `Slice, ${plane.title}`);
    input.addEventListener("input", () => this.actions.moveCross(plane.fixed, Number(input.value)));
    return input;
  }

  /** Below each slice its slider; planes without a slice have none on show. */
  placeSliders(panels) {
    this.sliders.forEach((slider, which) => {
      const panel = panels.find(({ kind, plane }) => kind === "slice" && plane === which);
      slider.hidden = !panel;
      if (!panel) return;
      const { image } = panel;
      slider.style.left = `${image.left}px`;
      slider.style.width = `${image.width}px`;
      slider.style.top = `${image.top + image.height + 5}px`;
    });
  }

  syncSliders(cross) {
    for (const slider of this.sliders) {
      const axis = Number(slider.dataset.axis);
      slider.value = cross[axis];
      slider.setAttribute("aria-valuetext", `${indexName(axis)} ${cross[axis]}`);
    }
  }

  sync(header, state) {
    super.sync(header, state);
    this.parts.lines.checked = state.lines;
    this.syncSliders(state.cross);
    press(this.parts.layouts, state.layout);
  }
}
