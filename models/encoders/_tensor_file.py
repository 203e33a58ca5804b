"""Tensors in a mapped safetensors file: written as a stream, read without a copy, given back.

The format is https://github.com/huggingface/safetensors: eight bytes for the length of a JSON
header, the header, then the tensors' bytes. Reading maps the file; :meth:`TensorFile.release`
tells the system that pages are no longer needed, so that a pass over a file larger than the
memory budget stays inside it.
"""

from __future__ import annotations

import ctypes
import json
import math
import mmap
import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.errors import WeightsError

__all__ = ["TensorFile", "TensorToWrite", "release_mapped", "write_tensors"]

_TYPES = {
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I32": torch.int32,
    "I64": torch.int64,
}
_NUMPY_NAMES = {"float32": "F32", "int32": "I32", "int64": "I64"}
_ALIGNMENT = 64
_MAX_HEADER_BYTES = 100 * 1000**2  # the format's own limit


class TensorFile:
    """A mapped safetensors file.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    facts : dict of str to str
        The file's own notes (``__metadata__``).

    Raises
    ------
    WeightsError
        The file is absent, cut short or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                # Copy on write: torch asks for a writeable buffer; nothing is ever written.
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        except FileNotFoundError as error:
            raise WeightsError(f"{path.name} is not at {path.parent}.") from error
        except ValueError as error:
            raise WeightsError(f"{path.name} is empty: fetch it again.") from error
        self._start, header = _read_header(path, self._map)
        self.facts: dict[str, str] = header.pop("__metadata__", {})
        self._entries = {name: _checked(path, name, entry) for name, entry in header.items()}
        end = max((entry[3] for entry in self._entries.values()), default=0)
        if self._start + end > len(self._map):
            raise WeightsError(f"{path.name} is cut short: fetch it again.")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tensors."""
        return tuple(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def __getitem__(self, name: str) -> torch.Tensor:
        """View of one tensor; its bytes are read when they are used. Do not write into it.

        Raises
        ------
        WeightsError
            There is no such tensor.
        """
        if name not in self._entries:
            raise WeightsError(f"{self.path.name} has no tensor {name!r}.")
        dtype, shape, start, _ = self._entries[name]
        count = math.prod(shape)
        if count == 0:
            return torch.empty(shape, dtype=dtype)
        flat = torch.frombuffer(self._map, dtype=dtype, count=count, offset=self._start + start)
        return flat.view(shape)

    def release(self) -> None:
        """Take the file's pages out of this process's memory; they stay readable."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)


def _read_header(path: Path, data: mmap.mmap) -> tuple[int, dict[str, Any]]:
    """Where the tensors start, and the header."""
    length = struct.unpack("<Q", data[:8])[0] if len(data) >= 8 else _MAX_HEADER_BYTES + 1
    if length > min(_MAX_HEADER_BYTES, len(data) - 8):
        raise WeightsError(f"{path.name} is cut short or no safetensors file: fetch it again.")
    try:
        header = json.loads(data[8 : 8 + length])
    except ValueError as error:
        raise WeightsError(f"{path.name} has a damaged header: fetch it again.") from error
    if not isinstance(header, dict):
        raise WeightsError(f"{path.name} has a damaged header: fetch it again.")
    return 8 + length, header


def _checked(path: Path, name: str, entry: Any) -> tuple[torch.dtype, tuple[int, ...], int, int]:
    """Type, shape, start and end of one tensor, agreeing with each other."""
    try:
        dtype = _TYPES[entry["dtype"]]
        shape = tuple(int(n) for n in entry["shape"])
        start, end = (int(n) for n in entry["data_offsets"])
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path.name}: tensor {name!r} is of an unknown kind.") from error
    if min(shape, default=0) < 0 or start < 0 or end - start != math.prod(shape) * dtype.itemsize:
        raise WeightsError(f"{path.name}: tensor {name!r} and its bytes differ in size.")
    return dtype, shape, start, end


@dataclass(frozen=True)
class TensorToWrite:
    """One tensor of a file to be written.

    Parameters
    ----------
    name : str
    shape : tuple of int
    pieces : callable
        Gives the values as arrays, concatenated along the first axis; called once, when its turn
        comes, so that only one piece is in memory.
    dtype : {"float32", "int32", "int64"}
    """

    name: str
    shape: tuple[int, ...]
    pieces: Callable[[], Iterable[NDArray[Any]]]
    dtype: str = "float32"

    @property
    def n_bytes(self) -> int:
        """Size in the file."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


def write_tensors(
    path: Path,
    tensors: Sequence[TensorToWrite],
    facts: dict[str, str],
    after_each: Callable[[], None] = lambda: None,
) -> None:
    """Write a safetensors file piece by piece.

    Parameters
    ----------
    path : Path
    tensors : sequence of TensorToWrite
    facts : dict of str to str
        The file's own notes.
    after_each : callable
        Called after each tensor, e.g. to release what it was made from.

    Raises
    ------
    WeightsError
        The pieces of a tensor do not add up to its shape.
    """
    header: dict[str, Any] = {"__metadata__": facts}
    end = 0
    for tensor in tensors:
        start, end = end, end + tensor.n_bytes
        header[tensor.name] = {
            "dtype": _NUMPY_NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header).encode()
    text += b" " * (-(8 + len(text)) % _ALIGNMENT)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors:
            n_written = 0
            for piece in tensor.pieces():
                array = np.ascontiguousarray(piece, dtype=tensor.dtype)
                file.write(array.data if array.size else b"")
                n_written += array.nbytes
            if n_written != tensor.n_bytes:
                raise WeightsError(f"{tensor.name} should be {tensor.shape}; the pieces are not.")
            after_each()


def release_mapped(tensors: Iterable[torch.Tensor]) -> None:
    """Take the pages of tensors of one mapped file out of this process's memory.

    Only for tensors of a file that was mapped and never written into: on other memory this would
    lose data. Only whole pages inside each tensor are given back.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    page = mmap.PAGESIZE
    for tensor in tensors:
        start = -(-tensor.data_ptr() // page) * page
        end = (tensor.data_ptr() + tensor.numel() * tensor.element_size()) // page * page
        if end > start:
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_DONTNEED)
