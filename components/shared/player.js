// Time: which two frames are mixed and how far; pure, driven by elapsed seconds.

const HOLD_SHARE = 0.65; // of each interval, when real frames are held

export class Player {
  constructor() {
    this.count = 1;
    this.rate = 1;
    this.speed = 1;
    this.hold = false;
    this.playing = false;
    this.clock = 0;
    this.time = { a: 0, b: 0, between: 0 };
  }

  /** Take a sequence; the position is kept as far as it fits. */
  setSequence(count, rate) {
    this.count = count;
    this.rate = rate;
    if (this.clock > count - 1) this.clock = count - 1;
    if (count < 2) this.playing = false;
  }

  advance(seconds) {
    this.clock = (this.clock + seconds * this.rate * this.speed) % this.count;
  }

  /** Frames on show, in [0, count): whole numbers are predicted, the rest is drawn. */
  position() {
    const first = Math.floor(this.clock);
    let part = this.clock - first;
    if (this.hold && this.playing) {
      const late = Math.max(0, (part - HOLD_SHARE) / (1 - HOLD_SHARE));
      part = late * late * (3 - 2 * late);
    }
    return first + part;
  }

  /** The pair of frames and their mix, in a reused object; after the last comes the first. */
  mix() {
    const position = this.position();
    const { time } = this;
    time.a = Math.min(Math.floor(position), this.count - 1);
    time.b = (time.a + 1) % this.count;
    time.between = position - time.a;
    if (time.between < 1e-4) time.between = 0;
    if (time.between === 0) time.b = time.a;
    return time;
  }

  /** Nearest real frame. */
  nearest() {
    return Math.round(this.position()) % this.count;
  }

  goTo(position) {
    this.clock = Math.min(Math.max(position, 0), this.count - 1);
  }

  /** Start, or stop at the nearest real frame. */
  setPlaying(playing) {
    if (this.playing && !playing) this.clock = this.nearest();
    this.playing = playing && this.count > 1;
  }

  /** Go to the next (+1) or previous (-1) real frame, round the ends. */
  step(by) {
    const from = by > 0 ? Math.floor(this.clock + 1e-6) : Math.ceil(this.clock - 1e-6);
    this.playing = false;
    this.clock = (from + by + this.count) % this.count;
  }
}
