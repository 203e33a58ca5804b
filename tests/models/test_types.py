import json

import numpy as np
import pytest

from models.errors import SelectionError, SettingError, SpaceMismatchError
from models.types import Provenance, Response, Selection, Setting, Settings, Space

SPACE = Space("line", "surface", 3, 2)
ANGLE = Setting("angle_deg", "Angle", 8.4, "features", unit="deg", minimum=2.0, maximum=30.0)
COUNT = Setting("n_words", "Words", 5, "readout", minimum=1)
IS_ON = Setting("is_on", "Switch", False, "readout")
SIZES = Setting("sizes", "Sizes", "a", "readout", choices=(("a", "Table A"), ("b", "Table B")))
DECLARED = (ANGLE, COUNT, IS_ON, SIZES)
MAKER = Setting("maker", "Maker", "us/one", "features")
PROVENANCE = Provenance("id", "Title", "1", "0" * 64, "one", "Read with care.", "BADGE")


def response(values, **changes):
    rows = len(values) if np.ndim(values) == 2 else 1
    given = {
        "values": values,
        "space": SPACE,
        "row_labels": tuple("abc"[:rows]),
        "units": "model units",
        "is_signed": False,
        "provenance": PROVENANCE,
    }
    return Response(**{**given, **changes})


def test_space_counts_left_then_right():
    assert SPACE.n_places == 5
    assert SPACE.hemisphere_slice("left") == slice(0, 3)
    assert SPACE.hemisphere_slice("right") == slice(3, 5)


# Settings


def test_settings_fill_in_defaults_and_keep_the_order_of_declaration():
    settings = Settings.of(DECLARED, sizes="b")
    assert settings.as_dict() == {"angle_deg": 8.4, "n_words": 5, "is_on": False, "sizes": "b"}
    assert list(settings.as_dict()) == [setting.name for setting in DECLARED]
    assert settings.number("angle_deg") == 8.4
    assert settings["is_on"] is False


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"angle_deg": 1.9}, "between 2 and 30 deg; got 1.9"),
        ({"angle_deg": 31}, "between 2 and 30"),
        ({"angle_deg": float("nan")}, "must be a number"),
        ({"angle_deg": float("inf")}, "must be a number"),
        ({"angle_deg": "8"}, "must be a number"),
        ({"angle_deg": True}, "must be a number"),
        ({"is_on": 1}, "either on or off"),
        ({"sizes": "c"}, "must be one of"),
        ({"maker": "two words"}, "must be a short name"),
        ({"maker": "x" * 97}, "must be a short name"),
        ({"maker": 3}, "must be a short name"),
        ({"colour": 1}, "Unknown setting 'colour'"),
    ],
)
def test_settings_refuse_what_is_not_declared(values, words):
    with pytest.raises(SettingError, match=words):
        Settings.of((*DECLARED, MAKER), **values)


def test_a_setting_without_choices_takes_a_name_of_elsewhere():
    assert Settings.of((MAKER,), maker="them/Two-2.5")["maker"] == "them/Two-2.5"


def test_settings_take_both_ends_of_a_range_in_the_type_of_the_default():
    settings = Settings.of(DECLARED, angle_deg=2)
    assert isinstance(settings["angle_deg"], float)
    assert Settings.of(DECLARED, angle_deg=30.0)["angle_deg"] == 30.0


def test_a_range_open_at_one_end_is_said_so():
    with pytest.raises(SettingError, match="Words must be at least 1; got 0"):
        Settings.of(DECLARED, n_words=0)


def test_a_whole_number_refuses_a_fraction():
    with pytest.raises(SettingError, match="whole number"):
        Settings.of(DECLARED, n_words=2.5)


def test_settings_are_hashable_and_equal_by_value():
    first, second = Settings.of(DECLARED), Settings.of(DECLARED, angle_deg=8.4)
    assert first == second
    assert hash(first) == hash(second)
    assert first != first.replace(is_on=True)


def test_settings_keys_split_features_from_readout():
    settings = Settings.of(DECLARED)
    assert settings.key("features") == (("angle_deg", 8.4),)
    assert [name for name, _ in settings.key("readout")] == ["n_words", "is_on", "sizes"]


def test_asking_for_an_unknown_setting_is_an_error():
    with pytest.raises(SettingError, match="colour"):
        Settings.of(DECLARED)["colour"]


# Selection


def test_selection_is_normalised():
    first = Selection(("one",), ("V1", "V2", "V1"), indices=(7, 3, 7))
    assert first.regions == ("V1", "V2")
    assert first.indices == (3, 7)
    assert first == Selection(("one",), ("V1", "V2"), indices=(3, 7))
    assert hash(first) == hash(Selection(("one",), ("V1", "V2"), indices=(3, 7)))
    assert first.as_dict() == {
        "subjects": ["one"],
        "regions": ["V1", "V2"],
        "hemisphere": "both",
        "indices": [3, 7],
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"subjects": ()}, "at least one"),
        ({"subjects": ("a", "a")}, "twice"),
        ({"subjects": ("a",), "hemisphere": "top"}, "'top'"),
        ({"subjects": ("a",), "indices": (-1,)}, "start at 0"),
    ],
)
def test_selection_refuses_nonsense(arguments, words):
    with pytest.raises(SelectionError, match=words):
        Selection(**arguments)


# Response


def test_response_keeps_a_read_only_float32_copy():
    values = np.ones((2, 5))
    kept = response(values)
    values[:] = 7
    assert kept.values.dtype == np.float32
    assert (kept.values == 1).all()
    with pytest.raises(ValueError, match="read-only"):
        kept.values[0, 0] = 2
    with pytest.raises(ValueError, match="read-only"):
        kept.column_indices[0] = 2
    assert kept.n_rows == 2
    assert kept.n_bytes == 2 * 5 * 4 + 5 * 8


def test_response_is_dense_with_nan_where_it_has_no_column():
    kept = response(np.array([[1.0, 2.0]]), columns=np.array([1, 4]))
    np.testing.assert_array_equal(kept.dense(), [[np.nan, 1, np.nan, np.nan, 2]])
    np.testing.assert_array_equal(kept.column_indices, [1, 4])


@pytest.mark.parametrize(
    ("values", "changes", "words"),
    [
        (np.ones(5), {}, "n_rows, n_columns"),
        (np.ones((1, 4)), {}, "4 columns of values, but 5"),
        (np.ones((1, 2)), {"columns": np.array([1])}, "2 columns of values, but 1"),
        (np.ones((1, 2)), {"columns": np.array([1, 1])}, "rise strictly inside 0..4"),
        (np.ones((1, 2)), {"columns": np.array([3, 5])}, "rise strictly"),
        (np.ones((1, 2)), {"columns": np.array([-1, 2])}, "rise strictly"),
        (np.ones((1, 5)), {"row_labels": ("a", "b")}, "1 rows, but 2 row labels"),
    ],
)
def test_response_that_does_not_fit_its_space_cannot_exist(values, changes, words):
    with pytest.raises(SpaceMismatchError, match=words):
        response(values, **changes)


def test_provenance_says_that_nothing_was_measured():
    plain = json.loads(PROVENANCE.as_json())
    assert plain["measured"] is False
    assert plain["badge"] == "BADGE"
    assert plain["model_id"] == "id"
