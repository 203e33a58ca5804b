"""Identification by an encoding model (Kay et al. 2008, Nature 452:352).

The picture whose predicted pattern correlates best with the measured one is the answer; nothing is
trained beyond the encoder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import ParameterError
from models.types import BoolArray, FloatArray, IntArray

__all__ = ["PreparedGallery", "identification_scores", "prepare_gallery"]

#: Predictions compared at a time: small enough to stay in a processor's cache.
_BLOCK = 128
#: Fewer places than this make every correlation plus or minus one.
_FEWEST = 3
#: A row whose mean is more than this many deviations is centred before its length is taken, or
#: too little would be left of it in float32.
_FAR = 8.0


@dataclass(frozen=True, eq=False)
class PreparedGallery:
    """A gallery ready to be compared with many patterns; made by :func:`prepare_gallery`.

    Parameters
    ----------
    predictions : ndarray of shape (n_gallery, n_places)
        As given.
    weights : ndarray of shape (n_places,), float32
        0 where a place is left out.
    is_mean_removed : bool
    columns : ndarray of int
        Places in use.
    centre : ndarray of shape (n_columns,), float32
        What is taken off every pattern and prediction.
    unit : ndarray of shape (n_gallery, n_columns), float32
        Predictions brought to weighted deviation one. Their means are left: patterns have none.
    """

    predictions: FloatArray
    weights: FloatArray
    is_mean_removed: bool
    columns: IntArray
    centre: FloatArray
    unit: FloatArray

    def scores(self, patterns: FloatArray) -> FloatArray:
        """Correlation of every pattern with every prediction; see :func:`identification_scores`.

        Parameters
        ----------
        patterns : ndarray of shape (n_queries, n_places)

        Returns
        -------
        ndarray of shape (n_queries, n_gallery), float32
        """
        patterns = _patterns(patterns, self.predictions.shape[1])
        used = _columns(patterns, self.columns)
        is_whole = _is_finite(used)
        result = np.empty((len(patterns), len(self.predictions)), np.float32)
        rows = np.flatnonzero(is_whole)
        left = _left(used[rows], self.centre, self.weights[self.columns], rows)
        result[rows] = left @ self.unit.T
        if len(rows) < len(patterns):
            result[~is_whole] = identification_scores(
                patterns[~is_whole],
                self.predictions,
                self.weights,
                is_mean_removed=self.is_mean_removed,
            )
        return result


def prepare_gallery(
    predictions: FloatArray, weights: FloatArray | None = None, *, is_mean_removed: bool = True
) -> PreparedGallery:
    """Centre and normalise a gallery once, for many patterns.

    Parameters are those of :func:`identification_scores`; the result holds a second array of the
    size of the predictions.
    """
    predictions, weights = _gallery(predictions, weights, is_mean_removed)
    mean = _mean(predictions)
    columns = np.flatnonzero(np.isfinite(mean) & (weights > 0))
    _check_places(len(columns))
    centre = mean[columns] if is_mean_removed else np.zeros(len(columns), np.float32)
    unit = np.empty((len(predictions), len(columns)), np.float32)
    for start, block, scale in _blocks(predictions, columns, centre, weights[columns]):
        np.multiply(block, scale[:, None], out=unit[start : start + len(block)])
    return PreparedGallery(predictions, weights, is_mean_removed, columns, centre, unit)


def identification_scores(
    patterns: FloatArray,
    predictions: FloatArray,
    weights: FloatArray | None = None,
    *,
    is_mean_removed: bool = True,
) -> FloatArray:
    """Pearson correlation of measured patterns with the encoder's prediction for each picture.

    Parameters
    ----------
    patterns : ndarray of shape (n_queries, n_places)
        NaN is "not measured".
    predictions : ndarray of shape (n_gallery, n_places)
        NaN is "not modelled". A place counts where the pattern and all predictions are finite.
    weights : ndarray of shape (n_places,), optional
        E.g. squared signal-to-noise ratios; 0 and NaN leave a place out.
    is_mean_removed : bool
        Take the mean prediction of the gallery off patterns and predictions first: what all
        pictures have in common tells nothing. False gives the plain correlation.

    Returns
    -------
    ndarray of shape (n_queries, n_gallery), float32
        A prediction that does not vary correlates with nothing: 0.

    Raises
    ------
    ParameterError
        Shapes or weights do not fit, a pattern does not vary, fewer than three places are
        finite on both sides, or the mean is to be removed from a gallery of one.

    Notes
    -----
    Pearson's r with the weights as frequencies: means, variances and covariance are weighted.
    """
    predictions, weights = _gallery(predictions, weights, is_mean_removed)
    patterns = _patterns(patterns, predictions.shape[1])
    mean = _mean(predictions)
    is_used = np.isfinite(mean) & (weights > 0)
    result = np.empty((len(patterns), len(predictions)), np.float32)
    for rows, columns in _same_places(patterns, is_used):
        weight = weights[columns]
        centre = mean[columns] if is_mean_removed else np.zeros(len(columns), np.float32)
        left = _left(_columns(patterns[rows], columns), centre, weight, rows)
        for start, block, scale in _blocks(predictions, columns, centre, weight):
            result[rows, start : start + len(block)] = (left @ block.T) * scale
    return result


def _patterns(patterns: FloatArray, n_places: int) -> FloatArray:
    array = np.asarray(patterns, np.float32)
    if array.ndim != 2 or array.shape[1] != n_places or not len(array):
        raise ParameterError(f"Patterns must be (n, {n_places}) as predictions; got {array.shape}.")
    return array


def _gallery(
    predictions: FloatArray, weights: FloatArray | None, is_mean_removed: bool
) -> tuple[FloatArray, FloatArray]:
    """Both as float32, weights checked and never NaN."""
    array = np.asarray(predictions, np.float32)
    if array.ndim != 2 or not array.size:
        raise ParameterError(f"Predictions must be (n_gallery, n_places); got {array.shape}.")
    if is_mean_removed and len(array) < 2:
        raise ParameterError("A gallery needs two pictures at least: one has no other to beat.")
    if weights is None:
        return array, np.ones(array.shape[1], np.float32)
    weight = np.nan_to_num(np.asarray(weights, np.float32), nan=0.0, posinf=np.inf)
    if weight.shape != array.shape[1:] or not np.isfinite(weight).all() or (weight < 0).any():
        raise ParameterError(f"Weights must be {array.shape[1]} numbers, none negative.")
    return array, weight


def _mean(predictions: FloatArray) -> FloatArray:
    """Mean prediction; not finite where any of them is not."""
    ones = np.full(len(predictions), 1.0 / len(predictions), np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(ones @ predictions, np.float32)


def _columns(rows: FloatArray, columns: IntArray) -> FloatArray:
    return rows if len(columns) == rows.shape[1] else np.take(rows, columns, axis=1)


def _is_finite(rows: FloatArray) -> BoolArray:
    """Which rows are finite; a sum costs less than asking every number."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(np.isfinite(rows @ np.ones(rows.shape[1], np.float32)))


def _same_places(patterns: FloatArray, is_used: BoolArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Rows that are finite in the same places, and the places in use for them."""
    columns = np.flatnonzero(is_used)
    is_whole = _is_finite(_columns(patterns, columns))
    if is_whole.any():
        yield np.flatnonzero(is_whole), columns
    others = np.flatnonzero(~is_whole)
    if not len(others):
        return
    is_known = np.isfinite(patterns[others]) & is_used
    _, group = np.unique(np.packbits(is_known, axis=1), axis=0, return_inverse=True)
    for number in range(int(group.max()) + 1):
        members = np.flatnonzero(group.ravel() == number)
        yield others[members], np.flatnonzero(is_known[members[0]])


def _check_places(n: int) -> None:
    if n < _FEWEST:
        raise ParameterError(
            f"Patterns and predictions have {n} places in common; {_FEWEST} at least are needed."
        )


def _left(
    patterns: FloatArray, centre: FloatArray, weight: FloatArray, numbers: IntArray
) -> FloatArray:
    """Patterns centred, of weighted deviation one, times the weight; ``numbers`` name them."""
    _check_places(len(weight))
    rows = patterns - centre
    scale = _scale(rows, weight, is_centred=True)
    if not scale.all():
        number = int(numbers[np.flatnonzero(scale == 0)[0]])
        raise ParameterError(f"Pattern {number} does not vary, so it correlates with nothing.")
    rows *= scale[:, None]
    rows *= weight
    return rows


def _blocks(
    predictions: FloatArray, columns: IntArray, centre: FloatArray, weight: FloatArray
) -> Iterator[tuple[int, FloatArray, FloatArray]]:
    """Predictions block by block without the centre, and what brings each to deviation one."""
    buffer = np.empty((min(_BLOCK, len(predictions)), len(columns)), np.float32)
    is_all = len(columns) == predictions.shape[1]
    for start in range(0, len(predictions), _BLOCK):
        given = predictions[start : start + _BLOCK]
        block = buffer[: len(given)]
        if is_all:
            np.subtract(given, centre, out=block)
        else:
            np.take(given, columns, axis=1, out=block)
            block -= centre
        yield start, block, _scale(block, weight)


def _scale(rows: FloatArray, weight: FloatArray, *, is_centred: bool = False) -> FloatArray:
    """One over the weighted deviation (times the root of the sum of weights) of each row.

    Rows are centred in place where asked for, or where their mean is far from zero. 0 where
    nothing varies.
    """
    total = float(weight.sum())
    mean = rows @ (weight / np.float32(total))
    about_zero = total * np.square(mean, dtype=np.float64)
    squares = _squares(rows, weight)
    is_far = squares - about_zero < about_zero / _FAR**2
    if is_centred or is_far.any():
        rows -= mean[:, None]
        rest = _squares(rows, weight)
    else:
        rest = squares - about_zero
    # Below this only rounding is left of a row that was constant.
    varies = rest > 1e-12 * about_zero
    scale = np.where(varies, 1 / np.sqrt(np.where(varies, rest, 1.0)), 0.0)
    return np.asarray(scale, np.float32)


def _squares(rows: FloatArray, weight: FloatArray) -> NDArray[np.float64]:
    """Weighted sum of squares of each row."""
    if (weight == weight[0]).all():
        return np.asarray(np.vecdot(rows, rows) * np.float64(weight[0]), np.float64)
    return np.asarray(np.vecdot(rows, rows * weight), np.float64)
