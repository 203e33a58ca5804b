"""Points of curves over conditions and seeds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from models.analysis._decode_scores import top_k
from models.analysis.measurement import Measurement
from models.types import FloatArray

__all__ = [
    "Cell",
    "Condition",
    "Point",
    "gallery_conditions",
    "grid_conditions",
    "noise_conditions",
    "repeat_conditions",
    "summarise",
]


@dataclass(frozen=True)
class Condition:
    """One point of a curve.

    Parameters
    ----------
    measurement : Measurement
        Noise, repeats and captured share; its seeds are replaced by those of the sweep.
    n_gallery : int
        Pictures to choose from, drawn at random around the right one; 0 for all.
    regions : tuple of str
        Names of what is read; empty for all places.
    """

    measurement: Measurement
    n_gallery: int = 0
    regions: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Cell:
    """One condition under one seed.

    Parameters
    ----------
    condition : Condition
    seed : int
    n_gallery : int
        Pictures there were to choose from.
    ranks : ndarray of shape (n_queries,), float64
        From 0, ties split.
    control_ranks : ndarray of shape (n_queries,), float64
        Of pictures dealt out to the patterns at random.
    """

    condition: Condition
    seed: int
    n_gallery: int
    ranks: FloatArray
    control_ranks: FloatArray

    def top(self, k: int) -> float:
        """Share of patterns whose picture is among the best ``k``."""
        return top_k(self.ranks, k)

    def control_top(self, k: int) -> float:
        """Share for pictures dealt out at random."""
        return top_k(self.control_ranks, k)


@dataclass(frozen=True)
class Point:
    """A condition over all its seeds; shares from 0 to 1.

    Parameters
    ----------
    condition : Condition
    mean, low, high : float
        Share of hits: mean, smallest and largest of the seeds.
    control_mean, control_low, control_high : float
        The same with shuffled labels.
    chance : float
        k over the gallery's size.
    n_seeds, n_queries : int
    """

    condition: Condition
    mean: float
    low: float
    high: float
    control_mean: float
    control_low: float
    control_high: float
    chance: float
    n_seeds: int
    n_queries: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a table."""
        measurement = self.condition.measurement
        numbers = asdict(self)
        del numbers["condition"]
        return {
            "noise": measurement.noise,
            "n_repeats": measurement.n_repeats,
            "captured": measurement.captured,
            "n_gallery": self.condition.n_gallery,
            "regions": " + ".join(self.condition.regions),
            **numbers,
        }


def noise_conditions(base: Measurement, amounts: Iterable[float]) -> tuple[Condition, ...]:
    """Vary the amount of noise, all else as in ``base``."""
    return tuple(Condition(replace(base, noise=amount)) for amount in amounts)


def repeat_conditions(
    base: Measurement, numbers: Iterable[int] = (1, 2, 3, 5, 10, 20)
) -> tuple[Condition, ...]:
    """Vary the number of trials averaged."""
    return tuple(Condition(replace(base, n_repeats=number)) for number in numbers)


def grid_conditions(
    base: Measurement, amounts: Iterable[float], numbers: Iterable[int]
) -> tuple[Condition, ...]:
    """Every amount of noise with every number of repeats."""
    numbers = tuple(numbers)
    return tuple(
        Condition(replace(base, noise=amount, n_repeats=number))
        for amount in amounts
        for number in numbers
    )


def gallery_conditions(base: Measurement, n_gallery: int) -> tuple[Condition, ...]:
    """Vary the gallery: 10, 20, 50, 100 ... below ``n_gallery``, then all of it."""
    steps = [step * 10**power for power in range(1, 6) for step in (1, 2, 5)]
    sizes = [size for size in steps if size < n_gallery]
    return tuple(Condition(base, size) for size in (*sizes, n_gallery))


def summarise(cells: Iterable[Cell], k: int) -> tuple[Point, ...]:
    """Join the cells of each condition, in the order in which conditions came first.

    Parameters
    ----------
    cells : iterable of Cell
        As many as are ready.
    k : int
        What counts as a hit: the right picture among the best ``k``.
    """
    groups: dict[Condition, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.condition, []).append(cell)
    points = []
    for condition, group in groups.items():
        hits = np.array([cell.top(k) for cell in group])
        control = np.array([cell.control_top(k) for cell in group])
        points.append(
            Point(
                condition=condition,
                mean=float(hits.mean()),
                low=float(hits.min()),
                high=float(hits.max()),
                control_mean=float(control.mean()),
                control_low=float(control.min()),
                control_high=float(control.max()),
                chance=min(1.0, k / group[0].n_gallery),
                n_seeds=len(group),
                n_queries=len(group[0].ranks),
            )
        )
    return tuple(points)
