// The viewer's markup. Fixed text only: everything that comes from data is set as textContent.

import { FOOTER, MARKS, TIME, under } from "../../shared/template.js";

const FOLDING = `
          <label>Unfold <input type="range" data-part="unfold" min="0" max="1" step="0.01"></label>
          <label>Folds <input type="range" data-part="underlay" min="0" max="1" step="0.05"></label>`;

export const TEMPLATE = `
<div class="bc" role="group" aria-label="Brain viewer">
  <div class="bc-top">
    <div class="bc-segments" data-part="layouts" role="group" aria-label="View"></div>
    <div class="bc-segments" data-part="shapes" role="group" aria-label="Surface"></div>
  </div>
  <div class="bc-stage" data-part="stage">
    <canvas data-part="canvas" tabindex="0" role="application"
      aria-label="Brain. Shift and arrow keys turn it, plus and minus zoom, left and right step, space plays, 0 resets."></canvas>
    <div class="bc-labels" data-part="labels" aria-hidden="true"></div>${MARKS}
    <div class="bc-message" data-part="message" role="status" hidden>
      <img data-part="fallback" alt="" hidden><p data-part="messageText"></p>
    </div>
  </div>${TIME}${under(FOLDING)}${FOOTER}
</div>`;
