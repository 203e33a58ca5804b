"""Courses of regions or systems over time, with the words below."""

from __future__ import annotations

import streamlit as st

from app import transcript_cache
from app.cache import Answer
from components.charts import add_words, region_courses

__all__ = ["draw"]


def draw(answer: Answer) -> None:
    """Draw one line a region, and what is said on the same axis."""
    response = answer.response
    (transcript,) = answer.stimuli
    names = transcript_cache.course_names(answer)
    low = answer.card.low_confidence_regions
    lines = transcript_cache.line_names(answer, names)
    figure = region_courses(
        transcript_cache.courses(answer, names),
        lines,
        response.row_labels,
        response.units,
        low_confidence=[line for line, name in zip(lines, names, strict=True) if name in low],
        row_kind=response.row_kind,
        badge=response.provenance.badge,
    )
    words = [(word.text, word.onset_s) for word in transcript_cache.words(transcript)]
    add_words(figure, words, transcript.lines)
    st.markdown("**Regions over time**")
    with st.container(key="courses"):
        st.plotly_chart(figure, key="transcript-courses", config={"displayModeBar": False})
    st.caption(
        "Blood follows words late: a response is mostly about what was said some 5 s before."
    )
