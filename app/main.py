"""Page list, look of the page and navigation; nothing else."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import state
from app.views import about, decode, images, kiosk, models, transcripts

HERE = Path(__file__).parent

st.set_page_config(page_title="Boldcast", page_icon=str(HERE / "icon.svg"), layout="wide")
st.html(HERE / "style.css")

if state.mode() == "kiosk":
    kiosk.render()
else:
    st.navigation(
        [
            st.Page(images.render, title="Images", icon=":material/image:", default=True),
            st.Page(
                transcripts.render,
                title="Transcripts",
                icon=":material/subtitles:",
                url_path="transcripts",
            ),
            st.Page(decode.render, title="Decode", icon=":material/search:", url_path="decode"),
            st.Page(models.render, title="Models", icon=":material/database:", url_path="models"),
            st.Page(about.render, title="About", icon=":material/info:", url_path="about"),
        ],
        position="top",
    ).run()
