"""Where torch computes, and how a batch fits into its memory."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from models.errors import DeviceMemoryError, SettingError
from models.memory import Bytes, Machine
from models.types import Report, ignore_progress

__all__ = [
    "BatchSize",
    "DeviceMemoryError",
    "device_bytes",
    "device_words",
    "exact_arithmetic",
    "free_bytes",
    "free_unused_memory",
    "held_by",
    "held_bytes",
    "is_out_of_memory",
    "pick_device",
    "run_in_batches",
    "working_dtype",
]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

#: What torch says when no memory is left, where it raises a plain RuntimeError: its allocator on
#: the host, MPS, and the libraries that make room for themselves on a GPU.
_OUT_OF_MEMORY = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "cublas_status_alloc_failed",
    "cudnn_status_alloc_failed",
)


#: Of the memory that is free, a batch is planned to take this much: sizes are estimates.
_PLANNED_SHARE = 0.8


def pick_device(name: str = "auto") -> torch.device:
    """Device of that name.

    Parameters
    ----------
    name : str
        ``"auto"`` (CUDA, else MPS, else the processor), ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or
        ``"mps"``.

    Raises
    ------
    SettingError
        Another name, or this machine has no such device.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda:0")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind, _, number = name.partition(":")
    is_numbered = kind == "cuda" and number.isdecimal()
    if kind not in ("cpu", "cuda", "mps") or (":" in name and not is_numbered):
        raise SettingError(f'Device is "auto", "cpu", "cuda", "cuda:N" or "mps"; got {name!r}.')
    if kind == "mps" and not torch.backends.mps.is_available():
        raise SettingError('This machine has no Apple GPU that torch can use; take "cpu".')
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise SettingError(
            f"There is no {name}: torch sees {torch.cuda.device_count()} CUDA devices here. "
            'Take "auto" or "cpu".'
        )
    return torch.device(f"cuda:{number or 0}" if kind == "cuda" else kind)


def device_words(device: torch.device) -> str:
    """Name a device for a person and for provenance."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} ({device})"
    if device.type == "mps":
        return "Apple GPU (mps)"
    return f"processor, {torch.get_num_threads()} threads"


def working_dtype(device: torch.device, wanted: str = "auto") -> torch.dtype:
    """Type that weights are multiplied in.

    Parameters
    ----------
    device : torch.device
    wanted : {"auto", "float32", "bfloat16", "float16"}
        ``"auto"`` is float32 everywhere: a shorter type is only used where it is asked for and
        its error was measured. float16 on a processor is computed in float32: it is emulated
        there, slow and lossy.

    Raises
    ------
    SettingError
        Another word.
    """
    known = {
        "auto": torch.float32,
        "float32": torch.float32,
        "bfloat16": torch.bfloat16,
        "float16": torch.float16,
    }
    if wanted not in known:
        raise SettingError(f"Precision is one of {list(known)}; got {wanted!r}.")
    if wanted == "float16" and device.type == "cpu":
        return torch.float32
    return known[wanted]


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """Run without gradients and without TF32, which cuDNN would otherwise use for float32."""
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether an error of torch or Python means that memory ran out."""
    if isinstance(problem, MemoryError | torch.OutOfMemoryError):
        return True
    words = str(problem).lower()
    return isinstance(problem, RuntimeError) and any(w in words for w in _OUT_OF_MEMORY)


def device_bytes(device: torch.device) -> int:
    """Memory of a whole device."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[1])
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory())
    return Machine().total_bytes()


def free_bytes(device: torch.device) -> int:
    """Memory of a device that a batch could have now."""
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0] + kept)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return Machine().available_bytes()


def held_bytes(tensors: Iterable[torch.Tensor]) -> Bytes:
    """Memory of some tensors; one that stands there twice, or a view of it, counts once."""
    storages = {tensor.untyped_storage().data_ptr(): tensor for tensor in tensors}
    held = Bytes()
    for tensor in storages.values():
        n_bytes = tensor.untyped_storage().nbytes()
        held += Bytes(host=n_bytes) if tensor.device.type == "cpu" else Bytes(device=n_bytes)
    return held


def held_by(*things: object) -> Bytes:
    """Memory of all tensors that some objects of ours reach, through attributes and containers.

    An object with a ``held`` of its own speaks for itself: the pages of a mapped file that are
    given back after each use are no memory held.
    """
    tensors, held, seen, waiting = [], Bytes(), set[int](), list(things)
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        own = getattr(thing, "held", None)
        if isinstance(thing, torch.Tensor):
            tensors.append(thing)
        elif isinstance(own, Bytes):
            held += own
        elif isinstance(thing, Mapping):
            waiting += list(thing.values())
        elif isinstance(thing, list | tuple):
            waiting += list(thing)
        elif isinstance(thing, torch.nn.Module) or type(thing).__module__.startswith("models."):
            waiting += list(getattr(thing, "__dict__", {}).values())
    return held + held_bytes(tensors)


class BatchSize:
    """How many items go through a network at once: planned from memory, learnt from failures.

    Parameters
    ----------
    most : int
        Where more is no faster.
    item_bytes : int
        Measured working memory of one item; 0 for unknown, then nothing is planned.
    device : torch.device, optional
        Whose memory; default the processor's.

    Attributes
    ----------
    most : int
        Halved for good when a batch did not fit.
    """

    def __init__(self, most: int, item_bytes: int = 0, device: torch.device | None = None) -> None:
        self.most = most
        self._item_bytes = item_bytes
        self._device = device or torch.device("cpu")
        self._lock = threading.Lock()

    def planned(self, room_bytes: int | None = None) -> int:
        """Items of the next batch, at least 1.

        Parameters
        ----------
        room_bytes : int, optional
            What the batch may take; never more than most of what is free.
        """
        if not self._item_bytes or self.most == 1:
            return self.most
        room = int(_PLANNED_SHARE * free_bytes(self._device))
        if room_bytes is not None:
            room = min(room, room_bytes)
        return max(1, min(self.most, room // self._item_bytes))

    def halve(self, n_failed: int) -> None:
        """Remember that ``n_failed`` items did not fit."""
        with self._lock:
            self.most = max(1, min(self.most, n_failed // 2))


def run_in_batches(
    items: Sequence[_Item],
    run: Callable[[Sequence[_Item]], _Result],
    batch_size: int | BatchSize,
    report: Report = ignore_progress,
    stage: str = "looking at pictures",
    room_bytes: int | None = None,
) -> list[_Result]:
    """Call ``run`` on successive pieces of ``items``; halve the piece when memory runs out.

    Parameters
    ----------
    items : sequence
    run : callable
        Gets a piece of ``items``, in order.
    batch_size : int or BatchSize
        Most items at once, at least 1. A :class:`BatchSize` remembers for the next call what
        did not fit.
    report : callable
        Called before each batch and at the end.
    stage : str
        Words for the report.
    room_bytes : int, optional
        Working memory that a batch may take; see :meth:`BatchSize.planned`.

    Returns
    -------
    list
        What ``run`` returned, in order; empty without items.

    Raises
    ------
    DeviceMemoryError
        One item alone does not fit.
    Cancelled
        ``report`` asked to stop.
    """
    size = batch_size if isinstance(batch_size, BatchSize) else BatchSize(batch_size)
    n_planned = size.planned(room_bytes)
    results: list[_Result] = []
    start = 0
    while start < len(items):
        report(stage, start, len(items))
        piece = items[start : start + n_planned]
        try:
            results.append(run(piece))
        except (MemoryError, RuntimeError) as problem:
            if not is_out_of_memory(problem):
                raise
            if len(piece) == 1:
                raise DeviceMemoryError(
                    "This machine has not enough memory for one picture or passage with this "
                    "model. Close other programs, or choose another device."
                ) from problem
            n_planned = len(piece) // 2
            size.halve(len(piece))
        else:
            start += len(piece)
            continue
        free_unused_memory()  # outside "except", where the error would hold the failed batch
    report(stage, len(items), len(items))
    return results


def free_unused_memory() -> None:
    """Hand cached blocks back, after a failed batch or when a model was closed."""
    gc.collect()
    backend: Any = torch.cuda if torch.cuda.is_available() else torch.mps
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        backend.empty_cache()
