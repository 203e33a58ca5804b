// The colour bar: ramp, limits, zero, clip marks, what is hidden; plain HTML.

import { decodeLut, formatReading } from "./wire.js";

/** A number short enough for an axis. */
export function axisNumber(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(1).replace("-", "−");
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(size)) - 1);
  return formatReading(value, 10 ** -Math.min(decimals, 3));
}

export class Colorbar {
  constructor(parts) {
    this.parts = parts;
    this.lut = null;
  }

  setColormap(lut) {
    this.lut = lut;
    const context = this.parts.ramp.getContext("2d");
    const image = context.createImageData(256, 1);
    for (let i = 0; i < 256; i++) {
      for (let channel = 0; channel < 3; channel++) image.data[i * 4 + channel] = lut[i * 3 + channel];
      image.data[i * 4 + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }

  sync(header, state) {
    const { parts } = this;
    const { limit, threshold } = state;
    const low = header.is_signed ? -limit : 0;
    parts.low.textContent = axisNumber(low);
    parts.middle.textContent = header.is_signed ? "0" : axisNumber(limit / 2);
    parts.high.textContent = axisNumber(limit);
    parts.unit.textContent = header.units;
    parts.zero.hidden = !header.is_signed;
    parts.zero.style.left = "50%";
    parts.clipLow.style.visibility = header.minimum < low - 1e-9 ? "visible" : "hidden";
    parts.clipHigh.style.visibility = header.maximum > limit + 1e-9 ? "visible" : "hidden";
    parts.clipLow.title = parts.clipHigh.title = "Some values lie beyond the colour limit.";
    const share = Math.min(1, threshold / limit);
    parts.cover.hidden = share === 0;
    parts.cover.classList.toggle("bc-faded", state.fade);
    parts.cover.style.left = header.is_signed ? `${50 - 50 * share}%` : "0";
    parts.cover.style.width = `${100 * share}%`;
    parts.scale.setAttribute(
      "aria-label",
      `Colour scale from ${axisNumber(low)} to ${axisNumber(limit)} ${header.units}. Grey: not modelled.`,
    );
  }
}

/** Colour table of a named map of the header. */
export function lutOf(header, name) {
  const found = header.colormaps.find((one) => one.name === name) ?? header.colormaps[0];
  return decodeLut(found.lut);
}
