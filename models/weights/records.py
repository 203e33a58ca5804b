"""Hashes, and what was recorded of a file when it was first found good.

A record lies below ``records/`` in the top folder, one small JSON a file, so that nothing is
written beside files that belong to other programs.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.errors import HashMismatchError
from models.weights.locations import berg_home

__all__ = [
    "Record",
    "check_record",
    "digest_file",
    "forget",
    "known_sha256",
    "read_json",
    "read_record",
    "write_json",
    "write_record",
    "write_text",
]

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Record:
    """What was true of a file when it was first found good.

    Parameters
    ----------
    sha256 : str
        Of the whole file, hexadecimal.
    size : int
        Bytes.
    modified_ns : int
        The file's time stamp then; while size and stamp stand, the hash is not taken again.
    source : str
        Where it came from; ``"found here"`` for a file that was not fetched by us.
    etag : str
        The server's mark of the version, where it gave one.
    """

    sha256: str
    size: int
    modified_ns: int
    source: str = "found here"
    etag: str = ""


def digest_file(
    path: Path,
    algorithms: tuple[str, ...] = ("sha256",),
    report: Callable[[int], None] | None = None,
) -> dict[str, str]:
    """Hash a file in one pass.

    Parameters
    ----------
    path : Path
    algorithms : tuple of str
        Names that ``hashlib`` knows.
    report : callable, optional
        Told the bytes read so far; may raise ``Cancelled``.

    Returns
    -------
    dict of str to str
        Algorithm -> hexadecimal digest.
    """
    hashes = [hashlib.new(name, usedforsecurity=False) for name in algorithms]
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            for one in hashes:
                one.update(chunk)
            done += len(chunk)
            if report is not None:
                report(done)
    return {name: one.hexdigest() for name, one in zip(algorithms, hashes, strict=True)}


def write_text(path: Path, text: str) -> None:
    """Write a small file so that it is either the old one or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file so that it is either the old one or the whole new one."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True))


def read_json(path: Path) -> Any:
    """Value of a JSON file; None where it is absent or no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _record_path(path: Path, home: Path) -> Path:
    """Where the record of a file lies."""
    whole = Path(os.path.abspath(path))
    top = Path(os.path.abspath(home))
    if whole.is_relative_to(top):
        below = whole.relative_to(top)
        return home / "records" / below.parent / f"{below.name}.json"
    mark = hashlib.sha256(str(whole).encode()).hexdigest()[:16]
    return home / "records" / "elsewhere" / f"{mark}-{path.name}.json"


def read_record(path: Path, home: str | os.PathLike[str] | None = None) -> Record | None:
    """Record of a file; None where there is none."""
    held = read_json(_record_path(path, berg_home(home)))
    if not isinstance(held, dict) or set(held) != set(Record.__dataclass_fields__):
        return None
    return Record(**held)


def write_record(
    path: Path,
    sha256: str,
    home: str | os.PathLike[str] | None = None,
    source: str = "found here",
    etag: str = "",
) -> Record:
    """Record a good file."""
    status = path.stat()
    record = Record(sha256, status.st_size, status.st_mtime_ns, source, etag)
    write_json(_record_path(path, berg_home(home)), asdict(record))
    return record


def forget(path: Path, home: str | os.PathLike[str] | None = None) -> None:
    """Drop the record of a file."""
    _record_path(path, berg_home(home)).unlink(missing_ok=True)


def check_record(
    path: Path,
    home: str | os.PathLike[str] | None = None,
    is_thorough: bool = False,
    report: Callable[[int], None] | None = None,
) -> Record:
    """Compare a file with its record; make the record where there is none.

    Parameters
    ----------
    path : Path
    home : path, optional
        Top of the tree.
    is_thorough : bool
        Take the hash even if size and time stamp stand.
    report : callable, optional
        Told the bytes hashed so far.

    Raises
    ------
    HashMismatchError
        The file is not the one that was recorded.
    """
    record = read_record(path, home)
    status = path.stat()
    if record is not None and record.size != status.st_size:
        raise HashMismatchError(
            f"{path.name} has {status.st_size} bytes, {record.size} were recorded: "
            "it is damaged or was replaced. Fetch it again."
        )
    if record is not None and record.modified_ns == status.st_mtime_ns and not is_thorough:
        return record
    sha256 = digest_file(path, report=report)["sha256"]
    if record is None:
        return write_record(path, sha256, home)
    if record.sha256 != sha256:
        raise HashMismatchError(
            f"{path.name} has the hash {sha256[:12]}…, {record.sha256[:12]}… was recorded: "
            "it is damaged or was replaced. Fetch it again."
        )
    return write_record(path, sha256, home, record.source, record.etag)


def known_sha256(path: Path, home: str | os.PathLike[str] | None = None) -> str:
    """SHA-256 of a file for provenance: from its record while the file is unchanged."""
    return check_record(path, home).sha256
