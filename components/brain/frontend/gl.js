// Thin helpers over WebGL2: programs with their uniforms, buffers, textures, render targets.

/** A WebGL2 context on the canvas, or null. Antialiasing is done in a target of our own. */
export function createContext(canvas) {
  return canvas.getContext("webgl2", {
    alpha: true,
    antialias: false,
    depth: true,
    premultipliedAlpha: true,
    preserveDrawingBuffer: false,
    powerPreference: "high-performance",
  });
}

/** Whether triangles are drawn by the processor: SwiftShader, llvmpipe, Windows' basic driver. */
export function isSoftwareRenderer(gl) {
  const extension = gl.getExtension("WEBGL_debug_renderer_info");
  const name = gl.getParameter(extension ? extension.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(String(name));
}

function compile(gl, type, source) {
  const shader = gl.createShader(type);
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  return shader;
}

/** Linked program with the locations of all its uniforms by name. */
export function createProgram(gl, vertexSource, fragmentSource) {
  const program = gl.createProgram();
  const shaders = [
    compile(gl, gl.VERTEX_SHADER, vertexSource), compile(gl, gl.FRAGMENT_SHADER, fragmentSource),
  ];
  for (const shader of shaders) gl.attachShader(program, shader);
  gl.linkProgram(program);
  // One question a program: each makes this thread wait for the graphics process.
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    const logs = [gl.getProgramInfoLog(program), ...shaders.map((one) => gl.getShaderInfoLog(one))];
    throw new Error(logs.filter(Boolean).join("\n") || "A shader program did not link.");
  }
  const uniforms = {};
  const count = gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS) ?? 0;
  for (let index = 0; index < count; index++) {
    const { name } = gl.getActiveUniform(program, index);
    uniforms[name] = gl.getUniformLocation(program, name);
  }
  return { program, uniforms };
}

/** Static buffer filled once. */
export function createBuffer(gl, target, data) {
  const buffer = gl.createBuffer();
  gl.bindBuffer(target, buffer);
  gl.bufferData(target, data, gl.STATIC_DRAW);
  return buffer;
}

/** Texture with clamped edges; `filter` is gl.LINEAR or gl.NEAREST. */
export function createTexture(gl, filter) {
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, filter);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, filter);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  return texture;
}

/** Off-screen colour and depth buffers, grown only when the size or sample count changes. */
export class RenderTarget {
  constructor(gl) {
    this.gl = gl;
    this.framebuffer = gl.createFramebuffer();
    this.color = gl.createRenderbuffer();
    this.depth = gl.createRenderbuffer();
    this.width = 0;
    this.height = 0;
    this.samples = -1;
  }

  /** Allocate (if needed) and bind. */
  bind(width, height, samples) {
    const { gl } = this;
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.framebuffer);
    if (width === this.width && height === this.height && samples === this.samples) return;
    Object.assign(this, { width, height, samples });
    this.#allocate(this.color, gl.RGBA8, gl.COLOR_ATTACHMENT0);
    this.#allocate(this.depth, gl.DEPTH_COMPONENT24, gl.DEPTH_ATTACHMENT);
  }

  #allocate(renderbuffer, format, attachment) {
    const { gl } = this;
    gl.bindRenderbuffer(gl.RENDERBUFFER, renderbuffer);
    gl.renderbufferStorageMultisample(
      gl.RENDERBUFFER, this.samples, format, this.width, this.height,
    );
    gl.framebufferRenderbuffer(gl.FRAMEBUFFER, attachment, gl.RENDERBUFFER, renderbuffer);
  }

  /** Copy the resolved colours to the canvas. */
  resolveToCanvas() {
    const { gl, width, height } = this;
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, this.framebuffer);
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, null);
    gl.blitFramebuffer(0, 0, width, height, 0, 0, width, height, gl.COLOR_BUFFER_BIT, gl.NEAREST);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  }
}
