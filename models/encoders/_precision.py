"""Whether a shorter number type is good enough, measured on the weights that are here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.types import FloatArray

__all__ = ["PROBE_LINES", "PrecisionError", "compare_precisions"]

#: Least correlation with float32 of each row (columns' means taken away), and of each column.
LEAST_ROW_CORRELATION = 0.9999
LEAST_COLUMN_CORRELATION = 0.995

#: A fixed text, one string a volume, that both precisions read on first use.
PROBE_LINES = (
    "Good morning. Did you sleep",
    "well? I heard the rain all night",
    "",
    "and then, at four, the phone rang.",
    "Nobody spoke.",
    "Who would do that? I don't know,",
    "and I don't want to know.",
    "",
    "",
    "Look at this photograph: three",
    "children on a beach, a red boat,",
    "and behind them a man in a hat.",
    "That is my grandfather in 1952!",
    "He built the boat himself.",
    "Listen, we should go. The train",
    "leaves in twenty minutes and",
    "the station is on the other side",
    "of the river.",
    "",
    "Taxi! To the station, please, as",
    "fast as you can.",
    "You forgot your umbrella again.",
    "(laughing) No, I left it for you.",
    "Thank you. Goodbye.",
)


@dataclass(frozen=True)
class PrecisionError:
    """How far answers in a shorter type are from those in float32.

    Parameters
    ----------
    row_correlation : float
        Least over rows, each column's mean taken away first.
    column_correlation : float
        Least over columns.
    largest : float
        Largest absolute difference.
    """

    row_correlation: float
    column_correlation: float
    largest: float

    @property
    def is_within_bound(self) -> bool:
        """Whether the shorter type may be used."""
        return (
            self.row_correlation >= LEAST_ROW_CORRELATION
            and self.column_correlation >= LEAST_COLUMN_CORRELATION
        )

    @property
    def words(self) -> str:
        """The error in one line, for provenance."""
        verdict = "used" if self.is_within_bound else "outside the bound, so float32 is used"
        return (
            f"on a fixed text: least r over rows {self.row_correlation:.6f}, over columns "
            f"{self.column_correlation:.6f}, largest difference {self.largest:.2g}; {verdict}"
        )


def compare_precisions(exact: FloatArray, short: FloatArray) -> PrecisionError:
    """Compare two answers to the same question.

    Parameters
    ----------
    exact, short : ndarray of shape (n_rows, n_columns), float
        In float32 and in the shorter type.
    """
    first, second = exact.astype(np.float64), short.astype(np.float64)
    rows = _correlations(first - first.mean(0), second - second.mean(0), axis=1)
    columns = _correlations(first, second, axis=0)
    return PrecisionError(float(rows.min()), float(columns.min()), float(abs(exact - short).max()))


def _correlations(first: FloatArray, second: FloatArray, axis: int) -> FloatArray:
    """Pearson correlation along an axis."""
    first = first - first.mean(axis, keepdims=True)
    second = second - second.mean(axis, keepdims=True)
    norm = np.sqrt((first**2).sum(axis) * (second**2).sum(axis))
    product: FloatArray = (first * second).sum(axis) / np.maximum(norm, np.finfo(np.float64).tiny)
    return product
