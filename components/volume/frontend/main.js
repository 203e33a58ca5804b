// Doors of the volume viewer: one for Streamlit, one for any other page.

import { doors } from "../../shared/mount.js";
import { Viewer } from "./viewer.js";

export const { mount: mountVolume, streamlitMount } = doors(Viewer, ".boldcast-volume");
