// What the pointer does: hovering names, a click moves the crosshair, pins, and is told to Python.

import { emit } from "../../shared/bus.js";
import { elementAt } from "./layout.js";

export class Pointing {
  /** viewer: its header, grid, panels, projections, player, readings, state and loop are used. */
  constructor(viewer) {
    this.viewer = viewer;
    this.hovered = -1;
    this.pinned = -1;
    this.panel = null; // last pointed at
  }

  /** Layout, data or size changed: what was under the pointer is not any more. */
  invalidate() {
    this.leave();
  }

  leave() {
    this.setHover(-1, null, null);
  }

  panelAt(x, y) {
    return this.viewer.panels.find(
      (one) => x >= one.left && x < one.left + one.width && y >= one.top && y < one.top + one.height,
    );
  }

  /** Panel, index triple and place (-1 outside the brain) under a point; null beside pictures. */
  hitAt(x, y) {
    const { viewer } = this;
    const panel = this.panelAt(x, y);
    const plane = panel && viewer.grid.planes[panel.plane];
    const element = plane && elementAt(panel, plane, x, y);
    if (!element?.isInside) return null;
    if (panel.kind === "slice") {
      const indices = plane.indicesAt(element.x, element.y, viewer.state.cross[plane.fixed]);
      return { panel, indices, place: viewer.grid.placeOf(indices) };
    }
    const columns = viewer.projections.columns(panel.plane, viewer.player.nearest());
    const column = columns[element.y * plane.width + element.x];
    if (column < 0) return null;
    const place = viewer.grid.places[column];
    return { panel, indices: viewer.grid.indicesOf(place), place };
  }

  hover(x, y) {
    if (!this.viewer.isReady) return;
    const hit = this.hitAt(x, y);
    if (hit) this.panel = hit.panel;
    this.setHover(hit ? hit.place : -1, x, y);
  }

  /** place: -1 for none; x, y: null when another view is hovered. */
  setHover(place, x, y, tellsOthers = true) {
    const { viewer } = this;
    if (!viewer.isReady) return;
    const known = place < viewer.grid.cells.length ? place : -1;
    viewer.readings.hover(known, viewer.player.nearest(), x, y);
    if (known === this.hovered) return;
    this.hovered = known;
    viewer.loop.ask();
    if (!tellsOthers) return;
    emit("hover", viewer.view, { vertex: known < 0 ? null : known }, viewer.source);
  }

  setPin(place) {
    const { viewer } = this;
    this.pinned = place;
    viewer.readings.pin(place, viewer.player.nearest());
    viewer.loop.ask();
  }

  /** Drag from x0, y0: the crosshair follows inside the slice where it began. */
  drag(x, y, x0, y0) {
    const { viewer } = this;
    const panel = this.panelAt(x0, y0);
    if (!viewer.isReady || panel?.kind !== "slice") return;
    this.panel = panel;
    const plane = viewer.grid.planes[panel.plane];
    const element = elementAt(panel, plane, x, y);
    viewer.setCross(plane.indicesAt(element.x, element.y, viewer.state.cross[plane.fixed]));
  }

  /** A settled pick; returns it, or null where there is no voxel. */
  pick(x, y) {
    if (!this.viewer.isReady) return null;
    const hit = this.hitAt(x, y);
    if (!hit) return null;
    this.panel = hit.panel;
    this.viewer.setCross(hit.indices);
    return this.pinPlace(hit.place);
  }

  /** Pin a voxel here and tell Python. */
  pinPlace(place) {
    if (place < 0) return null;
    const { viewer } = this;
    this.setPin(place);
    const pick = { place, frame: viewer.player.nearest() };
    viewer.onPick(pick);
    return pick;
  }
}
