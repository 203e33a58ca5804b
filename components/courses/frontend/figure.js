// What plotly draws: courses, bars of left-out words, seconds below and volumes above; pure.

import { volumeTicks } from "./axis.js";

export const MARGIN = { left: 62, right: 14, top: 30, bottom: 42 };
export const COURSES_PX = 250;
export const BARS_PX = 110;
const GAP_PX = 26; // between bars and courses
const GRID = "rgba(128,128,128,0.18)";
const ZERO = "rgba(128,128,128,0.9)";
const ELSEWHERE = "rgba(128,128,128,0.55)";
const MOST_MARKERS = 300;
const LEAST_BAR_PX = 2.5; // thinner bars stand before those they are compared with

export const CONFIG = { staticPlot: true, displayModeBar: false, responsive: false };

/** Height of the plot in px, with or without bars. */
export function heightOf({ bars }) {
  return MARGIN.top + MARGIN.bottom + COURSES_PX + (bars ? BARS_PX + GAP_PX : 0);
}

/** Traces of plotly, of the rows on show; `chosen` is the line that stands out, or -1. */
export function traces(sequence, axis, chosen) {
  const { lines, bars } = sequence;
  const rows = rowsShown(sequence, axis);
  const order = [...lines.keys()].sort((a, b) => (a === chosen) - (b === chosen)); // chosen on top
  const drawn = order.flatMap((n) => courseTraces(sequence, rows, lines[n], chosen, n));
  const upper = { x: [axis.from], y: [null], xaxis: "x2", yaxis: "y", hoverinfo: "skip" };
  return [...drawn, upper, ...(bars ? barTraces(sequence, axis) : [])];
}

/** Rows (first, stop) on show, and one more on either side for the lines that lead there. */
export function rowsShown({ first, tr, count }, axis) {
  const from = Math.floor((axis.from - first) / tr) - 1;
  const stop = Math.ceil((axis.to - first) / tr) + 2;
  return [Math.max(0, from), Math.min(count, stop)];
}

function courseTraces({ times }, [from, stop], line, chosen, n) {
  const isFaint = chosen >= 0 && chosen !== n;
  const width = (line.is_low ? 1.2 : 2.2) * (chosen === n ? 1.6 : 1);
  const marker = { color: line.color, symbol: line.is_low ? "circle-open" : "circle", size: 4 };
  const common = { type: "scatter", opacity: isFaint ? 0.22 : 1, name: line.name };
  const stroke = { color: line.color, dash: line.dash, width };
  const x = times.slice(from, stop);
  const y = line.values.slice(from, stop);
  const course = { ...common, x, y, connectgaps: false, line: stroke };
  if (x.length <= MOST_MARKERS) return [{ ...course, mode: "lines+markers", marker }];
  const alone = isolated(y); // a line alone would not show them
  const at = (numbers) => alone.map((row) => numbers[row]);
  return [{ ...course, mode: "lines" }, { ...common, mode: "markers", x: at(x), y: at(y), marker }];
}

/** Rows with a value between two without. */
export function isolated(values) {
  const rows = [];
  for (let row = 0; row < values.length; row++) {
    const isAlone = (values[row - 1] ?? null) === null && (values[row + 1] ?? null) === null;
    if (values[row] !== null && isAlone) rows.push(row);
  }
  return rows;
}

/** A bar for each word, and one for the same word elsewhere: beside it, or behind where it is thin. */
function barTraces({ bars, lines }, axis) {
  const color = lines.find(({ name }) => name === bars.line)?.color ?? "#7D7D7D";
  const common = { type: "bar", xaxis: "x", yaxis: "y2", offset: 0 };
  const half = bars.widths.map((room) => 0.42 * room);
  const isThin = median(half) * axis.pxPerS < LEAST_BAR_PX;
  const thin = half.map((width) => Math.max(0.8 * width, 1.2 / axis.pxPerS));
  const own = {
    ...common, x: bars.onsets, y: bars.values, width: isThin ? thin : half, marker: { color },
  };
  if (!bars.n_shuffles) return [own];
  const elsewhere = { ...common, y: bars.means, marker: { color: ELSEWHERE } };
  if (isThin) return [{ ...elsewhere, x: bars.onsets, width: bars.widths }, own];
  const range = {
    type: "data", symmetric: false, thickness: 1, width: 0, color: ZERO, visible: bars.n_shuffles > 1,
    array: bars.highs.map((high, n) => high - bars.means[n]),
    arrayminus: bars.means.map((mean, n) => mean - bars.lows[n]),
  };
  return [own, { ...elsewhere, x: bars.onsets.map((onset, n) => onset + half[n]), width: half, error_y: range }];
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
}

/** Layout of plotly. look: {color, font}; size: {width, height}. */
export function layout(sequence, axis, look, { width, height }) {
  const { units, bars } = sequence;
  const shown = [axis.from, axis.to];
  const ticks = volumeTicks(sequence, axis);
  const inner = height - MARGIN.top - MARGIN.bottom;
  const top = bars ? COURSES_PX / inner : 1;
  const value = (title, domain, range) => ({
    title: { text: escapeText(title), standoff: 4 }, domain, range, gridcolor: GRID, zeroline: true,
    zerolinecolor: ZERO, zerolinewidth: 1.5, fixedrange: true, nticks: 6,
  });
  const time = { range: shown, fixedrange: true, zeroline: false };
  return {
    width, height, showlegend: false, dragmode: false, hovermode: false, barmode: "overlay",
    margin: { l: axis.left, r: MARGIN.right, t: MARGIN.top, b: MARGIN.bottom, pad: 0 },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: look.font, color: look.color, size: 11 },
    xaxis: { ...time, title: { text: "time (s)", standoff: 4 }, gridcolor: GRID, anchor: "y", exponentformat: "none", separatethousands: true },
    xaxis2: {
      ...time, overlaying: "x", side: "top", anchor: "free", position: 1, showgrid: false,
      tickvals: ticks.times, ticktext: ticks.texts, ticks: "outside", ticklen: 4, tickcolor: ZERO,
    },
    yaxis: { ...value(units, [0, top], sequence.range), anchor: "x" },
    ...(bars && {
      yaxis2: { ...value(bars.title, [1 - BARS_PX / inner, 1], bars.range), anchor: "x", nticks: 4 },
    }),
    annotations: [{
      text: "TR", xref: "paper", yref: "paper", x: 0, y: 1, xanchor: "right", yanchor: "bottom",
      xshift: -8, yshift: 3, showarrow: false,
    }],
  };
}

/** Text that plotly must not read as markup. */
export function escapeText(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
