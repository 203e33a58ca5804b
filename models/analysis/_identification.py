"""Identification by an encoding model (Kay et al. 2008, Nature 452:352).

The picture whose predicted pattern correlates best with the measured one is the answer; nothing is
trained beyond the encoder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models.errors import ParameterError
from models.types import BoolArray, FloatArray, IntArray

__all__ = ["PreparedGallery", "identification_scores", "prepare_gallery"]

#: Predictions brought to length one at a time: small enough to stay in a processor's cache.
_BLOCK = 32
#: Fewer places than this make every correlation plus or minus one.
_FEWEST = 3


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
    mean : ndarray of shape (n_columns,), float32
        What is taken off every pattern and prediction.
    unit : ndarray of shape (n_gallery, n_columns), float32
        Predictions centred, weighted and of length one.
    """

    predictions: FloatArray
    weights: FloatArray
    is_mean_removed: bool
    columns: IntArray
    mean: FloatArray
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
        used = np.ascontiguousarray(patterns[:, self.columns])
        is_whole = np.asarray(np.isfinite(used).all(axis=1))
        result = np.empty((len(patterns), len(self.predictions)), np.float32)
        whole = _unit_patterns(used[is_whole] - self.mean, self.weights[self.columns], is_whole)
        result[is_whole] = whole @ self.unit.T
        if not is_whole.all():
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
    """Centre, weight and normalise a gallery once, for many patterns.

    Parameters are those of :func:`identification_scores`; the result holds a second array of the
    size of the predictions.
    """
    predictions, weights = _gallery(predictions, weights, is_mean_removed)
    mean = _mean(predictions)
    columns = np.flatnonzero(np.isfinite(mean) & (weights > 0))
    mean = mean if is_mean_removed else np.zeros_like(mean)
    unit = np.empty((len(predictions), len(columns)), np.float32)
    for start, block in _unit_blocks(predictions, columns, mean[columns], weights[columns]):
        unit[start : start + len(block)] = block
    return PreparedGallery(predictions, weights, is_mean_removed, columns, mean[columns], unit)


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
    mean = mean if is_mean_removed else np.zeros_like(mean)
    result = np.empty((len(patterns), len(predictions)), np.float32)
    for rows, columns in _same_places(np.isfinite(patterns), is_used):
        weight, centre = weights[columns], mean[columns]
        is_row = np.zeros(len(patterns), bool)
        is_row[rows] = True
        unit = _unit_patterns(patterns[np.ix_(rows, columns)] - centre, weight, is_row)
        for start, block in _unit_blocks(predictions, columns, centre, weight):
            result[rows, start : start + len(block)] = unit @ block.T
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


def _same_places(is_finite: BoolArray, is_used: BoolArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Rows that are finite in the same places, and the places in use for them."""
    masks = np.packbits(is_finite & is_used, axis=1)
    _, group = np.unique(masks, axis=0, return_inverse=True)
    for number in range(int(group.max()) + 1):
        rows = np.flatnonzero(group.ravel() == number)
        yield rows, np.flatnonzero(is_finite[rows[0]] & is_used)


def _unit_patterns(rows: FloatArray, weight: FloatArray, is_row: BoolArray) -> FloatArray:
    """Centred, weighted rows of length one; ``is_row`` says which patterns they are."""
    if len(weight) < _FEWEST:
        raise ParameterError(
            f"Patterns and predictions have {len(weight)} places in common; "
            f"{_FEWEST} at least are needed."
        )
    length = _make_unit(rows, weight)
    if len(rows) and not (length > 0).all():
        number = int(np.flatnonzero(is_row)[np.flatnonzero(length == 0)[0]])
        raise ParameterError(f"Pattern {number} does not vary, so it correlates with nothing.")
    return rows


def _unit_blocks(
    predictions: FloatArray, columns: IntArray, centre: FloatArray, weight: FloatArray
) -> Iterator[tuple[int, FloatArray]]:
    """Predictions block by block, centred, weighted and of length one."""
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
        _make_unit(block, weight)
        yield start, block


def _make_unit(rows: FloatArray, weight: FloatArray) -> FloatArray:
    """Centre, weight and normalise in place; lengths before, 0 where nothing varies.

    Both sides carry the root of the weight, so that a dot product is a weighted correlation.
    """
    largest = np.maximum(rows.max(axis=1, initial=0), -rows.min(axis=1, initial=0))
    rows -= (rows @ (weight / weight.sum()))[:, None]
    rows *= np.sqrt(weight)
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    # Below this only rounding is left of a row that was constant.
    floor = 1e-6 * largest * np.sqrt(weight.sum())
    length = np.where(length > floor, length, 0).astype(np.float32)
    rows *= np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)[:, None]
    return np.asarray(length)
