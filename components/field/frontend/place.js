// Where degrees of the visual field lie on the square canvas.
//
// Two scales. "Picture": linear and still, the picture's centre in the middle, the fixation point
// wherever the cross is. "Whole field": fixation in the middle, distance from it logarithmic, as
// the cortex itself magnifies, so that the far periphery fits.

/** Horton & Hoyt (1991): eccentricity at which the cortex's magnification has halved. */
const FOVEAL_DEG = 0.75;
const RINGS_DEG = [0.5, 1, 2, 4, 8, 16, 32, 64];
/** Rings lie at least this part of the canvas apart, so that their labels do. */
const CLOSEST_RINGS = 1 / 16;

/** Linear scale: `half` degrees from the middle to an edge; `fixation` from the middle, degrees. */
export function linearScale(edge, half, fixation) {
  const perDegree = edge / 2 / half;
  const x0 = edge / 2 + fixation.x * perDegree;
  const y0 = edge / 2 - fixation.y * perDegree;
  return {
    edge,
    isLinear: true,
    middle: { x: x0, y: y0 },
    radius: (degrees) => degrees * perDegree,
    toX: (x) => x0 + x * perDegree,
    toY: (x, y) => y0 - y * perDegree,
    /** From pixels to degrees from the picture's centre. */
    fromPixels: (px, py) => ({ x: (px - edge / 2) / perDegree, y: (edge / 2 - py) / perDegree }),
  };
}

/** Logarithmic scale about fixation, out to `farthest` degrees. */
export function wholeFieldScale(edge, farthest) {
  const outer = edge / 2 - 10;
  const unit = outer / Math.log1p(farthest / FOVEAL_DEG);
  const radius = (degrees) => unit * Math.log1p(degrees / FOVEAL_DEG);
  const stretch = (x, y) => {
    const eccentricity = Math.hypot(x, y);
    return eccentricity === 0 ? 0 : radius(eccentricity) / eccentricity;
  };
  return {
    edge,
    isLinear: false,
    middle: { x: edge / 2, y: edge / 2 },
    radius,
    toX: (x, y) => edge / 2 + x * stretch(x, y),
    toY: (x, y) => edge / 2 - y * stretch(x, y),
  };
}

/** Eccentricities of the rings that can be told apart on this scale. */
export function ringsOf(scale) {
  const farthestCorner = scale.edge / 2 + Math.max(
    Math.abs(scale.middle.x - scale.edge / 2),
    Math.abs(scale.middle.y - scale.edge / 2),
  );
  let last = 0;
  return RINGS_DEG.filter((degrees) => {
    const radius = scale.radius(degrees);
    if (radius - last < CLOSEST_RINGS * scale.edge || radius > farthestCorner) return false;
    last = radius;
    return true;
  });
}

/** Corners of a circle or rectangle in degrees, drawn through a scale that may bend it. */
export function tracePath(context, scale, points) {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(scale.toX(x, y), scale.toY(x, y));
  context.closePath();
}

/** Points of a circle in degrees. */
export function circlePoints(x, y, radius, count = 64) {
  return Array.from({ length: count }, (_, k) => {
    const angle = (2 * Math.PI * k) / count;
    return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
  });
}

/** Points along a rectangle's edges in degrees: left, right, bottom, top. */
export function rectanglePoints([left, right, bottom, top], count = 16) {
  const corners = [[left, bottom], [right, bottom], [right, top], [left, top]];
  return corners.flatMap(([x, y], k) => {
    const [nextX, nextY] = corners[(k + 1) % 4];
    return Array.from({ length: count }, (_, step) => {
      const part = step / count;
      return [x + part * (nextX - x), y + part * (nextY - y)];
    });
  });
}

/** The response's fixation point from the picture's centre, {x, y} degrees. */
export function fixationOf({ previews }) {
  if (previews.length === 0) return { x: 0, y: 0 };
  const [left, right, bottom, top] = previews[0].picture_deg;
  return { x: 0 - (left + right) / 2, y: 0 - (bottom + top) / 2 };
}

/** Edges (left, right, bottom, top) seen from `to` when they were measured from `from`. */
export function shifted([left, right, bottom, top], from, to) {
  const dx = from.x - to.x;
  const dy = from.y - to.y;
  return [left + dx, right + dx, bottom + dy, top + dy];
}

/** Degrees from the middle to an edge of the panel, so that pictures and fixation point fit. */
export function findHalf({ header, x, y, values }) {
  const { previews, n_fields: n } = header;
  const fixation = fixationOf(header);
  let half = Math.max(Math.abs(fixation.x), Math.abs(fixation.y)) * 1.1;
  for (const { extent_deg: extent } of previews) {
    const edges = shifted(extent, fixation, { x: 0, y: 0 });
    half = Math.max(half, ...edges.map(Math.abs));
  }
  if (previews.length > 0) return half;
  // Without a picture: all places that have a value somewhere.
  const reach = (i) => Math.max(Math.abs(x[i]), Math.abs(y[i])) * 1.05;
  values.forEach((code, k) => {
    if (code !== 255) half = Math.max(half, reach(k % n));
  });
  return half || Math.max(1, ...Array.from(x, (_, i) => reach(i)));
}
