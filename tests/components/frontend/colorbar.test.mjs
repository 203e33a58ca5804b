import assert from "node:assert/strict";
import test from "node:test";

import { gradientOf } from "../../../components/shared/colorbar.js";

test("the colour bar shows the colour map from its first to its last colour", () => {
  const lut = Uint8Array.from({ length: 768 }, (_, i) => [Math.floor(i / 3), 7, 255 - Math.floor(i / 3)][i % 3]);
  assert.equal(
    gradientOf(lut, 4),
    "linear-gradient(90deg, rgb(0 7 255), rgb(85 7 170), rgb(170 7 85), rgb(255 7 0))",
  );
});
