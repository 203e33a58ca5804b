"""The only home of ``st.cache_*`` and the only caller of the science in ``models``.

Cached functions are keyed by ids and digests; a payload passes as ``_name`` and is never hashed.
What they return is shared between visitors and read-only.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar
from weakref import WeakValueDictionary

import numpy as np
import streamlit as st

from app import drawing, meshes
from app.readiness import readiness_of
from app.state import AppState, Surroundings
from app.work import Work
from models.atlases import Regions
from models.catalog import ModelCard, get_card, list_cards, load_object
from models.drawing import static
from models.drawing.parcels import add_parcel_volume
from models.encoders.base import Overlay, Preview
from models.engine import Engine, Job, Request
from models.errors import WeightsError
from models.gallery import GallerySet, get_set, list_sets
from models.retinotopy import ReceptiveFields
from models.spaces import SCHAEFER1000, add_mesh_folder
from models.stimulus import ReadResult, Stimulus, read_many
from models.types import (
    FloatArray,
    Report,
    Response,
    Selection,
    Settings,
    UInt8Array,
)
from models.voxel_grid import VoxelGrid
from models.weights.locations import find_atlas_file, find_full_meshes

__all__ = [
    "Answer",
    "answer_of",
    "can_draw",
    "can_draw_in_full",
    "close",
    "counters",
    "default_mesh_url",
    "drawn_mesh",
    "engine",
    "grid_of",
    "is_for",
    "mesh_bytes",
    "message",
    "overlay_message",
    "overlay_of",
    "overlay_problem",
    "overlays",
    "picture_set",
    "picture_sets",
    "plain_still",
    "read_pictures",
    "receptive_field_sizes",
    "receptive_fields",
    "regions_of",
    "sample_pictures",
    "start_previews",
    "submit",
    "surroundings",
    "thumbnails",
    "tile_pictures",
    "work",
]

T = TypeVar("T")

#: Answers held by pages; an id is a hash that only such a page knows.
_SHOWN: WeakValueDictionary[str, Answer] = WeakValueDictionary()

#: Pictures a second where a set has no rate of its own.
SLOW_RATE_HZ = 0.5
#: How long it may take until meshes that were fetched meanwhile are found.
_LOOK_AGAIN_S = 30.0
#: File of Schaefer's atlas with which its parcels are put on a surface.
PARCEL_VOLUME = "Schaefer2018_1000Parcels_7Networks_order_FSLMNI152_1mm.nii.gz"
THUMBNAIL_PX = 96
TILE_PX = 320


@dataclass(frozen=True, eq=False)
class Answer:
    """One finished prediction, ready to be drawn.

    Parameters
    ----------
    id : str
        Hash of the question; the key of everything derived from the answer.
    stimuli : tuple of Stimulus
        One a row of the response, or the transcript that has a volume a row.
    response : Response
    card : ModelCard
    selection : Selection
    settings : Settings
    """

    id: str
    stimuli: tuple[Stimulus, ...]
    response: Response
    card: ModelCard
    selection: Selection
    settings: Settings

    @property
    def subject(self) -> str:
        """Whose brain."""
        return self.selection.subjects[0]

    @property
    def is_transcript(self) -> bool:
        """Whether its rows are the volumes of one transcript."""
        return self.response.row_kind == "seconds"

    @property
    def tr_s(self) -> float | None:
        """Time from one volume of a transcript to the next, in s; None for pictures."""
        return self.stimuli[0].tr_s if self.is_transcript else None

    @property
    def texts(self) -> tuple[str, ...]:
        """What is said in each volume of a transcript; none for pictures."""
        return self.stimuli[0].lines if self.is_transcript else ()

    @property
    def is_parcels(self) -> bool:
        """Whether it is over parcels."""
        return self.response.space.kind == "parcels"

    @property
    def is_volume(self) -> bool:
        """Whether it is over voxels."""
        return self.response.space.kind == "volume"


# Engine -------------------------------------------------------------------------------------


@st.cache_resource(max_entries=1, show_spinner=False)
def engine() -> Engine:
    """Return the one engine of this process."""
    return Engine()


@st.cache_resource(max_entries=1, show_spinner=False)
def _pool() -> ThreadPoolExecutor:
    """Threads for everything slow that is no prediction."""
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="boldcast-work")


def work(do: Callable[[Report], T]) -> Work[T]:
    """Do something slow that is no prediction, beside the page."""
    return Work(_pool(), do)


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
    answer = Answer(digest, request.stimuli, response, card, request.selection, request.settings)
    _SHOWN[digest] = answer
    return answer


# Places -------------------------------------------------------------------------------------


@st.cache_resource(max_entries=32, show_spinner=False)
def _regions(model_id: str, subject: str, stamp: int) -> Regions:
    return engine().model(model_id).regions_of(subject)


def regions_of(card: ModelCard, subject: str) -> Regions:
    """Regions that a model knows in one subject; read again when its files change."""
    return _regions(card.id, subject, readiness_of(card).stamp)


@st.cache_resource(max_entries=4, show_spinner=False)
def _overlays(model_id: str, subject: str, stamp: int) -> tuple[tuple[Overlay, ...], str]:
    try:
        return engine().model(model_id).overlays(subject), ""
    except WeightsError as error:
        return (), str(error)


def overlays(card: ModelCard, subject: str) -> tuple[Overlay, ...]:
    """Return the maps that come with a model's files; read again when these change."""
    return _overlays(card.id, subject, readiness_of(card).stamp)[0]


def overlay_problem(card: ModelCard, subject: str) -> str:
    """Why the maps cannot be read; empty where they can, or where there are none."""
    return _overlays(card.id, subject, readiness_of(card).stamp)[1]


def overlay_of(card: ModelCard, subject: str, overlay_id: str) -> Overlay | None:
    """One of these maps; None where there is none of this id."""
    return next((one for one in overlays(card, subject) if one.id == overlay_id), None)


@st.cache_resource(max_entries=4, show_spinner=False)
def _grid(model_id: str, subject: str, stamp: int) -> VoxelGrid | None:
    return engine().model(model_id).grid(subject)


def grid_of(card: ModelCard, subject: str) -> VoxelGrid | None:
    """Where the voxels of a subject lie; None for a model of the cortex."""
    return _grid(card.id, subject, readiness_of(card).stamp)


@st.cache_resource(max_entries=1, show_spinner=False, ttl=_LOOK_AGAIN_S)
def _has_full_meshes() -> bool:
    folder = find_full_meshes()
    return folder is not None and add_mesh_folder("fsaverage", folder)


def can_draw_in_full(card: ModelCard) -> bool:
    """Whether the model's own mesh is drawn in part only, and all of it is here to be drawn."""
    in_part, in_full = (drawing.mesh_space(card.space, is_full) for is_full in (False, True))
    return in_part != in_full and _has_full_meshes()


@st.cache_resource(max_entries=1, show_spinner=False, ttl=_LOOK_AGAIN_S)
def _has_parcel_volume() -> bool:
    path = find_atlas_file(PARCEL_VOLUME)
    return path is not None and add_parcel_volume(SCHAEFER1000.name, path)


def can_draw(card: ModelCard) -> bool:
    """Whether a viewer can show where the model's places are."""
    if card.space == SCHAEFER1000.name:
        _has_parcel_volume()
    return drawing.can_draw(card.space)


def drawn_mesh(answer: Answer) -> str:
    """Name of the mesh that an answer is drawn on."""
    return drawing.mesh_space(answer.response.space.name, False)


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


def _mesh_url(response: Response, is_full: bool) -> str:
    if response.space.kind == "volume":
        return ""
    return meshes.url(drawing.mesh_space(response.space.name, is_full))


@st.cache_resource(max_entries=48, show_spinner=False)
def _message(answer_id: str, options: tuple[tuple[str, Any], ...], _answer: Answer) -> bytes:
    chosen = dict(options)
    return drawing.pack(
        _answer.response,
        regions_of(_answer.card, _answer.subject),
        grid_of(_answer.card, _answer.subject),
        mesh_url=_mesh_url(_answer.response, chosen["is_full"]),
        chosen=_answer.selection.regions,
        low_confidence=_answer.card.low_confidence_regions,
        thumbnails=None if _answer.is_transcript else thumbnails(_answer.stimuli),
        fallback_url=f"boldcast/still/{_answer.id}.png",
        **chosen,
    )


def _first_strong_row(response: Response) -> int:
    """First row whose mean size is half of the largest: before it there is little to see."""
    size = np.abs(response.values)
    known = np.isfinite(size)
    mean = np.where(known, size, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return int(np.argmax(mean >= mean.max() / 2))


def message(answer: Answer, *, sample: str, is_full: bool = False, is_kiosk: bool = False) -> bytes:
    """Everything that the viewer of an answer draws; packed once an answer."""
    if answer.tr_s is not None:
        timed = {
            "is_full": is_full,
            "frame_rate_hz": 1 / answer.tr_s,  # real time
            "is_autoplaying": answer.response.n_rows > 1,
            "layout": "four",  # speech and language lie on the side of the brain
            "row_texts": answer.texts,
            "start_frame": _first_strong_row(answer.response),
        }
        return _message(answer.id, tuple(timed.items()), answer)
    rate_hz = picture_set(sample).frame_rate_hz if sample else 0.0
    options = {
        "is_full": is_full,
        "frame_rate_hz": rate_hz or SLOW_RATE_HZ,
        "is_holding": not rate_hz,  # pictures without an order are rested on, not blended
        "is_autoplaying": answer.response.n_rows > 1,
        "is_kiosk": is_kiosk,
    }
    return _message(answer.id, tuple(options.items()), answer)


@st.cache_resource(max_entries=16, show_spinner=False)
def _overlay_message(
    model_id: str,
    subject: str,
    overlay_id: str,
    stamp: int,
    chosen: tuple[str, ...],
    is_full: bool,
) -> bytes:
    card = get_card(model_id)
    overlay = overlay_of(card, subject, overlay_id)
    assert overlay is not None  # the caller has looked
    regions = regions_of(card, subject)
    response = drawing.overlay_response(overlay, card, subject, regions.space)
    return drawing.pack_overlay(
        overlay,
        response,
        regions,
        grid_of(card, subject),
        mesh_url=_mesh_url(response, is_full),
        chosen=chosen,
        is_full=is_full,
    )


def overlay_message(state: AppState) -> bytes:
    """Everything that the viewer draws of the map on show; packed once."""
    stamp = readiness_of(state.card).stamp
    shown = (state.model_id, state.subject, state.show, stamp)
    return _overlay_message(*shown, state.regions, state.is_full_mesh)


def default_mesh_url(modality: Literal["image", "transcript"] = "image") -> str:
    """Relative URL of the brain that a page starts with, once it is built; never waits."""
    return meshes.known_url(drawing.mesh_space(list_cards(modality)[0].space, False))


def mesh_bytes(name: str) -> bytes | None:
    """Gzipped mesh of a known name, for the server's route."""
    return meshes.content(name)


# Pictures -----------------------------------------------------------------------------------


def surroundings() -> Surroundings:
    """Return what a link is judged by."""
    return Surroundings(
        lambda card, subject: regions_of(card, subject).names,
        {one.id: one.visual_angle_deg for one in picture_sets()},
        lambda card, subject: readiness_of(card).reason(subject),
    )


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


@st.cache_resource(max_entries=16, show_spinner=False)
def _plain_still(answer_id: str, _answer: Answer) -> bytes:
    first = drawing.one_row(_answer.response, 0) if _answer.is_parcels else _answer.response
    return static.fallback_png(drawing.drawn_response(first))


def plain_still(answer_id: str) -> bytes | None:
    """PNG of an answer that some page shows now, for browsers without WebGL; else None."""
    answer = _SHOWN.get(answer_id)
    return None if answer is None or answer.is_volume else _plain_still(answer_id, answer)


# Server -------------------------------------------------------------------------------------


def counters() -> dict[str, int]:
    """Numbers for whoever watches the server."""
    found = {"mesh_bytes": meshes.n_bytes()}
    found |= {f"engine_{name}": value for name, value in engine().counters().items()}
    statm = Path("/proc/self/statm")
    if statm.exists():  # Linux
        found["resident_bytes"] = int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return found


def close() -> None:
    """End the workers."""
    engine().close()
    _pool().shutdown(wait=False, cancel_futures=True)
