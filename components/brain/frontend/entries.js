// What of the brain viewer's state goes into the address bar.

import { COMMON_ENTRIES, list, number, text } from "../../shared/view_state.js";

export const ENTRIES = {
  layout: ["l", text],
  rotation: ["q", list(4, 4, -1, 1)],
  zoom: ["z", number(3, 0.2, 12)],
  pan: ["p", list(2, 3, -3, 3)],
  from: ["f", text],
  to: ["s", text],
  mixing: ["i", number(3, 0, 1)],
  underlay: ["u", number(2, 0, 1)],
  ...COMMON_ENTRIES,
};
