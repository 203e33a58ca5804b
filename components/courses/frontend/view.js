// Courses of a page: joins figure, words, playhead and guide, and speaks with the other views.

import { emit, listen, seek } from "../../shared/bus.js";
import { register, Stats, unregister } from "../../shared/stats.js";
import { build } from "../../shared/template.js";
import { Axis, pageAt } from "./axis.js";
import { Chips, Spans } from "./choices.js";
import { CONFIG, heightOf, layout, MARGIN, traces } from "./figure.js";
import { bandOf, fitDelay, Guide, LONGEST_S, wordsBefore } from "./guide.js";
import { Lane, LANE_PX } from "./lane.js";
import { loadPlotly } from "./plotly.js";
import { decodeCourses, lineOf, lowerBound } from "./sequence.js";
import { Surface } from "./surface.js";
import { TEMPLATE } from "./template.js";
import { showTip, tipOf } from "./tip.js";

const SOURCE = "courses";

export class CoursesView {
  /** options: {view, onPick({region})}; the element's data-follows names the view that leads. */
  constructor(element, { view, onPick }) {
    Object.assign(this, { view, onPick: onPick ?? (() => {}), leader: element.dataset.follows });
    this.parts = build(element, TEMPLATE);
    this.stats = new Stats(); // draws: how often plotly was asked to draw
    this.axis = new Axis();
    this.lane = new Lane(this.parts);
    this.header = null; // what is shown, decoded
    this.frame = NaN; // time of the page, in volumes
    this.row = -1;
    this.span = 0; // s of the axis; 0 for all
    this.delay = NaN;
    this.chosen = -1;
    this.request = 0;
    this.#listen();
    register(view, this);
  }

  #listen() {
    const { parts } = this;
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.chips = new Chips(parts.chips, (name) => {
      this.choose(this.header.lines[this.chosen]?.name === name ? "" : name); // again: none
    });
    this.spans = new Spans(parts.spans, (span) => this.showSpan(span));
    this.surface = new Surface(this, signal);
    this.guide = new Guide(parts.band, {
      delay: () => this.delay,
      pxPerS: () => this.axis.pxPerS,
      set: (delay) => this.setDelay(delay),
      click: (event) => this.surface.click(event),
    }, signal);
    parts.delay.max = LONGEST_S;
    parts.delay.addEventListener("input", () => this.setDelay(Number(parts.delay.value)), { signal });
    parts.resetDelay.addEventListener("click", () => this.setDelay(this.header.delay.peak), { signal });
    // See courses.css: the page went light or dark.
    parts.root.addEventListener("transitionend", (event) => {
      if (event.target === parts.root) this.drawSoon();
    }, { signal });
    this.resizing = new ResizeObserver(() => this.drawSoon());
    this.resizing.observe(parts.graph);
    const hear = (type, handler) => listen(type, this.leader, handler, SOURCE);
    this.unlisten = [
      hear("time", ({ frame }) => this.takeFrame(frame)),
      hear("hover-row", ({ row }) => this.surface.showRow(row)),
      hear("region", ({ name }) => this.#takeRegion(name)),
    ];
  }

  /** Take a message from Python. The same message again is not looked at. */
  async update(bytes) {
    this.stats.calls++;
    const header = decodeCourses(bytes);
    if (header.id === this.header?.id) return;
    const before = this.header;
    const name = before?.lines[this.chosen]?.name ?? this.wanted ?? "";
    this.header = header;
    this.chosen = lineOf(header.lines, name);
    if (before === null || before.delay.peak !== header.delay.peak) this.delay = header.delay.peak;
    this.chips.set(header.lines, this.chosen);
    this.spans.set(header.end - header.first, this.span);
    this.parts.badge.textContent = header.badge;
    this.parts.badge.hidden = !header.badge;
    this.parts.delaySource.textContent = header.delay.source;
    this.parts.surface.setAttribute("aria-valuemax", header.count);
    this.#sayBars(header);
    this.row = -1;
    this.turnPage();
    this.setDelay(this.delay);
    await this.#loadPlotly(header.script);
  }

  async #loadPlotly(url) {
    try {
      this.plotly = await loadPlotly(url);
    } catch {
      this.parts.message.hidden = false;
      this.parts.message.textContent = "The drawing library did not load; reload the page to see the courses.";
    }
    this.drawSoon();
  }

  #sayBars({ bars, lines, units }) {
    const { parts } = this;
    parts.barsKey.hidden = !bars;
    if (!bars) return;
    const line = lines.find(({ name }) => name === bars.line);
    parts.barsSwatch.style.background = line?.color ?? "#7D7D7D";
    parts.barsWords.textContent = `${bars.label}: with the ${bars.one} minus without it, ${units}`;
    const orders = bars.n_shuffles > 1 ? ` (mean and range of ${bars.n_shuffles} orders)` : "";
    parts.barsElsewhere.textContent = `the same ${bars.one}s at other places${orders}`;
  }

  // ---- drawing ------------------------------------------------------------------------------

  /** Ask for everything but what moves to be drawn with the next frame. */
  drawSoon() {
    if (!this.request) this.request = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.request = 0;
    const { header, parts, axis } = this;
    const width = parts.graph.clientWidth;
    if (!header || !width) return; // not on the page yet; resizing will call
    axis.resize(MARGIN.left, width - MARGIN.left - MARGIN.right);
    const style = getComputedStyle(parts.root);
    const height = heightOf(header);
    const lengths = { lane: LANE_PX, plot: height, "px-per-s": axis.pxPerS, ...MARGIN };
    for (const [name, px] of Object.entries(lengths)) parts.graph.style.setProperty(`--bc-${name}`, `${px}px`);
    this.lane.draw(header, axis, style.fontFamily);
    this.place();
    if (!this.plotly) return;
    const look = { color: style.color, font: style.fontFamily };
    this.stats.draws++;
    this.plotly.react(
      parts.plot, traces(header, axis, this.chosen), layout(header, axis, look, { width, height }), CONFIG,
    );
  }

  /** Put playhead and guide where time is: one transform, nothing is drawn. */
  place() {
    const { header, parts, axis } = this;
    parts.moving.hidden = !header || !Number.isFinite(this.frame);
    if (parts.moving.hidden) return;
    const time = this.time;
    parts.moving.style.transform = `translateX(${axis.toPx(time)}px)`;
    const band = bandOf(this.delay, header.delay);
    const hasChanged = this.lane.mark(...wordsBefore(header.onsets, time, band));
    const row = Math.min(Math.round(this.frame), header.count - 1);
    if (row === this.row && !hasChanged) return;
    this.row = row;
    this.#say(time);
  }

  /** Time of the page in s; between the last volume and the first, that of the last. */
  get time() {
    const { first, tr, count } = this.header;
    return first + Math.min(Math.max(this.frame, 0), count - 1) * tr;
  }

  #say(time) {
    const { header, parts, row } = this;
    const [first, stop] = this.lane.marked;
    const said = header.words.slice(first, stop).join(" ");
    parts.about.textContent = `At ${time.toFixed(1)} s that is ${said ? `“${said}”.` : "silence."}`;
    parts.surface.setAttribute("aria-valuenow", row + 1);
    const text = header.row_texts[row] || "silence";
    parts.surface.setAttribute("aria-valuetext", `Volume ${row + 1}, ${time.toFixed(1)} s: ${text}`);
  }

  // ---- what moves and what is chosen --------------------------------------------------------

  /** Time of the page, in volumes. */
  takeFrame(frame) {
    this.frame = frame;
    if (!this.header) return;
    const { time, axis } = this;
    if (time < axis.from || time > axis.to) this.turnPage();
    this.place();
  }

  /** Show the part of the axis that time is in. */
  turnPage() {
    const { header } = this;
    const time = Number.isFinite(this.frame) ? this.time : header.first;
    this.axis.show(...pageAt(time, this.span, header));
    this.drawSoon();
  }

  showSpan(span) {
    this.span = span;
    this.turnPage();
  }

  /** Send the page to a volume. */
  goTo(row) {
    const frame = Math.min(Math.max(row, 0), this.header.count - 1);
    this.takeFrame(frame);
    seek(this.leader, frame, SOURCE);
  }

  setDelay(delay) {
    const { parts, header } = this;
    this.delay = fitDelay(delay);
    const band = bandOf(this.delay, header.delay);
    const { style } = parts.moving;
    style.setProperty("--bc-band-from", `${-band.to}`);
    style.setProperty("--bc-band-room", `${band.to - band.from}`);
    style.setProperty("--bc-delay", `${this.delay}`);
    parts.delayValue.textContent = `${this.delay.toFixed(1)} s`;
    parts.delay.value = this.delay;
    parts.resetDelay.hidden = this.delay === fitDelay(header.delay.peak);
    this.place();
  }

  /** One line stands out, on all views of the page; "" for none. */
  choose(name) {
    this.#emphasise(lineOf(this.header.lines, name));
    emit("region", this.leader, { name: name || null }, SOURCE);
    this.onPick({ region: name });
  }

  #takeRegion(name) {
    this.wanted = name; // may be said before the first message is here
    if (!this.header || !name) return;
    const line = lineOf(this.header.lines, name);
    if (line < 0 || line === this.chosen) return;
    this.#emphasise(line);
    this.onPick({ region: this.header.lines[line].name });
  }

  #emphasise(line) {
    this.chosen = line;
    this.chips.choose(line);
    this.drawSoon();
  }

  /** What the pointer is over, and where. */
  point(row, word, x, y) {
    const { parts, header } = this;
    if (row === null) parts.tip.hidden = true;
    else showTip(parts.tip, tipOf(header, row, word), x, y, parts.graph.clientWidth);
    emit("hover-row", this.leader, { row }, SOURCE);
  }

  /** Bar of a time, -1 for none. */
  barAt(time) {
    const { bars } = this.header;
    if (!bars) return -1;
    const n = lowerBound(bars.onsets, time + 1e-6) - 1;
    return n >= 0 && time < bars.onsets[n] + bars.widths[n] ? n : -1;
  }

  destroy() {
    cancelAnimationFrame(this.request);
    this.abort.abort();
    this.unlisten.forEach((stop) => stop());
    this.resizing.disconnect();
    this.plotly?.purge(this.parts.plot);
    unregister(this.view, this);
    this.parts.root.remove();
  }
}
