"""Models share a budget: the longest unused one goes, never one in use, and it comes back."""

import threading

import pytest

from models.memory import Budget, Bytes
from models.model_shelf import ModelShelf
from tests.models.engine_samples import GREYS, LONG_S, House, Pictures

#: 1,000 bytes of the host for models, 500 of each GPU.
NARROW = Budget(1_100, 100, 500)


def open_models(house):
    return [name for name, model in house.models.items() if model.is_open]


@pytest.fixture
def house(monkeypatch):
    sizes = {"a": 400, "b": 400, "c": 400}
    models = {name: Pictures(size=Bytes(host=size)) for name, size in sizes.items()}
    models["huge"] = Pictures(size=Bytes(host=5_000))
    for name in ("gpu a", "gpu b"):
        models[name] = Pictures(device="cuda:0", size=Bytes(host=10, device=300))
    models["other gpu"] = Pictures(device="cuda:1", size=Bytes(host=10, device=300))
    made = House(monkeypatch, models, budget=NARROW)
    yield made
    made.close()


def test_the_longest_unused_model_is_unloaded_first(house):
    for name in ("a", "b", "a", "c"):
        house.predict(name, GREYS[len(house.loads) : len(house.loads) + 1])
    assert open_models(house) == ["a", "c"]
    counters = house.engine.counters()
    assert counters["models"] == 2
    assert counters["models_host_bytes"] == 800
    assert (counters["models_loaded"], counters["models_unloaded"]) == (3, 1)


def test_an_unloaded_model_comes_back_with_the_same_answer(house):
    before = house.predict("a")
    for name in ("b", "c"):
        house.predict(name)
    assert not house.models["a"].is_open
    after = house.predict("a", regions=("V1",))
    assert house.loads == ["a", "b", "c", "a"]
    both = before.column_indices.searchsorted(after.column_indices)
    assert (before.values[:, both] == after.values).all()


def test_room_is_made_before_a_model_of_known_size_loads_again(house):
    for name in ("a", "b", "c"):
        house.predict(name)
    seen = []
    house.models["a"].before_picture = lambda number: seen.append(open_models(house))
    house.predict("a", GREYS[1:2])
    assert seen == [["a", "c"]]  # b went before a took its 400 bytes, not after


def test_devices_have_budgets_of_their_own(house):
    for name in ("a", "gpu a", "other gpu"):
        house.predict(name)
    assert open_models(house) == ["a", "gpu a", "other gpu"]
    house.predict("gpu b")
    assert open_models(house) == ["a", "gpu b", "other gpu"]
    assert house.engine.counters()["models_device_bytes"] == 600


def test_a_model_in_use_stays_whatever_its_size(house):
    house.predict("huge", GREYS[1:2])  # its size is known from now on
    assert house.models["huge"].n_closed == 1
    entered, go_on = threading.Event(), threading.Event()

    def look(number):
        entered.set()
        go_on.wait(LONG_S)

    house.models["huge"].before_picture = look
    running = house.engine.submit(house.request("huge"))
    assert entered.wait(LONG_S)
    with house.engine.in_use("a") as model:
        model.is_open = True
        house.predict("gpu a")
        assert house.models["a"].is_open
        assert house.models["huge"].n_closed == 1
    go_on.set()
    assert running.result(LONG_S)
    assert house.models["huge"].n_closed == 2
    assert not house.models["huge"].is_open  # larger than the budget: gone when it was done


def test_many_threads_never_meet_a_closed_model(house):
    def check(name):
        model = house.models[name]

        def look(number):
            assert model.is_open, f"{name} was closed while it ran"

        return look

    for name in ("a", "b", "c", "gpu a", "gpu b"):
        house.models[name].before_picture = check(name)
    jobs = [
        house.engine.submit(house.request(name, [grey], fixation_x_deg=float(turn)))
        for turn in range(3)
        for grey in GREYS
        for name in ("a", "gpu a", "b", "gpu b", "c")
    ]
    for job in jobs:
        assert job.result(LONG_S)
    assert house.engine.counters()["models_host_bytes"] <= 1_000
    assert house.engine.counters()["models_device_bytes"] <= 500


def test_a_share_of_a_gpu_is_asked_of_the_gpu(monkeypatch):
    monkeypatch.setattr("models.model_shelf._memory_of", lambda device: 400)
    models = {name: Pictures(device="cuda:0", size=Bytes(device=150)) for name in "ab"}
    shelf = ModelShelf(models.__getitem__, Budget(1_000, 0, "50%"))
    for name in "ab":
        with shelf.in_use(name) as model:
            assert shelf.room_bytes(name) == 200 - 150 * (name == "b")
            model.is_open = True
    assert not models["a"].is_open
    assert models["b"].is_open
    shelf.close()


def test_a_model_that_is_closed_may_take_its_time(house):
    closing, go_on = threading.Event(), threading.Event()

    def slowly():
        closing.set()
        go_on.wait(LONG_S)

    house.models["a"].close = slowly
    house.predict("a")
    house.predict("b")
    third = house.engine.submit(house.request("c"))
    assert closing.wait(LONG_S)
    assert house.predict("gpu a").n_rows == 1  # nobody else waits for it
    go_on.set()
    assert third.result(LONG_S)
