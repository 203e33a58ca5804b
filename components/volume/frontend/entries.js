// What of the volume viewer's state goes into the address bar.

import { COMMON_ENTRIES, flag, list, text } from "../../shared/view_state.js";

export const ENTRIES = {
  layout: ["l", text],
  cross: ["y", list(3, 0, 0, 32767)],
  lines: ["g", flag],
  ...COMMON_ENTRIES,
};
