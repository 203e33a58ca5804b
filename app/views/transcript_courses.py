"""Courses of regions or systems over time, with the words above; which words did it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app import state, word_cache
from app.cache import Answer
from app.views import brain, word_effects
from components.courses import courses_view, read_region

__all__ = ["COURSES", "draw"]

#: Name of the view on the page's bus.
COURSES = "courses"


@st.fragment
def draw(answer: Answer) -> None:
    """One line a region, and what is said on the same axis; a choice draws only these anew."""
    st.markdown("**Regions over time**")
    courses_view(
        word_cache.message(answer, word_effects.found(answer)),
        key=COURSES,
        view_key=brain.TEXT_VIEW,
        on_pick=partial(_take_region, answer),
    )
    word_effects.draw(answer)


def _take_region(answer: Answer) -> None:
    """Watch the region whose line was chosen; the viewer's callback."""
    region = read_region(state.typed(COURSES).get("pick"))
    if region:
        word_effects.watch(answer, region)
