"""Pictures in, predicted brain activity out."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app import cache, messages, state, widgets
from app.cache import Answer
from app.state import AppState, Surroundings
from app.views import brain, field, outputs
from app.views.picture_input import pick_pictures
from app.views.waiting import PATIENCE_S, progress
from app.work import Pollable
from models.catalog import ModelCard, list_cards
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
            widgets.models_link()
            st.button("Show the built-in model", on_click=_go_home, args=(before, around))
            return
    with main:
        # Fixed places: the brain must not be built anew because a message comes or goes.
        head, status, stage = st.container(), st.container(key="status"), st.container()
    with head:
        # On a phone the maps go below the title; without any, title and files share one line.
        row = st.container(horizontal=True, vertical_alignment="center", wrap=brain.has_choice(now))
    with row:
        title, files = st.container(width="stretch"), st.container(width="content")
        now, more = brain.pick_map(now)
    state.save(now, around, (*sentences, *more))
    with status:
        _notices()
        job, answer = _answer(now, stimuli)
    with title:
        _heading(now, job)
    if answer is not None and job.is_finished:
        with files:
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
    before, sentences = _whose_brain(before, around)
    card = before.card
    regions = cache.regions_of(card, before.subject)
    gone = [name for name in before.regions if name not in regions.names]
    if gone:
        label = dict(card.subjects)[before.subject]
        lost = "it is" if len(gone) == 1 else "they are"
        sentences = (*sentences, f"{label} has no {', '.join(gone)}, so {lost} no longer chosen.")
    kept = [name for name in before.regions if name not in gone]
    chosen = widgets.pick_regions(card, before.subject, regions.groups, kept)
    has_sides = regions.is_split_by_hemisphere
    hemisphere = widgets.pick_hemisphere(before.hemisphere) if has_sides else "both"
    settings = widgets.pick_settings(card, before.settings, SETTINGS_IN_VIEW)
    now = replace(before, regions=chosen, hemisphere=hemisphere, settings=settings)
    return _more_settings(now), stimuli, sentences


def _whose_brain(before: AppState, around: Surroundings) -> tuple[AppState, tuple[str, ...]]:
    """Model and subject, of those that are here."""
    sentences: tuple[str, ...] = ()
    reason = around.reason_of(before.card, before.subject)
    if reason:  # its files went away meanwhile
        label = f"{dict(before.card.subjects)[before.subject]} of {before.card.title}"
        before = _of_model(before, state.default_state(around), around)
        sentences = (
            f"{label} {reason}: fetch it on the Models page. {before.card.title} is shown.",
        )
    cards = list_cards("image")
    choices = [_choice(card, around) for card in cards]
    model_id = widgets.pick_one("Model", choices, before.model_id, "model")
    if model_id != before.model_id:
        before = _of_model(before, state.default_state(around, model_id), around)
    card = before.card
    subjects = [
        widgets.Choice(subject, label, around.reason_of(card, subject))
        for subject, label in card.subjects
    ]
    label = "Brain" if len(subjects) == 1 else "Subject"
    subject = widgets.pick_one(label, subjects, before.subject, f"subject:{card.id}")
    return replace(before, subject=subject), sentences


def _choice(card: ModelCard, around: Surroundings) -> widgets.Choice:
    """One model in the picker."""
    return widgets.Choice(card.id, card.title, around.reason_of(card, ""))


def _of_model(before: AppState, other: AppState, around: Surroundings) -> AppState:
    """Another model with the pictures of before."""
    settings = around.usual_settings(other.card, before.sample)
    return replace(other, sample=before.sample, uploads=before.uploads, settings=settings)


def _go_home(before: AppState, around: Surroundings) -> None:
    """Button callback: the embedded model with the pictures of before."""
    state.save(_of_model(before, state.default_state(around), around), around)


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


def _notices() -> None:
    """Say what could not be as it was asked for."""
    sentences = state.notices()
    for sentence in sentences:
        st.info(messages.plain(sentence), icon=":material/link:")
    if any("Models page" in sentence for sentence in sentences):
        widgets.models_link()


def _heading(now: AppState, job: Pollable) -> None:
    """Say over the brain what is shown or done."""
    if job.is_finished:
        st.markdown(f"##### {_title(now)}")
    else:
        progress(job, "Predicting")


def _title(now: AppState) -> str:
    """Say what is shown; on a first visit, what to do."""
    if now.sample == state.DEFAULT_SAMPLE and not state.pictures():
        return "Drop a photograph to see it on the cortex"
    if now.sample:
        return messages.plain(cache.picture_set(now.sample).title)
    return "Your picture" if len(now.uploads) == 1 else f"Your {len(now.uploads)} pictures"


def _answer(now: AppState, stimuli: tuple[Stimulus, ...]) -> tuple[Pollable, Answer | None]:
    """Job and answer to the page's question; while it is computed, the answer before."""
    job = state.recall("job")
    if job is None or not cache.is_for(job, now, stimuli):
        job = cache.submit(now, stimuli)
        state.remember("job", job)
        job.wait(PATIENCE_S)
    if not job.is_finished:
        return job, state.recall("answer")
    try:
        answer = cache.answer_of(job)
    except (BoldcastError, MemoryError, OSError) as error:
        messages.show(error)
        st.button("Try again", on_click=state.remember, args=("job", None))
        return job, None
    state.remember("answer", answer)
    return job, answer


def _below(answer: Answer) -> None:
    """Under the brain: what the model sees, region values, and what to keep in mind."""
    left, right = st.columns([1, 1], gap="medium")
    with left:
        field.draw(answer)
    with right:
        outputs.regions(answer)
    outputs.caveats(answer)
