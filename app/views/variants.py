"""Which variant of a model answers: those that are here, and those that could be fetched."""

from __future__ import annotations

from dataclasses import replace

from app import downloads, widgets
from app.readiness import readiness_of
from app.state import AppState
from app.views import model_jobs
from models.catalog import VARIANT

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
        widgets.Choice(name, downloads.variant_title(name), _reason(before, name, here))
        for name in dict.fromkeys((*downloads.variants(card), chosen))
    ]
    picked = widgets.pick_one("Variant", choices, chosen, f"variant-of:{card.id}")
    if model_jobs.may_change():
        model_jobs.look_for_variants(card)
    return replace(before, settings=before.settings.replace(**{VARIANT: picked})), sentences


def _reason(before: AppState, name: str, here: tuple[str, ...]) -> str:
    """Why a variant cannot be chosen; empty where it can."""
    if name in here:
        return ""
    about = downloads.about_bytes(before.card, name)
    return f"needs about {downloads.size_words(about)}"
