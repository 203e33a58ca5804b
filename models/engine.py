"""Where a prediction runs: one worker, joined requests, progress, cancel, bounded memory.

A :class:`Job` is a future with a progress line. Identical requests share one job; features
and responses are kept, least recently used first out, inside one budget of bytes.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

from models.catalog import ModelCard, get_card, load_object
from models.encoders.base import EncodingModel, Features
from models.errors import Cancelled
from models.stimulus import Stimulus
from models.types import Response, Selection, Settings

__all__ = ["ByteCache", "Engine", "Job", "Request"]


class _Sized(Protocol):
    @property
    def n_bytes(self) -> int: ...


_V = TypeVar("_V", bound=_Sized)


class ByteCache(Generic[_V]):
    """Least-recently-used store with a budget in bytes; safe to share between threads.

    Parameters
    ----------
    budget_bytes : int
        Values are dropped, oldest use first, until the rest fits. A value larger than
        the budget is not kept, and drops nothing else.
    """

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self.n_bytes = 0
        self._values: OrderedDict[Hashable, _V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> _V | None:
        """Value of ``key``, now the most recently used, or None."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def put(self, key: Hashable, value: _V) -> None:
        """Keep ``value``; drop what no longer fits."""
        with self._lock:
            old = self._values.pop(key, None)
            if old is not None:
                self.n_bytes -= old.n_bytes
            if value.n_bytes > self.budget_bytes:
                return
            self._values[key] = value
            self.n_bytes += value.n_bytes
            while self.n_bytes > self.budget_bytes:
                _, dropped = self._values.popitem(last=False)
                self.n_bytes -= dropped.n_bytes


@dataclass(frozen=True)
class Request:
    """One question: these stimuli, this model, these places, these settings."""

    model_id: str
    stimuli: tuple[Stimulus, ...]
    selection: Selection
    settings: Settings

    @property
    def features_key(self) -> Hashable:
        """What the features depend on."""
        digests = tuple(stimulus.digest for stimulus in self.stimuli)
        names = tuple(stimulus.name for stimulus in self.stimuli)
        card = get_card(self.model_id)
        key = (self.model_id, card.version, self.settings.key("features"), digests, names)
        return (*key, self.backbone_subjects)

    @property
    def backbone_subjects(self) -> tuple[str, ...]:
        """Whose backbones must run; empty where all subjects share one."""
        card = get_card(self.model_id)
        return self.selection.subjects if card.has_backbone_per_subject else ()

    @property
    def key(self) -> Hashable:
        """What the answer depends on."""
        return (self.features_key, self.selection, self.settings.key("readout"))


class Job:
    """One visitor's hold on a running or finished request; what the page polls.

    Identical questions share the work; each asker has a job of their own. The work is stopped
    when the last job that still waits for it is cancelled.

    Attributes
    ----------
    request : Request
    """

    def __init__(self, run: _Run) -> None:
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
            raise Cancelled("Stopped, as you asked.")
        if self._run.error is not None:
            raise self._run.error
        assert self._run.answer is not None  # finished without an error
        return self._run.answer


class _Run:
    """The work behind one or more jobs."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.stage = "waiting"
        self.done = 0
        self.total = 0
        self.finished = threading.Event()
        self.answer: tuple[Response, ...] | None = None
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
            raise Cancelled("Stopped, as you asked.")
        self.stage, self.done, self.total = stage, done, total

    def finish(
        self, answer: tuple[Response, ...] | None = None, error: BaseException | None = None
    ) -> None:
        """Note the end and wake everyone who waits."""
        self.answer, self.error = answer, error
        self.stage = "done" if error is None else "failed"
        self.finished.set()


class _Responses(tuple[Response, ...]):
    """Responses of one request, with their size."""

    __slots__ = ()

    @property
    def n_bytes(self) -> int:
        return sum(response.n_bytes for response in self)


class Engine:
    """Runs requests one after another and remembers answers.

    Parameters
    ----------
    budget_bytes : int
        Room for features and responses together (half each).
    load : callable, optional
        Makes a model from its card; tests pass a stand-in.
    """

    def __init__(
        self,
        budget_bytes: int = 256 * 1024**2,
        load: Callable[[ModelCard], EncodingModel] | None = None,
    ) -> None:
        self._load = load or _load_model
        self._models: dict[str, EncodingModel] = {}
        self._features: ByteCache[Features] = ByteCache(budget_bytes // 2)
        self._responses: ByteCache[_Responses] = ByteCache(budget_bytes // 2)
        self._runs: dict[Hashable, _Run] = {}
        self._lock = threading.Lock()
        self._model_lock = threading.Lock()
        self._is_closed = False
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="boldcast-engine")

    def model(self, model_id: str) -> EncodingModel:
        """Return the one instance of a model in this process; loaded on first use."""
        with self._model_lock:
            if model_id not in self._models:
                self._models[model_id] = self._load(get_card(model_id))
            return self._models[model_id]

    def submit(self, request: Request) -> Job:
        """Start ``request``, join it if it is under way, or answer from memory.

        Raises
        ------
        Cancelled
            The engine is closed.
        """
        with self._lock:
            if self._is_closed:
                raise Cancelled("Stopped, as the program ends.")
            known = self._responses.get(request.key)
            if known is not None:
                run = _Run(request)
                run.finish(answer=known)
                return Job(run)
            running = self._runs.get(request.key)
            if running is not None:
                job = Job(running)
                if not running.is_stopping:
                    return job
            run = _Run(request)
            job = Job(run)
            self._runs[request.key] = run
            future = self._worker.submit(self._answer, run)
        # Outside the lock: the callback takes it, at once if the work is already done.
        future.add_done_callback(partial(self._settle, run))
        return job

    def predict(self, request: Request) -> tuple[Response, ...]:
        """Submit and wait."""
        return self.submit(request).result()

    def counters(self) -> dict[str, int]:
        """Numbers for whoever watches: jobs under way, bytes kept, models in memory."""
        with self._lock:
            n_jobs = len(self._runs)
        return {
            "jobs": n_jobs,
            "features_bytes": self._features.n_bytes,
            "responses_bytes": self._responses.n_bytes,
            "models": len(self._models),
        }

    def close(self) -> None:
        """Cancel what runs and end the worker; nothing can be asked any more."""
        with self._lock:
            self._is_closed = True
            for run in self._runs.values():
                run.stop()
        self._worker.shutdown(wait=True, cancel_futures=True)

    def _answer(self, run: _Run) -> _Responses:
        """Answer one request; runs on the worker thread."""
        request = run.request
        run.report("loading the model", 0, 1)
        model = self.model(request.model_id)
        features = self._features.get(request.features_key)
        if features is None:
            features = model.features(
                request.stimuli, request.settings, run.report, request.backbone_subjects
            )
            self._features.put(request.features_key, features)
        run.report("reading out the regions", 0, 1)
        return _Responses(model.readout(features, request.selection, request.settings, run.report))

    def _settle(self, run: _Run, future: Future[_Responses]) -> None:
        """Finish a run whose work has ended in any way, so that nobody waits for ever."""
        error: BaseException | None = Cancelled("Stopped, as the program ends.")
        if not future.cancelled():
            error = future.exception()
        answer = future.result() if error is None else None
        with self._lock:
            if answer is not None:
                self._responses.put(run.request.key, answer)
            if self._runs.get(run.request.key) is run:
                del self._runs[run.request.key]
        run.finish(answer, error)


def _load_model(card: ModelCard) -> EncodingModel:
    """Import the encoder named on the card."""
    model: EncodingModel = load_object(card.encoder)(card)
    return model
