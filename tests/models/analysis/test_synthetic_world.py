"""Identification where the truth is known: accuracy and its shape, against published figures.

The figures are top-1 and top-5 shares of 200 patterns among 1,000 pictures, measured elsewhere in a
world of the same description; 10 points either way are three standard errors and another world.
The world's one free number was chosen to give those of one and three repeats without misfit (see
``synthetic_world``): these two show that nothing has changed, not that the world is right. A
gallery of 10 comes out at 84 % here and 70 % there, cause unknown; it is held to its order only.
"""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis import measurement
from models.analysis.measurement import Measurement, measure
from models.analysis.sweeps import (
    Condition,
    gallery_conditions,
    match_scores,
    region_sweep,
    repeat_conditions,
    summarise,
    sweep,
)
from tests.models.analysis.synthetic_world import experiment, neighbours, world

TOLERANCE = 0.10
NO_MISFIT = Measurement(captured=1.0)


def shares(run, conditions, k, seeds=(0, 1)):
    """Points of a curve."""
    return summarise(sweep(run, conditions, seeds), k)


def test_repeats_give_the_known_accuracy_and_never_hurt():
    cells = list(sweep(experiment(), repeat_conditions(NO_MISFIT, (1, 3, 10)), (0, 1)))
    top1, top5 = ([point.mean for point in summarise(cells, k)] for k in (1, 5))
    np.testing.assert_allclose(top1, [0.34, 0.80, 0.995], atol=TOLERANCE)
    np.testing.assert_allclose(top5, [0.49, 0.92, 1.0], atol=TOLERANCE)
    assert sorted(top1) == top1


def test_accuracy_follows_the_captured_share():
    captured = (1.0, 0.7, 0.5, 0.3, 0.15, 0.05)
    conditions = [Condition(Measurement(n_repeats=3, captured=share)) for share in captured]
    top1 = [point.mean for point in shares(experiment(), conditions, 1)]
    np.testing.assert_allclose(top1, [0.81, 0.63, 0.42, 0.20, 0.05, 0.0], atol=TOLERANCE)
    assert sorted(top1, reverse=True) == top1


def test_more_noise_and_more_pictures_make_it_harder():
    run, base = experiment(), Measurement(n_repeats=3, captured=0.5)
    noises = [Condition(replace(base, noise=amount)) for amount in (0, 0.5, 1, 1.5, 2)]
    by_noise = [point.mean for point in shares(run, noises, 1)]
    assert sorted(by_noise, reverse=True) == by_noise
    points = shares(run, gallery_conditions(base, 1000), 1)
    sizes = [point.condition.n_gallery for point in points]
    assert sizes == [10, 20, 50, 100, 200, 500, 1000]
    by_size = [point.mean for point in points]
    assert sorted(by_size, reverse=True) == by_size
    assert by_size[sizes.index(100)] == pytest.approx(0.64, abs=TOLERANCE)
    assert by_size[sizes.index(1000)] == pytest.approx(0.43, abs=TOLERANCE)


def test_shuffled_labels_are_at_chance():
    conditions = [Condition(NO_MISFIT, size) for size in (10, 1000)]
    small, large = shares(experiment(500), conditions, 5, seeds=(0, 1))
    # 1,000 draws of chance .5 and .005: standard errors .016 and .0022
    assert small.chance == 0.5
    assert small.control_mean == pytest.approx(0.5, abs=0.05)
    assert large.control_mean == pytest.approx(0.005, abs=0.007)
    gallery, others = world()
    shuffled = Measurement(n_repeats=10, captured=1.0, is_shuffled=True)
    patterns = measure(gallery, shuffled, directions=others, rows=range(200))
    hits = match_scores(patterns, gallery, gallery.mean(0)).argmax(1) == np.arange(200)
    assert hits.mean() < 0.03


def test_reading_ones_own_predictions_without_noise_is_always_right():
    circular = Condition(Measurement(noise=0, captured=1.0))
    (point,) = shares(experiment(300), [circular], 1, seeds=(0,))
    assert point.mean == point.low == 1.0


def test_averaging_forever_does_not_undo_what_the_model_misses():
    endless = [
        Condition(Measurement(n_repeats=10**6, captured=share)) for share in (1.0, 0.15, 0.05)
    ]
    whole, little, least = shares(experiment(), endless, 1)
    assert whole.mean == 1.0
    assert least.mean < little.mean < 1.0


def test_noise_must_be_alike_across_the_cortex(monkeypatch):
    # independent noise is read at a ceiling of 5 % for three trials; the mix is not
    monkeypatch.setattr(measurement, "SIGNAL_LIKE_SHARE", 0.0)
    weak = float(np.sqrt(0.05 / 0.95 / 3))
    run = experiment(neighbours=None, ncsnr=weak)
    assert shares(run, [Condition(NO_MISFIT)], 1)[0].mean > 0.9
    smooth = shares(experiment(), [Condition(NO_MISFIT)], 1)[0].mean
    assert smooth == pytest.approx(0.81, abs=TOLERANCE)
    monkeypatch.setattr(measurement, "SIGNAL_LIKE_SHARE", 1.0)
    alike = shares(experiment(), [Condition(NO_MISFIT)], 1)[0].mean
    assert alike == pytest.approx(0.14, abs=TOLERANCE)


def test_larger_patches_tell_more():
    order = np.random.default_rng(1).permutation(len(neighbours().kept))
    patches = {str(n): order[:n] for n in (20, 200, 2000)}
    run, base = experiment(), Measurement(n_repeats=3, captured=0.5)
    points = summarise(region_sweep(run, base, patches, seeds=(0, 1)), 5)
    alone = {point.condition.regions[0]: point.mean for point in points[:3]}
    assert alone["20"] < alone["200"] < alone["2000"]
    assert [point.condition.regions for point in points[3:]] == [
        ("2000", "200"),
        ("2000", "200", "20"),
    ]
