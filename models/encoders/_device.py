"""Where torch computes, and how a batch fits into its memory."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from models.errors import ResourceError, SettingError
from models.types import Report, ignore_progress

__all__ = [
    "DeviceMemoryError",
    "device_words",
    "exact_arithmetic",
    "is_out_of_memory",
    "pick_device",
    "run_in_batches",
    "working_dtype",
]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

#: What torch's allocators on the host say when no memory is left; on a GPU there is a class.
_HOST_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


class DeviceMemoryError(ResourceError):
    """Not even one item fits into the memory of the device."""


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
    return isinstance(problem, RuntimeError) and any(w in words for w in _HOST_OUT_OF_MEMORY)


def run_in_batches(
    items: Sequence[_Item],
    run: Callable[[Sequence[_Item]], _Result],
    batch_size: int,
    report: Report = ignore_progress,
    stage: str = "looking at pictures",
) -> list[_Result]:
    """Call ``run`` on successive pieces of ``items``; halve the piece when memory runs out.

    Parameters
    ----------
    items : sequence
    run : callable
        Gets a piece of ``items``, in order.
    batch_size : int
        Most items at once, at least 1.
    report : callable
        Called before each batch and at the end.
    stage : str
        Words for the report.

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
    results: list[_Result] = []
    start = 0
    while start < len(items):
        report(stage, start, len(items))
        piece = items[start : start + batch_size]
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
            batch_size = len(piece) // 2
        else:
            start += len(piece)
            continue
        _free_unused_memory()  # outside "except", where the error would hold the failed batch
    report(stage, len(items), len(items))
    return results


def _free_unused_memory() -> None:
    """Hand cached blocks back after a failed batch."""
    gc.collect()
    backend: Any = torch.cuda if torch.cuda.is_available() else torch.mps
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        backend.empty_cache()
