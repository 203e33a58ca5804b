// What lies over the pictures: rims, outlines of regions, crosshair, the voxels pointed at and
// pinned. Drawn only when one of them changes, on device pixels.

const MAX_DPR = 2;

export class Marks {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.drawn = "";
  }

  /**
   * panels with their pictures; look: {cross, hasLines, hasOutlines, hovered, pinned (index
   * triples or null), ink, outlineInk, version (of everything else)}.
   */
  draw(panels, pictures, grid, look, { width, height }) {
    const key = JSON.stringify([look, width, height]);
    if (key === this.drawn) return;
    this.drawn = key;
    const { canvas, context } = this;
    const dpr = Math.min(globalThis.devicePixelRatio || 1, MAX_DPR);
    const [w, h] = [Math.round(width * dpr), Math.round(height * dpr)];
    if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
    context.clearRect(0, 0, w, h);
    this.dpr = dpr;
    for (const panel of panels) {
      const plane = grid.planes[panel.plane];
      const picture = pictures[panel.plane][panel.kind];
      this.#lines(panel, picture.rim, 1, look.ink, 0.45);
      if (look.hasOutlines) this.#lines(panel, picture.borders, 1.4, look.outlineInk, 0.85);
      if (look.hasLines) this.#cross(panel, plane, look.cross);
      for (const [indices, thickness] of [[look.hovered, 1.5], [look.pinned, 2.5]]) {
        if (!indices) continue;
        if (panel.kind === "slice" && indices[plane.fixed] !== look.cross[plane.fixed]) continue;
        this.#box(panel, plane.xOf(indices[plane.across]), plane.yOf(indices[plane.up]), thickness);
      }
    }
  }

  /** Straight pieces in picture elements, `thickness` stage pixels thick. */
  #lines({ image, scale }, pieces, thickness, ink, alpha) {
    const { context, dpr } = this;
    const thick = Math.max(1, Math.round(thickness * dpr));
    context.globalAlpha = alpha;
    context.fillStyle = ink;
    const across = (x) => Math.round((image.left + x * scale) * dpr - thick / 2);
    const down = (y) => Math.round((image.top + y * scale) * dpr - thick / 2);
    for (let n = 0; n < pieces.length; n += 4) {
      const [x, y] = [across(pieces[n]), down(pieces[n + 1])];
      context.fillRect(x, y, across(pieces[n + 2]) - x + thick, down(pieces[n + 3]) - y + thick);
    }
  }

  /** Dark below light: seen on every colour. */
  #twice(panel, pieces, thickness, alpha = 1) {
    this.#lines(panel, pieces, thickness + 1.5, "#000", 0.5 * alpha);
    this.#lines(panel, pieces, thickness, "#fff", alpha);
  }

  /** Two lines with room for the voxel itself. */
  #cross(panel, plane, cross) {
    const x = plane.xOf(cross[plane.across]) + 0.5;
    const y = plane.yOf(cross[plane.up]) + 0.5;
    const gap = Math.max(1.5, 6 / panel.scale);
    const pieces = [
      [0, y, x - gap, y], [x + gap, y, plane.width, y],
      [x, 0, x, y - gap], [x, y + gap, x, plane.height],
    ];
    const kept = pieces.filter(([x0, y0, x1, y1]) => x1 >= x0 && y1 >= y0);
    this.#twice(panel, kept.flat(), 1, 0.75);
  }

  /** Around a voxel, so that its colour stays to be seen. */
  #box(panel, x, y, thickness) {
    const grow = (thickness + 1) / 2 / panel.scale;
    const [left, top, right, bottom] = [x - grow, y - grow, x + 1 + grow, y + 1 + grow];
    this.#twice(panel, [
      left, top, right, top, left, bottom, right, bottom,
      left, top, left, bottom, right, top, right, bottom,
    ], thickness);
  }
}
