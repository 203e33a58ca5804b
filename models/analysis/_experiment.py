"""Who makes patterns, who reads them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from models.analysis._identification import prepare_gallery
from models.analysis.measurement import ASSUMED_NCSNR, Measurement, MeshNoise, Parts, measure_parts
from models.errors import ParameterError
from models.types import BoolArray, FloatArray, IntArray

__all__ = ["Experiment", "match_scores"]


@dataclass(frozen=True, eq=False)
class Experiment:
    """Who makes patterns, who reads them, and which pictures are asked about.

    Parameters
    ----------
    signals : ndarray of shape (n_gallery, n_places)
        What the generating model predicts for every picture of the gallery; NaN is not modelled.
    predictions : ndarray of shape (n_gallery, n_places)
        What the reader predicts for the same pictures.
    queries : ndarray of shape (n_queries,), int
        Pictures whose patterns are measured.
    ncsnr : float or ndarray of shape (n_places,)
        Of the generator; see :func:`models.analysis.measurement.measure`.
    neighbours, directions, keys
        As there.

    Raises
    ------
    ParameterError
        Shapes do not fit, or a query is not in the gallery.
    """

    signals: FloatArray
    predictions: FloatArray
    queries: IntArray
    ncsnr: FloatArray | float = ASSUMED_NCSNR
    neighbours: MeshNoise | None = None
    directions: FloatArray | None = None
    keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape = np.shape(self.signals)
        if len(shape) != 2 or shape[0] < 2 or np.shape(self.predictions) != shape:
            raise ParameterError(
                f"Signals and predictions must both be (n_gallery, n_places) of two pictures or "
                f"more; got {shape} and {np.shape(self.predictions)}."
            )
        queries = np.asarray(self.queries)
        is_whole = queries.ndim == 1 and queries.size > 0 and queries.dtype.kind in "iu"
        if not is_whole or queries.min() < 0 or queries.max() >= shape[0]:
            raise ParameterError(f"Queries must be pictures 0..{shape[0] - 1}, at least one.")
        object.__setattr__(self, "queries", queries)

    @property
    def n_gallery(self) -> int:
        """Pictures to choose from."""
        return len(self.signals)

    @cached_property
    def usable(self) -> BoolArray:
        """Places that both know and that have signal; (n_places,) bool."""
        is_known = np.isfinite(self.signals).all(axis=0) & np.isfinite(self.predictions).all(axis=0)
        ratio = np.broadcast_to(np.asarray(self.ncsnr), is_known.shape)
        return np.asarray(is_known & (ratio > 0))

    def parts(self, measurement: Measurement) -> Parts:
        """Draw what the queries' patterns are made of, the mean signal of the gallery off."""
        drawn = measure_parts(
            self.signals,
            measurement,
            ncsnr=self.ncsnr,
            neighbours=self.neighbours,
            directions=self.directions,
            keys=self.keys,
            rows=self.queries.tolist(),
        )
        return replace(drawn, signal=drawn.signal - self.signals.mean(axis=0))

    def halves(self) -> tuple[Experiment, Experiment]:
        """Every second query, and the others: one half to choose by, one to report.

        Raises
        ------
        ParameterError
            Fewer than two queries.
        """
        if len(self.queries) < 2:
            raise ParameterError("Choosing regions needs two pictures at least.")
        return replace(self, queries=self.queries[::2]), replace(self, queries=self.queries[1::2])


def match_scores(
    patterns: FloatArray,
    predictions: FloatArray,
    pattern_mean: FloatArray | None = None,
    weights: FloatArray | None = None,
) -> FloatArray:
    """Identify patterns with a reader whose units are not the patterns'.

    Parameters
    ----------
    patterns : ndarray of shape (n_queries, n_places)
    predictions : ndarray of shape (n_gallery, n_places)
        Of the reader; their mean is taken off them.
    pattern_mean : ndarray of shape (n_places,), optional
        Mean response to many pictures, in the patterns' units (for simulated ones the mean
        signal of the gallery); taken off the patterns. Default 0: z-scored or contrast patterns.
    weights : ndarray of shape (n_places,), optional
        See :func:`models.analysis.decode.identification_scores`.

    Returns
    -------
    ndarray of shape (n_queries, n_gallery), float32
    """
    centred = np.asarray(patterns, np.float32)
    if pattern_mean is not None:
        centred = centred - np.asarray(pattern_mean, np.float32)
    about_zero = np.asarray(predictions, np.float32)
    about_zero = about_zero - about_zero.mean(axis=0)
    return prepare_gallery(about_zero, weights).scores(centred)
