// The picture in words, for people who do not see it: strongest regions at the current frame.

import { axisNumber } from "./colorbar.js";

/** One sentence for a real frame; pure. */
export function sentence(header, frame) {
  const word = header.row_kind === "seconds" ? "Volume" : "Picture";
  const which = header.n_frames > 1 ? `${word} ${frame + 1} of ${header.n_frames}, ` : "";
  const label = header.row_labels[frame];
  const row = header.summary?.rows[frame] ?? [];
  const strongest = row.map(([index, mean]) => {
    const name = header.summary.names[index];
    const region = name.replace(/ (left|right)$/, "");
    const isLow = header.low_confidence.includes(region);
    return `${name} ${axisNumber(mean)}${isLow ? " (low confidence)" : ""}`;
  });
  const body = strongest.length
    ? `Strongest mean ${header.units}: ${strongest.join(", ")}.`
    : "No named region has a value.";
  return `${which}${label}. ${body} ${header.closing}`;
}

export class Words {
  constructor(node) {
    this.node = node;
    this.timer = 0;
  }

  /** Say it once things have come to rest, and what `more` adds then. */
  saySoon(header, frame, more = () => "") {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const text = `${sentence(header, frame)} ${more()}`.trim();
      if (this.node.textContent !== text) this.node.textContent = text;
    }, 350);
  }

  stop() {
    clearTimeout(this.timer);
  }
}
