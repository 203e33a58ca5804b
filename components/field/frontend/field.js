// One visual-field panel: keeps what is shown, listens to the cortex, redraws what has changed.
//
// Three canvases lie on each other, so that a frame of playback costs only the dots: scenery
// (picture, rings), dots, marks (labels, the hovered field).

import { emit, listen } from "../../shared/bus.js";
import { makeMovable } from "./cross.js";
import { decode, valuesAt } from "./decode.js";
import {
  DotPainter,
  HIDDEN,
  NOT_MODELLED,
  colourCodes,
  cssColour,
  nearestDot,
  nextDot,
  rgbOf,
} from "./dots.js";
import { buildAreas, showOriginal, showScale } from "./legend.js";
import { linearScale, wholeFieldScale } from "./place.js";
import { drawHighlight, drawRingLabels, drawScenery } from "./scenery.js";
import { dotWords, fixationWords, hintWords, summaryWords, titleWords } from "./words.js";

const REACH_PX = 10; // how near a dot the pointer must be
const DOT_PX = 3.1;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const SOURCE = "field";

export class FieldView {
  constructor(root) {
    this.root = root.querySelector(".field");
    this.message = null;
    this.mode = "both";
    this.frame = 0;
    this.isPlaying = false;
    this.hovered = -1;
    this.candidate = null; // where the cross is held, degrees from the picture's centre
    this.pictures = [];
    this.isDirty = { layout: true, scenery: true, dots: true, marks: true };
    this.request = 0;
    this.stops = [];
    this.findParts();
    this.listenToPerson();
  }

  findParts() {
    const find = (selector) => this.root.querySelector(selector);
    this.parts = {
      stage: find(".stage"),
      dots: find(".dots"),
      cross: find(".cross"),
      readout: find(".readout"),
      areas: find(".areas"),
      original: find(".original"),
      title: find(".title"),
      scale: find(".scale"),
    };
    this.contexts = Object.fromEntries(
      ["scenery", "dots", "marks"].map((name) => [name, find(`canvas.${name}`).getContext("2d")]),
    );
    this.painter = new DotPainter(this.contexts.dots);
  }

  // ---- messages from Python -------------------------------------------------------------

  /** Take a packed message; the same one again changes nothing. */
  update(bytes, setTrigger) {
    this.setTrigger = setTrigger;
    const message = decode(bytes);
    if (message.header.id === this.message?.header.id) return;
    const isSameView = message.header.view === this.message?.header.view;
    this.message = message;
    const n = message.header.n_fields;
    this.values = new Float32Array(n);
    this.codes = new Uint16Array(n).fill(HIDDEN);
    this.px = new Float32Array(n);
    this.py = new Float32Array(n);
    this.dotOf = new Map(Array.from(message.vertex, (vertex, i) => [vertex, i]));
    this.farthest = Math.max(...message.x.map((x, i) => Math.hypot(x, message.y[i])), 1);
    this.frame = Math.min(this.frame, message.header.n_frames - 1);
    this.hovered = -1;
    this.candidate = null;
    this.root.classList.remove("is-pending", "is-moving");
    this.setRange(this.ownRange());
    this.loadPictures();
    this.areaIsShown = message.header.area_names.map((_, k) => this.areaIsShown?.[k] ?? true);
    this.root.querySelector(".badge").textContent = message.header.badge;
    buildAreas(this.parts.areas, message.header, this.areaIsShown, () => this.redraw("dots"));
    this.showMode(message.header.previews.length === 0 ? this.modeWithoutPictures() : this.mode);
    if (!isSameView) this.listenToCortex();
    else if (this.lastRange) this.setRange(this.lastRange);
    this.redraw("layout");
  }

  ownRange() {
    const { limit, is_signed: isSigned } = this.message.header;
    return { limit, threshold: 0, isSigned, lut: this.message.lut };
  }

  async loadPictures() {
    this.dropPictures();
    const { message } = this;
    const { previews, originals } = message.header;
    this.originals = originals.map((jpeg) => URL.createObjectURL(message.jpeg(jpeg)));
    const pictures = previews.map(() => null);
    this.pictures = pictures;
    this.parts.stage.setAttribute("aria-busy", "true");
    await Promise.all(previews.map(async (preview, index) => {
      const bitmap = await createImageBitmap(message.jpeg(preview));
      if (this.pictures !== pictures) return bitmap.close(); // another message came meanwhile
      pictures[index] = bitmap;
      if (index === this.row) this.redraw("scenery");
    }));
    if (this.pictures === pictures) this.parts.stage.setAttribute("aria-busy", "false");
  }

  dropPictures() {
    for (const picture of this.pictures) picture?.close();
    for (const url of this.originals ?? []) URL.revokeObjectURL(url);
    this.pictures = [];
    this.originals = [];
    this.shownRow = -1;
  }

  // ---- the cortex, over the page's bus --------------------------------------------------

  listenToCortex() {
    for (const stop of this.stops) stop();
    const view = this.message.header.view;
    this.lastRange = null;
    this.stops = [
      listen("time", view, ({ frame, playing }) => {
        this.frame = frame;
        this.isPlaying = Boolean(playing);
        this.redraw("dots", ...(this.row === this.shownRow ? [] : ["scenery"]));
      }, SOURCE),
      listen("range", view, (range) => {
        this.lastRange = range;
        this.setRange(range);
      }, SOURCE),
      listen("hover", view, ({ vertex }) => {
        this.highlight(vertex === null ? -1 : (this.dotOf.get(vertex) ?? -1));
      }, SOURCE),
    ];
  }

  setRange(range) {
    this.range = { ...this.ownRange(), ...range };
    this.painter.setLut(this.range.lut);
    showScale(this.parts.scale, this.message.header, this.range);
    this.redraw("dots");
  }

  // ---- the person -----------------------------------------------------------------------

  listenToPerson() {
    const { stage, dots, cross } = this.parts;
    for (const button of this.root.querySelectorAll(".modes button")) {
      button.addEventListener("click", () => this.showMode(button.dataset.mode));
    }
    stage.addEventListener("pointermove", (event) => this.point(event));
    stage.addEventListener("pointerdown", (event) => this.point(event));
    stage.addEventListener("pointerleave", () => this.say(-1));
    dots.addEventListener("keydown", (event) => this.walk(event));
    dots.addEventListener("blur", () => this.say(-1));
    this.stopMoving = makeMovable(cross, {
      current: () => this.candidate ?? this.fixation,
      locate: (event) => this.locate(event),
      settle: (point) => this.settle(point),
      step: () => this.message.header.fixation_step_deg,
      move: (point) => this.moveFixation(point),
      release: (point) => this.releaseFixation(point),
      cancel: () => this.cancelFixation(),
    });
    this.resizing = new ResizeObserver(() => this.redraw("layout"));
    this.resizing.observe(stage);
    // See field.css: the page's theme has changed.
    this.root.addEventListener("transitionend", (event) => {
      if (event.target === this.root) this.redraw("layout");
    });
  }

  point(event) {
    if (this.root.classList.contains("is-moving")) return;
    const { x, y } = this.pixelsOf(event);
    const reach = REACH_PX * this.pixelRatio;
    this.say(nearestDot(this.px, this.py, this.codes, x, y, reach));
  }

  walk(event) {
    if (event.key === "Escape") return this.say(-1);
    const arrow = ARROWS[event.key];
    if (arrow === undefined) return;
    event.preventDefault();
    const { edge, middle } = this.scale;
    if (this.hovered < 0) {
      this.say(nearestDot(this.px, this.py, this.codes, middle.x, middle.y, edge));
    } else {
      this.say(nextDot(this.px, this.py, this.codes, this.hovered, ...arrow, edge));
    }
  }

  /** Highlight a dot here and tell the cortex. */
  say(dot) {
    if (dot === this.hovered) return;
    this.highlight(dot);
    const vertex = dot < 0 ? null : this.message.vertex[dot];
    emit("hover", this.message.header.view, { vertex }, SOURCE);
  }

  highlight(dot) {
    this.hovered = dot;
    this.redraw("marks");
  }

  locate(event) {
    const { x, y } = this.pixelsOf(event);
    return this.scale.fromPixels(x, y);
  }

  pixelsOf(event) {
    const box = this.parts.stage.getBoundingClientRect();
    return {
      x: (event.clientX - box.left - this.parts.stage.clientLeft) * this.pixelRatio,
      y: (event.clientY - box.top - this.parts.stage.clientTop) * this.pixelRatio,
    };
  }

  /** On the setting's grid, in its range, and inside the panel. */
  settle({ x, y }) {
    const { fixation_step_deg: step, fixation_limit_deg: limit } = this.message.header;
    const most = Math.floor(Math.min(limit, this.half) / step + 1e-6);
    const keep = (degrees) => {
      const steps = Math.min(Math.max(Math.round(degrees / step), -most), most);
      return Number((steps * step).toFixed(6));
    };
    return { x: keep(x), y: keep(y) };
  }

  moveFixation(point) {
    this.candidate = point;
    this.root.classList.add("is-moving");
    this.redraw("layout");
  }

  releaseFixation(point) {
    this.root.classList.remove("is-moving");
    const { x, y } = this.fixation;
    if (Math.abs(point.x - x) < 1e-6 && Math.abs(point.y - y) < 1e-6) return this.cancelFixation();
    // The dots stay pale until the answer for the new place is here.
    this.root.classList.add("is-pending");
    this.setTrigger("fixation", { x_deg: point.x, y_deg: point.y });
    this.redraw("marks");
  }

  cancelFixation() {
    this.candidate = null;
    this.root.classList.remove("is-moving");
    this.redraw("layout");
  }

  // ---- what is where --------------------------------------------------------------------

  /** Row of the picture on show: the nearest predicted one. */
  get row() {
    return Math.min(Math.floor(this.frame + 0.5), this.message.header.n_frames - 1);
  }

  /** The response's fixation point, degrees from the picture's centre. */
  get fixation() {
    const preview = this.message.header.previews[0];
    if (!preview) return { x: 0, y: 0 };
    const [left, right, bottom, top] = preview.picture_deg;
    return { x: -(left + right) / 2 + 0, y: -(bottom + top) / 2 + 0 };
  }

  /** Degrees from the middle to an edge of the panel: all pictures and the fixation point fit. */
  findHalf() {
    const { previews, n_fields: n } = this.message.header;
    const { x, y } = this.fixation;
    let half = Math.max(Math.abs(x), Math.abs(y)) * 1.1;
    for (const { extent_deg: [left, right, bottom, top] } of previews) {
      half = Math.max(half, -(left + x), right + x, -(bottom + y), top + y);
    }
    if (previews.length > 0) return half;
    valuesAt(this.message, this.frame, this.values);
    for (let i = 0; i < n; i++) {
      if (Number.isNaN(this.values[i])) continue;
      half = Math.max(half, Math.abs(this.message.x[i]), Math.abs(this.message.y[i]));
    }
    return half === 0 ? this.farthest : half * 1.05;
  }

  modeWithoutPictures() {
    return this.mode === "whole" ? "whole" : "response";
  }

  /** Sizes of canvases and places of dots; needed when size, mode, data or fixation change. */
  layOut() {
    const width = this.parts.stage.clientWidth;
    this.pixelRatio = Math.min(globalThis.devicePixelRatio || 1, 2);
    const edge = Math.round(width * this.pixelRatio);
    for (const { canvas } of Object.values(this.contexts)) {
      if (canvas.width !== edge) canvas.width = canvas.height = edge;
    }
    this.half = this.findHalf();
    this.scale =
      this.mode === "whole"
        ? wholeFieldScale(edge, this.farthest)
        : linearScale(edge, this.half, this.candidate ?? this.fixation);
    const { x, y } = this.message;
    for (let i = 0; i < x.length; i++) {
      this.px[i] = this.scale.toX(x[i], y[i]);
      this.py[i] = this.scale.toY(x[i], y[i]);
    }
    const { middle } = this.scale;
    this.parts.cross.style.translate =
      `${middle.x / this.pixelRatio}px ${middle.y / this.pixelRatio}px`;
    this.look = this.readLook();
    this.painter.prepare(edge, this.look);
  }

  readLook() {
    const style = getComputedStyle(this.root);
    const text = style.color;
    const background = getComputedStyle(this.parts.stage).backgroundColor;
    return {
      pixelRatio: this.pixelRatio,
      font: style.fontFamily,
      text,
      background,
      radius: DOT_PX * this.pixelRatio,
      rimWidth: 1.1 * this.pixelRatio,
      rim: rgbOf(background),
      empty: [135, 135, 135],
      faint: rgbOf(text),
    };
  }

  // ---- drawing --------------------------------------------------------------------------

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
    // The reading of a hovered dot changes with the frame.
    if (layout || marks || this.hovered >= 0) this.drawMarks();
  }

  drawScenery() {
    const { previews, row_labels: labels } = this.message.header;
    const row = this.row;
    this.shownRow = row;
    const preview = previews[Math.min(row, previews.length - 1)];
    const isPictureShown = this.mode === "picture" || this.mode === "both";
    // The picture stays where it is while the cross moves over it.
    const away = this.candidate ?? this.fixation;
    const shift = ([left, right, bottom, top]) => {
      const dx = this.fixation.x - away.x;
      const dy = this.fixation.y - away.y;
      return [left + dx, right + dx, bottom + dy, top + dy];
    };
    drawScenery(this.contexts.scenery, this.scale, {
      picture: isPictureShown ? this.pictures[row] : null,
      extent: preview && shift(preview.extent_deg),
      frame: preview && shift(preview.picture_deg),
      isVeiled: this.mode === "both",
      look: this.look,
    });
    const { original } = this.parts;
    showOriginal(original, { url: this.originals[row], label: labels[row], note: preview?.note ?? "" });
  }

  drawDots() {
    const { area } = this.message;
    if (this.mode === "picture") {
      this.codes.fill(HIDDEN);
      return this.painter.clear();
    }
    valuesAt(this.message, this.frame, this.values);
    colourCodes(this.values, area, this.areaIsShown, this.range, this.codes);
    this.painter.draw(this.px, this.py, this.codes);
    if (!this.isPlaying) {
      this.parts.dots.setAttribute("aria-label", summaryWords(this.message, this.values));
    }
  }

  drawMarks() {
    const context = this.contexts.marks;
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    drawRingLabels(context, this.scale, this.look);
    const dot = this.hovered;
    if (dot >= 0) {
      const { x, y, size } = this.message;
      drawHighlight(context, this.scale, {
        x: x[dot],
        y: y[dot],
        size: size === null ? 0 : size[dot],
        colour: this.codes[dot] < NOT_MODELLED ? cssColour(this.range.lut, this.codes[dot]) : "#888",
      }, this.look);
    }
    this.showReadout();
  }

  // ---- words ----------------------------------------------------------------------------

  showReadout() {
    const { readout } = this.parts;
    readout.setAttribute("aria-live", this.isPlaying ? "off" : "polite");
    const words = this.readoutWords();
    if (readout.textContent !== words) readout.textContent = words;
    const { cross } = this.parts;
    const isMovable = this.message.header.is_movable && this.scale.isLinear;
    cross.disabled = !isMovable || this.message.header.previews.length === 0;
    cross.setAttribute(
      "aria-label",
      `Fixation point, ${fixationWords(this.candidate ?? this.fixation)}. ` +
        "Arrow keys move it, with Shift by one degree; Home centres it.",
    );
  }

  readoutWords() {
    if (this.candidate !== null) {
      const isPending = this.root.classList.contains("is-pending");
      const tail = isPending ? " Predicting …" : "";
      return `Eyes rest ${fixationWords(this.candidate)}.${tail}`;
    }
    const dot = this.hovered;
    if (dot < 0) return hintWords(this.mode, !this.parts.cross.disabled);
    valuesAt(this.message, this.frame, this.values);
    const words = dotWords(this.message, dot, this.values[dot]);
    return this.isInView(dot) ? words : `${words} Outside this view: see Whole field.`;
  }

  isInView(dot) {
    const { edge } = this.scale;
    const x = this.px[dot];
    const y = this.py[dot];
    return x >= 0 && y >= 0 && x <= edge && y <= edge;
  }

  showMode(mode) {
    this.mode = mode;
    this.parts.title.textContent = titleWords(mode);
    const hasPictures = this.message?.header.previews.length > 0;
    for (const button of this.root.querySelectorAll(".modes button")) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
      const needsPicture = ["picture", "both"].includes(button.dataset.mode);
      button.hidden = needsPicture && !hasPictures;
    }
    if (mode === "whole" && this.candidate !== null && !this.root.matches(".is-pending")) {
      this.cancelFixation();
    }
    this.redraw("layout");
  }

  /** Take everything off the page's events. */
  dispose() {
    cancelAnimationFrame(this.request);
    for (const stop of this.stops) stop();
    this.stopMoving();
    this.resizing.disconnect();
    this.dropPictures();
    this.message = null;
  }
}
