import assert from "node:assert/strict";
import test from "node:test";
import { Axis, pageAt, volumeTicks, wordLevels } from "../../../components/courses/frontend/axis.js";
import { isolated, layout, rowsShown, traces } from "../../../components/courses/frontend/figure.js";
import { bandOf, fitDelay, wordsBefore } from "../../../components/courses/frontend/guide.js";
import { lineOf, rangeOf } from "../../../components/courses/frontend/sequence.js";
import { tipOf } from "../../../components/courses/frontend/tip.js";

const LINE = { dash: "solid", color: "#000", is_low: false, is_modelled: true, parts: [] };
const sequence = (more = {}) => ({
  count: 4, tr: 2, first: 0, end: 8, times: [0, 2, 4, 6], units: "z <score>",
  row_texts: ["a", "", "b c", ""], words: ["a", "b", "c"], onsets: Float32Array.of(0.5, 4.25, 5),
  lines: [
    { ...LINE, name: "V1", label: "V1", values: [1, null, 3, 4] },
    { ...LINE, name: "V2", label: "V2", values: [5, 6, null, 8], is_low: true, parts: ["V2v"] },
  ],
  range: [0, 8], bars: null, ...more,
});
const axisOf = (from, to, width) => {
  const axis = new Axis();
  axis.resize(50, width);
  axis.show(from, to);
  return axis;
};

test("seconds and pixels are each other's inverse", () => {
  const axis = axisOf(10, 30, 400);
  assert.equal(axis.pxPerS, 20);
  assert.equal(axis.toPx(15), 100);
  assert.equal(axis.toTime(100), 15);
});

test("the whole is shown, or pages that overlap by what a response is about", () => {
  const range = { first: 0, end: 130 };
  const [from, to] = pageAt(70, 0, range);
  assert.ok(from <= 0 && to >= 130 && to - from < 133);
  assert.deepEqual(pageAt(0, 60, range), [0, 60]);
  assert.deepEqual(pageAt(59.9, 60, range), [0, 60]);
  assert.deepEqual(pageAt(60, 60, range), [50, 110]); // 10 s before are still there
  assert.deepEqual(pageAt(125, 60, range), [70, 130]);
  assert.deepEqual(pageAt(20, 20, range), [10, 30]);
});

test("volumes are numbered from 1 at their onsets, as many as there is room for", () => {
  const all = volumeTicks({ count: 4, first: 0, tr: 2 }, axisOf(0, 8, 400));
  assert.deepEqual(all, { times: [0, 2, 4, 6], texts: ["1", "2", "3", "4"] });
  const some = volumeTicks({ count: 100, first: 0, tr: 2 }, axisOf(0, 200, 400));
  assert.deepEqual(some.texts, ["20", "40", "60", "80", "100"]); // 4 px a volume
  assert.deepEqual(some.times.slice(0, 2), [38, 78]);
});

test("words that would overlap go to another level, the longest first, or stay ticks", () => {
  const levels = wordLevels([0, 5, 10, 60], [50, 20, 30, 10], 2);
  assert.deepEqual([...levels], [0, -1, 1, 0]);
});

test("the band of the delay stretches with it, and holds the words before a time", () => {
  const shape = { peak: 5, from: 3, to: 8 };
  assert.deepEqual(bandOf(5, shape), { from: 3, to: 8 });
  assert.deepEqual(bandOf(10, shape), { from: 6, to: 16 });
  const onsets = Float32Array.of(0, 1, 2, 3, 4, 5);
  assert.deepEqual(wordsBefore(onsets, 9, bandOf(5, shape)), [1, 6]); // from 1 s up to, not at, 6 s
  assert.deepEqual(wordsBefore(onsets, 2, bandOf(5, shape)), [0, 0]);
  assert.equal(fitDelay(5.04), 5);
  assert.equal(fitDelay(-3), 0.5);
  assert.equal(fitDelay(99), 15);
});

test("what is not modelled is a gap; low confidence is thin with open circles", () => {
  const [first, second] = traces(sequence(), axisOf(0, 8, 400), -1);
  assert.deepEqual(first.y, [1, null, 3, 4]);
  assert.equal(first.connectgaps, false);
  assert.ok(second.line.width < first.line.width);
  assert.equal(second.marker.symbol, "circle-open");
  assert.deepEqual(isolated([null, 1, null, 2, 3, null, 4]), [1, 6]);
});

test("only what is on show is drawn, on an axis that holds all of it, and zero", () => {
  assert.deepEqual(rowsShown(sequence(), axisOf(0, 8, 400)), [0, 4]);
  assert.deepEqual(rowsShown({ first: 0, tr: 2, count: 100 }, axisOf(20, 30, 400)), [9, 17]);
  const [low, high] = rangeOf([[1, null, 4], [null]]);
  assert.ok(low < 0 && low > -0.2 && high > 4 && high < 4.3);
  const [below, above] = rangeOf([[-2, null]]);
  assert.ok(below < -2 && above > 0 && above < 0.1);
  assert.deepEqual(rangeOf([[null]]), [-0.03, 0.03]);
});

test("the chosen line is drawn last and strong, the others faint", () => {
  const drawn = traces(sequence(), axisOf(0, 8, 400), 0);
  assert.deepEqual(drawn.slice(0, 2).map(({ name, opacity }) => [name, opacity < 1]), [["V2", true], ["V1", false]]);
  assert.equal(lineOf(sequence().lines, "V2v"), 1);
  assert.equal(lineOf(sequence().lines, "V9"), -1);
});

test("axes carry seconds, volumes, the unit as plain text and a zero line", () => {
  const axes = layout(sequence(), axisOf(0, 8, 400), { color: "#111", font: "serif" }, { width: 480, height: 322 });
  assert.equal(axes.yaxis.title.text, "z &lt;score&gt;");
  assert.equal(axes.yaxis.zeroline, true);
  assert.deepEqual(axes.yaxis.range, [0, 8]);
  assert.deepEqual(axes.xaxis.range, axes.xaxis2.range);
  assert.deepEqual(axes.xaxis2.ticktext, ["1", "2", "3", "4"]);
  assert.equal(axes.yaxis2, undefined);
});

const BARS = {
  title: "change", line: "V1", names: ["a", "b", "c"], n_shuffles: 2, onsets: [0.5, 4.25, 5],
  widths: [0.5, 0.5, 0.5], values: [1, -2, 0.5], means: [0.5, 0.25, 0.25], lows: [0, 0, 0], highs: [1, 1, 0.5],
};

test("bars stand at their words, beside or, where they are thin, before those elsewhere", () => {
  const at = (width) => traces(sequence({ bars: BARS }), axisOf(0, 8, width), -1).slice(-2);
  const [own, elsewhere] = at(800);
  assert.deepEqual(own.x, [0.5, 4.25, 5]);
  assert.deepEqual(own.y, [1, -2, 0.5]);
  assert.deepEqual(elsewhere.x, [0.5 + 0.21, 4.25 + 0.21, 5 + 0.21]);
  assert.deepEqual(elsewhere.error_y.array, [0.5, 0.75, 0.25]);
  const [behind, before] = at(80);
  assert.deepEqual([behind.y, before.y], [BARS.means, BARS.values]);
  assert.deepEqual(behind.x, before.x);
});

test("the tip tells a volume, its words and values, and the bar under the pointer", () => {
  const tip = tipOf(sequence({ bars: BARS }), 2, 1);
  assert.equal(tip.head, "Volume 3 · 4.00 s");
  assert.equal(tip.said, "“b c”");
  assert.deepEqual(tip.values.map(({ label, text }) => [label, text]), [
    ["V1", "3.0"], ["V2 (low confidence)", "not modelled"],
  ]);
  assert.equal(tip.bar, "“b”: −2.0; at other places 0.25");
  assert.equal(tipOf(sequence(), 1, -1).said, "(silence)");
});
