// What the pointer does: hovering names, a click pins and is told to Python.

import { emit } from "../../shared/bus.js";
import { Picker } from "./picking.js";

export class Pointing {
  /** viewer: its header, scene, player, readings, style, parts, loop and onPick are used. */
  constructor(viewer, source) {
    this.viewer = viewer;
    this.source = source;
    this.picker = new Picker(viewer.renderer);
    this.position = null;
  }

  /** Camera, layout, shape or size changed: what was under the pointer is not any more. */
  invalidate() {
    this.picker.invalidate();
    this.leave();
  }

  leave() {
    this.position = null;
    this.setHover(-1, null, null);
  }

  panelAt(x, y) {
    return this.viewer.scene.panels.find(
      (one) => x >= one.left && x < one.left + one.width && y >= one.top && y < one.top + one.height,
    );
  }

  hover(x, y) {
    const { viewer, picker } = this;
    if (!viewer.isReady) return;
    this.position = [x, y];
    const { clientWidth, clientHeight } = viewer.parts.stage;
    if (!picker.ids) {
      picker.readSoon(viewer.scene.panels, clientWidth, clientHeight, () => {
        if (this.position && !viewer.loop.isStopped) this.hover(...this.position);
      });
      return;
    }
    const hit = picker.locate(viewer.scene.panels, x, y);
    this.setHover(hit ? this.#globalIndex(hit) : -1, x, y);
  }

  #globalIndex({ side, vertex }) {
    return side === 1 ? this.viewer.header.n_left + vertex : vertex;
  }

  /** vertex: -1 for none; x, y: null when another view is hovered. */
  setHover(vertex, x, y, tellsOthers = true) {
    const { viewer } = this;
    if (!viewer.isReady) return;
    viewer.readings.hover(vertex, viewer.player.nearest(), x, y);
    if (vertex === viewer.style.hovered) return;
    viewer.style.hovered = vertex;
    viewer.loop.ask();
    if (!tellsOthers) return;
    emit("hover", viewer.view, { vertex: vertex < 0 ? null : vertex }, this.source);
  }

  setPin(vertex) {
    const { viewer } = this;
    const frame = viewer.player.nearest();
    viewer.style.pinned = vertex;
    viewer.readings.pin(vertex, frame);
    viewer.loop.ask();
    const name = vertex < 0 ? null : viewer.readings.at(vertex, frame).region || null;
    emit("region", viewer.view, { name }, this.source);
  }

  /** A settled pick: pin it here and tell Python; returns it, or null beside the brain. */
  pick(x, y) {
    const { viewer, picker } = this;
    if (!viewer.isReady) return null;
    const { clientWidth, clientHeight } = viewer.parts.stage;
    if (!picker.ids) picker.readNow(viewer.scene.panels, clientWidth, clientHeight);
    const hit = picker.locate(viewer.scene.panels, x, y);
    if (!hit) return null;
    const vertex = this.#globalIndex(hit);
    this.setPin(vertex);
    const hemisphere = hit.side === 1 ? "right" : "left";
    const pick = { vertex, hemisphere, frame: viewer.player.nearest() };
    viewer.onPick(pick);
    return pick;
  }
}
