// The brain viewer: joins the parts that draw the cortex to what every viewer does.

import { labelTexts, showLabels } from "../../shared/labels.js";
import { StageView } from "../../shared/stage_view.js";
import { Animation } from "./animation.js";
import { BrainControls } from "./controls.js";
import { ENTRIES } from "./entries.js";
import { Input } from "./input.js";
import { Intake } from "./intake.js";
import { Pointing } from "./pointing.js";
import { Quality } from "./quality.js";
import { VertexReadings } from "./readings.js";
import { Renderer } from "./renderer.js";
import { Scene } from "./scene.js";
import { CAMERA } from "./state.js";
import { TEMPLATE } from "./template.js";

const SOURCE = "brain";
const MORPH_MS = 700;

export class Viewer extends StageView {
  /** options: {view, onPick(pick), onUnpin(), keepsAddress} */
  constructor(element, options) {
    super(element, options, { template: TEMPLATE, entries: ENTRIES, source: SOURCE });
    this.mesh = null;
    this.renderer = null;
    this.isLost = false;
    this.style = { ink: [1, 1, 1], hovered: -1, pinned: -1 };
    this.scene = new Scene();
    this.readings = new VertexReadings(this.parts);
    this.intake = new Intake(this);
    this.#start();
  }

  #start() {
    const { parts } = this;
    this.animation = new Animation(() => this.prefersStillness.matches);
    this.controls = new BrainControls(parts, {
      set: (patch) => this.set(patch),
      setLayout: (name) => this.setLayout(name),
      setShape: (name) => this.setShape(name),
      unfold: (amount) => this.unfold(amount),
      reset: () => this.reset(),
      save: () => this.save(),
    });
    this.#watchTheCard();
    try {
      this.renderer = new Renderer(parts.canvas, this.stats);
    } catch (error) {
      this.failure = error; // shown with the fallback picture once data are here
      return;
    }
    this.pointing = new Pointing(this, SOURCE);
    this.quality = new Quality(this.renderer.isSoftware);
    this.input = new Input(parts.canvas, {
      state: () => this.state,
      look: (patch) => this.look(patch),
      hover: (x, y) => this.pointing.hover(x, y),
      leave: () => this.pointing.leave(),
      pick: (x, y) => this.pointing.pick(x, y),
      panelAt: (x, y) => this.pointing.panelAt(x, y),
      step: (by) => this.step(by),
      togglePlay: () => this.setPlaying(!this.player.playing),
      reset: () => this.reset(),
    });
  }

  #watchTheCard() {
    const { canvas } = this.parts;
    const { signal } = this.abort;
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
      this.isLost = true;
      this.say("The graphics card was interrupted; the picture comes back by itself.");
    }, { signal });
    canvas.addEventListener("webglcontextrestored", () => this.#restore(), { signal });
  }

  observe(interval) {
    this.quality?.observe(interval);
  }

  /** Whether there is something to draw and a card to draw it with. */
  get isReady() {
    return super.isReady && this.renderer !== null && !this.isLost;
  }

  /** Take a message from Python. The same message again is not looked at. */
  update(bytes) {
    return this.intake.update(bytes);
  }

  /** State -> style of the drawing, and what every viewer does with it. */
  apply() {
    const { state, header, style } = this;
    const { limit } = state;
    style.scaleFrom = header.is_signed ? 0.5 : 0;
    style.scaleBy = header.is_signed ? 0.5 / limit : 1 / limit;
    style.isSigned = header.is_signed;
    style.threshold = state.threshold;
    style.fade = state.fade;
    style.underlay = state.underlay;
    style.outlines = state.outlines ? 0.85 : 0;
    style.ink = header.is_signed ? [0.05, 0.06, 0.08] : [1, 1, 1];
    this.parts.canvas.classList.toggle("bc-free", state.layout === "free");
    super.apply();
  }

  showColormap() {
    this.renderer.setColormap(this.lut);
  }

  /** Camera only: rotation, zoom, pan. */
  look(patch) {
    Object.assign(this.state, patch);
    this.#cameraMoved();
    this.loop.ask(true);
    this.remember();
  }

  #cameraMoved() {
    this.scene.look(this.state);
    this.pointing.invalidate();
  }

  relayout(isMoving = false) {
    if (!this.header || !this.renderer) return;
    this.needsLayout = true;
    this.loop.ask(isMoving);
  }

  #arrange() {
    this.needsLayout = false;
    const { stage } = this.parts;
    this.scene.arrange(this.state, stage.clientWidth, stage.clientHeight);
    this.pointing.invalidate();
    showLabels(this.parts.labels, this.scene.panels);
  }

  setLayout(name) {
    const { state } = this;
    const wasFlat = state.layout === "flat";
    const change = () => this.set({ layout: name, ...CAMERA(), unfolding: name === "flat" ? 0 : 1 });
    if (name === state.layout) this.reset();
    else if (name === "flat") {
      change();
      this.unfold(1, MORPH_MS);
    } else if (wasFlat) this.unfold(0, MORPH_MS, change);
    else change();
    this.relayout();
  }

  setShape(name) {
    const { state } = this;
    const shown = state.mixing < 0.5 ? state.from : state.to;
    if (state.layout === "flat") this.setLayout(this.hasFocus ? "visual" : "four");
    if (shown === name) return;
    this.set({ from: shown, to: name, mixing: 0 });
    this.unfold(1, MORPH_MS);
  }

  /** Move the morph: pial to inflated, or, in the flat layout, to the sheet. */
  unfold(amount, milliseconds = 0, done = () => {}) {
    const key = this.state.layout === "flat" ? "unfolding" : "mixing";
    this.animation.start(this.state[key], amount, milliseconds, (value) => {
      this.state[key] = value;
      this.needsLayout = true;
    }, () => {
      done();
      this.set({});
      this.relayout();
    });
    this.loop.ask(true);
  }

  reset() {
    this.look(CAMERA());
  }

  /** Everything of one drawn frame; returns whether the next one is wanted at once. */
  frame(elapsed, isMoving) {
    if (!this.isReady) return false;
    const { player } = this;
    const { stage } = this.parts;
    if (player.playing) player.advance(elapsed);
    const isMorphing = this.animation.advance();
    if (this.needsLayout) this.#arrange();
    const goesOn = player.playing || isMorphing;
    const size = this.quality.next(stage.clientWidth, stage.clientHeight, goesOn || isMoving);
    const time = player.mix();
    const isFirst = this.stats.draws === 0; // brain at once; its outlines a moment later
    const style = isFirst ? { ...this.style, outlines: 0 } : this.style;
    this.renderer.draw(this.scene.panels, time, style, size);
    this.showTime(time);
    return goesOn;
  }

  /** Draw once more, sharp, and save it. */
  save() {
    const { parts, renderer, scene, quality } = this;
    const { stage, canvas } = parts;
    const size = quality.next(stage.clientWidth, stage.clientHeight, false);
    renderer.draw(scene.panels, this.player.mix(), this.style, size);
    return this.savePicture(canvas, labelTexts(scene.panels));
  }

  #restore() {
    this.isLost = false;
    this.parts.message.hidden = true;
    if (!this.header) return;
    this.renderer.restore();
    this.intake.upload(true);
    this.pointing.invalidate();
    this.apply();
    this.loop.ask();
  }

  destroy() {
    super.destroy();
    this.input?.stop();
    this.renderer?.release();
  }
}
