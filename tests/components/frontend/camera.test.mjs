import assert from "node:assert/strict";
import test from "node:test";
import {
  fromRows, IDENTITY, multiply, orthographic, project, slerp, toRows, turnBy,
} from "../../../components/brain/frontend/camera.js";

const VIEWS = {
  left_lateral: [0, -1, 0, 0, 0, 1, -1, 0, 0], left_medial: [0, 1, 0, 0, 0, 1, 1, 0, 0],
  dorsal: [1, 0, 0, 0, 1, 0, 0, 0, 1], ventral: [-1, 0, 0, 0, 1, 0, 0, 0, -1],
  anterior: [-1, 0, 0, 0, 0, 1, 0, 1, 0], posterior: [1, 0, 0, 0, 0, 1, 0, -1, 0],
};
const close = (a, b) => a.forEach((one, i) => assert.ok(Math.abs(one - b[i]) < 1e-6, `${a} vs ${b}`));

for (const [name, rows] of Object.entries(VIEWS)) {
  test(`${name}: rows survive the way through a quaternion`, () => {
    close(toRows([], fromRows(rows)), rows);
  });
}

test("a turn to the right carries the front of the brain to the right of the screen", () => {
  const rows = toRows([], turnBy(Math.PI / 2, 0));
  // the point nearest the viewer (0, 0, 1) moves to screen right (1, 0, 0)
  close([rows[2], rows[5], rows[8]], [1, 0, 0]);
});

test("a turn down carries the front to the bottom of the screen", () => {
  const rows = toRows([], turnBy(0, Math.PI / 2));
  close([rows[2], rows[5], rows[8]], [0, -1, 0]);
});

test("slerp goes half-way by half the angle, the short way round", () => {
  const quarter = turnBy(Math.PI / 2, 0);
  close(slerp(IDENTITY, quarter, 0.5), turnBy(Math.PI / 4, 0));
  close(slerp(IDENTITY, quarter.map((part) => -part), 0.5), turnBy(Math.PI / 4, 0));
});

test("turns multiply like rotations", () => {
  const a = turnBy(0.3, 0.7);
  const b = turnBy(-0.2, 0.4);
  const [A, B, AB] = [a, b, multiply(a, b)].map((q) => toRows([], q));
  const product = [0, 1, 2].flatMap((r) => [0, 1, 2].map(
    (c) => A[r * 3] * B[c] + A[r * 3 + 1] * B[3 + c] + A[r * 3 + 2] * B[6 + c],
  ));
  close(AB, product);
});

test("the centre lands in the middle; 10 mm anterior lands 20 px left in a left lateral view", () => {
  const matrix = orthographic([], VIEWS.left_lateral, [5, 6, 7], 2, 300, 200, [0, 0]);
  close(project([], matrix, [5, 6, 7], 300, 200).slice(0, 2), [150, 100]);
  close(project([], matrix, [5, 16, 7], 300, 200).slice(0, 2), [130, 100]);
  close(project([], matrix, [5, 6, 17], 300, 200).slice(0, 2), [150, 80]);
});

test("nearer to the viewer is nearer in depth", () => {
  const matrix = orthographic([], VIEWS.left_lateral, [0, 0, 0], 2, 300, 200, [0, 0]);
  const lateral = project([], matrix, [-30, 0, 0], 300, 200)[2];
  const medial = project([], matrix, [0, 0, 0], 300, 200)[2];
  assert.ok(lateral < medial);
});
