// The lane: words at their times over the volumes, to be dragged. Only what is in sight is there.

import { layOut, scaleFor } from "./lane_layout.js";
import { Drag } from "./drag.js";
import { rowOf } from "./rows.js";
import { firstFrom, scrollJustTo, scrollTo } from "./window.js";

const TOP = 26; // px of the ticks
const LEVEL = 27; // px from one level to the next
const SPARE = 300; // px that are drawn beyond what is in sight
/** Words may be this wide: those that start before what is in sight reach into it. */
const WIDEST = 400;
const TICK_ROOM = 62; // px that the number of a volume takes

export class Lane {
  /** owner: {draft, edit(edit), seek(row), point(row or null), stopFollowing(), say(text), type(row)} */
  constructor(parts, owner) {
    this.parts = parts;
    this.owner = owner;
    this.chips = new Map(); // number of the word -> its element
    this.ticks = new Map(); // volume -> its element
    this.scale = 80;
    this.present = -1;
    this.focused = 0;
    this.nudged = null;
    this.drag = new Drag(this);
    this.#listen();
  }

  #listen() {
    const { lane } = this.parts;
    lane.addEventListener("scroll", () => this.render(), { passive: true });
    for (const kind of ["wheel", "touchmove"]) {
      lane.addEventListener(kind, () => this.owner.stopFollowing(), { passive: true });
    }
    lane.addEventListener("pointermove", (event) => {
      if (!this.drag.isOn) this.owner.point(this.rowUnder(event.clientX));
    });
    lane.addEventListener("pointerleave", () => this.drag.isOn || this.owner.point(null));
    lane.addEventListener("click", (event) => {
      const tick = event.target.closest?.("[data-volume]");
      if (tick) this.owner.seek(Number(tick.dataset.volume));
    });
    lane.addEventListener("dblclick", (event) => {
      const chip = event.target.closest?.("[data-word]");
      if (chip) this.owner.type(this.#rowOfWord(Number(chip.dataset.word)));
    });
    lane.addEventListener("keydown", (event) => this.#key(event));
    lane.addEventListener("focusin", ({ target }) => {
      if (target.dataset.word) this.focused = Number(target.dataset.word);
    });
    lane.addEventListener("focusout", () => this.settle());
    this.resizing = new ResizeObserver(() => this.render());
    this.resizing.observe(lane);
  }

  stop() {
    this.resizing.disconnect();
    this.drag.stop();
    clearTimeout(this.timer);
  }

  get trS() {
    return this.owner.draft.trS;
  }

  get endS() {
    return this.owner.draft.rows.length * this.trS;
  }

  /** Time under a place of the window, in s. */
  secondsAt(clientX) {
    const { lane } = this.parts;
    return (clientX - lane.getBoundingClientRect().left + lane.scrollLeft) / this.scale;
  }

  rowUnder(clientX) {
    const { rows } = this.owner.draft;
    return Math.min(rows.length - 1, Math.max(0, rowOf(this.secondsAt(clientX), this.trS)));
  }

  #rowOfWord(word) {
    return this.owner.draft.words.rows[word];
  }

  restart() {
    this.scale = scaleFor(this.owner.draft.words.onsets);
    this.focused = 0;
    this.parts.lane.scrollLeft = 0;
  }

  /** New words. */
  refresh() {
    if (this.drag.isOn) return; // once it is let go
    const { words } = this.owner.draft;
    this.layout = layOut(words.texts, words.onsets, this.scale);
    this.focused = Math.min(this.focused, Math.max(0, words.texts.length - 1));
    const { laneTrack: track } = this.parts;
    track.style.width = `${this.endS * this.scale}px`;
    track.style.setProperty("--volume", `${this.trS * this.scale}px`);
    const hadFocus = this.parts.chips.querySelector(":focus") !== null;
    for (const chips of [this.chips, this.ticks]) {
      chips.forEach((element) => element.remove());
      chips.clear();
    }
    this.render();
    if (hadFocus) this.chips.get(this.focused)?.focus({ preventScroll: true });
    this.#place(this.parts.present, this.present);
  }

  render() {
    const { lane } = this.parts;
    const { words, rows } = this.owner.draft;
    const from = lane.scrollLeft - SPARE;
    const to = lane.scrollLeft + lane.clientWidth + SPARE;
    const first = firstFrom(words.onsets, (from - WIDEST) / this.scale);
    const after = firstFrom(words.onsets, to / this.scale);
    this.#keep(this.chips, first, after, 1, (n) => this.#chip(n));
    const every = Math.ceil(TICK_ROOM / (this.trS * this.scale));
    const firstRow = Math.max(0, rowOf(from / this.scale, this.trS));
    const afterRow = Math.min(rows.length, rowOf(to / this.scale, this.trS) + 1);
    this.#keep(this.ticks, Math.floor(firstRow / every) * every, afterRow, every, (n) => this.#tick(n));
  }

  /** Elements of a stretch; one that is dragged or has the focus stays. */
  #keep(elements, first, after, step, make) {
    for (const [n, element] of elements) {
      if ((n >= first && n < after) || element === this.drag.chip || element.matches(":focus")) continue;
      element.remove();
      elements.delete(n);
    }
    for (let n = first; n < after; n += step) {
      if (!elements.has(n)) elements.set(n, make(n));
    }
  }

  #chip(word) {
    const { texts, onsets, rows } = this.owner.draft.words;
    const chip = document.createElement("button");
    Object.assign(chip, { type: "button", className: "bcw-chip", dir: "auto", textContent: texts[word] });
    chip.dataset.word = word;
    chip.tabIndex = word === this.focused ? 0 : -1;
    chip.title = `${texts[word]} · ${onsets[word].toFixed(2)} s · volume ${rows[word] + 1}`;
    chip.setAttribute("aria-label", `${texts[word]}, ${onsets[word].toFixed(2)} s, volume ${rows[word] + 1}`);
    chip.style.maxWidth = `${Math.max(12, this.layout.room[word])}px`;
    chip.classList.toggle("bcw-now", rows[word] === this.present);
    this.move(chip, word, onsets[word]);
    this.parts.chips.append(chip);
    return chip;
  }

  /** Put a word's chip at a time. */
  move(chip, word, onsetS) {
    const y = TOP + LEVEL * this.layout.levels[word];
    chip.style.transform = `translate(${onsetS * this.scale}px, ${y}px)`;
  }

  #tick(row) {
    const tick = document.createElement("button");
    Object.assign(tick, { type: "button", className: "bcw-tick", tabIndex: -1 });
    tick.dataset.volume = row;
    const seconds = document.createElement("small");
    seconds.textContent = `${Number((row * this.trS).toFixed(2))} s`;
    tick.append(String(row + 1), seconds);
    tick.setAttribute("aria-label", `Go to volume ${row + 1}`);
    tick.style.transform = `translateX(${row * this.trS * this.scale}px)`;
    this.parts.volumes.append(tick);
    return tick;
  }

  /** Volume on show; called when it changes, not at every frame. */
  setPresent(row, isFollowed) {
    const before = this.present;
    this.present = row;
    this.#place(this.parts.present, row);
    const { rows } = this.owner.draft.words;
    for (const [word, chip] of this.chips) {
      if (rows[word] === row || rows[word] === before) chip.classList.toggle("bcw-now", rows[word] === row);
    }
    if (isFollowed && !this.drag.isOn) this.show(row);
  }

  setPointed(row) {
    this.#place(this.parts.pointed, row);
  }

  #place(band, row) {
    band.hidden = !(row >= 0 && row < this.owner.draft.rows.length);
    if (!band.hidden) band.style.transform = `translateX(${row * this.trS * this.scale}px)`;
  }

  /** Bring a volume into sight. */
  show(row) {
    const { lane } = this.parts;
    const width = this.trS * this.scale;
    const margin = Math.min(width, lane.clientWidth / 4);
    const left = scrollTo(lane.scrollLeft, lane.clientWidth, row * width, (row + 1) * width, margin);
    if (left !== lane.scrollLeft) lane.scrollLeft = left;
  }

  #focus(word) {
    const { texts, onsets } = this.owner.draft.words;
    if (word < 0 || word >= texts.length) return;
    this.settle();
    const { lane } = this.parts;
    const left = onsets[word] * this.scale;
    lane.scrollLeft = scrollJustTo(lane.scrollLeft, lane.clientWidth, left, left + 120);
    this.render();
    const before = this.chips.get(this.focused);
    if (before) before.tabIndex = -1;
    const chip = this.chips.get(word);
    chip.tabIndex = 0;
    chip.focus({ preventScroll: true });
  }

  #key(event) {
    const word = Number(event.target.dataset.word);
    if (!Number.isInteger(word)) return;
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -1, PageDown: 1 }[event.key] ?? 0;
    const { length } = this.owner.draft.words.texts;
    if (by && event.key.startsWith("Page")) this.#nudge(word, by * this.trS);
    else if (by && event.shiftKey) this.#nudge(word, by * 0.1);
    else if (by) this.#focus(word + by);
    else if (event.key === "Home") this.#focus(0);
    else if (event.key === "End") this.#focus(length - 1);
    else if (event.key === " ") this.owner.seek(this.#rowOfWord(word));
    else if (event.key === "Enter") this.owner.type(this.#rowOfWord(word));
    else return;
    event.preventDefault();
  }

  /** Time that a word may have: within the volumes there are, to a hundredth of a second. */
  allowed(onsetS) {
    const inside = Math.min(Math.max(onsetS, 0), this.endS - 0.01);
    return Math.max(0, Math.round(inside * 100) / 100);
  }

  /** Move a word by the keyboard; many strokes are one step once they have come to rest. */
  #nudge(word, bySeconds) {
    if (this.nudged?.word !== word) this.settle();
    const from = this.nudged?.onsetS ?? this.owner.draft.words.onsets[word];
    const onsetS = this.allowed(from + bySeconds);
    this.nudged = { word, onsetS };
    this.move(this.chips.get(word), word, onsetS);
    this.owner.say(`${onsetS.toFixed(2)} s, volume ${rowOf(onsetS, this.trS) + 1}`);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.settle(), 600);
  }

  /** Take over what was moved by the keyboard. */
  settle() {
    clearTimeout(this.timer);
    const { nudged } = this;
    this.nudged = null;
    if (nudged) this.owner.moveWord(nudged.word, nudged.onsetS);
  }
}
