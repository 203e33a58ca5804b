// Doors of the glass brain: one for Streamlit, one for any other page.

import { doors } from "../../shared/mount.js";
import { Viewer } from "./viewer.js";

export const { mount: mountGlass, streamlitMount } = doors(Viewer, ".boldcast-glass");
