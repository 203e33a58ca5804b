// One eased number at a time.

export class Animation {
  /** isStill() -> whether the person asked for no motion: then the end is reached at once. */
  constructor(isStill) {
    this.isStill = isStill;
    this.current = null;
  }

  start(from, to, milliseconds, step, done) {
    const isInstant = milliseconds <= 0 || this.isStill();
    this.current = { from, to, milliseconds, step, done, begin: performance.now(), isInstant };
  }

  /** Called once a frame; returns whether the movement goes on. */
  advance() {
    const { current } = this;
    if (!current) return false;
    const part = current.isInstant
      ? 1 : Math.min(1, (performance.now() - current.begin) / current.milliseconds);
    const eased = part * part * (3 - 2 * part);
    current.step(current.from + (current.to - current.from) * eased);
    if (part < 1) return true;
    this.current = null;
    current.done();
    return this.current !== null;
  }
}
