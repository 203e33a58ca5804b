// Frames on the graphics card. Changing frame moves attribute pointers or row numbers; nothing
// is uploaded.

import { createBuffer, createTexture } from "./gl.js";
import { ATTRIBUTE } from "./shaders.js";
import { frameCodes, frameLength } from "../../shared/wire.js";

const MISSING_HALF = 0xfbff; // -65504: NaN is not reliable inside shaders
const FAR = 1e30;

export class Values {
  constructor(gl, header, payload, stats) {
    this.gl = gl;
    this.header = header;
    this.codes = frameCodes(header, payload);
    this.length = frameLength(header);
    this.isParcels = header.kind === "parcels";
    this.isHalf = header.encoding === "f16";
    stats.uploads++;
    stats.valueUploads++;
    if (this.isParcels) this.#createTexture();
    else this.buffer = createBuffer(gl, gl.ARRAY_BUFFER, this.#stored());
    this.row = new Int32Array(4);
    this.decoding = this.#decoding();
  }

  /** What the card gets: codes as they are, or halves with NaN replaced by a sentinel. */
  #stored() {
    if (!this.isHalf) return this.codes;
    return this.codes.map((half) =>
      (half & 0x7c00) === 0x7c00 && half & 0x3ff ? MISSING_HALF : half,
    );
  }

  /** value = x + y * stored; missing outside [z, w]. */
  #decoding() {
    const { minimum, maximum } = this.header;
    if (this.isHalf) return Float32Array.of(0, 1, -65503, FAR);
    return Float32Array.of(minimum, ((maximum - minimum) * 255) / 254, -FAR, 254.5 / 255);
  }

  /** T x P texture; rows run on where one line of the texture is too short. */
  #createTexture() {
    const { gl, header } = this;
    const texels = header.n_frames * this.length;
    const limit = gl.getParameter(gl.MAX_TEXTURE_SIZE);
    const fits = this.length <= limit && header.n_frames <= limit;
    this.textureWidth = fits ? this.length : Math.min(limit, texels);
    const lines = Math.ceil(texels / this.textureWidth);
    const stored = this.#stored();
    const padded = new stored.constructor(this.textureWidth * lines);
    padded.set(stored);
    this.texture = createTexture(gl, gl.NEAREST);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    const [format, type] = this.isHalf ? [gl.R16F, gl.HALF_FLOAT] : [gl.R8, gl.UNSIGNED_BYTE];
    gl.texImage2D(
      gl.TEXTURE_2D, 0, format, this.textureWidth, lines, 0, gl.RED, type, padded,
    );
  }

  /** Point the bound vertex array of a hemisphere at frames a and b. */
  pointAt(surface, isRight, a, b) {
    const { frame } = surface;
    if (this.isParcels || (frame.values === this && frame.a === a && frame.b === b)) return;
    const { gl, length, isHalf } = this;
    const first = isRight ? this.header.n_left : 0;
    const type = isHalf ? gl.HALF_FLOAT : gl.UNSIGNED_BYTE;
    const size = isHalf ? 2 : 1;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    gl.vertexAttribPointer(ATTRIBUTE.valueA, 1, type, !isHalf, 0, (a * length + first) * size);
    gl.vertexAttribPointer(ATTRIBUTE.valueB, 1, type, !isHalf, 0, (b * length + first) * size);
    if (frame.values === null) {
      gl.enableVertexAttribArray(ATTRIBUTE.valueA);
      gl.enableVertexAttribArray(ATTRIBUTE.valueB);
    }
    frame.values = this;
    frame.a = a;
    frame.b = b;
  }

  /** First texels of frames a and b, of the hemisphere's parcels, and the texture's width. */
  rowOf(isRight, a, b) {
    this.row[0] = a * this.length;
    this.row[1] = b * this.length;
    this.row[2] = isRight ? this.header.n_parcels_left : 0;
    this.row[3] = this.textureWidth;
    return this.row;
  }

  release() {
    if (this.buffer) this.gl.deleteBuffer(this.buffer);
    if (this.texture) this.gl.deleteTexture(this.texture);
  }
}
