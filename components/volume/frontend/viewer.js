// The volume viewer: joins the parts that draw voxels to what every viewer does.

import { labelTexts, showLabels } from "../../shared/labels.js";
import { StageView } from "../../shared/stage_view.js";
import { decodeMessage, frameCodes } from "../../shared/wire.js";
import { VolumeControls } from "./controls.js";
import { ENTRIES } from "./entries.js";
import { Grid } from "./grid.js";
import { Input } from "./input.js";
import { arrange, labelOf } from "./layout.js";
import { Marks } from "./marks.js";
import { Painter } from "./painter.js";
import { Pointing } from "./pointing.js";
import { VoxelReadings } from "./readings.js";
import { clampCross, firstState, fitState } from "./state.js";
import { TEMPLATE } from "./template.js";

export class Viewer extends StageView {
  /** options: {view, onPick(pick), onUnpin(), keepsAddress} */
  constructor(element, options) {
    super(element, options, { template: TEMPLATE, entries: ENTRIES, source: "volume" });
    this.grid = null;
    this.panels = [];
    this.readings = new VoxelReadings(this.parts);
    this.painter = new Painter(this.parts.planes);
    this.marks = new Marks(this.parts.canvas);
    this.ink = "";
    this.version = 0; // of everything that marks lie over
    this.pointing = new Pointing(this);
    this.controls = new VolumeControls(this.parts, {
      set: (patch) => this.set(patch),
      setLayout: (name) => this.setLayout(name),
      moveCross: (axis, index) => this.moveCross(axis, index),
      reset: () => this.reset(),
      save: () => this.save(),
    });
    this.#watch();
  }

  #watch() {
    const { pointing } = this;
    this.input = new Input(this.parts.canvas, {
      hover: (x, y) => pointing.hover(x, y),
      leave: () => pointing.leave(),
      drag: (...at) => pointing.drag(...at),
      pick: (x, y) => pointing.pick(x, y),
      turn: (by, x, y) => this.turn(by, pointing.panelAt(x, y)),
      move: (across, up, through) => this.move(across, up, through),
      pin: () => pointing.pinPlace(this.grid.placeOf(this.state.cross)),
      step: (by) => this.step(by),
      togglePlay: () => this.setPlaying(!this.player.playing),
      reset: () => this.reset(),
    });
    // See volume.css: the page went light or dark.
    this.parts.root.addEventListener("transitionend", (event) => {
      if (event.target === this.parts.root && this.isReady) this.#readInk();
    });
  }

  /** Take a message from Python. The same message again is not looked at. */
  update(bytes) {
    this.stats.calls++;
    const { header, payload } = decodeMessage(bytes);
    if (header.id === this.header?.id) return;
    const before = this.header;
    const codes = frameCodes(header, payload);
    const grid = new Grid(header, payload);
    Object.assign(this, { header, grid });
    this.stats.valueUploads++;
    this.readings.setSequence(header, grid, codes);
    this.painter.setSequence(header, grid, codes);
    this.player.setSequence(header.n_frames, header.frame_rate_hz);
    this.showSequence(payload);
    const isStill = this.prefersStillness.matches;
    this.defaults = firstState(header, isStill);
    if (before === null) {
      this.state = fitState({ ...this.defaults, ...this.address?.read() }, header);
      this.startTime(this.state, isStill);
    } else this.#keepState(before);
    this.lutName = null;
    this.apply();
    this.relayout(true);
  }

  /** New data: crosshair, pin, layout and time stay in the same brain. */
  #keepState(before) {
    const { state, header } = this;
    this.keepColours(before);
    const isSameBrain = before.space === header.space && String(before.box) === String(header.box);
    if (!isSameBrain) {
      state.cross = [...header.start];
      this.pointing.setPin(-1);
    }
  }

  get projections() {
    return this.painter.projections;
  }

  /** State -> pictures, and what every viewer does with it. */
  apply() {
    super.apply();
    this.painter.setColors(this.lut, this.state);
    this.painter.setCross(this.state.cross);
    this.version++;
    this.#readInk();
  }

  #readInk() {
    this.ink = getComputedStyle(this.parts.labels).color;
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
    this.size = { width: stage.clientWidth, height: stage.clientHeight };
    this.panels = arrange(this.state.layout, this.size.width, this.size.height, this.grid.planes);
    this.version++;
    this.pointing.invalidate();
    this.painter.place(this.panels);
    this.controls.placeSliders(this.panels);
    this.#label();
  }

  #label() {
    this.labels = this.panels.map((panel) => labelOf(panel, this.grid.planes, this.state.cross));
    showLabels(this.parts.labels, this.labels);
  }

  setLayout(layout) {
    this.set({ layout });
    this.relayout();
  }

  /** Put the crosshair on an index triple. */
  setCross(indices) {
    const cross = clampCross(indices, this.header.box);
    if (String(cross) === String(this.state.cross)) return;
    this.state.cross = cross;
    this.painter.setCross(cross);
    this.controls.syncSliders(cross);
    this.#label();
    if (!this.player.playing) this.sayFrame(this.player.nearest());
    this.loop.ask(true);
    this.remember();
  }

  /** One index of the crosshair. */
  moveCross(axis, index) {
    this.setCross(this.state.cross.map((old, one) => (one === axis ? index : old)));
  }

  /** Through the slices of a panel. */
  turn(by, panel) {
    if (panel?.kind !== "slice") return;
    const { fixed } = this.grid.planes[panel.plane];
    this.moveCross(fixed, this.state.cross[fixed] + by);
  }

  /** Keyboard: as seen in the panel last pointed at. */
  move(across, up, through) {
    const plane = this.grid.planes[this.pointing.panel?.plane ?? 0];
    const cross = [...this.state.cross];
    cross[plane.across] += plane.is_across_flipped ? -across : across;
    cross[plane.up] += plane.is_up_flipped ? -up : up;
    cross[plane.fixed] += through;
    this.setCross(cross);
  }

  reset() {
    this.setCross(this.header.start);
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
    const { panels, painter, grid, header, state, pointing } = this;
    painter.draw(panels, time);
    const indicesOf = (place) => (place < 0 ? null : grid.indicesOf(place));
    const look = {
      cross: state.cross,
      hasLines: state.lines,
      hasOutlines: state.outlines,
      hovered: indicesOf(pointing.hovered),
      pinned: indicesOf(pointing.pinned),
      ink: this.ink,
      outlineInk: header.is_signed ? "rgb(13 15 20)" : "#fff",
      version: this.version,
    };
    this.marks.draw(panels, painter.pictures, grid, look, this.size);
    this.stats.draws++;
  }

  /** The strongest regions, then what the crosshair is on. */
  sayFrame(frame) {
    this.words.saySoon(this.header, frame, () => {
      const place = this.grid.placeOf(this.state.cross);
      if (place < 0) return "The crosshair is outside the brain.";
      const { name, value } = this.readings.words(place, frame);
      return `Crosshair on ${name}: ${value}.`;
    });
  }

  /** Pictures and marks on one canvas, as they are on the stage. */
  drawStage() {
    this.#draw(this.player.mix());
    const { canvas: marks } = this.marks;
    const canvas = document.createElement("canvas");
    canvas.width = marks.width;
    canvas.height = marks.height;
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    const dpr = marks.width / this.size.width;
    for (const { kind, plane, image } of this.panels) {
      const { left, top, width, height } = image;
      const picture = this.painter.pictures[plane][kind].canvas;
      context.drawImage(picture, left * dpr, top * dpr, width * dpr, height * dpr);
    }
    context.drawImage(marks, 0, 0);
    return canvas;
  }

  /** Draw once more and save it, with the note on directions. */
  save() {
    return this.savePicture(this.drawStage(), labelTexts(this.labels), this.header.note);
  }

  destroy() {
    super.destroy();
    this.input.stop();
  }
}
