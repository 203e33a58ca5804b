// A word under the pointer: it follows, says where it would start, and is let go there.

import { rowOf } from "./rows.js";

const CLICK_PX = 4; // less is no movement
const EDGE_PX = 36; // nearer to an edge the lane scrolls
const SCROLL_PX = 9; // a frame

export class Drag {
  constructor(lane) {
    this.lane = lane;
    this.chip = null;
    this.frame = 0;
    const holder = lane.parts.chips;
    holder.addEventListener("pointerdown", (event) => this.#start(event));
    holder.addEventListener("pointermove", (event) => this.#move(event));
    holder.addEventListener("pointerup", (event) => this.#end(event));
    holder.addEventListener("pointercancel", () => this.#cancel());
    lane.parts.lane.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.isOn) this.#cancel();
    });
  }

  get isOn() {
    return this.chip !== null;
  }

  stop() {
    cancelAnimationFrame(this.frame);
  }

  #start(event) {
    const chip = event.target.closest("[data-word]");
    if (!chip || event.button !== 0 || this.isOn) return;
    const { lane } = this;
    lane.settle();
    this.chip = chip.isConnected ? chip : null; // settling may have drawn all words anew
    if (!this.chip) return;
    this.word = Number(chip.dataset.word);
    this.count = lane.owner.draft.words.texts.length;
    this.from = lane.owner.draft.words.onsets[this.word];
    this.onsetS = this.from;
    this.startX = event.clientX;
    this.grip = lane.secondsAt(event.clientX) - this.from;
    this.hasMoved = false;
    chip.setPointerCapture(event.pointerId);
  }

  #move(event) {
    if (!this.isOn) return;
    this.x = event.clientX;
    if (!this.hasMoved && Math.abs(this.x - this.startX) < CLICK_PX) return;
    if (!this.hasMoved) this.chip.classList.add("bcw-held");
    this.hasMoved = true;
    this.#follow();
    if (!this.frame) this.frame = requestAnimationFrame(() => this.#scroll());
  }

  #follow() {
    const { lane } = this;
    this.onsetS = lane.allowed(lane.secondsAt(this.x) - this.grip);
    const row = rowOf(this.onsetS, lane.trS);
    lane.move(this.chip, this.word, this.onsetS);
    lane.owner.point(row);
    const { drop } = lane.parts;
    drop.hidden = false;
    drop.textContent = `${this.onsetS.toFixed(2)} s · volume ${row + 1}`;
    drop.style.transform = `translateX(${this.onsetS * lane.scale}px)`;
  }

  /** Near an edge the lane goes on under the word. */
  #scroll() {
    this.frame = 0;
    if (!this.isOn) return;
    const { lane } = this.lane.parts;
    const { left, right } = lane.getBoundingClientRect();
    const by = this.x < left + EDGE_PX ? -SCROLL_PX : this.x > right - EDGE_PX ? SCROLL_PX : 0;
    const before = lane.scrollLeft;
    lane.scrollLeft += by;
    if (lane.scrollLeft === before) return;
    this.#follow();
    this.frame = requestAnimationFrame(() => this.#scroll());
  }

  #end() {
    if (!this.isOn) return;
    const { word, onsetS, from, hasMoved, count } = this;
    const { owner } = this.lane;
    this.#letGo();
    const isSame = owner.draft.words.texts.length === count;
    if (hasMoved && isSame && onsetS !== from) owner.moveWord(word, onsetS);
    else this.lane.refresh();
    if (!hasMoved) owner.seek(owner.draft.words.rows[word]);
  }

  #cancel() {
    if (!this.isOn) return;
    this.#letGo();
    this.lane.refresh();
  }

  #letGo() {
    this.chip.classList.remove("bcw-held");
    this.chip = null;
    this.lane.parts.drop.hidden = true;
    this.lane.owner.point(null);
  }
}
