// How finely to draw: sharp when still; while moving, whatever keeps the picture fluent.

const MAX_DPR = 2;
const STEPS = [1, 0.8, 0.65, 0.5];
const SLOW_MS = 50; // a drawn frame later than this asks for fewer pixels
const FAST_MS = 24;

export class Quality {
  constructor(isSoftware) {
    this.isSoftware = isSoftware;
    this.level = 0;
    this.smoothed = 33;
    this.override = null; // {dpr, samples}: for measurements
    this.size = { width: 1, height: 1, dpr: 1, samples: 0 };
  }

  /** Learn from the time between two drawn frames while moving. */
  observe(intervalMs) {
    if (intervalMs > 500) return;
    this.smoothed += 0.15 * (intervalMs - this.smoothed);
    if (this.smoothed > SLOW_MS && this.level < STEPS.length - 1) this.#change(1);
    else if (this.smoothed < FAST_MS && this.level > 0) this.#change(-1);
  }

  #change(by) {
    this.level += by;
    this.smoothed = 35;
  }

  /** Size of the next drawing, in a reused object. */
  next(width, height, isMoving) {
    const { size } = this;
    const screen = Math.min(globalThis.devicePixelRatio || 1, MAX_DPR);
    const base = this.isSoftware && isMoving ? Math.min(screen, 1) : screen;
    size.width = width;
    size.height = height;
    size.dpr = base * (isMoving ? STEPS[this.level] : 1);
    size.samples = this.isSoftware && isMoving ? 0 : 4;
    if (isMoving && this.level > 1) size.samples = 0;
    if (this.override) Object.assign(size, this.override);
    return size;
  }
}
