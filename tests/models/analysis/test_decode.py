"""Scores, ranks and chance, against the worked examples and numbers done by hand."""

import numpy as np
import pytest

from models.analysis.decode import (
    batch_metrics,
    best_score_null,
    binomial_p,
    chance_mean_rank,
    chance_top_k,
    dummy_predictions,
    hits_needed,
    lower_median,
    ncsnr_of_ceiling,
    near_duplicates,
    noise_ceiling,
    normalised_score,
    open_set_p,
    pearson_per_dimension,
    rank_std,
    ranks,
    similarities,
    top_k,
    two_way,
    wilson_interval,
)
from models.errors import ParameterError
from tests.models.analysis.decode_examples import EXAMPLES, floats

A = EXAMPLES["example_A_rank"]


def test_example_a_candidates_have_length_one_and_ties_share_a_place():
    scores = similarities(floats(A["pred"]), floats(A["gallery"]))
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(scores, floats(A["scores_norm_y"]))
    found = ranks(scores, np.array(A["true_index"]))
    np.testing.assert_array_equal(found, A["ranks"])
    assert found.mean() == pytest.approx(A["mean_rank"])
    assert lower_median(found) == A["median_rank_lower"]
    assert rank_std(found) == pytest.approx(A["std_rank_ddof1"])
    assert [top_k(found, k) for k in (1, 2, 5)] == pytest.approx(
        [A["top1_acc"], A["top2_acc"], A["top5_acc"]]
    )


@pytest.mark.parametrize(("norm", "key"), [("xy", "ranks_cosine_xy"), ("none", "ranks_raw_dot")])
def test_example_a_of_the_other_norms(norm, key):
    scores = similarities(floats(A["pred"]), floats(A["gallery"]), norm)
    np.testing.assert_array_equal(ranks(scores, np.array(A["true_index"])), A[key])


def test_scaling_a_prediction_and_shuffling_the_gallery_leave_ranks():
    rng = np.random.default_rng(0)
    predictions, gallery = rng.normal(size=(30, 8)), rng.normal(size=(50, 8))
    truth = rng.integers(0, 50, 30)
    first = ranks(similarities(predictions, gallery), truth)
    scaled = predictions * rng.uniform(0.1, 9, (30, 1))
    np.testing.assert_array_equal(ranks(similarities(scaled, gallery), truth), first)
    order = rng.permutation(50)
    place = np.argsort(order)[truth]
    np.testing.assert_array_equal(ranks(similarities(predictions, gallery[order]), place), first)


def test_example_d_all_ties_are_no_hit_and_one_ordering_hits_once():
    degenerate, n = EXAMPLES["example_D_degenerate"], 1000
    tied = ranks(similarities(np.zeros((3, 4)), np.ones((n, 4))), np.array([0, 5, 999]))
    assert set(tied) == {degenerate["all_zero_prediction"]["rank_each"]}
    assert top_k(tied, 5) == degenerate["all_zero_prediction"]["top5"]
    gallery = np.random.default_rng(1).normal(size=(n, 6))
    same = ranks(similarities(np.ones((n, 6)), gallery), np.arange(n))
    expected = degenerate["constant_nonzero_prediction(one query per image, no ties)"]
    assert same.mean() == expected["mean_rank"]
    assert (top_k(same, 1), top_k(same, 5)) == (expected["top1"], expected["top5"])


def test_example_d_the_same_image_twice_in_a_batch_is_still_a_hit():
    targets = np.array([[1.0, 0], [1, 0], [0, 1]])
    found = batch_metrics(targets, targets)
    assert found["batch_top1_acc"] == 1
    assert found["batch_mean_rank"] == pytest.approx((0.5 + 0.5 + 0) / 3)


def test_a_batch_is_a_gallery_of_its_own():
    """Rows 0 and 1 mistake each other; rows 2 and 3 only if rows 0 and 1 were candidates."""
    targets = np.eye(4)[[0, 1, 2, 3]]
    predictions = np.array([[1.0, 2, 0, 0], [2, 1, 0, 0], [3, 0, 1, 0], [3, 0, 0, 1]])
    found = batch_metrics(predictions, targets, batch_size=2, prefix="val/")
    assert found["val/batch_top1_acc"] == 0.5
    assert found["val/batch_median_rank"] == 0
    assert batch_metrics(predictions, targets)["batch_top1_acc"] == 0


@pytest.mark.parametrize("where", ["predictions", "targets"])
def test_nan_is_refused(where):
    bad, good = floats([[1, np.nan], [0, 1]]), floats([[1, 0], [0, 1]])
    left, right = (bad, good) if where == "predictions" else (good, bad)
    for refused in (similarities, batch_metrics, pearson_per_dimension, two_way):
        with pytest.raises(ParameterError, match="row 0 holds NaN"):
            refused(left, right)
    with pytest.raises(ParameterError, match="query 1 hold NaN"):
        ranks(floats([[1, 2], [np.nan, 0]]), np.array([0, 1]))


@pytest.mark.parametrize("truth", [[0, 2], [-1, 0], [0], [0.0, 1.0]])
def test_truth_must_be_columns(truth):
    with pytest.raises(ParameterError, match=r"Truth|truth"):
        ranks(np.zeros((2, 2)), np.array(truth))


def test_example_e_the_median_is_the_lower_of_two():
    example = EXAMPLES["example_E_median_even"]
    assert lower_median(np.array(example["ranks"])) == example["torch_median"]
    assert lower_median(np.array([7.0, 1, 5])) == 5


def test_example_f_two_way():
    example = EXAMPLES["example_F_two_way"]
    found = two_way(floats(example["pred"]), floats(example["truth"]))
    assert found == pytest.approx(example["two_way"])
    table = np.corrcoef(example["truth"], example["pred"])[:3, 3:]
    np.testing.assert_allclose(table, example["corr[truth,pred]"], atol=1e-12)


def test_correlation_by_dimension_is_numpy_s_and_nan_where_nothing_varies():
    rng = np.random.default_rng(2)
    left, right = rng.normal(size=(2, 20, 3)).astype(np.float32)
    left[:, 2] = 0.1
    found = pearson_per_dimension(left, right)
    for column in (0, 1):
        expected = np.corrcoef(left[:, column], right[:, column])[0, 1]
        assert found[column] == pytest.approx(expected, abs=1e-6)
    assert np.isnan(found[2])
    mean = batch_metrics(left, right)["batch_pearson_corr"]
    assert mean == pytest.approx(found[:2].mean())
    assert np.isnan(batch_metrics(np.ones((4, 2)), right[:4, :2])["batch_pearson_corr"])


@pytest.mark.parametrize("n", [50, 64, 100, 113, 250, 300, 515, 982, 1000])
def test_chance(n):
    expected = EXAMPLES["chance"][str(n)]
    for k in (1, 5, 10):
        assert chance_top_k(k, n) == pytest.approx(expected[f"top{k}"])
    assert chance_mean_rank(n) == expected["mean_rank0"]
    assert chance_top_k(5, 3) == 1


@pytest.mark.parametrize("case", EXAMPLES["significance"]["min_hits_p<0.05"].items())
def test_hits_needed_to_tell_it_from_guessing(case):
    words, expected = case
    size, k, queries = (int(part.partition("=")[2]) for part in words.split(","))
    assert hits_needed(queries, k / size) == expected
    assert binomial_p(expected - 1, queries, k / size) >= 0.05


def test_binomial_tail_by_hand():
    """At least 2 of 3 at one in four: 3 (1/16) (3/4) + 1/64 = 10/64."""
    assert binomial_p(2, 3, 0.25) == pytest.approx(10 / 64)
    assert binomial_p(0, 3, 0.25) == 1
    assert binomial_p(3, 3, 0.25) == pytest.approx(1 / 64)
    assert hits_needed(1, 0.5) is None


def test_wilson_interval():
    """9 of 10 at 95 %: the root of Wilson's quadratic, with z = 1.959964."""
    low, high = wilson_interval(9, 10)
    for end in (low, high):
        assert (0.9 - end) ** 2 == pytest.approx(1.959964**2 * end * (1 - end) / 10, abs=1e-6)
    assert low < 0.9 < high
    assert wilson_interval(0, 20)[0] == 0
    assert wilson_interval(20, 20)[1] == 1
    assert wilson_interval(0, 20)[1] == pytest.approx(1.959964**2 / (20 + 1.959964**2), abs=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: wilson_interval(3, 2),
        lambda: wilson_interval(0, 0),
        lambda: wilson_interval(1, 2, 1.0),
        lambda: binomial_p(1, 2, 1.5),
        lambda: chance_top_k(0, 5),
        lambda: normalised_score(1.0, 1.0),
        lambda: noise_ceiling(0.4, 0),
        lambda: ncsnr_of_ceiling(1.0),
    ],
)
def test_impossible_numbers_are_refused(wrong):
    with pytest.raises(ParameterError):
        wrong()


def test_dummy_and_normalised_score():
    np.testing.assert_array_equal(dummy_predictions(floats([[1, 2], [3, 6]]), 2), [[2, 4]] * 2)
    assert normalised_score(0.6, 0.2) == pytest.approx(0.5)
    assert normalised_score(0.1, 0.2) == pytest.approx(-0.125)


def test_example_h_noise_ceilings():
    example = EXAMPLES["example_H_noise_ceiling"]
    ncsnr = np.array(example["nsd_fsaverage_nsdgeneral_median_ncsnr_subj1..8"])
    for n in (1, 3):
        # The medians are given to three digits, the ceilings in tenths of a percent.
        np.testing.assert_allclose(
            100 * noise_ceiling(ncsnr, n), example[f"NC{n}_percent"], atol=0.12
        )
    assert ncsnr_of_ceiling(0.362, 3) == pytest.approx(
        example["ncsnr_equivalent_of_NC3=36.2%"], abs=1e-12
    )
    for n, expected in example["NC_by_reps(ncsnr=0.435)"].items():
        assert noise_ceiling(0.435, int(n)) == pytest.approx(expected, abs=5e-5)
    single = noise_ceiling(example["ncsnr_equivalent_of_NC3=36.2%"])
    assert single == pytest.approx(example["NC1_for_that"])
    assert np.sqrt(single) == pytest.approx(example["max_r_single_trial"])


def test_near_duplicates_are_pairs_above_the_threshold():
    features = np.random.default_rng(3).normal(size=(1500, 12))
    features[1400] = 3 * features[7]
    features[1499] = features[1498] + 0.01
    found = near_duplicates(features)
    assert [pair[:2] for pair in found] == [(7, 1400), (1498, 1499)]
    assert found[0][2] == pytest.approx(1)
    assert near_duplicates(features, 0.99999999) == ()


def test_best_accidental_score_leaves_out_the_own_picture():
    scores = floats([[9, 2, 3], [4, 8, 1], [1, 2, 3]])
    np.testing.assert_array_equal(best_score_null(scores, np.array([0, 1, -1])), [3, 4, 3])
    also = np.array([[0, 0, 1], [0, 0, 0], [0, 0, 0]], bool)
    found = best_score_null(scores, np.array([0, 1, -1]), excluded=also)
    np.testing.assert_array_equal(found, [2, 4, 3])
    with pytest.raises(ParameterError, match="Nothing of the gallery"):
        best_score_null(scores[:, :1], np.array([0, 0, 0]))


def test_open_set_p_counts_what_is_as_good():
    null = np.arange(1.0, 20.0)
    np.testing.assert_allclose(open_set_p(np.array([19.5, 19.0, 0.0]), null), [0.05, 0.1, 1.0])
