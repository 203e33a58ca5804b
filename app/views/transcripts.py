"""What is said in, predicted brain activity over time out."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app import messages, state, transcript_cache, widgets
from app.cache import Answer
from app.state import AppState, Surroundings
from app.transcript_cache import Draft
from app.views import brain, films, glass, outputs, transcript_courses, transcript_grid
from app.views.asking import ask, heading
from app.views.choosing import go_home_button, pick_brain, pick_places, say_notices
from app.views.transcript_input import pick_text, pick_tr
from models.errors import BoldcastError

__all__ = ["render"]


def render() -> None:
    """Draw the page."""
    around = transcript_cache.surroundings()
    before, _ = state.load(around)
    main, side = st.columns([3, 1], gap="medium")
    with side:
        beside = st.container(key="beside")
        try:
            now, draft, sentences = _controls(before, around)
        except BoldcastError as error:  # a file of the model cannot be used
            messages.show(error)
            go_home_button(before, around)
            return
    state.save(now, around, sentences)
    with main:
        # Fixed places: the brain must not be built anew because a message comes or goes.
        head, status, stage = st.container(), st.container(key="status"), st.container()
    with head, st.container(horizontal=True, vertical_alignment="center", wrap=False):
        title = st.container(width="stretch")
        files = st.container(horizontal=True, width="content", gap="small", wrap=False)
    with status:
        say_notices(around)
        job, answer = ask(now, (draft.stimulus,), "transcript-")
    with title:
        heading(messages.plain(draft.name), job)
    if answer is not None and job.is_finished:
        with files:
            films.window(answer)
            outputs.downloads(answer)
    with stage:
        brain.draw(answer, now, beside)
        if answer is not None:
            glass.draw(answer, brain.TEXT_VIEW)
    _below(answer, draft)


def _controls(before: AppState, around: Surroundings) -> tuple[AppState, Draft, tuple[str, ...]]:
    """Everything beside the brain; with what could not stay as it was."""
    before, draft = pick_text(before)
    before, sentences = pick_brain(before, around)
    before, draft = pick_tr(before, draft)
    before, more = pick_places(before)
    names = [setting.name for setting in before.card.settings]
    settings = before.settings
    if names:
        with st.popover("Teaching", icon=":material/school:", width="stretch"):
            settings = widgets.pick_settings(before.card, settings, names)
    return replace(before, settings=settings), draft, (*sentences, *more)


def _below(answer: Answer | None, draft: Draft) -> None:
    """Under the brain: courses with the words, the rows to edit, and what to keep in mind."""
    left, right = st.columns([3, 2], gap="medium")
    with left:
        if answer is not None:
            transcript_courses.draw(answer)
    with right:
        transcript_grid.draw(draft)
    if answer is not None:
        outputs.caveats(answer)
