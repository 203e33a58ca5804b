// One visual-field panel: keeps what is shown, listens to the cortex, redraws what has changed.
//
// Three canvases lie on each other, so that a frame of playback costs only the dots: scenery
// (picture, rings), dots, marks (labels, the field pointed at).

import { listen } from "../../shared/bus.js";
import { Cross } from "./cross.js";
import { decode, valueAt, valuesAt } from "./decode.js";
import { DotPainter, HIDDEN, NOT_MODELLED, colourCodes, cssColour, rgbOf } from "./dots.js";
import { buildAreas, showOriginal, showScale } from "./legend.js";
import { Pictures } from "./pictures.js";
import { findHalf, fixationOf, linearScale, shifted, wholeFieldScale } from "./place.js";
import { Pointing } from "./pointing.js";
import { drawHighlight, drawRingLabels, drawScenery } from "./scenery.js";
import { dotWords, fixationWords, hintWords, summaryWords, titleWords } from "./words.js";

const DOT_PX = 3.1;
const RIM_PX = 1.1;
const NOT_MODELLED_GREY = [135, 135, 135];

export class FieldView {
  constructor(root) {
    this.root = root.querySelector(".field");
    this.message = null;
    this.wantedMode = "both";
    this.frame = 0;
    this.isPlaying = false;
    this.isDirty = { layout: true, scenery: true, dots: true, marks: true };
    this.request = 0;
    this.stops = [];
    this.pictures = new Pictures();
    this.ending = new AbortController();
    this.findParts();
    this.listenToPerson();
  }

  findParts() {
    const find = (name) => this.root.querySelector(`.${name}`);
    const names = [
      "stage", "dots", "cross", "title", "readout", "areas", "scale", "original", "badge",
    ];
    this.parts = Object.fromEntries(names.map((name) => [name, find(name)]));
    this.contexts = Object.fromEntries(
      ["scenery", "dots", "marks"].map((name) => [name, find(name).getContext("2d")]),
    );
    this.painter = new DotPainter(this.contexts.dots);
  }

  listenToPerson() {
    const { signal } = this.ending;
    this.modeButtons = [...this.root.querySelectorAll(".modes button")];
    for (const button of this.modeButtons) {
      button.addEventListener("click", () => this.choose(button.dataset.mode), { signal });
    }
    this.pointing = new Pointing(this, this.parts, signal);
    this.cross = new Cross(this, this.parts.cross, signal);
    this.resizing = new ResizeObserver(() => this.redraw("layout"));
    this.resizing.observe(this.parts.stage);
    // See field.css: the page's theme has changed.
    this.root.addEventListener("transitionend", (event) => {
      if (event.target === this.root) this.redraw("layout");
    }, { signal });
  }

  // ---- messages from Python -------------------------------------------------------------

  /** Take a packed message; the same one again changes nothing. */
  update(bytes, setTrigger) {
    this.setTrigger = setTrigger;
    const message = decode(bytes);
    const { header } = message;
    if (header.id === this.message?.header.id) return;
    const isOtherView = header.view !== this.message?.header.view;
    this.message = message;
    this.makeRoom(header.n_fields);
    this.dotOf = new Map(Array.from(message.vertex, (vertex, i) => [vertex, i]));
    this.farthest = Math.max(...message.x.map((x, i) => Math.hypot(x, message.y[i])), 1);
    this.half = findHalf(message);
    this.frame = Math.min(this.frame, header.n_frames - 1);
    this.parts.badge.textContent = header.badge;
    this.isShown = header.area_names.map((_, k) => this.isShown?.[k] ?? true);
    buildAreas(this.parts.areas, header, this.isShown, () => this.redraw("dots"));
    this.loadPictures();
    this.pointing.show(-1);
    this.cross.cancel();
    if (isOtherView) this.lastRange = null;
    this.setRange(this.lastRange ?? {});
    this.choose(this.wantedMode);
    if (isOtherView) this.listenToCortex();
  }

  makeRoom(n) {
    this.values = new Float32Array(n);
    this.codes = new Uint16Array(n).fill(HIDDEN);
    this.px = new Float32Array(n);
    this.py = new Float32Array(n);
  }

  loadPictures() {
    const { stage } = this.parts;
    stage.setAttribute("aria-busy", "true");
    this.shownRow = -1;
    this.pictures.load(
      this.message,
      (row) => row === this.row && this.redraw("scenery"),
      () => stage.setAttribute("aria-busy", "false"),
    );
  }

  // ---- the cortex, over the page's bus --------------------------------------------------

  listenToCortex() {
    for (const stop of this.stops) stop();
    const name = this.message.header.view;
    this.stops = [
      listen("time", name, ({ frame, playing }) => {
        this.frame = frame;
        this.isPlaying = Boolean(playing);
        this.redraw("dots", ...(this.row === this.shownRow ? [] : ["scenery"]));
      }),
      listen("range", name, (range) => {
        this.lastRange = range;
        this.setRange(range);
      }),
      this.pointing.follow(name),
    ];
  }

  /** Colour range of the cortex, or of the message until the cortex has spoken. */
  setRange(range) {
    const { header, lut } = this.message;
    const own = { limit: header.limit, threshold: 0, isSigned: header.is_signed, lut };
    this.range = { ...own, ...range };
    this.painter.setLut(this.range.lut);
    showScale(this.parts.scale, header, this.range);
    this.redraw("dots");
  }

  // ---- what is where --------------------------------------------------------------------

  /** The nearest predicted frame: its picture is shown and its values are read out. */
  get row() {
    return Math.round(this.frame) % this.message.header.n_frames;
  }

  /** The response's fixation point, degrees from the picture's centre. */
  get fixation() {
    return fixationOf(this.message.header);
  }

  /** Show a mode, or the nearest to it where there are no pictures. */
  choose(mode) {
    this.wantedMode = mode;
    const hasPictures = this.message.header.previews.length > 0;
    this.mode = hasPictures || mode === "whole" ? mode : "response";
    this.parts.title.textContent = titleWords(this.mode);
    for (const button of this.modeButtons) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === this.mode));
      button.hidden = !hasPictures && ["picture", "both"].includes(button.dataset.mode);
    }
    if (this.cross.isHeld) this.cross.cancel();
    this.redraw("layout");
  }

  /** Sizes of canvases and places of dots; needed when size, mode, data or fixation change. */
  layOut() {
    this.pixelRatio = Math.min(globalThis.devicePixelRatio || 1, 2);
    const edge = Math.round(this.parts.stage.clientWidth * this.pixelRatio);
    for (const { canvas } of Object.values(this.contexts)) {
      if (canvas.width !== edge) canvas.width = canvas.height = edge;
    }
    this.scale =
      this.mode === "whole"
        ? wholeFieldScale(edge, this.farthest)
        : linearScale(edge, this.half, this.cross.place);
    const { x, y } = this.message;
    for (let i = 0; i < x.length; i++) {
      this.px[i] = this.scale.toX(x[i], y[i]);
      this.py[i] = this.scale.toY(x[i], y[i]);
    }
    const { header } = this.message;
    const isMovable = header.is_movable && header.previews.length > 0 && this.scale.isLinear;
    const { middle } = this.scale;
    this.cross.draw(middle.x / this.pixelRatio, middle.y / this.pixelRatio, isMovable);
    this.look = this.readLook();
    this.painter.prepare(edge, this.look);
  }

  readLook() {
    const style = getComputedStyle(this.root);
    const background = getComputedStyle(this.parts.stage).backgroundColor;
    // Without a picture below, a tone between paper and ink sets off both ends of any map.
    const between = `color-mix(in srgb, ${background}, ${style.color} 38%)`;
    return {
      pixelRatio: this.pixelRatio,
      font: style.fontFamily,
      text: style.color,
      background,
      radius: DOT_PX * this.pixelRatio,
      rimWidth: RIM_PX * this.pixelRatio,
      rim: rgbOf(this.mode === "both" ? background : between),
      empty: NOT_MODELLED_GREY,
      faint: rgbOf(style.color),
    };
  }

  /** Canvas pixels of a pointer event. */
  pixelsOf(event) {
    const { stage } = this.parts;
    const box = stage.getBoundingClientRect();
    return {
      x: (event.clientX - box.left - stage.clientLeft) * this.pixelRatio,
      y: (event.clientY - box.top - stage.clientTop) * this.pixelRatio,
    };
  }

  /** Degrees from the picture's centre of a pointer event. */
  locate(event) {
    const { x, y } = this.pixelsOf(event);
    return this.scale.fromPixels(x, y);
  }

  // ---- drawing --------------------------------------------------------------------------

  /** Ask for layers to be drawn with the next frame; "layout" is all of them. */
  redraw(...layers) {
    for (const layer of layers) this.isDirty[layer] = true;
    if (this.request === 0 && this.message) {
      this.request = requestAnimationFrame(() => this.draw());
    }
  }

  draw() {
    this.request = 0;
    if (this.parts.stage.clientWidth === 0) return; // not on the page yet; resizing will call
    const { layout, scenery, dots, marks } = this.isDirty;
    this.isDirty = { layout: false, scenery: false, dots: false, marks: false };
    if (layout) this.layOut();
    if (layout || scenery) this.drawScenery();
    if (layout || dots) this.drawDots();
    // The reading of the dot pointed at changes with the frame.
    if (layout || marks || this.pointing.dot >= 0) this.drawMarks();
  }

  drawScenery() {
    const { previews, row_labels: labels } = this.message.header;
    const { row, pictures } = this;
    this.shownRow = row;
    const preview = previews[row];
    const place = this.cross.place;
    drawScenery(this.contexts.scenery, this.scale, {
      picture: this.mode === "picture" || this.mode === "both" ? pictures.seen[row] : null,
      // The picture stays where it is while the cross moves over it.
      extent: preview && shifted(preview.extent_deg, this.fixation, place),
      frame: preview && shifted(preview.picture_deg, this.fixation, place),
      isVeiled: this.mode === "both",
      look: this.look,
    });
    const note = preview?.note ?? "";
    showOriginal(this.parts.original, { url: pictures.originals[row], label: labels[row], note });
  }

  drawDots() {
    if (this.mode === "picture") {
      this.codes.fill(HIDDEN);
      return this.painter.clear();
    }
    valuesAt(this.message, this.frame, this.values);
    colourCodes(this.values, this.message.area, this.isShown, this.range, this.codes);
    this.painter.draw(this.px, this.py, this.codes);
    if (!this.isPlaying) {
      this.parts.dots.setAttribute("aria-label", summaryWords(this.message, this.values));
    }
  }

  drawMarks() {
    const context = this.contexts.marks;
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    drawRingLabels(context, this.scale, this.look);
    const { dot } = this.pointing;
    if (dot >= 0) {
      const { x, y, size } = this.message;
      const code = this.codes[dot];
      drawHighlight(context, this.scale, {
        x: x[dot],
        y: y[dot],
        size: size === null ? 0 : size[dot],
        colour: code < NOT_MODELLED ? cssColour(this.range.lut, code) : "#888",
      }, this.look);
    }
    const { readout } = this.parts;
    readout.setAttribute("aria-live", this.isPlaying ? "off" : "polite");
    const words = this.readoutWords();
    if (readout.textContent !== words) readout.textContent = words;
  }

  readoutWords() {
    const { cross, message } = this;
    if (cross.candidate !== null) {
      return `Eyes rest ${fixationWords(cross.place)}.${cross.isPending ? " Predicting …" : ""}`;
    }
    const { dot } = this.pointing;
    if (dot < 0) return hintWords(this.mode, !cross.button.disabled);
    const words = dotWords(message, dot, valueAt(message, this.row, dot));
    const { edge } = this.scale;
    const isInView = [this.px[dot], this.py[dot]].every((pixel) => pixel >= 0 && pixel <= edge);
    return isInView ? words : `${words} Outside this view: see Whole field.`;
  }

  /** Take everything off the page. */
  dispose() {
    cancelAnimationFrame(this.request);
    for (const stop of this.stops) stop();
    this.ending.abort();
    this.resizing.disconnect();
    this.pictures.drop();
    this.message = null;
  }
}
