import assert from "node:assert/strict";
import test from "node:test";
import { orthographic } from "../../../components/brain/frontend/camera.js";
import {
  clusterBounds, visibleRuns,
} from "../../../components/brain/frontend/clusters.js";
import { computeNormals, facesAround } from "../../../components/brain/frontend/mesh.js";
import { placeBorders, traceBorders } from "../../../components/brain/frontend/outlines.js";
import { decodeId, isInside } from "../../../components/brain/frontend/picking.js";
import { sentence } from "../../../components/shared/words.js";
import { columnOf, formatReading } from "../../../components/shared/wire.js";

test("normals of a counter-clockwise triangle point at the viewer", () => {
  const normals = computeNormals(Int16Array.of(0, 0, 0, 9, 0, 0, 0, 9, 0), Uint16Array.of(0, 1, 2));
  assert.deepEqual([...normals], [0, 0, 127, 0, 0, 127, 0, 0, 127]);
});

test("faces around a vertex", () => {
  const { start, list } = facesAround(Uint16Array.of(0, 1, 2, 2, 1, 3), 4);
  const of = (v) => [...list.slice(start[v], start[v + 1])];
  assert.deepEqual([of(0), of(1), of(2), of(3)], [[0], [0, 1], [0, 1], [1]]);
});

/** A strip of 2 x n squares in a plane, 4 steps wide each; vertex 2 i is below vertex 2 i + 1. */
function strip(n) {
  const faces = [];
  const steps = [];
  for (let i = 0; i <= n; i++) steps.push(4 * i, 0, 0, 4 * i, 4, 0);
  for (let i = 0; i < 2 * n; i += 2) faces.push(i, i + 2, i + 1, i + 1, i + 2, i + 3);
  return {
    faces: Uint16Array.from(faces),
    place: { steps: Int16Array.from(steps), scale: 0.5, origin: [1, 0, 0] },
  };
}

test("a border runs between the middles of mixed edges", () => {
  const { faces, place } = strip(6);
  const labels = Uint16Array.from({ length: 14 }, (_, vertex) => (vertex % 2 ? 1 : 0));
  const border = traceBorders(faces, labels, (label) => label);
  assert.equal(border.segments.length, 2 * 12);
  const ends = placeBorders(border, place, 0);
  // first triangle: edges (2, 1) and (1, 0), whose middles are (2, 2) and (0, 2) steps, in mm:
  assert.deepEqual([...ends.slice(0, 6)], [2, 1, 0, 1, 1, 0]);
});

test("the border around a stray vertex is left out", () => {
  const { faces } = strip(6);
  const labels = Uint16Array.from({ length: 14 }, (_, vertex) => (vertex === 6 ? 1 : 0));
  assert.equal(traceBorders(faces, labels, (label) => label).segments.length, 0);
});

test("regions that are not chosen have no outline", () => {
  const faces = Uint16Array.of(0, 1, 2);
  const border = traceBorders(faces, Uint16Array.of(2, 2, 0), (label) => (label === 1 ? 1 : 0));
  assert.equal(border.segments.length, 0);
});

test("an id holds the hemisphere beside 23 bits of vertex", () => {
  assert.deepEqual(decodeId(Uint8Array.of(1, 2, 0x83, 255), 0), { side: 1, vertex: 0x030201 });
  assert.deepEqual(decodeId(Uint8Array.of(255, 255, 2, 255), 0), { side: 0, vertex: 196607 });
  assert.equal(decodeId(new Uint8Array(4), 0), null);
});

test("inside a triangle, whichever way round it is drawn", () => {
  const [a, b, c] = [[0, 0], [10, 0], [0, 10]];
  assert.ok(isInside(2, 2, a, b, c) && isInside(2, 2, a, c, b));
  assert.ok(!isInside(8, 8, a, b, c) && !isInside(-1, 2, a, c, b));
});

test("a reading has no more digits than its step", () => {
  assert.equal(formatReading(1.23456, 0.004), "1.235");
  assert.equal(formatReading(-12.3, 1.5), "−12");
  assert.equal(formatReading(NaN, 1), "not modelled");
});

test("a right vertex's parcel comes after all left ones; no label is no column", () => {
  const header = { kind: "parcels", n_parcels_left: 180, n_left: 5 };
  assert.equal(columnOf(header, false, 3, 7), 6);
  assert.equal(columnOf(header, true, 3, 7), 186);
  assert.equal(columnOf(header, true, 3, 0), -1);
  assert.equal(columnOf({ kind: "vertices", n_left: 5 }, true, 3, 0), 8);
});

test("the words name the strongest regions of the frame, and that they are predicted", () => {
  const header = {
    row_kind: "picture", n_frames: 2, row_labels: ["a cat", "a dog"], units: "units",
    low_confidence: ["hV4"], closing: "Predicted, not measured.",
    summary: { names: ["V1 left", "hV4 right"], rows: [[], [[1, -0.5], [0, 0.25]]] },
  };
  assert.equal(
    sentence(header, 1),
    "Picture 2 of 2, a dog. Strongest mean units: hV4 right −0.50 (low confidence), V1 left 0.25. Predicted, not measured.",
  );
});

test("only neighbourhoods inside the panel and turned to the viewer are drawn", () => {
  const { faces, place } = strip(300); // 600 faces: clusters of 256, 256 and 88 along x
  const bounds = clusterBounds(faces, place);
  const runs = { starts: [], counts: [], length: 0 };
  const rows = [1, 0, 0, 0, 1, 0, 0, 0, 1];
  const see = (center, toward) => {
    const matrix = orthographic([], rows, center, 1, 100, 100, [0, 0]);
    visibleRuns(bounds, 600, matrix, toward, runs);
    return [runs.starts.slice(0, runs.length), runs.counts.slice(0, runs.length)];
  };
  // squares are 2 mm wide: cluster 0 spans x = 1 to 257, 1 to 513, 2 to 601; the panel 100 mm
  assert.deepEqual(see([100, 0, 0], [0, 0, 1]), [[0], [256]]);
  assert.deepEqual(see([257, 0, 0], [0, 0, 1]), [[0], [512]]);
  assert.deepEqual(see([590, 0, 0], [0, 0, 1]), [[512], [88]]);
  assert.deepEqual(see([100, 0, 0], [0, 0, -1]), [[], []]);
  assert.deepEqual(see([100, 0, 0], null), [[0], [256]]);
});
