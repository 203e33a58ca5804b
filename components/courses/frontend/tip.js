// What the pointer is over: volume, seconds, what is said, the value of every line.

import { axisNumber } from "../../shared/colorbar.js";

/** Rows of the tip at a volume: {head, said, values: [{color, label, text}]}; pure. */
export function tipOf(sequence, row, word) {
  const { times, row_texts: texts, lines, bars } = sequence;
  const values = lines.map((line) => ({
    color: line.color,
    label: line.label + (line.is_low ? " (low confidence)" : ""),
    text: line.values[row] === null ? "not modelled" : axisNumber(line.values[row]),
  }));
  const bar = bars && word >= 0 ? barWords(bars, word) : "";
  return {
    head: `Volume ${row + 1} · ${times[row].toFixed(2)} s`,
    said: texts[row] ? `“${texts[row]}”` : "(silence)",
    bar,
    values,
  };
}

/** One bar in words. */
function barWords(bars, n) {
  const elsewhere = bars.n_shuffles ? `; at other places ${axisNumber(bars.means[n])}` : "";
  return `“${bars.names[n]}”: ${axisNumber(bars.values[n])}${elsewhere}`;
}

/** Write a tip and put it beside (x, y) inside a box of `width` px. */
export function showTip(node, content, x, y, width) {
  const line = (text, className = "") => {
    const one = document.createElement("span");
    one.textContent = text;
    one.className = className;
    return one;
  };
  const head = document.createElement("strong");
  head.textContent = content.head;
  const said = line(content.said, "bc-quiet");
  said.dir = "auto";
  const rows = content.values.map(({ color, label, text }) => {
    const one = document.createElement("span");
    one.className = "bc-value";
    const swatch = document.createElement("i");
    swatch.style.background = color;
    one.append(swatch, line(label), line(text));
    return one;
  });
  node.replaceChildren(head, said, ...(content.bar ? [line(content.bar)] : []), ...rows);
  node.hidden = false;
  const isLeft = x + 18 + node.offsetWidth > width;
  const left = isLeft ? Math.max(0, x - 18 - node.offsetWidth) : x + 18;
  node.style.transform = `translate(${left}px, ${Math.max(0, y)}px)`;
}
