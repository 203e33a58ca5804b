"""Films, pictures and volumes: made beside the page, with progress and a way out, then saved."""

from __future__ import annotations

from typing import cast

import streamlit as st

from app import cache, film_cache, messages, state
from app.cache import Answer
from app.film_cache import Kind, Order, Scene
from app.views.waiting import POLL_S
from app.work import Work
from models.errors import BoldcastError

__all__ = ["window"]

KINDS: dict[Kind, str] = {
    "gif": "GIF film",
    "mp4": "MP4 film",
    "webm": "WebM film",
    "png": "PNG picture",
    "nifti": "NIfTI volumes, 4-D",
    "dense": "CIFTI, every vertex",
    "gifti-left": "GIFTI, left hemisphere",
    "gifti-right": "GIFTI, right hemisphere",
}
SCENES: dict[Scene, str] = {
    "glass": "Glass brain",
    "four": "Cortex from four sides",
    "occipital": "Back of the brain",
    "flat": "Flat map",
}
MIME: dict[Kind, str] = {
    "gif": "image/gif",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "png": "image/png",
}
#: Times faster than in life.
SPEEDS = (1.0, 2.0, 4.0, 8.0, 16.0)
#: Pictures a second, where rows have no times.
RATES_HZ = (0.5, 1.0, 2.0, 4.0, 8.0)


def window(answer: Answer) -> None:
    """Draw the button and what opens below it; nothing where no such file can be made."""
    if film_cache.kinds(answer):
        with st.popover("Film", icon=":material/movie:", key="film"):
            _choose(answer)


@st.fragment
def _choose(answer: Answer) -> None:
    """Say what is wanted, wait for it, save it."""
    kinds = film_cache.kinds(answer)
    kind = st.selectbox("File", kinds, format_func=KINDS.__getitem__, key=f"film-kind:{len(kinds)}")
    order = _order(answer, kind)
    work: Work[bytes] | None = state.recall("film")
    if work is None or state.recall("film-of") != (answer.id, order):
        if st.button("Make the file", icon=":material/movie:", width="stretch", type="primary"):
            state.remember("film", film_cache.start(answer, order))
            state.remember("film-of", (answer.id, order))
            st.rerun(scope="fragment")
        return
    if not work.is_finished:
        _progress(work)
        return
    try:
        content = work.result()
    except (BoldcastError, MemoryError, OSError) as error:
        messages.show(error)
        st.button("Once more", on_click=state.remember, args=("film", None), width="stretch")
        return
    st.download_button(
        f"Save the file, {_size(len(content))}",
        content,
        film_cache.file_name(answer, order),
        MIME.get(kind, "application/octet-stream"),
        icon=":material/download:",
        on_click="ignore",
        type="primary",
        width="stretch",
    )


def _order(answer: Answer, kind: Kind) -> Order:
    """Everything else that this kind of file needs to know."""
    if kind not in MIME:
        st.caption(_words(answer, kind))
        return Order(kind)
    scenes = film_cache.scenes(answer)
    names = "+".join(scenes)
    scene = scenes[0]
    if len(scenes) > 1:
        scene = st.selectbox(
            "Shows", scenes, format_func=SCENES.__getitem__, key=f"film-scene:{names}"
        )
    limit = film_cache.colour_limit(answer)
    threshold = st.slider(
        "Hide below",
        *(0.0, limit, 0.0, limit / 100),
        format="%.3g",
        key=f"film-threshold:{limit:g}",
        help=f"In {answer.response.units}. Colours and their limits are those that the brain on "
        "this page starts with.",
    )
    if film_cache.is_film(kind):
        return Order(kind, scene, _rate_hz(answer), threshold=threshold)
    return Order(kind, scene, row=_row(answer), threshold=threshold)


def _rate_hz(answer: Answer) -> float:
    """Rows a second; says how long the film is."""
    n_rows, tr_s = answer.response.n_rows, answer.tr_s
    if tr_s is None:
        rate_hz = st.select_slider("Pictures a second", RATES_HZ, 2.0, key="film-rate")
        st.caption(f"{n_rows} pictures: {_seconds(n_rows / rate_hz)}.")
        return rate_hz
    speed = st.select_slider(
        "Speed", SPEEDS, 1.0, format_func=lambda one: _pace(one), key="film-speed"
    )
    length = _seconds(n_rows * tr_s / speed)
    st.caption(f"{n_rows} volumes of {tr_s:g} s, {_pace(speed)}: the film lasts {length}.")
    return speed / tr_s


def _pace(speed: float) -> str:
    return "real time" if speed == 1 else f"{speed:g} × real time"


def _seconds(length_s: float) -> str:
    """Length for a person."""
    if length_s < 90:
        return f"{length_s:.3g} s"
    minutes, seconds = divmod(round(length_s), 60)
    return f"{minutes} min {seconds} s"


def _row(answer: Answer) -> int:
    """Which row a picture shows."""
    labels = answer.response.row_labels
    if len(labels) == 1:
        return 0
    return cast(
        "int",
        st.selectbox(
            "Volume" if answer.is_transcript else "Picture",
            range(len(labels)),
            format_func=lambda row: (
                f"{row + 1} · {labels[row]}{' s' if answer.is_transcript else ''}"
            ),
            key=f"film-row:{answer.id}",
        ),
    )


def _words(answer: Answer, kind: Kind) -> str:
    """Say what a file of numbers holds."""
    n_rows, tr_s = answer.response.n_rows, answer.tr_s
    timed = f", TR {tr_s:g} s in the header" if tr_s is not None else ""
    if kind == "nifti":
        place = "the model's own voxels" if answer.is_volume else "MNI space"
        return f"{n_rows} volumes in {place}{timed}; empty where nothing is modelled."
    mesh = cache.drawn_mesh(answer)
    return f"{n_rows} rows on {mesh}{timed}; every vertex has the value of its parcel or its own."


def _size(n_bytes: int) -> str:
    """Bytes for a person."""
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 1e6 else f"{n_bytes / 1e3:.0f} kB"


@st.fragment(run_every=POLL_S)
def _progress(work: Work[bytes]) -> None:
    """Stage and share done, with a way out."""
    if work.is_finished:
        st.rerun()
    share = work.done / work.total if work.total else 0.0
    counted = f" {work.done} of {work.total}" if work.total > 1 else ""
    st.progress(min(share, 1.0), f"{work.stage.capitalize()}{counted} …")
    st.button("Cancel", on_click=work.cancel, key="film-cancel", width="stretch")
