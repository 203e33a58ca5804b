"""Metrics of a whole test set under NeuralBench's names, against worked example C."""

import numpy as np
import pytest

from models.analysis.decode import HEADLINE, most_shown, retrieval_metrics
from models.errors import ParameterError
from tests.models.analysis.decode_examples import EXAMPLES, floats

C = EXAMPLES["example_C_aggregation"]


@pytest.fixture(scope="module")
def found():
    return retrieval_metrics(
        floats(C["pred"]), floats(C["target"]), C["groups"], C["subjects"], sizes=(None, 2)
    )


@pytest.mark.parametrize(
    ("kind", "key"),
    [("", "trial"), ("_subject-agg", "subject-agg"), ("_instance-agg", "instance-agg")],
)
def test_example_c_by_trial_subject_and_image(found, kind, key):
    start, expected = "test/full_retrieval/", C[key]
    assert found[f"{start}median_retrieval_rank{kind}"] == expected["median_rank_lower"]
    assert found[f"{start}top1_acc{kind}"] == pytest.approx(expected["top1_acc"])
    assert found[f"{start}top5_acc{kind}"] == 1
    if not kind:
        assert found[f"{start}mean_retrieval_rank"] == pytest.approx(expected["mean_rank"])
        assert found[f"{start}std_retrieval_rank"] == pytest.approx(expected["std_rank_ddof1"])


def test_example_c_by_person_and_by_image(found):
    name = "test/full_retrieval/median_retrieval_rank_subject-ind"
    assert found[name] == C["median_subject-ind"]["mean"]
    assert found[f"{name}_macro"] == pytest.approx(np.mean(list(C["median_macro"].values())))


def test_example_c_of_the_images_shown_most(found):
    expected, start = C["trial_size=2"], "test/full_retrieval/"
    assert found[f"{start}mean_retrieval_rank_size=2"] == pytest.approx(expected["mean_rank"])
    assert found[f"{start}median_retrieval_rank_size=2"] == expected["median_rank_lower"]
    assert found[f"{start}std_retrieval_rank_size=2"] == pytest.approx(expected["std_rank_ddof1"])
    assert found[f"{start}top1_acc_size=2"] == pytest.approx(expected["top1_acc"])
    assert f"{start}median_retrieval_rank_subject-ind_size=2_macro" in found


def test_names_are_neuralbench_s():
    """The log names of its configuration, each for all images and for 250."""
    own = retrieval_metrics(np.eye(3), np.eye(3), ["a", "b", "c"])
    names = {"mean_retrieval_rank", "std_retrieval_rank", "median_retrieval_rank_subject-ind"}
    for kind in ("", "_instance-agg", "_subject-agg"):
        names |= {f"median_retrieval_rank{kind}"}
        names |= {f"top{k}_acc{kind}" for k in (1, 5, 10)}
    names |= {f"{name}_size=250" for name in names}
    ind = "median_retrieval_rank_subject-ind"
    names |= {f"{ind}_macro", f"{ind}_size=250_macro"}
    assert set(own) == {f"test/full_retrieval/{name}" for name in names}
    assert own[HEADLINE] == 1


def test_relative_ranks_are_shares_of_the_gallery():
    plain, relative = (
        retrieval_metrics(
            floats(C["pred"]), floats(C["target"]), C["groups"], C["subjects"], is_relative=is_it
        )
        for is_it in (False, True)
    )
    for name, value in plain.items():
        expected = value / 3 if "rank" in name else value
        assert relative[name] == pytest.approx(expected)


def test_targets_of_one_image_are_averaged():
    """Image a's two targets (2, 0) and (0, 2) make (1, 1), image b's (1, 0) comes before it."""
    targets = floats([[2, 0], [0, 2], [1, 0]])
    found = retrieval_metrics(floats([[1, 0.1], [1, 0.1], [1, 0]]), targets, ["a", "a", "b"])
    assert found["test/full_retrieval/top1_acc"] == pytest.approx(1 / 3)


def test_most_shown_takes_ties_in_order_of_appearance():
    images = ["x", "y", "z", "y", "w"]
    np.testing.assert_array_equal(most_shown(images, 2), [True, True, False, True, False])


def test_trials_must_fit_together():
    with pytest.raises(ParameterError, match="Every trial"):
        retrieval_metrics(np.eye(3), np.eye(3), ["a", "b"])
    with pytest.raises(ParameterError, match="NaN"):
        retrieval_metrics(np.eye(2) * np.nan, np.eye(2), ["a", "b"])
