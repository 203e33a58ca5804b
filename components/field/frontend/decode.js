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

/** Values of all places at a frame (a float: in between, mixed as the cortex does), into `out`. */
export function valuesAt(message, frame, out) {
  const { header, values } = message;
  const n = header.n_fields;
  const first = Math.min(Math.max(Math.floor(frame), 0), header.n_frames - 1);
  const second = Math.min(first + 1, header.n_frames - 1);
  const mix = Math.min(Math.max(frame - first, 0), 1);
  const step = (header.maximum - header.minimum) / 254;
  const a = first * n;
  const b = second * n;
  for (let i = 0; i < n; i++) {
    const here = values[a + i];
    const next = mix === 0 ? here : values[b + i];
    out[i] =
      here === NAN_CODE || next === NAN_CODE
        ? NaN
        : header.minimum + step * (here + mix * (next - here));
  }
  return out;
}
