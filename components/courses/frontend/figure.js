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
const LEAST_WHISKER_PX = 3; // width of a bar below which its range is only told by the tip

export const CONFIG = { staticPlot: true, displayModeBar: false, responsive: false };

/** Height of the plot in px, with or without bars. */
export function heightOf({ bars }) {
  return MARGIN.top + MARGIN.bottom + COURSES_PX + (bars ? BARS_PX + GAP_PX : 0);
}

/** Traces of plotly; `chosen` is the line that stands out, or -1. */
export function traces(sequence, axis, chosen) {
  const { lines, bars } = sequence;
  const order = [...lines.keys()].sort((a, b) => (a === chosen) - (b === chosen)); // chosen on top
  const drawn = order.flatMap((n) => courseTraces(sequence, lines[n], chosen, n));
  const upper = { x: [axis.from], y: [null], xaxis: "x2", yaxis: "y", hoverinfo: "skip" };
  return [...drawn, upper, ...(bars ? barTraces(sequence, axis) : [])];
}

function courseTraces({ times, count }, line, chosen, n) {
  const isFaint = chosen >= 0 && chosen !== n;
  const width = (line.is_low ? 1.2 : 2.2) * (chosen === n ? 1.6 : 1);
  const marker = { color: line.color, symbol: line.is_low ? "circle-open" : "circle", size: 4 };
  const common = { type: "scatter", opacity: isFaint ? 0.22 : 1, name: line.name };
  const stroke = { color: line.color, dash: line.dash, width };
  if (count <= MOST_MARKERS) {
    const mode = "lines+markers";
    return [{ ...common, mode, x: times, y: line.values, connectgaps: false, line: stroke, marker }];
  }
  const alone = isolated(line.values); // a line alone would not show them
  return [
    { ...common, mode: "lines", x: times, y: line.values, connectgaps: false, line: stroke },
    { ...common, mode: "markers", x: alone.map((row) => times[row]), y: alone.map((row) => line.values[row]), marker },
  ];
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

/** A bar for each word, and beside it one for the same word at other places. */
function barTraces({ bars, lines }, axis) {
  const color = lines.find(({ name }) => name === bars.line)?.color ?? "#7D7D7D";
  const widths = bars.widths.map((room) => Math.max(0.42 * room, 1.5 / axis.pxPerS));
  const common = { type: "bar", xaxis: "x", yaxis: "y2", offset: 0 };
  const own = { ...common, x: bars.onsets, y: bars.values, width: widths, marker: { color } };
  if (!bars.n_shuffles) return [own];
  const whiskers = {
    type: "data", symmetric: false, thickness: 1, width: 0, color: ZERO,
    array: bars.highs.map((high, n) => high - bars.means[n]),
    arrayminus: bars.means.map((mean, n) => mean - bars.lows[n]),
    visible: bars.n_shuffles > 1 && widths[0] * axis.pxPerS > LEAST_WHISKER_PX,
  };
  const beside = {
    ...common, x: bars.onsets.map((onset, n) => onset + widths[n]), y: bars.means, width: widths,
    marker: { color: ELSEWHERE }, error_y: whiskers,
  };
  return [own, beside];
}

/** Layout of plotly. look: {color, font}; size: {width, height}. */
export function layout(sequence, axis, look, { width, height }) {
  const { units, bars } = sequence;
  const range = [axis.from, axis.to];
  const ticks = volumeTicks(sequence, axis);
  const inner = height - MARGIN.top - MARGIN.bottom;
  const top = bars ? COURSES_PX / inner : 1;
  const value = (title, domain) => ({
    title: { text: escapeText(title), standoff: 4 }, domain, gridcolor: GRID, zeroline: true,
    zerolinecolor: ZERO, zerolinewidth: 1.5, rangemode: "tozero", fixedrange: true, nticks: 6,
  });
  const time = { range, fixedrange: true, zeroline: false };
  return {
    width, height, showlegend: false, dragmode: false, hovermode: false, barmode: "overlay",
    margin: { l: axis.left, r: MARGIN.right, t: MARGIN.top, b: MARGIN.bottom, pad: 0 },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: look.font, color: look.color, size: 11 },
    xaxis: { ...time, title: { text: "time (s)", standoff: 4 }, gridcolor: GRID, anchor: "y" },
    xaxis2: {
      ...time, overlaying: "x", side: "top", anchor: "free", position: 1, showgrid: false,
      tickvals: ticks.times, ticktext: ticks.texts, ticks: "outside", ticklen: 4, tickcolor: ZERO,
    },
    yaxis: { ...value(units, [0, top]), anchor: "x" },
    ...(bars && { yaxis2: { ...value(bars.title, [1 - BARS_PX / inner, 1]), anchor: "x", nticks: 4 } }),
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
