// Draws panels with one context: surfaces, region outlines, markers; and the id pass for picking.

import { createContext, createProgram, createTexture, isSoftwareRenderer, RenderTarget } from "./gl.js";
import { visibleRuns } from "./clusters.js";
import * as shaders from "./shaders.js";
import { HemisphereSurface } from "./surfaces.js";
import { Values } from "./values.js";

const OUTLINE_LIFT = 0.004; // of the depth range (500 mm): 2 mm
const MARKER_LIFT = 0.012;
const FADE_PX = 28;
const LAMP = [0.24, 0.36, 0.90]; // direction to it: right, up, towards the viewer
const LAST_COLOR = 255; // of the colour map

export class Renderer {
  constructor(canvas, stats) {
    this.canvas = canvas;
    this.stats = stats;
    this.gl = createContext(canvas);
    if (!this.gl) throw new Error("WebGL2 is not available.");
    this.isSoftware = isSoftwareRenderer(this.gl);
    this.surfaces = [];
    this.values = null;
    this.#createResources();
  }

  #createResources() {
    const { gl } = this;
    const { surfaceFragment, surfaceVertex } = shaders;
    this.programs = new Map();
    const program = (key, vertex, fragment) => { // built when first drawn with
      if (!this.programs.has(key)) this.programs.set(key, createProgram(gl, vertex, fragment));
      return this.programs.get(key);
    };
    this.surfacePrograms = [];
    this.surfaceProgram = (isParcels, isMorphing, hasThreshold, isFading) => {
      const key = isParcels | (isMorphing << 1) | (hasThreshold << 2) | (isFading << 3);
      return (this.surfacePrograms[key] ??= createProgram(
        gl, surfaceVertex({ isParcels, isMorphing }), surfaceFragment({ hasThreshold, isFading }),
      ));
    };
    this.idProgram = () => program("ids", shaders.idVertex, shaders.idFragment);
    this.outlineProgram = () => program("outlines", shaders.outlineVertex, shaders.outlineFragment);
    this.markerProgram = () => program("markers", shaders.markerVertex, shaders.markerFragment);
    this.lut = createTexture(gl, gl.NEAREST);
    this.multiDraw = gl.getExtension("WEBGL_multi_draw");
    this.lamp = new Float32Array(3);
    this.runs = { starts: [], counts: [], length: 0 };
    this.antialiased = new RenderTarget(gl);
    this.idTarget = new RenderTarget(gl);
  }

  /** After webglcontextrestored: everything on the card is gone. */
  restore() {
    this.surfaces = [];
    this.values = null;
    this.#createResources();
  }

  setMesh(mesh, atlas, outlineOf) {
    this.surfaces = mesh.hemispheres.map(
      (hemisphere) => new HemisphereSurface(this.gl, hemisphere, atlas, outlineOf, this.stats),
    );
  }

  setValues(header, payload) {
    this.values?.release();
    this.values = new Values(this.gl, header, payload, this.stats);
  }

  setColormap(lut) {
    const { gl } = this;
    gl.bindTexture(gl.TEXTURE_2D, this.lut);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB, 256, 1, 0, gl.RGB, gl.UNSIGNED_BYTE, lut);
  }

  /** Draw all panels. size: css width and height, dpr, samples; time: a, b, between. */
  draw(panels, time, style, size) {
    const { gl, canvas } = this;
    const width = Math.max(1, Math.round(size.width * size.dpr));
    const height = Math.max(1, Math.round(size.height * size.dpr));
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    if (size.samples > 0) this.antialiased.bind(width, height, size.samples);
    else gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    gl.depthFunc(gl.LEQUAL);
    this.#drawSurfaces(panels, time, style, size.dpr, height);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.disable(gl.CULL_FACE);
    gl.depthMask(false);
    if (style.outlines > 0) this.#drawOutlines(panels, style, size.dpr, height);
    this.#drawMarkers(panels, style, size.dpr, height);
    gl.depthMask(true);
    gl.disable(gl.BLEND);
    gl.bindVertexArray(null);
    if (size.samples > 0) this.antialiased.resolveToCanvas();
    this.stats.draws++;
  }

  #viewport(panel, scale, height) {
    const bottom = height - Math.round((panel.top + panel.height) * scale);
    const left = Math.round(panel.left * scale);
    this.gl.viewport(left, bottom, Math.round(panel.width * scale), Math.round(panel.height * scale));
  }

  /** Cropped panels fade at their borders. */
  #window(uniforms, panel, dpr, height) {
    const { gl } = this;
    gl.uniform4f(
      uniforms.window, (panel.left + panel.width / 2) * dpr,
      height - (panel.top + panel.height / 2) * dpr, (panel.width / 2) * dpr, (panel.height / 2) * dpr,
    );
    gl.uniform1f(uniforms.softness, panel.end.isFocused ? FADE_PX * dpr : 0);
  }

  /** Direction to the lamp, turned back into the space of the normals. */
  #lampIn(turn) {
    for (let axis = 0; axis < 3; axis++) {
      this.lamp[axis] = turn[axis * 3] * LAMP[0] + turn[axis * 3 + 1] * LAMP[1] + turn[axis * 3 + 2] * LAMP[2];
    }
    return this.lamp;
  }

  #cull(surface) {
    const { gl } = this;
    if (surface.isFlat) gl.disable(gl.CULL_FACE);
    else gl.enable(gl.CULL_FACE);
  }

  #drawSurfaces(panels, time, style, dpr, height) {
    const { gl, values } = this;
    gl.activeTexture(gl.TEXTURE1);
    if (values.isParcels) gl.bindTexture(gl.TEXTURE_2D, values.texture);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.lut);
    const hasThreshold = style.threshold > 0;
    let current = null;
    for (const panel of panels) {
      const isMorphing = panel.from !== panel.to && panel.mixing < 1;
      const from = isMorphing ? panel.from : panel.to;
      const isFading = panel.end.isFocused;
      const used = this.surfaceProgram(values.isParcels, isMorphing, hasThreshold, isFading);
      const { uniforms } = used;
      if (used !== current) this.#styleSurfaces((current = used), time, style);
      this.#viewport(panel, dpr, height);
      gl.uniformMatrix4fv(uniforms.camera, false, panel.matrix);
      gl.uniform3fv(uniforms.lamp, this.#lampIn(panel.turn));
      gl.uniform1f(uniforms.mixing ?? null, panel.mixing);
      if (isFading) this.#window(uniforms, panel, dpr, height);
      for (const side of panel.hemispheres) {
        const surface = this.surfaces[side].surface(from, panel.to);
        this.#cull(surface);
        gl.bindVertexArray(surface.array);
        values.pointAt(surface, side === 1, time.a, time.b);
        if (values.isParcels) gl.uniform4iv(uniforms.row, values.rowOf(side === 1, time.a, time.b));
        gl.uniform4fv(uniforms.placeA, surface.placeA);
        gl.uniform4fv(uniforms.placeB ?? null, surface.placeB);
        this.#drawFaces(panel, side, surface);
      }
    }
  }

  /** Only the neighbourhoods that can be seen; found anew when the camera moves. */
  #drawFaces(panel, side, surface) {
    const { gl, multiDraw } = this;
    if (!surface.bounds) {
      gl.drawElements(gl.TRIANGLES, surface.count, surface.indexType, 0);
      return;
    }
    const drawn = this.#visible(panel, side, surface);
    if (multiDraw) {
      multiDraw.multiDrawElementsWEBGL(
        gl.TRIANGLES, drawn.indices, 0, surface.indexType, drawn.offsets, 0, drawn.length,
      );
      return;
    }
    for (let run = 0; run < drawn.length; run++) {
      gl.drawElements(gl.TRIANGLES, drawn.indices[run], surface.indexType, drawn.offsets[run]);
    }
  }

  #visible(panel, side, surface) {
    const found = panel.visible[side];
    if (found?.surface === surface && found.version === panel.version) return found;
    const { runs } = this;
    const toward = surface.isFlat ? null : [panel.turn[2], panel.turn[5], panel.turn[8]];
    visibleRuns(surface.bounds, surface.count / 3, panel.matrix, toward, runs);
    const drawn = {
      surface,
      version: panel.version,
      length: runs.length,
      indices: Int32Array.from(runs.counts.slice(0, runs.length), (faces) => faces * 3),
      offsets: Int32Array.from(runs.starts.slice(0, runs.length), (face) => face * 3 * surface.indexBytes),
    };
    panel.visible[side] = drawn;
    return drawn;
  }

  /** Uniforms that all panels share. */
  #styleSurfaces({ program, uniforms }, time, style) {
    const { gl, values } = this;
    gl.useProgram(program);
    gl.uniform1i(uniforms.lut, 0);
    gl.uniform1i(uniforms.values ?? null, 1);
    gl.uniform4fv(uniforms.decoding, values.decoding);
    gl.uniform1f(uniforms.between, time.between);
    gl.uniform2f(uniforms.scaling, style.scaleFrom * LAST_COLOR, style.scaleBy * LAST_COLOR);
    gl.uniform3f(
      uniforms.threshold ?? null, style.threshold, style.isSigned ? 1 : 0, style.fade ? 1 : 0,
    );
    gl.uniform1f(uniforms.underlay, style.underlay);
  }

  #drawOutlines(panels, style, dpr, height) {
    const { gl } = this;
    const { program, uniforms } = this.outlineProgram();
    gl.useProgram(program);
    gl.uniform4f(uniforms.ink, style.ink[0], style.ink[1], style.ink[2], style.outlines);
    for (const panel of panels) {
      this.#viewport(panel, dpr, height);
      gl.uniformMatrix4fv(uniforms.camera, false, panel.matrix);
      gl.uniform1f(uniforms.mixing, panel.mixing);
      this.#window(uniforms, panel, dpr, height);
      gl.uniform4f(
        uniforms.ribbon, panel.width * dpr, panel.height * dpr,
        Math.max(0.5, panel.lineWidth * 0.5 * dpr), OUTLINE_LIFT,
      );
      for (const side of panel.hemispheres) {
        const outline = this.surfaces[side].outline(panel.from, panel.to);
        if (!outline || outline.count === 0) continue;
        gl.bindVertexArray(outline.array);
        gl.drawElements(gl.TRIANGLES, outline.count, gl.UNSIGNED_INT, 0);
      }
    }
  }

  #drawMarkers(panels, style, dpr, height) {
    if (style.pinned < 0 && style.hovered < 0) return;
    const { gl } = this;
    gl.useProgram(this.markerProgram().program);
    for (const panel of panels) {
      this.#viewport(panel, dpr, height);
      if (style.hovered >= 0 && style.hovered !== style.pinned) {
        this.#drawMarker(panel, style.hovered, 11 * dpr, 0.85);
      }
      if (style.pinned >= 0) this.#drawMarker(panel, style.pinned, 17 * dpr, 1);
    }
  }

  #drawMarker(panel, vertex, diameter, alpha) {
    const { gl, surfaces } = this;
    const { uniforms } = this.markerProgram();
    const nLeft = surfaces[0].hemisphere.nVertices;
    const side = vertex < nLeft ? 0 : 1;
    if (!panel.hemispheres.includes(side)) return;
    const surface = surfaces[side].surface(panel.from, panel.to);
    gl.uniformMatrix4fv(uniforms.camera, false, panel.matrix);
    gl.uniform1f(uniforms.mixing, panel.mixing);
    gl.uniform4fv(uniforms.placeA, surface.placeA);
    gl.uniform4fv(uniforms.placeB, surface.placeB);
    gl.uniform2f(uniforms.dot, diameter, MARKER_LIFT);
    gl.uniform4f(uniforms.ink, 1, 1, 1, alpha);
    gl.bindVertexArray(surface.array);
    gl.drawArrays(gl.POINTS, side === 0 ? vertex : vertex - nLeft, 1);
  }

  /** Draw vertex ids at one pixel a CSS pixel; leaves the id target bound for reading. */
  drawIds(panels, width, height) {
    const { gl } = this;
    const { program, uniforms } = this.idProgram();
    this.idTarget.bind(width, height, 0);
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    gl.useProgram(program);
    for (const panel of panels) {
      this.#viewport(panel, 1, height);
      gl.uniformMatrix4fv(uniforms.camera, false, panel.matrix);
      gl.uniform1f(uniforms.mixing, panel.mixing);
      for (const side of panel.hemispheres) {
        const surface = this.surfaces[side].surface(panel.from, panel.to);
        this.#cull(surface);
        gl.bindVertexArray(surface.array);
        gl.uniform4fv(uniforms.placeA, surface.placeA);
        gl.uniform4fv(uniforms.placeB, surface.placeB);
        gl.uniform1i(uniforms.hemisphere, side);
        gl.drawElements(gl.TRIANGLES, surface.count, surface.indexType, 0);
      }
    }
    gl.bindVertexArray(null);
  }

  release() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}
