"""Identification by an encoding model, against numpy's correlation."""

import numpy as np
import pytest

from models.analysis.decode import identification_scores, prepare_gallery, ranks
from models.errors import ParameterError
from tests.models.analysis.decode_examples import EXAMPLES, floats


@pytest.fixture
def world():
    """Predictions of 70 pictures at 90 places, far from zero, and noisy patterns of the first 9."""
    rng = np.random.default_rng(0)
    predictions = rng.normal(size=(70, 90)) + rng.uniform(5, 50, 90)
    patterns = predictions[:9] + 0.5 * rng.normal(size=(9, 90))
    return floats(patterns), floats(predictions)


def correlation(patterns, predictions, weights=None):
    """Weighted Pearson r, row by row in double precision."""
    weights = np.ones(predictions.shape[1]) if weights is None else weights
    centred = [
        rows - np.average(rows, axis=1, weights=weights)[:, None]
        for rows in (np.float64(patterns), np.float64(predictions))
    ]
    left, right = (rows * np.sqrt(weights) for rows in centred)
    lengths = np.linalg.norm(left, axis=1)[:, None] * np.linalg.norm(right, axis=1)
    return left @ right.T / lengths


def test_example_g():
    example = EXAMPLES["example_G_kay_identification"]
    found = identification_scores(
        floats(example["measured"]), floats(example["predicted_gallery"]), is_mean_removed=False
    )
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, example["pearson"], atol=1e-5)
    assert found.argmax(axis=1).tolist() == example["argmax"]
    np.testing.assert_array_equal(ranks(found, np.array([0, 1])), example["rank_of_true(0,1)"])


def test_the_gallery_s_mean_is_removed_from_both_sides(world):
    patterns, predictions = world
    mean = np.float64(predictions).mean(axis=0)
    expected = np.corrcoef(patterns - mean, predictions - mean)[:9, 9:]
    found = identification_scores(patterns, predictions)
    np.testing.assert_allclose(found, expected, atol=2e-5)
    np.testing.assert_array_equal(ranks(found, np.arange(9)), 0)


def test_weights_count_as_frequencies(world):
    """A place of weight 3 counts as three places; one of weight 0 or NaN not at all."""
    patterns, predictions = world
    weights = floats([3.0, 0.0, np.nan] + [1.0] * 87)
    places = [0, 0, 0, *range(3, 90)]
    found = identification_scores(patterns, predictions, weights)
    expected = identification_scores(patterns[:, places], predictions[:, places])
    np.testing.assert_allclose(found, expected, atol=2e-5)
    plain = identification_scores(patterns, predictions, weights, is_mean_removed=False)
    usable = np.nan_to_num(weights)
    np.testing.assert_allclose(plain, correlation(patterns, predictions, usable), atol=2e-5)


def test_only_places_finite_on_both_sides_count(world):
    patterns, predictions = world
    patterns, predictions = patterns.copy(), predictions.copy()
    predictions[5, 40:] = np.nan
    patterns[:4, :10] = np.nan
    patterns[8, 30] = np.inf
    found = identification_scores(patterns, predictions)
    for rows, places in ((slice(0, 4), range(10, 40)), (slice(4, 8), range(40))):
        expected = identification_scores(patterns[rows][:, places], predictions[:, places])
        np.testing.assert_allclose(found[rows], expected, atol=1e-5)
    keep = [place for place in range(40) if place != 30]
    expected = identification_scores(patterns[8:, keep], predictions[:, keep])
    np.testing.assert_allclose(found[8:], expected, atol=1e-5)
    np.testing.assert_allclose(prepare_gallery(predictions).scores(patterns), found, atol=1e-5)


def test_a_prepared_gallery_scores_the_same(world):
    patterns, predictions = world
    weights = np.random.default_rng(1).uniform(size=90)
    for is_removed in (True, False):
        gallery = prepare_gallery(predictions, weights, is_mean_removed=is_removed)
        expected = identification_scores(patterns, predictions, weights, is_mean_removed=is_removed)
        np.testing.assert_allclose(gallery.scores(patterns), expected, atol=1e-5)


def test_patterns_far_from_zero_keep_their_digits(world):
    """A common offset 300 times the deviation: what float32 input holds of r is found."""
    patterns, predictions = (rows - rows.mean(0) + np.float32(300) for rows in world)
    patterns[3], predictions[7] = patterns[3] * 20, predictions[7] * 20
    for is_removed in (True, False):
        mean = np.float64(predictions).mean(0) if is_removed else 0
        expected = correlation(np.float64(patterns) - mean, np.float64(predictions) - mean)
        options = {"is_mean_removed": is_removed}
        found = identification_scores(patterns, predictions, **options)
        np.testing.assert_allclose(found, expected, atol=1e-4)
        found = prepare_gallery(predictions, **options).scores(patterns)
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_nothing_given_is_changed(world):
    patterns, predictions = world
    kept = patterns.copy(), predictions.copy()
    identification_scores(patterns, predictions)
    prepare_gallery(predictions).scores(patterns)
    np.testing.assert_array_equal(patterns, kept[0])
    np.testing.assert_array_equal(predictions, kept[1])


def test_a_flat_prediction_correlates_with_nothing_and_a_flat_pattern_is_refused(world):
    patterns, predictions = world
    predictions = predictions.copy()
    predictions[3] = 7.3
    found = identification_scores(patterns, predictions, is_mean_removed=False)
    np.testing.assert_array_equal(found[:, 3], 0)
    patterns = patterns.copy()
    patterns[2] = 0.1
    gallery = prepare_gallery(predictions, is_mean_removed=False)
    for score in (
        gallery.scores,
        lambda p: identification_scores(p, predictions, is_mean_removed=False),
    ):
        with pytest.raises(ParameterError, match="Pattern 2 does not vary"):
            score(patterns)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p, g: (p[:, :5], g, None), "as predictions"),
        (lambda p, g: (p, g[:1], None), "two pictures"),
        (lambda p, g: (p, g, -np.ones(90)), "none negative"),
        (lambda p, g: (p, g, np.ones(3)), "90 numbers"),
        (lambda p, g: (p, g, np.eye(90)[0]), "1 places in common"),
        (lambda p, g: (p * np.nan, g, None), "0 places in common"),
    ],
)
def test_what_cannot_be_compared_is_refused(world, change, words):
    with pytest.raises(ParameterError, match=words):
        identification_scores(*change(*world))


def test_a_gallery_without_places_is_refused(world):
    with pytest.raises(ParameterError, match="0 places in common"):
        prepare_gallery(world[1] * np.nan)
