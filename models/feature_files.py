"""Features kept on disk between two starts of the program; off unless somebody asks for it.

One safetensors file for each picture (or each whole set, where rows depend on each other), named
by a hash of everything the features depend on. A file appears by one rename and carries a hash
of its content: what is damaged, or from another version, is as if it were not there.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from models.encoders.base import Features
from models.memory import parse_bytes
from models.types import FloatArray, Settings
from models.weights.locations import berg_home

__all__ = ["VARIABLE", "FeatureFiles"]

#: Environment variable: how much room the files may take, e.g. ``"2 GB"``. Unset: none are kept.
VARIABLE = "BOLDCAST_FEATURE_FILES"

_LOG = logging.getLogger("boldcast")
_FORMAT = 1
#: When room is made, this share of the limit stays, so that it is not made at every write.
_KEPT_SHARE = 0.9
#: Fields that are not written: arrays have their own place, the rest is the asker's.
_NOT_NOTED = {"arrays", "settings"}


class FeatureFiles:
    """A folder of features that stays inside a limit; safe to share between threads.

    Parameters
    ----------
    folder : Path
        Made when the first file is written.
    limit_bytes : int
        The longest unused files go when there is more.

    Attributes
    ----------
    n_read, n_written : int
        For whoever watches.
    is_off : bool
        True after a write failed (the disk is full, or cannot be written): nothing more is
        written by this process.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self.n_read = 0
        self.n_written = 0
        self.is_off = False
        self._n_bytes: int | None = None  # unknown until the folder was looked through
        self._lock = threading.Lock()

    @classmethod
    def find(
        cls,
        limit: str | int | None = None,
        home: str | os.PathLike[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> FeatureFiles | None:
        """Files in ``cache/features`` below the top folder; None where nobody asked for them.

        Parameters
        ----------
        limit : str or int, optional
            Room they may take: an amount, or a share of the disk. Without it what
            ``BOLDCAST_FEATURE_FILES`` says, else none.
        home : path, optional
            Top folder.
        environment
            Tests pass their own.

        Raises
        ------
        SettingError
            The limit is no amount of memory.
        """
        known = os.environ if environment is None else environment
        amount = limit or known.get(VARIABLE, "")
        if not amount:
            return None
        top = berg_home(home)
        existing = next(place for place in (top, *top.absolute().parents) if place.exists())
        n_bytes = parse_bytes(amount, lambda: shutil.disk_usage(existing).total)
        return cls(top / "cache" / "features", n_bytes)

    def read(self, key: str, kind: type[Features], settings: Settings) -> Features | None:
        """Features of a key; None where there are none, or none that can be used.

        Parameters
        ----------
        key : str
            Everything they depend on, in words; see :meth:`write`.
        kind : type
            Class to read into.
        settings : Settings
            In force now.
        """
        path = self._path(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        try:
            features = _decode(data, key, kind, settings)
        except (ValueError, KeyError, TypeError) as problem:
            _LOG.warning("Remembered features in %s are damaged: %s", path.name, problem)
            with suppress(OSError):
                path.unlink()
            return None
        with self._lock:
            self.n_read += 1
        with suppress(OSError):  # gone meanwhile, or not ours to touch
            os.utime(path)  # the time of last use: the longest unused go first
        return features

    def write(self, key: str, features: Features) -> None:
        """Keep features; a disk that is full or closed turns writing off, and nothing else.

        Parameters
        ----------
        key : str
        features : Features
            Of its fields all are kept that JSON can hold, but the settings.
        """
        if self.is_off:
            return
        data = _encode(key, features)
        if len(data) > self.limit_bytes:
            return
        path = self._path(key)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._make_room(len(data))
            temporary.write_bytes(data)
            os.replace(temporary, path)
        except OSError as problem:
            _LOG.warning("Features are no longer kept on disk: %s", problem)
            self.is_off = True
            with suppress(OSError):
                temporary.unlink()
            return
        with self._lock:
            self.n_written += 1

    def _path(self, key: str) -> Path:
        """Where the features of a key lie."""
        name = hashlib.sha256(key.encode()).hexdigest()
        return self.folder / name[:2] / f"{name}.safetensors"

    def _make_room(self, n_bytes: int) -> None:
        """Count ``n_bytes`` more; remove the longest unused files when that is too much."""
        with self._lock:
            if self._n_bytes is not None and self._n_bytes + n_bytes <= self.limit_bytes:
                self._n_bytes += n_bytes
                return
            files = sorted(_files(self.folder))
            total = sum(size for _, size, _ in files) + n_bytes
            is_too_much = total > self.limit_bytes
            for _, size, path in files:
                if not is_too_much or total <= _KEPT_SHARE * self.limit_bytes:
                    break
                path.unlink(missing_ok=True)
                total -= size
            self._n_bytes = total


def _files(folder: Path) -> list[tuple[int, int, Path]]:
    """Time of last use (ns), size and place of every file, unfinished ones included."""
    found = []
    for path in folder.glob("*/*"):
        try:
            status = path.stat()
        except OSError:  # removed by another process meanwhile
            continue
        found.append((status.st_mtime_ns, status.st_size, path))
    return found


def _encode(key: str, features: Features) -> bytes:
    """Bytes of a file."""
    from safetensors.numpy import save

    arrays = [np.ascontiguousarray(array) for array in features.arrays]
    noted = {one.name: getattr(features, one.name) for one in fields(features)}
    noted = {name: value for name, value in noted.items() if name not in _NOT_NOTED}
    note = json.dumps({"format": _FORMAT, "key": key, "noted": noted}, default=dict)
    metadata = {"note": note, "sha256": _hash(note, arrays)}
    data: bytes = save({str(number): array for number, array in enumerate(arrays)}, metadata)
    return data


def _decode(data: bytes, key: str, kind: type[Features], settings: Settings) -> Features:
    """Features in a file.

    Raises
    ------
    ValueError, KeyError, TypeError
        It is damaged, or not what is looked for.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        held = load(data)
    except SafetensorError as problem:
        raise ValueError(str(problem)) from problem
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length])["__metadata__"]
    # Copies: views of the file's bytes would be read-only, and torch wants to own what it takes.
    arrays = tuple(held[str(number)].copy() for number in range(len(held)))
    if metadata["sha256"] != _hash(metadata["note"], arrays):
        raise ValueError("the content does not have the hash it should have")
    note = json.loads(metadata["note"])
    if (note["format"], note["key"]) != (_FORMAT, key):
        raise ValueError("it is of another version or another question")
    values = {name: _as_tuple(value) for name, value in note["noted"].items()}
    return kind(arrays=arrays, settings=settings, **values)


def _hash(note: str, arrays: Any) -> str:
    """SHA-256 over the note and the arrays with their shapes and types."""
    digest = hashlib.sha256(note.encode())
    array: FloatArray
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _as_tuple(value: Any) -> Any:
    """JSON's lists as the tuples they were."""
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value
