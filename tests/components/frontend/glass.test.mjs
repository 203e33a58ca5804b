import assert from "node:assert/strict";
import test from "node:test";
import { MISSING_PIXEL, paint, STEPS } from "../../../components/glass/frontend/colors.js";
import { arrange, cellAt, labelOf } from "../../../components/glass/frontend/layout.js";
import { linkedNear, markIn, toCells, toCoordinate } from "../../../components/glass/frontend/sequence.js";

const COLORS = Uint32Array.from({ length: STEPS }, (_, step) => step + 1);
const CELLS = Uint32Array.of(1, 4, 5);
const CODES = Uint8Array.of(0, 254, 255, 10, 100, 200);

test("a frame colours its own cells and leaves the others clear", () => {
  const pixels = new Uint32Array(6);
  paint(pixels, CELLS, CODES, 0, 0, 0, COLORS);
  assert.deepEqual([...pixels], [0, 1, 0, 0, STEPS, MISSING_PIXEL]);
});

test("between two frames values are mixed, but never with what is not modelled", () => {
  const pixels = new Uint32Array(6);
  paint(pixels, CELLS, CODES, 0, 3, 0.5, COLORS);
  assert.deepEqual([...pixels], [0, 4 * 5 + 1, 0, 0, 4 * 177 + 1, 4 * 200 + 1]);
  paint(pixels, CELLS, CODES, 0, 3, 0.25, COLORS);
  assert.deepEqual([...pixels].slice(4), [Math.round(4 * (254 - 154 / 4)) + 1, MISSING_PIXEL]);
});

const VIEWS = [98, 77, 98, 76].map((width, n) => ({
  width, height: n === 3 ? 97 : 82, title: `view ${n}`, left: "L", right: "R",
}));

test("wide stages put views side by side, narrow ones in two rows; nothing overlaps", () => {
  const rowsOf = (panels) => new Set(panels.map(({ top }) => top)).size;
  assert.equal(rowsOf(arrange(1100, 340, VIEWS)), 1);
  assert.equal(rowsOf(arrange(380, 420, VIEWS)), 2);
  assert.equal(rowsOf(arrange(200, 900, VIEWS)), 4);
  for (const [width, height] of [[1100, 340], [380, 420], [200, 900], [60, 40]]) {
    const panels = arrange(width, height, VIEWS);
    assert.equal(panels.length, 4);
    assert.equal(new Set(panels.map(({ scale }) => scale)).size, 1);
    for (const { image, left, top, width: w, height: h, scale } of panels.filter((one) => one.scale > 0.11)) {
      assert.ok(image.left >= left - 0.01 && image.left + image.width <= left + w + 0.01);
      assert.ok(image.top >= top + 25 && image.top + image.height <= top + h + 0.01, `${scale}`);
    }
  }
});

test("a point of the stage is found in the cell that is drawn there", () => {
  const [panel] = arrange(1100, 340, VIEWS);
  const { image, scale } = panel;
  const at = (column, row) => cellAt(panel, VIEWS[0], image.left + (column + 0.5) * scale, image.top + (row + 0.5) * scale);
  assert.deepEqual(at(0, 0), { column: 0, row: 0 });
  assert.deepEqual(at(97, 81), { column: 97, row: 81 });
  assert.equal(at(98, 5), null);
  assert.equal(at(5, -1), null);
  assert.equal(labelOf(panel, VIEWS[0]).label.words, "view 0");
});

test("coordinates and cells are each other's inverse; a hemisphere's view shows its own places", () => {
  const across = ["y", 90, -2];
  assert.equal(toCoordinate(across, 7), 76);
  assert.equal(toCells(across, 76), 7.5);
  const marks = { places: Int16Array.of(-300, 760, 100, 300, 760, 100), scale: 0.1, axes: "xyz", n_left: 1 };
  const view = (name) => ({ name, across, up: ["z", 80, -2] });
  assert.deepEqual(markIn(view("l"), marks, 0), { x: 7.5, y: 35.5 });
  assert.equal(markIn(view("l"), marks, 1), null);
  assert.equal(markIn(view("r"), marks, 0), null);
  assert.deepEqual(markIn(view("r"), marks, 1), { x: 7.5, y: 35.5 });
  assert.deepEqual(markIn(view("x"), marks, 1), { x: 7.5, y: 35.5 });
  assert.equal(markIn(view("l"), null, 0), null);
  assert.equal(markIn(view("l"), marks, -1), null);
  assert.equal(markIn(view("l"), marks, 2), null);
});

test("a named place is pointed at where it is drawn nearest to the pointer", () => {
  const marks = {
    places: Int16Array.of(-300, 760, 100, -300, 700, 100, -300, 740, 100, 300, 760, 100),
    owners: Uint16Array.of(5, 5, 6, 5), scale: 0.1, axes: "xyz", n_left: 3,
  };
  const left = { name: "l", across: ["y", 90, -2], up: ["z", 80, -2] };
  // y 76 lies at 7.5 cells, y 74 at 8.5, y 70 at 10.5; the fourth place is not in this view
  assert.equal(linkedNear({ marks }, left, 5, 7.6, 35.5), 0);
  assert.equal(linkedNear({ marks }, left, 5, 10, 35.5), 1);
  assert.equal(linkedNear({ marks }, left, 6, 0, 0), 2);
  assert.equal(linkedNear({ marks }, left, 7, 7.5, 35.5), -1);
  assert.equal(linkedNear({ marks }, left, -1, 7.5, 35.5), -1);
  assert.equal(linkedNear({ marks: { ...marks, owners: null } }, left, 5, 7.5, 35.5), -1);
  assert.equal(linkedNear({ marks }, { ...left, name: "r" }, 5, 7.5, 35.5), 3);
});
