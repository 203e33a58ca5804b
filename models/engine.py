"""Where a prediction runs: one worker, joined requests, progress, cancel, bounded memory.

A :class:`Job` is a future with a progress line. Identical requests share one job; features
and responses are kept, least recently used first out, inside one budget of bytes.
"""

from __future__ import annotations

import threading
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
    """A running or finished request; what the page polls.

    Attributes
    ----------
    request : Request
    stage : str
        What is being done, in words.
    done, total : int
        Progress within the stage.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.stage = "waiting"
        self.done = 0
        self.total = 0
        self._finished = threading.Event()
        self._cancel = threading.Event()
        self._answer: tuple[Response, ...] | None = None
        self._error: BaseException | None = None

    @property
    def is_finished(self) -> bool:
        """Whether :meth:`result` returns at once."""
        return self._finished.is_set()

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody asked to stop it."""
        return self._cancel.is_set()

    def cancel(self) -> None:
        """Ask to stop; takes effect at the next report of progress."""
        self._cancel.set()

    def report(self, stage: str, done: int, total: int) -> None:
        """Take note of progress.

        Raises
        ------
        Cancelled
            :meth:`cancel` was called.
        """
        if self._cancel.is_set():
            raise Cancelled("Stopped, as you asked.")
        self.stage, self.done, self.total = stage, done, total

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until finished; False when the time ran out."""
        return self._finished.wait(timeout_s)

    def result(self, timeout_s: float | None = None) -> tuple[Response, ...]:
        """Return the responses, one a subject.

        Raises
        ------
        BoldcastError
            What went wrong.
        TimeoutError
            Not finished within ``timeout_s``.
        """
        if not self._finished.wait(timeout_s):
            raise TimeoutError(f"The prediction did not finish within {timeout_s} s.")
        if self._error is not None:
            raise self._error
        assert self._answer is not None  # finished without an error
        return self._answer

    def _finish(
        self, answer: tuple[Response, ...] | None = None, error: BaseException | None = None
    ) -> None:
        self._answer, self._error = answer, error
        self.stage = "done" if error is None else "failed"
        self._finished.set()


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
        self._jobs: dict[Hashable, Job] = {}
        self._lock = threading.Lock()
        self._model_lock = threading.Lock()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="boldcast-engine")

    def model(self, model_id: str) -> EncodingModel:
        """Return the one instance of a model in this process; loaded on first use."""
        with self._model_lock:
            if model_id not in self._models:
                self._models[model_id] = self._load(get_card(model_id))
            return self._models[model_id]

    def submit(self, request: Request) -> Job:
        """Start ``request``, join it if it is under way, or answer from memory."""
        with self._lock:
            known = self._responses.get(request.key)
            if known is not None:
                job = Job(request)
                job._finish(answer=known)
                return job
            running = self._jobs.get(request.key)
            if running is not None and not running.is_cancelled:
                return running
            job = Job(request)
            self._jobs[request.key] = job
        # Outside the lock: the callback takes it, at once if the work is already done.
        future = self._worker.submit(self._answer, job)
        future.add_done_callback(partial(self._settle, job))
        return job

    def predict(self, request: Request) -> tuple[Response, ...]:
        """Submit and wait."""
        return self.submit(request).result()

    def counters(self) -> dict[str, int]:
        """Numbers for whoever watches: jobs under way, bytes kept, models in memory."""
        with self._lock:
            n_jobs = len(self._jobs)
        return {
            "jobs": n_jobs,
            "features_bytes": self._features.n_bytes,
            "responses_bytes": self._responses.n_bytes,
            "models": len(self._models),
        }

    def close(self) -> None:
        """Cancel what runs and end the worker."""
        with self._lock:
            for job in self._jobs.values():
                job.cancel()
        self._worker.shutdown(wait=True, cancel_futures=True)

    def _answer(self, job: Job) -> _Responses:
        """Answer one job; runs on the worker thread."""
        request = job.request
        job.report("loading the model", 0, 1)
        model = self.model(request.model_id)
        features = self._features.get(request.features_key)
        if features is None:
            features = model.features(
                request.stimuli, request.settings, job.report, request.backbone_subjects
            )
            self._features.put(request.features_key, features)
        job.report("reading out the regions", 0, 1)
        return _Responses(model.readout(features, request.selection, request.settings, job.report))

    def _settle(self, job: Job, future: Future[_Responses]) -> None:
        """Finish a job whose work has ended in any way, so that nobody waits for ever."""
        error: BaseException | None = Cancelled("Stopped, as the program ends.")
        if not future.cancelled():
            error = future.exception()
        answer = future.result() if error is None else None
        with self._lock:
            if answer is not None:
                self._responses.put(job.request.key, answer)
            if self._jobs.get(job.request.key) is job:
                del self._jobs[job.request.key]
        job._finish(answer, error)


def _load_model(card: ModelCard) -> EncodingModel:
    """Import the encoder named on the card."""
    model: EncodingModel = load_object(card.encoder)(card)
    return model
