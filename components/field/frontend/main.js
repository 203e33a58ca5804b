// Door from Streamlit: called at mount and again with each new message of the same component.

import { FieldView } from "./field.js";

const views = new WeakMap();

/** Show `component.data` inside `component.parentElement`; returns the function that ends it. */
export function mount({ data, parentElement, setTriggerValue }) {
  let view = views.get(parentElement);
  if (view === undefined) {
    view = new FieldView(parentElement);
    views.set(parentElement, view);
  }
  view.update(data, setTriggerValue);
  return () => {
    view.dispose();
    views.delete(parentElement);
  };
}
