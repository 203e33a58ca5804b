"""What is on show: the prediction, or a map of the model's files, on cortex or in planes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import cache, messages, outputs_cache, state
from app.cache import Answer
from app.state import AppState
from components.brain import brain_view
from components.charts import course
from components.volume import volume_view
from models.catalog import ModelCard
from models.types import FloatArray

__all__ = ["TEXT_VIEW", "VIEW", "draw", "has_choice", "pick_map"]

#: Names under which linked views speak to each other in the browser: of pictures, of transcripts.
VIEW = "images"
TEXT_VIEW = "transcripts"
PLANES = f"{VIEW}-planes"
COURSE_HEIGHT_PX = 130
SHOW_WIDTH_PX = 340


def has_choice(now: AppState) -> bool:
    """Whether there is anything to choose in :func:`pick_map`."""
    return bool(cache.overlays(now.card, now.subject)) or cache.can_draw_in_full(now.card)


def pick_map(now: AppState) -> tuple[AppState, tuple[str, ...]]:
    """Choose between the prediction and the maps that come with the model's files.

    Returns
    -------
    AppState, tuple of str
        What is to be shown, and a sentence where a link asked for a map that is not there.
    """
    card = now.card
    overlays = cache.overlays(card, now.subject)
    titles = {"": "Prediction", **{overlay.id: overlay.title for overlay in overlays}}
    sentences: tuple[str, ...] = ()
    if now.show not in titles:
        sentences = (f"There is no map called {now.show} here. The prediction is shown.",)
        now = replace(now, show="")
    problem = cache.overlay_problem(card, now.subject)
    if problem:
        st.warning(f"{messages.plain(problem)} Predictions are shown without their accuracy.")
    can_be_full = cache.can_draw_in_full(card)
    if len(titles) > 1:
        show = st.selectbox(
            "Show",
            list(titles),
            list(titles).index(now.show),
            format_func=lambda one: f"Show: {titles[one]}",
            key=f"show:{card.id}:{now.subject}",
            label_visibility="collapsed",
            width=SHOW_WIDTH_PX,
        )
        now = replace(now, show=show)
    is_full = can_be_full and st.toggle(
        "Every vertex",
        now.is_full_mesh,
        key="full-mesh",
        help="Draws the full mesh, not every 16th vertex. Numbers always come from all.",
    )
    return replace(now, is_full_mesh=is_full), sentences


@dataclass(frozen=True)
class _Place:
    """A place that was clicked: whose, where in its own space, in which row."""

    card: ModelCard
    subject: str
    index: int
    row: int


def draw(answer: Answer | None, now: AppState, beside: DeltaGenerator) -> None:
    """Draw the cortex or the planes; what was clicked there goes ``beside`` them."""
    if not cache.can_draw(now.card):
        with beside:
            st.empty()
        st.info(
            f"The atlas file that says where the parcels of {messages.plain(now.card.title)} lie "
            "is not here, so no brain is drawn. The courses below and the files hold all values.",
            icon=":material/visibility_off:",
        )
    elif now.show or answer is not None:
        _stage(answer, now, beside)
    overlay = cache.overlay_of(now.card, now.subject, now.show) if now.show else None
    if overlay is not None:
        st.caption(
            f"**{messages.plain(overlay.title)}: not a prediction.** "
            f"{messages.plain(overlay.description)} Source: {messages.plain(overlay.source)}."
        )


@st.fragment
def _stage(answer: Answer | None, now: AppState, beside: DeltaGenerator) -> None:
    """Viewer and pinned place; a click draws only these anew."""
    if now.show or answer is None:
        card, subject, message = now.card, now.subject, cache.overlay_message(now)
        is_own = answer is not None and (answer.card, answer.subject) == (card, subject)
        answer = answer if is_own else None
    else:
        card, subject = answer.card, answer.subject
        message = cache.message(answer, sample=now.sample, is_full=now.is_full_mesh)
    clicked = _view(message, card, subject, is_full=now.is_full_mesh)
    if clicked is not None:
        state.remember("pin", clicked)
    pin: _Place | None = state.recall("pin")
    if pin is not None and (pin.card, pin.subject) != (card, subject):
        pin = None
    if pin is None:
        st.caption("Click a place to pin it: its exact value and course appear beside the brain.")
    with beside:  # a fragment may only fill what every full run has filled, if with nothing
        if pin is None:
            st.empty()
        else:
            _pinned(answer, now, pin)


def _view(message: bytes, card: ModelCard, subject: str, *, is_full: bool) -> _Place | None:
    """Mount the viewer that fits the space; return what was clicked just now."""
    unpin = partial(state.remember, "pin", None)
    if cache.regions_of(card, subject).space.kind == "volume":
        voxel = volume_view(message, key=PLANES, on_unpin=unpin)
        return None if voxel is None else _Place(card, subject, voxel.place, voxel.frame)
    view = VIEW if card.modality == "image" else TEXT_VIEW
    pick = brain_view(message, key=view, on_unpin=unpin)
    index = None if pick is None else outputs_cache.place_at(card, pick.vertex, is_full)
    return None if pick is None or index is None else _Place(card, subject, index, pick.frame)


def _pinned(answer: Answer | None, now: AppState, pin: _Place) -> None:
    """Exact value of a place, how well it is predicted, its course over the pictures."""
    name = outputs_cache.place_name(pin.card, pin.subject, pin.index)
    with st.container(border=True, gap="small"):
        st.markdown(f"**{messages.plain(name)}**")
        if answer is not None:
            _predicted(answer, pin, name)
        maps = outputs_cache.map_values(pin.card, pin.subject, pin.index, now.show)
        if maps:
            st.caption("  \n".join(_map_words(*one) for one in maps))


def _predicted(answer: Answer, pin: _Place, name: str) -> None:
    """Prediction at a place: the value of the row on show, and the course."""
    values = outputs_cache.course_at(answer, pin.index)
    row = min(pin.row, len(values) - 1)
    is_modelled = math.isfinite(values[row])
    value = f"{values[row]:.4g} {answer.response.units}" if is_modelled else "not modelled"
    label = answer.response.row_labels[row] + (" s" if answer.is_transcript else "")
    st.markdown(f"{value}  \n{messages.plain(label)}")
    if len(values) > 1 and is_modelled:
        _course(answer, values, row, name)


def _map_words(title: str, value: float, units: str) -> str:
    """One map's value at a place."""
    words = f"{value:.3g} {units}" if math.isfinite(value) else "unknown"
    return f"{messages.plain(title)}: {messages.plain(words)}"


def _course(answer: Answer, values: FloatArray, row: int, name: str) -> None:
    """Course of one place over the pictures."""
    response = answer.response
    figure = course(
        values,
        response.row_labels,
        response.units,
        name=name,
        row_kind=response.row_kind,
        current_row=row,
    )
    figure.update_layout(height=COURSE_HEIGHT_PX, showlegend=False, margin_t=8, margin_b=8)
    figure.update_xaxes(title=None, showticklabels=False)
    figure.update_yaxes(title=None)
    st.plotly_chart(figure, key="course", config={"displayModeBar": False})
