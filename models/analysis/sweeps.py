"""How identification fades: with noise, fewer repeats, larger galleries, fewer regions.

Every cell of a curve is one condition and one seed. A seed is another noise and another brain
(another misfit); all conditions of one seed share them, so a curve does not jump for want of luck.
Scores are linear in the parts of a pattern, and ranks do not depend on its length: each seed costs
three matrix products, whatever the number of conditions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from models.analysis._curves import (
    Cell,
    Condition,
    Point,
    gallery_conditions,
    grid_conditions,
    noise_conditions,
    repeat_conditions,
    summarise,
)
from models.analysis._experiment import Experiment, match_scores
from models.analysis.decode import PreparedGallery, prepare_gallery, ranks
from models.analysis.measurement import Measurement, Parts
from models.errors import ParameterError
from models.types import BoolArray, FloatArray, IntArray, Report, ignore_progress

__all__ = [
    "SEEDS",
    "Cell",
    "Condition",
    "Experiment",
    "Point",
    "gallery_conditions",
    "grid_conditions",
    "match_scores",
    "noise_conditions",
    "region_sweep",
    "repeat_conditions",
    "summarise",
    "sweep",
]

#: Seeds of a band where nothing else is said.
SEEDS = (0, 1, 2, 3, 4)

_STAGE = "measuring and guessing"


def sweep(
    experiment: Experiment,
    conditions: Sequence[Condition],
    seeds: Sequence[int] = SEEDS,
    report: Report = ignore_progress,
    regions: Mapping[str, IntArray] | None = None,
) -> Iterator[Cell]:
    """Measure, read and rank; yields cells as they are ready, all conditions of a seed first.

    Parameters
    ----------
    experiment : Experiment
    conditions : sequence of Condition
    seeds : sequence of int
        Five or more for a band.
    report : callable
        Called before every cell.
    regions : mapping of str to ndarray of int, optional
        Places of each name that conditions use.

    Yields
    ------
    Cell

    Raises
    ------
    ParameterError
        A gallery larger than there is, an unknown region, no seed, or fewer than three places.
    Cancelled
        ``report`` asked to stop.
    """
    if not conditions or not seeds:
        raise ParameterError("A curve needs a condition and a seed at least.")
    for condition in conditions:
        _check_size(condition.n_gallery, experiment.n_gallery)
    galleries = {
        names: _prepare(experiment, _places(names, regions or {}, experiment.usable))
        for names in dict.fromkeys(condition.regions for condition in conditions)
    }
    done = 0
    for seed in seeds:
        report(_STAGE, done, len(conditions) * len(seeds))
        draw = _Draw.of(experiment, seed)
        products = {names: _products(draw.parts, one) for names, one in galleries.items()}
        for condition in conditions:
            report(_STAGE, done, len(conditions) * len(seeds))
            yield draw.cell(condition, products[condition.regions])
            done += 1
    report(_STAGE, done, done)


def region_sweep(
    experiment: Experiment,
    base: Measurement,
    regions: Mapping[str, IntArray],
    seeds: Sequence[int] = SEEDS,
    k: int = 5,
    report: Report = ignore_progress,
) -> Iterator[Cell]:
    """Each region alone, then the best two, three ... together.

    Which is best is decided on one half of the queries (their cells are not given out); what is
    yielded is of the other half.

    Parameters
    ----------
    experiment : Experiment
    base : Measurement
    regions : mapping of str to ndarray of int
        Places of each region, columns of the signals; those with fewer than three usable
        places are left out.
    seeds, report
        As in :func:`sweep`.
    k : int
        Regions are ordered by the share of hits among the best ``k``.

    Yields
    ------
    Cell
        ``condition.regions`` names what was read, best first.

    Raises
    ------
    ParameterError
        No usable region, or fewer than two queries.
    Cancelled
        ``report`` asked to stop.
    """
    choosing, reporting = experiment.halves()
    known = {
        name: places
        for name, places in regions.items()
        if experiment.usable[np.asarray(places, np.int64)].sum() >= 3
    }
    if not known:
        raise ParameterError("No region has three places that both models know.")
    alone = [Condition(base, regions=(name,)) for name in known]
    total = (3 * len(alone) - 1) * len(seeds)

    def report_from(start: int) -> Report:
        return lambda stage, done, _: report(stage, start + done, total)

    points = summarise(sweep(choosing, alone, seeds, report_from(0), known), k)
    order = [point.condition.regions[0] for point in sorted(points, key=lambda p: -p.mean)]
    joint = [Condition(base, regions=tuple(order[:n])) for n in range(2, len(order) + 1)]
    start = len(alone) * len(seeds)
    yield from sweep(reporting, alone + joint, seeds, report_from(start), known)


@dataclass(frozen=True, eq=False)
class _Products:
    """Scores of the three parts of the queries' patterns, each (n_queries, n_gallery)."""

    signal: FloatArray
    misfit: FloatArray
    noise: FloatArray

    def scores(self, measurement: Measurement) -> FloatArray:
        """Scores of the sum, up to a positive factor a row."""
        total = self.signal + np.float32(measurement.misfit_size) * self.misfit
        total += np.float32(measurement.noise_size) * self.noise
        return np.asarray(total)


@dataclass(frozen=True, eq=False)
class _Draw:
    """What one seed decides: parts of patterns, random rivals, shuffled labels."""

    seed: int
    parts: Parts
    truth: IntArray
    shuffled: IntArray
    rivals: FloatArray = field(repr=False)  # (n_queries, n_gallery): smallest come in first

    @classmethod
    def of(cls, experiment: Experiment, seed: int) -> _Draw:
        random = np.random.default_rng([seed, 3])
        queries = experiment.queries
        rivals = random.random((len(queries), experiment.n_gallery), np.float32)
        shuffled = random.permutation(experiment.n_gallery)[queries]
        parts = experiment.parts(Measurement().with_seed(seed))
        return cls(seed, parts, queries, shuffled, rivals)

    def cell(self, condition: Condition, products: _Products) -> Cell:
        scores = products.scores(condition.measurement)
        size = condition.n_gallery or scores.shape[1]
        own = self._ranks(scores, self.truth, size)
        control = self._ranks(scores, self.shuffled, size)
        return Cell(condition, self.seed, size, own, control)

    def _ranks(self, scores: FloatArray, truth: IntArray, size: int) -> FloatArray:
        """Rank of ``truth`` among itself and ``size - 1`` random others."""
        if size == scores.shape[1]:
            return ranks(scores, truth)
        order = self.rivals.copy()
        order[np.arange(len(order)), truth] = -1  # the right one is always there
        picked = np.argsort(order, axis=1)[:, :size]
        return ranks(np.take_along_axis(scores, picked, axis=1), np.zeros(len(truth), np.int64))


def _check_size(size: int, n_gallery: int) -> None:
    """Refuse a gallery that cannot be."""
    if size and not 2 <= size <= n_gallery:
        raise ParameterError(f"A gallery has 2 to {n_gallery} pictures here; asked for {size}.")


def _places(
    names: tuple[str, ...], regions: Mapping[str, IntArray], usable: BoolArray
) -> BoolArray:
    """Usable places of some regions together."""
    if not names:
        return usable
    missing = [name for name in names if name not in regions]
    if missing:
        raise ParameterError(f"There is no region {missing[0]!r} here; there are {list(regions)}.")
    is_kept = np.zeros_like(usable)
    for name in names:
        is_kept[np.asarray(regions[name], np.int64)] = True
    return np.asarray(is_kept & usable)


def _prepare(experiment: Experiment, is_kept: BoolArray) -> PreparedGallery:
    """Reader's gallery about its own mean, at some places."""
    if is_kept.sum() < 3:
        raise ParameterError("Fewer than three places are left that both models know.")
    predictions = np.asarray(experiment.predictions, np.float32)
    about_zero = predictions - predictions.mean(axis=0)
    return prepare_gallery(about_zero, is_kept.astype(np.float32))


def _products(parts: Parts, gallery: PreparedGallery) -> _Products:
    """Product of each part with every prediction; linear, so nothing is brought to length one."""

    def project(values: FloatArray) -> FloatArray:
        rows = values[:, gallery.columns]
        rows -= rows.mean(axis=1, keepdims=True)
        return np.asarray(rows @ gallery.unit.T)

    return _Products(project(parts.signal), project(parts.misfit), project(parts.noise))
