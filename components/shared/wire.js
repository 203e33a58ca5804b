// One binary message from Python -> header and frames. Twin of components/brain/wire.py.

const NAN_CODE = 255;

/** Split a BCV1 message (Uint8Array) into its header and a view of its payload. */
export function decodeMessage(bytes) {
  const magic = String.fromCharCode(...bytes.subarray(0, 4));
  if (magic !== "BCV1") throw new Error(`Expected a BCV1 message; got "${magic}"`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  return { header, payload: bytes.subarray(8 + length) };
}

/** Values a frame holds: one a vertex, or one a parcel. */
export function frameLength(header) {
  return header.n_parcels ?? header.n_left + header.n_right;
}

/** Codes of all frames: Uint8Array (u8) or Uint16Array of raw halves (f16). */
export function frameCodes(header, payload) {
  const count = header.n_frames * frameLength(header);
  if (header.encoding === "u8") return payload.subarray(0, count);
  const isAligned = payload.byteOffset % 2 === 0;
  const bytes = isAligned ? payload : payload.slice(0, count * 2);
  return new Uint16Array(bytes.buffer, bytes.byteOffset, count);
}

/** Bytes of an optional section ({offset, length}) of the payload; null where absent. */
export function section(payload, place) {
  return place ? payload.subarray(place.offset, place.offset + place.length) : null;
}

/** IEEE half -> number. */
export function halfToNumber(half) {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** One value, as Python's decode_values gives it (in double precision); NaN = not modelled. */
export function decodeValue(header, codes, frame, index) {
  const code = codes[frame * frameLength(header) + index];
  if (header.encoding === "f16") return halfToNumber(code);
  if (code === NAN_CODE) return NaN;
  return header.minimum + code * ((header.maximum - header.minimum) / 254);
}

/** Column of a vertex in a frame: itself, or its parcel; -1 where it has none. */
export function columnOf(header, isRight, vertex, label) {
  if (header.kind !== "parcels") return isRight ? header.n_left + vertex : vertex;
  if (label === 0) return -1;
  return label - 1 + (isRight ? header.n_parcels_left : 0);
}

/** Distance between neighbouring codes: what a decoded reading is good for. */
export function stepAt(header, value) {
  if (header.encoding === "u8") return (header.maximum - header.minimum) / 254;
  return Math.max(2 ** -24, 2 ** (Math.floor(Math.log2(Math.abs(value) || 2 ** -14)) - 10));
}

/** A reading with no more digits than its step allows. */
export function formatReading(value, step) {
  if (!Number.isFinite(value)) return "not modelled";
  const decimals = Math.min(6, Math.max(0, Math.ceil(-Math.log10(step || 1))));
  return value.toFixed(decimals).replace("-", "−");
}

/** Base64 of 768 bytes -> colour table. */
export function decodeLut(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
