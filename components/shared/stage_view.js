// What every viewer does: state, time, colours, the address bar, linked views. A subclass draws.
// Everything a person changes goes through set().

import { emit, forget, listen } from "./bus.js";
import { Colorbar, lutOf } from "./colorbar.js";
import { Loop } from "./loop.js";
import { savePicture } from "./picture.js";
import { Player } from "./player.js";
import { register, Stats, unregister } from "./stats.js";
import { build } from "./template.js";
import { Timeline } from "./timeline.js";
import { AddressBar, encodeState } from "./view_state.js";
import { section } from "./wire.js";
import { Words } from "./words.js";

export class StageView {
  /**
   * options: {view, onPick(pick), onUnpin(), keepsAddress}
   * kind: {template, entries (of the address bar), source (its name on the bus)}
   *
   * A subclass makes `controls`, `readings` and, if it can draw, `pointing`; it has frame(elapsed,
   * isMoving), relayout(isMoving) and reset().
   */
  constructor(element, options, { template, entries, source }) {
    this.view = options.view;
    this.source = source;
    this.entries = entries;
    this.onPick = options.onPick ?? (() => {});
    this.onUnpin = options.onUnpin ?? (() => {});
    this.stats = new Stats();
    this.parts = build(element, template);
    this.address = options.keepsAddress === false ? null : new AddressBar(this.view, entries);
    this.prefersStillness = matchMedia("(prefers-reduced-motion: reduce)");
    this.header = null;
    this.sprite = null;
    this.needsLayout = false;
    this.emitted = { frame: -1, playing: null };
    this.player = new Player();
    this.words = new Words(this.parts.words);
    this.colorbar = new Colorbar(this.parts);
    this.loop = new Loop(
      (elapsed, isMoving) => this.frame(elapsed, isMoving),
      this.stats,
      (interval) => this.observe(interval),
    );
    this.timeline = new Timeline(this.parts, {
      togglePlay: () => this.setPlaying(!this.player.playing),
      goTo: (position) => this.goTo(position),
      step: (by) => this.step(by),
    });
    this.#listen();
    register(this.view, this);
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
    this.resizing = new ResizeObserver(() => this.relayout());
    this.resizing.observe(parts.stage);
    this.watching = new IntersectionObserver(([entry]) => this.#see({ onScreen: entry.isIntersecting }));
    this.watching.observe(parts.stage);
    const hear = (type, handler) => listen(type, this.view, handler, this.source);
    this.unlisten = [
      hear("hover", ({ vertex }) => this.pointing?.setHover(vertex ?? -1, null, null, false)),
      hear("time", (time) => this.#obey(time)),
    ];
  }

  /** Go where another view of the page wants time to be; see bus.js. */
  #obey({ seek, frame }) {
    if (!seek || !this.isReady || !Number.isFinite(frame)) return;
    this.goTo(frame);
    this.emitted.frame = -1; // say what is shown, even if it was shown before
  }

  #see({ onScreen = this.onScreen ?? true }) {
    this.onScreen = onScreen;
    this.loop.setVisible(onScreen && !document.hidden);
  }

  /** Time between two drawn frames while moving, in ms; for those who draw more coarsely then. */
  observe() {}

  /** Whether there is something to draw. */
  get isReady() {
    return this.header !== null;
  }

  /** Change anything a person may set; redraws, remembers, and tells linked views. */
  set(patch, isMoving = true) {
    Object.assign(this.state, patch);
    this.apply();
    this.loop.ask(isMoving);
    this.remember();
  }

  /** State -> player, colours, colour bar, controls, bus. */
  apply() {
    const { state, header, player } = this;
    player.speed = state.speed;
    player.hold = state.hold;
    if (this.lutName !== state.colormap) {
      this.lutName = state.colormap;
      this.lut = lutOf(header, state.colormap);
      this.colorbar.setColormap(this.lut);
      this.showColormap();
    }
    this.parts.root.dataset.background = state.background;
    this.colorbar.sync(header, state);
    this.controls.sync(header, state);
    emit("range", this.view, {
      limit: state.limit, threshold: state.threshold, mode: state.fade ? "fade" : "hide",
      colormap: state.colormap, lut: this.lut, isSigned: header.is_signed,
      minimum: header.minimum, maximum: header.maximum,
    }, this.source);
  }

  /** Another colour map was chosen; for those who keep it elsewhere too. */
  showColormap() {}

  setPlaying(isPlaying) {
    this.player.setPlaying(isPlaying);
    this.timeline.setPlaying(this.player.playing);
    this.state.playing = this.player.playing;
    this.loop.ask(true);
    this.remember();
  }

  goTo(position) {
    this.setPlaying(false);
    this.player.goTo(position);
    this.loop.ask(true);
    this.remember();
  }

  step(by) {
    this.setPlaying(false);
    this.player.step(by);
    this.loop.ask(true);
    this.remember();
  }

  /** The moment on show: rail, readings, words, linked views. */
  showTime(time) {
    const { player, emitted, timeline } = this;
    const position = player.position();
    const nearest = player.nearest();
    if (nearest !== timeline.shownFrame) {
      this.readings.refresh(nearest);
      if (!player.playing) this.sayFrame(nearest);
    }
    timeline.show(position, time, nearest);
    if (position === emitted.frame && player.playing === emitted.playing) return;
    emitted.frame = position;
    emitted.playing = player.playing;
    emit("time", this.view, { frame: position, playing: player.playing }, this.source);
  }

  /** The picture in words. */
  sayFrame(frame) {
    this.words.saySoon(this.header, frame);
  }

  /** Time axis, thumbnails and words of new data. */
  showSequence(payload) {
    const { header, parts } = this;
    const strip = section(payload, header.thumbnails);
    this.#releaseSprite();
    this.sprite = strip ? URL.createObjectURL(new Blob([strip], { type: "image/jpeg" })) : null;
    this.timeline.setSequence(header, this.sprite);
    this.controls.setSequence(header);
    parts.root.classList.toggle("bc-kiosk", header.kiosk === true);
    if (header.height) parts.stage.style.setProperty("--bc-height", `${header.height}px`);
  }

  /** First data: play or rest where the state says. */
  startTime(state, isStill) {
    this.player.goTo(state.frame);
    this.player.setPlaying(state.playing && !isStill);
    this.timeline.setPlaying(this.player.playing);
  }

  /** New data: the colour limit follows unless it is locked. */
  keepColours(before) {
    const { state, defaults, header } = this;
    const isSameKind = before.is_signed === header.is_signed && before.units === header.units;
    if (!isSameKind) Object.assign(state, { colormap: defaults.colormap, threshold: 0 });
    if (!state.isLocked || !isSameKind) state.limit = defaults.limit;
    state.threshold = Math.min(state.threshold, state.limit);
    this.timeline.setPlaying(this.player.playing);
  }

  /** Save what was drawn on `drawing` in this very task; see picture.js. */
  savePicture(drawing, labels, note = "") {
    return savePicture(this, drawing, labels, note);
  }

  remember() {
    this.address?.writeSoon(() => {
      this.state.frame = this.player.playing ? this.defaults.frame : this.player.clock;
      return encodeState(this.state, this.defaults, this.entries);
    });
  }

  say(text) {
    this.parts.message.hidden = false;
    this.parts.messageText.textContent = text;
  }

  #releaseSprite() {
    if (this.sprite) URL.revokeObjectURL(this.sprite);
    this.sprite = null;
  }

  /** Unmounted: give everything back. */
  destroy() {
    this.loop.stop();
    this.abort.abort();
    this.unlisten.forEach((stop) => stop());
    this.resizing.disconnect();
    this.watching.disconnect();
    this.controls.stop();
    this.address?.stop();
    this.words.stop();
    this.#releaseSprite();
    unregister(this.view, this);
    forget(this.view);
    this.parts.root.remove();
  }
}
