// Page-wide events between linked views: no Python, no rerun.
//
// Types: "time"      {frame, playing, seek}           frame is a float; whole numbers are predicted
//        "hover"     {vertex}                         global index, left hemisphere first, or null
//        "hover-row" {row}                            the volume pointed at, from 0, or null
//        "region"    {name}                           the region chosen, or null
//        "range"     {limit, threshold, mode, colormap, lut, minimum, maximum, isSigned}
// Every detail also carries `view` (the Python key of the viewer) and `source` (who sent it).
//
// The viewer leads time. Whoever else wants to set it emits "time" with `seek: true` and a source
// of their own: the viewer goes there, rests, and says what it shows (within the sequence) without
// `seek`. Where no viewer is on the page, the seek itself is what the others follow.

const TYPES = ["time", "hover", "hover-row", "region", "range"];

const latest = (globalThis.__boldcastBus ??= new Map());

/** Tell every listener of `view`; the last message of each type is kept for late listeners. */
export function emit(type, view, detail, source = "") {
  const full = { ...detail, view, source };
  latest.set(`${type} ${view}`, full);
  globalThis.dispatchEvent(new CustomEvent(`boldcast:${type}`, { detail: full }));
}

/** Call `handler(detail)` now with the last message, if any, and at each new one; returns stop(). */
export function listen(type, view, handler, source = "") {
  const receive = (event) => {
    const detail = event.detail;
    if (detail.view === view && (source === "" || detail.source !== source)) handler(detail);
  };
  globalThis.addEventListener(`boldcast:${type}`, receive);
  const last = latest.get(`${type} ${view}`);
  if (last !== undefined && (source === "" || last.source !== source)) handler(last);
  return () => globalThis.removeEventListener(`boldcast:${type}`, receive);
}

/** Forget what a closed view said. */
export function forget(view) {
  for (const type of TYPES) latest.delete(`${type} ${view}`);
}

/** Ask the leading viewer to show a frame and rest there. */
export function seek(view, frame, source) {
  emit("time", view, { frame, playing: false, seek: true }, source);
}
