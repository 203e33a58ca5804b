"""The models of this process: each loaded once, and unloaded when others need the room."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from models.encoders.base import EncodingModel
from models.errors import Cancelled
from models.jobs import ENDED
from models.memory import Budget, Bytes

__all__ = ["ModelShelf"]

#: Models loaded side by side; loading waits for the disk more than for the processor.
_LOADERS = 4


class ModelShelf:
    """Models by id, least recently used first; safe to share between threads.

    Parameters
    ----------
    load : callable
        Makes a model from its id; called once a model, on a thread of the shelf.
    budget : Budget
        What models may hold in all: of the host what is not set aside for caches, and of each
        device.

    Attributes
    ----------
    n_loaded, n_unloaded : int
        How often a model was loaded, and unloaded to make room.
    """

    def __init__(self, load: Callable[[str], EncodingModel], budget: Budget) -> None:
        self.n_loaded = 0
        self.n_unloaded = 0
        self._load = load
        self._budget = budget
        self._models: OrderedDict[str, Future[EncodingModel]] = OrderedDict()
        self._devices: dict[str, str] = {}
        self._held: dict[str, Bytes] = {}  # as last measured; stays when a model is unloaded
        self._is_closed = False
        self._users: Counter[str] = Counter()
        self._lock = threading.RLock()
        self._pool = ThreadPoolExecutor(_LOADERS, thread_name_prefix="boldcast-load")

    def load(self, model_id: str) -> Future[EncodingModel]:
        """Begin to load a model, or join those who wait for it.

        Returns
        -------
        Future
            The one instance of this process. A failure reaches all who wait for it now; whoever
            asks later starts a new attempt.

        Raises
        ------
        Cancelled
            The shelf is closed.
        """
        with self._lock:
            future = self._models.get(model_id)
            if future is None or (future.done() and _has_failed(future)):
                if self._is_closed:
                    raise Cancelled(ENDED)
                future = self._pool.submit(self._load_now, model_id)
                self._models[model_id] = future
            self._models.move_to_end(model_id)
            return future

    def device_of(self, model_id: str) -> str:
        """Device of a model that was loaded before; empty for others."""
        with self._lock:
            return self._devices.get(model_id, "")

    @contextmanager
    def in_use(self, model_id: str) -> Iterator[EncodingModel]:
        """Hold a model, loaded if need be; it is not unloaded meanwhile.

        Raises
        ------
        BoldcastError
            The model cannot be loaded.
        """
        with self._lock:
            self._users[model_id] += 1
        try:
            model = self.load(model_id).result()
            self._make_room()  # what it held when it was last used may be more than is left
            try:
                yield model
            finally:
                self._measure(model_id, model)
        finally:
            with self._lock:
                self._users[model_id] -= 1
            self._make_room()

    def room_bytes(self, model_id: str) -> int:
        """Memory that is left for a model's working memory, on the device where it computes."""
        with self._lock:
            device = self._devices.get(model_id, "cpu")
            held = self._held_on(device)
        return max(0, self._limit(device) - held)

    def unload_idle(self) -> bool:
        """Unload every model that nobody uses; False if there is none."""
        with self._lock:
            idle = [model_id for model_id in self._loaded() if not self._users[model_id]]
            models = [self._take(model_id) for model_id in idle]
            self.n_unloaded += len(models)
        _close(models)
        return bool(models)

    def forget(self, model_id: str) -> None:
        """Unload one model whoever uses it, because its files have changed."""
        with self._lock:
            self._held.pop(model_id, None)
            self._devices.pop(model_id, None)
            models = [self._take(model_id)] if model_id in self._loaded() else []
            self._models.pop(model_id, None)  # one that is being loaded from the old files
        _close(models)

    def counters(self) -> dict[str, int]:
        """Numbers for whoever watches."""
        with self._lock:
            loaded = self._loaded()
            held = [self._held.get(model_id, Bytes()) for model_id in loaded]
            return {
                "models": len(loaded),
                "models_host_bytes": sum(one.host for one in held),
                "models_device_bytes": sum(one.device for one in held),
                "models_loaded": self.n_loaded,
                "models_unloaded": self.n_unloaded,
            }

    def close(self) -> None:
        """End loading; models stay as they are."""
        with self._lock:
            self._is_closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _load_now(self, model_id: str) -> EncodingModel:
        """Load one model; runs on a thread of the shelf."""
        model = self._load(model_id)
        device = model.device_name
        with self._lock:
            self.n_loaded += 1
            self._devices[model_id] = device
        return model

    def _measure(self, model_id: str, model: EncodingModel) -> None:
        """Note what a model holds; asked on the thread that used it, for a model may be locked."""
        held = model.held
        with self._lock:
            self._held[model_id] = held

    def _make_room(self) -> None:
        """Unload the longest unused models until the rest fits."""
        dropped = []
        with self._lock:
            devices = {self._devices[model_id] for model_id in self._loaded()}
        limits = {device: self._limit(device) for device in {"cpu", *devices}}
        with self._lock:
            for model_id in list(self._loaded()):
                crowded = [each for each in limits if self._held_on(each) > limits[each]]
                if not self._users[model_id] and any(self._part(model_id, d) for d in crowded):
                    dropped.append(self._take(model_id))
                    self.n_unloaded += 1
        _close(dropped)

    def _limit(self, device: str) -> int:
        """Bytes that models may hold in the host's memory (``"cpu"``) or in a GPU's."""
        if device == "cpu":
            return self._budget.host_bytes - self._budget.cache_bytes
        return self._budget.device_bytes(lambda: _memory_of(device))

    def _held_on(self, device: str) -> int:
        """Bytes that all loaded models hold there."""
        return sum(self._part(model_id, device) for model_id in self._loaded())

    def _part(self, model_id: str, device: str) -> int:
        """Bytes that one model holds there."""
        held = self._held.get(model_id, Bytes())
        if device == "cpu":
            return held.host
        return held.device if self._devices.get(model_id) == device else 0

    def _loaded(self) -> list[str]:
        """Ids of models that are ready, least recently used first."""
        futures = self._models.items()
        return [name for name, future in futures if future.done() and not _has_failed(future)]

    def _take(self, model_id: str) -> EncodingModel:
        """Take a loaded model off the shelf."""
        return self._models.pop(model_id).result()


def _has_failed(future: Future[EncodingModel]) -> bool:
    """Whether a finished attempt brought no model."""
    return future.cancelled() or future.exception() is not None


def _close(models: list[EncodingModel]) -> None:
    """Let models go, outside every lock: one may have to wait for its own."""
    for model in models:
        model.close()


def _memory_of(device: str) -> int:
    """Memory of a GPU; torch is loaded already where a model computes on one."""
    import torch

    from models.encoders._device import device_bytes

    return device_bytes(torch.device(device))
