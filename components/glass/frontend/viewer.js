// The glass brain: joins the parts that draw projections to what every viewer does, and follows
// another view of the page where it is told to.

import { listen } from "../../shared/bus.js";
import { axisNumber } from "../../shared/colorbar.js";
import { Controls } from "../../shared/controls.js";
import { labelTexts, showLabels } from "../../shared/labels.js";
import { StageView } from "../../shared/stage_view.js";
import { COMMON_ENTRIES, commonState } from "../../shared/view_state.js";
import { decodeMessage } from "../../shared/wire.js";
import { NOT_MODELLED } from "./colors.js";
import { arrange, labelOf } from "./layout.js";
import { Painter } from "./painter.js";
import { GlassReadings, Pointing } from "./pointing.js";
import { decodeGlass } from "./sequence.js";
import { TEMPLATE } from "./template.js";

export class Viewer extends StageView {
  /** options: {view, keepsAddress}; the element's data-follows names the view that leads. */
  constructor(element, options) {
    super(element, options, { template: TEMPLATE, entries: COMMON_ENTRIES, source: "glass" });
    this.panels = [];
    this.sequence = null;
    this.wanted = "";
    this.isLed = false;
    this.readings = new GlassReadings(this.parts);
    this.painter = new Painter(this.parts.planes, this.parts.canvas);
    this.pointing = new Pointing(this);
    this.controls = new Controls(this.parts, {
      set: (patch) => this.set(patch),
      reset: () => this.reset(),
      save: () => this.save(),
    });
    this.parts.outlines.parentElement.lastChild.textContent = " Outline of the brain";
    // See glass.css: the page went light or dark.
    this.parts.root.addEventListener("transitionend", (event) => {
      if (event.target === this.parts.root && this.isReady) this.#readInk();
    });
    this.#follow(element.dataset?.follows ?? "");
  }

  /** Time, colours and pointer of another view; kept until the first data are here. */
  #follow(leader) {
    this.unfollow = [];
    this.leader = leader;
    if (!leader) return;
    const on = (type, handler) => this.unfollow.push(listen(type, leader, handler));
    on("time", (time) => {
      this.led = time;
      this.#takeTime();
    });
    on("range", (range) => {
      this.range = range;
      this.#takeRange();
    });
    on("hover", ({ vertex }) => this.pointing.setHover(vertex ?? -1));
  }

  #takeTime() {
    if (!this.isReady || !this.led) return;
    this.isLed = true;
    this.parts.root.classList.add("bc-led");
    this.player.setPlaying(false);
    const { count } = this.player; // between the last frame and the first, too
    this.player.clock = this.led.frame < count ? Math.max(this.led.frame, 0) : count - 1;
    this.loop.ask(this.led.playing);
  }

  #takeRange() {
    const { range } = this;
    if (!this.isReady || !range || range.isSigned !== this.header.is_signed) return;
    const { limit, threshold, mode, colormap } = range;
    Object.assign(this.state, { limit, threshold, fade: mode === "fade", colormap });
    this.apply();
    this.loop.ask(true);
  }

  /** Take a message from Python. The same message again is not looked at. */
  async update(bytes) {
    this.stats.calls++;
    const { id } = decodeMessage(bytes).header;
    if (id === this.wanted) return;
    this.wanted = id;
    const sequence = await decodeGlass(bytes);
    if (id !== this.wanted || this.loop.isStopped) return; // overtaken by another message
    this.#take(sequence);
  }

  #take(sequence) {
    const { header, payload } = sequence;
    const before = this.header;
    Object.assign(this, { header, sequence });
    this.stats.valueUploads++;
    this.readings.setSequence(sequence);
    this.painter.setSequence(sequence);
    this.player.setSequence(header.n_frames, header.frame_rate_hz);
    this.showSequence(payload);
    this.parts.claim.textContent = header.claim;
    this.parts.note.textContent = header.note;
    const isStill = this.prefersStillness.matches;
    this.defaults = commonState(header, isStill);
    if (before === null) {
      this.state = { ...this.defaults, ...this.address?.read() };
      this.startTime(this.state, isStill);
    } else this.keepColours(before);
    this.lutName = null;
    this.apply();
    this.#takeRange();
    this.#takeTime();
    this.relayout(true);
  }

  /** State -> pictures, and what every viewer does with it. */
  apply() {
    super.apply();
    this.painter.setColors(this.lut, this.state);
    this.#readInk();
  }

  #readInk() {
    this.painter.setInk(getComputedStyle(this.parts.labels).color);
    this.loop.ask();
  }

  relayout(isMoving = false) {
    if (!this.isReady) return;
    this.needsLayout = true;
    this.loop.ask(isMoving);
  }

  #arrange() {
    this.needsLayout = false;
    const { stage } = this.parts;
    const { views } = this.sequence;
    this.panels = arrange(stage.clientWidth, stage.clientHeight, views);
    this.painter.place(this.panels);
    this.pointing.leave();
    this.labels = this.panels.map((panel) => labelOf(panel, views[panel.view]));
    showLabels(this.parts.labels, this.labels);
  }

  /** Colours as they were at first. */
  reset() {
    const { limit, threshold, fade, colormap } = this.defaults;
    this.set({ limit, threshold, fade, colormap });
  }

  /** Everything of one drawn frame; returns whether the next one is wanted at once. */
  frame(elapsed) {
    if (!this.isReady) return false;
    const { player } = this;
    if (player.playing) player.advance(elapsed);
    if (this.needsLayout) this.#arrange();
    const time = player.mix();
    this.#draw(time);
    this.showTime(time);
    return player.playing;
  }

  #draw(time) {
    const { stage } = this.parts;
    const size = { width: stage.clientWidth, height: stage.clientHeight };
    const marks = { hovered: this.pointing.linked, hasOutlines: this.state.outlines };
    this.painter.draw(this.panels, time, marks, size);
    this.stats.draws++;
  }

  /** Where the largest value of a frame is, in words. */
  sayFrame(frame) {
    const { header, sequence } = this;
    const word = header.row_kind === "seconds" ? "Volume" : "Picture";
    const which = header.n_frames > 1 ? `${word} ${frame + 1} of ${header.n_frames}, ` : "";
    const found = sequence.views.map((view) => {
      const value = largest(header, sequence.codes, frame, view);
      return `${view.title} ${Number.isFinite(value) ? axisNumber(value) : "not modelled"}`;
    });
    clearTimeout(this.sayTimer); // said once things have come to rest
    this.sayTimer = setTimeout(() => {
      const strongest = `Largest ${header.units}: ${found.join(", ")}.`;
      this.parts.words.textContent =
        `${which}${header.row_labels[frame]}. ${strongest} ${header.closing}`;
    }, 350);
  }

  /** Draw once more and save it, with the note on coordinates. */
  save() {
    this.#draw(this.player.mix());
    const drawing = this.painter.compose(this.panels, this.parts.stage.clientWidth);
    return this.savePicture(drawing, labelTexts(this.labels), this.header.note);
  }

  destroy() {
    super.destroy();
    clearTimeout(this.sayTimer);
    this.unfollow.forEach((stop) => stop());
    this.pointing.stop();
  }
}

/** Value of largest size in a view at a frame; NaN where none is modelled. */
function largest(header, codes, frame, { start, cells }) {
  const from = frame * header.n_left + start;
  let found = NaN;
  for (let n = 0; n < cells.length; n++) {
    const code = codes[from + n];
    if (code === NOT_MODELLED) continue;
    const value = header.minimum + (code * (header.maximum - header.minimum)) / 254;
    if (!(Math.abs(value) <= Math.abs(found))) found = value;
  }
  return found;
}
