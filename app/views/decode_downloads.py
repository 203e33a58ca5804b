"""Files of what the page Decode shows."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app import decode_files, state
from app.decode_cache import Reading
from app.decode_link import DecodeState
from app.views.decode_results import row_of, verdict_of

__all__ = ["downloads"]


def downloads(reading: Reading, now: DecodeState) -> None:
    """Offer a picture, a table and all facts; each is made when its button is pressed."""
    held = state.recall("decode-curves")
    curves = None if held is None or now.method != "match" else held[1]
    row = row_of(reading, now)
    stem = f"boldcast-decode-seed{now.seed}"
    files = [
        (
            "This pattern (PNG)",
            f"{stem}.png",
            partial(decode_files.story_picture, reading, now, row, verdict_of(reading, row, now)),
        ),
        ("All patterns (CSV)", f"{stem}.csv", partial(decode_files.story_csv, reading, now)),
        (
            "Everything with curves (JSON)",
            f"{stem}.json",
            partial(decode_files.story_json, reading, now, curves),
        ),
    ]
    with st.popover("Download", icon=":material/download:"):
        st.caption("Always with models, seeds, the gallery's hash and the caveats inside.")
        for label, name, make in files:
            st.download_button(
                label, make, name, on_click="ignore", width="stretch", key=f"decode-file:{label}"
            )
