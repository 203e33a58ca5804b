"""The only home of ``st.cache_*`` and the only caller of the science in ``models``.

Cached functions are keyed by ids and digests; a payload passes as ``_name`` and is never hashed.
What they return is shared between visitors and read-only.
"""

from __future__ import annotations

import gc
import hashlib
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from weakref import WeakValueDictionary

import numpy as np
import streamlit as st

from app import meshes
from app.state import AppState, Surroundings, default_state
from app.work import Work
from components.brain import pack_view
from models import export
from models.analysis import roi
from models.atlases import Atlas, load_atlas
from models.catalog import ModelCard, get_card, list_cards, load_object
from models.drawing import static, still
from models.encoders.base import Preview
from models.engine import Engine, Job, Request
from models.gallery import GallerySet, get_set, list_sets
from models.retinotopy import ReceptiveFields
from models.stimulus import ReadResult, Stimulus, read_many
from models.types import FloatArray, Hemisphere, Report, Response, Settings, UInt8Array

__all__ = [
    "Answer",
    "answer_of",
    "atlas_of",
    "brain_message",
    "bundle",
    "close",
    "counters",
    "course_at",
    "default_mesh_url",
    "engine",
    "file_name",
    "gifti",
    "hemispheres",
    "is_warm",
    "mesh_bytes",
    "npz",
    "picture_set",
    "picture_sets",
    "plain_still",
    "read_pictures",
    "receptive_fields",
    "region_csv",
    "region_names",
    "region_rows",
    "sample_pictures",
    "start_previews",
    "start_still",
    "submit",
    "surroundings",
    "thumbnails",
    "warm_up",
]

_IS_WARM = threading.Event()
#: Answers held by pages; an id is a hash that only such a page knows.
_SHOWN: WeakValueDictionary[str, Answer] = WeakValueDictionary()

#: Pictures a second where a set has no rate of its own.
SLOW_RATE_HZ = 0.5
THUMBNAIL_PX = 96
TILE_PX = 320
#: More lines than this cannot be told apart.
MOST_COURSES = 8


@dataclass(frozen=True, eq=False)
class Answer:
    """One finished prediction, ready to be drawn.

    Parameters
    ----------
    id : str
        Hash of the question; the key of everything derived from the answer.
    stimuli : tuple of Stimulus
        One a row of the response.
    response : Response
    card : ModelCard
    settings : Settings
    """

    id: str
    stimuli: tuple[Stimulus, ...]
    response: Response
    card: ModelCard
    settings: Settings


# Engine -------------------------------------------------------------------------------------


@st.cache_resource(max_entries=1, show_spinner=False)
def engine() -> Engine:
    """Return the one engine of this process."""
    return Engine()


@st.cache_resource(max_entries=1, show_spinner=False)
def _pool() -> ThreadPoolExecutor:
    """Threads for everything slow that is no prediction."""
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="boldcast-work")


def submit(state: AppState, stimuli: Sequence[Stimulus]) -> Job:
    """Ask for the response to some pictures; returns at once."""
    return engine().submit(_request(state, stimuli))


def is_for(job: Job, state: AppState, stimuli: Sequence[Stimulus]) -> bool:
    """Whether a job answers this question."""
    return job.request.key == _request(state, stimuli).key


def _request(state: AppState, stimuli: Sequence[Stimulus]) -> Request:
    return Request(state.model_id, tuple(stimuli), state.selection, state.settings)


def answer_of(job: Job) -> Answer:
    """Answer of a finished job.

    Raises
    ------
    BoldcastError
        What went wrong.
    """
    (response,) = job.result()
    request = job.request
    digest = hashlib.blake2b(repr(request.key).encode(), digest_size=12).hexdigest()
    card = get_card(request.model_id)
    answer = Answer(digest, request.stimuli, response, card, request.settings)
    _SHOWN[digest] = answer
    return answer


# Places -------------------------------------------------------------------------------------


def atlas_of(card: ModelCard) -> Atlas:
    """Atlas that names the places of a model."""
    return load_atlas(card.space, card.atlas)


def region_names(card: ModelCard) -> tuple[str, ...]:
    """Regions of a model."""
    return atlas_of(card).names


def receptive_fields(card: ModelCard) -> ReceptiveFields | None:
    """Where each vertex looks; None for a model without such a map."""
    if not card.receptive_fields:
        return None
    fields: ReceptiveFields = load_object(card.receptive_fields)()
    return fields


@st.cache_resource(max_entries=16, show_spinner=False)
def _receptive_field_sizes(path: str, settings_id: str, _settings: Settings) -> FloatArray:
    sizes: FloatArray = load_object(path)(_settings)
    return sizes


def receptive_field_sizes(answer: Answer) -> FloatArray | None:
    """Radius of each vertex's receptive field, deg; None for a model without such a table."""
    path = answer.card.receptive_field_sizes
    if not path:
        return None
    return _receptive_field_sizes(path, repr(answer.settings.key("readout")), answer.settings)


@st.cache_resource(max_entries=48, show_spinner=False)
def _brain_message(
    answer_id: str, options: tuple[tuple[str, object], ...], _answer: Answer
) -> bytes:
    return pack_view(
        _answer.response,
        mesh_url=meshes.url(_answer.card.space),
        atlas=atlas_of(_answer.card),
        low_confidence=_answer.card.low_confidence_regions,
        thumbnails=thumbnails(_answer.stimuli),
        fallback_url=f"boldcast/still/{_answer.id}.png",
        **dict(options),
    )


def brain_message(
    answer: Answer, *, sample: str, regions: tuple[str, ...], is_kiosk: bool
) -> bytes:
    """Everything the brain viewer draws, in one message; packed once an answer."""
    rate_hz = picture_set(sample).frame_rate_hz if sample else 0.0
    options = {
        "regions": regions,
        "frame_rate_hz": rate_hz or SLOW_RATE_HZ,
        "is_holding": not rate_hz,  # pictures without an order are rested on, not blended
        "is_autoplaying": answer.response.n_rows > 1,
        "is_kiosk": is_kiosk,
    }
    return _brain_message(answer.id, tuple(options.items()), answer)


def default_mesh_url() -> str:
    """Relative URL of the first page's brain, as soon as it has been built; never waits."""
    return meshes.known_url(list_cards("image")[0].space)


def mesh_bytes(name: str) -> bytes | None:
    """Gzipped mesh of a known name, for the server's route."""
    return meshes.content(name)


# Pictures -----------------------------------------------------------------------------------


def surroundings() -> Surroundings:
    """Return what a link is judged by."""
    return Surroundings(region_names, {one.id: one.visual_angle_deg for one in picture_sets()})


def picture_sets() -> tuple[GallerySet, ...]:
    """Built-in sets of pictures, in the order to show them."""
    return list_sets()


def picture_set(sample: str) -> GallerySet:
    """One built-in set."""
    return get_set(sample)


def sample_pictures(sample: str) -> tuple[Stimulus, ...]:
    """Pictures of one built-in set."""
    return get_set(sample).stimuli()


def read_pictures(files: Sequence[tuple[str, bytes]], room: int) -> ReadResult:
    """Check and decode uploaded files; at most ``room`` pictures are taken."""
    return read_many(files, room)


@st.cache_resource(max_entries=1024, show_spinner=False)
def _small(digest: str, side: int, _stimulus: Stimulus) -> UInt8Array:
    return _stimulus.thumbnail(side)


def thumbnails(stimuli: Sequence[Stimulus]) -> tuple[UInt8Array, ...]:
    """Small pictures, (height, width, 3) uint8, longer side ``THUMBNAIL_PX``."""
    return tuple(_small(stimulus.digest, THUMBNAIL_PX, stimulus) for stimulus in stimuli)


def tile_pictures(stimuli: Sequence[Stimulus]) -> tuple[UInt8Array, ...]:
    """Pictures large enough to touch, longer side ``TILE_PX``."""
    return tuple(_small(stimulus.digest, TILE_PX, stimulus) for stimulus in stimuli)


@st.cache_resource(max_entries=256, show_spinner=False)
def _preview(
    model_id: str, settings_id: str, digest: str, _settings: Settings, _stimulus: Stimulus
) -> Preview:
    return engine().model(model_id).preview(_stimulus, _settings)


@st.cache_resource(max_entries=64, show_spinner=False)
def _previews(answer_id: str, _answer: Answer) -> Work[tuple[Preview, ...]]:
    settings_id = repr(_answer.settings.as_dict())

    def look(report: Report) -> tuple[Preview, ...]:
        found = []
        for number, stimulus in enumerate(_answer.stimuli):
            report("looking at pictures", number, len(_answer.stimuli))
            found.append(
                _preview(_answer.card.id, settings_id, stimulus.digest, _answer.settings, stimulus)
            )
        return tuple(found)

    return Work(_pool(), look)


def start_previews(answer: Answer) -> Work[tuple[Preview, ...]]:
    """Begin to work out what the model sees of each picture; the same work for everybody."""
    return _previews(answer.id, answer)


# Numbers and files --------------------------------------------------------------------------


def hemispheres(side: Literal["both", "left", "right"]) -> tuple[Hemisphere, ...]:
    """Sides meant by a choice."""
    return ("left", "right") if side == "both" else (side,)


@st.cache_resource(max_entries=64, show_spinner=False)
def _region_rows(
    answer_id: str,
    regions: tuple[str, ...],
    side: Literal["both", "left", "right"],
    row: int | None,
    _answer: Answer,
) -> tuple[roi.RegionRow, ...]:
    return roi.region_table(
        _answer.response,
        atlas_of(_answer.card),
        regions,
        hemispheres(side),
        row,
        _answer.card.low_confidence_regions,
    )


def region_rows(answer: Answer, state: AppState, row: int | None) -> tuple[roi.RegionRow, ...]:
    """Means of the chosen regions in one picture, or in all of them (None)."""
    return _region_rows(answer.id, state.regions, state.hemisphere, row, answer)


def region_courses(answer: Answer, state: AppState) -> tuple[list[str], FloatArray]:
    """Lines to draw over all pictures: the strongest regions, each side on its own.

    Returns
    -------
    list of str, ndarray of shape (n_rows, n_lines)
        Names such as "V1 left", and means; NaN where nothing is modelled.
    """
    table = region_rows(answer, state, None)
    n_lines = len(table) // answer.response.n_rows
    means = np.array([line.mean for line in table]).reshape(-1, n_lines)
    peak = np.nan_to_num(np.abs(means), nan=-1.0).max(axis=0)
    kept = np.sort(np.argsort(-peak, kind="stable")[:MOST_COURSES])
    names = [f"{table[index].region} {table[index].hemisphere}" for index in kept]
    return names, means[:, kept]


def place_name(answer: Answer, vertex: int) -> str:
    """Words for one vertex: region and hemisphere."""
    side = "left" if vertex < answer.response.space.n_left else "right"
    region = atlas_of(answer.card).region_at(vertex)
    return f"{region or 'outside every region'}, {side}, vertex {vertex}"


def course_at(answer: Answer, vertex: int) -> FloatArray:
    """Values of one vertex over all rows, (n_rows,) float32; NaN where not modelled."""
    return answer.response.dense()[:, vertex]


def region_csv(answer: Answer, state: AppState) -> bytes:
    """Table of region values of all pictures."""
    return export.region_csv(
        answer.response,
        atlas_of(answer.card),
        state.regions,
        hemispheres(state.hemisphere),
        answer.card.low_confidence_regions,
    )


def npz(answer: Answer) -> bytes:
    """All values as a numpy archive."""
    return export.npz(answer.response)


def gifti(answer: Answer, side: Hemisphere) -> bytes:
    """All values of one hemisphere."""
    left, right = export.gifti(answer.response).values()
    return left if side == "left" else right


def bundle(answer: Answer, state: AppState) -> bytes:
    """Everything in one zip file."""
    return export.bundle_zip(
        answer.response,
        atlas_of(answer.card),
        state.regions,
        low_confidence=answer.card.low_confidence_regions,
    )


def file_name(answer: Answer, what: str, extension: str) -> str:
    """Name of a download."""
    return export.file_name(answer.response, what, extension)


def start_still(answer: Answer, row: int, view: str) -> Work[bytes]:
    """Begin a print-quality picture of one row; PNG bytes when finished."""

    def draw(report: Report) -> bytes:
        report("drawing at 300 dpi", 0, 1)
        shape = "flat" if view == "flat" else "inflated"
        return still.draw_still(answer.response, row, view, shape)

    return Work(_pool(), draw)


@st.cache_resource(max_entries=16, show_spinner=False)
def _plain_still(answer_id: str, _answer: Answer) -> bytes:
    return static.fallback_png(_answer.response)


def plain_still(answer_id: str) -> bytes | None:
    """PNG of an answer that some page shows now, for browsers without WebGL; else None."""
    answer = _SHOWN.get(answer_id)
    return None if answer is None else _plain_still(answer_id, answer)


# Server -------------------------------------------------------------------------------------


def warm_up() -> None:
    """Make the first visitor's page ready: mesh, model, and the answer it will show.

    Ends with a frozen heap: what lives now lives for good and is not searched again by the
    garbage collector.
    """
    try:
        state = default_state(surroundings())
        meshes.url(state.card.space)
        job = submit(state, sample_pictures(state.sample))
        job.wait()
        answer = answer_of(job)
        thumbnails(answer.stimuli)
        start_previews(answer).result()
        region_rows(answer, state, None)
    finally:
        gc.collect()
        gc.freeze()
        _IS_WARM.set()


def is_warm() -> bool:
    """Whether :func:`warm_up` is over."""
    return _IS_WARM.is_set()


def counters() -> dict[str, int]:
    """Numbers for whoever watches the server."""
    found = {"is_warm": int(is_warm()), "mesh_bytes": meshes.n_bytes()}
    found |= {f"engine_{name}": value for name, value in engine().counters().items()}
    statm = Path("/proc/self/statm")
    if statm.exists():  # Linux
        found["resident_bytes"] = int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return found


def close() -> None:
    """End the workers."""
    engine().close()
    _pool().shutdown(wait=False, cancel_futures=True)
