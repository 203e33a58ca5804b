import assert from "node:assert/strict";
import test from "node:test";
import { Draft } from "../../../components/words/frontend/draft.js";
import { layOut, scaleFor, widthOf } from "../../../components/words/frontend/lane_layout.js";
import { applyEdit, placeOf, rowOf, tidy, wordsBefore, wordsOfRows } from "../../../components/words/frontend/rows.js";
import { firstFrom, rowsInSight, scrollJustTo, scrollTo } from "../../../components/words/frontend/window.js";

/** A message as components/words/wire.py lays it out. */
function message(rows, { revision = "a", taken = 0, trS = 2, shift = 0 } = {}) {
  const header = {
    texts: rows.map(({ text }) => text), n_words: rows.map(({ offsets }) => offsets.length), tr_s: trS,
    revision, n_taken: taken, can_undo: taken > 0, can_redo: false,
  };
  let head = new TextEncoder().encode(JSON.stringify(header));
  head = Uint8Array.from([...head, ...new Array((4 - (head.length % 4)) % 4).fill(32)]);
  const times = new Uint8Array(Float32Array.from(rows.flatMap(({ offsets }) => offsets)).buffer);
  const bytes = new Uint8Array(shift + 8 + head.length + times.length); // shift: not aligned
  bytes.set(new TextEncoder().encode("BCV1"), shift);
  new DataView(bytes.buffer).setUint32(shift + 4, head.length, true);
  bytes.set(head, shift + 8);
  bytes.set(times, shift + 8 + head.length);
  return bytes.subarray(shift);
}

/** a 0.5 b 1.5 | silence | c 4.25, volumes of 2 s; the same cases as tests/models/transcript. */
const ROWS = [
  { text: "a b", offsets: [0.5, 1.5] }, { text: "", offsets: [] }, { text: "c", offsets: [0.25] },
];
const texts = (rows) => rows.map(({ text }) => text);
const onsets = (rows) => [...wordsOfRows(rows, 2).onsets];
const after = (edit, rows = ROWS) => applyEdit(rows, edit, 2);

test("a message gives its rows, wherever it begins in memory", () => {
  for (const shift of [0, 1, 2, 3]) {
    const draft = new Draft();
    assert.equal(draft.take(message(ROWS, { shift })), true);
    assert.deepEqual(draft.rows, ROWS);
    assert.deepEqual([...draft.words.rows], [0, 0, 2]);
    assert.deepEqual([...draft.words.onsets], [0.5, 1.5, 4.25]);
  }
});

test("steps show at once what Python will answer", () => {
  assert.deepEqual(texts(after({ step: "insert", row: 1 })), ["a b", "", "", "c"]);
  assert.deepEqual(onsets(after({ step: "insert", row: 0 })), [2.5, 3.5, 6.25]);
  assert.deepEqual(texts(after({ step: "insert", row: 3 })), ["a b", "", "c", ""]);
  assert.deepEqual(onsets(after({ step: "remove", row: 1 })), [0.5, 1.5, 2.25]);
  assert.deepEqual(texts(after({ step: "remove", row: 0 }, [ROWS[0]])), [""]);
  assert.deepEqual(texts(after({ step: "split", row: 0, word: 1 })), ["a", "b", "", "c"]);
  assert.deepEqual(onsets(after({ step: "split", row: 0, word: 1 })), [0.5, 2, 6.25]);
  assert.deepEqual(texts(after({ step: "split", row: 0, word: 2 })), ["a b", "", "", "c"]);
  assert.deepEqual(onsets(after({ step: "merge", row: 1 })), [0.5, 1.5, 2.25]);
  assert.deepEqual(texts(after({ step: "merge", row: 2 })), texts(ROWS));
  assert.deepEqual(texts(after({ step: "later", row: 2 })), ["a b", "", "", "c"]);
  assert.deepEqual(texts(after({ step: "earlier", row: 2 })), ["a b", "c"]);
  assert.deepEqual(texts(after({ step: "earlier", row: 1 })), texts(ROWS)); // a b are in the way
  assert.deepEqual(texts(after({ step: "text", row: 1, text: "  d \n e " })), ["a b", "d e", "c"]);
  assert.deepEqual(onsets(after({ step: "text", row: 0, text: "x y" })), [0.5, 1.5, 4.25]);
  assert.deepEqual(texts(after({ step: "text", row: 7, text: "x" })), texts(ROWS));
});

test("a word that is moved changes row and order", () => {
  assert.deepEqual(texts(after({ step: "word", word: 0, onset_s: 2 })), ["b", "a", "c"]);
  assert.deepEqual(texts(after({ step: "word", word: 0, onset_s: 1.75 })), ["b a", "", "c"]);
  assert.deepEqual(texts(after({ step: "word", word: 2, onset_s: 0 })), ["c a b", "", ""]);
  assert.deepEqual(texts(after({ step: "word", word: 1, onset_s: 8.5 })), ["a", "", "c", "", "b"]);
  const words = wordsOfRows(ROWS, 2);
  assert.deepEqual([[0, 1.75], [2, 0], [1, 1.5], [0, 9], [2, 0.5]].map(([n, s]) => placeOf(words, n, s)), [1, 0, 1, 2, 1]);
});

test("4.47 s is the start of volume 3 at 1.49 s, as in Python", () => {
  assert.deepEqual([4.46, 4.47, 1.49, 0].map((time) => rowOf(time, 1.49)), [2, 3, 1, 0]);
});

test("a row is split at the word that the caret is nearest to", () => {
  const text = "the lighthouse keeper";
  const at = (caret) => wordsBefore(text, caret);
  assert.deepEqual([0, 1, 2, 3, 4, 5, 13, 14, 15, 21].map(at), [0, 0, 1, 1, 1, 1, 2, 2, 2, 3]);
  assert.equal(wordsBefore("  two  words", 7), 1);
  assert.equal(tidy("  two \t words\n"), "two words");
});

test("what Python has not answered stays on show, and is sent again until it has", () => {
  const draft = new Draft();
  draft.take(message(ROWS));
  draft.push({ step: "text", row: 1, text: "d" });
  draft.push({ step: "insert", row: 0 });
  assert.deepEqual(texts(draft.rows), ["", "a b", "d", "c"]);
  assert.deepEqual(draft.message.edits.map(({ number }) => number), [1, 2]);
  const first = [ROWS[0], { text: "d", offsets: [0.5] }, ROWS[2]];
  assert.equal(draft.take(message(first, { taken: 1 })), false);
  assert.deepEqual(texts(draft.rows), ["", "a b", "d", "c"]);
  assert.deepEqual(draft.message, { revision: "a", edits: [{ number: 2, step: "insert", row: 0 }] });
  draft.take(message(first, { taken: 2 })); // refused: Python's rows count
  assert.deepEqual(texts(draft.rows), ["a b", "d", "c"]);
  assert.deepEqual(draft.message.edits, []);
  draft.push({ step: "undo", row: 0 });
  assert.deepEqual(texts(draft.rows), ["a b", "d", "c"]); // only Python knows
  assert.equal(draft.message.edits[0].number, 3);
});

test("another text forgets edits of the one before; numbers go on from Python's", () => {
  const draft = new Draft();
  draft.take(message(ROWS));
  draft.push({ step: "remove", row: 0 });
  assert.equal(draft.take(message(ROWS, { revision: "b", taken: 4 })), true);
  assert.deepEqual(texts(draft.rows), texts(ROWS));
  draft.push({ step: "remove", row: 0 });
  assert.deepEqual(draft.message, { revision: "b", edits: [{ number: 5, step: "remove", row: 0 }] });
});

test("of ten thousand rows only those in sight are wanted", () => {
  assert.deepEqual(rowsInSight(0, 408, 34, 10_000), { first: 0, after: 20 });
  assert.deepEqual(rowsInSight(5000 * 34, 408, 34, 10_000), { first: 4992, after: 5020 });
  assert.deepEqual(rowsInSight(9988 * 34, 408, 34, 10_000), { first: 9980, after: 10_000 });
  assert.deepEqual(rowsInSight(900, 408, 34, 3), { first: 3, after: 3 });
  assert.deepEqual(rowsInSight(0, 408, 34, 0), { first: 0, after: 0 });
});

test("a stretch is brought into sight only when it leaves it", () => {
  assert.equal(scrollTo(100, 400, 200, 234, 34), 100);
  assert.equal(scrollTo(100, 400, 480, 514, 34), 380);
  assert.equal(scrollTo(100, 400, 0, 34, 34), 0);
  assert.deepEqual([[150, 184], [50, 84], [480, 514]].map(([a, b]) => scrollJustTo(100, 400, a, b)), [100, 50, 114]);
  assert.deepEqual([0, 0.5, 1, 9].map((time) => firstFrom([0.5, 0.5, 2], time)), [0, 0, 2, 3]);
});

test("words stand on the first free line and keep to the room before the next", () => {
  const given = ["one", "two", "three", "four"];
  const wide = layOut(given, [0, 1, 2, 3], 100);
  assert.deepEqual([...wide.levels], [0, 0, 0, 0]);
  assert.deepEqual([...wide.room.slice(0, 3)], [97, 97, 97]);
  const dense = layOut(given, [0, 0.1, 0.2, 0.3], 100);
  assert.deepEqual([...dense.levels], [0, 1, 2, 0]); // "one" is free first
  assert.equal(dense.room[0], Math.fround(27));
  assert.ok(dense.room[1] > 1000);
});

test("wide letters take more room, marks none; dense speech gets more px a second", () => {
  assert.ok(widthOf("你好") > widthOf("ab"));
  assert.equal(widthOf("e\u0301"), widthOf("e"));
  assert.equal(scaleFor([0, 2, 4]), 60);
  assert.equal(scaleFor([0, 0.3, 0.6, 0.6]), 100);
  assert.equal(scaleFor([0, 0.01, 0.02]), 160);
  assert.equal(scaleFor([]), 80);
});
