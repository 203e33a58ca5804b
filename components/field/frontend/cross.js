// The fixation cross: a button that is dragged with mouse or finger and moved with arrow keys.

/** After so long without an arrow key the cross counts as released. */
const SETTLE_MS = 450;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * Makes `button` movable. `field` answers
 *   current()        {x, y} degrees from the picture's centre
 *   locate(event)    the same for a pointer event
 *   settle(point)    rounded and kept in range
 *   move(point)      shows it there for now
 *   release(point)   the person has let go
 *   cancel()         back to where it was
 * Returns a function that takes the listeners away.
 */
export function makeMovable(button, field) {
  let candidate = null;
  let timer = 0;

  const moveTo = (point) => {
    candidate = field.settle(point);
    field.move(candidate);
  };
  const release = () => {
    clearTimeout(timer);
    if (candidate !== null) field.release(candidate);
    candidate = null;
  };
  const cancel = () => {
    clearTimeout(timer);
    candidate = null;
    field.cancel();
  };

  const listeners = {
    pointerdown(event) {
      if (event.button !== 0) return;
      button.setPointerCapture(event.pointerId);
      candidate = field.current();
    },
    pointermove(event) {
      if (button.hasPointerCapture(event.pointerId)) moveTo(field.locate(event));
    },
    pointerup: release,
    pointercancel: cancel,
    keydown(event) {
      if (event.key === "Escape") return cancel();
      if (event.key === "Enter") return release();
      const arrow = ARROWS[event.key];
      if (arrow === undefined && event.key !== "Home") return;
      event.preventDefault();
      const step = event.shiftKey ? 1 : field.step();
      const from = candidate ?? field.current();
      moveTo(arrow ? { x: from.x + arrow[0] * step, y: from.y + arrow[1] * step } : { x: 0, y: 0 });
      clearTimeout(timer);
      timer = setTimeout(release, SETTLE_MS);
    },
    blur: release,
  };
  for (const [type, listener] of Object.entries(listeners)) button.addEventListener(type, listener);
  return () => {
    clearTimeout(timer);
    for (const [type, listener] of Object.entries(listeners)) {
      button.removeEventListener(type, listener);
    }
  };
}
