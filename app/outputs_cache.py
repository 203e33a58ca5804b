"""Numbers and files of an answer: what tables, courses, tooltips and downloads hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import streamlit as st

from app import cache, drawing
from app.cache import Answer
from app.readiness import readiness_of
from app.work import Work
from models import export
from models.analysis import roi
from models.catalog import ModelCard, get_card
from models.drawing import paint, still
from models.types import FloatArray, Hemisphere, Report, Selection

__all__ = [
    "bundle",
    "course_at",
    "file_name",
    "gifti",
    "hemispheres",
    "map_values",
    "npz",
    "place_at",
    "place_name",
    "region_accuracy",
    "region_courses",
    "region_csv",
    "region_rows",
    "start_still",
]

#: More lines than this cannot be told apart.
MOST_COURSES = 8


def hemispheres(side: Literal["both", "left", "right"]) -> tuple[Hemisphere, ...]:
    """Sides meant by a choice."""
    return ("left", "right") if side == "both" else (side,)


@st.cache_resource(max_entries=64, show_spinner=False)
def _region_rows(answer_id: str, row: int | None, _answer: Answer) -> tuple[roi.RegionRow, ...]:
    return roi.region_table(
        _answer.response,
        cache.regions_of(_answer.card, _answer.subject),
        _answer.selection.regions,
        hemispheres(_answer.selection.hemisphere),
        row,
        _answer.card.low_confidence_regions,
    )


def region_rows(answer: Answer, row: int | None) -> tuple[roi.RegionRow, ...]:
    """Means of the chosen regions in one picture, or in all of them (None)."""
    return _region_rows(answer.id, row, answer)


def region_courses(answer: Answer) -> tuple[list[str], FloatArray, list[str]]:
    """Lines to draw over all pictures: the strongest regions, each side on its own.

    Returns
    -------
    list of str, ndarray of shape (n_rows, n_lines), list of str
        Names such as "V1 left", means (NaN where nothing is modelled), and those of the names
        that the model's card asks to mark.
    """
    table = region_rows(answer, None)
    n_lines = len(table) // answer.response.n_rows
    means = np.array([line.mean for line in table]).reshape(-1, n_lines)
    peak = np.nan_to_num(np.abs(means), nan=-1.0).max(axis=0)
    kept = [table[index] for index in np.sort(np.argsort(-peak, kind="stable")[:MOST_COURSES])]
    columns = [table.index(line) for line in kept]
    low = [line.name for line in kept if line.is_low_confidence]
    return [line.name for line in kept], means[:, columns], low


@st.cache_resource(max_entries=32, show_spinner=False)
def _region_accuracy(
    model_id: str, selection: Selection, stamp: int
) -> dict[str, dict[tuple[str, str], float]]:
    card, subject = get_card(model_id), selection.subjects[0]
    regions = cache.regions_of(card, subject)
    names = selection.regions or regions.names
    sides = roi.sides_of(regions, ("left", "right"))
    return {
        overlay.short + (" (%)" if overlay.units.startswith("%") else ""): {
            (name, side): roi.map_mean(overlay.values, regions, name, side)
            for name in names
            for side in dict.fromkeys((*sides, selection.hemisphere))
        }
        for overlay in cache.overlays(card, subject)
        if overlay.is_accuracy
    }


def region_accuracy(answer: Answer) -> dict[str, dict[tuple[str, str], float]]:
    """How well regions are, or can be, predicted.

    Returns
    -------
    dict of str to dict
        Short name of a map -> (region, side) -> mean over all of the region's places; the side
        chosen on the page is there too. Empty for a model without such maps.
    """
    stamp = readiness_of(answer.card).stamp
    return _region_accuracy(answer.card.id, answer.selection, stamp)


def place_at(card: ModelCard, vertex: int, is_full: bool) -> int | None:
    """Place of a model's own space that a drawn vertex stands for; None for none."""
    return drawing.own_place(card.space, vertex, is_full)


def place_name(card: ModelCard, subject: str, place: int) -> str:
    """Words for one place: its regions, hemisphere and number."""
    regions = cache.regions_of(card, subject)
    held = regions.regions_at(place)
    first = held[0] if held else "outside every region"
    within = f" (in {', '.join(held[1:])})" if len(held) > 1 else ""
    if regions.space.kind == "volume":
        return f"{first}{within}, voxel {place}"
    side = "left" if place < regions.space.n_left else "right"
    kind = "parcel" if regions.space.kind == "parcels" else "vertex"
    return f"{first}{within}, {side}, {kind} {place}"


def map_values(
    card: ModelCard, subject: str, place: int, shown: str = ""
) -> tuple[tuple[str, float, str], ...]:
    """Read the maps at one place, the one on show first, then how well the place is predicted.

    Returns
    -------
    tuple of (title, value, unit)
        NaN where a map knows nothing of the place.
    """
    held = [one for one in cache.overlays(card, subject) if one.is_accuracy or one.id == shown]
    held.sort(key=lambda one: one.id != shown)
    return tuple((one.title, float(one.values[place]), one.units) for one in held)


def course_at(answer: Answer, place: int) -> FloatArray:
    """Values of one place over all rows, (n_rows,) float32; NaN where not modelled."""
    response = answer.response
    column = int(np.searchsorted(response.column_indices, place))
    if column < response.values.shape[1] and response.column_indices[column] == place:
        values: FloatArray = response.values[:, column]
        return values
    return np.full(response.n_rows, np.nan, np.float32)


def region_csv(answer: Answer) -> bytes:
    """Table of region values of all pictures."""
    return export.region_csv(
        answer.response,
        cache.regions_of(answer.card, answer.subject),
        answer.selection.regions,
        hemispheres(answer.selection.hemisphere),
        answer.card.low_confidence_regions,
    )


def npz(answer: Answer) -> bytes:
    """All values as a numpy archive."""
    return export.npz(answer.response, tr_s=answer.tr_s, texts=answer.texts)


def gifti(answer: Answer, side: Hemisphere) -> bytes:
    """All values of one hemisphere."""
    left, right = export.gifti(answer.response).values()
    return left if side == "left" else right


def bundle(answer: Answer, extra: Mapping[str, bytes] | None = None) -> bytes:
    """Everything in one zip file, with files of other makers."""
    return export.bundle_zip(
        answer.response,
        cache.regions_of(answer.card, answer.subject),
        answer.selection.regions,
        low_confidence=answer.card.low_confidence_regions,
        extra=extra,
        tr_s=answer.tr_s,
        texts=answer.texts,
    )


def file_name(answer: Answer, what: str, extension: str) -> str:
    """Name of a download."""
    return export.file_name(answer.response, what, extension)


def start_still(answer: Answer, row: int, view: str) -> Work[bytes]:
    """Begin a print-quality picture of one row; PNG bytes when finished."""

    def draw(report: Report) -> bytes:
        report("drawing at 300 dpi", 0, 1)
        shape = "flat" if view == "flat" else "inflated"
        if answer.is_parcels:
            low, high = paint.limits_of(answer.response)
            one = drawing.drawn_response(drawing.one_row(answer.response, row))
            return still.draw_still(one, 0, view, shape, None, low, high)
        return still.draw_still(drawing.drawn_response(answer.response), row, view, shape)

    return cache.work(draw)
