// What stands under the pointer and under the pin, in words, at the current frame.

import { namesOf } from "./mesh.js";
import { columnOf, decodeValue, formatReading, stepAt } from "./wire.js";

export class Readings {
  constructor(parts) {
    this.parts = parts;
    this.hovered = -1;
    this.pinned = -1;
  }

  /** `codes` follow once they are unpacked. */
  setSequence(mesh, header) {
    this.mesh = mesh;
    this.header = header;
    this.names = namesOf(mesh, header);
  }

  /** Whether a vertex (of its hemisphere) has a value; makes no objects. */
  isModelled(frame, side, vertex) {
    const { header, mesh, codes } = this;
    const label = header.kind === "parcels" ? mesh.hemispheres[side].labels[header.atlas][vertex] : 0;
    const column = columnOf(header, side === 1, vertex, label);
    return column >= 0 && Number.isFinite(decodeValue(header, codes, frame, column));
  }

  /** Hemisphere, region and decoded value of a vertex (global index) at a real frame. */
  at(vertex, frame) {
    const { header, mesh } = this;
    const isRight = vertex >= header.n_left;
    const own = isRight ? vertex - header.n_left : vertex;
    const label = mesh.hemispheres[isRight ? 1 : 0].labels[header.atlas]?.[own] ?? 0;
    const column = columnOf(header, isRight, own, label);
    const value = column < 0 ? NaN : decodeValue(header, this.codes, frame, column);
    const region = label > 0 ? this.names[label - 1] : "";
    return {
      hemisphere: isRight ? "right" : "left",
      vertex: own,
      region,
      isLowConfidence: header.low_confidence.includes(region),
      value,
    };
  }

  #words(vertex, frame) {
    const { header } = this;
    const reading = this.at(vertex, frame);
    const place = reading.region || "no named region";
    const isModelled = Number.isFinite(reading.value);
    const number = formatReading(reading.value, stepAt(header, reading.value));
    return {
      name: `${place} · ${reading.hemisphere}${reading.isLowConfidence ? " · low confidence" : ""}`,
      value: isModelled ? `≈ ${number} ${header.units}` : header.missing,
      when: header.n_frames > 1 ? `${header.row_kind === "seconds" ? "volume" : "picture"} ${frame + 1}` : "",
    };
  }

  hover(vertex, frame, x, y) {
    this.hovered = vertex;
    const { tip, stage } = this.parts;
    tip.hidden = vertex < 0 || x === null;
    if (tip.hidden) return;
    this.#writeTip(frame);
    const left = Math.min(x + 14, stage.clientWidth - tip.offsetWidth - 6);
    const top = y + 18 + tip.offsetHeight > stage.clientHeight ? y - tip.offsetHeight - 10 : y + 18;
    tip.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
  }

  pin(vertex, frame) {
    this.pinned = vertex;
    this.parts.pin.hidden = vertex < 0;
    if (vertex >= 0) this.#writePin(frame);
  }

  /** The nearest real frame changed. */
  refresh(frame) {
    if (this.hovered >= 0 && !this.parts.tip.hidden) this.#writeTip(frame);
    if (this.pinned >= 0) this.#writePin(frame);
  }

  #writeTip(frame) {
    const { name, value, when } = this.#words(this.hovered, frame);
    this.parts.tipName.textContent = name;
    this.parts.tipValue.textContent = value;
    this.parts.tipWhen.textContent = when;
  }

  #writePin(frame) {
    const { name, value } = this.#words(this.pinned, frame);
    this.parts.pinText.textContent = `${name} ${value}`;
  }
}
