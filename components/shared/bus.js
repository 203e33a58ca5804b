// Page-wide events between linked views: no Python, no rerun.
//
// Types: "time"  {frame, playing}                     frame is a float; whole numbers are predicted
//        "hover" {vertex}                             global index, left hemisphere first, or null
//        "range" {limit, threshold, mode, colormap, lut, minimum, maximum, isSigned}
// Every detail also carries `view` (the Python key of the viewer) and `source` (who sent it).

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
  for (const type of ["time", "hover", "range"]) latest.delete(`${type} ${view}`);
}
