"""A queue for each device, one load for each model, and nobody left waiting."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from models.engine import Engine, PredictionEngine
from models.errors import Cancelled, DeviceMemoryError, WeightsError
from tests.models.engine_samples import GREYS, LONG_S, House, Pictures


@pytest.fixture
def house(monkeypatch):
    made = House(
        monkeypatch,
        {
            "first": Pictures(),
            "second": Pictures(),
            "on gpu": Pictures(device="cuda:0"),
            "on other gpu": Pictures(device="cuda:1"),
        },
    )
    yield made
    made.close()


def test_requests_for_different_devices_run_side_by_side(house):
    together = threading.Barrier(3, timeout=LONG_S)
    names = ("first", "on gpu", "on other gpu")
    for name in names:
        house.models[name].before_picture = lambda number: together.wait()
    jobs = [house.engine.submit(house.request(name)) for name in names]
    assert [len(job.result(LONG_S)) for job in jobs] == [1, 1, 1]  # all three were in it at once
    assert house.engine.counters()["queues"] == 3


def test_requests_for_one_device_run_one_after_another(house):
    inside = threading.Semaphore(1)

    def alone(number):
        assert inside.acquire(blocking=False), "two models ran on one device at once"
        threading.Event().wait(0.01)
        inside.release()

    for name in ("first", "second"):
        house.models[name].before_picture = alone
    jobs = [
        house.engine.submit(house.request(name, GREYS[level : level + 1]))
        for level in range(4)
        for name in ("first", "second")
    ]
    for job in jobs:
        assert job.result(LONG_S)
    assert house.engine.counters()["queues"] == 1


def test_who_asked_first_is_answered_first_whenever_the_load_ends(monkeypatch):
    for turn in range(30):
        house = House(monkeypatch, {"first": Pictures()})
        go_on = threading.Event()
        house.before_load = lambda name, go_on=go_on: go_on.wait(LONG_S)
        jobs = []
        for number, grey in enumerate(GREYS):
            if number == turn % len(GREYS):
                go_on.set()  # from here on the load ends at any moment
            jobs.append(house.engine.submit(house.request("first", [grey])))
        for job in jobs:
            assert job.result(LONG_S)
        assert house.models["first"].looked_at == [[grey.name] for grey in GREYS]
        house.close()


def test_a_waiting_device_does_not_hold_up_another(house):
    house.models["first"].gate.clear()
    waiting = house.engine.submit(house.request("first"))
    assert house.engine.predict(house.request("on gpu"))
    assert not waiting.is_finished


def test_a_slow_load_does_not_hold_up_another_model(house):
    go_on = threading.Event()
    house.before_load = lambda name: go_on.wait(LONG_S) if name == "first" else None
    slow = house.engine.submit(house.request("first"))
    assert slow.stage == "loading the model"
    assert house.predict("second").n_rows == 1
    assert not slow.is_finished
    go_on.set()
    assert slow.result(LONG_S)


def test_fifty_threads_with_different_questions_get_their_own_answers(house):
    def ask(number):
        pictures = [GREYS[number % 5], GREYS[number % 7]]
        return house.predict("first", pictures)

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(ask, range(50)))
    assert house.loads == ["first"]
    alone = Pictures(house.cards["first"])
    for number, answer in enumerate(answers):
        question = house.request("first", [GREYS[number % 5], GREYS[number % 7]])
        features = alone.features(question.stimuli, question.settings)
        (expected,) = alone.readout(features, question.selection, question.settings)
        np.testing.assert_array_equal(answer.values, expected.values)
        assert answer.row_labels == expected.row_labels
    assert sum(map(len, house.models["first"].looked_at)) == 7  # each picture once


def test_a_failed_load_is_told_to_all_and_tried_again_by_the_next(house):
    go_on = threading.Event()

    def fail(name):
        assert go_on.wait(LONG_S)
        raise WeightsError("The file is cut short.")

    house.before_load = fail
    jobs = [house.engine.submit(house.request("first", GREYS[n : n + 1])) for n in range(5)]
    with ThreadPoolExecutor(5) as threads:
        asked = [threads.submit(house.engine.model, "first") for _ in range(5)]
        go_on.set()
        for waiting in [*jobs, *asked]:
            with pytest.raises(WeightsError, match="cut short"):
                waiting.result(LONG_S)
    n_failed = len(house.loads)
    house.before_load = lambda name: None
    assert house.predict("first").n_rows == 1
    assert len(house.loads) == n_failed + 1
    assert house.engine.counters()["models"] == 1


def test_a_device_that_is_not_there_fails_the_load(house, monkeypatch):
    def absent(self):
        raise WeightsError("There is no such device.")

    monkeypatch.setattr(Pictures, "device_name", property(absent))
    with pytest.raises(WeightsError, match="no such device"):
        house.predict("first")


def test_closing_while_a_model_loads_leaves_nobody_waiting(house):
    go_on = threading.Event()
    house.before_load = lambda name: go_on.wait(LONG_S)
    jobs = [house.engine.submit(house.request(name)) for name in ("first", "on gpu")]
    closer = threading.Thread(target=house.engine.close)
    closer.start()
    go_on.set()
    for job in jobs:
        with pytest.raises(Cancelled):
            job.result(LONG_S)
    closer.join(LONG_S)
    with pytest.raises(Cancelled, match="program ends"):
        house.engine.model("second")
    assert house.engine.counters()["jobs"] == 0


def test_out_of_memory_unloads_what_is_idle_and_tries_once_more(house):
    house.predict("second")
    outcomes = iter([DeviceMemoryError("no room"), None])

    def run_out(number):
        problem = next(outcomes)
        if problem is not None:
            raise problem

    house.models["first"].before_picture = run_out
    assert house.predict("first").n_rows == 1
    assert house.models["second"].n_closed == 1
    assert house.models["first"].n_closed == 0


def test_out_of_memory_with_nothing_left_to_unload_is_told(house):
    house.models["first"].error = MemoryError()
    with pytest.raises(MemoryError):
        house.predict("first")
    assert house.models["first"].calls["features"] == 1


def test_a_models_working_memory_is_what_the_budget_leaves(house):
    house.predict("first")
    assert house.models["first"].room_bytes == 9 * 10**8  # host budget less caches
    house.predict("on gpu")
    assert house.models["on gpu"].room_bytes == 10**9


def test_what_is_forgotten_is_asked_anew(house):
    house.predict("first")
    house.predict("second")
    house.engine.forget("first")
    assert house.models["first"].n_closed == 1
    house.predict("first")
    house.predict("second")
    assert house.models["first"].calls["readout"] == 2
    assert house.models["first"].calls["features"] == 2
    assert house.models["second"].calls["readout"] == 1
    assert house.loads == ["first", "second", "first"]


def test_the_engine_keeps_to_the_interface_that_another_may_stand_behind(house):
    engine: PredictionEngine = house.engine
    wanted = {name for name in vars(PredictionEngine) if not name.startswith("_")}
    assert wanted == {"submit", "predict", "forget", "counters", "close"}
    assert all(callable(getattr(engine, name)) for name in wanted)
    assert isinstance(house.engine, Engine)
