"""Where a prediction runs: a queue a device, joined requests, progress, cancel, bounded memory.

A :class:`Job` is a future with a progress line. Identical requests share one job; features are
remembered picture by picture and responses whole, least recently used first out, inside one
budget of bytes; models are unloaded when others need their room.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from models.catalog import ModelCard, get_card, load_object
from models.encoders.base import EncodingModel
from models.errors import Cancelled, DeviceMemoryError
from models.feature_files import FeatureFiles
from models.feature_store import FeatureStore
from models.jobs import ENDED, Job, Responses, Run
from models.memory import Budget, ByteCache
from models.model_shelf import ModelShelf
from models.stimulus import Stimulus
from models.types import Response, Selection, Settings

__all__ = ["ByteCache", "Engine", "Job", "PredictionEngine", "Request"]


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


class PredictionEngine(Protocol):
    """What the app asks of any engine, in this process or on other machines."""

    def submit(self, request: Request) -> Job:
        """Start a request, or join it; returns at once."""

    def predict(self, request: Request) -> tuple[Response, ...]:
        """Submit and wait."""

    def forget(self, model_id: str) -> None:
        """Know nothing more of a model, because its files have changed."""

    def counters(self) -> dict[str, int]:
        """Numbers for whoever watches."""

    def close(self) -> None:
        """Cancel what runs; nothing can be asked any more."""


class Engine:
    """Runs requests in this process, one after another on each device, and remembers answers.

    Parameters
    ----------
    cache_bytes : int, optional
        Room for features and responses together (half each); default the budget's.
    load : callable, optional
        Makes a model from its card; tests pass a stand-in.
    budget : Budget, optional
        What models and caches may take; default :meth:`Budget.find`: what the environment says,
        else what suits the machine.
    files : FeatureFiles, optional
        Keeps features on disk; default :meth:`FeatureFiles.find`: only where the environment
        asks for it.

    Raises
    ------
    SettingError
        An amount of memory in the environment cannot be read.
    """

    def __init__(
        self,
        cache_bytes: int | None = None,
        load: Callable[[ModelCard], EncodingModel] | None = None,
        *,
        budget: Budget | None = None,
        files: FeatureFiles | None = None,
    ) -> None:
        self.budget = budget or Budget.find()
        room = self.budget.cache_bytes if cache_bytes is None else cache_bytes
        make = load or _load_model
        self._shelf = ModelShelf(lambda model_id: make(get_card(model_id)), self.budget)
        self._features = FeatureStore(room // 2, files or FeatureFiles.find())
        self._responses: ByteCache[Responses] = ByteCache(room // 2)
        self._runs: dict[Hashable, Run] = {}
        self._queues: dict[str, ThreadPoolExecutor] = {}
        self._devices: dict[str, str] = {}
        self._unplaced: dict[str, list[Run]] = {}  # by model; its device is not known yet
        self._lock = threading.Lock()
        self._is_closed = False

    def model(self, model_id: str) -> EncodingModel:
        """Return the one instance of a model in this process; loaded on first use.

        Others may need its room meanwhile: it then reads its files anew at the next call.

        Raises
        ------
        ModelNotFoundError
            No catalog row has this id.
        BoldcastError
            The model cannot be loaded.
        """
        get_card(model_id)
        return self._shelf.load(model_id).result()

    def in_use(self, model_id: str) -> AbstractContextManager[EncodingModel]:
        """Hold a model for work outside the queue: ``with engine.in_use(id) as model``."""
        get_card(model_id)
        return self._shelf.in_use(model_id)

    def submit(self, request: Request) -> Job:
        """Start ``request``, join it if it is under way, or answer from memory.

        Raises
        ------
        Cancelled
            The engine is closed.
        """
        with self._lock:
            if self._is_closed:
                raise Cancelled(ENDED)
            known = self._responses.get(request.key)
            if known is not None:
                run = Run(request)
                run.finish(answer=known)
                return Job(run)
            running = self._runs.get(request.key)
            if running is not None:
                job = Job(running)
                if not running.is_stopping:
                    return job
            run = Run(request)
            job = Job(run)
            self._runs[request.key] = run
        self._place(run)  # outside the lock: what is finished already settles at once
        return job

    def predict(self, request: Request) -> tuple[Response, ...]:
        """Submit and wait."""
        return self.submit(request).result()

    def forget(self, model_id: str) -> None:
        """Unload a model and drop its features and answers, because its files have changed.

        Its features on disk carry the hash of the weights; they stay.
        """
        with self._lock:
            self._devices.pop(model_id, None)
        self._shelf.forget(model_id)
        self._features.forget(model_id)
        self._responses.drop(lambda key: isinstance(key, tuple) and key[0][0] == model_id)

    def counters(self) -> dict[str, int]:
        """Numbers for whoever watches: jobs under way, bytes kept, models in memory."""
        with self._lock:
            n_jobs, n_queues = len(self._runs), len(self._queues)
        return {
            "jobs": n_jobs,
            "queues": n_queues,
            "responses_bytes": self._responses.n_bytes,
            **self._features.counters(),
            **self._shelf.counters(),
            "budget_host_bytes": self.budget.host_bytes,
        }

    def close(self) -> None:
        """Cancel what runs and end the workers; nothing can be asked any more."""
        with self._lock:
            self._is_closed = True
            for run in self._runs.values():
                run.stop()
            queues = list(self._queues.values())
        for queue in queues:
            queue.shutdown(wait=False, cancel_futures=True)
        self._shelf.close()
        for queue in queues:
            queue.shutdown(wait=True)

    def _place(self, run: Run) -> None:
        """Put a run into the queue of its model's device; which one that is, the model says."""
        model_id = run.request.model_id
        with self._lock:
            device = self._devices.get(model_id)
            is_first = device is None and model_id not in self._unplaced
            if device is None:
                run.stage = "loading the model"
                self._unplaced.setdefault(model_id, []).append(run)
        if device is not None:
            self._enqueue([run], device)
        elif is_first:
            try:
                loading = self._shelf.load(model_id)
            except Cancelled as closed:
                self._settle(self._take_unplaced(model_id), error=closed)
            else:
                loading.add_done_callback(partial(self._place_loaded, model_id))

    def _place_loaded(self, model_id: str, loading: Future[EncodingModel]) -> None:
        """Go on when the model is there, or tell all who wait that it is not."""
        if loading.cancelled():
            self._settle(self._take_unplaced(model_id), error=Cancelled(ENDED))
        elif (problem := loading.exception()) is not None:
            self._settle(self._take_unplaced(model_id), error=problem)
        else:
            device = self._shelf.device_of(model_id) or loading.result().device_name
            self._enqueue([], device, model_id)

    def _take_unplaced(self, model_id: str) -> list[Run]:
        """Take the runs that wait for a model to be loaded."""
        with self._lock:
            return self._unplaced.pop(model_id, [])

    def _enqueue(self, runs: list[Run], device: str, loaded_id: str = "") -> None:
        """Wait for the device: some runs, and those that waited for a model to be loaded."""
        futures: list[Future[Responses]] = []
        with self._lock:
            if loaded_id:  # in one step, so that whoever asks next stays behind them
                self._devices[loaded_id] = device
                runs = runs + self._unplaced.pop(loaded_id, [])
            if not self._is_closed:
                if device not in self._queues:
                    name = f"boldcast-{device}"
                    self._queues[device] = ThreadPoolExecutor(1, thread_name_prefix=name)
                futures = [self._queues[device].submit(self._answer, run) for run in runs]
        if not futures:
            self._settle(runs, error=Cancelled(ENDED))
        for run, future in zip(runs, futures, strict=False):
            future.add_done_callback(partial(self._settle_future, run))

    def _answer(self, run: Run) -> Responses:
        """Answer one request; runs on the thread of its device."""
        run.report("loading the model", 0, 1)
        with self._shelf.in_use(run.request.model_id) as model:
            try:
                return self._compute(run, model)
            except (MemoryError, DeviceMemoryError):
                if not self._shelf.unload_idle() and not self._features.n_bytes:
                    raise
            self._features.drop()  # outside "except", where the error would hold what failed
            return self._compute(run, model)

    def _compute(self, run: Run, model: EncodingModel) -> Responses:
        """Features and readout."""
        request = run.request
        model.room_bytes = self._shelf.room_bytes(request.model_id)
        features = self._features.features(model, request, run.report)
        run.report("reading out the regions", 0, 1)
        return Responses(model.readout(features, request.selection, request.settings, run.report))

    def _settle_future(self, run: Run, future: Future[Responses]) -> None:
        """Finish a run whose work has ended in any way, so that nobody waits for ever."""
        if future.cancelled():
            self._settle([run], error=Cancelled(ENDED))
        elif (problem := future.exception()) is not None:
            self._settle([run], error=problem)
        else:
            self._settle([run], answer=future.result())

    def _settle(
        self, runs: list[Run], answer: Responses | None = None, error: BaseException | None = None
    ) -> None:
        """Remember an answer, and wake those who wait."""
        for run in runs:
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
