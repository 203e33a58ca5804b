import assert from "node:assert/strict";
import test from "node:test";
import { brokenLines } from "../../../components/shared/picture.js";
import { membersInSlice, traceBorder } from "../../../components/volume/frontend/borders.js";
import { HIDDEN, MISSING, Palette, paint, valueTable } from "../../../components/volume/frontend/colors.js";
import { expandRuns, Grid, NO_COLUMN, OUTSIDE } from "../../../components/volume/frontend/grid.js";
import { arrange, elementAt, labelOf } from "../../../components/volume/frontend/layout.js";
import { Projections } from "../../../components/volume/frontend/projections.js";
import { clampCross, fitState } from "../../../components/volume/frontend/state.js";

/** Grid of 3 x 2 x 2 cells, numbered i * 4 + j * 2 + k; places and columns as given. */
function gridOf(cells, columns, planes, masks = []) {
  const parts = [cells, columns, ...masks].map((numbers) => Uint32Array.from(numbers.flatMap((n) => [n, 1])));
  const payload = new Uint8Array(parts.reduce((sum, one) => sum + one.byteLength, 0));
  let offset = 0;
  const places = parts.map((part) => {
    payload.set(new Uint8Array(part.buffer), offset);
    offset += part.byteLength;
    return { offset: offset - part.byteLength, length: part.byteLength };
  });
  const header = {
    shape: [3, 2, 2], strides: [4, 2, 1], box: [[0, 2], [0, 1], [0, 1]], planes,
    cells: places[0], columns: places[1],
    masks: masks.map((_, n) => ({ name: `R${n}`, ...places[2 + n] })),
  };
  return new Grid(header, payload);
}

const AXIAL = { title: "axial", view: "from above", fixed: 2, across: 0, up: 1, left: "L", right: "R" };
const TURNED = { ...AXIAL, is_across_flipped: true, is_up_flipped: true };

test("runs are numbers in a row, in the order they came", () => {
  const bytes = new Uint8Array(Uint32Array.of(7, 3, 2, 2, 70000, 1).buffer);
  assert.deepEqual([...expandRuns(bytes)], [7, 8, 9, 2, 3, 70000]);
  assert.deepEqual([...expandRuns(new Uint8Array(0))], []);
});

test("a cell knows its place and its column; the rest is outside or has no value", () => {
  // places 0, 1, 2 in cells (2,1,0) = 10, (0,0,1) = 1, (1,1,1) = 7; only place 2 has a value
  const grid = gridOf([10, 1, 7], [2], [AXIAL]);
  assert.deepEqual([0, 1, 2].map((place) => grid.indicesOf(place)), [[2, 1, 0], [0, 0, 1], [1, 1, 1]]);
  assert.equal(grid.placeOf([0, 0, 1]), 1);
  assert.equal(grid.placeOf([0, 0, 0]), -1);
  assert.equal(grid.placeOf([3, 0, 0]), -1);
  assert.deepEqual([grid.columnOf(2), grid.columnOf(0), grid.columnOf(-1)], [0, NO_COLUMN, OUTSIDE]);
});

test("cells numbered with i fastest are found as well", () => {
  const header = {
    shape: [3, 2, 2], strides: [1, 3, 6], box: [[0, 2], [0, 1], [0, 1]], planes: [], masks: [],
    cells: { offset: 0, length: 8 }, columns: { offset: 8, length: 0 },
  };
  const grid = new Grid(header, new Uint8Array(Uint32Array.of(11, 1).buffer));
  assert.deepEqual(grid.indicesOf(0), [2, 1, 1]);
});

test("a slice is drawn from its top left, turned where its index falls", () => {
  const numbers = Int32Array.from({ length: 12 }, (_, n) => n); // a cell's own number
  const grid = gridOf([10, 1], [0, 1], [AXIAL, TURNED]);
  const [plain, turned] = grid.planes;
  // k = 1: i across, j upwards; cell = 4 i + 2 j + 1
  assert.deepEqual([...grid.slice(plain, 1, numbers, new Int32Array(6))], [3, 7, 11, 1, 5, 9]);
  assert.deepEqual([...grid.slice(turned, 1, numbers, new Int32Array(6))], [9, 5, 1, 11, 7, 3]);
  assert.deepEqual(plain.indicesAt(0, 0, 1), [0, 1, 1]);
  assert.deepEqual(turned.indicesAt(0, 0, 1), [2, 0, 1]);
  assert.deepEqual([plain.xOf(2), plain.yOf(1), turned.xOf(2), turned.yOf(1)], [2, 0, 0, 1]);
});

test("regions of a voxel are named, the smallest first", () => {
  const grid = gridOf([10, 1, 7], [0, 1, 2], [AXIAL], [[0, 1, 2], [1], [0, 2]]);
  assert.deepEqual(grid.regionsAt(1), ["R1", "R0"]);
  assert.deepEqual(grid.regionsAt(2), ["R2", "R0"]);
});

test("a projection shows the voxel of largest size, keeps its sign and passes over NaN", () => {
  // seen from above: places at (0,0,0) and (0,0,1) are one line of sight; (2,1,0) is another;
  // (1,0,0) has no value; codes mean value = code - 10, 255 is NaN
  const grid = gridOf([0, 1, 10, 4], [0, 1, 2], [AXIAL]);
  const sizes = Float32Array.from({ length: 256 }, (_, code) => (code === 255 ? NaN : Math.abs(code - 10)));
  const codes = Uint8Array.of(12, 5, 10, 255, 11, 255); // 2, -5, 0 | NaN, 1, NaN
  const projections = new Projections(grid, codes, sizes);
  const N = NO_COLUMN, O = OUTSIDE;
  assert.deepEqual([...projections.columns(0, 0)], [O, O, 2, 1, N, O]);
  assert.deepEqual([...projections.columns(0, 1)], [O, O, N, 1, N, O]);
  assert.equal(projections.columns(0, 0), projections.columns(0, 0)); // kept
});

const rgb = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255, pixel >>> 24];
const GREYS = Uint8Array.from({ length: 768 }, (_, n) => Math.floor(n / 3)); // entry n is grey n

function painted(header, codes, columns, settings, to = columns, between = 0) {
  const palette = new Palette();
  palette.setRange(header);
  palette.update(GREYS, { limit: 127, threshold: 0, fade: false, ...settings });
  const pixels = new Uint32Array(columns.length);
  const n = Math.max(...columns, ...to) + 1;
  paint(pixels, codes, { columns, offset: 0 }, { columns: to, offset: n }, between, palette.positions(valueTable(header)), palette);
  return [...pixels].map(rgb);
}

const SIGNED = { encoding: "u8", minimum: -127, maximum: 127, is_signed: true };

test("outside is clear, no value is slate, zero is the middle of the map", () => {
  const colors = painted(SIGNED, Uint8Array.of(127, 254, 255), [OUTSIDE, NO_COLUMN, 2, 0, 1]);
  assert.equal(colors[0][3], 0);
  assert.deepEqual(colors[1], [...MISSING, 255]);
  assert.deepEqual(colors[2], [...MISSING, 255]);
  assert.ok(Math.abs(colors[3][0] - 128) <= 1);
  assert.deepEqual(colors[4], [255, 255, 255, 255]);
});

test("below the threshold is hidden, by size; fading keeps the square of the share", () => {
  const codes = Uint8Array.of(127 - 100, 127 + 50, 127 - 50, 127 + 100);
  const hidden = painted(SIGNED, codes, [0, 1, 2, 3], { threshold: 100 });
  assert.deepEqual([hidden[1], hidden[2]], [[...HIDDEN, 255], [...HIDDEN, 255]]);
  assert.ok(hidden[0][0] < 30 && hidden[3][0] > 225);
  const [faded] = painted(SIGNED, Uint8Array.of(127 + 50), [0], { threshold: 100, fade: true });
  // a quarter of the way from hidden red 178 to grey floor((0.5 + 25 / 127) * 256) = 178
  assert.ok(Math.abs(faded[0] - 178) <= 1);
  assert.ok(Math.abs(faded[2] - (172 + (178 - 172) / 4)) <= 1);
});

test("without a sign the map starts at zero", () => {
  const header = { encoding: "u8", minimum: 0, maximum: 254, is_signed: false };
  const colors = painted(header, Uint8Array.of(0, 64, 127, 254), [0, 1, 2, 3]);
  assert.deepEqual([colors[0][0], colors[3][0]], [0, 255]);
  assert.ok(Math.abs(colors[1][0] - 129) <= 1); // 64 / 127 of 256
});

test("between two frames the values are mixed; a missing one stays missing", () => {
  const codes = Uint8Array.of(27, 127, 0, 227, 255, 0); // frames of -100, 0, -127 | 100, NaN, -127
  const [mixed, missing, gone] = painted(SIGNED, codes, [0, 1, 2], {}, [0, 1, NO_COLUMN], 0.5);
  assert.ok(Math.abs(mixed[0] - 128) <= 1);
  assert.deepEqual(missing.slice(0, 3), MISSING);
  assert.deepEqual(gone.slice(0, 3), MISSING);
});

test("halves are read as values", () => {
  const values = valueTable({ encoding: "f16" });
  assert.deepEqual([values[0x3c00], values[0xc000], values[0]], [1, -2, 0]);
  assert.ok(Number.isNaN(values[0x7e00]));
});

test("a border goes round a set of picture elements, not through it, in straight pieces", () => {
  // 4 x 3 elements; the set is an L: (0,0), (0,1), (1,1), (2,1)
  const pieces = traceBorder(4, 3, [0, 4, 5, 6]);
  const found = Array.from({ length: pieces.length / 4 }, (_, n) => pieces.slice(4 * n, 4 * n + 4).join(" "));
  assert.deepEqual(found.sort(), ["0 0 0 2", "0 0 1 0", "0 2 3 2", "1 0 1 1", "1 1 3 1", "3 1 3 2"]);
  assert.deepEqual(traceBorder(4, 3, []), []);
});

test("only the places of a region in this slice are outlined", () => {
  const grid = gridOf([0, 1, 10], [0, 1, 2], [AXIAL]);
  const [plane] = grid.planes;
  assert.deepEqual(membersInSlice(grid, plane, Int32Array.of(0, 1, 2), 0), [3, 2]);
  assert.deepEqual(membersInSlice(grid, plane, Int32Array.of(0, 1, 2), 1), [3]);
});

const PLANES = [
  { title: "sagittal", view: "", fixed: 0, left: "P", right: "A", width: 90, height: 70 },
  { title: "coronal", view: "from behind", fixed: 1, left: "L", right: "R", width: 60, height: 70 },
  { title: "axial", view: "from above", fixed: 2, left: "L", right: "R", width: 60, height: 90 },
];

for (const [width, height] of [[1000, 504], [366, 472]]) {
  for (const layout of ["slices", "projections", "both"]) {
    test(`panels of ${layout} at ${width} x ${height} share a scale and do not overlap`, () => {
      const panels = arrange(layout, width, height, PLANES);
      assert.equal(panels.length, layout === "both" ? 6 : 3);
      for (const one of panels) {
        assert.equal(one.scale, panels[0].scale);
        assert.ok(one.image.left >= one.left && one.image.top >= one.top + 20);
        assert.ok(one.image.left + one.image.width <= one.left + one.width + 1e-6);
        const room = one.kind === "slice" ? 26 : 0; // for the slider
        assert.ok(one.image.top + one.image.height + room <= one.top + one.height + 1e-6);
        assert.ok(one.left + one.width <= width + 1e-6 && one.top + one.height <= height + 1e-6);
        for (const other of panels) {
          if (other === one) continue;
          const isApart = one.left + one.width <= other.left + 1e-6 || other.left + other.width <= one.left + 1e-6
            || one.top + one.height <= other.top + 1e-6 || other.top + other.height <= one.top + 1e-6;
          assert.ok(isApart);
        }
      }
    });
  }
}

test("labels name plane, viewpoint where there is room, and slice, just above the picture", () => {
  const label = (width, kind = "slice") =>
    labelOf({ kind, plane: 1, width, image: { left: 100, top: 60, width: 80 } }, PLANES, [5, 17, 9]);
  assert.deepEqual(label(300), {
    left: 5, top: 34, width: 270, // around the picture's middle at 140
    label: { left: "L", right: "R", words: "coronal, from behind · j 17" },
  });
  assert.equal(label(180).label.words, "coronal · j 17");
  assert.equal(label(180, "projection").label.words, "coronal · projection");
});

test("a point finds its picture element; beside the picture the nearest", () => {
  const panel = { image: { left: 10, top: 20 }, scale: 4 };
  const plane = { width: 5, height: 3 };
  assert.deepEqual(elementAt(panel, plane, 10, 20), { x: 0, y: 0, isInside: true });
  assert.deepEqual(elementAt(panel, plane, 29.9, 31.9), { x: 4, y: 2, isInside: true });
  assert.deepEqual(elementAt(panel, plane, 30.1, 5), { x: 4, y: 0, isInside: false });
});

test("a crosshair from a link stays inside the brain's box, an unknown layout is none", () => {
  const header = { box: [[2, 9], [0, 5], [1, 1]] };
  assert.deepEqual(clampCross([0, 4.4, 7], header.box), [2, 4, 1]);
  assert.deepEqual(fitState({ layout: "four", cross: [99, 0, 1] }, header), { layout: "slices", cross: [9, 0, 1] });
});

test("a note is broken between words so that each line fits", () => {
  const lines = brokenLines("one two  three fourfourfour", 8, (text) => text.length);
  assert.deepEqual(lines, ["one two", "three", "fourfourfour"]);
  assert.deepEqual(brokenLines("", 8, () => 0), []);
});

test("of the ways to stand in rows the one with the largest pictures is taken", () => {
  const tops = (layout, width, height) =>
    new Set(arrange(layout, width, height, PLANES).map((one) => one.top)).size;
  assert.equal(tops("slices", 1000, 504), 1);
  assert.equal(tops("slices", 366, 472), 2);
  assert.equal(tops("both", 1416, 504), 1);
  assert.equal(tops("both", 900, 504), 2);
  assert.equal(tops("both", 366, 472), 3);
});
