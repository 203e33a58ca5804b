// Doors of the brain viewer: one for Streamlit, one for any other page.

import { doors } from "../../shared/mount.js";
import { Viewer } from "./viewer.js";

export const { mount: mountBrain, streamlitMount } = doors(Viewer, ".boldcast-brain");
