// The rows on the page: only those in sight are there. Each row holds a real text field, so that
// caret, selection, input methods and writing direction are the browser's own.

import { tidy, wordsBefore } from "./rows.js";
import { rowsInSight, scrollJustTo, scrollTo } from "./window.js";

/** Longer texts are not taken. */
const MOST_LETTERS = 20_000;

export class Grid {
  /** owner: {draft, edit(edit), select(row), seek(row), point(row or null), stopFollowing()} */
  constructor(parts, owner) {
    this.parts = parts;
    this.owner = owner;
    this.shown = new Map(); // row -> its element
    this.spare = [];
    this.active = -1; // row that is typed into
    this.selected = 0;
    this.present = -1;
    this.pointed = -1;
    this.#listen();
  }

  #listen() {
    const { scroller } = this.parts;
    const rowAt = (event) => event.target.closest?.("[data-row]");
    scroller.addEventListener("scroll", () => this.render(), { passive: true });
    for (const kind of ["wheel", "touchmove"]) {
      scroller.addEventListener(kind, () => this.owner.stopFollowing(), { passive: true });
    }
    scroller.addEventListener("pointerdown", (event) => {
      if (event.target === scroller) this.owner.stopFollowing(); // the scroll bar
    });
    scroller.addEventListener("pointerover", (event) => {
      const row = rowAt(event);
      if (row) this.owner.point(Number(row.dataset.row));
    });
    scroller.addEventListener("pointerleave", () => this.owner.point(null));
    scroller.addEventListener("click", (event) => {
      const row = rowAt(event);
      if (row && event.target.tagName === "BUTTON") this.owner.seek(Number(row.dataset.row));
    });
    scroller.addEventListener("focusin", (event) => this.#enter(event.target, rowAt(event)));
    scroller.addEventListener("focusout", () => this.#leave());
    scroller.addEventListener("keydown", (event) => this.#key(event));
    this.resizing = new ResizeObserver(() => this.render());
    this.resizing.observe(scroller);
  }

  stop() {
    this.resizing.disconnect();
  }

  /** New rows; what is being typed stays. */
  refresh() {
    const { sizer, table, scroller } = this.parts;
    this.count = this.owner.draft.rows.length;
    this.rowHeight = Number.parseFloat(getComputedStyle(scroller).getPropertyValue("--row")) || 34;
    sizer.style.height = `${this.count * this.rowHeight}px`;
    scroller.style.setProperty("--n", Math.min(this.count, 12));
    table.setAttribute("aria-rowcount", this.count + 1);
    for (const row of [...this.shown.keys()]) {
      if (row >= this.count) this.#drop(row);
    }
    for (const row of this.shown.keys()) this.#fill(row);
    this.select(Math.min(this.selected, this.count - 1));
    this.render();
  }

  /** Another text: from the top, nothing selected by hand. */
  restart() {
    this.active = -1;
    this.selected = 0;
    this.shown.forEach((_, row) => this.#drop(row));
    this.parts.scroller.scrollTop = 0;
  }

  /** Elements for the rows in sight, and for the one that is typed into. */
  render() {
    const { scroller } = this.parts;
    const { first, after } = rowsInSight(
      scroller.scrollTop, scroller.clientHeight, this.rowHeight, this.count,
    );
    for (const row of this.shown.keys()) {
      if ((row < first || row >= after) && row !== this.active) this.#drop(row);
    }
    for (let row = first; row < after; row++) {
      if (!this.shown.has(row)) this.#add(row);
    }
  }

  #add(row) {
    const element = this.spare.pop() ?? makeRow();
    element.dataset.row = row;
    element.setAttribute("aria-rowindex", row + 2);
    element.style.transform = `translateY(${row * this.rowHeight}px)`;
    this.shown.set(row, element);
    this.#fill(row);
    this.#mark(row);
    this.parts.sizer.append(element);
  }

  #drop(row) {
    const element = this.shown.get(row);
    if (row === this.active) this.active = -1; // before it loses the focus
    this.shown.delete(row);
    element.remove();
    this.spare.push(element);
  }

  #fill(row) {
    const { rows, trS } = this.owner.draft;
    const { number, onset, field } = partsOf(this.shown.get(row));
    number.textContent = row + 1;
    number.setAttribute("aria-label", `Go to volume ${row + 1}`);
    onset.textContent = (row * trS).toFixed(2);
    field.setAttribute("aria-label", `Text of volume ${row + 1}`);
    const isKept = row === this.active && field.value !== this.before;
    if (isKept) return;
    if (field.value !== rows[row].text) field.value = rows[row].text;
    if (row === this.active) this.before = rows[row].text;
  }

  #mark(row) {
    const element = this.shown.get(row);
    if (!element) return;
    element.classList.toggle("bcw-now", row === this.present);
    element.classList.toggle("bcw-pointed", row === this.pointed);
    element.classList.toggle("bcw-selected", row === this.selected);
    if (row === this.present) element.setAttribute("aria-current", "true");
    else element.removeAttribute("aria-current");
    partsOf(element).field.tabIndex = row === this.selected ? 0 : -1;
  }

  #change(name, row) {
    const before = this[name];
    if (before === row) return;
    this[name] = row;
    this.#mark(before);
    this.#mark(row);
  }

  /** Volume on show; called when it changes, not at every frame. */
  setPresent(row, isFollowed) {
    this.#change("present", row);
    if (isFollowed && this.active < 0) this.#bring(row, scrollTo);
  }

  setPointed(row) {
    this.#change("pointed", row);
  }

  select(row) {
    this.#change("selected", row);
    this.#mark(row); // it may be a new element
  }

  #bring(row, how) {
    const { scroller } = this.parts;
    const height = this.rowHeight;
    const top = how(scroller.scrollTop, scroller.clientHeight, row * height, (row + 1) * height, height);
    if (top !== scroller.scrollTop) scroller.scrollTop = top;
  }

  /** Type into a row; the caret goes to the end or where it is said. */
  focus(row, caret = Infinity) {
    this.#bring(row, scrollJustTo);
    this.render();
    const { field } = partsOf(this.shown.get(row));
    field.focus({ preventScroll: true });
    const at = Math.min(caret, field.value.length);
    field.setSelectionRange(at, at);
  }

  get isTyping() {
    return this.active >= 0;
  }

  /** Whether something is typed that was not taken over. */
  get isDirty() {
    return this.isTyping && this.field.value !== this.owner.draft.rows[this.active].text;
  }

  /** Words of the selected row that stay when it is split: those before the caret, or half. */
  get wordsBeforeCaret() {
    const { text } = this.owner.draft.rows[this.selected];
    if (!this.isTyping) return Math.ceil(text.split(" ").length / 2);
    return wordsBefore(this.field.value, this.field.selectionStart);
  }

  get field() {
    return partsOf(this.shown.get(this.active)).field;
  }

  #enter(target, element) {
    if (target.tagName !== "INPUT") return;
    this.active = Number(element.dataset.row);
    this.before = target.value;
    this.owner.select(this.active);
  }

  #leave() {
    this.commit();
    this.active = -1;
    this.render();
  }

  /** Take over what was typed. */
  commit() {
    if (!this.isTyping) return;
    const { field } = this;
    const text = tidy(field.value);
    const isOther = text !== this.owner.draft.rows[this.active].text;
    field.value = text;
    this.before = text;
    if (isOther) this.owner.edit({ step: "text", row: this.active, text });
  }

  #key(event) {
    if (!this.isTyping || event.isComposing) return;
    const { active: row, count } = this;
    const isLast = row === count - 1;
    const done = () => {
      event.preventDefault();
      this.commit();
      return true;
    };
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      done();
      if (event.shiftKey) this.focus(Math.max(0, row - 1));
      else if (!isLast) this.focus(row + 1);
      else if (this.field.value) {
        this.owner.edit({ step: "insert", row: count }); // room for what comes next
        this.focus(row + 1);
      }
    } else if (event.key === "ArrowDown" && !event.altKey && !isLast) done() && this.focus(row + 1);
    else if (event.key === "ArrowUp" && !event.altKey && row > 0) done() && this.focus(row - 1);
    else if (event.key === "Tab" && !event.shiftKey && !isLast) done() && this.focus(row + 1);
    else if (event.key === "Tab" && event.shiftKey && row > 0) done() && this.focus(row - 1);
    else if (event.key === "Escape") this.#revert();
  }

  /** What was typed is given up; once nothing is, the row is left. */
  #revert() {
    const { field } = this;
    const { text } = this.owner.draft.rows[this.active];
    if (field.value === text) this.parts.scroller.focus({ preventScroll: true });
    field.value = text;
    this.before = text;
  }
}

const partsOf = (element) => {
  const [number, onset, text] = element.children;
  return { number: number.firstChild, onset, field: text.firstChild };
};

function makeRow() {
  const element = document.createElement("div");
  element.className = "bcw-row";
  element.setAttribute("role", "row");
  const number = document.createElement("button");
  Object.assign(number, { type: "button", tabIndex: -1 });
  const field = document.createElement("input");
  Object.assign(field, {
    type: "text", dir: "auto", maxLength: MOST_LETTERS, autocomplete: "off", spellcheck: false,
    placeholder: "silence",
  });
  field.setAttribute("autocapitalize", "off");
  for (const content of [number, null, field]) {
    const cell = document.createElement("span");
    cell.setAttribute("role", "gridcell");
    if (content) cell.append(content);
    element.append(cell);
  }
  return element;
}
