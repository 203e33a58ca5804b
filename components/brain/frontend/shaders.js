// All GLSL. The surface, its outlines, its markers and the id pass share the placing of a vertex.

/** Attribute locations, the same in every program. */
export const ATTRIBUTE = {
  positionA: 0, positionB: 1, normalA: 2, normalB: 3, anatomy: 4, parcel: 5, valueA: 6, valueB: 7,
};

const PLACE = `
uniform mat4 camera;            // display millimetres -> clip space of the panel
uniform vec4 placeA, placeB;    // origin (mm) and millimetres a step of either shape
uniform float mixing;           // 0 = shape A, 1 = shape B
vec3 place(vec3 a, vec3 b) {
  return mix(placeA.xyz + placeA.w * a, placeB.xyz + placeB.w * b, mixing);
}
`;

const VALUE = `
uniform vec4 decoding;          // value = x + y * stored; missing where stored < z or > w
vec2 decode(float stored) {     // (value, 1), or (0, 0) where not modelled
  float modelled = step(decoding.z, stored) * step(stored, decoding.w);
  return vec2((decoding.x + decoding.y * stored) * modelled, modelled);
}
`;

const FADE = `
uniform vec4 window;            // middle and half size of the panel (px of the canvas)
uniform float softness;         // px over which a cropped panel fades at its border; 0 = none
float kept() {
  vec2 inside = window.zw - abs(gl_FragCoord.xy - window.xy);
  return softness > 0.0 ? smoothstep(0.0, softness, min(inside.x, inside.y)) : 1.0;
}
`;

/**
 * Surface. `isParcels` reads a texture by parcel instead of attributes by vertex; `isMorphing`
 * is off while one shape stands still, which spares half of the fetching. Light is worked out by
 * vertex: a triangle covers a few pixels.
 */
export const surfaceVertex = ({ isParcels, isMorphing }) => `#version 300 es
precision highp float;
layout(location=${ATTRIBUTE.positionA}) in vec3 positionA;
layout(location=${ATTRIBUTE.normalA}) in vec3 normalA;
${isMorphing ? `
layout(location=${ATTRIBUTE.positionB}) in vec3 positionB;
layout(location=${ATTRIBUTE.normalB}) in vec3 normalB;` : ""}
layout(location=${ATTRIBUTE.anatomy}) in vec2 anatomy;   // sulcal depth 0..1, medial wall 0 or 1
${isParcels ? `
layout(location=${ATTRIBUTE.parcel}) in float parcel;    // 0 = none
uniform highp sampler2D values;
uniform ivec4 row;              // first texel of frame A, of frame B, of this hemisphere; width
float stored(int first) {
  int texel = first + row.z + int(parcel) - 1;
  return texelFetch(values, ivec2(texel % row.w, texel / row.w), 0).r;
}` : `
layout(location=${ATTRIBUTE.valueA}) in float valueA;
layout(location=${ATTRIBUTE.valueB}) in float valueB;`}
uniform vec3 lamp;              // direction to the lamp, in the space of the normals
uniform float between;          // 0 = frame A, 1 = frame B
${isMorphing ? PLACE : `
uniform mat4 camera;
uniform vec4 placeA;`}
${VALUE}
out vec4 shading;               // value times coverage, coverage: borders of NaN do not bleed;
                                // sulcal depth, 0 on the medial wall; cosine to the lamp
void main() {
${isMorphing ? `
  gl_Position = camera * vec4(place(positionA, positionB), 1.0);
  shading.w = dot(lamp, normalize(mix(normalA, normalB, mixing)));` : `
  gl_Position = camera * vec4(placeA.xyz + placeA.w * positionA, 1.0);
  shading.w = dot(lamp, normalA);`}
  shading.z = anatomy.x * (1.0 - anatomy.y);
${isParcels ? `
  shading.xy = parcel < 0.5 ? vec2(0.0) : mix(decode(stored(row.x)), decode(stored(row.y)), between);` : `
  shading.xy = mix(decode(valueA), decode(valueB), between);`}
}`;

/**
 * Colour of a surface. Software drivers run both sides of every `if`, so what is switched off is
 * left out: `hasThreshold`, `isFading` (at the border of a cropped panel).
 */
export const surfaceFragment = ({ hasThreshold, isFading }) => `#version 300 es
precision highp float;
in vec4 shading;
uniform highp sampler2D lut;
uniform vec2 scaling;           // row of the colour map = x + y * value
uniform float underlay;         // strength of the folds
${hasThreshold ? "uniform vec3 threshold;         // size, 1 = by magnitude, 1 = fade instead of hide" : ""}
${isFading ? FADE : ""}
out vec4 color;

const vec3 HIDDEN_GYRUS = vec3(0.80, 0.79, 0.77);
const vec3 HIDDEN_SULCUS = vec3(0.58, 0.57, 0.56);
const vec3 NOT_MODELLED = vec3(0.475, 0.505, 0.555);
const vec3 NOT_MODELLED_SULCUS = vec3(0.355, 0.385, 0.435);

void main() {
  float sulcus = smoothstep(0.46, 0.54, shading.z) * underlay;
  float coverage = shading.y;
  float amount = shading.x / max(coverage, 0.001);
  float entry = clamp(scaling.x + scaling.y * amount, 0.0, 255.0);
  vec3 data = texelFetch(lut, ivec2(int(entry + 0.5), 0), 0).rgb * (1.0 - 0.10 * sulcus);
  float rim = max(fwidth(coverage), 1e-4);
  float shown = clamp((coverage - 0.5) / rim + 0.5, 0.0, 1.0);
  vec3 base = mix(NOT_MODELLED, NOT_MODELLED_SULCUS, sulcus);
${hasThreshold ? `
  float size = mix(amount, abs(amount), threshold.y);
  float hide = smoothstep(-0.5, 0.5, (size - threshold.x) / max(fwidth(size), 1e-12));
  float fade = clamp(size / threshold.x, 0.0, 1.0);
  base = mix(base, mix(HIDDEN_GYRUS, HIDDEN_SULCUS, sulcus), shown);
  shown *= mix(hide, fade * fade, threshold.z);` : ""}
  base = mix(base, data, shown);

  // A soft lamp beside the viewer: shape is read from the grey, the data keep their colour.
  float lit = clamp(gl_FrontFacing ? shading.w : -shading.w, 0.0, 1.0);
  float depth = 0.42 - 0.20 * shown;
  float light = 1.0 - depth * (1.0 - lit * lit) + 0.05 * lit;
  color = vec4(base * light, 1.0)${isFading ? " * kept()" : ""};
}`;

/** Id of the triangle's provoking vertex; the hemisphere is the top bit of the third byte. */
export const idVertex = `#version 300 es
precision highp float;
layout(location=${ATTRIBUTE.positionA}) in vec3 positionA;
layout(location=${ATTRIBUTE.positionB}) in vec3 positionB;
${PLACE}
flat out int id;
void main() {
  id = gl_VertexID;
  gl_Position = camera * vec4(place(positionA, positionB), 1.0);
}`;

export const idFragment = `#version 300 es
precision highp float;
flat in int id;
uniform int hemisphere;
out vec4 color;
void main() {
  int high = ((id >> 16) & 127) | (hemisphere << 7);
  color = vec4(float(id & 255), float((id >> 8) & 255), float(high), 255.0) / 255.0;
}`;

/** Segments of region borders as ribbons of constant width on the screen. */
export const outlineVertex = `#version 300 es
precision highp float;
layout(location=0) in vec3 startA;
layout(location=1) in vec3 endA;
layout(location=2) in vec3 startB;
layout(location=3) in vec3 endB;
uniform mat4 camera;
uniform float mixing;
uniform vec4 ribbon;            // panel size (px), half width (px), lift towards the viewer
out float across;
void main() {
  vec4 a = camera * vec4(mix(startA, startB, mixing), 1.0);
  vec4 b = camera * vec4(mix(endA, endB, mixing), 1.0);
  vec2 along = (b.xy - a.xy) * ribbon.xy;
  along = along / max(length(along), 1e-6);
  bool isEnd = (gl_VertexID & 1) == 1;
  float side = (gl_VertexID & 2) == 2 ? 1.0 : -1.0;
  float reach = ribbon.z + 1.0;
  vec2 offset = vec2(-along.y, along.x) * side * reach + along * (isEnd ? 0.6 : -0.6) * ribbon.z;
  gl_Position = isEnd ? b : a;
  gl_Position.xy += offset * 2.0 / ribbon.xy;
  gl_Position.z -= ribbon.w;
  across = side * reach;
}`;

export const outlineFragment = `#version 300 es
precision highp float;
in float across;
uniform vec4 ribbon;
uniform vec4 ink;
${FADE}
out vec4 color;
void main() {
  float alpha = ink.a * kept() * clamp(ribbon.z + 0.5 - abs(across), 0.0, 1.0);
  color = vec4(ink.rgb * alpha, alpha);
}`;

/** A ring at one vertex: what is pinned, what is under the pointer. */
export const markerVertex = `#version 300 es
precision highp float;
layout(location=${ATTRIBUTE.positionA}) in vec3 positionA;
layout(location=${ATTRIBUTE.positionB}) in vec3 positionB;
uniform vec2 dot;               // diameter (px), lift towards the viewer
${PLACE}
void main() {
  gl_Position = camera * vec4(place(positionA, positionB), 1.0);
  gl_Position.z -= dot.y;
  gl_PointSize = dot.x;
}`;

export const markerFragment = `#version 300 es
precision highp float;
uniform vec2 dot;
uniform vec4 ink;
out vec4 color;
void main() {
  float radius = length(gl_PointCoord - 0.5) * dot.x;
  float outer = dot.x * 0.5 - 1.0;
  float dark = clamp(outer - radius + 0.5, 0.0, 1.0) * clamp(radius - outer * 0.38, 0.0, 1.0);
  float bright = clamp(outer - 1.5 - radius + 0.5, 0.0, 1.0) * clamp(radius - outer * 0.52, 0.0, 1.0);
  vec3 rgb = mix(vec3(0.06), ink.rgb, bright);
  color = vec4(rgb * dark, dark) * ink.a;
}`;
