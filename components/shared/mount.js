// Doors of a viewer: one for any page, one for Streamlit.

/**
 * mount(element, options): in an element of any page. options: {data (Uint8Array), view (name for
 * linked views), onPick(pick), onUnpin(), keepsAddress}; returns {viewer, ready, update(data),
 * destroy()}.
 *
 * streamlitMount(component, view): called by Streamlit at the first and at every changed data;
 * returns what to do on unmount.
 */
export function doors(Viewer, selector) {
  function mount(element, { data, view, onPick, onUnpin, keepsAddress = true }) {
    const viewer = new Viewer(element, { view, onPick, onUnpin, keepsAddress });
    const ready = viewer.update(data);
    return {
      viewer,
      ready,
      update: (bytes) => viewer.update(bytes),
      destroy: () => viewer.destroy(),
    };
  }

  function streamlitMount({ parentElement, data, setTriggerValue }, view) {
    const root = parentElement.querySelector(selector);
    const onPick = (pick) => setTriggerValue("pick", pick);
    const onUnpin = () => setTriggerValue("unpin", true);
    if (root.boldcastMount) {
      Object.assign(root.boldcastMount.viewer, { onPick, onUnpin });
      root.boldcastMount.update(data);
    } else {
      root.boldcastMount = mount(root, { data, view, onPick, onUnpin });
    }
    return () => {
      root.boldcastMount?.destroy();
      root.boldcastMount = null;
    };
  }

  return { mount, streamlitMount };
}
