"""Scores of candidates, ranks of the right one, and what is counted over ranks."""

from __future__ import annotations

from typing import Literal

import numpy as np

from models.errors import ParameterError
from models.types import BoolArray, FloatArray, IntArray

__all__ = [
    "NormKind",
    "best_score_null",
    "finite_rows",
    "lower_median",
    "near_duplicates",
    "open_set_p",
    "pearson_per_dimension",
    "rank_std",
    "ranks",
    "similarities",
    "top_k",
    "two_way",
]

#: Which side of a dot product is brought to length one: x predictions, y candidates.
NormKind = Literal["x", "y", "xy", "none"]

#: Added to a length before dividing by it, as NeuralBench does: zero vectors stay zero.
_LENGTH_FLOOR = 1e-15
#: Rows compared at once where every row meets every other.
_BLOCK = 1024


def finite_rows(values: FloatArray, what: str) -> FloatArray:
    """Array of rows without a single NaN or infinity, as float32.

    Raises
    ------
    ParameterError
        Not two-dimensional, empty, or not finite somewhere.
    """
    array = np.asarray(values)
    if array.ndim != 2 or not array.size:
        raise ParameterError(f"{what} must be rows of numbers, (n, d); got shape {array.shape}.")
    array = array.astype(np.float32, copy=False)
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise ParameterError(f"{what}: row {row} holds NaN or infinite values.")
    return array


def _lengths(rows: FloatArray) -> FloatArray:
    """Length of each row, (n, 1) float32, never zero."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.float32(_LENGTH_FLOOR) + length, np.float32)


def similarities(predictions: FloatArray, gallery: FloatArray, norm: NormKind = "y") -> FloatArray:
    """Dot product of every prediction with every candidate.

    Parameters
    ----------
    predictions : ndarray of shape (n_queries, d)
    gallery : ndarray of shape (n_gallery, d)
        One vector a candidate.
    norm : {"y", "x", "xy", "none"}
        Which side has length one. With ``"y"`` (NeuralBench's) candidates are ranked as by
        cosine, since the length of a prediction is the same for all its candidates.

    Returns
    -------
    ndarray of shape (n_queries, n_gallery), float32
        In single precision on purpose: ties fall as they do in NeuralBench.

    Raises
    ------
    ParameterError
        Not finite somewhere, widths differ, or another norm.
    """
    if norm not in ("x", "y", "xy", "none"):
        raise ParameterError(f'Norm is "x", "y", "xy" or "none"; got {norm!r}.')
    left, right = finite_rows(predictions, "Predictions"), finite_rows(gallery, "Gallery")
    if left.shape[1] != right.shape[1]:
        raise ParameterError(
            f"Predictions have {left.shape[1]} dimensions, candidates {right.shape[1]}."
        )
    scores = left @ right.T
    # Lengths divide the products, not the vectors: rounding, and so ties, fall as in NeuralBench.
    if "x" in norm:
        scores /= _lengths(left)
    if "y" in norm:
        scores /= _lengths(right).T
    return np.asarray(scores, np.float32)


def ranks(scores: FloatArray, truth: IntArray) -> FloatArray:
    """Place of the right candidate of each query, best is 0; ties share the middle place.

    Parameters
    ----------
    scores : ndarray of shape (n_queries, n_gallery)
        Larger is better.
    truth : ndarray of shape (n_queries,), int
        Column of the right candidate.

    Returns
    -------
    ndarray of shape (n_queries,), float64
        Half of "how many score higher" plus "how many others score at least as high": half
        numbers happen, and where all tie the rank is ``(n_gallery - 1) / 2``.

    Raises
    ------
    ParameterError
        A score is NaN (nothing could be said of its rank), or truth is no column.
    """
    scores, right = np.asarray(scores), np.asarray(truth)
    if scores.ndim != 2 or right.shape != (len(scores),) or not scores.size:
        raise ParameterError(
            f"Scores must be (n_queries, n_gallery) and truth (n_queries,); "
            f"got {scores.shape} and {right.shape}."
        )
    if right.dtype.kind not in "iu" or right.min() < 0 or right.max() >= scores.shape[1]:
        raise ParameterError(f"Truth must be whole numbers in 0..{scores.shape[1] - 1}.")
    if np.isnan(scores).any():
        row = int(np.flatnonzero(np.isnan(scores).any(axis=1))[0])
        raise ParameterError(f"Scores of query {row} hold NaN, so nothing can be ranked.")
    own = scores[np.arange(len(scores)), right][:, None]
    n_higher = (scores > own).sum(axis=1, dtype=np.int64)
    n_as_high = (scores >= own).sum(axis=1, dtype=np.int64) - 1
    return np.asarray((n_higher + n_as_high) / 2.0, np.float64)


def top_k(ranks: FloatArray, k: int) -> float:
    """Share of ranks below ``k``: the right one was among the best ``k``."""
    return float(np.mean(_some(ranks) < k))


def lower_median(values: FloatArray) -> float:
    """Middle value; of an even number the lower of the two, as torch has it."""
    ordered = np.sort(_some(values))
    return float(ordered[(len(ordered) - 1) // 2])


def rank_std(ranks: FloatArray) -> float:
    """Sample standard deviation (n - 1 below the line); NaN for a single rank."""
    values = _some(ranks)
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def _some(values: FloatArray) -> FloatArray:
    array = np.asarray(values, np.float64).ravel()
    if not array.size or np.isnan(array).any():
        raise ParameterError("Ranks must be at least one number, without NaN.")
    return array


def _standard(rows: FloatArray, axis: int) -> FloatArray:
    """Centred, length one along ``axis``, float64; NaN where nothing varies."""
    centred = np.asarray(rows, np.float64)
    centred = centred - centred.mean(axis=axis, keepdims=True)
    length = np.linalg.norm(centred, axis=axis, keepdims=True)
    size = np.abs(rows).max(axis=axis, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(length > 1e-12 * size, centred / length, np.nan))


def pearson_per_dimension(predictions: FloatArray, targets: FloatArray) -> FloatArray:
    """Pearson r over samples, of each dimension by itself.

    Parameters
    ----------
    predictions, targets : ndarray of shape (n, d)

    Returns
    -------
    ndarray of shape (d,), float64
        NaN for a dimension that does not vary on either side.

    Raises
    ------
    ParameterError
        Shapes differ, or not finite somewhere.
    """
    left, right = _pair(predictions, targets)
    return np.asarray((_standard(left, 0) * _standard(right, 0)).sum(axis=0))


def two_way(predictions: FloatArray, targets: FloatArray) -> float:
    """Share of pairs in which the true image correlates better than the other; chance is 0.5.

    Parameters
    ----------
    predictions, targets : ndarray of shape (n, d)
        Row i of both belongs to image i; n is 2 at least.

    Raises
    ------
    ParameterError
        Shapes differ, not finite, fewer than two images, or a row that does not vary.
    """
    left, right = _pair(predictions, targets)
    if len(left) < 2:
        raise ParameterError("Two-way identification needs two images at least.")
    table = _standard(left, 1) @ _standard(right, 1).T
    if np.isnan(table).any():
        raise ParameterError("A row that does not vary correlates with nothing.")
    n_beaten = (table < np.diagonal(table)[:, None]).sum(axis=1)
    return float(np.mean(n_beaten / (len(left) - 1)))


def _pair(predictions: FloatArray, targets: FloatArray) -> tuple[FloatArray, FloatArray]:
    left, right = finite_rows(predictions, "Predictions"), finite_rows(targets, "Targets")
    if left.shape != right.shape:
        raise ParameterError(f"Predictions are {left.shape}, targets {right.shape}.")
    return left, right


def near_duplicates(
    features: FloatArray, threshold: float = 0.98
) -> tuple[tuple[int, int, float], ...]:
    """Pairs of pictures that count as the same one.

    Parameters
    ----------
    features : ndarray of shape (n, d)
        Features of the pictures; what is alike depends on them.
    threshold : float
        A cosine above this is too close.

    Returns
    -------
    tuple of (first, second, cosine)
        ``first < second``, in that order.

    Raises
    ------
    ParameterError
        Not finite somewhere.
    """
    rows_in = finite_rows(features, "Features")
    unit = rows_in / _lengths(rows_in)
    found: list[tuple[int, int, float]] = []
    for start in range(0, len(unit), _BLOCK):
        cosines = unit[start : start + _BLOCK] @ unit[start:].T
        rows, columns = np.nonzero(np.triu(cosines > threshold, 1))
        pairs = zip(rows.tolist(), columns.tolist(), strict=True)
        found += [(start + a, start + b, float(cosines[a, b])) for a, b in pairs]
    return tuple(found)


def best_score_null(
    scores: FloatArray,
    truth: IntArray | None = None,
    *,
    excluded: BoolArray | None = None,
) -> FloatArray:
    """Best scores of patterns whose picture is not on offer.

    A gallery always has a best match. How good it is by accident is told by patterns of known
    pictures, measured the same way, with their own picture (and what is nearly the same) taken
    out of the gallery.

    Parameters
    ----------
    scores : ndarray of shape (n_queries, n_gallery)
    truth : ndarray of shape (n_queries,), int, optional
        Column of each pattern's own picture; -1 where it is not in the gallery.
    excluded : ndarray of shape (n_queries, n_gallery), bool, optional
        More candidates to leave out, as near-duplicates of the own picture.

    Returns
    -------
    ndarray of shape (n_queries,), float32
        Best score of what is left.

    Raises
    ------
    ParameterError
        Shapes do not fit, a score is NaN, or nothing is left of a row.
    """
    left = np.array(scores, np.float32)
    if left.ndim != 2 or np.isnan(left).any():
        raise ParameterError("Scores must be (n_queries, n_gallery) without NaN.")
    if excluded is not None:
        if np.shape(excluded) != left.shape:
            raise ParameterError(f"Excluded is {np.shape(excluded)}, scores are {left.shape}.")
        left[np.asarray(excluded, bool)] = -np.inf
    if truth is not None:
        own = np.asarray(truth)
        if own.shape != (len(left),) or own.min() < -1 or own.max() >= left.shape[1]:
            raise ParameterError(f"Truth must be {len(left)} columns of the scores, or -1.")
        rows = np.flatnonzero(own >= 0)
        left[rows, own[rows]] = -np.inf
    best = left.max(axis=1)
    if np.isneginf(best).any():
        raise ParameterError("Nothing of the gallery is left for a pattern.")
    return np.asarray(best, np.float32)


def open_set_p(best: FloatArray | float, null: FloatArray) -> FloatArray:
    """Share of best scores by accident that are as good as these.

    Parameters
    ----------
    best : float or ndarray of shape (n,)
        Best score of a pattern.
    null : ndarray of shape (m,)
        Of :func:`best_score_null`.

    Returns
    -------
    ndarray of shape (n,), float64
        ``(1 + as good) / (1 + m)``; above 0.05 there is no confident match.
    """
    ordered = np.sort(np.asarray(null, np.float64))
    n_as_good = len(ordered) - np.searchsorted(ordered, np.atleast_1d(best), side="left")
    return np.asarray((1.0 + n_as_good) / (1.0 + len(ordered)), np.float64)
