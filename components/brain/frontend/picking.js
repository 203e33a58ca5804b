// Which vertex is under the pointer. The ids of everything on the stage are drawn once a camera
// position (frames do not change them) and kept, so hovering costs the graphics card nothing.

import { project } from "./camera.js";
import { facesAround, isFlat, placeVertex } from "./mesh.js";

/** Four bytes of an id pixel -> {side, vertex}, or null for the background. */
export function decodeId(bytes, offset) {
  if (bytes[offset + 3] === 0) return null;
  const high = bytes[offset + 2];
  return {
    side: high >> 7,
    vertex: bytes[offset] | (bytes[offset + 1] << 8) | ((high & 127) << 16),
  };
}

/** Whether p is in the triangle a, b, c of the plane, borders included. */
export function isInside(px, py, a, b, c) {
  const one = (b[0] - a[0]) * (py - a[1]) - (b[1] - a[1]) * (px - a[0]);
  const two = (c[0] - b[0]) * (py - b[1]) - (c[1] - b[1]) * (px - b[0]);
  const three = (a[0] - c[0]) * (py - c[1]) - (a[1] - c[1]) * (px - c[0]);
  return (one >= 0 && two >= 0 && three >= 0) || (one <= 0 && two <= 0 && three <= 0);
}

export class Picker {
  constructor(renderer) {
    this.renderer = renderer;
    this.ids = null;
    this.width = 0;
    this.height = 0;
    this.isPending = false;
    this.around = new Map();
  }

  /** Camera, layout, shape or size changed. */
  invalidate() {
    this.ids = null;
    this.version = (this.version ?? 0) + 1;
  }

  /** Read ids now; waits for the graphics card. */
  readNow(panels, width, height) {
    const { gl } = this.renderer;
    this.#allocate(width, height);
    this.renderer.drawIds(panels, this.width, this.height);
    const ids = new Uint8Array(this.width * this.height * 4);
    gl.readPixels(0, 0, this.width, this.height, gl.RGBA, gl.UNSIGNED_BYTE, ids);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    this.ids = ids;
  }

  /** Read ids without waiting; calls `ready` when they are there. */
  readSoon(panels, width, height, ready) {
    if (this.isPending) return;
    const { gl } = this.renderer;
    this.isPending = true;
    const version = this.version;
    this.#allocate(width, height);
    this.renderer.drawIds(panels, this.width, this.height);
    const size = this.width * this.height * 4;
    const buffer = gl.createBuffer();
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, buffer);
    gl.bufferData(gl.PIXEL_PACK_BUFFER, size, gl.STREAM_READ);
    gl.readPixels(0, 0, this.width, this.height, gl.RGBA, gl.UNSIGNED_BYTE, 0);
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    const fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    const poll = () => {
      if (gl.isContextLost()) {
        this.isPending = false;
        return;
      }
      if (gl.clientWaitSync(fence, 0, 0) === gl.TIMEOUT_EXPIRED) {
        setTimeout(poll, 8);
        return;
      }
      this.isPending = false;
      gl.deleteSync(fence);
      const ids = new Uint8Array(size);
      gl.bindBuffer(gl.PIXEL_PACK_BUFFER, buffer);
      gl.getBufferSubData(gl.PIXEL_PACK_BUFFER, 0, ids);
      gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
      gl.deleteBuffer(buffer);
      if (version === this.version) this.ids = ids;
      ready();
    };
    setTimeout(poll, 4);
  }

  #allocate(width, height) {
    this.width = Math.max(1, Math.round(width));
    this.height = Math.max(1, Math.round(height));
  }

  /** {side, vertex, panel} nearest to a stage position among the triangle under it; or null. */
  locate(panels, x, y) {
    const column = Math.floor(x);
    const row = this.height - 1 - Math.floor(y);
    if (!this.ids || column < 0 || row < 0 || column >= this.width || row >= this.height) return null;
    const hit = decodeId(this.ids, (row * this.width + column) * 4);
    const panel = panels.find(
      (one) => x >= one.left && x < one.left + one.width && y >= one.top && y < one.top + one.height,
    );
    if (!hit || !panel) return null;
    return { side: hit.side, vertex: this.#nearest(hit, panel, x - panel.left, y - panel.top), panel };
  }

  /** Nearest on the screen of the three corners of the front triangle around the hit vertex. */
  #nearest({ side, vertex }, panel, x, y) {
    const { hemisphere } = this.renderer.surfaces[side];
    const flat = isFlat(panel.from) || isFlat(panel.to);
    const faces = flat ? hemisphere.flatFaces : hemisphere.faces;
    const key = `${side} ${flat}`;
    if (!this.around.has(key)) this.around.set(key, facesAround(faces, hemisphere.nVertices));
    const { start, list } = this.around.get(key);
    let best = vertex;
    let bestDepth = Infinity;
    for (let i = start[vertex]; i < start[vertex + 1]; i++) {
      const corners = [0, 1, 2].map((k) => faces[list[i] * 3 + k]);
      const at = corners.map((corner) => this.#onScreen(hemisphere, panel, corner));
      const depth = (at[0][2] + at[1][2] + at[2][2]) / 3;
      if (depth >= bestDepth || !isInside(x, y, ...at)) continue;
      bestDepth = depth;
      const distances = at.map((p) => Math.hypot(p[0] - x, p[1] - y));
      best = corners[distances.indexOf(Math.min(...distances))];
    }
    return best;
  }

  #onScreen(hemisphere, panel, vertex) {
    const point = placeVertex([0, 0, 0], hemisphere, panel.from, panel.to, panel.mixing, vertex);
    return project([0, 0, 0], panel.matrix, point, panel.width, panel.height);
  }

  /** Stage position of a vertex in a panel: [x, y, depth]. */
  stagePosition(panel, side, vertex) {
    const at = this.#onScreen(this.renderer.surfaces[side].hemisphere, panel, vertex);
    return [at[0] + panel.left, at[1] + panel.top, at[2]];
  }
}
