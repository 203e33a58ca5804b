// Markup that every viewer has. Fixed text only: what comes from data is set as textContent.

/** On the stage: what is pinned, what is under the pointer. */
export const MARKS = `
    <div class="bc-pin" data-part="pin" hidden>
      <span class="bc-ring" aria-hidden="true"></span><span data-part="pinText"></span>
      <button type="button" data-part="unpin" aria-label="Remove the pin">×</button>
    </div>
    <div class="bc-tip" data-part="tip" hidden>
      <strong data-part="tipName"></strong><span data-part="tipValue"></span>
      <small data-part="tipWhen"></small>
    </div>`;

/** What is said now, play button, thumbnails, rail. */
export const TIME = `
  <p class="bc-said" data-part="said" dir="auto" hidden></p>
  <div class="bc-time" data-part="time">
    <button type="button" class="bc-play" data-part="play" aria-label="Play"></button>
    <div class="bc-scroller"><div class="bc-track" data-part="track">
      <div class="bc-thumbs" data-part="thumbs"></div>
      <div class="bc-rail"><div class="bc-ticks" data-part="ticks"></div>
        <input type="range" data-part="scrub" min="0" step="0.01" value="0" aria-label="Time"></div>
    </div></div>
    <div class="bc-when"><strong data-part="when"></strong><small data-part="whenNote"></small></div>
  </div>`;

/** Colour bar, threshold, display sheet; `own` are the sheet's rows of one viewer. */
export const under = (own) => `
  <div class="bc-under">
    <div class="bc-scale" data-part="scale">
      <div class="bc-bar"><i data-part="clipLow">◀</i>
        <span class="bc-ramp"><span data-part="ramp"></span>
          <b data-part="cover"></b><em data-part="zero"></em></span>
        <i data-part="clipHigh">▶</i></div>
      <div class="bc-numbers"><span data-part="low"></span><span data-part="middle"></span><span data-part="high"></span></div>
      <div class="bc-unit"><span data-part="unit"></span>
        <span class="bc-key"><i class="bc-none"></i><span data-part="missing"></span></span></div>
    </div>
    <label class="bc-threshold"><span><span data-part="thresholdWord">Hide</span> below
      <output data-part="thresholdValue"></output></span>
      <input type="range" data-part="threshold" min="0" max="1" step="any" value="0"></label>
    <div class="bc-actions">
      <details class="bc-display" data-part="display"><summary>Display</summary>
        <div class="bc-sheet">
          <label>Colours <select data-part="colormap"></select></label>
          <label>Colour limit <output data-part="limitValue"></output>
            <input type="range" data-part="limit" min="0" max="1" step="any"></label>
          <label class="bc-check"><input type="checkbox" data-part="lock"> Lock range across pictures</label>
          <label class="bc-check"><input type="checkbox" data-part="fade"> Fade below threshold instead of hiding</label>
          ${own}
          <label class="bc-check"><input type="checkbox" data-part="outlines"> Region outlines</label>
          <label class="bc-check"><input type="checkbox" data-part="hold"> Rest on predicted frames</label>
          <label>Speed <select data-part="speed">
            <option value="0.25">¼ ×</option><option value="0.5">½ ×</option><option value="1">1 ×</option>
            <option value="2">2 ×</option><option value="4">4 ×</option></select></label>
          <label>Background <select data-part="background"><option value="auto">Page</option>
            <option value="black">Black</option><option value="white">White</option></select></label>
          <button type="button" data-part="reset">Reset view</button>
        </div>
      </details>
      <button type="button" data-part="save">Save picture</button>
    </div>
  </div>`;

/** Footer, and the picture in words. */
export const FOOTER = `
  <div class="bc-footer"><span data-part="footer"></span><span class="bc-badge" data-part="badge" hidden></span></div>
  <div class="bc-words" data-part="words" role="status" aria-live="polite"></div>`;

/** Fill an element with a viewer's markup; returns its named parts and the root. */
export function build(element, template) {
  const holder = document.createElement("div");
  holder.innerHTML = template;
  const root = holder.firstElementChild;
  element.style.containerType = "inline-size"; // the layout follows the column, not the window
  element.append(root);
  const parts = { root };
  for (const node of root.querySelectorAll("[data-part]")) parts[node.dataset.part] = node;
  return parts;
}
