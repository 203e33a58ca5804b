import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest

from models import engine as engine_module
from models.catalog import get_card
from models.engine import ByteCache, Engine, Request
from models.errors import Cancelled, ModelNotFoundError, StimulusError, UnknownRegionError
from models.stimulus import Stimulus
from models.types import Selection
from tests.fakes import FakeEncodingModel
from tests.stimuli import as_stimulus, uniform

SETTINGS = get_card("reference-vision").default_settings()
STIMULI = tuple(as_stimulus(uniform(4, level), f"grey {level}") for level in range(3))
LONG_S = 30  # a wait that ends early unless something hangs


def request(stimuli=STIMULI, regions=(), **settings):
    return Request(
        "reference-vision",
        tuple(stimuli),
        Selection(("average",), regions),
        SETTINGS.replace(**settings),
    )


class Workshop:
    """An engine around one fake model; counts how often the model was loaded."""

    def __init__(self, budget_bytes=256 * 1024**2):
        self.model = FakeEncodingModel()
        self.n_loaded = 0
        self.engine = Engine(budget_bytes, load=self.load)

    def load(self, card):
        self.n_loaded += 1
        return self.model


@pytest.fixture
def workshop():
    made = Workshop()
    yield made
    made.model.gate.set()
    made.engine.close()


def test_prediction_is_the_models_answer(workshop):
    (response,) = workshop.engine.predict(request())
    model = FakeEncodingModel()
    (expected,) = model.readout(
        model.features(STIMULI, SETTINGS), Selection(("average",)), SETTINGS
    )
    np.testing.assert_array_equal(response.values, expected.values)


def test_fifty_threads_asking_the_same_load_one_model_and_run_it_once(workshop):
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: workshop.engine.predict(request()), range(50)))
    assert workshop.n_loaded == 1
    assert workshop.model.calls["features"] == 1
    assert workshop.model.calls["readout"] == 1
    assert all(answer[0] is answers[0][0] for answer in answers)


def test_fifty_threads_asking_for_the_model_get_one(workshop):
    with ThreadPoolExecutor(50) as threads:
        models = set(threads.map(lambda _: workshop.engine.model("reference-vision"), range(50)))
    assert models == {workshop.model}
    assert workshop.n_loaded == 1


def test_an_identical_request_joins_the_one_under_way(workshop):
    workshop.model.gate.clear()
    first, second = (workshop.engine.submit(request()) for _ in range(2))
    other = workshop.engine.submit(request(regions=("V1",)))
    assert workshop.engine.counters()["jobs"] == 2
    workshop.model.gate.set()
    assert first.result(LONG_S) is second.result(LONG_S)
    assert other.result(LONG_S) is not first.result(LONG_S)
    assert workshop.model.calls["readout"] == 2


def test_one_askers_cancel_leaves_the_answer_to_the_others(workshop):
    workshop.model.gate.clear()
    first, second = (workshop.engine.submit(request()) for _ in range(2))
    first.cancel()
    workshop.model.gate.set()
    assert second.result(LONG_S)
    assert first.is_finished
    with pytest.raises(Cancelled):
        first.result(LONG_S)
    assert workshop.model.calls["features"] == 1


def test_the_work_stops_when_the_last_asker_cancels(workshop):
    workshop.model.gate.clear()
    jobs = [workshop.engine.submit(request()) for _ in range(2)]
    for job in jobs:
        job.cancel()
    workshop.model.gate.set()
    workshop.engine.close()
    assert workshop.model.calls["readout"] == 0


@pytest.mark.parametrize(
    "change",
    [
        {"regions": ("V1",)},
        {"fixation_x_deg": 1.0},
        {"second_order_contrast": 0.5},
        {"is_minus_average": True},
        {"receptive_field_size": "wandell2015"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_change_of_readout_keeps_the_features(workshop, change):
    workshop.engine.predict(request())
    workshop.engine.predict(request(**change))
    assert workshop.model.calls["features"] == 1
    assert workshop.model.calls["readout"] == 2


def test_a_change_of_picture_or_visual_angle_makes_new_features(workshop):
    workshop.engine.predict(request())
    workshop.engine.predict(request(visual_angle_deg=5.0))
    workshop.engine.predict(request(STIMULI[:2]))
    assert workshop.model.calls["features"] == 3


def ask_about(workshop, *subjects, regions=()):
    selection = Selection(subjects, regions)
    return workshop.engine.predict(Request("reference-vision", STIMULI, selection, SETTINGS))


@pytest.fixture
def two_brains(monkeypatch, workshop):
    """The same card with two subjects and, when called with True, a backbone for each."""

    def pose(has_backbone_per_subject):
        card = replace(
            get_card("reference-vision"),
            subjects=(("one", "One"), ("two", "Two")),
            has_backbone_per_subject=has_backbone_per_subject,
        )
        monkeypatch.setattr(engine_module, "get_card", lambda model_id: card)
        workshop.model.card = card
        return workshop

    return pose


def test_a_shared_backbone_runs_once_for_all_subjects(two_brains):
    workshop = two_brains(has_backbone_per_subject=False)
    for subjects in (("one",), ("two",), ("one", "two")):
        ask_about(workshop, *subjects)
    assert workshop.model.subjects_asked == [()]


def test_a_backbone_per_subject_runs_for_a_new_subject_but_not_for_a_new_region(two_brains):
    workshop = two_brains(has_backbone_per_subject=True)
    ask_about(workshop, "one")
    ask_about(workshop, "one", regions=("V1",))
    assert workshop.model.subjects_asked == [("one",)]
    ask_about(workshop, "two")
    ask_about(workshop, "two", regions=("V1",))
    assert workshop.model.subjects_asked == [("one",), ("two",)]


def test_a_renamed_picture_is_answered_under_its_new_name(workshop):
    workshop.engine.predict(request(STIMULI[:1]))
    renamed = Stimulus.from_pixels(STIMULI[0].pixels(), "new name")
    assert renamed == STIMULI[0]
    (response,) = workshop.engine.predict(request([renamed]))
    assert response.row_labels == ("new name",)


def test_an_answered_request_is_remembered(workshop):
    first = workshop.engine.predict(request())
    job = workshop.engine.submit(request())
    assert job.is_finished
    assert job.result()[0] is first[0]
    assert workshop.model.calls["readout"] == 1


def test_progress_is_visible_while_it_runs(workshop):
    workshop.model.gate.clear()
    job = workshop.engine.submit(request())
    assert not job.is_finished
    with pytest.raises(TimeoutError, match="did not finish"):
        job.result(timeout_s=0.01)
    workshop.model.gate.set()
    job.result(LONG_S)
    assert job.stage == "done"
    assert (job.done, job.total) == (0, 1)  # the last report was of the readout


def test_cancel_stops_between_two_pictures(workshop):
    workshop.model.gate.clear()
    job = workshop.engine.submit(request())
    workshop.model.before_picture = lambda number: job.cancel() if number == 1 else None
    workshop.model.gate.set()
    with pytest.raises(Cancelled, match="as you asked"):
        job.result(LONG_S)
    workshop.engine.close()
    assert workshop.model.calls["pictures"] == 1
    assert job.stage == "failed"


def test_a_cancelled_request_can_be_asked_again(workshop):
    workshop.model.gate.clear()
    job = workshop.engine.submit(request())
    job.cancel()
    again = workshop.engine.submit(request())
    assert again is not job
    workshop.model.gate.set()
    assert again.result(LONG_S)
    with pytest.raises(Cancelled):
        job.result(LONG_S)


def test_a_closed_engine_says_that_the_program_ends(workshop):
    workshop.engine.close()
    with pytest.raises(Cancelled, match="program ends"):
        workshop.engine.submit(request())


@pytest.mark.parametrize(
    "error",
    [
        StimulusError("This file is not a picture."),
        ValueError("shapes do not match"),
        AttributeError("no such thing"),
        AssertionError("impossible"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_reach_whoever_asked_and_are_not_remembered(workshop, error):
    workshop.model.error = error
    job = workshop.engine.submit(request())
    with pytest.raises(type(error), match=str(error)):
        job.result(LONG_S)
    workshop.model.error = None
    assert workshop.engine.predict(request())


def test_an_unknown_region_and_an_unknown_model_are_told_apart(workshop):
    with pytest.raises(UnknownRegionError):
        workshop.engine.predict(request(regions=("V9",)))
    with pytest.raises(ModelNotFoundError):
        workshop.engine.predict(Request("nobody", STIMULI, Selection(("average",)), SETTINGS))


def test_closing_ends_what_waits(workshop):
    workshop.model.gate.clear()
    running = workshop.engine.submit(request())
    waiting = workshop.engine.submit(request(regions=("V2",)))
    closer = threading.Thread(target=workshop.engine.close)
    closer.start()
    with pytest.raises(Cancelled, match="program ends"):
        waiting.result(LONG_S)
    workshop.model.gate.set()
    closer.join(LONG_S)
    with pytest.raises(Cancelled):
        running.result(LONG_S)


def test_memory_of_answers_stays_inside_the_budget():
    workshop = Workshop(budget_bytes=2 * 40_000)
    for level in range(40):
        (response,) = workshop.engine.predict(request([as_stimulus(uniform(2, level))]))
    assert response.n_bytes == 1293 * (4 + 8)
    assert 0 < workshop.engine._responses.n_bytes <= 40_000
    workshop.engine.predict(request([as_stimulus(uniform(2, 39))]))
    assert workshop.model.calls["readout"] == 40  # the latest is remembered
    workshop.engine.predict(request([as_stimulus(uniform(2, 0))]))
    assert workshop.model.calls["readout"] == 41  # the first is not
    workshop.engine.close()


# The store


@dataclass
class Thing:
    n_bytes: int


def test_store_drops_the_least_recently_used_first():
    store = ByteCache(100)
    for name in "abc":
        store.put(name, Thing(30))
    assert store.get("a")  # now b is the oldest
    store.put("d", Thing(30))
    assert [name for name in "abcd" if store.get(name)] == ["a", "c", "d"]
    assert store.n_bytes == 90


def test_store_replaces_a_value_and_its_size():
    store = ByteCache(100)
    store.put("a", Thing(80))
    store.put("a", Thing(10))
    assert store.n_bytes == 10


def test_store_does_not_keep_what_is_larger_than_its_budget_nor_drop_the_rest():
    store = ByteCache(100)
    store.put("a", Thing(60))
    store.put("b", Thing(101))
    assert store.get("b") is None
    assert store.get("a")
    assert store.n_bytes == 60
