import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.work import Work
from models.errors import Cancelled, RenderError


@pytest.fixture
def pool():
    with ThreadPoolExecutor(1) as executor:
        yield executor


def test_progress_is_seen_while_it_runs_and_the_result_after(pool):
    at_half, go_on = threading.Event(), threading.Event()

    def do(report):
        report("halving", 1, 2)
        at_half.set()
        go_on.wait()
        return 42

    work = Work(pool, do)
    at_half.wait()
    assert (work.stage, work.done, work.total) == ("halving", 1, 2)
    assert not work.is_finished
    assert not work.wait(0.0)
    go_on.set()
    assert work.wait(10)
    assert work.is_finished
    assert work.result() == 42


def test_cancel_stops_at_the_next_report(pool):
    started, go_on = threading.Event(), threading.Event()

    def do(report):
        started.set()
        go_on.wait()
        report("more", 0, 1)
        raise AssertionError("went on after cancel")

    work = Work(pool, do)
    started.wait()
    work.cancel()
    go_on.set()
    assert work.wait(10)
    with pytest.raises(Cancelled):
        work.result()


def test_an_error_is_raised_by_result_and_not_by_wait(pool):
    def do(report):
        raise RenderError("No OpenGL.")

    work = Work(pool, do)
    assert work.wait(10)
    with pytest.raises(RenderError, match="No OpenGL"):
        work.result()


def test_cancelled_before_its_turn_it_ends_at_once(pool):
    go_on = threading.Event()
    first = Work(pool, lambda report: go_on.wait())
    second = Work(pool, lambda report: 42)
    second.cancel()
    assert second.is_finished
    assert second.wait(0.0)
    assert isinstance(second.error(), Cancelled)
    with pytest.raises(Cancelled, match="as you asked"):
        second.result()
    go_on.set()
    assert first.result()
    assert first.error() is None


def test_an_error_can_be_looked_at(pool):
    def do(report):
        raise RenderError("No OpenGL.")

    work = Work(pool, do)
    work.wait(10)
    assert isinstance(work.error(), RenderError)
