"""Progress of something slow: stage, share done, a way out."""

from __future__ import annotations

import streamlit as st

from app.work import Pollable

__all__ = ["PATIENCE_S", "POLL_S", "progress"]

#: An answer that takes no longer comes without a progress bar.
PATIENCE_S = 0.4
POLL_S = 0.2


@st.fragment(run_every=POLL_S)
def progress(work: Pollable, doing: str, *, can_cancel: bool = True) -> None:
    """Stage and share done, with a way out; the page is drawn anew at the end."""
    if work.is_finished:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        share = work.done / work.total if work.total else 0.0
        st.progress(min(share, 1.0), f"{doing}: {work.stage}")
        if can_cancel:
            st.button("Cancel", on_click=work.cancel)
