"""Pickles that try something, and files around them."""

from __future__ import annotations

import os
import pickle
import struct
from pathlib import Path

import numpy as np


class CallsSystem:
    """Unpickles by running a command that leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


class Nested:
    """A call whose argument is a call."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return getattr, (CallsSystem(self.mark), "real")


class FillsItself:
    """Sets its own inside through BUILD."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return np.dtype, ("f4",), {"__setstate__": CallsSystem(self.mark)}


class ArrayOfAnotherClass:
    """Asks numpy to build an array of a class of its choice."""

    def __reduce__(self):
        return np.zeros(1).__reduce__()[0], (CallsSystem, (0,), b"b")


class ClaimsShape:
    """An array state whose shape has nothing to do with its bytes."""

    def __init__(self, shape, data=b"\0" * 16, dtype="f4") -> None:
        self.shape, self.data, self.dtype = shape, data, np.dtype(dtype)

    def __reduce__(self):
        maker, arguments, _ = np.zeros(1).__reduce__()
        return maker, arguments, (1, self.shape, self.dtype, False, self.data)


def save_object(path: Path, value, protocol: int = 4) -> Path:
    """Write what ``np.save`` writes for one object, with any pickle protocol."""
    array = np.empty((), dtype=object)
    array[()] = value
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        pickle.dump(array, file, protocol=protocol)
    return path


def save_raw(path: Path, pickled: bytes) -> Path:
    """Write an ``.npy`` of objects around bytes that are no pickle of ours."""
    with path.open("wb") as file:
        header = {"descr": "|O", "fortran_order": False, "shape": ()}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(pickled)
    return path


def large_bytes_inside_a_frame(values: np.ndarray) -> bytes:
    """Pickle ``{"a": values}`` with everything, the array's bytes too, in one frame.

    Python's own pickler writes large bytes between frames; the format allows both.
    """
    whole = pickle.dumps({"a": values}, protocol=4)
    inside = bytearray()
    at = 2
    while at < len(whole):
        assert whole[at] == 0x95
        (length,) = struct.unpack_from("<Q", whole, at + 1)
        inside += whole[at + 9 : at + 9 + length]
        at += 9 + length
        if at < len(whole) and whole[at] != 0x95:
            assert whole[at] == ord("B")
            (length,) = struct.unpack_from("<I", whole, at + 1)
            inside += whole[at : at + 5 + length]
            at += 5 + length
    return whole[:2] + b"\x95" + struct.pack("<Q", len(inside)) + bytes(inside)
