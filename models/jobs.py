"""Who waits for a prediction, and how far it is: what any engine hands to those who ask."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

from models.errors import Cancelled
from models.types import Response

if TYPE_CHECKING:
    from models.engine import Request

__all__ = ["ENDED", "STOPPED", "Job", "Responses", "Run"]

STOPPED = "Stopped, as you asked."
ENDED = "Stopped, as the program ends."


class Responses(tuple[Response, ...]):
    """Responses of one request, with their size."""

    __slots__ = ()

    @property
    def n_bytes(self) -> int:
        """Size in memory."""
        return sum(response.n_bytes for response in self)


class Job:
    """One visitor's hold on a running or finished request; what the page polls.

    Identical questions share the work; each asker has a job of their own. The work is stopped
    when the last job that still waits for it is cancelled.

    Attributes
    ----------
    request : Request
    """

    def __init__(self, run: Run) -> None:
        self.request = run.request
        self._run = run
        self._is_cancelled = False
        run.join(self)

    @property
    def stage(self) -> str:
        """What is being done, in words."""
        return self._run.stage

    @property
    def done(self) -> int:
        """Progress within the stage, out of :attr:`total`."""
        return self._run.done

    @property
    def total(self) -> int:
        """Steps of the stage."""
        return self._run.total

    @property
    def is_finished(self) -> bool:
        """Whether :meth:`result` returns at once."""
        return self._is_cancelled or self._run.finished.is_set()

    @property
    def is_cancelled(self) -> bool:
        """Whether this asker no longer wants the answer."""
        return self._is_cancelled

    def cancel(self) -> None:
        """No longer want the answer; the work stops at its next report if nobody else waits."""
        if not self.is_finished:
            self._is_cancelled = True
            self._run.leave(self)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until finished; False when the time ran out."""
        return self._is_cancelled or self._run.finished.wait(timeout_s)

    def result(self, timeout_s: float | None = None) -> tuple[Response, ...]:
        """Return the responses, one a subject.

        Raises
        ------
        BoldcastError
            What went wrong.
        Cancelled
            :meth:`cancel` was called before the end.
        TimeoutError
            Not finished within ``timeout_s``.
        """
        if not self.wait(timeout_s):
            raise TimeoutError(f"The prediction did not finish within {timeout_s} s.")
        if self._is_cancelled:
            raise Cancelled(STOPPED)
        if self._run.error is not None:
            raise self._run.error
        assert self._run.answer is not None  # finished without an error
        return self._run.answer


class Run:
    """The work behind one or more jobs.

    Parameters
    ----------
    request : Request

    Attributes
    ----------
    stage, done, total
        How far it is.
    finished : threading.Event
    answer : Responses or None
    error : BaseException or None
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.stage = "waiting"
        self.done = 0
        self.total = 0
        self.finished = threading.Event()
        self.answer: Responses | None = None
        self.error: BaseException | None = None
        self._stop = threading.Event()
        self._waiting: weakref.WeakSet[Job] = weakref.WeakSet()
        self._lock = threading.Lock()

    @property
    def is_stopping(self) -> bool:
        """Whether nobody waits any more."""
        return self._stop.is_set()

    def join(self, job: Job) -> None:
        """Count one more who waits."""
        with self._lock:
            self._waiting.add(job)

    def leave(self, job: Job) -> None:
        """Count one less; the last one stops the work."""
        with self._lock:
            self._waiting.discard(job)
            if not self._waiting:
                self._stop.set()

    def stop(self) -> None:
        """Stop whoever waits."""
        self._stop.set()

    def report(self, stage: str, done: int, total: int) -> None:
        """Take note of progress on the worker thread.

        Raises
        ------
        Cancelled
            Nobody waits any more.
        """
        if self._stop.is_set():
            raise Cancelled(STOPPED)
        self.stage, self.done, self.total = stage, done, total

    def finish(self, answer: Responses | None = None, error: BaseException | None = None) -> None:
        """Note the end and wake everyone who waits."""
        self.answer, self.error = answer, error
        self.stage = "done" if error is None else "failed"
        self.finished.set()
