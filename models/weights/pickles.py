"""Read ``np.save``d dictionaries and ``torch.save``d files without running anything in them."""

from __future__ import annotations

import mmap
import pickle
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from models.errors import UnsafePickleError, WeightsError
from models.types import IntArray
from models.weights._pickle_machine import PickleMachine

if TYPE_CHECKING:
    import torch

__all__ = [
    "check_safetensors",
    "is_mapped",
    "read_index_file",
    "read_numpy_dict",
    "read_torch_state",
]

#: A file of vertex indices is a few megabytes; its pickle is read whole.
_MAX_INDEX_BYTES = 256 * 1024 * 1024
_ONE_OBJECT = re.compile(rb"\{'descr': '\|?O', 'fortran_order': (True|False), 'shape': \(\), \}\s*")


def read_numpy_dict(path: Path) -> dict[str, Any]:
    """Read a dictionary written by ``np.save``, leaving large arrays in the file.

    Parameters
    ----------
    path : Path
        ``.npy`` file holding one dictionary (a 0-d object array, pickle protocol 2 to 5).

    Returns
    -------
    dict
        As saved: nested dictionaries, lists, tuples, sets, numbers, text, arrays. Arrays of
        64 KiB or more are read-only views of the mapped file, possibly unaligned: nothing is
        read until they are indexed. (Protocol 2 hides bytes in text: those arrays are copies.)

    Raises
    ------
    UnsafePickleError
        The file asks for anything but arrays and plain containers; nothing was run.
    WeightsError
        The file is absent, cut short, damaged, or holds no dictionary.
    """
    mapped = _map(path)
    start = _pickle_start(mapped, path.name)
    value = PickleMachine(mapped, start, path.name).run()
    if isinstance(value, np.ndarray) and value.dtype == object and value.shape == ():
        value = value.item()
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise WeightsError(f"{path.name} holds no dictionary with names.")
    return value


def _map(path: Path) -> mmap.mmap:
    """Map a whole file for reading."""
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError as error:
        raise WeightsError(f"{path.name} is not at {path.parent}.") from error
    except ValueError as error:
        raise WeightsError(f"{path.name} is empty: fetch it again.") from error


def _pickle_start(mapped: mmap.mmap, name: str) -> int:
    """Where the pickle begins in an ``.npy`` file of one object.

    The header's words are matched, not evaluated.
    """
    if mapped[:6] != b"\x93NUMPY" or mapped[6:8] not in (b"\x01\x00", b"\x02\x00"):
        raise WeightsError(f"{name} is not a usable .npy file: its first bytes are wrong.")
    start = 10 if mapped[6] == 1 else 12
    end = start + int.from_bytes(mapped[8:start], "little")
    header = mapped[start : min(end, start + 1000)]
    if _ONE_OBJECT.fullmatch(header) is None:
        kind = re.search(rb"'descr': '([<>|=a-zA-Z0-9]+)'", header)
        if kind is None or b"O" in kind[1]:
            raise WeightsError(f"{name} is not a usable .npy file: its header is wrong.")
        raise WeightsError(f"{name} holds an array of {kind[1].decode()}, not a dictionary.")
    return end


def read_torch_state(path: Path) -> dict[str, torch.Tensor]:
    """Read a flat dictionary of tensors written by ``torch.save``.

    Parameters
    ----------
    path : Path
        Zip-form files are mapped: rows are read when they are used. The older form is read
        whole.

    Returns
    -------
    dict of str to torch.Tensor
        On the CPU, with the stored types and shapes. Do not write into them.

    Raises
    ------
    UnsafePickleError
        The file asks for anything but tensors and plain containers; nothing was run.
    WeightsError
        The file is absent, cut short, damaged, or holds something else.
    """
    value = _load_tensors(path)
    if not isinstance(value, dict) or not value:
        raise WeightsError(f"{path.name} holds no dictionary of tensors.")
    import torch

    for key, tensor in value.items():
        if not isinstance(key, str) or not isinstance(tensor, torch.Tensor):
            raise WeightsError(f"{path.name} holds {key!r}, which is no tensor with a name.")
    return dict(value)


def is_mapped(path: Path) -> bool:
    """Whether :func:`read_torch_state` maps a file: torch's zip form, not the older one."""
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def _load_tensors(path: Path) -> Any:
    """Load a file with torch, weights only, in our words where it fails."""
    if not path.is_file():
        raise WeightsError(f"{path.name} is not at {path.parent}.")
    records = _zip_records(path)
    import torch

    try:
        value = torch.load(path, map_location="cpu", weights_only=True, mmap=records is not None)
    except pickle.UnpicklingError as error:
        if records is None and "invalid load key" in str(error).lower():
            raise WeightsError(f"{path.name} is not a torch file: fetch it again.") from error
        raise UnsafePickleError(
            f"{path.name} asks for more than tensors and plain containers; nothing was run. "
            "Get the file again from its publisher."
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, IndexError, TypeError) as error:
        first = (str(error).splitlines() or ["no reason given"])[0]
        raise WeightsError(f"{path.name} is damaged: {first}") from error
    if records is not None:
        _check_storages(path, value, records)
    return value


def _zip_records(path: Path) -> Counter[int] | None:
    """Sizes of a torch zip's tensors; None where the file is of torch's older form.

    Raises
    ------
    WeightsError
        It starts like a zip but its end is missing, or its parts are compressed.
    """
    if not is_mapped(path):
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except zipfile.BadZipFile as error:
        raise WeightsError(f"{path.name} is cut short or damaged: fetch it again.") from error
    if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
        raise WeightsError(f"{path.name} is compressed inside, which torch never does.")
    return Counter(info.file_size for info in infos if "/data/" in info.filename)


def _check_storages(path: Path, value: Any, records: Counter[int]) -> None:
    """Refuse tensors larger than their records: they would show a neighbour's bytes."""
    import torch

    tensors = value.values() if isinstance(value, dict) else ()
    storages = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for tensor in tensors
        if isinstance(tensor, torch.Tensor) and tensor.untyped_storage().nbytes()
    }
    if Counter(storages.values()) - records:
        raise WeightsError(f"{path.name} is damaged: a tensor and its bytes differ in size.")


def read_index_file(path: Path) -> dict[str, IntArray]:
    """Read a ``torch.save``d dictionary of integer indices, as numpy arrays or tensors.

    Parameters
    ----------
    path : Path
        E.g. ``part1_voxel_indices.pt``.

    Returns
    -------
    dict of str to ndarray of shape (n,), int64
        In stored order.

    Raises
    ------
    UnsafePickleError
        The file asks for anything but arrays and plain containers; nothing was run.
    WeightsError
        The file is absent, damaged, or holds something else than indices.
    """
    if not path.is_file():
        raise WeightsError(f"{path.name} is not at {path.parent}.")
    value = _read_small_torch(path)
    if not isinstance(value, dict):
        raise WeightsError(f"{path.name} holds no dictionary of indices.")
    return {str(key): _indices(path, key, held) for key, held in value.items()}


def _read_small_torch(path: Path) -> Any:
    """Value of a torch file that holds numpy arrays or tensors."""
    if _zip_records(path) is None:
        return _load_tensors(path)
    with zipfile.ZipFile(path) as archive:
        names = [info for info in archive.infolist() if info.filename.endswith("data.pkl")]
        if len(names) != 1 or names[0].file_size > _MAX_INDEX_BYTES:
            raise WeightsError(f"{path.name} is not laid out as a file of indices.")
        try:
            data = archive.read(names[0])
        except zipfile.BadZipFile as error:
            raise WeightsError(f"{path.name} is damaged: {error}.") from error
    # Tensors live outside the pickle and name torch; numpy arrays lie inside it.
    if b"torch" in data:
        return _load_tensors(path)
    return PickleMachine(data, 0, path.name).run()


def _indices(path: Path, key: Any, held: Any) -> IntArray:
    """One list of indices as int64."""
    if hasattr(held, "numpy"):
        held = held.numpy()
    array = np.asarray(held)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise WeightsError(
            f"{path.name}: {key!r} should be a row of indices, "
            f"but has shape {array.shape} and type {array.dtype}."
        )
    return cast(IntArray, array.astype(np.int64))


def check_safetensors(path: Path) -> None:
    """Open a ``.safetensors`` file; its header must fit the file's size.

    Raises
    ------
    WeightsError
        It is cut short or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            file.keys()
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path.name} is damaged: {error}.") from error
