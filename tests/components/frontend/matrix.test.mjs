import assert from "node:assert/strict";
import test from "node:test";

import {
  cellAt, coloursOf, moved, rowGroups, valueOf, wordsOf,
} from "../../../components/matrix/frontend/cells.js";

test("a point of the table is in one cell, a point beside it in none", () => {
  assert.deepEqual(cellAt(0, 0, 300, 2, 3), { row: 0, column: 0 });
  assert.deepEqual(cellAt(150, 199, 300, 2, 3), { row: 1, column: 1 });
  assert.equal(cellAt(150, 201, 300, 2, 3), null); // two rows of 100 px only
  assert.equal(cellAt(300, 10, 300, 2, 3), null);
  assert.equal(cellAt(-1, 10, 300, 2, 3), null);
});

test("arrow keys go from cell to cell and stop at the edge", () => {
  assert.deepEqual(moved({ row: 0, column: 1 }, "ArrowDown", 2, 3), { row: 1, column: 1 });
  assert.deepEqual(moved({ row: 1, column: 1 }, "ArrowDown", 2, 3), { row: 1, column: 1 });
  assert.deepEqual(moved({ row: 1, column: 0 }, "ArrowLeft", 2, 3), { row: 1, column: 0 });
  assert.deepEqual(moved(null, "ArrowRight", 2, 3), { row: 0, column: 1 });
  assert.equal(moved({ row: 1, column: 1 }, "Tab", 2, 3), null);
});

test("codes are values between the limits", () => {
  assert.equal(valueOf(254, 0.5), 0.5);
  assert.equal(valueOf(127, 0.5), 0);
  assert.equal(valueOf(0, 0.5), -0.5);
});

test("categories without a pattern have no rows", () => {
  const groups = [["faces", 0, 3], ["cups", 3, 5], ["trees", 5, 6]];
  assert.deepEqual(rowGroups(groups, [0, 2, 5]), [["faces", 0, 2], ["trees", 2, 3]]);
});

test("colours come from the table", () => {
  const lut = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
  const colours = coloursOf(Uint8Array.of(0, 254), lut);
  assert.deepEqual([...colours], [0, 0, 0, 255, 255, 255, 255, 255]);
});

test("a cell is told by its pattern, its picture and their similarity", () => {
  const data = { n: 2, rows: [1], limit: 1, names: ["cat", "cup"], members: [1, 3] };
  const codes = Uint8Array.of(254, 127);
  assert.deepEqual(wordsOf(data, codes, { row: 0, column: 1 }), {
    pattern: "cup and 2 more like it",
    picture: "cup and 2 more like it",
    score: "r = 0.00",
    isRight: true,
  });
  const other = wordsOf(data, codes, { row: 0, column: 0 });
  assert.deepEqual([other.picture, other.score, other.isRight], ["cat", "r = 1.00", false]);
});
