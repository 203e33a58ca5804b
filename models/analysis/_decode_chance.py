"""What guessing gives, and how far from it a number of hits is."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import betainc, ndtri

from models.errors import ParameterError
from models.types import FloatArray

__all__ = [
    "binomial_p",
    "chance_mean_rank",
    "chance_top_k",
    "dummy_predictions",
    "hits_needed",
    "ncsnr_of_ceiling",
    "noise_ceiling",
    "normalised_score",
    "wilson_interval",
]


def _check(hits: int, n: int) -> None:
    if n < 1 or not 0 <= hits <= n:
        raise ParameterError(f"Hits must lie in 0..n, with n at least 1; got {hits} of {n}.")


def chance_top_k(k: int, n_gallery: int) -> float:
    """Share of hits within the best ``k`` of somebody who guesses among ``n_gallery``."""
    if k < 1 or n_gallery < 1:
        raise ParameterError(f"k and the gallery must be 1 at least; got {k} and {n_gallery}.")
    return min(1.0, k / n_gallery)


def chance_mean_rank(n_gallery: int) -> float:
    """Mean zero-based rank of somebody who guesses."""
    return (n_gallery - 1) / 2


def wilson_interval(hits: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of Wilson (1927) for a share of hits.

    Parameters
    ----------
    hits, n : int
        Hits of ``n`` independent queries.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    (low, high) : float
        Inside 0..1.

    Raises
    ------
    ParameterError
        Hits outside 0..n, or confidence outside (0, 1).
    """
    _check(hits, n)
    if not 0 < confidence < 1:
        raise ParameterError(f"Confidence must lie between 0 and 1; got {confidence:g}.")
    z = float(ndtri((1 + confidence) / 2))
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    # Rounding must not leave 0 of n or n of n with an end beside 0 or 1.
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    return low, 1.0 if hits == n else min(1.0, middle + half)


def binomial_p(hits: int, n: int, chance: float) -> float:
    """Probability of at least that many hits by guessing; exact, one-sided.

    Parameters
    ----------
    hits, n : int
        Hits of ``n`` independent queries.
    chance : float
        Of one hit; between 0 and 1.

    Raises
    ------
    ParameterError
        Hits outside 0..n, or chance outside 0..1.
    """
    _check(hits, n)
    if not 0 <= chance <= 1:
        raise ParameterError(f"Chance must lie in 0..1; got {chance:g}.")
    if hits == 0:
        return 1.0
    # The upper tail of a binomial is a regularised incomplete beta function.
    return float(betainc(hits, n - hits + 1, chance))


def hits_needed(n: int, chance: float, level: float = 0.05) -> int | None:
    """Fewest hits of ``n`` whose :func:`binomial_p` is below ``level``; None where none is."""
    return next((hits for hits in range(n + 1) if binomial_p(hits, n, chance) < level), None)


def dummy_predictions(targets: FloatArray, n: int) -> FloatArray:
    """Mean of all known targets for every query: NeuralBench's "Dummy".

    Parameters
    ----------
    targets : ndarray of shape (n_known, d)
        Of training and validation.
    n : int
        Queries.

    Returns
    -------
    ndarray of shape (n, d), float32
    """
    mean = np.asarray(targets, np.float64).mean(axis=0).astype(np.float32)
    return np.repeat(mean[None], n, axis=0)


def normalised_score(score: float, dummy: float) -> float:
    """Score on a scale where the dummy is 0 and a perfect decoder 1.

    Raises
    ------
    ParameterError
        The dummy is perfect already.
    """
    if dummy >= 1:
        raise ParameterError("The dummy is right every time: nothing is left to measure.")
    return (score - dummy) / (1 - dummy)


def noise_ceiling(ncsnr: FloatArray | float, n_repeats: int = 1) -> Any:
    """Share of a measurement's variance that a perfect model could explain.

    Parameters
    ----------
    ncsnr : float or ndarray
        Standard deviation of the signal over that of one trial's noise.
    n_repeats : int
        Trials averaged.

    Returns
    -------
    float or ndarray
        ``ncsnr² / (ncsnr² + 1 / n)`` (Allen et al. 2022); its root is the best correlation.

    Raises
    ------
    ParameterError
        Fewer than one repeat.
    """
    if n_repeats < 1:
        raise ParameterError(f"At least one repeat is needed; got {n_repeats}.")
    power = np.square(np.asarray(ncsnr, np.float64))
    return power / (power + 1.0 / n_repeats)


def ncsnr_of_ceiling(ceiling: float, n_repeats: int = 1) -> float:
    """Ratio of signal to noise at which ``n_repeats`` trials have this ceiling (0..1)."""
    if not 0 <= ceiling < 1 or n_repeats < 1:
        raise ParameterError(f"A ceiling lies in 0..1, below 1; got {ceiling:g}.")
    return float(np.sqrt(ceiling / (1 - ceiling) / n_repeats))
