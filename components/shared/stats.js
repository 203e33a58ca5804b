// Counts for tests and measurements: globalThis.__boldcast.viewers maps a view's key to them.

const RING = 256;

export class Stats {
  constructor() {
    this.calls = 0; // times Streamlit (or the page) handed over data
    this.uploads = 0; // buffers and textures sent to the graphics card
    this.valueUploads = 0; // of these, sequences of values
    this.draws = 0;
    this.jsMilliseconds = new Float32Array(RING); // of the last drawn frames
    this.intervals = new Float32Array(RING); // between drawn frames while moving
    this.ticks = 0;
    this.moves = 0;
  }

  record(milliseconds) {
    this.jsMilliseconds[this.ticks++ % RING] = milliseconds;
  }

  recordInterval(milliseconds) {
    this.intervals[this.moves++ % RING] = milliseconds;
  }
}

const registry = (globalThis.__boldcast ??= { viewers: new Map() });

export function register(view, viewer) {
  registry.viewers.set(view, viewer);
}

export function unregister(view, viewer) {
  if (registry.viewers.get(view) === viewer) registry.viewers.delete(view);
}
