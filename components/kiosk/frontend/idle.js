// A clock without Streamlit or DOM: asks after `promptS` and ends after `idleS` without a touch.

/** Starts stopped; `start`, `touch` and `stop` may be called at any time. */
export class IdleClock {
  constructor({ promptS, idleS, onPrompt, onIdle, timers = globalThis }) {
    this.promptS = promptS;
    this.idleS = idleS;
    this.onPrompt = onPrompt;
    this.onIdle = onIdle;
    this.timers = timers;
    this.waiting = [];
    this.isRunning = false;
  }

  start() {
    this.isRunning = true;
    this.touch();
  }

  /** Somebody is there: count again from zero. */
  touch() {
    this.#clear();
    if (!this.isRunning) return;
    this.waiting = [
      this.timers.setTimeout(this.onPrompt, this.promptS * 1000),
      this.timers.setTimeout(() => {
        this.stop();
        this.onIdle();
      }, this.idleS * 1000),
    ];
  }

  stop() {
    this.isRunning = false;
    this.#clear();
  }

  #clear() {
    for (const timer of this.waiting) this.timers.clearTimeout(timer);
    this.waiting = [];
  }
}
