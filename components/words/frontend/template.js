// The editor's markup. Fixed text only: everything that comes from data is set as value or text.

/** Step -> label and what it does. */
export const STEPS = {
  insert: ["Insert", "A silent volume before this one; all words after it come later"],
  remove: ["Remove", "This volume with its words; all after it come earlier"],
  split: ["Split", "The words after the caret move to a new volume (Ctrl+Enter)"],
  merge: ["Merge", "Join with the next volume into one"],
  earlier: ["Earlier", "This volume and all after it, by one volume (Alt+Up)"],
  later: ["Later", "This volume and all after it, by one volume (Alt+Down)"],
  undo: ["Undo", "Take the last change back (Ctrl+Z)"],
  redo: ["Redo", "Do it again (Ctrl+Shift+Z)"],
};

/** Arrows that everybody knows, to save room. */
const SIGNS = { undo: "↶", redo: "↷" };

const button = ([step, [label, help]]) =>
  `<button type="button" data-step="${step}" aria-label="${label}" title="${label}: ${help}">${SIGNS[step] ?? label}</button>`;

export const TEMPLATE = `
<div class="bc bcw" role="group" aria-label="Words, volume by volume">
  <div class="bcw-lane" data-part="lane" role="group"
    aria-label="Words in time. Arrow keys go from word to word; with Shift they move a word by a tenth of a second, Page Up and Page Down by a volume.">
    <div class="bcw-track" data-part="laneTrack">
      <div class="bcw-band bcw-pointed" data-part="pointed" hidden></div>
      <div class="bcw-band bcw-present" data-part="present" hidden></div>
      <div data-part="volumes"></div>
      <div data-part="chips"></div>
      <output class="bcw-drop" data-part="drop" hidden></output>
    </div>
  </div>
  <div class="bcw-bar" role="toolbar" aria-label="Change the volume">
    <b data-part="which"></b>
    ${Object.entries(STEPS).map(button).join("")}
    <button type="button" data-part="follow" aria-pressed="true"
      title="Keep the volume on show in sight">Follow</button>
  </div>
  <div class="bcw-table" role="grid" data-part="table" aria-colcount="3" aria-label="Words, a row a volume">
    <div class="bcw-head" role="row" aria-rowindex="1">
      <span role="columnheader">TR</span><span role="columnheader">Onset, s</span><span role="columnheader">Text</span>
    </div>
    <div class="bcw-rows" role="rowgroup" data-part="scroller" tabindex="-1">
      <div class="bcw-sizer" role="presentation" data-part="sizer"></div>
    </div>
  </div>
  <div class="bc-words" role="status" data-part="status"></div>
</div>`;
