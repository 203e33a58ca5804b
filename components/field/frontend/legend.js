// What stands beside the square: area chips, colour scale, the untouched picture.

import { colourEnds, cssColour } from "./dots.js";
import { digits } from "./words.js";

/** One pressed or released button an area; `isShown` is changed in place, then `changed()`. */
export function buildAreas(container, header, isShown, changed) {
  const chips = header.area_names.map((name, k) => {
    const chip = document.createElement("button");
    chip.type = "button";
    const isDoubtful = header.low_confidence.includes(name);
    chip.textContent = isDoubtful ? `${name}, low confidence` : name;
    chip.classList.toggle("is-low", isDoubtful);
    chip.setAttribute("aria-pressed", String(isShown[k]));
    chip.addEventListener("click", () => {
      isShown[k] = !isShown[k];
      chip.setAttribute("aria-pressed", String(isShown[k]));
      changed();
    });
    return chip;
  });
  container.replaceChildren(...chips);
}

/** Colour bar with its ends and unit; values beyond an end have its colour, and the bar says so. */
export function showScale(container, header, range) {
  const [low, high] = colourEnds(range);
  const write = (part, text) => (container.querySelector(part).textContent = text);
  write(".low", (header.minimum < low ? "≤ " : "") + digits(low));
  write(".high", (header.maximum > high ? "≥ " : "") + digits(high));
  write(".units", header.units);
  const stops = Array.from({ length: 17 }, (_, k) => cssColour(range.lut, Math.min(k * 16, 255)));
  container.querySelector(".bar").style.background = `linear-gradient(to right, ${stops})`;
}

/** Small untouched picture, its name and what was done to it; names are text, never markup. */
export function showOriginal(container, { url, label, note }) {
  container.hidden = url === undefined && note === "";
  const image = container.querySelector("img");
  image.hidden = url === undefined;
  if (url !== undefined && image.src !== url) image.src = url;
  image.alt = `Original: ${label}`;
  container.querySelector(".name").textContent = label;
  container.querySelector(".note").textContent = note;
}
