// The viewer's markup. Fixed text only: everything that comes from data is set as textContent.

import { FOOTER, MARKS, TIME, under } from "../../shared/template.js";

export const TEMPLATE = `
<div class="bc bc-glass" role="group" aria-label="Glass brain">
  <div class="bc-stage" data-part="stage">
    <div class="bc-planes" data-part="planes" aria-hidden="true"></div>
    <canvas data-part="canvas" tabindex="0" role="application"
      aria-label="Glass brain: the largest value along each line of sight. Left and right step, space plays."></canvas>
    <div class="bc-labels" data-part="labels" aria-hidden="true"></div>${MARKS}
    <div class="bc-message" data-part="message" role="status" hidden><p data-part="messageText"></p></div>
  </div>${TIME}${under("")}
  <details class="bc-note"><summary data-part="claim"></summary><p data-part="note"></p></details>${FOOTER}
</div>`;
