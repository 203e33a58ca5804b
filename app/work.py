"""Things that take a while, done beside the page: a future with a progress line."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from typing import Generic, Protocol, TypeVar

from models.errors import Cancelled
from models.types import Report

__all__ = ["Pollable", "Work"]

T = TypeVar("T")

STOPPED = "Stopped, as you asked."


class Pollable(Protocol):
    """What a progress bar needs; an engine's job and a :class:`Work` both have it."""

    stage: str
    done: int
    total: int

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing left to wait for."""
        ...

    def cancel(self) -> None:
        """Ask to stop."""
        ...


class Work(Generic[T]):
    """Run ``do(report)`` on a thread of ``pool``.

    Attributes
    ----------
    stage : str
        What is being done, in words.
    done, total : int
        Progress within the stage.
    """

    def __init__(self, pool: Executor, do: Callable[[Report], T]) -> None:
        self.stage = "waiting"
        self.done = 0
        self.total = 0
        self._is_cancelled = False
        self._future: Future[T] = pool.submit(do, self._report)

    @property
    def is_finished(self) -> bool:
        """Whether :meth:`result` returns at once."""
        return self._future.done()

    def cancel(self) -> None:
        """Ask to stop; takes effect at the next report of progress, at once while it waits."""
        self._is_cancelled = True
        self._future.cancel()

    def wait(self, timeout_s: float) -> bool:
        """Wait until finished; False when the time ran out."""
        try:
            self._future.exception(timeout_s)
        except TimeoutError:
            return False
        except CancelledError:
            pass
        return True

    def error(self) -> BaseException | None:
        """Return what :meth:`result` would raise; None when all went well."""
        try:
            return self._future.exception()
        except CancelledError:
            return Cancelled(STOPPED)

    def result(self) -> T:
        """Return what ``do`` returned, or raise what it raised."""
        try:
            return self._future.result()
        except CancelledError as error:
            raise Cancelled(STOPPED) from error

    def _report(self, stage: str, done: int, total: int) -> None:
        """Take note of progress on the worker thread."""
        if self._is_cancelled:
            raise Cancelled(STOPPED)
        self.stage, self.done, self.total = stage, done, total
