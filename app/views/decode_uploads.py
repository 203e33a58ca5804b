"""Patterns and pictures of the visitor's own."""

from __future__ import annotations

import streamlit as st

from app import cache, messages, state
from models.stimulus import MAX_PICTURES, Stimulus

__all__ = ["pick_patterns", "pick_pictures"]


def pick_pictures() -> tuple[Stimulus, ...]:
    """Take pictures into the gallery; they are those of the Images page too."""
    own = state.pictures()
    files = st.file_uploader(
        "Add pictures",
        accept_multiple_files=True,
        key=state.revision("decode-pictures"),
        help=f"Up to {MAX_PICTURES} pictures. They stay in this session, never on disk.",
    )
    if files:
        state.dismiss_problems()
        room = MAX_PICTURES - len(own)
        result = cache.read_pictures([(file.name, file.getvalue()) for file in files], room)
        state.add_pictures(result.stimuli)
        state.problems(*result.problems)
        state.revision("decode-pictures", is_next=True)
        st.rerun()
    for sentence in state.problems():
        st.warning(messages.plain(sentence), icon=":material/warning:")
    if own:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(f"{len(own)} of your pictures")
            st.button("Remove all", on_click=state.clear_pictures, type="tertiary")
    else:
        st.caption("Drop the pictures that can be guessed; 20 or more make a fair test.")
    return own


def pick_patterns() -> None:
    """Take a file of patterns."""
