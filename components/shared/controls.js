// Buttons, sliders and selects of every viewer <-> the state. Reads the person, writes the state,
// and back.

import { axisNumber } from "./colorbar.js";

/** A row of buttons of which one is pressed. */
export function segments(holder, choices, choose) {
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

export function press(holder, name) {
  for (const button of holder.children) {
    button.setAttribute("aria-pressed", button.dataset.name === name);
  }
}

export class Controls {
  /** actions: {set(patch), reset(), save()} */
  constructor(parts, actions) {
    this.parts = parts;
    this.actions = actions;
    this.on("threshold", (input) => ({ threshold: Number(input.value) }));
    this.on("limit", (input) => ({ limit: Number(input.value) }));
    this.on("lock", (input) => ({ isLocked: input.checked }));
    this.on("fade", (input) => ({ fade: input.checked }));
    this.on("outlines", (input) => ({ outlines: input.checked }));
    this.on("hold", (input) => ({ hold: input.checked }));
    this.on("speed", (input) => ({ speed: Number(input.value) }));
    this.on("colormap", (input) => ({ colormap: input.value }));
    this.on("background", (input) => ({ background: input.value }));
    parts.reset.addEventListener("click", actions.reset);
    parts.save.addEventListener("click", actions.save);
    this.#closeTheSheet();
  }

  /** Write what a control says into the state. */
  on(name, read) {
    const control = this.parts[name];
    control.addEventListener("input", () => this.actions.set(read(control)));
  }

  #closeTheSheet() {
    const { parts } = this;
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
    parts.outlines.checked = state.outlines;
    parts.hold.checked = state.hold;
    parts.speed.value = String(state.speed);
    parts.colormap.value = state.colormap;
    parts.background.value = state.background;
  }

  stop() {
    document.removeEventListener("pointerdown", this.closeOutside);
  }
}
