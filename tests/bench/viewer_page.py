"""One contender inside Streamlit; which one, and on what, is said by the URL."""

import streamlit as st

from components.brain import brain_view
from tests.bench import contenders

# What is built before it is sent stays in memory: the bench measures sending and showing.
plotly_figure = st.cache_resource(max_entries=20)(contenders.plotly_figure)
our_message = st.cache_resource(max_entries=20)(contenders.our_message)
our_parcel_message = st.cache_resource(max_entries=20)(contenders.our_parcel_message)
our_thousand_message = st.cache_resource(max_entries=20)(contenders.our_thousand_message)
view_surf_html = st.cache_resource(max_entries=20)(contenders.view_surf_html)

st.set_page_config(layout="wide", initial_sidebar_state="collapsed")
st.html("<style>.block-container {padding: 3rem 1rem 0 1rem;}</style>")
contender = st.query_params.get("contender", "empty")
mesh = st.query_params.get("mesh", "fsaverage5")
n_frames = int(st.query_params.get("frames", "1"))

rerun, other = st.columns(2)
rerun.button("Rerun")
if other.button("New data"):
    st.session_state["seed"] = st.session_state.get("seed", 0) + 1
seed = st.session_state.get("seed", 0)
st.session_state["runs"] = st.session_state.get("runs", 0) + 1

if contender == "plotly":
    st.plotly_chart(
        plotly_figure(mesh, n_frames, seed),
        width="content",
        theme=None,
        key="brain",
        config={"plotGlPixelRatio": 1},
    )
elif contender == "view_surf":
    st.iframe(view_surf_html(mesh, seed), width=contenders.WIDTH, height=contenders.HEIGHT)
elif contender == "ours":
    with st.container(width=contenders.WIDTH):
        brain_view(our_message(mesh, n_frames, seed), key="brain")
elif contender == "ours_four":
    with st.container(width=contenders.WIDTH):
        brain_view(our_message(mesh, n_frames, seed, "four"), key="brain")
elif contender == "ours_parcels":
    with st.container(width=contenders.WIDTH):
        brain_view(our_parcel_message(mesh, n_frames, seed), key="brain")
elif contender == "ours_thousand":
    with st.container(width=contenders.WIDTH):
        brain_view(our_thousand_message(mesh, n_frames, seed), key="brain")
else:
    st.write("Nothing to see.")
st.html(f"<span class='bench-runs'>run {st.session_state['runs']}</span>")
