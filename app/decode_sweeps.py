"""Curves of the page Decode: accuracy over noise, repeats, gallery size and regions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from app import cache
from app.decode_cache import experiment_of, measurement_of
from app.decode_link import MOST_NOISE, DecodeState
from app.decode_worlds import Uploads, World, pictures_of, region_mask, world_of
from app.work import Work
from components.decode_charts import Curve
from models.analysis import sweeps
from models.analysis.sweeps import Cell, Condition
from models.errors import ParameterError
from models.types import IntArray, Report

__all__ = ["KINDS", "Curves", "Kind", "curve_of", "is_quick", "start_curves"]

Kind = Literal["noise", "repeats", "gallery", "regions"]
#: Curve -> title of its axis.
KINDS: dict[Kind, str] = {
    "noise": "scanner noise (× published or assumed)",
    "repeats": "repeats averaged",
    "gallery": "pictures to choose from",
    "regions": "regions read: alone, then the best together",
}
NOISES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, MOST_NOISE)
REPEATS = (1, 2, 3, 5, 10, 20)
N_SEEDS = 5
#: Patterns that are measured a seed.
MOST_QUERIES = 60
MOST_REGIONS = 6
#: Numbers in a world whose curves come without being asked for: they take a second or two.
_QUICK_SIZE = 2_000_000


@dataclass(eq=False)
class Curves:
    """Cells as they come; filled by the worker, read by the page.

    Parameters
    ----------
    cells : dict of str to list of Cell
    notes : list of str
        Why a curve is not there.
    """

    cells: dict[Kind, list[Cell]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    notes: list[str] = field(default_factory=list)

    @property
    def n_cells(self) -> int:
        """Cells that are ready."""
        return sum(map(len, self.cells.values()))


def is_quick(n_pictures: int, n_places: int) -> bool:
    """Whether curves take so little that they need not be asked for."""
    return n_pictures * n_places < _QUICK_SIZE


def start_curves(state: DecodeState, uploads: Uploads) -> tuple[Work[Curves], Curves]:
    """Begin to work out all curves of a simulated page; cells are there as they come."""
    curves = Curves()

    def do(report: Report) -> Curves:
        world = world_of(state, pictures_of(state, uploads.pictures), report)
        _run(state, world, curves, report)
        return curves

    return cache.work(do), curves


def _run(state: DecodeState, world: World, curves: Curves, report: Report) -> None:
    """Fill all curves."""
    n = len(world.signals)
    spread = np.unique(np.linspace(0, n - 1, min(n, MOST_QUERIES)).round().astype(int))
    experiment = experiment_of(world, spread)
    base = measurement_of(state)
    seeds = range(state.seed, state.seed + N_SEEDS)
    regions = {name: region_mask(state.reader, [name], world.columns) for name in state.regions}
    plans: dict[Kind, Sequence[Condition]] = {
        "noise": sweeps.noise_conditions(base, (x for x in NOISES if x >= state.least_noise)),
        "repeats": sweeps.repeat_conditions(base, REPEATS),
        "gallery": sweeps.gallery_conditions(base, n),
    }
    for kind, conditions in plans.items():
        chosen = [Condition(one.measurement, one.n_gallery, state.regions) for one in conditions]
        for cell in sweeps.sweep(experiment, chosen, seeds, _in_words(report, kind), regions):
            curves.cells[kind].append(cell)
    try:
        for cell in sweeps.region_sweep(
            experiment,
            base,
            _regions(state, world),
            seeds,
            report=_in_words(report, "regions"),
        ):
            curves.cells["regions"].append(cell)
    except ParameterError as error:  # a reader without regions, or without places in them
        curves.notes.append(str(error))


def _in_words(report: Report, kind: Kind) -> Report:
    """Name the curve that is worked out."""
    words = {"gallery": "gallery size"}.get(kind, kind)
    return lambda stage, done, total: report(f"curve over {words}", done, total)


def _regions(state: DecodeState, world: World) -> dict[str, IntArray]:
    """Places of the chosen regions, or of those with most places."""
    known = cache.regions_of(state.reader.card, state.reader.subject)
    found: dict[str, IntArray] = {}
    for name in state.regions or known.names:
        try:
            found[name] = region_mask(state.reader, [name], world.columns)
        except ParameterError:
            continue  # nothing of it is known to both
    largest = sorted(found, key=lambda name: -len(found[name]))[:MOST_REGIONS]
    return {name: found[name] for name in found if name in largest}


def curve_of(curves: Curves, kind: Kind, k: int) -> Curve:
    """One curve as far as it is known.

    Parameters
    ----------
    curves : Curves
    kind : str
        A key of :data:`KINDS`.
    k : int
        A hit is a place among the first ``k``.
    """
    cells = tuple(curves.cells[kind])
    conditions = list(dict.fromkeys(cell.condition for cell in cells))
    seeds = list(dict.fromkeys(cell.seed for cell in cells))
    shape = (max(len(seeds), 1), len(conditions))
    accuracy, control, chance = np.full(shape, np.nan), np.full(shape, np.nan), np.ones(shape[1])
    for cell in cells:
        place = seeds.index(cell.seed), conditions.index(cell.condition)
        accuracy[place], control[place] = cell.top(k), cell.control_top(k)
        chance[place[1]] = min(1.0, k / cell.n_gallery)
    return Curve(KINDS[kind], tuple(_positions(conditions, kind)), accuracy, control, chance)


def _positions(conditions: Iterable[Condition], kind: Kind) -> Iterable[float | str]:
    """Where each condition stands on the axis."""
    for one in conditions:
        if kind == "noise":
            yield one.measurement.noise
        elif kind == "repeats":
            yield float(one.measurement.n_repeats)
        elif kind == "gallery":
            yield float(one.n_gallery)
        else:
            name = " + ".join(one.regions)
            yield name if len(one.regions) < 3 else f"best {len(one.regions)}"
