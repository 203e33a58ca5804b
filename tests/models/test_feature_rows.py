"""Rows of features are taken apart and put together without a change."""

from dataclasses import replace

import numpy as np
import pytest

from models.catalog import get_card
from models.encoders.base import EncodingModel, Features
from models.memory import Bytes
from models.types import Setting, Settings
from tests.fakes import FakeEncodingModel
from tests.stimuli import as_stimulus, uniform

DECLARED = (Setting("angle_deg", "Angle", 1.0, "features"), Setting("gain", "Gain", 1.0, "readout"))
SETTINGS = Settings.of(DECLARED)
STIMULI = tuple(as_stimulus(uniform(4, level), f"grey {level}") for level in range(4))


def features(n_rows=4, start=0, **others):
    first = np.arange(start, start + n_rows, dtype=np.float32)
    arrays = (np.stack([first, -first], 1), first[:, None, None] + np.zeros((1, 2, 3), np.float32))
    made = Features(arrays, tuple(f"label {n}" for n in range(n_rows)), SETTINGS, ("one",))
    return replace(made, facts={"device": "processor"}, **others)


def test_rows_put_together_are_the_whole_in_the_order_asked():
    whole = features()
    order = [2, 0, 3, 0]
    stimuli = [STIMULI[number] for number in order]
    changed = SETTINGS.replace(gain=2.0)
    again = Features.joined([whole.row(number) for number in order], stimuli, changed)
    for array, expected in zip(again.arrays, whole.arrays, strict=True):
        np.testing.assert_array_equal(array, expected[order], strict=True)
    assert again.row_labels == ("grey 2", "grey 0", "grey 3", "grey 0")
    assert again.settings == changed
    assert (again.subjects, again.facts) == (whole.subjects, whole.facts)


def test_a_row_holds_no_more_than_itself():
    whole = features()
    row = whole.row(1)
    assert row.n_bytes == whole.n_bytes // 4
    assert all(array.base is None for array in row.arrays)
    assert row.row_labels == ()


def test_rows_made_otherwise_do_not_fit():
    one = features()
    assert one.fits(features(2, 7))
    assert one.fits(replace(one, settings=SETTINGS.replace(gain=2.0)))
    assert not one.fits(replace(one, settings=SETTINGS.replace(angle_deg=2.0)))
    assert not one.fits(replace(one, subjects=("two",)))
    assert not one.fits(replace(one, facts={"device": "graphics"}))
    assert not one.fits(replace(one, arrays=one.arrays[:1]))
    wider = tuple(np.concatenate([array, array], 1) for array in one.arrays)
    assert not one.fits(replace(one, arrays=wider))
    assert not one.fits(replace(one, arrays=tuple(a.astype(np.float64) for a in one.arrays)))


def test_a_subclass_with_facts_of_its_own_keeps_them_apart():
    class Tagged(Features):
        pass

    one = features()
    other = Tagged(one.arrays, one.row_labels, one.settings, one.subjects, one.facts)
    assert not one.fits(other)
    assert type(Features.joined([other.row(0)], STIMULI[:1], SETTINGS)) is Tagged


@pytest.mark.parametrize("member", ["has_independent_rows", "device_name", "held", "n_bytes"])
def test_a_model_that_says_nothing_of_memory_promises_nothing(member):
    expected = {
        "has_independent_rows": False,
        "device_name": "cpu",
        "held": Bytes(),
        "n_bytes": 0,
    }
    assert getattr(FakeEncodingModel(), member) == expected[member]


def test_closing_a_model_without_files_changes_nothing():
    model = FakeEncodingModel()
    before = model.features(STIMULI[:1], get_card("reference-vision").default_settings())
    model.close()
    after = model.features(STIMULI[:1], get_card("reference-vision").default_settings())
    np.testing.assert_array_equal(before.arrays[0], after.arrays[0])
    assert model.features_sha256() == ""
    assert EncodingModel.features_type is Features
