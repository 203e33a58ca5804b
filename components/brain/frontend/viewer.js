// The viewer: holds the state, joins the parts. Everything a person changes goes through set().

import { emit, forget, listen } from "../../shared/bus.js";
import { Animation } from "./animation.js";
import { Colorbar, lutOf } from "./colorbar.js";
import { Controls } from "./controls.js";
import { Input } from "./input.js";
import { Intake } from "./intake.js";
import { Loop } from "./loop.js";
import { showLabels } from "./labels.js";
import { savePicture } from "./picture.js";
import { Player } from "./player.js";
import { Pointing } from "./pointing.js";
import { Quality } from "./quality.js";
import { Readings } from "./readings.js";
import { Renderer } from "./renderer.js";
import { Scene } from "./scene.js";
import { CAMERA } from "./state.js";
import { register, Stats, unregister } from "./stats.js";
import { build } from "./template.js";
import { Timeline } from "./timeline.js";
import { AddressBar, encodeState } from "./view_state.js";
import { Words } from "./words.js";

const SOURCE = "brain";
const MORPH_MS = 700;

export class Viewer {
  /** options: {view, onPick(pick), onUnpin(), keepsAddress} */
  constructor(element, options) {
    this.view = options.view;
    this.onPick = options.onPick ?? (() => {});
    this.onUnpin = options.onUnpin ?? (() => {});
    this.stats = new Stats();
    this.parts = build(element);
    this.address = options.keepsAddress === false ? null : new AddressBar(this.view);
    this.prefersStillness = matchMedia("(prefers-reduced-motion: reduce)");
    this.header = null;
    this.mesh = null;
    this.renderer = null;
    this.isLost = false;
    this.needsLayout = false;
    this.emitted = { frame: -1, playing: null };
    this.style = { ink: [1, 1, 1], hovered: -1, pinned: -1 };
    this.scene = new Scene();
    this.player = new Player();
    this.readings = new Readings(this.parts);
    this.words = new Words(this.parts.words);
    this.colorbar = new Colorbar(this.parts);
    this.intake = new Intake(this);
    this.#start();
    register(this.view, this);
  }

  #start() {
    const { parts } = this;
    this.loop = new Loop(
      (elapsed, isMoving) => this.#frame(elapsed, isMoving),
      this.stats,
      (interval) => this.quality?.observe(interval),
    );
    this.animation = new Animation(() => this.prefersStillness.matches);
    this.timeline = new Timeline(parts, {
      togglePlay: () => this.setPlaying(!this.player.playing),
      goTo: (position) => this.goTo(position),
      step: (by) => this.step(by),
    });
    this.controls = new Controls(parts, {
      set: (patch) => this.set(patch),
      setLayout: (name) => this.setLayout(name),
      setShape: (name) => this.setShape(name),
      unfold: (amount) => this.unfold(amount),
      reset: () => this.reset(),
      save: () => this.save(),
    });
    this.#listen();
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

  #listen() {
    const { parts } = this;
    this.abort = new AbortController();
    const { signal } = this.abort;
    parts.unpin.addEventListener("click", () => {
      this.pointing.setPin(-1);
      this.onUnpin();
    });
    document.addEventListener("visibilitychange", () => this.#see({}), { signal });
    parts.canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
      this.isLost = true;
      this.#say("The graphics card was interrupted; the picture comes back by itself.");
    }, { signal });
    parts.canvas.addEventListener("webglcontextrestored", () => this.#restore(), { signal });
    this.resizing = new ResizeObserver(() => this.relayout());
    this.resizing.observe(parts.stage);
    this.watching = new IntersectionObserver(([entry]) => this.#see({ onScreen: entry.isIntersecting }));
    this.watching.observe(parts.stage);
    this.unlisten = listen("hover", this.view, ({ vertex }) => {
      this.pointing?.setHover(vertex ?? -1, null, null, false);
    }, SOURCE);
  }

  /** Whether there is something to draw and a card to draw it with. */
  get isReady() {
    return this.header !== null && this.renderer !== null && !this.isLost;
  }

  #see({ onScreen = this.onScreen ?? true }) {
    this.onScreen = onScreen;
    this.loop.setVisible(onScreen && !document.hidden);
  }

  /** Take a message from Python. The same message again is not looked at. */
  update(bytes) {
    return this.intake.update(bytes);
  }

  /** Change anything a person may set; redraws, remembers, and tells linked views. */
  set(patch, isMoving = true) {
    Object.assign(this.state, patch);
    this.apply();
    this.loop.ask(isMoving);
    this.#remember();
  }

  /** State -> player, style, colour bar, controls, bus. */
  apply() {
    const { state, header, style, player } = this;
    player.speed = state.speed;
    player.hold = state.hold;
    const { limit } = state;
    style.scaleFrom = header.is_signed ? 0.5 : 0;
    style.scaleBy = header.is_signed ? 0.5 / limit : 1 / limit;
    style.isSigned = header.is_signed;
    style.threshold = state.threshold;
    style.fade = state.fade;
    style.underlay = state.underlay;
    style.outlines = state.outlines ? 0.85 : 0;
    style.ink = header.is_signed ? [0.05, 0.06, 0.08] : [1, 1, 1];
    if (this.lutName !== state.colormap) {
      this.lutName = state.colormap;
      this.lut = lutOf(header, state.colormap);
      this.renderer.setColormap(this.lut);
      this.colorbar.setColormap(this.lut);
    }
    const { root } = this.parts;
    root.dataset.background = state.background;
    this.parts.canvas.classList.toggle("bc-free", state.layout === "free");
    this.colorbar.sync(header, state);
    this.controls.sync(header, state);
    emit("range", this.view, {
      limit, threshold: state.threshold, mode: state.fade ? "fade" : "hide",
      colormap: state.colormap, lut: this.lut, isSigned: header.is_signed,
      minimum: header.minimum, maximum: header.maximum,
    }, SOURCE);
  }

  /** Camera only: rotation, zoom, pan. */
  look(patch) {
    Object.assign(this.state, patch);
    this.#cameraMoved();
    this.loop.ask(true);
    this.#remember();
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

  setPlaying(isPlaying) {
    this.player.setPlaying(isPlaying);
    this.timeline.setPlaying(this.player.playing);
    this.state.playing = this.player.playing;
    this.loop.ask(true);
    this.#remember();
  }

  goTo(position) {
    this.setPlaying(false);
    this.player.goTo(position);
    this.loop.ask(true);
    this.#remember();
  }

  step(by) {
    this.setPlaying(false);
    this.player.step(by);
    this.loop.ask(true);
    this.#remember();
  }

  /** Everything of one drawn frame; returns whether the next one is wanted at once. */
  #frame(elapsed, isMoving) {
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
    this.#showTime(time);
    return goesOn;
  }

  #showTime(time) {
    const { player, emitted, timeline } = this;
    const position = player.position();
    const nearest = player.nearest();
    if (nearest !== timeline.shownFrame) {
      this.readings.refresh(nearest);
      if (!player.playing) this.words.saySoon(this.header, nearest);
    }
    timeline.show(position, time, nearest);
    if (position === emitted.frame && player.playing === emitted.playing) return;
    emitted.frame = position;
    emitted.playing = player.playing;
    emit("time", this.view, { frame: position, playing: player.playing }, SOURCE);
  }

  save() {
    return savePicture(this);
  }

  #remember() {
    this.address?.writeSoon(() => {
      this.state.frame = this.player.playing ? this.defaults.frame : this.player.clock;
      return encodeState(this.state, this.defaults);
    });
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

  #say(text) {
    this.parts.message.hidden = false;
    this.parts.messageText.textContent = text;
  }

  /** Unmounted: give everything back. */
  destroy() {
    this.loop.stop();
    this.abort.abort();
    this.unlisten();
    this.resizing.disconnect();
    this.watching.disconnect();
    this.input?.stop();
    this.controls.stop();
    this.address?.stop();
    this.words.stop();
    this.intake.release();
    this.renderer?.release();
    unregister(this.view, this);
    forget(this.view);
    this.parts.root.remove();
  }
}
