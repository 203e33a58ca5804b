"""Arrays in ``.npy`` files that are mapped, not read, and handed back after use."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.errors import WeightsError
from models.memory import Bytes
from models.types import FloatArray, IntArray

__all__ = ["MappedArray", "Table", "release_pages"]


class MappedArray:
    """An array whose pages come from its file when they are touched.

    Parameters
    ----------
    path : Path
        Written by ``np.save``, C order, no objects.

    Attributes
    ----------
    array : ndarray
        The whole of it. It is a private copy-on-write mapping, so torch takes it without a
        copy; nobody writes into it.

    Raises
    ------
    WeightsError
        Not such a file, or shorter than its header says.
    """

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                shape, dtype, start = _read_header(file)
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        except (OSError, ValueError) as problem:
            raise WeightsError(f"{path.name} cannot be used: {problem}. Remove it.") from problem
        n_items = int(np.prod(shape))
        if len(self._map) < start + n_items * dtype.itemsize:
            raise WeightsError(f"{path.name} is cut short. Remove it, it will be made again.")
        self.array: NDArray[Any] = np.frombuffer(self._map, dtype, n_items, start).reshape(shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.array.shape

    def rows(self, chosen: IntArray) -> FloatArray:
        """Rows by index, at least one; where they are consecutive, a view and no copy."""
        first, last = int(chosen[0]), int(chosen[-1])
        if last - first + 1 == len(chosen) and bool((np.diff(chosen) == 1).all()):
            return self.array[first : last + 1]
        return self.array[chosen]

    def release(self) -> None:
        """Drop the mapped pages from this process; they come back when touched.

        Where the system cannot be told so (Windows), they stay until it needs the room.
        """
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)


class Table:
    """Rows of a file, as tensors on the device they are computed on.

    Parameters
    ----------
    path : Path
        As for :class:`MappedArray`.
    device : torch.device
    is_kept : bool, optional
        Whether the device takes the whole and keeps it, which another than the processor does
        by itself. Otherwise rows are read when they are asked for, and let go on request.
    """

    def __init__(self, path: Path, device: torch.device, is_kept: bool | None = None) -> None:
        self._mapped = MappedArray(path)
        self._device = device
        self._kept: torch.Tensor | None = None
        if device.type != "cpu" if is_kept is None else is_kept:
            self._kept = torch.from_numpy(self._mapped.array).to(device, copy=True)
            self._mapped.release()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole."""
        return self._mapped.shape

    @property
    def held(self) -> Bytes:
        """Memory of what is kept; pages of the file, which are given back, are none."""
        n_bytes = 0 if self._kept is None else self._kept.nbytes
        is_host = self._device.type == "cpu"
        return Bytes(host=n_bytes) if is_host else Bytes(device=n_bytes)

    def rows(self, chosen: IntArray) -> torch.Tensor:
        """Rows by index, at least one."""
        if self._kept is None:
            return torch.from_numpy(self._mapped.rows(chosen))
        return self._kept[torch.from_numpy(chosen).to(self._device)]

    def __getitem__(self, row: int) -> torch.Tensor:
        """One row, without a copy."""
        return torch.from_numpy(self._mapped.array[row]) if self._kept is None else self._kept[row]

    def release(self) -> None:
        """Let go of what was read from the file."""
        self._mapped.release()


def _read_header(file: Any) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Shape, type and where the numbers begin."""
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("its format version is not 1.0")
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if is_fortran or dtype.hasobject:
        raise ValueError("its numbers are not plain rows")
    return shape, dtype, file.tell()


def release_pages(array: NDArray[Any]) -> None:
    """Drop what a view of a mapped file has read from it; arrays in memory stay as they are."""
    base: Any = array
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
