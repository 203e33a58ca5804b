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

/** A colour map as a CSS gradient; a second canvas would wait for the busy graphics process. */
export function gradientOf(lut, n = 64) {
  const stops = Array.from({ length: n }, (_, stop) => {
    const i = Math.round((stop * 255) / (n - 1)) * 3;
    return `rgb(${lut[i]} ${lut[i + 1]} ${lut[i + 2]})`;
  });
  return `linear-gradient(90deg, ${stops.join(", ")})`;
}

export class Colorbar {
  constructor(parts) {
    this.parts = parts;
    this.lut = null;
  }

  setColormap(lut) {
    this.lut = lut;
    this.parts.ramp.style.backgroundImage = gradientOf(lut);
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
      `Colour scale from ${axisNumber(low)} to ${axisNumber(limit)} ${header.units}. Grey: ${header.missing}.`,
    );
  }
}

/** Colour table of a named map of the header. */
export function lutOf(header, name) {
  const found = header.colormaps.find((one) => one.name === name) ?? header.colormaps[0];
  return decodeLut(found.lut);
}
