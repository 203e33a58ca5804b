"""Curves: every cell is what measuring and reading step by step gives; order, control, cancel."""

import numpy as np
import pytest

from models.analysis.decode import ranks
from models.analysis.measurement import Measurement, measure
from models.analysis.sweeps import (
    Cell,
    Condition,
    Experiment,
    gallery_conditions,
    grid_conditions,
    match_scores,
    noise_conditions,
    region_sweep,
    repeat_conditions,
    summarise,
    sweep,
)
from models.errors import Cancelled, ParameterError

N_GALLERY, N_PLACES = 40, 90


@pytest.fixture(scope="module")
def arrays():
    """Generator and reader: other units, another mean, partly the same pattern; holes in both."""
    random = np.random.default_rng(2)
    shared = random.standard_normal((N_GALLERY, N_PLACES))
    signals = 5 + 3 * shared + random.standard_normal((N_GALLERY, N_PLACES))
    predictions = 200 + 70 * (shared + 0.5 * random.standard_normal((N_GALLERY, N_PLACES)))
    signals[:, 3] = np.nan
    predictions[6, 8] = np.nan
    return signals.astype(np.float32), predictions.astype(np.float32)


@pytest.fixture(scope="module")
def run(arrays):
    ratio = np.full(N_PLACES, 0.3, np.float32)
    ratio[80] = 0
    keys = tuple(f"picture {number}" for number in range(N_GALLERY))
    return Experiment(*arrays, queries=np.arange(0, 30), ncsnr=ratio, keys=keys)


def test_a_cell_is_what_measuring_and_reading_step_by_step_gives(arrays, run):
    signals, predictions = arrays
    setting = Measurement(noise=0.7, n_repeats=3, captured=0.6)
    (cell,) = sweep(run, [Condition(setting)], seeds=(4,))
    patterns = measure(
        signals, setting.with_seed(4), ncsnr=run.ncsnr, keys=run.keys, rows=run.queries.tolist()
    )
    # by hand: correlation over places that both know, each about its own mean over pictures
    kept = [place for place in range(N_PLACES) if place not in (3, 8, 80)]
    assert np.flatnonzero(run.usable).tolist() == kept
    centred = (patterns - signals.mean(0))[:, kept]
    read = (predictions - predictions.mean(0))[:, kept]
    by_hand = np.corrcoef(np.vstack([centred, read]))[:30, 30:]
    np.testing.assert_array_equal(cell.ranks, ranks(by_hand, run.queries))
    assert 0 < cell.top(1) < 1
    matched = match_scores(patterns, predictions, signals.mean(0))
    np.testing.assert_allclose(matched, by_hand, atol=1e-5)


def test_conditions_of_one_seed_share_their_luck_and_seeds_differ(run):
    conditions = grid_conditions(Measurement(), (0.5, 1), (1, 4))
    assert [(c.measurement.noise, c.measurement.n_repeats) for c in conditions] == [
        (0.5, 1),
        (0.5, 4),
        (1, 1),
        (1, 4),
    ]
    cells = list(sweep(run, conditions, seeds=(0, 1)))
    assert [cell.seed for cell in cells] == [0] * 4 + [1] * 4
    # half the noise in one trial is the same as all of it in four
    np.testing.assert_array_equal(cells[0].ranks, cells[3].ranks)
    assert (cells[0].ranks != cells[4].ranks).any()
    again = list(sweep(run, conditions, seeds=(1,)))
    np.testing.assert_array_equal(again[2].ranks, cells[6].ranks)


def test_smaller_galleries_hold_the_right_picture_and_are_parts_of_larger_ones(run):
    conditions = gallery_conditions(Measurement(), N_GALLERY)
    assert [condition.n_gallery for condition in conditions] == [10, 20, 40]
    cells = list(sweep(run, conditions, seeds=(0,)))
    assert (cells[0].ranks <= cells[1].ranks).all()
    assert (cells[1].ranks <= cells[2].ranks).all()
    assert cells[0].ranks.max() < 10
    assert [point.chance for point in summarise(cells, 5)] == [0.5, 0.25, 0.125]
    whole = next(sweep(run, [Condition(Measurement())], seeds=(0,)))
    np.testing.assert_array_equal(whole.ranks, cells[2].ranks)


def test_curves_vary_what_they_say():
    base = Measurement(noise=0.3, captured=0.4, seed=9)
    by_noise = noise_conditions(base, (0, 2))
    assert [c.measurement.noise for c in by_noise] == [0, 2]
    assert {c.measurement.captured for c in by_noise} == {0.4}
    by_repeats = repeat_conditions(base)
    assert [c.measurement.n_repeats for c in by_repeats] == [1, 2, 3, 5, 10, 20]
    assert {c.measurement.noise for c in by_repeats} == {0.3}


def test_a_point_is_the_mean_with_the_smallest_and_largest_seed():
    condition = Condition(Measurement())
    cells = [
        Cell(condition, 0, 20, np.array([0.0, 1, 9, 0.5]), np.array([5.0, 7, 9, 11])),
        Cell(condition, 1, 20, np.array([0.0, 2, 9, 3]), np.array([0.0, 7, 9, 11])),
    ]
    (point,) = summarise(cells, 1)
    assert (point.mean, point.low, point.high) == (0.375, 0.25, 0.5)
    assert (point.control_mean, point.control_low, point.control_high) == (0.125, 0, 0.25)
    assert (point.chance, point.n_seeds, point.n_queries) == (0.05, 2, 4)
    row = point.as_dict()
    assert row["noise"] == 1
    assert row["mean"] == 0.375
    assert "condition" not in row


def test_regions_are_ordered_by_one_half_and_reported_on_the_other(arrays):
    signals, _ = arrays
    good, bad = np.arange(10, 60), np.arange(60, 90)
    predictions = signals.copy()
    predictions[:, bad] = np.random.default_rng(3).standard_normal((N_GALLERY, 30))
    run = Experiment(signals, predictions, queries=np.arange(31))
    regions = {"bad": bad, "good": good, "unknown": np.array([3, 4])}
    base = Measurement(n_repeats=3, captured=0.9)
    calls = []
    cells = list(region_sweep(run, base, regions, (0, 1), 5, lambda *call: calls.append(call[1:])))
    points = summarise(cells, 5)
    assert [point.condition.regions for point in points] == [("bad",), ("good",), ("good", "bad")]
    assert points[1].mean > 0.6 > points[0].mean
    assert {point.n_queries for point in points} == {15}
    assert calls[-1] == (10, 10)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


def test_cells_come_one_by_one_and_a_cancel_stops_the_next(run):
    def report(stage, done, total):
        assert total == 6
        if done == 2:
            raise Cancelled("enough")

    cells = sweep(run, repeat_conditions(Measurement(), (1, 2, 3)), (0, 1), report)
    assert [next(cells).seed, next(cells).seed] == [0, 0]
    with pytest.raises(Cancelled):
        next(cells)
    first = sweep(run, repeat_conditions(Measurement(), (1, 2, 3)), (0, 1))
    assert next(first).condition.measurement.n_repeats == 1


def test_what_cannot_be_is_refused(arrays, run):
    signals, predictions = arrays
    everything = Condition(Measurement())
    with pytest.raises(ParameterError, match="2 to 40"):
        list(sweep(run, [Condition(Measurement(), 41)]))
    with pytest.raises(ParameterError, match="V9"):
        list(sweep(run, [Condition(Measurement(), regions=("V9",))], regions={"V1": [1, 2]}))
    small = Condition(Measurement(), regions=("V1",))
    with pytest.raises(ParameterError, match="three places"):
        list(sweep(run, [small], regions={"V1": np.array([3, 8, 10, 11])}))
    with pytest.raises(ParameterError, match="No region"):
        list(region_sweep(run, Measurement(), {"V1": np.array([3, 8, 10])}))
    with pytest.raises(ParameterError, match="a seed at least"):
        list(sweep(run, [everything], seeds=()))
    with pytest.raises(ParameterError, match="both be"):
        Experiment(signals, predictions[:-1], queries=np.arange(3))
    with pytest.raises(ParameterError, match=r"0\.\.39"):
        Experiment(signals, predictions, queries=np.array([40]))
    with pytest.raises(ParameterError, match="two pictures"):
        Experiment(signals, predictions, queries=np.array([1])).halves()
