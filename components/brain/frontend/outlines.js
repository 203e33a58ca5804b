// Borders between regions as smooth line segments: pure.

const MIN_SEGMENTS = 10; // one stray vertex has 5 or 6, two have 8

/**
 * Segments between the middles of mesh edges whose ends have different labels.
 * outlineOf(label): places with different numbers have a border between them. Returns points as vertex triples (a midpoint
 * repeats one vertex by weight) and segments as pairs of points.
 */
export function traceBorders(faces, labels, outlineOf) {
  const index = new Map();
  const triples = [];
  const segments = [];
  const pointOf = (a, b, c) => {
    const key = `${a} ${b} ${c}`;
    let found = index.get(key);
    if (found === undefined) {
      found = triples.length / 3;
      index.set(key, found);
      triples.push(a, b, c);
    }
    return found;
  };
  const differ = (a, b) => outlineOf(labels[a]) !== outlineOf(labels[b]);
  const middle = (a, b) => (a < b ? pointOf(a, b, b) : pointOf(b, a, a));
  for (let i = 0; i < faces.length; i += 3) {
    const a = faces[i], b = faces[i + 1], c = faces[i + 2];
    if (labels[a] === labels[b] && labels[b] === labels[c]) continue;
    const ends = [];
    if (differ(a, b)) ends.push(middle(a, b));
    if (differ(b, c)) ends.push(middle(b, c));
    if (differ(c, a)) ends.push(middle(c, a));
    if (ends.length === 2) segments.push(ends[0], ends[1]);
    if (ends.length === 3) {
      const center = pointOf(a, b, c);
      for (const end of ends) segments.push(end, center);
    }
  }
  const drawn = withoutSpecks(segments, triples.length / 3);
  return { triples: Uint32Array.from(triples), segments: Uint32Array.from(drawn) };
}

/** Leave out borders around one or two stray vertices: they read as dirt. */
function withoutSpecks(segments, count) {
  const parent = Uint32Array.from({ length: count }, (_, i) => i);
  const find = (i) => {
    while (parent[i] !== i) i = parent[i] = parent[parent[i]];
    return i;
  };
  for (let i = 0; i < segments.length; i += 2) parent[find(segments[i])] = find(segments[i + 1]);
  const size = new Uint32Array(count);
  for (let i = 0; i < segments.length; i += 2) size[find(segments[i])]++;
  return segments.filter((point) => size[find(point)] >= MIN_SEGMENTS);
}

/** Start and end of each segment in mm (6 floats), pulled towards their neighbours' middle. */
export function placeBorders({ triples, segments }, place, passes = 3) {
  const count = triples.length / 3;
  let points = new Float32Array(count * 3);
  for (let i = 0; i < count; i++) {
    const [a, b, c] = [triples[i * 3], triples[i * 3 + 1], triples[i * 3 + 2]];
    const weights = b === c ? [1 / 2, 1 / 4, 1 / 4] : [1 / 3, 1 / 3, 1 / 3];
    for (let axis = 0; axis < 3; axis++) {
      const { steps } = place;
      const mean = weights[0] * steps[a * 3 + axis] + weights[1] * steps[b * 3 + axis]
        + weights[2] * steps[c * 3 + axis];
      points[i * 3 + axis] = place.origin[axis] + place.scale * mean;
    }
  }
  for (let pass = 0; pass < passes; pass++) points = smooth(points, segments);
  const out = new Float32Array(segments.length * 3);
  for (let i = 0; i < segments.length; i++) {
    for (let axis = 0; axis < 3; axis++) out[i * 3 + axis] = points[segments[i] * 3 + axis];
  }
  return out;
}

/** Move each point with exactly two neighbours half-way to their middle. */
function smooth(points, segments) {
  const sum = new Float32Array(points.length);
  const degree = new Uint16Array(points.length / 3);
  for (let i = 0; i < segments.length; i += 2) {
    const a = segments[i], b = segments[i + 1];
    degree[a]++;
    degree[b]++;
    for (let axis = 0; axis < 3; axis++) {
      sum[a * 3 + axis] += points[b * 3 + axis];
      sum[b * 3 + axis] += points[a * 3 + axis];
    }
  }
  const out = points.slice();
  for (let i = 0; i < degree.length; i++) {
    if (degree[i] !== 2) continue;
    for (let axis = 0; axis < 3; axis++) {
      out[i * 3 + axis] = points[i * 3 + axis] / 2 + sum[i * 3 + axis] / 4;
    }
  }
  return out;
}
