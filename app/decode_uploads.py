"""Patterns of the visitor's own: reading, looking, matching with their pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

import numpy as np
import streamlit as st

from app import cache
from app.decode_brain import VIEWS, cortex_picture
from app.decode_cache import Reading, identity
from app.decode_link import DecodeState
from app.decode_worlds import OwnPatterns, Pictures, Uploads, pictures_of, predict, region_mask
from app.work import Work
from models import response_files
from models.analysis import decode, sweeps
from models.decoders import image_features
from models.errors import ParameterError, SpaceMismatchError
from models.spaces import FSAVERAGE5
from models.types import FloatArray, IntArray, Report, UInt8Array

__all__ = ["previews", "read_patterns", "start", "truth_of", "twins"]

#: From so many patterns on, their mean is taken off: it says nothing of a single picture.
N_FOR_MEAN = 8


def read_patterns(files: Sequence[tuple[str, bytes]]) -> OwnPatterns:
    """Read files; bad ones cost a sentence each."""
    found = response_files.read_patterns(files)
    digest = hashlib.blake2b(found.values.tobytes(), digest_size=12).hexdigest()
    return OwnPatterns(found.values, found.names, found.notes, found.problems, digest)


def truth_of(lines: Sequence[str], n_patterns: int, pictures: Pictures) -> IntArray:
    """Picture of each pattern, from names a visitor typed; -1 where none is meant.

    Parameters
    ----------
    lines : sequence of str
        One name a pattern, in their order; capitals and a file's ending do not matter.
    n_patterns : int
    pictures : Pictures
    """

    def plain(name: str) -> str:
        return PurePath(name.strip()).stem.casefold()

    numbers: dict[str, int] = {}
    for number, name in enumerate(pictures.names):
        numbers.setdefault(plain(name), number)
    known = [numbers.get(plain(line), -1) for line in lines[:n_patterns]]
    return np.array(known + [-1] * (n_patterns - len(known)), np.int64)


@st.cache_resource(max_entries=32, show_spinner=False)
def _preview(digest: str, row: int, view: str, is_swapped: bool, _values: FloatArray) -> UInt8Array:
    values = response_files.swap_hemispheres(_values[None])[0] if is_swapped else _values
    middle = values - np.nanmedian(values)
    return cortex_picture(middle, FSAVERAGE5, np.arange(FSAVERAGE5.n_places), view)


def previews(own: OwnPatterns, row: int, *, is_swapped: bool) -> tuple[tuple[str, UInt8Array], ...]:
    """One pattern from three sides, to see whether the hemispheres are in order."""
    values = own.values[row]
    return tuple(
        (words, _preview(own.digest, row, view, is_swapped, values))
        for view, words in VIEWS.items()
    )


def start(state: DecodeState, uploads: Uploads) -> Work[Reading]:
    """Begin to compare uploaded patterns with predictions for the gallery."""

    def do(report: Report) -> Reading:
        report("drawing pictures", 0, 0)
        return _read(state, uploads, pictures_of(state, uploads.pictures), report)

    return cache.work(do)


def _read(state: DecodeState, uploads: Uploads, pictures: Pictures, report: Report) -> Reading:
    """Scores of the patterns as they are to be taken, and what is to be said of them."""
    own = uploads.patterns
    if own is None or not len(own.values):
        raise ParameterError("There is no pattern yet.")
    response = predict(state.reader, pictures.stimuli, report)
    if response.space is not FSAVERAGE5:
        raise SpaceMismatchError(
            f"Your patterns are on fsaverage5, but {state.reader.title} predicts "
            f"{response.space.name}."
        )
    predictions = response.dense()
    swapped = response_files.swap_hemispheres(own.values)
    given, other = (swapped, own.values) if uploads.is_swapped else (own.values, swapped)
    columns = _columns(state, given, predictions)
    scores = _scores(given, predictions, columns)
    truth = truth_of(uploads.truth, len(own.values), pictures)
    reading = Reading(
        identity((state, uploads.key, pictures.digest)),
        pictures,
        FSAVERAGE5,
        columns,
        given[:, columns],
        scores,
        truth,
        own.names,
        notes=_notes(uploads, truth),
    )
    if not reading.known.size:
        return reading
    try:
        there = _columns(state, other, predictions)
        elsewise = _scores(other, predictions, there)[reading.known]
    except ParameterError:  # one hemisphere only: the other way round nothing is left
        return reading
    check = response_files.check_hemispheres(
        reading.ranks, decode.ranks(elsewise, truth[reading.known])
    )
    return replace(reading, notes=(*reading.notes, check.sentence), is_side_wrong=check.is_swapped)


def _columns(state: DecodeState, values: FloatArray, predictions: FloatArray) -> IntArray:
    """Places of the chosen regions that are predicted for all pictures and measured at all."""
    known = np.isfinite(predictions).all(axis=0) & np.isfinite(values).any(axis=0)
    columns = np.flatnonzero(known)
    return columns[region_mask(state.reader, state.regions, columns)]


def _scores(values: FloatArray, predictions: FloatArray, columns: IntArray) -> FloatArray:
    """Correlation of patterns with predictions at some places."""
    used = values[:, columns]
    mean = None
    if len(used) >= N_FOR_MEAN:
        n_known = np.isfinite(used).sum(axis=0)
        mean = np.nansum(used, axis=0) / np.maximum(n_known, 1)
    return sweeps.match_scores(used, predictions[:, columns], mean)


def _notes(uploads: Uploads, truth: IntArray) -> tuple[str, ...]:
    """Say what was done with the patterns."""
    own = uploads.patterns
    assert own is not None  # the caller has looked
    notes = list(own.notes)
    if uploads.is_swapped:
        notes.append("Left and right were exchanged, as you asked.")
    if len(own.values) >= N_FOR_MEAN:
        notes.append("The mean over your patterns was taken off.")
    n_lines = sum(bool(line.strip()) for line in uploads.truth)
    n_known = int((truth >= 0).sum())
    if n_lines:
        notes.append(f"{n_known} of {n_lines} names are pictures of the gallery.")
    else:
        notes.append("No truth was given: the ranking only, no accuracy.")
    return tuple(notes)


@st.cache_resource(max_entries=8, show_spinner=False)
def _twins(digest: str, _pictures: Pictures) -> tuple[tuple[str, str], ...]:
    features = image_features.filter_bank_features(_pictures.stimuli)
    found = decode.near_duplicates(features)
    return tuple((_pictures.names[one], _pictures.names[other]) for one, other, _ in found)


def twins(pictures: Pictures) -> tuple[tuple[str, str], ...]:
    """Names of pictures of one's own that are nearly the same; the built-in ones have none."""
    return _twins(pictures.digest, pictures) if pictures.is_own else ()
