// Runs in every document (iframes too) before its own scripts: watches WebGL draws, so that
// "first paint" and "frame drawn" mean the same for every viewer.
//
// First paint: the first moment at which the drawing buffer of a canvas in the document, read
// back at the end of a task that drew at least MESH_VERTICES vertices as triangles, differs from
// its corner pixel in at least 2 % of its pixels. Reading back also waits for the rasteriser.
(() => {
  if (window.glProbe) return;
  const MESH_VERTICES = 3000;
  const COVERED = 0.02;
  const probe = (window.glProbe = { meshTasks: 0, painted: null, gl: null });
  let drawn = 0; // vertices of triangles, in this task

  /** Share of pixels that differ from the corner pixel of the default framebuffer. */
  probe.coverage = (gl) => {
    const [width, height] = [gl.drawingBufferWidth, gl.drawingBufferHeight];
    const pixels = new Uint8Array(width * height * 4);
    probe.read(gl, width, height, pixels);
    const words = new Uint32Array(pixels.buffer);
    let differing = 0;
    for (const word of words) if (word !== words[0]) differing++;
    return differing / words.length;
  };

  /** Read the default framebuffer, leaving the page's own bindings as they were. */
  probe.read = (gl, width, height, pixels) => {
    const isSecond = typeof WebGL2RenderingContext !== "undefined" && gl instanceof WebGL2RenderingContext;
    const target = isSecond ? gl.READ_FRAMEBUFFER : gl.FRAMEBUFFER;
    const framebuffer = gl.getParameter(isSecond ? gl.READ_FRAMEBUFFER_BINDING : gl.FRAMEBUFFER_BINDING);
    const buffer = isSecond ? gl.getParameter(gl.PIXEL_PACK_BUFFER_BINDING) : null;
    gl.bindFramebuffer(target, null);
    if (isSecond) gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    gl.bindFramebuffer(target, framebuffer);
    if (isSecond) gl.bindBuffer(gl.PIXEL_PACK_BUFFER, buffer);
  };

  /** Wait until everything drawn so far has been rasterised. */
  probe.finish = (gl) => probe.read(gl, 1, 1, new Uint8Array(4));

  /** Size and samples of the drawing buffer, in the words of a report. */
  probe.canvas = (gl) => {
    const framebuffer = gl.getParameter(gl.FRAMEBUFFER_BINDING);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    const samples = gl.getParameter(gl.SAMPLES);
    gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
    return { width: gl.drawingBufferWidth, height: gl.drawingBufferHeight, samples };
  };

  const endOfTask = (gl) => {
    const isMesh = drawn >= MESH_VERTICES;
    drawn = 0;
    if (!isMesh) return;
    probe.meshTasks++;
    probe.gl = gl;
    if (probe.painted !== null) return;
    const covered = probe.coverage(gl);
    if (covered < COVERED) return;
    probe.painted = performance.timeOrigin + performance.now();
    window.benchPainted?.({ at_ms: probe.painted, covered, ...probe.canvas(gl) });
  };

  const onDraw = (gl, mode, count) => {
    if (mode < gl.TRIANGLES || !gl.canvas.isConnected) return;
    if (drawn === 0) queueMicrotask(() => endOfTask(gl));
    drawn += count;
  };

  const countArgument = {
    drawArrays: 2, drawElements: 1, drawArraysInstanced: 2, drawElementsInstanced: 1, drawRangeElements: 3,
  };
  for (const name of ["WebGLRenderingContext", "WebGL2RenderingContext"]) {
    const prototype = window[name]?.prototype;
    if (!prototype) continue;
    for (const [method, position] of Object.entries(countArgument)) {
      const draw = prototype[method];
      if (!draw) continue;
      prototype[method] = function (...parameters) {
        draw.apply(this, parameters);
        onDraw(this, parameters[0], parameters[position]);
      };
    }
    const getExtension = prototype.getExtension;
    prototype.getExtension = function (wanted) {
      const extension = getExtension.call(this, wanted);
      if (extension && wanted === "WEBGL_multi_draw") watchMultiDraw(this, extension);
      return extension;
    };
  }

  /** Many runs of triangles in one call: the sum of their counts is what was drawn. */
  function watchMultiDraw(gl, extension) {
    if (Object.hasOwn(extension, "multiDrawElementsWEBGL")) return;
    const draw = extension.multiDrawElementsWEBGL;
    extension.multiDrawElementsWEBGL = function (mode, counts, first, type, offsets, start, runs) {
      draw.call(this, mode, counts, first, type, offsets, start, runs);
      let total = 0;
      for (let run = 0; run < runs; run++) total += counts[first + run];
      onDraw(gl, mode, total);
    };
  }
})();
