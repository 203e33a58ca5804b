"""Glass brains, films and volumes of an answer; calls the science like ``cache``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import streamlit as st

from app import cache, drawing, outputs_cache, transcript_cache
from app.cache import Answer
from app.readiness import readiness_of
from app.state import default_state
from app.work import Work
from components.glass import pack_glass
from models import export, export_images, media
from models.catalog import get_card
from models.drawing.colormaps import default_colormap
from models.drawing.cortex_frames import draw_cortex_frames
from models.drawing.drawn import drawn_space
from models.drawing.glass import GlassProjector, default_limit, load_projector
from models.drawing.glass_frames import draw_frames
from models.drawing.paint import Look
from models.drawing.parcels import parcel_volume
from models.spaces import FSLR32K
from models.types import Report, Response, UInt8Array, ignore_progress

__all__ = [
    "FILMS",
    "MOST_FRAMES",
    "Kind",
    "Order",
    "Scene",
    "can_project",
    "colour_limit",
    "file_name",
    "glass_message",
    "is_film",
    "kinds",
    "make",
    "scenes",
    "start",
    "start_glass",
    "warm_up",
]

Kind = Literal["gif", "mp4", "webm", "png", "nifti", "dense", "gifti-left", "gifti-right"]
Scene = Literal["glass", "four", "occipital", "flat"]

FILMS: tuple[Kind, ...] = media.FILM_KINDS
_PATIENCE_S = 60.0
#: Volumes that the glass brain plays: each is some 15 kB in the browser.
MOST_FRAMES = 2000
#: Rows that are put on a mesh, or projected, at once: a whole film of them would be large.
_ROWS_AT_ONCE = {"glass": 500, "cortex": 32}
GLASS_WIDTH_PX, CORTEX_WIDTH_PX = 950, 720
#: What a name of a file says of what it shows.
_ENDINGS: dict[Kind, tuple[str, str]] = {
    "nifti": ("volumes", "nii.gz"),
    "dense": ("vertices", "dtseries.nii"),
    "gifti-left": ("values", "L.func.gii"),
    "gifti-right": ("values", "R.func.gii"),
}


@dataclass(frozen=True)
class Order:
    """One file that is wanted.

    Parameters
    ----------
    kind : str
        One of :func:`kinds`.
    scene : str
        One of :func:`scenes`; of films and pictures.
    rate_hz : float
        Rows a second; of films.
    row : int
        Of a picture.
    threshold : float
        Smaller sizes are not drawn; of films and pictures.
    """

    kind: Kind
    scene: Scene = "glass"
    rate_hz: float = 1.0
    row: int = 0
    threshold: float = 0.0


def is_film(kind: Kind) -> bool:
    """Whether a kind of file moves."""
    return kind in FILMS


# The glass brain -----------------------------------------------------------------------------


def can_project(answer: Answer) -> bool:
    """Whether it is known where the places of an answer lie."""
    if answer.is_volume:
        return cache.grid_of(answer.card, answer.subject) is not None
    return cache.can_draw(answer.card)


@lru_cache(maxsize=2)
def _grid_projector(model_id: str, subject: str, stamp: int) -> GlassProjector:
    grid = cache.grid_of(get_card(model_id), subject)
    assert grid is not None  # can_project has looked
    return GlassProjector(grid)


def _projector(answer: Answer) -> GlassProjector:
    """Lines of sight through the places of an answer."""
    space = answer.response.space
    if space.kind == "volume":
        stamp = readiness_of(answer.card).stamp
        return _grid_projector(answer.card.id, answer.subject, stamp)
    return load_projector(space.name, parcel_volume(space.name))


def _regions(answer: Answer) -> tuple[str, ...]:
    """Region of every parcel, the smallest where it is in several; empty for none."""
    if not answer.is_parcels:
        return ()
    regions = cache.regions_of(answer.card, answer.subject)
    places = range(answer.response.space.n_places)
    return tuple((regions.regions_at(place) or ("",))[0] for place in places)


def _names(answer: Answer) -> tuple[str, ...]:
    """Words for every parcel: its region, its side, and its number where several share these."""
    if not answer.is_parcels:
        return ()
    space = answer.response.space
    names = [
        f"{region or 'no named region'} · {'left' if place < space.n_left else 'right'}"
        for place, region in enumerate(_regions(answer))
    ]
    n_called = Counter(names)
    return tuple(
        name if n_called[name] == 1 else f"{name} · parcel {place}"
        for place, name in enumerate(names)
    )


def glass_message(answer: Answer) -> bytes:
    """Everything that the glass brain of a transcript draws."""
    assert answer.tr_s is not None  # it is of a transcript
    response = answer.response
    return pack_glass(
        response,
        _projector(answer).project_response(response),
        linked=drawn_space(response.space.name),
        names=_names(answer),
        named_regions=_regions(answer),
        frame_rate_hz=1 / answer.tr_s,
    )


@st.cache_resource(max_entries=16, show_spinner=False)
def _glass(answer_id: str, _answer: Answer) -> Work[bytes]:
    def pack(report: Report) -> bytes:
        report("looking through the brain", 0, 1)
        return glass_message(_answer)

    return cache.work(pack)


def start_glass(answer: Answer) -> Work[bytes]:
    """Begin the message of a glass brain; the same work for everybody."""
    return _glass(answer.id, answer)


def warm_up() -> None:
    """Make the first visit to the transcripts page ready: its answer, cortex and glass brain."""
    now = default_state(transcript_cache.surroundings())
    draft = transcript_cache.example_draft(now.sample, now.tr_s)
    job = cache.submit(now, (draft.stimulus,))
    job.wait()
    answer = cache.answer_of(job)
    cache.message(answer, sample=now.sample)
    start_glass(answer).wait(_PATIENCE_S)


# Films and files -----------------------------------------------------------------------------


def scenes(answer: Answer) -> tuple[Scene, ...]:
    """Say what films and pictures of an answer can show; none where nothing can be drawn."""
    if not can_project(answer):
        return ()
    if answer.is_volume:
        return ("glass",)
    return ("glass", "four") if answer.is_transcript else ("occipital", "glass", "four", "flat")


def kinds(answer: Answer) -> tuple[Kind, ...]:
    """Files that can be made of an answer, beside those of ``outputs``."""
    found: list[Kind] = []
    if scenes(answer):
        found += [*FILMS, "png"] if answer.response.n_rows > 1 else ["png"]
    space = answer.response.space.name
    if (answer.is_volume and scenes(answer)) or parcel_volume(space) is not None:
        found.append("nifti")
    if scenes(answer) and not answer.is_volume:
        if drawn_space(space) == FSLR32K.name:
            found.append("dense")
        if answer.is_parcels:
            found += ["gifti-left", "gifti-right"]
    return tuple(found)


def file_name(answer: Answer, order: Order) -> str:
    """Name of a download."""
    if order.kind in _ENDINGS:
        what, ending = _ENDINGS[order.kind]
        if order.kind == "dense" and answer.tr_s is None:
            ending = "dscalar.nii"
        return outputs_cache.file_name(answer, what, ending)
    shown = "glass-brain" if order.scene == "glass" else f"cortex-{order.scene}"
    numbered = f"{shown}-{order.row + 1}" if order.kind == "png" else shown
    return outputs_cache.file_name(answer, numbered, order.kind)


def colour_limit(answer: Answer) -> float:
    """Value of the last colour: the viewers' own."""
    return default_limit(answer.response.values)


def start(answer: Answer, order: Order) -> Work[bytes]:
    """Begin to make a file."""
    return cache.work(lambda report: make(answer, order, report))


def make(answer: Answer, order: Order, report: Report = ignore_progress) -> bytes:
    """Make a file.

    Raises
    ------
    BoldcastError
        It cannot be made, in one sentence.
    Cancelled
        ``report`` asked to stop.
    """
    report("beginning", 0, 1)
    response, kind = answer.response, order.kind
    if kind in media.FILM_KINDS:
        return _film(answer, order, kind, report)
    if kind == "png":
        return _poster(answer, order)
    if kind == "nifti":
        return _volumes(answer, report)
    drawn = drawing.drawn_response(response)
    if kind == "dense":
        (content,) = export_images.cifti(drawn, tr_s=answer.tr_s).values()
        return content
    left, right = export.gifti(drawn, tr_s=answer.tr_s).values()
    return left if kind == "gifti-left" else right


def _look(answer: Answer, threshold: float) -> Look:
    """Colours as the viewers have them at first."""
    is_signed, limit = answer.response.is_signed, colour_limit(answer)
    return Look(default_colormap(is_signed), -limit if is_signed else 0.0, limit, threshold)


def _film(answer: Answer, order: Order, kind: media.FilmKind, report: Report) -> bytes:
    """Film of all rows."""
    look = _look(answer, order.threshold)
    tr_s = answer.tr_s
    caption = media.caption_of(
        answer.response,
        look,
        tr_s=tr_s,
        speed=None if tr_s is None else round(order.rate_hz * tr_s, 6),
        texts=answer.texts,
        has_bar=order.scene != "glass",
    )
    frames = _frames(answer, answer.response, order.scene, look)
    return media.animate(frames, order.rate_hz, kind, caption, report)


def _poster(answer: Answer, order: Order) -> bytes:
    """Picture of one row, in the colours of all."""
    look = _look(answer, order.threshold)
    caption = media.caption_of(
        answer.response,
        look,
        tr_s=answer.tr_s,
        speed=None,
        texts=answer.texts,
        has_bar=order.scene != "glass",
    )
    row = drawing.one_row(answer.response, order.row)
    (frame,) = _frames(answer, row, order.scene, look)
    return media.poster_png(frame, caption, order.row)


def _frames(answer: Answer, response: Response, scene: Scene, look: Look) -> Iterator[UInt8Array]:
    """Draw rows of an answer, one after the other."""
    if scene == "glass":
        for part in _parts(response, _ROWS_AT_ONCE["glass"]):
            yield from draw_frames(
                _projector(answer).project_response(part),
                look.colormap,
                look.maximum,
                is_signed=response.is_signed,
                threshold=look.threshold,
                width_px=GLASS_WIDTH_PX,
                units=response.units,
            )
        return
    shape = "flat" if scene == "flat" else "inflated"
    for part in _parts(response, _ROWS_AT_ONCE["cortex"]):
        drawn = drawing.drawn_response(part)
        yield from draw_cortex_frames(
            drawn, look, views=scene, shape=shape, width_px=CORTEX_WIDTH_PX
        )


def _parts(response: Response, n_rows: int) -> Iterator[Response]:
    """Rows of a response, so many at once."""
    for start_row in range(0, response.n_rows, n_rows):
        rows = slice(start_row, start_row + n_rows)
        yield replace(response, values=response.values[rows], row_labels=response.row_labels[rows])


def _volumes(answer: Answer, report: Report) -> bytes:
    """Volumes with the time between them in the header."""
    response = answer.response
    if response.space.kind == "volume":
        grid = cache.grid_of(answer.card, answer.subject)
        assert grid is not None  # kinds has looked
        return export_images.nifti_voxels(response, grid, tr_s=answer.tr_s, report=report)
    atlas = parcel_volume(response.space.name)
    assert atlas is not None  # kinds has looked
    return export_images.nifti_parcels(response, atlas, tr_s=answer.tr_s, report=report)
