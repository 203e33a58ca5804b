"""The glass brain below the cortex, led by it: same time, same colours, one pointer."""

from __future__ import annotations

import streamlit as st

from app import film_cache, messages
from app.cache import Answer
from app.views.waiting import PATIENCE_S, progress
from components.glass import glass_view
from models.errors import BoldcastError

__all__ = ["GLASS", "draw"]

#: Name of the view in the page and in links.
GLASS = "transcripts-glass"


def draw(answer: Answer, view: str) -> None:
    """Draw the glass brain of an answer; ``view`` leads it."""
    if not film_cache.can_project(answer):
        return
    work = film_cache.start_glass(answer)
    if not work.wait(PATIENCE_S):
        progress(work, "Glass brain", can_cancel=False)
        return
    try:
        message = work.result()
    except (BoldcastError, MemoryError, OSError) as error:
        messages.show(error)
        return
    with st.container(key="glass"):
        glass_view(message, key=GLASS, view_key=view)
