"""The page of ``glass_server``: a glass brain, one that follows it, and a count of runs."""

import numpy as np
import streamlit as st

from components.glass import glass_view
from tests.browser.glass_page import bump, message

st.session_state["runs"] = st.session_state.get("runs", 0) + 1
packed = message(np.stack([bump(-55, -25, 5), -bump(30, -88, 0), bump(40, 20, 10)]))
glass_view(packed, key="lead")
glass_view(packed, key="second", view_key="lead")
st.write(f"run {st.session_state['runs']}")
