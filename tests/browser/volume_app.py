"""The page of ``volume_server``: viewer, exact value of the picked voxel, count of runs."""

import numpy as np
import streamlit as st

from components.volume import volume_view
from tests.browser.volume_page import Brain

st.session_state["runs"] = st.session_state.get("runs", 0) + 1
brain = Brain()
values = np.random.default_rng(8).normal(size=(3, len(brain.anatomy))).astype("f4")
pick = volume_view(brain.message(values, is_signed=True), key="volume")
if pick is not None:
    st.session_state["pick"] = pick
if "pick" in st.session_state:
    kept = st.session_state["pick"]
    st.write(f"exact: {float(values[kept.frame, kept.place])!r} at {kept.place}")
st.write(f"run {st.session_state['runs']}")
