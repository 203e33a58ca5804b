// What the pointer does: hovering reads the value along a line of sight; other views show where
// their own pointer is.

import { emit, seek } from "../../shared/bus.js";
import { Readings, whenWords } from "../../shared/readings.js";
import { formatReading, stepAt } from "../../shared/wire.js";
import { NOT_MODELLED } from "./colors.js";
import { cellAt } from "./layout.js";
import { linkedNear, placeBehind, toCoordinate } from "./sequence.js";

/** Readings of a line of sight: `place` is the number of its cell in a frame. */
export class GlassReadings extends Readings {
  setSequence(sequence) {
    const { header, codes, views } = sequence;
    Object.assign(this, { sequence, header, codes, views });
  }

  valueAt(place, frame) {
    const { header, codes } = this;
    const code = codes[frame * header.n_left + place];
    if (code === NOT_MODELLED) return NaN;
    return header.minimum + (code * (header.maximum - header.minimum)) / 254;
  }

  words(place, frame) {
    const { header } = this;
    const view = this.views.findLast(({ start }) => start <= place);
    const cell = view.cells[place - view.start];
    const column = cell % view.width;
    const row = (cell - column) / view.width;
    const unit = header.is_mm ? " mm" : "";
    const where = [[view.across, column], [view.up, row]]
      .map(([axis, n]) => `${axis[0]} ${formatReading(toCoordinate(axis, n), 1)}`)
      .join(", ");
    const value = this.valueAt(place, frame);
    const number = formatReading(value, stepAt(header, value));
    const seen = placeBehind(this.sequence, place, frame);
    const what = seen < 0 ? view.title : header.names[seen];
    return {
      name: `${what} · ${where}${unit}`,
      value: Number.isFinite(value) ? `≈ ${number} ${header.units}` : "not modelled",
      when: ["largest along the line of sight", whenWords(header, frame)].filter(Boolean).join(" · "),
    };
  }
}

export class Pointing {
  constructor(viewer) {
    this.viewer = viewer;
    this.linked = -1; // place that another view shows
    this.told = -1; // place that the leading view was told of
    const { canvas } = viewer.parts;
    this.abort = new AbortController();
    const { signal } = this.abort;
    canvas.addEventListener("pointermove", (event) => this.#move(event), { signal });
    canvas.addEventListener("pointerleave", () => this.leave(), { signal });
    canvas.addEventListener("keydown", (event) => this.#key(event), { signal });
  }

  #move(event) {
    const box = this.viewer.parts.canvas.getBoundingClientRect();
    this.hover(event.clientX - box.left, event.clientY - box.top);
  }

  hover(x, y) {
    const { viewer } = this;
    if (!viewer.isReady) return;
    const place = this.placeAt(x, y);
    viewer.readings.hover(place, viewer.player.nearest(), x, y);
    this.#tell(place < 0 ? -1 : this.#linkedAt(x, y, place));
  }

  leave() {
    this.viewer.readings.hover(-1, 0, null, null);
    this.#tell(-1);
  }

  /** Linked place that a line of sight shows; -1 where none is known. */
  #linkedAt(x, y, place) {
    const { panels, player, sequence } = this.viewer;
    for (const panel of panels) {
      const view = sequence.views[panel.view];
      const cell = cellAt(panel, view, x, y);
      if (!cell) continue;
      const seen = placeBehind(sequence, place, player.nearest());
      return linkedNear(sequence, view, seen, cell.column + 0.5, cell.row + 0.5);
    }
    return -1;
  }

  /** The leading view shows where this one's pointer is; other cells of a place are no news. */
  #tell(vertex) {
    const { viewer } = this;
    if (!viewer.leader || vertex === this.told) return;
    this.told = vertex;
    emit("hover", viewer.leader, { vertex: vertex < 0 ? null : vertex }, viewer.source);
  }

  /** Number of the cell under a point; -1 outside the brain. */
  placeAt(x, y) {
    for (const panel of this.viewer.panels) {
      const view = this.viewer.sequence.views[panel.view];
      const cell = cellAt(panel, view, x, y);
      if (!cell) continue;
      const n = view.at[cell.row * view.width + cell.column];
      return n < 0 ? -1 : view.start + n;
    }
    return -1;
  }

  #key(event) {
    const { viewer } = this;
    const does = {
      ArrowLeft: () => this.#step(-1),
      ArrowRight: () => this.#step(1),
      " ": viewer.isLed ? null : () => viewer.setPlaying(!viewer.player.playing),
    }[event.key];
    if (!does || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    does();
  }

  /** To the next volume; where another view leads, it is asked to go there. */
  #step(by) {
    const { viewer } = this;
    if (!viewer.isLed) {
      viewer.step(by);
      return;
    }
    const { count } = viewer.player;
    seek(viewer.leader, (viewer.player.nearest() + by + count) % count, viewer.source);
  }

  /** Another view points at a place of the linked mesh; -1: at none. */
  setHover(place) {
    if (place === this.linked) return;
    this.linked = place;
    this.viewer.loop.ask();
  }

  setPin() {}

  stop() {
    this.abort.abort();
  }
}
