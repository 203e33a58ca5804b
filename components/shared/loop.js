// Frames on demand: nothing runs unless something changed, plays or is being moved.

const SETTLE_MS = 160; // after the last movement the picture is drawn once more, sharp

export class Loop {
  /** draw(elapsedSeconds, isMoving) -> whether to go on; both clocks in milliseconds. */
  constructor(draw, stats, onInterval) {
    this.draw = draw;
    this.stats = stats;
    this.onInterval = onInterval;
    this.request = 0;
    this.last = 0;
    this.movingUntil = 0;
    this.settleTimer = 0;
    this.isVisible = true;
    this.isStopped = false;
    this.tick = this.tick.bind(this);
  }

  /** Draw soon; `isMoving`: part of a movement, so speed goes before sharpness. */
  ask(isMoving = false) {
    if (isMoving) this.movingUntil = performance.now() + SETTLE_MS;
    if (this.request || this.isStopped || !this.isVisible) return;
    this.request = requestAnimationFrame(this.tick);
  }

  tick(now) {
    this.request = 0;
    if (this.isStopped) return;
    const start = performance.now();
    const interval = this.last ? now - this.last : 0;
    const isMoving = start < this.movingUntil;
    const goesOn = this.draw(Math.min(interval / 1000, 0.25), isMoving);
    this.stats.record(performance.now() - start);
    if (interval > 0 && (goesOn || isMoving)) {
      this.stats.recordInterval(interval);
      this.onInterval(interval);
    }
    this.last = goesOn || isMoving ? now : 0;
    if (goesOn) this.request = requestAnimationFrame(this.tick);
    else if (isMoving) this.#settle();
  }

  #settle() {
    clearTimeout(this.settleTimer);
    this.settleTimer = setTimeout(() => this.ask(), SETTLE_MS + 10);
  }

  /** Hidden tab: stop; seen again: go on from where it was. */
  setVisible(isVisible) {
    if (isVisible === this.isVisible) return;
    this.isVisible = isVisible;
    this.last = 0;
    if (isVisible) this.ask();
    else this.#cancel();
  }

  #cancel() {
    cancelAnimationFrame(this.request);
    this.request = 0;
  }

  stop() {
    this.isStopped = true;
    this.#cancel();
    clearTimeout(this.settleTimer);
  }
}
