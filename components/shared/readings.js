// What stands under the pointer and under the pin, in words, at the current frame.

export class Readings {
  /** Subclasses say `words(place, frame)` -> {name, value, when}. */
  constructor(parts) {
    this.parts = parts;
    this.hovered = -1;
    this.pinned = -1;
  }

  /** Show the tip at a point of the stage; x: null when another view is hovered. */
  hover(place, frame, x, y) {
    this.hovered = place;
    const { tip, stage } = this.parts;
    tip.hidden = place < 0 || x === null;
    if (tip.hidden) return;
    this.#writeTip(frame);
    const left = Math.min(x + 14, stage.clientWidth - tip.offsetWidth - 6);
    const top = y + 18 + tip.offsetHeight > stage.clientHeight ? y - tip.offsetHeight - 10 : y + 18;
    tip.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
  }

  pin(place, frame) {
    this.pinned = place;
    this.parts.pin.hidden = place < 0;
    if (place >= 0) this.#writePin(frame);
  }

  /** The nearest real frame changed. */
  refresh(frame) {
    if (this.hovered >= 0 && !this.parts.tip.hidden) this.#writeTip(frame);
    if (this.pinned >= 0) this.#writePin(frame);
  }

  #writeTip(frame) {
    const { name, value, when } = this.words(this.hovered, frame);
    this.parts.tipName.textContent = name;
    this.parts.tipValue.textContent = value;
    this.parts.tipWhen.textContent = when;
  }

  #writePin(frame) {
    const { name, value } = this.words(this.pinned, frame);
    this.parts.pinText.textContent = `${name} ${value}`;
  }
}

/** The frame of a reading, in words; "" where there is only one. */
export function whenWords(header, frame) {
  if (header.n_frames < 2) return "";
  return `${header.row_kind === "seconds" ? "volume" : "picture"} ${frame + 1}`;
}
