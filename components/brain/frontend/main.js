// Doors of the brain viewer: one for Streamlit, one for any other page.

import { Viewer } from "./viewer.js";

/**
 * Mount a viewer in an element of any page.
 *
 * options: {data (Uint8Array), view (name for linked views), onPick(pick), onUnpin(), keepsAddress}
 * Returns {viewer, update(data), destroy()}.
 */
export function mountBrain(
  element,
  { data, view = "brain", onPick, onUnpin, keepsAddress = true },
) {
  const viewer = new Viewer(element, { view, onPick, onUnpin, keepsAddress });
  const ready = viewer.update(data);
  return {
    viewer,
    ready,
    update: (bytes) => viewer.update(bytes),
    destroy: () => viewer.destroy(),
  };
}

/** Called by Streamlit at the first and at every changed data; returns what to do on unmount. */
export function streamlitMount({ parentElement, data, setTriggerValue }, view) {
  const root = parentElement.querySelector(".boldcast-brain");
  const onPick = (pick) => setTriggerValue("pick", pick);
  const onUnpin = () => setTriggerValue("unpin", true);
  if (root.boldcastMount) {
    Object.assign(root.boldcastMount.viewer, { onPick, onUnpin });
    root.boldcastMount.update(data);
  } else {
    root.boldcastMount = mountBrain(root, { data, view, onPick, onUnpin });
  }
  return () => {
    root.boldcastMount?.destroy();
    root.boldcastMount = null;
  };
}
