import dataclasses

import numpy as np
import pytest

from models.analysis.roi import region_means, region_table, strongest_regions, summarise
from models.errors import SpaceMismatchError, UnknownRegionError
from models.types import Space
from tests.models.samples import TOY_ATLAS, a_response

NAN = np.nan


def test_region_mean_is_the_mean_over_its_places_for_each_row():
    response = a_response([[1, 2, 9, 9, 6, 9, 9, 9], [0, 1, 9, 9, -4, 9, 9, 9]])
    np.testing.assert_array_equal(region_means(response, TOY_ATLAS, "V1"), [3, -1])
    np.testing.assert_array_equal(region_means(response, TOY_ATLAS, "V1", "left"), [1.5, 0.5])
    np.testing.assert_array_equal(region_means(response, TOY_ATLAS, "V1", "right"), [6, -4])


def test_region_mean_ignores_nan_places_and_is_nan_where_nothing_is_modelled():
    response = a_response([[1, NAN, NAN, 9, 6, NAN, NAN, 9], [NAN, NAN, 0, 9, NAN, 0, 0, 9]])
    np.testing.assert_array_equal(region_means(response, TOY_ATLAS, "V1"), [3.5, NAN])
    np.testing.assert_array_equal(region_means(response, TOY_ATLAS, "V2"), [NAN, 0])


def test_places_without_a_column_are_not_modelled():
    response = a_response([[5, 7]], columns=[1, 6])
    np.testing.assert_array_equal(region_means(response, TOY_ATLAS, "V1"), [5])
    np.testing.assert_array_equal(region_means(response, TOY_ATLAS, "V2", "left"), [NAN])
    line = region_table(response, TOY_ATLAS, ["V2"], ["right"])[0]
    assert (line.mean, line.n_vertices, line.n_modelled) == (7, 2, 1)


def test_means_are_float64_sums():
    # In float32, 1e8 + 1 is 1e8: the mean would be 33333333.33 only by luck.
    response = a_response([[1e8, 1, 0, 0, 1, 0, 0, 0]])
    mean = region_means(response, TOY_ATLAS, "V1")
    assert mean.dtype == np.float64
    assert mean[0] == (1e8 + 2) / 3


def test_table_holds_hand_computed_statistics():
    # V2: left place 2 is 4; right places 5, 6 are 1 and 5: mean 3, sd 2.
    response = a_response([[0, 2, 4, 9, 6, 1, 5, 9]])
    table = region_table(response, TOY_ATLAS, low_confidence=("V2",))
    assert [(x.region, x.hemisphere) for x in table] == [
        ("V1", "left"),
        ("V1", "right"),
        ("V2", "left"),
        ("V2", "right"),
    ]
    right_v2 = table[3]
    assert (right_v2.mean, right_v2.sd, right_v2.minimum, right_v2.maximum) == (3, 2, 1, 5)
    assert (right_v2.n_vertices, right_v2.n_modelled) == (2, 2)
    assert right_v2.row_label == "picture 0"
    assert [x.is_low_confidence for x in table] == [False, False, True, True]
    assert (table[0].mean, table[0].sd) == (1, 1)
    assert table[2].sd == 0


def test_table_of_nothing_is_nan_and_not_zero():
    table = region_table(a_response([[NAN] * 8]), TOY_ATLAS, ["V1"], ["left"])
    statistics = [table[0].mean, table[0].sd, table[0].minimum, table[0].maximum]
    assert np.isnan(statistics).all()
    assert (table[0].n_vertices, table[0].n_modelled) == (2, 0)


def test_table_takes_one_row_or_all():
    response = a_response([[1] * 8, [2] * 8, [3] * 8])
    assert [x.mean for x in region_table(response, TOY_ATLAS, ["V1"], ["left"], row=1)] == [2]
    whole = region_table(response, TOY_ATLAS, ["V2", "V1"], ["right"], row=None)
    assert [(x.row_label, x.region, x.mean) for x in whole] == [
        ("picture 0", "V2", 1),
        ("picture 0", "V1", 1),
        ("picture 1", "V2", 2),
        ("picture 1", "V1", 2),
        ("picture 2", "V2", 3),
        ("picture 2", "V1", 3),
    ]


def test_another_space_and_an_unknown_region_are_refused():
    elsewhere = a_response([[1] * 8], Space("elsewhere", "surface", 4, 4))
    with pytest.raises(SpaceMismatchError, match=r"elsewhere.*toy"):
        region_means(elsewhere, TOY_ATLAS, "V1")
    with pytest.raises(SpaceMismatchError, match=r"elsewhere.*toy"):
        region_table(elsewhere, TOY_ATLAS)
    with pytest.raises(UnknownRegionError, match="V1"):
        region_means(a_response([[1] * 8]), TOY_ATLAS, "V11")


def test_strongest_is_farthest_from_zero_and_leaves_out_nan():
    response = a_response([[1, 1, NAN, 9, -3, 2, 2, 9]], is_signed=True)
    table = region_table(response, TOY_ATLAS)
    names = [(x.hemisphere, x.region, x.mean) for x in strongest_regions(table, 2)]
    assert names == [("right", "V1", -3), ("right", "V2", 2)]
    assert len(strongest_regions(table, 9)) == 3


def test_summary_names_the_strongest_with_sign_unit_and_what_is_missing():
    response = a_response([[1, 1, NAN, NAN, -3, NAN, NAN, NAN], [NAN] * 8], is_signed=True)
    first, second = summarise(response, TOY_ATLAS, low_confidence=("V1",))
    assert first == (
        "picture 0: strongest right V1 −3 (low confidence), left V1 1 (low confidence) (mean, "
        "relative response (model units); predicted, not measured; no value in V2; 3 of 8 places "
        "are modelled)."
    )
    assert second == "picture 1: nothing is modelled here."


def test_summary_counts_the_places_of_its_own_row():
    response = a_response([[1, 1, 1, 1, 1, 1, 1, 1], [1, 1, 1, NAN, 1, 1, 1, NAN]])
    first, second = summarise(response, TOY_ATLAS)
    assert "places" not in first
    assert "6 of 8 places are modelled" in second


def test_summary_of_seconds_says_so_and_many_missing_regions_are_counted():
    many = dataclasses.replace(
        TOY_ATLAS,
        names=tuple("ABCDEFGH"),
        labels=np.arange(1, 9),
        groups={"All": tuple("ABCDEFGH")},
    )
    response = a_response([[0.123456, *[NAN] * 7]], row_labels=("1.5",), row_kind="seconds")
    (sentence,) = summarise(response, many, n=1)
    assert sentence.startswith("1.5 s: strongest left A 0.123 (mean, ")
    assert "no value in 7 of 8 regions" in sentence
