// Markup of the courses. Fixed text only: everything that comes from data is set as textContent.

export const TEMPLATE = `
<div class="bc bc-courses" role="group" aria-label="Courses of regions over time">
  <div class="bc-top">
    <div class="bc-chips" data-part="chips" role="group" aria-label="Make one line stand out"></div>
    <div class="bc-segments" data-part="spans" role="group" aria-label="Part of the time axis"></div>
  </div>
  <div class="bc-graph" data-part="graph">
    <div class="bc-lane" data-part="lane" aria-hidden="true">
      <svg data-part="ticks"><path /></svg>
      <div data-part="texts"></div>
      <p class="bc-quiet" data-part="crowd" hidden>Show a shorter part to read the words.</p>
    </div>
    <div class="bc-plot" data-part="plot"></div>
    <div class="bc-surface" data-part="surface" tabindex="0" role="slider" aria-label="Time of the courses"
      aria-valuemin="1" aria-valuenow="1"></div>
    <div class="bc-clip" data-part="clip">
      <div class="bc-hoverline" data-part="hoverline" hidden></div>
      <div class="bc-moving" data-part="moving" hidden>
        <div class="bc-band" data-part="band"></div>
        <div class="bc-reach" data-part="reach"></div>
        <div class="bc-playhead"></div>
      </div>
    </div>
    <div class="bc-tip" data-part="tip" hidden></div>
    <div class="bc-message" data-part="message" role="status" hidden></div>
  </div>
  <p class="bc-bars-key" data-part="barsKey" hidden>
    <span><i data-part="barsSwatch"></i><span data-part="barsWords"></span></span>
    <span><i class="bc-elsewhere"></i><span data-part="barsElsewhere"></span></span>
  </p>
  <div class="bc-delay">
    <label><span>A response here is mostly about words about <output data-part="delayValue"></output> earlier.</span>
      <input type="range" data-part="delay" min="0.5" step="0.1" aria-label="Delay from word to response, in s"></label>
    <button type="button" data-part="resetDelay" aria-label="Reset the delay" hidden>Reset</button>
  </div>
  <p class="bc-quiet" data-part="delaySource"></p>
  <p class="bc-about" data-part="about" dir="auto"></p>
  <div class="bc-footer"><span class="bc-badge" data-part="badge"></span></div>
</div>`;
