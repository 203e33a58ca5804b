"""What a scanner would have measured: a predicted pattern, what the model misses, and noise.

A simulated pattern is ``signal + misfit + noise``. The misfit is what a brain does and the model
does not: fixed for a picture, so that averaging repeats does not remove it. Noise has the size that
a noise ceiling implies and is alike at neighbouring places and along the model's own directions,
because with noise that is independent from place to place identification is perfect far below any
real ceiling.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from models.analysis._mesh_noise import SMOOTHING_ROUNDS, MeshNoise, mesh_noise
from models.errors import ParameterError
from models.types import FloatArray, IntArray

__all__ = [
    "ASSUMED_NCSNR",
    "ASSUMPTIONS",
    "Measurement",
    "MeshNoise",
    "Parts",
    "measure",
    "measure_parts",
    "mesh_noise",
]

#: Signal-to-noise ratio of a single trial where a model has no published one. It is the one
#: behind a noise ceiling of 36.2 % for three trials.
ASSUMED_NCSNR = 0.435
#: Share of the noise's variance that looks like signal; the rest is smooth on the mesh.
SIGNAL_LIKE_SHARE = 0.5
#: Share of the true signal's variance that the model has, where nothing better is known.
ASSUMED_CAPTURED = 0.5

#: What is assumed and why, for the page and for files: name -> sentence.
ASSUMPTIONS = {
    "ncsnr": (
        f"Assumption: single-trial signal-to-noise {ASSUMED_NCSNR} where the model publishes none; "
        "it gives the noise ceiling of 36.2 % for three trials that is reported for the Natural "
        "Scenes Dataset (Allen et al. 2022), mean of its subjects."
    ),
    "captured": (
        f"Assumption: the model has {ASSUMED_CAPTURED:.0%} of the true signal's variance; no "
        "source."
    ),
    "noise": (
        f"Assumption: {SIGNAL_LIKE_SHARE:.0%} of the noise's variance is a random mixture of the "
        "model's responses to other pictures, the rest is smooth on the cortex "
        f"({SMOOTHING_ROUNDS} rounds of averaging with the neighbours); no source."
    ),
    "misfit": "Assumption: what the model misses is made like the noise, but fixed for a picture.",
}

Random = np.random.Generator


@dataclass(frozen=True)
class Measurement:
    """How a pattern is measured.

    Parameters
    ----------
    noise : float
        Noise in units of what the noise ceiling implies: 0 none, 1 as published, 2 twice the
        standard deviation.
    n_repeats : int
        Trials averaged.
    captured : float
        Share of the true signal's variance that the model has, above 0 to 1.
    seed : int
        Of the noise.
    misfit_seed : int
        Of what the model misses: another seed is another brain.
    is_shuffled : bool
        Control: every pattern is that of another picture, at random.

    Raises
    ------
    ParameterError
        Out of range.
    """

    noise: float = 1.0
    n_repeats: int = 1
    captured: float = ASSUMED_CAPTURED
    seed: int = 0
    misfit_seed: int = 0
    is_shuffled: bool = False

    def __post_init__(self) -> None:
        if not (np.isfinite(self.noise) and self.noise >= 0):
            raise ParameterError(f"Noise must be 0 or more; got {self.noise}.")
        if self.n_repeats < 1 or self.n_repeats != int(self.n_repeats):
            raise ParameterError(f"At least one whole repeat is measured; got {self.n_repeats}.")
        if not 0 < self.captured <= 1:
            raise ParameterError(
                f"The model has a share of the signal above 0 and at most 1; got {self.captured}."
            )
        if self.seed < 0 or self.misfit_seed < 0:
            raise ParameterError("Seeds are whole numbers from 0.")

    @property
    def misfit_size(self) -> float:
        """Standard deviation of the misfit in those of the predicted signal."""
        return float(np.sqrt((1 - self.captured) / self.captured))

    @property
    def noise_size(self) -> float:
        """Standard deviation of the noise in those of the predicted signal over ``ncsnr``."""
        return float(self.noise / np.sqrt(self.n_repeats * self.captured))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for exports."""
        return asdict(self)

    def with_seed(self, seed: int) -> Measurement:
        """Return the same with another noise and another brain."""
        return replace(self, seed=seed, misfit_seed=seed)


@dataclass(frozen=True, eq=False)
class Parts:
    """What patterns are made of, before sizes are chosen; arrays (n_pictures, n_places) float32.

    Parameters
    ----------
    signal : ndarray
        The prediction.
    misfit : ndarray
        With the signal's standard deviation at each place.
    noise : ndarray
        With the signal's standard deviation over ``ncsnr``; NaN where ``ncsnr`` is not above 0.
    """

    signal: FloatArray
    misfit: FloatArray
    noise: FloatArray

    def patterns(self, measurement: Measurement) -> FloatArray:
        """Sum in the sizes of a measurement: (n_pictures, n_places) float32."""
        total = self.signal.copy()
        if measurement.misfit_size:
            total += np.float32(measurement.misfit_size) * self.misfit
        if measurement.noise_size:
            total += np.float32(measurement.noise_size) * self.noise
        return total


def measure(
    signals: FloatArray,
    measurement: Measurement,
    *,
    ncsnr: FloatArray | float = ASSUMED_NCSNR,
    neighbours: MeshNoise | None = None,
    directions: FloatArray | None = None,
    keys: Sequence[str] = (),
    rows: Sequence[int] | None = None,
) -> FloatArray:
    """Simulate measured patterns.

    Parameters
    ----------
    signals : ndarray of shape (n_pictures, n_places)
        Predicted patterns of at least two pictures; their standard deviation over pictures is the
        unit of everything else. NaN ("not modelled") stays NaN.
    measurement : Measurement
    ncsnr : float or ndarray of shape (n_places,)
        Standard deviation of the signal over that of the noise of one trial.
    neighbours : MeshNoise, optional
        Of these places. Without it the smooth part of noise and misfit is independent from place
        to place.
    directions : ndarray of shape (n_others, n_places), optional
        The model's predictions for other pictures. Without it, the other pictures in ``signals``.
    keys : sequence of str, optional
        A name for the content of each picture, so that its misfit does not depend on its place
        in the list.
    rows : sequence of int, optional
        Pictures to measure; default all.

    Returns
    -------
    ndarray of shape (n_rows, n_places), float32
        In the signals' units. The same arguments give the same numbers.

    Raises
    ------
    ParameterError
        Shapes do not fit, or fewer than two pictures.

    Notes
    -----
    With true signal variance ``s2 / captured`` where ``s2`` is the predicted one, the misfit has
    variance ``s2 (1 - captured) / captured`` and the noise
    ``noise^2 s2 / (captured ncsnr^2 n_repeats)``.
    """
    parts = measure_parts(
        signals,
        measurement,
        ncsnr=ncsnr,
        neighbours=neighbours,
        directions=directions,
        keys=keys,
        rows=rows,
    )
    return parts.patterns(measurement)


def measure_parts(
    signals: FloatArray,
    measurement: Measurement,
    *,
    ncsnr: FloatArray | float = ASSUMED_NCSNR,
    neighbours: MeshNoise | None = None,
    directions: FloatArray | None = None,
    keys: Sequence[str] = (),
    rows: Sequence[int] | None = None,
) -> Parts:
    """Draw what :func:`measure` adds up; only the seeds and the shuffle are used.

    Patterns of the same seeds share these parts, whatever the amount of noise, repeats and captured
    signal, so that curves over them compare like with like. Parameters and errors as there.
    """
    signals = _checked(signals, "Signals", 2)
    n_pictures, n_places = signals.shape
    chosen = np.arange(n_pictures) if rows is None else np.asarray(rows, np.int64)
    if chosen.ndim != 1 or not chosen.size or chosen.min() < 0 or chosen.max() >= n_pictures:
        raise ParameterError(f"Rows must be in 0..{n_pictures - 1}, and at least one.")
    if keys and len(keys) != n_pictures:
        raise ParameterError(f"{n_pictures} pictures, but {len(keys)} keys.")
    if neighbours is not None and len(neighbours.kept) != n_places:
        raise ParameterError(
            f"Signals have {n_places} places, the mesh noise {len(neighbours.kept)}."
        )
    ratio = _ratios(ncsnr, n_places)
    if measurement.is_shuffled:
        chosen = np.random.default_rng([measurement.seed, 2]).permutation(chosen)
    spread = signals.std(axis=0)
    mixture = _Mixture(signals, directions, neighbours)
    noise = mixture.draw([np.random.default_rng([measurement.seed, 0])], chosen)
    misfits = mixture.draw(_misfit_randoms(measurement.misfit_seed, chosen, keys), chosen)
    return Parts(signals[chosen], misfits * spread, noise * (spread / ratio))


def _misfit_randoms(seed: int, chosen: IntArray, keys: Sequence[str]) -> list[Random]:
    """One generator a picture, by its key."""
    names = [zlib.crc32(keys[row].encode()) if keys else int(row) for row in chosen]
    return [np.random.default_rng([seed, 1, name]) for name in names]


class _Mixture:
    """Maps of variance 1, half like the signal, half smooth on the mesh."""

    def __init__(
        self, signals: FloatArray, directions: FloatArray | None, neighbours: MeshNoise | None
    ) -> None:
        self._n_places = signals.shape[1]
        self._is_own = directions is None
        rows = signals if directions is None else _checked(directions, "Directions", 2)
        if rows.shape[1] != self._n_places:
            raise ParameterError(
                f"Directions have {rows.shape[1]} places, signals {self._n_places}."
            )
        self._rows = np.nan_to_num(rows - rows.mean(axis=0))
        self._squares = np.square(self._rows)
        self._neighbours = neighbours

    def draw(self, randoms: Sequence[Random], chosen: IntArray) -> FloatArray:
        """One map for each chosen picture; from one generator for all, or one each."""
        weights = _normal(randoms, len(chosen), len(self._rows))
        power = self._squares.sum(axis=0)
        if self._is_own:  # the picture itself is not among its directions
            weights[np.arange(len(chosen)), chosen] = 0
            power = np.maximum(power - self._squares[chosen], 0)
        scale = np.sqrt(np.float32(SIGNAL_LIKE_SHARE)) / np.sqrt(np.where(power > 0, power, np.inf))
        maps: FloatArray = (weights @ self._rows) * scale
        n_white = self._n_places if self._neighbours is None else self._neighbours.n_white
        white = _normal(randoms, len(chosen), n_white)
        smooth = white if self._neighbours is None else self._neighbours.smooth(white)
        maps += np.sqrt(np.float32(1 - SIGNAL_LIKE_SHARE)) * smooth
        return maps


def _normal(randoms: Sequence[Random], n_rows: int, n_columns: int) -> FloatArray:
    """Independent standard normal numbers (n_rows, n_columns), float32."""
    if len(randoms) == 1:
        return randoms[0].standard_normal((n_rows, n_columns), np.float32)
    rows = [random.standard_normal(n_columns, np.float32) for random in randoms]
    return np.stack(rows)


def _checked(values: FloatArray, what: str, n_least: int) -> FloatArray:
    """Rows of patterns as float32."""
    array = np.asarray(values, np.float32)
    if array.ndim != 2 or len(array) < n_least or not array.shape[1]:
        raise ParameterError(
            f"{what} must be (n, n_places) with at least {n_least} pictures; got {array.shape}."
        )
    return array


def _ratios(ncsnr: FloatArray | float, n_places: int) -> FloatArray:
    """Signal-to-noise ratio of each place; NaN where it is not above 0."""
    ratio = np.asarray(ncsnr, np.float32)
    if ratio.shape not in ((), (n_places,)):
        raise ParameterError(
            f"Signal-to-noise is one number or {n_places}, one a place; got {ratio.shape}."
        )
    if np.isinf(ratio).any() or (ratio.ndim == 0 and not ratio > 0):
        raise ParameterError("The signal-to-noise ratio must be above 0 and finite.")
    return np.asarray(np.where(ratio > 0, ratio, np.nan), np.float32)
