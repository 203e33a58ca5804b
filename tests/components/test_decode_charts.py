"""Charts of found pictures, and the square of similarities, against counted values."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from components.decode_charts import (
    Curve,
    accuracy_bars,
    accuracy_curve,
    category_table,
    rank_bins,
    rank_histogram,
)
from components.matrix import Blocks, block_means, pack_matrix
from models.errors import SpaceMismatchError


def test_the_first_five_ranks_have_bars_of_their_own_and_all_ranks_one():
    assert rank_bins(3) == ((1, 1), (2, 2), (3, 3))
    assert rank_bins(12) == ((1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 10), (11, 12))
    for n_gallery in (2, 5, 6, 100, 777):
        held = [rank for low, high in rank_bins(n_gallery) for rank in range(low, high + 1)]
        assert held == list(range(1, n_gallery + 1))


def test_ranks_are_counted_into_bars_beside_what_guessing_gives():
    figure = rank_histogram(np.array([0, 0, 0.5, 1, 4, 7, 19.0]), 20)
    bars, guessing = figure.data
    assert list(bars.x) == ["1", "2", "3", "4", "5", "6–10", "11–20"]
    assert list(bars.y) == [3, 1, 0, 0, 1, 1, 1]  # a tie over places 1 and 2 counts for place 1
    np.testing.assert_allclose(guessing.y, [7 / 20] * 5 + [7 * 5 / 20, 7 * 10 / 20])


def curve(positions=(1.0, 2.0, 4.0)):
    accuracy = np.array([[0.2, 0.4, np.nan], [0.4, np.nan, np.nan]])
    return Curve("repeats", positions, accuracy, accuracy / 4, np.full(3, 0.05))


def test_a_curve_is_the_mean_of_the_seeds_that_are_there_with_a_band_around_it():
    figure = accuracy_curve(curve(), what="top-5 accuracy", current=2)
    lines = {trace.name: trace for trace in figure.data if trace.name}
    assert list(lines["these patterns"].x) == [1, 2]
    np.testing.assert_allclose(lines["these patterns"].y, [0.3, 0.4])
    np.testing.assert_allclose(lines["shuffled control"].y, [0.075, 0.1])
    np.testing.assert_allclose(lines["chance"].y, [0.05, 0.05])
    band = [trace for trace in figure.data if trace.fill == "toself"][1]
    np.testing.assert_allclose(band.y, [0.4, 0.4, 0.4, 0.2])
    assert figure.layout.shapes[0].x0 == 2


def test_regions_are_bars_with_whiskers_to_the_worst_and_best_seed():
    figure = accuracy_bars(curve(("V1", "V<2>", "V3")), what="top-1 accuracy")
    bars = figure.data[0]
    assert list(bars.x) == ["V1", "V&lt;2&gt;"]
    np.testing.assert_allclose(bars.y, [0.3, 0.4])
    np.testing.assert_allclose(bars.error_y.array, [0.1, 0])
    np.testing.assert_allclose(bars.error_y.arrayminus, [0.1, 0])


def test_an_empty_curve_draws_nothing_and_fails_nothing():
    nothing = np.full((5, 3), np.nan)
    empty = Curve("noise", (0.0, 1.0, 2.0), nothing, nothing, np.full(3, 0.1))
    assert all(len(trace.x) == 0 for trace in accuracy_curve(empty, what="top-1").data)
    assert all(len(trace.x) == 0 for trace in accuracy_bars(empty, what="top-1").data)


def test_curves_that_do_not_fit_are_refused():
    with pytest.raises(SpaceMismatchError, match="3 positions"):
        Curve("noise", (0.0, 1.0, 2.0), np.zeros((5, 2)), np.zeros((5, 2)), np.zeros(3))
    with pytest.raises(SpaceMismatchError, match="chance"):
        Curve("noise", (0.0,), np.zeros((5, 1)), np.zeros((5, 1)), np.zeros(3))


def test_the_table_of_categories_shows_counts_and_colours_shares():
    figure = category_table(np.array([[3, 1], [0, 0]]), ["faces", "<b>"])
    (heat,) = figure.data
    np.testing.assert_allclose(heat.z, [[0.75, 0.25], [0, 0]])
    assert [list(row) for row in heat.text] == [["3", "1"], ["", ""]]
    assert list(heat.x) == ["faces", "&lt;b&gt;"]
    with pytest.raises(SpaceMismatchError, match="1 categories"):
        category_table(np.zeros((2, 2)), ["faces"])


def test_pictures_are_ordered_by_category_and_joined_within_one_only():
    alone = Blocks.of(["b", "a", "b", "c"])
    assert alone.order.tolist() == [0, 2, 1, 3]
    assert alone.groups == (("b", 0, 2), ("a", 2, 3), ("c", 3, 4))
    assert alone.n_members.tolist() == [1, 1, 1, 1]
    joined = Blocks.of(["a"] * 5 + ["b"] * 2, most=4)
    assert joined.starts.tolist() == [0, 2, 4, 5]
    assert joined.n_members.tolist() == [2, 2, 1, 2]
    assert joined.groups == (("a", 0, 3), ("b", 3, 4))


def test_blocks_hold_means_over_their_patterns_and_pictures():
    blocks = Blocks.of(["a", "b", "a", "b"], most=2)
    scores = np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]])
    means = block_means(scores, np.array([0, 2]), blocks)  # both patterns are of "a"
    np.testing.assert_allclose(means[0], [(1 + 3 + 5 + 7) / 4, (2 + 4 + 6 + 8) / 4])
    assert np.isnan(means[1]).all()


def test_the_square_carries_codes_names_and_thumbnails_in_the_order_of_the_categories():
    pictures = [np.full((30, 40, 3), level, np.uint8) for level in (0, 120, 250)]
    scores = np.array([[1.0, 0.0, -0.5], [0.5, 1.0, 0.0]])
    packed = pack_matrix(scores, np.array([0, 2]), ["x", "y", "x"], ["p", "q", "r"], pictures)
    codes = np.frombuffer(base64.b64decode(packed["codes"]), np.uint8).reshape(2, 3)
    # columns p, r, q; row p, row r, no pattern of q
    assert codes.tolist() == [[254, 64, 127], [190, 127, 254]]
    assert packed["rows"] == [0, 1]
    assert packed["names"] == ["p", "r", "q"]
    assert packed["groups"] == [["x", 0, 2], ["y", 2, 3]]
    strip = Image.open(io.BytesIO(base64.b64decode(packed["sprite"].partition(",")[2])))
    middle = [strip.getpixel((56 * place + 28, 28))[0] for place in range(3)]
    np.testing.assert_allclose(middle, [0, 250, 120], atol=6)
    with pytest.raises(SpaceMismatchError, match="2 names"):
        pack_matrix(scores, np.array([0, 2]), ["x", "y", "x"], ["p", "q"], pictures)
