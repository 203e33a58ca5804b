"""Ridge regression from patterns to features, with the penalty chosen on validation trials."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from models.analysis.decode import ranks, similarities, top_k
from models.decoders.fitted import FittedDecoder
from models.decoders.samples import PatternScaler, Samples
from models.errors import ParameterError
from models.types import FloatArray, Report, ignore_progress

__all__ = ["DualRidge"]

#: Penalties in units of the mean eigenvalue of the patterns, so that they mean the same for any
#: number of trials and places.
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3)


class DualRidge:
    """Linear decoder; solved over trials or over places, whichever are fewer.

    Parameters
    ----------
    penalties : sequence of float
        To choose from, in units of the mean eigenvalue of the scaled training patterns.

    Raises
    ------
    ParameterError
        No penalty, or one that is not above zero.

    Notes
    -----
    Patterns are brought to mean 0 and deviation 1 place by place, targets to mean 0; both with
    the numbers of the training trials. Chosen is the penalty with the highest top-5 among the
    distinct pictures of the validation trials, of equal ones that with the lower mean rank.
    """

    def __init__(self, penalties: Sequence[float] = PENALTIES) -> None:
        if not penalties or not all(np.isfinite(p) and p > 0 for p in penalties):
            raise ParameterError(f"Penalties must be numbers above zero; got {list(penalties)}.")
        self.penalties = tuple(sorted(penalties))

    def fit(
        self, training: Samples, validation: Samples, report: Report = ignore_progress
    ) -> FittedDecoder:
        """Solve for every penalty and keep the best.

        Parameters
        ----------
        training, validation : Samples
            Without a picture in common, or the choice is flattered.
        report : callable
            May raise ``Cancelled``.

        Returns
        -------
        FittedDecoder

        Raises
        ------
        ParameterError
            Validation trials have other places, volumes or features.
        Cancelled
            ``report`` asked to stop.
        """
        began = time.monotonic()
        n_steps = len(self.penalties) + 2
        report("comparing patterns", 0, n_steps)
        scaler = PatternScaler.fit(training.patterns)
        given = _flat(scaler.apply(training.patterns))
        asked = _flat(scaler.apply(validation.patterns))
        mean = training.targets.mean(axis=0, dtype=np.float64).astype(np.float32)
        if asked.shape[1] != given.shape[1] or validation.targets.shape[1] != len(mean):
            raise ParameterError("Validation trials have other volumes or features than training.")
        system = _System(given, training.targets - mean)
        candidates, truth = validation.image_targets()
        scores = []
        for number, penalty in enumerate(self.penalties):
            report("trying penalties", number + 1, n_steps)
            guesses = system.predict(asked, penalty)
            own = ranks(similarities(guesses, candidates - mean), truth)
            scores.append((top_k(own, 5), -float(own.mean())))
        best = max(range(len(scores)), key=lambda number: scores[number])
        report("solving", n_steps - 1, n_steps)
        weight = system.weight(self.penalties[best])
        report("solving", n_steps, n_steps)
        facts = {
            "penalty": self.penalties[best],
            "penalties": list(self.penalties),
            "validation_top5": [score[0] for score in scores],
            "validation_mean_rank": [-score[1] for score in scores],
            "n_training": len(training),
            "n_validation": len(validation),
            "seconds": time.monotonic() - began,
        }
        return FittedDecoder("ridge", scaler, {"weight": weight}, training.n_trs, mean, facts=facts)


def _flat(scaled: FloatArray) -> FloatArray:
    return scaled.reshape(len(scaled), -1)


class _System:
    """``(G + penalty) solution = B`` with the smaller of the two matrices that can be G."""

    def __init__(self, given: FloatArray, targets: FloatArray) -> None:
        self._given = given
        self._is_dual = len(given) <= given.shape[1]
        # Products in float32 are exact enough; the factorisation is not (small penalties).
        gram = given @ given.T if self._is_dual else given.T @ given
        self._gram = gram.astype(np.float64)
        self._right = targets if self._is_dual else given.T @ targets
        self._unit = max(float(np.trace(self._gram)) / len(self._gram), np.finfo(float).tiny)

    def predict(self, asked: FloatArray, penalty: float) -> FloatArray:
        """Targets of other patterns, without forming the weights."""
        left = asked @ self._given.T if self._is_dual else asked
        if len(left) < self._right.shape[1]:
            return np.asarray(self._solve(left.T, penalty).T @ self._right)
        return np.asarray(left @ self._solve(self._right, penalty))

    def weight(self, penalty: float) -> FloatArray:
        """Weights from patterns to targets, (n_used * n_trs, d) float32."""
        solution = self._solve(self._right, penalty)
        return np.asarray(self._given.T @ solution if self._is_dual else solution)

    def _solve(self, right: FloatArray, penalty: float) -> FloatArray:
        matrix = self._gram.copy()
        matrix.flat[:: len(matrix) + 1] += penalty * self._unit
        try:
            factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
        except LinAlgError as problem:
            raise ParameterError(
                f"The patterns cannot be told apart at a penalty of {penalty:g}; try larger ones."
            ) from problem
        solution = cho_solve(factor, right.astype(np.float64), overwrite_b=True, check_finite=False)
        return np.asarray(solution, np.float32)
