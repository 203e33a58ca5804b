"""Galleries, and what two models predict for them at the places that both know: the page Decode."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import streamlit as st

from app import cache
from app.decode_link import DecodeState, Source, from_query, repaired, variants_of
from app.readiness import readiness_of
from models.analysis import measurement
from models.analysis.measurement import ASSUMED_NCSNR, MeshNoise
from models.catalog import list_cards
from models.decode_gallery import gallery
from models.drawing.drawn import drawn_places, drawn_space, to_drawn
from models.engine import Request
from models.errors import Cancelled, ParameterError, SpaceMismatchError
from models.spaces import get_space
from models.stimulus import Stimulus
from models.types import (
    FloatArray,
    IntArray,
    Report,
    Response,
    Selection,
    Space,
    ignore_progress,
)

__all__ = [
    "NO_UPLOADS",
    "Noise",
    "OwnPatterns",
    "Pictures",
    "Uploads",
    "World",
    "common_space",
    "everything",
    "has_published_noise",
    "noise_of",
    "noisy_places",
    "pictures_of",
    "predict",
    "read_link",
    "region_groups",
    "region_mask",
    "sources",
    "stamps",
    "world_of",
]

_OWN_CATEGORY = "your pictures"
_POLL_S = 0.05


@dataclass(frozen=True, eq=False)
class Pictures:
    """What can be guessed.

    Parameters
    ----------
    stimuli : tuple of Stimulus
    categories : tuple of str
        One a picture.
    is_own : bool
        The visitor's own pictures.
    """

    stimuli: tuple[Stimulus, ...]
    categories: tuple[str, ...]
    is_own: bool = False

    @cached_property
    def names(self) -> tuple[str, ...]:
        """One a picture."""
        return tuple(stimulus.name for stimulus in self.stimuli)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all pictures in order, for files."""
        joined = "".join(stimulus.digest for stimulus in self.stimuli)
        return hashlib.sha256(joined.encode()).hexdigest()

    def number_of(self, name: str) -> int:
        """Place of a picture; the first one where there is none of this name."""
        return self.names.index(name) if name in self.names else 0


@dataclass(frozen=True, eq=False)
class OwnPatterns:
    """Patterns of the visitor's own, on fsaverage5.

    Parameters
    ----------
    values : ndarray of shape (n_patterns, 20484), float32
        NaN where nothing was measured.
    names : tuple of str
    notes, problems : tuple of str
        What was done on reading; a sentence for each file that could not be used.
    digest : str
    """

    values: FloatArray
    names: tuple[str, ...]
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    digest: str


@dataclass(frozen=True, eq=False)
class Uploads:
    """What is the visitor's own.

    Parameters
    ----------
    pictures : tuple of Stimulus
        Gallery, where it is not the built-in one.
    patterns : OwnPatterns, optional
    truth : tuple of str
        Names of the pictures that were shown, in the order of the patterns.
    is_swapped : bool
        Exchange the hemispheres of the patterns.
    """

    pictures: tuple[Stimulus, ...] = ()
    patterns: OwnPatterns | None = None
    truth: tuple[str, ...] = ()
    is_swapped: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """Tells them from others."""
        patterns = "" if self.patterns is None else self.patterns.digest
        pictures = tuple(stimulus.digest for stimulus in self.pictures)
        return (pictures, patterns, self.truth, self.is_swapped)


NO_UPLOADS = Uploads()


@dataclass(frozen=True, eq=False)
class Noise:
    """How large and how smooth the noise of a maker's places is.

    Parameters
    ----------
    ncsnr : float or ndarray of shape (n_places,)
        Single-trial signal-to-noise ratio.
    is_assumed : bool
        The maker publishes none.
    neighbours : MeshNoise or None
    """

    ncsnr: FloatArray | float
    is_assumed: bool
    neighbours: MeshNoise | None


@dataclass(frozen=True, eq=False)
class World:
    """What maker and reader predict for every picture, at the places that both know.

    Parameters
    ----------
    pictures : Pictures
    space : Space
        Seen in common.
    columns : ndarray of shape (n_places,), int
        Places of the space.
    signals, predictions : ndarray of shape (n_pictures, n_places), float32
        Of the maker and of the reader.
    noise : Noise
    """

    pictures: Pictures
    space: Space
    columns: IntArray
    signals: FloatArray
    predictions: FloatArray
    noise: Noise


# What can be chosen --------------------------------------------------------------------------


def common_space(source: Source) -> str:
    """Name of the places in which two sources can be compared."""
    space = drawn_space(source.card.space)
    return f"{space}:{source.subject}" if get_space(space).kind == "volume" else space


def sources(common: str = "") -> tuple[tuple[Source, str], ...]:
    """Models and subjects, with the reason why one cannot be chosen now.

    Parameters
    ----------
    common : str
        Only those in this :func:`common_space`; empty for all.

    Returns
    -------
    tuple of (Source, reason)
        A model without any subject here has one entry.
    """
    found = []
    for card in list_cards("image"):
        readiness = readiness_of(card)
        subjects = [name for name, _ in card.subjects if not readiness.reason(name)]
        if not subjects:
            found.append((Source(card.id, card.subjects[0][0]), readiness.reason()))
        found += [
            (Source(card.id, subject, variant), "")
            for subject in subjects
            for variant in variants_of(card.id)
        ]
    return tuple(one for one in found if not common or common_space(one[0]) == common)


def region_groups(reader: Source) -> Mapping[str, tuple[str, ...]]:
    """Regions of the reader under headings."""
    return dict(cache.regions_of(reader.card, reader.subject).groups)


def read_link(query: Mapping[str, str]) -> tuple[DecodeState, tuple[str, ...]]:
    """State of a link, and what could not be as it was asked for."""

    def regions_of(reader: Source) -> Collection[str]:
        return cache.regions_of(reader.card, reader.subject).names

    state, notices = from_query(
        query, lambda card, subject: readiness_of(card).reason(subject), regions_of
    )
    if common_space(state.maker) != common_space(state.reader):
        state = repaired(replace(state, reader=state.maker))
        notices = (*notices, "Maker and reader of the link have no places in common.")
    return state, notices


@st.cache_resource(max_entries=8, show_spinner=False)
def _builtin(n_pictures: int) -> Pictures:
    part = gallery().part(min(n_pictures, len(gallery())))
    return Pictures(part.stimuli, part.categories)


def everything() -> Pictures:
    """All built-in pictures."""
    return _builtin(len(gallery()))


def pictures_of(state: DecodeState, own: Sequence[Stimulus] = ()) -> Pictures:
    """Gallery of the page; drawn on first use.

    Raises
    ------
    ParameterError
        Fewer than two pictures of one's own.
    """
    if state.gallery == "builtin":
        return _builtin(state.n_pictures)
    if len(own) < 2:
        raise ParameterError("A gallery needs two pictures at least: one has no other to beat.")
    return Pictures(tuple(own), (_OWN_CATEGORY,) * len(own), is_own=True)


# Predictions ---------------------------------------------------------------------------------


def predict(source: Source, stimuli: tuple[Stimulus, ...], report: Report) -> Response:
    """Predictions of one source in the space in which it is drawn."""
    space = source.card.space
    drawn = drawn_space(space)
    indices = None
    if drawn != space:
        indices = tuple(drawn_places(space, drawn).tolist())
    selection = Selection((source.subject,), indices=indices)
    job = cache.engine().submit(Request(source.model_id, stimuli, selection, source.settings))
    try:
        while not job.wait(_POLL_S):
            report(job.stage, job.done, job.total)
    except Cancelled:
        job.cancel()
        raise
    (response,) = job.result()
    return to_drawn(response, drawn)


def _ncsnr(maker: Source, space: Space) -> FloatArray | None:
    """Read the published single-trial signal-to-noise of every place; None where there is none."""
    overlay = cache.overlay_of(maker.card, maker.subject, "ncsnr")
    if overlay is None:
        return None
    values: FloatArray = overlay.values[drawn_places(maker.card.space, space.name)]
    return values


def has_published_noise(maker: Source) -> bool:
    """Whether the maker's files say how noisy its places are."""
    return cache.overlay_of(maker.card, maker.subject, "ncsnr") is not None


def _neighbours(space: Space, columns: IntArray) -> MeshNoise | None:
    """Smooth noise, where the space has a mesh."""
    if space.kind != "surface":
        return None
    try:
        return measurement.mesh_noise(space, columns)
    except SpaceMismatchError:  # no sphere of this surface comes with the packages
        return None


@st.cache_resource(max_entries=4, show_spinner=False)
def _world(
    maker: Source,
    reader: Source,
    digest: str,
    files: tuple[int, int],
    _pictures: Pictures,
    _report: Report,
) -> World:
    made = predict(maker, _pictures.stimuli, _report)
    read = made if reader == maker else predict(reader, _pictures.stimuli, _report)
    if made.space != read.space:
        raise SpaceMismatchError("Maker and reader have no places in common.")
    _report("finding the places that both know", 0, 0)
    signals, predictions = made.dense(), read.dense()
    columns = noisy_places(maker, made.space, signals, predictions)
    return World(
        _pictures,
        made.space,
        columns,
        signals[:, columns],
        predictions[:, columns],
        noise_of(maker, made.space, columns),
    )


def noisy_places(maker: Source, space: Space, *values: FloatArray) -> IntArray:
    """Places that are known in all rows of all arrays and that can be measured.

    Raises
    ------
    ParameterError
        Fewer than three.
    """
    known = np.all([np.isfinite(one).all(axis=0) for one in values], axis=0)
    ncsnr = _ncsnr(maker, space)
    found = np.flatnonzero(known if ncsnr is None else known & (ncsnr > 0))
    if found.size < 3:
        raise ParameterError("Maker and reader know fewer than three places in common.")
    return found


def noise_of(maker: Source, space: Space, columns: IntArray) -> Noise:
    """Noise at some places of a maker."""
    ncsnr = _ncsnr(maker, space)
    values = ASSUMED_NCSNR if ncsnr is None else ncsnr[columns]
    return Noise(values, ncsnr is None, _neighbours(space, columns))


def stamps(state: DecodeState) -> tuple[int, int]:
    """Numbers that change when files of maker or reader come or go."""
    return readiness_of(state.maker.card).stamp, readiness_of(state.reader.card).stamp


def world_of(state: DecodeState, pictures: Pictures, report: Report = ignore_progress) -> World:
    """Predictions of maker and reader for a gallery; waits for them."""
    files = stamps(state)
    return _world(state.maker, state.reader, pictures.digest, files, pictures, report)


def region_mask(reader: Source, regions: Sequence[str], columns: IntArray) -> IntArray:
    """Which of some places lie in regions of the reader; all where no region is named.

    Raises
    ------
    ParameterError
        Fewer than three.
    """
    if not regions:
        return np.arange(len(columns))
    known = cache.regions_of(reader.card, reader.subject)
    places = drawn_places(reader.card.space, drawn_space(reader.card.space))
    is_in = np.any([known.mask(name)[places] for name in regions], axis=0)
    found = np.flatnonzero(is_in[columns])
    if found.size < 3:
        raise ParameterError(
            f"{', '.join(regions)}: maker and reader know {found.size} places there in common; "
            "three at least are needed."
        )
    return found
