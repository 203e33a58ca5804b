import assert from "node:assert/strict";
import test from "node:test";
import { emit, forget, listen, seek } from "../../../components/shared/bus.js";

globalThis.CustomEvent ??= class extends Event {
  constructor(type, { detail }) {
    super(type);
    this.detail = detail;
  }
};
const target = new EventTarget();
for (const name of ["addEventListener", "removeEventListener", "dispatchEvent"])
  globalThis[name] = target[name].bind(target);

test("a seek is a time at rest that says so, heard by all but who sent it", () => {
  const heard = [];
  const own = [];
  const stops = [
    listen("time", "brain", (detail) => heard.push(detail), "viewer"),
    listen("time", "brain", (detail) => own.push(detail), "courses"),
  ];
  seek("brain", 3, "courses");
  assert.deepEqual(heard, [
    { frame: 3, playing: false, seek: true, view: "brain", source: "courses" },
  ]);
  assert.deepEqual(own, []);
  stops.forEach((stop) => stop());
  seek("brain", 4, "courses");
  assert.equal(heard.length, 1);
});

test("late listeners get the last of each type until the view is forgotten", () => {
  emit("hover-row", "brain", { row: 2 }, "lane");
  emit("region", "brain", { name: "V1" }, "courses");
  const heard = [];
  const late = (type) => listen(type, "brain", (detail) => heard.push(detail.row ?? detail.name))();
  late("hover-row");
  late("region");
  assert.deepEqual(heard, [2, "V1"]);
  forget("brain");
  late("hover-row");
  late("region");
  assert.equal(heard.length, 2);
});
