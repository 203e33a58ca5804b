"""Which variant of a model answers: those that are here, and those that could be fetched."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from app import downloads, widgets
from app.downloads import Job
from app.messages import explain, plain
from app.readiness import readiness_of
from app.state import AppState
from app.views import model_jobs
from app.views.waiting import POLL_S
from models.catalog import VARIANT, ModelCard

__all__ = ["VARIANT", "pick_variant"]


def pick_variant(before: AppState) -> tuple[AppState, tuple[str, ...]]:
    """Pick one; with a sentence where the one asked for is not here."""
    card = before.card
    if VARIANT not in before.settings.as_dict():
        return before, ()
    here = readiness_of(card).variants
    chosen = str(before.settings[VARIANT])
    sentences: tuple[str, ...] = ()
    if here and chosen not in here:
        if chosen != card.default_settings()[VARIANT]:
            title = downloads.variant_title(here[0])
            sentences = (f"The variant {chosen} is not here. {title} answers.",)
        chosen = here[0]
    choices = [
        widgets.Choice(name, downloads.variant_title(name), _reason(card, name, here))
        for name in dict.fromkeys((*downloads.variants(card), chosen))
    ]
    more = partial(_look_for_more, card) if model_jobs.may_change() else None
    picked = widgets.pick_one("Variant", choices, chosen, f"variant-of:{card.id}", more)
    return replace(before, settings=before.settings.replace(**{VARIANT: picked})), sentences


def _reason(card: ModelCard, name: str, here: tuple[str, ...]) -> str:
    """Why a variant cannot be chosen; empty where it can."""
    if name in here:
        return ""
    # Which language model a variant reads with is told by a file of its own.
    words = "about" if downloads.is_whole_size_known(card, name) else "more than"
    return f"needs {words} {downloads.size_words(downloads.about_bytes(card, name))}"


def _look_for_more(card: ModelCard) -> None:
    """Offer to ask the hub; say that it is being asked, or why it did not answer."""
    jobs = [job for job in downloads.shared().jobs(card.id) if job.task.kind == "variants"]
    if jobs and not jobs[-1].is_finished:
        _asking(jobs[-1])
        return
    model_jobs.look_for_variants(card)
    if jobs and (error := jobs[-1].error()) is not None:
        st.caption(plain(explain(error).sentence))


@st.fragment(run_every=POLL_S)
def _asking(job: Job) -> None:
    """Wait for the hub's list; the page is drawn anew when it is there."""
    if job.is_finished:
        st.rerun()
    st.caption("Asking the hub …")
