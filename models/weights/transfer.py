"""Bring one file here: continue what is begun, try again, check, and only then give it its name.

The bytes go to ``.NAME.part`` in the same folder. They are only ever appended, and a small note
says which version they belong to, so a process killed at any point leaves a beginning that the
next one continues or discards. The final name appears by one rename, after the check.
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from models.errors import DiskFullError, HashMismatchError, OfflineError, WeightsError
from models.weights.lock import hold
from models.weights.records import (
    digest_file,
    read_json,
    read_record,
    write_json,
    write_record,
)
from models.weights.remote import (
    ChangedError,
    Remote,
    RemoteFile,
    TemporaryError,
    UnreachableError,
)

__all__ = ["Patience", "Stage", "download", "part_path", "try_again"]

#: ``stage(word, done_bytes)``: "downloading", "waiting", "checking"; may raise ``Cancelled``.
Stage = Callable[[str, int], None]

T = TypeVar("T")

#: A broken transfer that brought at least this much counts as a fresh start.
_PROGRESS_BYTES = 64 * 1024
_NAP_S = 0.5


@dataclass(frozen=True)
class Patience:
    """How often and how long to try again.

    Parameters
    ----------
    attempts : int
        Tries in a row that bring nothing before giving up.
    first_wait_s, longest_wait_s : float
        The wait doubles from the first to the longest.
    sleep : callable
        Waits so many seconds; replaced in tests.
    """

    attempts: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 30.0
    sleep: Callable[[float], None] = time.sleep

    def wait_s(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row."""
        return float(min(self.first_wait_s * 2.0 ** (failures - 1), self.longest_wait_s))

    def rest(self, failures: int, tick: Callable[[], None]) -> None:
        """Wait in short naps, calling ``tick`` before each so that it can cancel."""
        left = self.wait_s(failures)
        while left > 0:
            tick()
            self.sleep(min(_NAP_S, left))
            left -= _NAP_S


def part_path(path: Path) -> Path:
    """Where the beginning of a file waits for the rest."""
    return path.with_name(f".{path.name}.part")


def _note_path(path: Path) -> Path:
    """Where the version of that beginning is noted."""
    return path.with_name(f".{path.name}.part.json")


def try_again(ask: Callable[[], T], patience: Patience, tick: Callable[[], None]) -> T:
    """Ask, and ask again as long as that may help.

    Parameters
    ----------
    ask : callable
        Raises ``TemporaryError`` where trying again may help.
    patience : Patience
    tick : callable
        Called while waiting; may raise ``Cancelled``.

    Raises
    ------
    OfflineError
        There is no connection.
    WeightsError
        Whatever ``ask`` raises, or that patience is at its end.
    """
    failures = 0
    while True:
        tick()
        try:
            return ask()
        except TemporaryError as error:
            failures += 1
            _give_up_after(failures, patience, error)
            patience.rest(failures, tick)


def _give_up_after(failures: int, patience: Patience, error: TemporaryError) -> None:
    """Raise what the visitor shall read once patience is at its end."""
    if failures < patience.attempts:
        return
    if isinstance(error, UnreachableError):
        raise OfflineError(str(error)) from error
    raise WeightsError(f"{error} Tried {failures} times; what came is kept.") from error


def download(
    remote: Remote,
    expected: RemoteFile,
    path: Path,
    *,
    home: Path,
    stage: Stage,
    patience: Patience,
) -> None:
    """Bring a file to ``path``, unless it is there.

    Parameters
    ----------
    remote : Remote
        Where it comes from.
    expected : RemoteFile
        What its ``describe()`` said.
    path : Path
        Final name. An older file there stays until the new one is whole and checked.
    home : Path
        Top of the tree, for locks and records.
    stage : Stage
        Told what is going on; may raise ``Cancelled``, which keeps the beginning.
    patience : Patience

    Raises
    ------
    HashMismatchError
        It came twice with another hash than the publisher states.
    DiskFullError, OfflineError, NotThereError, WeightsError
        The beginning is kept and continued next time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    mark = hashlib.sha256(os.path.abspath(path).encode()).hexdigest()[:16]
    with hold(home / "locks" / f"{mark}.lock", lambda: stage("waiting", 0)):
        if _is_here(path, expected, home):
            stage("checking", expected.size)
            return
        for _ in range(2):
            _fill(remote, expected, path, stage, patience)
            stage("checking", expected.size)
            sha256 = _checked(part_path(path), expected, stage)
            if sha256:
                os.replace(part_path(path), path)
                write_record(path, sha256, home, remote.address, expected.etag)
                _note_path(path).unlink(missing_ok=True)
                return
            part_path(path).unlink()
    raise HashMismatchError(
        f"{path.name} came twice with another hash than its publisher states; it was thrown away."
    )


def _is_here(path: Path, expected: RemoteFile, home: Path) -> bool:
    """Whether the file is there: as recorded, else in the size that the server states."""
    if not path.is_file():
        return False
    record = read_record(path, home)
    size = path.stat().st_size
    return size == (expected.size if record is None else record.size)


def _fill(
    remote: Remote, expected: RemoteFile, path: Path, stage: Stage, patience: Patience
) -> None:
    """Append to the beginning until it is whole."""
    part = part_path(path)
    _check_note(remote, expected, path)
    failures = 0
    while (have := part.stat().st_size if part.exists() else 0) != expected.size or not have:
        stage("downloading", have)
        try:
            if have > expected.size:
                raise ChangedError(f"{remote.address} is larger than it said.")
            _append(remote, expected, part, have, stage)
            if not expected.size:
                return
        except ChangedError as error:
            part.unlink(missing_ok=True)
            failures += 1
            _give_up_after(failures, patience, TemporaryError(str(error)))
        except TemporaryError as error:
            gained = (part.stat().st_size if part.exists() else 0) - have
            failures = 1 if gained >= _PROGRESS_BYTES else failures + 1
            _give_up_after(failures, patience, error)
            patience.rest(failures, lambda: stage("waiting", have))


def _check_note(remote: Remote, expected: RemoteFile, path: Path) -> None:
    """Discard a beginning that belongs to another version."""
    note = {**asdict(expected), "address": remote.address}
    if read_json(_note_path(path)) != note:
        part_path(path).unlink(missing_ok=True)
        write_json(_note_path(path), note)


def _append(remote: Remote, expected: RemoteFile, part: Path, have: int, stage: Stage) -> None:
    """Append what one connection brings."""
    chunks = remote.read(have, expected.etag)
    try:
        # Unbuffered: what a killed process has counted is in the file.
        with part.open("ab", buffering=0) as file:
            for chunk in chunks:
                have += len(chunk)
                if have > expected.size:
                    raise ChangedError(f"{remote.address} is larger than it said.")
                view = memoryview(chunk)
                while view:
                    view = view[file.write(view) :]
                stage("downloading", have)
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(
                f"The disk filled up at {part.parent}; make room and fetch again: "
                "what came is kept."
            ) from error
        raise
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    if have < expected.size:
        raise TemporaryError(f"{remote.address} ended after {have} of {expected.size} bytes.")


def _checked(part: Path, expected: RemoteFile, stage: Stage) -> str:
    """SHA-256 of a whole file; empty where it is not what the publisher states."""
    algorithms = ("sha256", "md5") if expected.md5 else ("sha256",)
    digests = digest_file(part, algorithms, lambda _: stage("checking", expected.size))
    if expected.md5 and digests["md5"] != expected.md5:
        return ""
    if not digests["sha256"].startswith(expected.sha256):
        return ""
    if expected.git_sha1 and _git_sha1(part) != expected.git_sha1:
        return ""
    return digests["sha256"]


def _git_sha1(path: Path) -> str:
    """Git's hash of a small file."""
    data = path.read_bytes()
    header = f"blob {len(data)}\0".encode()
    return hashlib.sha1(header + data, usedforsecurity=False).hexdigest()
