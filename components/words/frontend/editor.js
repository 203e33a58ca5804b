// Lane, grid and buttons of one transcript, in step with each other and with the page's views.

import { emit, listen, seek } from "../../shared/bus.js";
import { register, unregister } from "../../shared/stats.js";
import { build } from "../../shared/template.js";
import { Draft } from "./draft.js";
import { Grid } from "./grid.js";
import { Lane } from "./lane.js";
import { placeOf } from "./rows.js";
import { TEMPLATE } from "./template.js";

const SOURCE = "words";
/** Edits that were not answered by then are sent again. */
const PATIENCE_MS = 4000;

export class Editor {
  /** options: {view (that leads time), send(message)} */
  constructor(element, { view, send }) {
    this.view = view;
    this.send = send;
    this.parts = build(element, TEMPLATE);
    this.draft = new Draft();
    this.heard = -1; // frame on show, as a whole number
    this.isPlaying = false;
    this.isFollowing = true;
    this.pointed = null;
    this.grid = new Grid(this.parts, this);
    this.lane = new Lane(this.parts, this);
    this.#listen();
    register(`${view}-${SOURCE}`, this);
  }

  #listen() {
    const { root, follow } = this.parts;
    // Streamlit's own shortcuts (R, C) must not hear what is typed here.
    for (const kind of ["keydown", "keypress", "keyup"]) {
      root.addEventListener(kind, (event) => event.stopPropagation());
    }
    root.addEventListener("keydown", (event) => this.#key(event));
    for (const button of root.querySelectorAll("[data-step]")) {
      button.addEventListener("pointerdown", (event) => event.preventDefault()); // the caret stays
      button.addEventListener("click", () => this.step(button.dataset.step));
    }
    follow.addEventListener("click", () => this.#setFollowing(!this.isFollowing));
    this.unlisten = [
      listen("time", this.view, (time) => this.#hear(time)),
      listen("hover-row", this.view, ({ row }) => this.#showPointed(row), SOURCE),
    ];
  }

  /** A message from Python; the same one again changes nothing. */
  update(bytes, send) {
    this.send = send;
    const isOther = this.draft.take(bytes);
    if (isOther) {
      this.grid.restart();
      this.lane.restart();
    }
    this.#refresh();
    if (isOther) this.#showTime(this.heard);
    if (!this.draft.waiting.length) clearTimeout(this.timer);
  }

  #refresh() {
    this.grid.refresh();
    this.lane.refresh();
    this.#syncButtons();
  }

  // Time and pointer ----------------------------------------------------------------------------

  /** At every frame of the leading view: touches the page only when the volume changes. */
  #hear({ frame, playing }) {
    this.isPlaying = playing;
    const nearest = Math.round(frame);
    if (nearest === this.heard) return;
    this.heard = nearest;
    this.#showTime(nearest);
  }

  #showTime(frame) {
    const { length } = this.draft.rows;
    if (!length || frame < 0) return;
    const row = frame === length ? 0 : frame; // after the last volume comes the first
    this.grid.setPresent(row, this.isFollowing);
    this.lane.setPresent(row, this.isFollowing);
  }

  seek(row) {
    this.select(row);
    seek(this.view, row, SOURCE);
  }

  point(row) {
    if (row === this.pointed) return;
    this.#showPointed(row);
    emit("hover-row", this.view, { row }, SOURCE);
  }

  #showPointed(row) {
    this.pointed = row;
    this.grid.setPointed(row ?? -1);
    this.lane.setPointed(row ?? -1);
  }

  stopFollowing() {
    if (this.isFollowing) this.#setFollowing(false);
  }

  #setFollowing(isFollowing) {
    this.isFollowing = isFollowing;
    this.parts.follow.setAttribute("aria-pressed", isFollowing);
    if (isFollowing) this.#showTime(this.heard);
  }

  // Steps ---------------------------------------------------------------------------------------

  select(row) {
    this.grid.select(row);
    this.#syncButtons();
    if (!this.isPlaying && this.draft.rows.length) this.lane.show(row);
  }

  type(row) {
    this.grid.focus(row);
  }

  say(text) {
    this.parts.status.textContent = text;
  }

  /** Do something with rows or words: shown at once, told to Python. */
  edit(edit) {
    this.draft.push(edit);
    this.#refresh();
    this.#deliver();
  }

  moveWord(word, onsetS) {
    this.lane.focused = placeOf(this.draft.words, word, onsetS);
    const text = this.draft.words.texts[word];
    this.edit({ step: "word", word, onset_s: onsetS });
    this.say(`${text} starts at ${onsetS.toFixed(2)} s now.`);
  }

  #deliver() {
    this.send(this.draft.message);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.draft.waiting.length) this.#deliver();
    }, PATIENCE_MS);
  }

  /** A button or its keys, for the row that is selected. */
  step(step) {
    const { grid } = this;
    const { isTyping } = grid;
    if (this.parts.root.querySelector(`[data-step=${step}]`).disabled) return;
    const caret = isTyping ? grid.field.selectionStart : Infinity;
    const word = grid.wordsBeforeCaret;
    grid.commit(); // words before the caret stay the same words
    const row = grid.selected;
    const { text } = this.draft.rows[row];
    this.edit(step === "split" ? { step, row, word } : { step, row });
    const to = { split: row + 1, later: row + 1, earlier: row - 1 }[step] ?? row;
    const next = Math.min(Math.max(to, 0), this.draft.rows.length - 1);
    if (!isTyping) this.select(next);
    else if (step === "split") grid.focus(next, 0);
    else grid.focus(next, step === "merge" ? text.length : caret);
  }

  #key(event) {
    const isCommand = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    let step = null;
    if (isCommand && key === "enter" && this.grid.isTyping) step = "split";
    else if (event.altKey && this.grid.isTyping) step = { arrowup: "earlier", arrowdown: "later" }[key];
    else if (isCommand && !this.grid.isDirty) {
      if (key === "z") step = event.shiftKey ? "redo" : "undo";
      if (key === "y") step = "redo";
    }
    if (!step) return;
    event.preventDefault();
    this.step(step);
  }

  #syncButtons() {
    const { root, which } = this.parts;
    const { draft, grid } = this;
    const set = (step, isOff) => {
      root.querySelector(`[data-step=${step}]`).disabled = isOff;
    };
    which.textContent = `Volume ${grid.selected + 1}`;
    set("merge", grid.selected >= draft.rows.length - 1);
    set("undo", !draft.canUndo);
    set("redo", !draft.canRedo);
  }

  destroy() {
    clearTimeout(this.timer);
    this.point(null);
    this.unlisten.forEach((stop) => stop());
    this.grid.stop();
    this.lane.stop();
    unregister(`${this.view}-${SOURCE}`, this);
    this.parts.root.remove();
  }
}
