// Everything the panel says in words; pure functions.

const TITLES = {
  picture: "What the model sees",
  both: "What the model sees, and the response",
  response: "Response over the visual field",
  whole: "Whole visual field, centre enlarged",
};

/** Heading of a mode. */
export function titleWords(mode) {
  return TITLES[mode];
}

/** A number with three digits and a true minus sign. */
export function digits(value) {
  return Number(value.toPrecision(3)).toString().replace("-", "−");
}

/** A decoded value, "≈", with the decimals its coding supports: as the cortex writes it. */
export function readingWords(header, value) {
  if (Number.isNaN(value)) return "not modelled";
  const step = (header.maximum - header.minimum) / 254;
  const decimals = Math.min(6, Math.max(0, Math.ceil(-Math.log10(step))));
  return `≈ ${value.toFixed(decimals).replace("-", "−")}`;
}

/** Degrees with the digits an eye can use. */
export function degreeWords(degrees) {
  return `${degrees.toFixed(Math.abs(degrees) < 10 ? 1 : 0)}°`;
}

/** "2.4° from fixation at 49°, upper right" */
export function placeWords(x, y) {
  const angle = Math.round((Math.atan2(y, x) * 180) / Math.PI);
  return `${degreeWords(Math.hypot(x, y))} from fixation at ${angle}°, ${quarterWords(x, y)}`;
}

function quarterWords(x, y) {
  // Within 10 degrees of a meridian the other word would only mislead.
  const vertical = Math.abs(y) < 0.18 * Math.abs(x) ? "" : y > 0 ? "upper" : "lower";
  const horizontal = Math.abs(x) < 0.18 * Math.abs(y) ? "" : x > 0 ? "right" : "left";
  return [vertical, horizontal].filter(Boolean).join(" ");
}

/** "0.4° right of and 1.2° above the picture's centre" */
export function fixationWords({ x, y }) {
  const parts = [];
  if (Math.abs(x) >= 0.05) parts.push(`${degreeWords(Math.abs(x))} ${x > 0 ? "right" : "left"} of`);
  if (Math.abs(y) >= 0.05) parts.push(`${degreeWords(Math.abs(y))} ${y > 0 ? "above" : "below"}`);
  return `${parts.length === 0 ? "on" : parts.join(" and ")} the picture's centre`;
}

/** What the panel tells while nothing is pointed at. */
export function hintWords(mode, isMovable) {
  if (mode === "picture") {
    const hint = isMovable ? " Drag it, or use the arrow keys." : "";
    return `The cross marks where the eyes rest.${hint}`;
  }
  return "A dot is one place on the cortex, drawn where it looks. Hollow: not modelled.";
}

/** Readout of one place: area, value, where it looks, how widely. */
export function dotWords(message, dot, value) {
  const { header, area, x, y, size } = message;
  const name = header.area_names[area[dot]];
  const doubt = header.low_confidence.includes(name) ? " (low confidence)" : "";
  const width = size !== null && size[dot] > 0 ? `, field radius ${size[dot].toFixed(1)}°` : "";
  return `${name}${doubt}: ${readingWords(header, value)}. ${placeWords(x[dot], y[dot])}${width}.`;
}

/** What a screen reader says of all dots: how many have a value, and each area's mean. */
export function summaryWords({ header, area }, values) {
  const sums = header.area_names.map(() => ({ total: 0, n: 0 }));
  values.forEach((value, i) => {
    if (Number.isNaN(value)) return;
    sums[area[i]].total += value;
    sums[area[i]].n += 1;
  });
  const n = sums.reduce((count, one) => count + one.n, 0);
  const means = sums.flatMap((one, k) =>
    one.n === 0 ? [] : [`${header.area_names[k]} ${readingWords(header, one.total / one.n)}`],
  );
  return (
    `${header.n_fields} receptive fields, ${n} with a value. ` +
    `Mean ${header.units}: ${means.join(", ") || "none"}. Arrow keys go from dot to dot.`
  );
}
