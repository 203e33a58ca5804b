// The viewer's markup. Fixed text only: everything that comes from data is set as textContent.

import { FOOTER, MARKS, TIME, under } from "../../shared/template.js";

const LINES = `
          <label class="bc-check"><input type="checkbox" data-part="lines"> Crosshair</label>`;

export const TEMPLATE = `
<div class="bc bc-volume" role="group" aria-label="Volume viewer">
  <div class="bc-top">
    <div class="bc-segments" data-part="layouts" role="group" aria-label="View"></div>
  </div>
  <div class="bc-stage" data-part="stage">
    <div class="bc-planes" data-part="planes" aria-hidden="true"></div>
    <canvas data-part="canvas" tabindex="0" role="application"
      aria-label="Voxels. Shift and arrow keys move the crosshair in the plane last pointed at, page up and down through it, Enter pins, left and right step, space plays, 0 resets."></canvas>
    <div class="bc-labels" data-part="labels" aria-hidden="true"></div>
    <div class="bc-sliders" data-part="sliders"></div>${MARKS}
    <div class="bc-message" data-part="message" role="status" hidden><p data-part="messageText"></p></div>
  </div>
  <details class="bc-note"><summary data-part="claim"></summary><p data-part="note"></p></details>${TIME}${under(LINES)}${FOOTER}
</div>`;
