"""Patterns of the page Decode, their scores and what is said of them; calls the science.

Three steps, each remembered by what it depends on: predictions of maker and reader for a gallery
(``decode_worlds``), patterns of some noise and their scores (:class:`Reading`), and what is said
of one pattern (:class:`Finding`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import streamlit as st

from app import cache, drawing
from app.decode_brain import cortex_picture
from app.decode_link import DecodeState
from app.decode_worlds import (
    NO_UPLOADS,
    Pictures,
    Uploads,
    World,
    pictures_of,
    region_mask,
    stamps,
    world_of,
)
from app.work import Work
from components.decode_cards import Share
from components.matrix import pack_matrix
from models.analysis import decode, measurement, sweeps
from models.analysis.measurement import ASSUMED_NCSNR, ASSUMPTIONS, Measurement
from models.analysis.sweeps import Experiment
from models.types import (
    FloatArray,
    IntArray,
    Report,
    Space,
    UInt8Array,
    ignore_progress,
)

__all__ = [
    "ASSUMED_NCSNR",
    "Finding",
    "Reading",
    "asked",
    "brain_picture",
    "category_counts",
    "experiment_of",
    "find",
    "identity",
    "matrix",
    "measurement_of",
    "median_place",
    "noise_words",
    "shares",
    "start",
    "warm_up",
]

#: Guesses that are shown.
N_GUESSES = 5
#: A best match that unknown pictures reach more often than this is no confident one.
OPEN_SET_LEVEL = 0.05


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
    facts: Mapping[str, Any] = field(default_factory=dict)
    is_side_wrong: bool = False

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


# Patterns and scores -------------------------------------------------------------------------


def measurement_of(state: DecodeState) -> Measurement:
    """How the page's patterns are measured."""
    return Measurement(
        noise=state.noise,
        n_repeats=state.n_repeats,
        captured=1 - state.missed_percent / 100,
    ).with_seed(state.seed)


def experiment_of(world: World, queries: IntArray) -> Experiment:
    """Maker and reader, as the curves want them."""
    return Experiment(
        world.signals,
        world.predictions,
        queries,
        world.noise.ncsnr,
        world.noise.neighbours,
        keys=_keys(world.pictures),
    )


def _keys(pictures: Pictures) -> tuple[str, ...]:
    """Names for the content of each picture: its misfit hangs on them."""
    return tuple(stimulus.digest for stimulus in pictures.stimuli)


def _question(state: DecodeState, pictures: Pictures) -> tuple[object, ...]:
    """Name what a simulated reading depends on."""
    return (
        state.maker,
        state.reader,
        pictures.digest,
        measurement_of(state),
        state.regions,
        *stamps(state),
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
        ncsnr=world.noise.ncsnr,
        neighbours=world.noise.neighbours,
        keys=_keys(_pictures),
    )
    kept = region_mask(_state.reader, _state.regions, world.columns)
    _report("comparing patterns with pictures", 0, 0)
    mean = world.signals[:, kept].mean(axis=0)
    scores = sweeps.match_scores(patterns[:, kept], world.predictions[:, kept], mean)
    return Reading(
        question_id,
        _pictures,
        world.space,
        world.columns[kept],
        patterns[:, kept],
        scores,
        np.arange(len(scores)),
        _pictures.names,
        world.noise.is_assumed,
    )


def start(state: DecodeState, uploads: Uploads = NO_UPLOADS) -> Work[Reading]:
    """Begin to simulate and to read; what was asked before comes at once."""
    return cache.work(partial(_simulate, state, uploads))


def _simulate(state: DecodeState, uploads: Uploads, report: Report) -> Reading:
    """Answer a simulated question."""
    report("drawing pictures", 0, 0)
    pictures = pictures_of(state, uploads.pictures)
    return _reading(identity(_question(state, pictures)), state, pictures, report)


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


def noise_words(reading: Reading, state: DecodeState) -> tuple[str, ...]:
    """Say what is assumed of the simulated measurement, a sentence each."""
    captured = (
        f"Assumption: the model has {100 - state.missed_percent} % of the true signal's variance; "
        "no source."
    )
    ratio = (ASSUMPTIONS["ncsnr"],) if reading.is_ncsnr_assumed else ()
    return (*ratio, captured, ASSUMPTIONS["noise"], ASSUMPTIONS["misfit"])


# Pictures of patterns ------------------------------------------------------------------------


@st.cache_resource(max_entries=64, show_spinner=False)
def _brain_picture(reading_id: str, row: int, _reading: Reading) -> UInt8Array:
    values = _reading.patterns[row]
    if len(_reading.patterns) > 1:
        values = values - np.nanmean(_reading.patterns, axis=0)
    return cortex_picture(values, _reading.space, _reading.columns)


def brain_picture(reading: Reading, row: int) -> UInt8Array | None:
    """One pattern beside the mean of all, (height, width, 4); None where there is no mesh."""
    if reading.space.kind != "surface" or not drawing.can_draw(reading.space.name):
        return None
    return _brain_picture(reading.id, row, reading)


def warm_up() -> None:
    """Work out what a first visitor of the page will see."""
    state = DecodeState()
    reading = _simulate(state, NO_UPLOADS, ignore_progress)
    brain_picture(reading, reading.pictures.number_of(state.shown))
    matrix(reading)
