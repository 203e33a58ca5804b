// Where words stand in the lane; pure. Widths are estimated from letters, so that fifty thousand
// words cost a few milliseconds; a word that needs more than it gets is cut by the page's styles.

export const LEVELS = 3;
const GAP = 3; // px between two words
const PADDING = 15;
const LETTER = 7.4;
const WIDE_LETTER = 13;
/** Letters that take no room of their own, and those that take much. */
const MARK = /\p{M}|\p{Cf}/u;
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const PLAIN = /^[\x20-\x7e]*$/;

/** Estimated width of a word in px. */
export function widthOf(text) {
  if (PLAIN.test(text)) return PADDING + LETTER * text.length;
  let width = PADDING;
  for (const letter of text) {
    if (!MARK.test(letter)) width += WIDE.test(letter) ? WIDE_LETTER : LETTER;
  }
  return width;
}

/** Px a second: dense speech gets more room, within bounds. */
export function scaleFor(onsets) {
  const gaps = [];
  for (let n = 1; n < onsets.length; n++) {
    if (onsets[n] > onsets[n - 1]) gaps.push(onsets[n] - onsets[n - 1]);
  }
  if (!gaps.length) return 80;
  gaps.sort((a, b) => a - b);
  return Math.min(160, Math.max(60, 30 / gaps[gaps.length >> 1]));
}

/**
 * Level (0 is the line to read along) and room in px of each word; onsets rise. A word goes to the
 * first level that is free, else to the one that is free first, where it cuts the word before.
 */
export function layOut(texts, onsets, scale) {
  const levels = new Uint8Array(texts.length);
  const room = new Float32Array(texts.length).fill(1e6);
  const free = new Array(LEVELS).fill(-Infinity);
  const last = new Array(LEVELS).fill(-1);
  for (let n = 0; n < texts.length; n++) {
    const left = onsets[n] * scale;
    let level = free.findIndex((end) => end <= left);
    if (level < 0) level = free.indexOf(Math.min(...free));
    if (last[level] >= 0) room[last[level]] = left - onsets[last[level]] * scale - GAP;
    levels[n] = level;
    last[level] = n;
    free[level] = left + widthOf(texts[n]) + GAP;
  }
  return { levels, room };
}
