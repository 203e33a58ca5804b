// Doors of the courses: one for Streamlit, one for any other page.

import { doors } from "../../shared/mount.js";
import { CoursesView } from "./view.js";

export const { mount: mountCourses, streamlitMount } = doors(CoursesView, ".boldcast-courses");
