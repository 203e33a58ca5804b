import assert from "node:assert/strict";
import test from "node:test";
import { ENTRIES } from "../../../components/brain/frontend/entries.js";
import {
  decodeState, encodeState, readQuery, writeQuery,
} from "../../../components/shared/view_state.js";

const DEFAULTS = { layout: "visual", zoom: 1, rotation: [0, 0, 0, 1], threshold: 0, fade: false, frame: 0 };

test("only what differs is written, and it comes back", () => {
  const state = { ...DEFAULTS, layout: "four", zoom: 1.25, rotation: [0.5, -0.5, 0.5, 0.5], fade: true };
  const text = encodeState(state, DEFAULTS, ENTRIES);
  assert.equal(text, "l.four~q.0.5,-0.5,0.5,0.5~z.1.25~m.1");
  assert.deepEqual({ ...DEFAULTS, ...decodeState(text, ENTRIES) }, state);
});

test("defaults write nothing", () => assert.equal(encodeState(DEFAULTS, DEFAULTS, ENTRIES), ""));

test("nonsense in a link is left out", () => {
  const text = "l.<script>~z.999~q.1,2~t.abc~x.~c.-4~zz~~k.1~f.pial~y.4~q.0,0,NaN,1";
  assert.deepEqual(decodeState(text, ENTRIES), { isLocked: true, from: "pial" });
});

test("other parameters and other views are left as they are", () => {
  const before = "?model=r1&view=images~l.four*other~z.2&regions=V1,V2";
  const after = writeQuery(before, "images", "l.flat");
  assert.equal(after, "?model=r1&regions=V1,V2&view=other~z.2*images~l.flat");
  assert.equal(readQuery(after, "other"), "z.2");
  assert.equal(readQuery(after, "images"), "l.flat");
  assert.equal(writeQuery("?view=images~l.four", "images", ""), "");
});

test("a view whose name begins like another is another", () => {
  assert.equal(readQuery("?view=images2~l.four", "images"), "");
});

test("percent signs written by the page are read; broken ones are no error", () => {
  assert.equal(readQuery("?view=images%7El.four", "images"), "l.four");
  assert.equal(readQuery("?view=%E0%A4%A", "images"), "");
});
