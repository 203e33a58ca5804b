import assert from "node:assert/strict";
import test from "node:test";
import { namesOf, outlinesOf, withOwnLabels } from "../../../components/brain/frontend/mesh.js";

const hemisphere = (label) => ({ nVertices: 2, labels: { mesh: Uint16Array.of(label, 0) }, faces: [] });
const MESH = {
  atlases: { mesh: { names: ["A", "B"] } }, hemispheres: [hemisphere(1), hemisphere(2)],
};
// Labels 0 1 | 2 1 behind one byte, so that they are not aligned.
const PAYLOAD = Uint8Array.of(9, 0, 0, 1, 0, 2, 0, 1, 0);
const HEADER = {
  atlas: "own-1", n_left: 2, regions: ["V1"],
  own_labels: { offset: 1, length: 8, names: ["V1 (early)", "early"], outlines: [1, 0] },
};

test("labels of a message stand beside those of the mesh, which stays as it is", () => {
  const named = withOwnLabels(MESH, HEADER, PAYLOAD);
  assert.deepEqual(named.hemispheres.map(({ labels }) => [...labels["own-1"]]), [[0, 1], [2, 1]]);
  assert.equal(named.base, MESH);
  assert.equal(named.hemispheres[0].labels.mesh, MESH.hemispheres[0].labels.mesh);
  assert.equal(MESH.hemispheres[0].labels["own-1"], undefined);
});

test("names and outlines are those of the message, else those of the mesh's atlas", () => {
  assert.deepEqual(namesOf(MESH, HEADER), ["V1 (early)", "early"]);
  assert.deepEqual([0, 1, 2].map(outlinesOf(MESH, HEADER)), [0, 1, 0]);
  const plain = { atlas: "mesh", regions: ["B"] };
  assert.deepEqual(namesOf(MESH, plain), ["A", "B"]);
  assert.deepEqual([0, 1, 2].map(outlinesOf(MESH, plain)), [0, 0, 2]);
  assert.deepEqual([0, 1, 2].map(outlinesOf(MESH, { ...plain, regions: [] })), [0, 1, 2]);
});
