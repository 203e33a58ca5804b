// Readings of a vertex: its hemisphere, region and value.

import { Readings, whenWords } from "../../shared/readings.js";
import { columnOf, decodeValue, formatReading, stepAt } from "../../shared/wire.js";
import { namesOf } from "./mesh.js";

export class VertexReadings extends Readings {
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

  words(vertex, frame) {
    const { header } = this;
    const reading = this.at(vertex, frame);
    const place = reading.region || "no named region";
    const isModelled = Number.isFinite(reading.value);
    const number = formatReading(reading.value, stepAt(header, reading.value));
    return {
      name: `${place} · ${reading.hemisphere}${reading.isLowConfidence ? " · low confidence" : ""}`,
      value: isModelled ? `≈ ${number} ${header.units}` : header.missing,
      when: whenWords(header, frame),
    };
  }
}
