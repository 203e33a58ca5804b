"""The page's question to the engine: its job, its progress and its answer."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import cache, messages, state
from app.cache import Answer
from app.state import AppState
from app.views.waiting import PATIENCE_S, progress
from app.work import Pollable
from models.errors import BoldcastError
from models.stimulus import Stimulus

__all__ = ["ask", "heading"]


def ask(
    now: AppState, stimuli: Sequence[Stimulus], page: str = ""
) -> tuple[Pollable, Answer | None]:
    """Job and answer to the page's question; while it is computed, the answer before.

    ``page`` tells the questions of several pages of one visitor apart.
    """
    job_name, answer_name = f"{page}job", f"{page}answer"
    job = state.recall(job_name)
    if job is None or not cache.is_for(job, now, stimuli):
        job = cache.submit(now, stimuli)
        state.remember(job_name, job)
        job.wait(PATIENCE_S)
    if not job.is_finished:
        return job, state.recall(answer_name)
    try:
        answer = cache.answer_of(job)
    except (BoldcastError, MemoryError, OSError) as error:
        messages.show(error)
        st.button("Try again", on_click=state.remember, args=(job_name, None))
        return job, None
    state.remember(answer_name, answer)
    return job, answer


def heading(title: str, job: Pollable) -> None:
    """Say over the brain what is shown or done."""
    if job.is_finished:
        st.markdown(f"##### {title}")
    else:
        progress(job, "Predicting")
