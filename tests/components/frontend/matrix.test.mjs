import assert from "node:assert/strict";
import test from "node:test";

import { cellAt, coloursOf, moved, valueOf, wordsOf } from "../../../components/matrix/frontend/cells.js";

test("a point of the square is in one cell, a point beside it in none", () => {
  assert.deepEqual(cellAt(0, 0, 300, 3), { row: 0, column: 0 });
  assert.deepEqual(cellAt(150, 299, 300, 3), { row: 2, column: 1 });
  assert.equal(cellAt(300, 10, 300, 3), null);
  assert.equal(cellAt(-1, 10, 300, 3), null);
});

test("arrow keys go from cell to cell and stop at the edge", () => {
  assert.deepEqual(moved({ row: 1, column: 1 }, "ArrowDown", 3), { row: 2, column: 1 });
  assert.deepEqual(moved({ row: 2, column: 0 }, "ArrowLeft", 3), { row: 2, column: 0 });
  assert.deepEqual(moved(null, "ArrowRight", 3), { row: 0, column: 1 });
  assert.equal(moved({ row: 1, column: 1 }, "Tab", 3), null);
});

test("codes are values between the limits, and 255 is none", () => {
  assert.equal(valueOf(254, 0.5), 0.5);
  assert.equal(valueOf(127, 0.5), 0);
  assert.equal(valueOf(0, 0.5), -0.5);
  assert.equal(valueOf(255, 0.5), null);
});

test("colours come from the table, without a value nothing is drawn", () => {
  const lut = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
  const colours = coloursOf(Uint8Array.of(0, 254, 255), lut);
  assert.deepEqual([...colours], [0, 0, 0, 255, 255, 255, 255, 255, 0, 0, 0, 0]);
});

test("a cell is told by its pattern, its picture and their similarity", () => {
  const data = { n: 2, limit: 1, names: ["cat", "cup"], members: [1, 3] };
  const codes = Uint8Array.of(254, 127, 0, 255);
  assert.deepEqual(wordsOf(data, codes, { row: 0, column: 1 }), {
    pattern: "cat",
    picture: "cup and 2 more like it",
    score: "r = 0.00",
    isRight: false,
  });
  assert.equal(wordsOf(data, codes, { row: 1, column: 1 }).score, "no pattern");
  assert.equal(wordsOf(data, codes, { row: 1, column: 1 }).isRight, true);
});
