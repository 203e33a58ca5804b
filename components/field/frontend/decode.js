// Reads the message packed by components/field/wire.py; the layout is described there.

const NAN_CODE = 255;

/** Typed views into `bytes` (a Uint8Array); nothing is copied but misaligned messages. */
export function decode(bytes) {
  // Typed arrays need 4-byte alignment, which a slice of a larger message may not have.
  const whole = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const view = new DataView(whole.buffer, whole.byteOffset, whole.byteLength);
  const magic = new TextDecoder().decode(whole.subarray(0, 4));
  if (magic !== "BCF1") throw new Error(`not a visual-field message: ${magic}`);
  const headerLength = view.getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(whole.subarray(8, 8 + headerLength)));
  const start = whole.byteOffset + 8 + headerLength;
  const n = header.n_fields;
  const at = header.sections;
  const floats = (offset) => new Float32Array(whole.buffer, start + offset, n);
  const octets = (offset, length) => new Uint8Array(whole.buffer, start + offset, length);
  return {
    header,
    x: floats(at.x_deg),
    y: floats(at.y_deg),
    size: at.size_deg === undefined ? null : floats(at.size_deg),
    area: octets(at.area, n),
    vertex: new Uint32Array(whole.buffer, start + at.vertex, n),
    values: octets(at.values, n * header.n_frames),
    lut: octets(header.lut, 768),
    jpeg: (picture) => new Blob([octets(picture.offset, picture.length)], { type: "image/jpeg" }),
  };
}

/**
 * Values of all places at a frame, into `out`. Between two predicted frames they are mixed as the
 * cortex mixes them; after the last comes the first.
 */
export function valuesAt(message, frame, out) {
  const { header, values } = message;
  const { n_fields: n, n_frames: nFrames, minimum, maximum } = header;
  const first = Math.min(Math.max(Math.floor(frame), 0), nFrames - 1);
  const mix = Math.min(Math.max(frame - first, 0), 1);
  const second = mix === 0 ? first : (first + 1) % nFrames;
  const step = (maximum - minimum) / 254;
  for (let i = 0; i < n; i++) {
    const here = values[first * n + i];
    const next = values[second * n + i];
    const isModelled = here !== NAN_CODE && next !== NAN_CODE;
    out[i] = isModelled ? minimum + step * (here + mix * (next - here)) : NaN;
  }
  return out;
}

/** Value of one place at a predicted frame. */
export function valueAt({ header, values }, row, place) {
  const code = values[row * header.n_fields + place];
  if (code === NAN_CODE) return NaN;
  return header.minimum + (code * (header.maximum - header.minimum)) / 254;
}
