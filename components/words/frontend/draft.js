// What the person did and Python has not answered yet; pure.
//
// Rows on show are Python's last rows with all unanswered edits on top. Every change sends all
// unanswered edits, so that one that was overtaken on the way is not lost; Python leaves out
// those it has (by number) and says the last number in `n_taken`.

import { applyEdit, readRows, wordsOfRows } from "./rows.js";

export class Draft {
  constructor() {
    this.revision = "";
    this.rows = [];
    this.trS = 1;
    this.waiting = [];
    this.last = 0; // number of the last edit
    this.canUndo = false;
    this.canRedo = false;
    this.words = wordsOfRows([], 1);
  }

  /** Rows from Python; returns whether it is another text. */
  take(bytes) {
    const { header, rows } = readRows(bytes);
    const isOther = header.revision !== this.revision;
    this.revision = header.revision;
    this.trS = header.tr_s;
    this.canUndo = header.can_undo;
    this.canRedo = header.can_redo;
    this.waiting = isOther ? [] : this.waiting.filter(({ number }) => number > header.n_taken);
    if (isOther) this.last = header.n_taken;
    this.last = Math.max(this.last, header.n_taken);
    this.#show(this.waiting.reduce((now, edit) => applyEdit(now, edit, this.trS), rows));
    return isOther;
  }

  /** Do a step; it is on show at once. */
  push(edit) {
    this.last += 1;
    this.waiting.push({ number: this.last, ...edit });
    this.canUndo ||= edit.step !== "undo" && edit.step !== "redo";
    this.#show(applyEdit(this.rows, edit, this.trS));
  }

  /** What to send. */
  get message() {
    return { revision: this.revision, edits: this.waiting };
  }

  #show(rows) {
    if (rows === this.rows) return;
    this.rows = rows;
    this.words = wordsOfRows(rows, this.trS);
  }
}
