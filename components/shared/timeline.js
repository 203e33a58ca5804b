// Play button, thumbnails or rail with real frames ticked, and where we are in words.

const MAX_TICKS = 400;

export class Timeline {
  constructor(parts, actions) {
    this.parts = parts;
    this.shownFrame = -1;
    this.shownBetween = null;
    this.shownPosition = -1;
    parts.play.addEventListener("click", actions.togglePlay);
    parts.scrub.addEventListener("input", () => actions.goTo(Number(parts.scrub.value)));
    parts.scrub.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      actions.step(by);
    });
    parts.thumbs.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) actions.goTo(Number(button.dataset.frame));
    });
  }

  /** New sequence: ticks and thumbnails. `sprite` is a Blob URL or null. */
  setSequence(header, sprite) {
    const { parts } = this;
    const { n_frames: count } = header;
    this.header = header;
    this.word = header.row_kind === "seconds" ? "Volume" : "Picture";
    this.shownFrame = -1;
    this.shownPosition = -1;
    parts.time.hidden = count < 2;
    parts.said.hidden = !header.row_texts;
    parts.scrub.max = count - 1;
    parts.thumbs.replaceChildren(...(sprite ? this.#thumbnails(header, sprite) : []));
    const half = sprite ? `${50 / count}%` : "0.5rem";
    parts.track.style.setProperty("--bc-half", half);
    parts.track.style.minWidth = sprite && count > 12 ? `max(100%, ${count * 1.75}rem)` : "100%";
    parts.ticks.replaceChildren(ticks(count));
  }

  #thumbnails(header, sprite) {
    const { count } = header.thumbnails;
    this.parts.thumbs.style.setProperty("--bc-sprite", `url("${sprite}")`);
    this.parts.thumbs.style.setProperty("--bc-count", count);
    return Array.from({ length: count }, (_, frame) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.frame = frame;
      button.tabIndex = -1; // the rail below is the keyboard's way through time
      button.setAttribute("aria-label", `${this.word} ${frame + 1}: ${header.row_labels[frame]}`);
      button.title = header.row_labels[frame];
      button.style.setProperty("--bc-at", `${count > 1 ? (100 * frame) / (count - 1) : 0}%`);
      return button;
    });
  }

  setPlaying(isPlaying) {
    this.parts.play.setAttribute("aria-pressed", isPlaying);
    this.parts.play.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
  }

  /** Called at every drawn frame; writes to the page only what changed. */
  show(position, time, nearest) {
    const { parts, header } = this;
    const slot = Math.round(position * 20);
    if (slot !== this.shownPosition) {
      this.shownPosition = slot;
      parts.scrub.value = Math.min(position, header.n_frames - 1);
    }
    if (nearest !== this.shownFrame) {
      this.#mark(nearest);
      const label = header.row_labels[nearest];
      const isTime = header.row_kind === "seconds";
      parts.when.textContent = `${this.word} ${nearest + 1} of ${header.n_frames}${isTime ? ` · ${label} s` : ""}`;
      parts.when.title = label;
      this.label = isTime ? "" : label;
      const text = header.row_texts?.[nearest];
      if (header.row_texts) parts.said.textContent = text || "(silence)";
      parts.said.classList.toggle("bc-silent", !text);
      const spoken = header.row_texts ? `${label} s, ${text || "silence"}` : label;
      parts.scrub.setAttribute("aria-valuetext", `${this.word} ${nearest + 1}: ${spoken}`);
      this.shownBetween = null;
    }
    const isBetween = time.between > 0.001;
    if (isBetween !== this.shownBetween) {
      this.shownBetween = isBetween;
      parts.whenNote.textContent = isBetween ? "in between: drawn, not predicted" : this.label;
    }
    this.shownFrame = nearest;
  }

  #mark(frame) {
    const buttons = this.parts.thumbs.children;
    if (!buttons.length) return;
    buttons[this.shownFrame]?.removeAttribute("aria-current");
    const button = buttons[frame];
    button.setAttribute("aria-current", "true");
    const scroller = this.parts.track.parentElement;
    if (scroller.scrollWidth <= scroller.clientWidth) return;
    scroller.scrollLeft = button.offsetLeft - scroller.clientWidth / 2 + button.offsetWidth / 2;
  }
}

/** One line a real frame. */
function ticks(count) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 1000 10");
  svg.setAttribute("preserveAspectRatio", "none");
  const shown = Math.min(count, MAX_TICKS);
  for (let i = 0; i < shown; i++) {
    const line = document.createElementNS(svg.namespaceURI, "line");
    const x = shown > 1 ? (1000 * i) / (shown - 1) : 500;
    for (const [name, value] of [["x1", x], ["x2", x], ["y1", 0], ["y2", 10]]) line.setAttribute(name, value);
    svg.append(line);
  }
  return svg;
}
