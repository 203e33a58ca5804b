"""Pictures in, predicted brain activity out."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app import cache, messages, state, widgets
from app.cache import Answer
from app.state import AppState, Surroundings
from app.views import brain, field, films, outputs
from app.views.asking import ask, heading
from app.views.choosing import go_home_button, pick_brain, pick_places, say_notices
from app.views.picture_input import pick_pictures
from models.errors import BoldcastError
from models.stimulus import Stimulus

__all__ = ["render"]

#: Always in view: they matter as much as the picture.
SETTINGS_IN_VIEW = ("visual_angle_deg",)


def render() -> None:
    """Draw the page."""
    around = cache.surroundings()
    before, _ = state.load(around)
    main, side = st.columns([3, 1], gap="medium")
    with side:
        beside = st.container(key="beside")
        try:
            now, stimuli, sentences = _controls(before, around)
        except BoldcastError as error:  # a file of the model cannot be used
            messages.show(error)
            go_home_button(before, around)
            return
    with main:
        # Fixed places: the brain must not be built anew because a message comes or goes.
        head, status, stage = st.container(), st.container(key="status"), st.container()
    with head:
        # On a phone the maps go below the title; without any, title and files share one line.
        row = st.container(horizontal=True, vertical_alignment="center", wrap=brain.has_choice(now))
    with row:
        title = st.container(width="stretch")
        files = st.container(horizontal=True, width="content", gap="small", wrap=False)
        now, more = brain.pick_map(now)
    state.save(now, around, (*sentences, *more))
    with status:
        say_notices(around)
        job, answer = ask(now, stimuli)
    with title:
        heading(_title(now), job)
    if answer is not None and job.is_finished:
        with files:
            films.window(answer)
            outputs.downloads(answer)
    with stage:
        brain.draw(answer, now, beside)
    if answer is not None:
        _below(answer)


def _controls(
    before: AppState, around: Surroundings
) -> tuple[AppState, tuple[Stimulus, ...], tuple[str, ...]]:
    """Everything beside the brain; with what could not stay as it was."""
    before, stimuli = pick_pictures(before, around)
    before, sentences = pick_brain(before, around)
    before, more = pick_places(before)
    settings = widgets.pick_settings(before.card, before.settings, SETTINGS_IN_VIEW)
    return _more_settings(replace(before, settings=settings)), stimuli, (*sentences, *more)


def _more_settings(now: AppState) -> AppState:
    """Offer the settings that are not always in view, in windows."""
    declared = [setting.name for setting in now.card.settings]
    fixation = [name for name in declared if name in field.FIXATION]
    others = [name for name in declared if name not in (*SETTINGS_IN_VIEW, *field.FIXATION)]
    settings = now.settings
    if not fixation and not others:
        return now
    left, right = st.columns(2, wrap=False)
    if fixation:
        with left, st.popover("Fixation", icon=":material/my_location:", width="stretch"):
            st.caption("Where the eyes rest. Or drag the cross in the picture below the brain.")
            settings = widgets.pick_settings(now.card, settings, fixation)
    if others:
        with right, st.popover("Teaching", icon=":material/school:", width="stretch"):
            settings = widgets.pick_settings(now.card, settings, others)
    return replace(now, settings=settings)


def _title(now: AppState) -> str:
    """Say what is shown; on a first visit, what to do."""
    if now.sample == state.DEFAULT_SAMPLE and not state.pictures():
        return "Drop a photograph to see it on the cortex"
    if now.sample:
        return messages.plain(cache.picture_set(now.sample).title)
    return "Your picture" if len(now.uploads) == 1 else f"Your {len(now.uploads)} pictures"


def _below(answer: Answer) -> None:
    """Under the brain: what the model sees, region values, and what to keep in mind."""
    left, right = st.columns([1, 1], gap="medium")
    with left:
        field.draw(answer)
    with right:
        outputs.regions(answer)
    outputs.caveats(answer)
