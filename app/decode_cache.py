"""What the page Decode works out: galleries, simulated patterns, scores; calls the science.

Three steps, each remembered by what it depends on: predictions of maker and reader for a gallery
(:class:`World`), patterns of some noise and their scores (:class:`Reading`), and what is said of
one pattern (:class:`Finding`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import streamlit as st

from app import cache
from app.decode_link import DecodeState, Source, from_query, variants_of
from app.readiness import readiness_of
from app.work import Work
from components.decode_cards import Share
from components.matrix import pack_matrix
from models.analysis import decode, measurement
from models.analysis.measurement import ASSUMED_NCSNR, ASSUMPTIONS, Measurement, MeshNoise
from models.catalog import list_cards
from models.decode_gallery import gallery
from models.drawing import paint, panels, static
from models.drawing.drawn import drawn_places, drawn_space, to_drawn
from models.engine import Request
from models.errors import Cancelled, ParameterError, SpaceMismatchError
from models.spaces import get_space
from models.stimulus import Stimulus
from models.types import (
    FloatArray,
    IntArray,
    Provenance,
    Report,
    Response,
    Selection,
    Space,
    UInt8Array,
    ignore_progress,
)

__all__ = [
    "NO_UPLOADS",
    "Finding",
    "Pictures",
    "Reading",
    "Uploads",
    "World",
    "asked",
    "brain_picture",
    "category_counts",
    "common_space",
    "find",
    "identity",
    "matrix",
    "measurement_of",
    "median_place",
    "noise_words",
    "pictures_of",
    "read_link",
    "region_groups",
    "shares",
    "sources",
    "start",
    "warm_up",
    "world_of",
]

#: Guesses that are shown.
N_GUESSES = 5
#: A best match that unknown pictures reach more often than this is no confident one.
OPEN_SET_LEVEL = 0.05
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
class Uploads:
    """What is the visitor's own.

    Parameters
    ----------
    pictures : tuple of Stimulus
        Gallery, where it is not the built-in one.
    patterns : None
    """

    pictures: tuple[Stimulus, ...] = ()
    patterns: None = None

    @property
    def key(self) -> tuple[object, ...]:
        """Tells them from others."""
        return (tuple(stimulus.digest for stimulus in self.pictures),)


NO_UPLOADS = Uploads()


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
    ncsnr : float or ndarray of shape (n_places,)
        Single-trial signal-to-noise ratio.
    is_ncsnr_assumed : bool
        The maker publishes none.
    neighbours : MeshNoise or None
    """

    pictures: Pictures
    space: Space
    columns: IntArray
    signals: FloatArray
    predictions: FloatArray
    ncsnr: FloatArray | float
    is_ncsnr_assumed: bool
    neighbours: MeshNoise | None

    @property
    def weights(self) -> FloatArray | None:
        """Weights of places: squared signal-to-noise where it is published."""
        return None if self.is_ncsnr_assumed else np.square(np.asarray(self.ncsnr))


@dataclass(frozen=True, eq=False)
class Reading:
    """Patterns, and how much each is like every picture.

    Parameters
    ----------
    id : str
        Hash of the question.
    pictures : Pictures
    space : Space
    columns : ndarray of shape (n_places,), int
        Places of the space that were compared.
    patterns : ndarray of shape (n_patterns, n_places), float32
    scores : ndarray of shape (n_patterns, n_pictures), float32
    truth : ndarray of shape (n_patterns,), int
        Picture of each pattern; -1 where it is not known.
    names : tuple of str
        Of the patterns.
    is_ncsnr_assumed : bool
    """

    id: str
    pictures: Pictures
    space: Space
    columns: IntArray
    patterns: FloatArray
    scores: FloatArray
    truth: IntArray
    names: tuple[str, ...]
    is_ncsnr_assumed: bool = True
    notes: tuple[str, ...] = ()

    @cached_property
    def known(self) -> IntArray:
        """Patterns whose picture is known and in the gallery."""
        return np.flatnonzero(self.truth >= 0)

    @cached_property
    def ranks(self) -> FloatArray:
        """Zero-based place of the right picture, one a known pattern."""
        if not self.known.size:
            return np.zeros(0)
        return decode.ranks(self.scores[self.known], self.truth[self.known])

    @cached_property
    def null(self) -> FloatArray:
        """Best scores when the right picture is not there, one a known pattern."""
        return decode.best_score_null(self.scores[self.known], self.truth[self.known])


@dataclass(frozen=True)
class Finding:
    """What is said of one pattern.

    Parameters
    ----------
    order : tuple of int
        The best pictures.
    scores : tuple of float
        Theirs.
    truth : int
        -1 where it is not known.
    rank : float or None
        Zero-based place of the right picture; None where it is not known or left out.
    n_offered : int
        Pictures to choose from.
    p_open : float or None
        Share of unknown pictures that find as good a match; None where it cannot be told.
    """

    order: tuple[int, ...]
    scores: tuple[float, ...]
    truth: int
    rank: float | None
    n_offered: int
    p_open: float | None

    @property
    def is_confident(self) -> bool:
        """Whether the best match is better than those of pictures that are not there."""
        return self.p_open is None or self.p_open <= OPEN_SET_LEVEL


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
        state = replace(state, reader=state.maker)
        notices = (*notices, "Maker and reader of the link have no places in common.")
    return state, notices


@st.cache_resource(max_entries=8, show_spinner=False)
def _builtin(n_pictures: int) -> Pictures:
    part = gallery().part(min(n_pictures, len(gallery())))
    return Pictures(part.stimuli, part.categories)


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


def _predict(source: Source, stimuli: tuple[Stimulus, ...], report: Report) -> Response:
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
    stamps: tuple[int, int],
    _pictures: Pictures,
    _report: Report,
) -> World:
    made = _predict(maker, _pictures.stimuli, _report)
    read = made if reader == maker else _predict(reader, _pictures.stimuli, _report)
    if made.space != read.space:
        raise SpaceMismatchError("Maker and reader have no places in common.")
    _report("finding the places that both know", 0, 0)
    signals, predictions = made.dense(), read.dense()
    columns = np.flatnonzero(np.isfinite(signals).all(0) & np.isfinite(predictions).all(0))
    if columns.size < 3:
        raise ParameterError("Maker and reader know fewer than three places in common.")
    ncsnr = _ncsnr(maker, made.space)
    return World(
        _pictures,
        made.space,
        columns,
        signals[:, columns],
        predictions[:, columns],
        ASSUMED_NCSNR if ncsnr is None else ncsnr[columns],
        ncsnr is None,
        _neighbours(made.space, columns),
    )


def world_of(state: DecodeState, pictures: Pictures, report: Report = ignore_progress) -> World:
    """Predictions of maker and reader for a gallery; waits for them."""
    stamps = (readiness_of(state.maker.card).stamp, readiness_of(state.reader.card).stamp)
    return _world(state.maker, state.reader, pictures.digest, stamps, pictures, report)


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


# Patterns and scores -------------------------------------------------------------------------


def measurement_of(state: DecodeState) -> Measurement:
    """How the page's patterns are measured."""
    return Measurement(
        noise=state.noise,
        n_repeats=state.n_repeats,
        captured=1 - state.missed_percent / 100,
        seed=state.seed,
    )


def _question(state: DecodeState, pictures: Pictures) -> tuple[object, ...]:
    """Name what a simulated reading depends on."""
    return (
        state.maker,
        state.reader,
        pictures.digest,
        measurement_of(state),
        state.regions,
        readiness_of(state.maker.card).stamp,
        readiness_of(state.reader.card).stamp,
    )


def identity(question: object) -> str:
    """Hash of a question."""
    return hashlib.blake2b(repr(question).encode(), digest_size=12).hexdigest()


@st.cache_resource(max_entries=24, show_spinner=False)
def _reading(
    question_id: str, _state: DecodeState, _pictures: Pictures, _report: Report
) -> Reading:
    world = world_of(_state, _pictures, _report)
    _report("simulating patterns", 0, 0)
    patterns = measurement.measure(
        world.signals,
        measurement_of(_state),
        ncsnr=world.ncsnr,
        neighbours=world.neighbours,
        keys=[stimulus.digest for stimulus in _pictures.stimuli],
    )
    kept = region_mask(_state.reader, _state.regions, world.columns)
    _report("comparing patterns with pictures", 0, 0)
    scores = decode.identification_scores(
        patterns[:, kept],
        world.predictions[:, kept],
        None if world.weights is None else world.weights[kept],
    )
    return Reading(
        question_id,
        _pictures,
        world.space,
        world.columns[kept],
        patterns[:, kept],
        scores,
        np.arange(len(scores)),
        _pictures.names,
        world.is_ncsnr_assumed,
    )


def start(state: DecodeState, uploads: Uploads = NO_UPLOADS) -> Work[Reading]:
    """Begin to simulate and to read; what was asked before comes at once."""

    def do(report: Report) -> Reading:
        report("drawing pictures", 0, 0)
        pictures = pictures_of(state, uploads.pictures)
        return _reading(identity(_question(state, pictures)), state, pictures, report)

    return Work(cache.pool(), do)


def asked(state: DecodeState, uploads: Uploads) -> tuple[object, ...]:
    """Tell one question of the page from another, without any work."""
    return (replace(state, shown="", is_left_out=False), *uploads.key)


# Reading off ---------------------------------------------------------------------------------


def find(reading: Reading, row: int, *, is_left_out: bool = False) -> Finding:
    """Best pictures for one pattern.

    Parameters
    ----------
    reading : Reading
    row : int
        Pattern.
    is_left_out : bool
        Take the right picture out of the gallery.
    """
    scores, truth = reading.scores[row].astype(np.float64), int(reading.truth[row])
    offered = np.ones(len(scores), bool)
    if is_left_out and truth >= 0:
        offered[truth] = False
    order = np.argsort(np.where(offered, -scores, np.inf), kind="stable")[
        : min(N_GUESSES, int(offered.sum()))
    ]
    rank = None
    if truth >= 0 and not is_left_out:
        rank = float(decode.ranks(reading.scores[[row]], np.array([truth]))[0])
    others = reading.null[reading.known != row] if reading.known.size > 1 else np.zeros(0)
    p_open = None
    if others.size >= 1 / OPEN_SET_LEVEL - 1:  # fewer could never call a match confident
        p_open = float(decode.open_set_p(float(scores[order[0]]), others)[0])
    return Finding(
        tuple(order.tolist()),
        tuple(scores[order].tolist()),
        truth,
        rank,
        int(offered.sum()),
        p_open,
    )


def shares(reading: Reading) -> tuple[Share, ...]:
    """How often the first guess, and one of the first five, is right; none without truth."""
    found = []
    n_gallery = len(reading.pictures.stimuli)
    for k, title, words in (
        (1, "First guess right (top-1)", "The right picture got the best score."),
        (5, "Among the five best (top-5)", "The right picture was among the five best guesses."),
    ):
        if not reading.known.size or k >= n_gallery:
            continue
        hits, n = int(np.count_nonzero(reading.ranks < k)), len(reading.ranks)
        chance = decode.chance_top_k(k, n_gallery)
        low, high = decode.wilson_interval(hits, n)
        p = decode.binomial_p(hits, n, chance)
        found.append(Share(title, hits, n, low, high, chance, p, words))
    return tuple(found)


def median_place(reading: Reading) -> float:
    """Lower median of the right pictures' places, from 1."""
    return decode.lower_median(reading.ranks) + 1


@st.cache_resource(max_entries=8, show_spinner=False)
def _matrix(reading_id: str, _reading: Reading) -> dict[str, object]:
    pictures, known = _reading.pictures, _reading.known
    small = cache.thumbnails(pictures.stimuli)
    truth = _reading.truth[known]
    return pack_matrix(_reading.scores[known], truth, pictures.categories, pictures.names, small)


def matrix(reading: Reading) -> dict[str, object]:
    """Square of similarities, ready to be drawn."""
    return _matrix(reading.id, reading)


def category_counts(reading: Reading) -> tuple[FloatArray, tuple[str, ...]]:
    """Category shown against that of the best guess: (n, n) patterns, and the names."""
    names = tuple(dict.fromkeys(reading.pictures.categories))
    number = np.array([names.index(one) for one in reading.pictures.categories])
    counts = np.zeros((len(names), len(names)))
    best = reading.scores[reading.known].argmax(axis=1)
    np.add.at(counts, (number[reading.truth[reading.known]], number[best]), 1)
    return counts, names


def noise_words(reading: Reading) -> tuple[str, ...]:
    """Say what is assumed of the simulated measurement, a sentence each."""
    names = ["captured", "noise", "misfit"]
    return tuple(
        ASSUMPTIONS[name] for name in (["ncsnr"] if reading.is_ncsnr_assumed else []) + names
    )


# Pictures of patterns ------------------------------------------------------------------------


@st.cache_resource(max_entries=64, show_spinner=False)
def _brain_picture(
    reading_id: str, row: int, view: str, focus: str, _reading: Reading
) -> UInt8Array:
    values = _reading.patterns[row]
    if len(_reading.patterns) > 1:
        values = values - np.nanmean(_reading.patterns, axis=0)
    response = Response(
        values[None],
        _reading.space,
        (_reading.names[row],),
        "difference from the mean pattern",
        True,
        Provenance("", "", "", "", "", "", ""),
        columns=_reading.columns,
    )
    look = paint.look_for(response)
    ((drawing,),) = panels.draw_panels(response, 0, ((view,),), "inflated", look, 70, 130, focus)
    coloured = static.rasterise(drawing).astype(np.float32)
    black = static.rasterise(replace(drawing, colours=np.zeros_like(drawing.colours)))
    alpha = 1 - black[..., :1].astype(np.float32) / 255
    own = (coloured - 255 * (1 - alpha)) / np.maximum(alpha, 1 / 255)
    rgba = np.concatenate([np.clip(own, 0, 255), 255 * alpha], axis=2)
    picture: UInt8Array = np.rint(rgba).astype(np.uint8)
    return picture


def brain_picture(
    reading: Reading, row: int, view: str = "posterior", *, focus: str = "brain"
) -> UInt8Array | None:
    """One pattern on the cortex, (height, width, 4); None where its space has no mesh."""
    if reading.space.kind != "surface" or not cache.drawing.can_draw(reading.space.name):
        return None
    return _brain_picture(reading.id, row, view, focus, reading)


def warm_up() -> None:
    """Work out what a first visitor of the page will see."""
    reading = start(DecodeState()).result()
    brain_picture(reading, 0)
    matrix(reading)
