"""Brain responses that a visitor brings: files of several formats onto fsaverage5, and checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models._response_formats import MAX_FILE_BYTES, MAX_PATTERNS, RawPatterns, read_raw
from models.analysis.decode import binomial_p
from models.errors import ParameterError, StimulusError
from models.spaces import FSAVERAGE5, HEMISPHERES
from models.stimulus import clean_name
from models.types import FloatArray

__all__ = [
    "MAX_FILE_BYTES",
    "MAX_PATTERNS",
    "HemisphereCheck",
    "UploadedPatterns",
    "check_hemispheres",
    "read_patterns",
    "swap_hemispheres",
]

#: Vertices that are exactly 0 in every pattern are taken as not measured from this many on.
_MANY_ZEROS = 100
#: Patterns that are needed to tell z-scores over patterns.
_FEWEST_FOR_Z = 8
#: How far mean and spread may be from 0 and 1 in z-scores.
_Z_TOLERANCE = 0.05
#: Largest p of the sign test that calls the hemispheres swapped.
_P_SWAPPED = 0.01


@dataclass(frozen=True, eq=False)
class UploadedPatterns:
    """Patterns on fsaverage5, with what was done and found.

    Parameters
    ----------
    values : ndarray of shape (n, 20484), float32
        Left hemisphere first; NaN is not measured. n is 0 if no file could be used.
    names : tuple of str
        One a pattern.
    notes : tuple of str
        What was done and what looks unusual, one sentence each.
    problems : tuple of str
        One sentence for each file that was left out.
    """

    values: FloatArray
    names: tuple[str, ...]
    notes: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class HemisphereCheck:
    """Whether patterns fit better with their hemispheres exchanged.

    Parameters
    ----------
    is_swapped : bool
        They do, beyond chance.
    n_better, n_worse : int
        Patterns whose right picture is ranked better, or worse, after exchanging.
    p : float
        Of so many being better by accident: exact, one-sided sign test.
    sentence : str
        For a person.
    """

    is_swapped: bool
    n_better: int
    n_worse: int
    p: float
    sentence: str


def read_patterns(files: Sequence[tuple[str, bytes]]) -> UploadedPatterns:
    """Read measured responses; a bad file costs a sentence, never the others.

    Parameters
    ----------
    files : sequence of (name, bytes)
        ``.npy`` of (20484,), (n, 20484) or (2, 10242), left first; pairs of GIfTI files with
        10,242 or 163,842 vertices a hemisphere; NIfTI volumes in MNI space; dense CIFTI on fsLR32k.
        NIfTI and GIfTI may be gzipped.

    Returns
    -------
    UploadedPatterns
        In the order of the files; a pair of hemispheres stands where its first file stood.
    """
    problems: list[str] = []
    found: list[tuple[str, RawPatterns]] = []
    for name, data in files:
        label = clean_name(name)
        try:
            found.append((label, read_raw(label, data)))
        except StimulusError as problem:
            problems.append(str(problem))
    whole, lone = _paired(found)
    problems += lone
    kept: list[FloatArray] = []
    names: list[str] = []
    notes: list[str] = []
    for label, raw in whole:
        room = MAX_PATTERNS - len(names)
        if len(raw.values) > room:
            problems.append(f"“{label}” was left out: at most {MAX_PATTERNS:,} patterns at once.")
            continue
        try:
            values, remarks = _checked(label, raw)
        except StimulusError as problem:
            problems.append(str(problem))
            continue
        kept.append(values)
        many = len(values) > 1
        names += [f"{label} · {n + 1}" if many else label for n in range(len(values))]
        notes += remarks
    if not kept:
        kept.append(np.empty((0, FSAVERAGE5.n_places), np.float32))
    joined = np.concatenate(kept)
    return UploadedPatterns(joined, tuple(names), tuple(dict.fromkeys(notes)), tuple(problems))


def _paired(
    found: list[tuple[str, RawPatterns]],
) -> tuple[list[tuple[str, RawPatterns]], list[str]]:
    """Join left and right files in the order given; sentences for those without the other."""
    whole: list[tuple[str, RawPatterns]] = []
    problems: list[str] = []
    waiting: dict[str, list[tuple[str, RawPatterns]]] = {"left": [], "right": []}
    for label, raw in found:
        if raw.part == "whole":
            whole.append((label, raw))
            continue
        if not raw.side:
            problems.append(
                f"“{label}” is one hemisphere and does not say which: put lh or rh into its name."
            )
            continue
        other = waiting["right" if raw.side == "left" else "left"]
        if not other:
            waiting[raw.side].append((label, raw))
            continue
        first = other.pop(0)
        pair = (first, (label, raw)) if raw.side == "right" else ((label, raw), first)
        try:
            whole.append(_joined(*pair))
        except StimulusError as problem:
            problems.append(str(problem))
    for side, missing in (("left", "right"), ("right", "left")):
        problems += [
            f"“{label}” is the {side} hemisphere; give the {missing} one with it."
            for label, _ in waiting[side]
        ]
    return whole, problems


def _joined(
    left: tuple[str, RawPatterns], right: tuple[str, RawPatterns]
) -> tuple[str, RawPatterns]:
    """Both hemispheres of the same patterns."""
    n_left, n_right = len(left[1].values), len(right[1].values)
    if n_left != n_right:
        raise StimulusError(
            f"“{left[0]}” holds {n_left} patterns and “{right[0]}” {n_right}; they must agree."
        )
    values = np.concatenate([left[1].values, right[1].values], axis=1)
    return f"{left[0]} + {right[0]}", RawPatterns(values, note=left[1].note or right[1].note)


def _checked(label: str, raw: RawPatterns) -> tuple[FloatArray, list[str]]:
    """Values with what is not measured as NaN, and remarks.

    Raises
    ------
    StimulusError
        They cannot be used.
    """
    values = np.array(raw.values, np.float32)
    remarks = [raw.note] if raw.note else []
    if np.isinf(values).any():
        raise StimulusError(f"“{label}” holds infinite or too large values.")
    is_zero = (values == 0).all(axis=0)
    n_missing = int(np.isnan(values).all(axis=0).sum())
    if is_zero.sum() >= _MANY_ZEROS:
        values[:, is_zero] = np.nan
        remarks.append(
            f"“{label}”: {is_zero.sum():,} vertices are exactly 0 throughout and are taken as not "
            "measured."
        )
    lowest = np.min(values, axis=1, where=np.isfinite(values), initial=np.inf)
    highest = np.max(values, axis=1, where=np.isfinite(values), initial=-np.inf)
    if not (lowest < highest).all():
        row = int(np.flatnonzero(~(lowest < highest))[0])
        raise StimulusError(f"“{label}”: pattern {row + 1} is empty or the same everywhere.")
    if n_missing:
        remarks.append(f"“{label}”: {n_missing:,} vertices hold no number and are left out.")
    remarks += [
        f"“{label}”: the {side} hemisphere is empty."
        for side in HEMISPHERES
        if not np.isfinite(values[:, FSAVERAGE5.hemisphere_slice(side)]).any()
    ]
    return values, [*remarks, f"“{label}” {_scale(values)}"]


def _scale(values: FloatArray) -> str:
    """Say whether values look z-scored, and their range."""
    known = values[:, np.isfinite(values).all(axis=0)].astype(np.float64)
    if known.shape[1] and _is_standard(known, axis=1, share=1.0):
        return "looks z-scored over vertices, pattern by pattern."
    if len(known) >= _FEWEST_FOR_Z and known.shape[1] and _is_standard(known, 0, share=0.95):
        return "looks z-scored over patterns, vertex by vertex."
    low, high, mean = np.nanmin(values), np.nanmax(values), np.nanmean(values, dtype=np.float64)
    words = f"runs from {low:.3g} to {high:.3g}, mean {mean:.3g}: not z-scored."
    if mean > 2 * np.nanstd(values, dtype=np.float64):
        words += " It looks like raw intensity: take each vertex's mean over pictures off first."
    return words


def _is_standard(values: FloatArray, axis: int, share: float) -> bool:
    """Whether at least a share of rows or columns has mean 0 and spread 1."""
    is_centred = np.abs(values.mean(axis=axis)) < _Z_TOLERANCE
    spreads = [values.std(axis=axis, ddof=ddof) for ddof in (0, 1)]
    fits = [(is_centred & (np.abs(spread - 1) < _Z_TOLERANCE)).mean() for spread in spreads]
    return bool(max(fits) >= share)


def swap_hemispheres(values: FloatArray) -> FloatArray:
    """Exchange the halves of patterns whose right hemisphere came first.

    Parameters
    ----------
    values : ndarray of shape (n, 20484)

    Returns
    -------
    ndarray of shape (n, 20484)

    Raises
    ------
    ParameterError
        Another shape.
    """
    if values.ndim != 2 or values.shape[1] != FSAVERAGE5.n_places:
        raise ParameterError(f"Patterns must be (n, {FSAVERAGE5.n_places}); got {values.shape}.")
    return np.roll(values, FSAVERAGE5.n_left, axis=1)


def check_hemispheres(ranks_as_given: FloatArray, ranks_swapped: FloatArray) -> HemisphereCheck:
    """Tell from known answers whether the hemispheres were exchanged in the files.

    Parameters
    ----------
    ranks_as_given, ranks_swapped : ndarray of shape (n,)
        Rank of the right picture of each pattern, as given and after :func:`swap_hemispheres`.

    Returns
    -------
    HemisphereCheck

    Raises
    ------
    ParameterError
        Not the same number of ranks, or none.
    """
    given, swapped = np.asarray(ranks_as_given), np.asarray(ranks_swapped)
    if given.ndim != 1 or given.shape != swapped.shape or not given.size:
        raise ParameterError("Ranks as given and swapped must be as many, and at least one.")
    n_better, n_worse = int((swapped < given).sum()), int((swapped > given).sum())
    n = n_better + n_worse
    p = binomial_p(n_better, n, 0.5) if n else 1.0
    is_swapped = p < _P_SWAPPED
    counts = f"{n_better} of {len(given)} patterns fit better with left and right exchanged"
    if is_swapped:
        sentence = f"{counts} (p = {p:.2g}): the right hemisphere probably came first."
    elif n_worse > n_better:
        sentence = f"{counts}, {n_worse} fit worse: the order of the hemispheres looks right."
    else:
        sentence = f"{counts}: too few to tell whether the hemispheres are in order."
    return HemisphereCheck(is_swapped, n_better, n_worse, p, sentence)
