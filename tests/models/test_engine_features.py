"""Only new pictures run; the answer is the same as if all had."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from models.encoders.base import Features
from models.engine import Engine, Request
from models.errors import Cancelled, StimulusError
from models.stimulus import Stimulus
from models.types import Selection
from tests.models.engine_samples import GREYS, LONG_S, ROOMY, SETTINGS, House, Pictures


@dataclass(frozen=True, eq=False)
class SceneFeatures(Features):
    """Features that hold what they are of, and whose weights were used."""

    row_fields = ("row_labels", "pictures")
    weights: tuple[str, ...] = ()
    pictures: tuple[Stimulus, ...] = ()

    def bound(self, stimuli):
        return replace(super().bound(stimuli), pictures=tuple(stimuli))


class Scenes(Pictures):
    """A model with features of a class of its own, and facts."""

    features_type = SceneFeatures

    def __init__(self):
        super().__init__()
        self.weights = ("sub-01",)
        self.facts = {"device": "processor"}
        self.seen = []

    def features(self, stimuli, settings, *others, **named):
        plain = super().features(stimuli, settings, *others, **named)
        return SceneFeatures(
            plain.arrays,
            plain.row_labels,
            settings,
            facts=dict(self.facts),
            weights=self.weights,
            pictures=tuple(stimuli),
        )

    def readout(self, features, *others, **named):
        self.seen.append(features)
        return super().readout(features, *others, **named)


@pytest.fixture
def house(monkeypatch):
    made = House(monkeypatch, {"plain": Pictures(), "scenes": Scenes()})
    yield made
    made.close()


def directly(model_class, house, name, stimuli, **settings):
    """What a model answers that knows no engine."""
    model, question = model_class(), house.request(name, stimuli, **settings)
    model.card = house.cards[name]
    features = model.features(question.stimuli, question.settings)
    return model.readout(features, question.selection, question.settings)[0]


def names(*numbers):
    return [f"grey {number}" for number in numbers]


def test_only_new_pictures_run_and_the_answer_is_that_of_all(house):
    model = house.models["plain"]
    house.predict("plain", [GREYS[0], GREYS[1]])
    answer = house.predict("plain", [GREYS[2], GREYS[0], GREYS[3], GREYS[1], GREYS[2]])
    assert model.looked_at == [names(0, 1), names(2, 3)]
    expected = directly(Pictures, house, "plain", [GREYS[n] for n in (2, 0, 3, 1, 2)])
    np.testing.assert_array_equal(answer.values, expected.values)
    assert answer.row_labels == tuple(names(2, 0, 3, 1, 2))
    counters = house.engine.counters()
    assert (counters["features_run"], counters["features_reused"]) == (4, 3)


def test_fewer_pictures_in_another_order_run_nothing(house):
    house.predict("plain", GREYS[:4])
    answer = house.predict("plain", [GREYS[3], GREYS[1]])
    assert house.models["plain"].calls["features"] == 1
    expected = directly(Pictures, house, "plain", [GREYS[3], GREYS[1]])
    np.testing.assert_array_equal(answer.values, expected.values)


def test_a_renamed_picture_runs_nothing_and_has_its_new_name(house):
    house.predict("scenes", GREYS[:2])
    renamed = replace(GREYS[0], name="new name")
    answer = house.predict("scenes", [GREYS[1], renamed])
    assert house.models["scenes"].calls["features"] == 1
    assert answer.row_labels == ("grey 1", "new name")
    assert house.models["scenes"].seen[-1].pictures[1].name == "new name"


def test_the_same_picture_twice_under_two_names_runs_once(house):
    renamed = replace(GREYS[0], name="again")
    answer = house.predict("plain", [GREYS[0], renamed])
    assert house.models["plain"].looked_at == [names(0)]
    assert answer.row_labels == ("grey 0", "again")
    np.testing.assert_array_equal(answer.values[0], answer.values[1])


def test_settings_that_change_features_and_those_that_do_not(house):
    model = house.models["plain"]
    house.predict("plain", GREYS[:2])
    answer = house.predict("plain", GREYS[:3], fixation_x_deg=1.0)
    assert model.looked_at == [names(0, 1), names(2)]
    expected = directly(Pictures, house, "plain", GREYS[:3], fixation_x_deg=1.0)
    np.testing.assert_array_equal(answer.values, expected.values)
    house.predict("plain", GREYS[:2], visual_angle_deg=5.0)
    assert model.looked_at[2:] == [names(0, 1)]


def test_features_of_a_class_of_its_own_come_back_whole(house):
    house.predict("scenes", GREYS[:2])
    house.predict("scenes", [GREYS[2], GREYS[1]])
    first, second = house.models["scenes"].seen
    assert type(second) is SceneFeatures
    assert second.pictures == (GREYS[2], GREYS[1])
    assert (second.weights, second.facts) == (first.weights, first.facts)
    np.testing.assert_array_equal(second.arrays[0][1], first.arrays[0][1])


@pytest.mark.parametrize("what", ["weights", "facts"])
def test_rows_made_under_other_circumstances_are_not_mixed(house, what):
    model = house.models["scenes"]
    house.predict("scenes", GREYS[:2])
    changed = ("sub-01", "sub-02") if what == "weights" else {"device": "graphics"}
    setattr(model, what, changed)
    house.predict("scenes", GREYS[:3])
    assert model.looked_at == [names(0, 1), names(2), names(0, 1, 2)]
    assert getattr(model.seen[-1], what) == changed
    house.predict("scenes", GREYS[1:4])
    assert model.looked_at[3:] == [names(3)]  # the new ones are what is remembered


def test_known_rows_that_do_not_fit_each_other_run_again(house):
    model = house.models["scenes"]
    house.predict("scenes", GREYS[:1])
    model.facts = {"device": "graphics"}
    house.predict("scenes", GREYS[1:2])
    answer = house.predict("scenes", GREYS[:2])
    assert model.looked_at == [names(0), names(1), names(0, 1)]
    assert model.seen[-1].facts == {"device": "graphics"}
    assert answer.row_labels == tuple(names(0, 1))


def test_rows_that_depend_on_each_other_are_not_taken_apart(house):
    model = house.models["plain"]
    model.has_independent_rows = False
    house.predict("plain", GREYS[:2])
    house.predict("plain", GREYS[:3])
    house.predict("plain", GREYS[:3], regions=("V1",))
    assert model.looked_at == [names(0, 1), names(0, 1, 2)]


def test_a_backbone_a_subject_has_rows_a_subject(house):
    card = replace(
        house.cards["plain"],
        subjects=(("one", "One"), ("two", "Two")),
        has_backbone_per_subject=True,
    )
    house.cards["plain"] = house.models["plain"].card = card
    for subject in ("one", "two", "one"):
        question = replace(house.request("plain", GREYS[:2]), selection=Selection((subject,)))
        house.engine.predict(question)
    more = replace(house.request("plain", GREYS[:3]), selection=Selection(("two",)))
    house.engine.predict(more)
    assert house.models["plain"].looked_at == [names(0, 1), names(0, 1), names(2)]
    assert house.models["plain"].subjects_asked == [("one",), ("two",), ("two",)]


def test_remembered_rows_stay_inside_the_budget(monkeypatch):
    row_bytes = 16 * 4
    house = House(monkeypatch, {"plain": Pictures()}, cache_bytes=2 * 3 * row_bytes)
    house.predict("plain", GREYS[:5])
    assert house.engine.counters()["features_bytes"] == 3 * row_bytes
    answer = house.predict("plain", GREYS[:5], regions=("V1",))
    assert house.models["plain"].looked_at == [names(0, 1, 2, 3, 4), names(0, 1)]
    expected = directly(Pictures, house, "plain", GREYS[:5])
    where = expected.column_indices.searchsorted(answer.column_indices)
    np.testing.assert_array_equal(answer.values, expected.values[:, where])
    house.close()


def test_a_remembered_row_does_not_hold_the_pictures_it_came_from(house):
    house.predict("scenes", GREYS[:2])
    kept = house.engine._features._memory._values.values()
    assert [row.pictures for row in kept] == [(), ()]


def test_a_request_without_pictures_is_answered_by_the_model():
    engine = Engine(budget=ROOMY)
    question = Request("reference-vision", (), Selection(("average",)), SETTINGS)
    with pytest.raises(StimulusError, match="at least one picture"):
        engine.predict(question)
    engine.close()


def test_a_cancelled_run_remembers_nothing_wrong(house):
    model = house.models["plain"]
    house.predict("plain", GREYS[:1])
    model.gate.clear()
    job = house.engine.submit(house.request("plain", GREYS[:5]))
    model.before_picture = lambda number: job.cancel() if number == 1 else None
    model.gate.set()
    with pytest.raises(Cancelled):
        job.result(LONG_S)
    model.before_picture = lambda number: None
    answer = house.predict("plain", GREYS[:5])
    assert model.looked_at == [names(0), names(1, 2, 3, 4), names(1, 2, 3, 4)]
    expected = directly(Pictures, house, "plain", GREYS[:5])
    np.testing.assert_array_equal(answer.values, expected.values)
