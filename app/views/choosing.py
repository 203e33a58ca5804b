"""Whose brain, which places, which settings: what every page of predictions lets one choose."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app import cache, messages, state, widgets
from app.state import AppState, Surroundings
from models.catalog import ModelCard, list_cards

__all__ = ["go_home_button", "pick_brain", "pick_places", "say_notices"]


def pick_brain(before: AppState, around: Surroundings) -> tuple[AppState, tuple[str, ...]]:
    """Model and subject, of those that are here; with what could not stay as it was."""
    sentences: tuple[str, ...] = ()
    reason = around.reason_of(before.card, before.subject)
    if reason:  # its files went away meanwhile
        label = f"{dict(before.card.subjects)[before.subject]} of {before.card.title}"
        before = _of_model(before, state.default_state(around), around)
        sentences = (
            f"{label} {reason}: fetch it on the Models page. {before.card.title} is shown.",
        )
    choices = [_choice(card, around) for card in list_cards(around.modality)]
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


def pick_places(before: AppState) -> tuple[AppState, tuple[str, ...]]:
    """Regions and hemisphere; with what could not stay as it was."""
    sentences: tuple[str, ...] = ()
    card = before.card
    regions = cache.regions_of(card, before.subject)
    gone = [name for name in before.regions if name not in regions.names]
    if gone:
        label = dict(card.subjects)[before.subject]
        lost = "it is" if len(gone) == 1 else "they are"
        sentences = (f"{label} has no {', '.join(gone)}, so {lost} no longer chosen.",)
    kept = [name for name in before.regions if name not in gone]
    chosen = widgets.pick_regions(card, before.subject, regions.groups, kept)
    has_sides = regions.is_split_by_hemisphere
    hemisphere = widgets.pick_hemisphere(before.hemisphere) if has_sides else "both"
    return replace(before, regions=chosen, hemisphere=hemisphere), sentences


def _choice(card: ModelCard, around: Surroundings) -> widgets.Choice:
    """One model in the picker."""
    return widgets.Choice(card.id, card.title, around.reason_of(card, ""))


def _of_model(before: AppState, other: AppState, around: Surroundings) -> AppState:
    """Another model with the pictures or the text of before.

    A time between volumes that the visitor chose stays.
    """
    settings = around.usual_settings(other.card, before.sample)
    is_usual = before.tr_s == before.card.usual_tr_s
    return replace(
        other,
        sample=before.sample,
        uploads=before.uploads,
        settings=settings,
        tr_s=other.tr_s if is_usual else before.tr_s,
    )


def go_home_button(before: AppState, around: Surroundings) -> None:
    """Offer the embedded model, where a file of another cannot be used."""
    widgets.models_link()
    st.button("Show the built-in model", on_click=_go_home, args=(before, around))


def _go_home(before: AppState, around: Surroundings) -> None:
    """Button callback: the embedded model with the pictures or the text of before."""
    state.save(_of_model(before, state.default_state(around), around), around)


def say_notices(around: Surroundings) -> None:
    """Say what could not be as it was asked for."""
    sentences = state.notices(around)
    for sentence in sentences:
        st.info(messages.plain(sentence), icon=":material/link:")
    if any("Models page" in sentence for sentence in sentences):
        widgets.models_link()
