// Rows of a transcript and the steps that change them; pure. What a step does is decided in Python
// (models/transcript/edit.py); here it is only shown at once, until Python's rows arrive.

import { decodeMessage } from "../../shared/wire.js";

/** Message -> {header, rows}; a row is {text, offsets (s from its start, one a word)}. */
export function readRows(bytes) {
  const { header, payload } = decodeMessage(bytes);
  const times = new Float32Array(payload.slice().buffer, 0, Math.floor(payload.length / 4));
  let at = 0;
  const rows = header.texts.map((text, n) => {
    const from = at;
    at += header.n_words[n];
    return { text, offsets: Array.from(times.subarray(from, at)) };
  });
  return { header, rows };
}

/** Text as a row keeps it: one blank between words. */
export const tidy = (text) => text.split(/\s+/u).filter(Boolean).join(" ");

/** Words of a tidy text. */
export const wordsOf = (text) => (text ? text.split(" ") : []);

const SILENCE = { text: "", offsets: [] };

/** All words: {texts, onsets (s, rising within a row), rows (row of each)}. */
export function wordsOfRows(rows, trS) {
  const texts = [];
  const onsets = [];
  const places = [];
  rows.forEach(({ text, offsets }, row) => {
    wordsOf(text).forEach((word, n) => {
      texts.push(word);
      onsets.push(row * trS + offsets[n]);
      places.push(row);
    });
  });
  return { texts, onsets: Float64Array.from(onsets), rows: Uint32Array.from(places) };
}

/** Volume in which a time lies; the tolerance is that of models/transcript/words.py. */
export const rowOf = (onsetS, trS) => Math.floor(onsetS / trS + 1e-6);

const shared = (words, lengthS) => words.map((_, n) => (n * lengthS) / words.length);

function withText({ text: before, offsets }, given, trS) {
  const text = tidy(given);
  const words = wordsOf(text);
  const isSameLength = words.length === wordsOf(before).length;
  return { text, offsets: isSameLength ? offsets : shared(words, trS) };
}

function split({ text, offsets }, word) {
  const words = wordsOf(text);
  const first = { text: words.slice(0, word).join(" "), offsets: offsets.slice(0, word) };
  const late = offsets.slice(word);
  const rest = { text: words.slice(word).join(" "), offsets: late.map((one) => one - late[0]) };
  return [first, rest];
}

function merge(first, second, trS) {
  if (!first.text || !second.text) return first.text ? first : second;
  const text = `${first.text} ${second.text}`;
  return { text, offsets: shared(wordsOf(text), trS) };
}

/** Let one word start at another time; rows never become fewer. */
function moveWord(rows, trS, word, onsetS) {
  const { texts, onsets } = wordsOfRows(rows, trS);
  if (word >= texts.length) return rows;
  onsets[word] = onsetS;
  const order = Array.from(texts, (_, n) => n).sort((a, b) => onsets[a] - onsets[b] || a - b);
  const count = Math.max(rows.length, rowOf(onsetS, trS) + 1);
  const placed = Array.from({ length: count }, () => ({ words: [], offsets: [] }));
  for (const n of order) {
    const row = rowOf(onsets[n], trS);
    placed[row].words.push(texts[n]);
    placed[row].offsets.push(onsets[n] - row * trS);
  }
  return placed.map(({ words, offsets }) => ({ text: words.join(" "), offsets }));
}

/** Number of a word among all, once it starts at another time; words of equal time keep order. */
export function placeOf({ onsets }, word, onsetS) {
  let before = 0;
  for (let n = 0; n < onsets.length; n++) {
    if (n !== word && (onsets[n] < onsetS || (onsets[n] === onsetS && n < word))) before++;
  }
  return before;
}

/** Rows after one edit ({step, row, text, word, onset_s}); the same where only Python knows. */
export function applyEdit(rows, { step, row, text, word, onset_s: onsetS }, trS) {
  if (step === "word") return moveWord(rows, trS, word, onsetS);
  if (step === "insert" || step === "later") return rows.toSpliced(row, 0, SILENCE);
  if (!(row in rows)) return rows;
  if (step === "text") return rows.with(row, withText(rows[row], text, trS));
  if (step === "split") return rows.toSpliced(row, 1, ...split(rows[row], word));
  if (step === "remove") return rows.length > 1 ? rows.toSpliced(row, 1) : [SILENCE];
  if (step === "merge" && row + 1 < rows.length) {
    return rows.toSpliced(row, 2, merge(rows[row], rows[row + 1], trS));
  }
  if (step === "earlier") {
    const lost = Math.max(0, row - 1);
    return rows[lost].text || rows.length < 2 ? rows : rows.toSpliced(lost, 1);
  }
  return rows;
}

/** Words of a row before the caret; inside a word, its nearer end counts. */
export function wordsBefore(text, caret) {
  const before = text.slice(0, caret);
  const count = wordsOf(tidy(before)).length;
  const start = before.search(/\S*$/u);
  const end = caret + text.slice(caret).search(/\s|$/u);
  const isInside = start < caret && end > caret;
  return isInside && caret - start < end - caret ? count - 1 : count;
}
