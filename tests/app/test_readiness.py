import socket

import pytest

from app import readiness
from models.catalog import get_card
from models.weights import files
from tests.fakes_published import HUZE, THINGS, put_files, set_home


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    set_home(monkeypatch, tmp_path)
    readiness.forget()
    yield tmp_path
    readiness.forget()


def test_the_embedded_model_is_ready_without_a_look(monkeypatch):
    monkeypatch.setattr(files, "state", lambda *names: pytest.fail("looked for files"))
    found = readiness.readiness_of(get_card("reference-vision"))
    assert found.subjects == ("average",)
    assert found.reason("average") == ""


def test_nothing_here_says_what_the_cheapest_subject_needs():
    found = readiness.readiness_of(get_card(HUZE))
    assert not found.is_ready
    # Part 1, part 2, metadata and index of one subject, from the published shapes.
    n_bytes = 1_030_000_000 + 1_330_000_000 + 25_000_000 + 2_500_000
    assert found.missing_bytes["sub-03"] == n_bytes
    assert found.reason() == found.reason("sub-03") == "needs about 2.4 GB"


def test_a_subject_with_its_files_makes_the_model_ready_and_the_others_keep_their_reason(home):
    put_files(home, HUZE, 2)
    found = readiness.readiness_of(get_card(HUZE))
    assert found.subjects == ("sub-02",)
    assert found.reason() == found.reason("sub-02") == ""
    assert found.missing_bytes["sub-01"] == 2_385_000_000  # the index file is shared
    assert found.reason("sub-01") == "needs about 2.4 GB"


def test_sizes_have_two_digits(home):
    put_files(home, THINGS, 1)
    found = readiness.readiness_of(get_card(THINGS))
    assert found.reason("sub-02") == "needs about 700 MB"  # weights 685 MB, metadata 15 MB


def test_a_look_holds_for_a_second_and_no_longer(home, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(readiness.time, "monotonic", lambda: now[0])
    card = get_card(THINGS)
    before = readiness.readiness_of(card)
    put_files(home, THINGS, 1)
    now[0] += 0.9
    assert readiness.readiness_of(card) is before
    now[0] += 0.2
    after = readiness.readiness_of(card)
    assert after.subjects == ("sub-01",)
    assert after.stamp != before.stamp


def test_forgetting_looks_again_at_once(home):
    card = get_card(THINGS)
    assert not readiness.readiness_of(card).is_ready
    put_files(home, THINGS, 1, 2, 3)
    assert not readiness.readiness_of(card).is_ready
    readiness.forget()
    assert len(readiness.readiness_of(card).subjects) == 3


def test_the_stamp_tells_one_home_from_another(home, monkeypatch, tmp_path_factory):
    stamps = set()
    for place in (home, tmp_path_factory.mktemp("other")):
        put_files(place, THINGS, 1)
        set_home(monkeypatch, place)
        readiness.forget()
        stamps.add(readiness.readiness_of(get_card(THINGS)).stamp)
    assert len(stamps) == 2


def test_no_file_is_read_and_the_network_is_not_touched(home, monkeypatch):
    put_files(home, HUZE, 1)

    def refuse(*arguments, **named):
        pytest.fail(f"opened {arguments}")

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("pathlib.Path.open", refuse)
    monkeypatch.setattr(socket, "socket", refuse)
    assert readiness.readiness_of(get_card(HUZE)).subjects == ("sub-01",)


def test_files_that_cannot_be_looked_for_are_a_reason_and_no_crash(monkeypatch):
    def fail(card, subject, variant):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files, "state", fail)
    found = readiness.readiness_of(get_card(HUZE))
    assert not found.is_ready
    assert "Permission denied" in found.reason()
