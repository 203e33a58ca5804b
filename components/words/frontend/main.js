// Door from Streamlit: called at mount and again with each new message of the same component.

import { Editor } from "./editor.js";

/** Show `component.data`; returns what to do on unmount. */
export function streamlitMount({ parentElement, data, setTriggerValue }, view) {
  const root = parentElement.querySelector(".boldcast-words");
  const send = (message) => setTriggerValue("edits", message);
  root.boldcastEditor ??= new Editor(root, { view, send });
  root.boldcastEditor.update(data, send);
  return () => {
    root.boldcastEditor?.destroy();
    root.boldcastEditor = null;
  };
}
