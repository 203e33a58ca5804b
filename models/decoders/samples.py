"""Trials for a decoder: patterns of activity and features of the pictures behind them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.errors import ParameterError
from models.types import FloatArray, IntArray

__all__ = ["PatternScaler", "Samples"]


@dataclass(frozen=True, eq=False)
class Samples:
    """Trials with their targets.

    Parameters
    ----------
    patterns : ndarray of shape (n, n_places) or (n, n_places, n_trs), float
        NaN where nothing was measured. Kept as given when float32, with a last axis of volumes.
    targets : ndarray of shape (n, d), float
        Features of the picture of each trial; finite.
    images : sequence of str, optional
        Which picture; by default every trial has one of its own.
    subjects : sequence of str, optional
        Whose trial; one person by default.

    Raises
    ------
    ParameterError
        No trial, lengths differ, or a target is not finite.
    """

    patterns: FloatArray
    targets: FloatArray
    images: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        patterns = np.asarray(self.patterns, np.float32)
        targets = np.asarray(self.targets, np.float32)
        patterns = patterns[..., None] if patterns.ndim == 2 else patterns
        if patterns.ndim != 3 or targets.ndim != 2 or not patterns.size or not targets.size:
            raise ParameterError(
                f"Patterns must be (n, places) or (n, places, volumes), targets (n, features); "
                f"got {np.shape(self.patterns)} and {targets.shape}."
            )
        n = len(patterns)
        images = tuple(self.images) or tuple(str(row) for row in range(n))
        subjects = tuple(self.subjects) or ("",) * n
        if {len(targets), len(images), len(subjects)} != {n}:
            raise ParameterError(
                f"{n} patterns, but {len(targets)} targets, {len(images)} images and "
                f"{len(subjects)} subjects."
            )
        if not np.isfinite(targets).all():
            raise ParameterError("Targets hold NaN or infinite values.")
        for name, value in (
            ("patterns", patterns),
            ("targets", targets),
            ("images", images),
            ("subjects", subjects),
        ):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.patterns)

    @property
    def n_trs(self) -> int:
        """Volumes of a trial."""
        return int(self.patterns.shape[2])

    def rows(self, rows: Sequence[int] | IntArray) -> Samples:
        """Take some of the trials, in that order."""
        return Samples(
            self.patterns[rows],
            self.targets[rows],
            tuple(self.images[row] for row in rows),
            tuple(self.subjects[row] for row in rows),
        )

    def image_targets(self) -> tuple[FloatArray, IntArray]:
        """Target of each distinct picture, and which of them each trial has.

        Returns
        -------
        targets : ndarray of shape (n_images, d), float32
            Of the first trial that shows it.
        image_of : ndarray of shape (n,), int64
        """
        _, first, image_of = np.unique(self.images, return_index=True, return_inverse=True)
        return self.targets[first], image_of.ravel()

    def digest(self) -> str:
        """SHA-256 of everything in it."""
        known = hashlib.sha256(repr((self.patterns.shape, self.targets.shape)).encode())
        for array in (self.patterns, self.targets):
            known.update(np.ascontiguousarray(array).data)
        known.update(repr((self.images, self.subjects)).encode())
        return known.hexdigest()


@dataclass(frozen=True, eq=False)
class PatternScaler:
    """Brings places to mean 0 and deviation 1, as they were in training.

    Parameters
    ----------
    n_places : int
        Of a pattern as it comes.
    places : ndarray of int
        In use: finite in every training trial, and not always the same.
    mean, deviation : ndarray of shape (n_used,), float32
        Over training trials and volumes.
    """

    n_places: int
    places: IntArray
    mean: FloatArray
    deviation: FloatArray

    @classmethod
    def fit(cls, patterns: FloatArray) -> PatternScaler:
        """Learn from training patterns.

        Parameters
        ----------
        patterns : ndarray of shape (n, n_places, n_trs), float32

        Raises
        ------
        ParameterError
            No place can be used.
        """
        rows = np.moveaxis(patterns, 2, 1).reshape(-1, patterns.shape[1])
        with np.errstate(invalid="ignore", over="ignore"):
            mean = rows.mean(axis=0, dtype=np.float64)
            deviation = np.sqrt(np.square(rows - mean).mean(axis=0))
            # What is left of a constant after rounding is no variation.
            is_used = np.isfinite(deviation) & (deviation > 1e-6 * np.abs(mean))
        if not is_used.any():
            raise ParameterError(
                "No place is finite in every training pattern and varies between them."
            )
        return cls(
            patterns.shape[1],
            np.flatnonzero(is_used),
            mean[is_used].astype(np.float32),
            deviation[is_used].astype(np.float32),
        )

    def apply(self, patterns: FloatArray) -> FloatArray:
        """Scale patterns; a place that is not finite in one of them is put at its mean.

        Parameters
        ----------
        patterns : ndarray of shape (n, n_places, n_trs)

        Returns
        -------
        ndarray of shape (n, n_used, n_trs), float32

        Raises
        ------
        ParameterError
            Another number of places, or a pattern without a finite value where it counts.
        """
        if patterns.ndim != 3 or patterns.shape[1] != self.n_places:
            raise ParameterError(
                f"This decoder reads patterns of {self.n_places} places; got {patterns.shape}."
            )
        used = np.asarray(patterns[:, self.places], np.float32)
        scaled = (used - self.mean[:, None]) / self.deviation[:, None]
        is_known = np.isfinite(scaled)
        if not is_known.any(axis=(1, 2)).all():
            row = int(np.flatnonzero(~is_known.any(axis=(1, 2)))[0])
            raise ParameterError(f"Pattern {row} has no finite value where the decoder looks.")
        return np.where(is_known, scaled, np.float32(0))
