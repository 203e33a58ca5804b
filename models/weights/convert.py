"""Turn a published file once into a safe form that is mapped instead of unpickled.

The form is a folder of ``.npy`` or ``.safetensors`` files with a ``manifest.json``. It is built
under another name and renamed when complete, so a folder of the right name is always whole.
"""

from __future__ import annotations

import errno
import hashlib
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from models.errors import DiskFullError, HashMismatchError, WeightsError
from models.weights.locations import converted_folder
from models.weights.lock import hold
from models.weights.records import digest_file, read_json, write_json

__all__ = [
    "converted",
    "drop_originals",
    "find_conversions",
    "open_array",
    "sources_sha256",
    "verify_conversion",
    "write_rows",
]

_MANIFEST = "manifest.json"
#: Left free on the disk, so that the computer stays usable.
_SPARE_BYTES = 64 * 1024 * 1024


def converted(
    sources: Sequence[Path],
    name: str,
    version: int,
    build: Callable[[Path], None],
    *,
    home: str | os.PathLike[str] | None = None,
    needs_bytes: int = 0,
    parts: Callable[[], Sequence[str]] = tuple,
) -> Path:
    """Folder of the safe form of ``sources``, built now if it is not there.

    Parameters
    ----------
    sources : sequence of Path
        The published files, all in their final places. The first names the folder.
    name : str
        The converter, e.g. ``"things"``.
    version : int
        Raise it when ``build`` writes something else: older forms are then rebuilt.
    build : callable
        ``build(folder)`` writes files into an empty folder; may raise ``Cancelled``. It should
        stream (see :func:`write_rows`).
    home : path, optional
        Top of the tree.
    needs_bytes : int
        Size of the result, if known: room on the disk is looked for first.
    parts : callable, optional
        Names of all converters that make something of the same sources, where there are several:
        the sources are not dropped before all of them have run.

    Returns
    -------
    Path
        ``converted/`` beside the first source, or below the top folder where nothing can be
        written beside it. Its files are complete: sizes are checked here at every call.

    Raises
    ------
    WeightsError
        A source is absent and there is no conversion of it.
    DiskFullError
        No room is left; nothing is left behind.
    """
    for place in _places(sources, name, version, home):
        if _is_current(place, sources, name, version):
            return place
    absent = [source.name for source in sources if not source.is_file()]
    if absent:
        raise WeightsError(f"{absent[0]} is not at {sources[0].parent}.")
    return _build_somewhere(sources, name, version, build, home, needs_bytes, parts)


def _places(
    sources: Sequence[Path], name: str, version: int, home: str | os.PathLike[str] | None
) -> tuple[Path, Path]:
    """Where the safe form may lie: beside the original, below the top."""
    first = Path(os.path.abspath(sources[0]))
    folder = f"{first.stem}.{name}-{version}"
    mark = hashlib.sha256(str(first.parent).encode()).hexdigest()[:12]
    return first.parent / "converted" / folder, converted_folder(home) / mark / folder


def _is_current(place: Path, sources: Sequence[Path], name: str, version: int) -> bool:
    """Whether a conversion is whole and made from these very sources."""
    manifest = read_json(place / _MANIFEST)
    if not isinstance(manifest, dict):
        return False
    if (manifest["converter"], manifest["version"]) != (name, version):
        return False
    if len(manifest["sources"]) != len(sources):
        return False
    for source, noted in zip(sources, manifest["sources"], strict=True):
        if noted["name"] != source.name:
            return False
        if source.is_file() and _stamp(source) != (noted["size"], noted["modified_ns"]):
            return False
    return _has_all_files(place, manifest)


def _has_all_files(place: Path, manifest: dict[str, Any]) -> bool:
    """Whether every file of a conversion is there in its size."""
    for file, noted in manifest["files"].items():
        path = place / file
        if not path.is_file() or path.stat().st_size != noted["size"]:
            return False
    return True


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _build_somewhere(
    sources: Sequence[Path],
    name: str,
    version: int,
    build: Callable[[Path], None],
    home: str | os.PathLike[str] | None,
    needs_bytes: int,
    parts: Callable[[], Sequence[str]],
) -> Path:
    """Build beside the original; below the top where that cannot be written."""
    place = _writable_place(*_places(sources, name, version, home))
    with hold(place.with_name(f".{place.name}.lock")):
        if not _is_current(place, sources, name, version):
            _build(sources, name, version, build, place, needs_bytes, parts)
    return place


def _writable_place(beside: Path, below: Path) -> Path:
    """Choose the first place whose folder can be written."""
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=beside.parent):
            return beside
    except OSError:
        pass
    try:
        below.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WeightsError(
            f"Nothing can be written at {below.parent} ({error.strerror}): "
            "set BOLDCAST_HOME to a folder of yours."
        ) from error
    return below


def _build(
    sources: Sequence[Path],
    name: str,
    version: int,
    build: Callable[[Path], None],
    place: Path,
    needs_bytes: int,
    parts: Callable[[], Sequence[str]],
) -> None:
    """Build under another name, then rename; the lock is held."""
    unfinished = place.with_name(f".{place.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)  # of a process that was killed
    free = shutil.disk_usage(place.parent).free
    if needs_bytes and free < needs_bytes + _SPARE_BYTES:
        raise DiskFullError(
            f"Converting {sources[0].name} takes {needs_bytes / 1e9:.2f} GB, "
            f"{free / 1e9:.2f} GB are free at {place.parent}."
        )
    unfinished.mkdir()
    try:
        # Hashing the sources costs another core while this one converts.
        with ThreadPoolExecutor(1) as pool:
            hashing = [pool.submit(_note_source, source, place.parent) for source in sources]
            build(unfinished)
            noted = [future.result() for future in hashing]
        _write_manifest(unfinished, name, version, noted, parts())
        _put_in_place(unfinished, place)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(
                f"The disk filled up while converting {sources[0].name} at {place.parent}."
            ) from error
        raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    _remove_older(place, name)


def _note_source(source: Path, folder: Path) -> dict[str, Any]:
    """Name, stamp and hash of a source; the hash that another part in ``folder`` took, if any."""
    size, modified_ns = _stamp(source)
    noted = {"name": source.name, "size": size, "modified_ns": modified_ns}
    for path in folder.glob(f"{source.stem}.*/{_MANIFEST}"):
        manifest = read_json(path)
        for known in manifest["sources"] if isinstance(manifest, dict) else ():
            if all(known[key] == value for key, value in noted.items()):
                return {**noted, "sha256": str(known["sha256"])}
    return {**noted, "sha256": digest_file(source)["sha256"]}


def _write_manifest(
    folder: Path, name: str, version: int, sources: list[dict[str, Any]], parts: Sequence[str]
) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise WeightsError(f"Converter {name} {version} wrote nothing.")
    with ThreadPoolExecutor(2) as pool:
        hashes = list(pool.map(digest_file, files))
    noted = {
        path.relative_to(folder).as_posix(): {"size": path.stat().st_size, **digest}
        for path, digest in zip(files, hashes, strict=True)
    }
    known = {"converter": name, "version": version, "sources": sources, "files": noted}
    write_json(folder / _MANIFEST, {**known, "parts": list(parts)})


def _put_in_place(unfinished: Path, place: Path) -> None:
    """Rename into place, moving an outdated folder aside first."""
    outdated = place.with_name(f".{place.name}.outdated")
    shutil.rmtree(outdated, ignore_errors=True)
    if place.exists():
        os.rename(place, outdated)
    os.rename(unfinished, place)
    shutil.rmtree(outdated, ignore_errors=True)


def _remove_older(place: Path, name: str) -> None:
    """Remove forms that older versions of the converter made of the same source."""
    stem = place.name.rpartition("-")[0]
    for other in place.parent.glob("*"):
        manifest = read_json(other / _MANIFEST)
        is_same = isinstance(manifest, dict) and manifest["converter"] == name
        if other != place and is_same and other.name.rpartition("-")[0] == stem:
            shutil.rmtree(other, ignore_errors=True)


def find_conversions(
    source: Path, home: str | os.PathLike[str] | None = None
) -> tuple[tuple[Path, dict[str, Any]], ...]:
    """Whole conversions that were made from a file, with their manifests.

    The file itself may have been dropped since.
    """
    whole = Path(os.path.abspath(source))
    mark = hashlib.sha256(str(whole.parent).encode()).hexdigest()[:12]
    found = []
    for folder in (whole.parent / "converted", converted_folder(home) / mark):
        for manifest_path in sorted(folder.glob(f"*/{_MANIFEST}")):
            if manifest_path.parent.name.startswith("."):
                continue
            manifest = read_json(manifest_path)
            if not isinstance(manifest, dict):
                continue
            names = [noted["name"] for noted in manifest["sources"]]
            if source.name in names and _has_all_files(manifest_path.parent, manifest):
                found.append((manifest_path.parent, manifest))
    return tuple(found)


def sources_sha256(folder: Path) -> str:
    """One SHA-256 for the weights a conversion was made from; for provenance.

    It is the file's own hash for one source, else the hash of all hashes in order.
    """
    manifest = read_json(folder / _MANIFEST)
    if not isinstance(manifest, dict):
        raise WeightsError(f"{folder.name} is no complete conversion.")
    hashes = [str(noted["sha256"]) for noted in manifest["sources"]]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def verify_conversion(folder: Path) -> None:
    """Compare every file of a conversion with its manifest.

    Raises
    ------
    HashMismatchError
        A file changed, or is missing.
    """
    manifest = read_json(folder / _MANIFEST)
    if not isinstance(manifest, dict):
        raise HashMismatchError(f"{folder.name} has no manifest.")
    for file, noted in manifest["files"].items():
        path = folder / file
        if not path.is_file() or digest_file(path)["sha256"] != noted["sha256"]:
            raise HashMismatchError(f"{folder.name}/{file} is not what the converter wrote.")


def drop_originals(folder: Path, only: Collection[str] | None = None) -> int:
    """Delete the published files behind a conversion that lies beside them.

    Parameters
    ----------
    folder : Path
        The conversion.
    only : collection of str, optional
        Names of the files that may go; default all it was made from.

    Returns
    -------
    int
        Bytes set free.

    Raises
    ------
    HashMismatchError
        The conversion is not whole: the originals are kept.
    WeightsError
        The conversion lies elsewhere because its originals are not ours to delete, or another
        part of them was not converted yet.
    """
    verify_conversion(folder)
    if folder.parent.name != "converted":
        raise WeightsError(f"{folder.name} does not lie beside its originals; they are kept.")
    manifest = read_json(folder / _MANIFEST)
    for part in manifest.get("parts", ()):
        verify_conversion(_find_part(folder, part, manifest["sources"]))
    freed = 0
    for noted in manifest["sources"]:
        source = folder.parent.parent / noted["name"]
        if only is not None and noted["name"] not in only:
            continue
        if source.is_file() and source.stat().st_size == noted["size"]:
            source.unlink()
            freed += int(noted["size"])
    return freed


def _find_part(folder: Path, part: str, sources: list[dict[str, Any]]) -> Path:
    """Folder that another converter made of the same sources, beside ``folder``."""
    for other in folder.parent.glob(f"*/{_MANIFEST}"):
        manifest = read_json(other)
        is_wanted = isinstance(manifest, dict) and manifest["converter"] == part
        if is_wanted and manifest["sources"] == sources and not other.parent.name.startswith("."):
            return other.parent
    raise WeightsError(
        f"{sources[0]['name']} is kept: {part}, which is made from it, was not converted yet."
    )


# -- for converters -------------------------------------------------------------------------


def write_rows(
    path: Path, shape: tuple[int, ...], dtype: DTypeLike, rows: Iterable[NDArray[Any]]
) -> None:
    """Write an ``.npy`` file from blocks of rows, holding one block at a time.

    Parameters
    ----------
    path : Path
        Ends in ``.npy``.
    shape : tuple of int
        Of the whole array.
    dtype : dtype
        Stored type; blocks are cast to it.
    rows : iterable of ndarray
        Blocks along the first axis, in order.

    Raises
    ------
    WeightsError
        The blocks do not add up to ``shape``.
    """
    kind = np.dtype(dtype)
    written = 0
    with path.open("wb") as file:
        header = {
            "descr": np.lib.format.dtype_to_descr(kind),
            "fortran_order": False,
            "shape": shape,
        }
        np.lib.format.write_array_header_1_0(file, header)
        for block in rows:
            data = np.ascontiguousarray(block, dtype=kind)
            file.write(data.data)
            written += data.size
    if written != math.prod(shape):
        raise WeightsError(f"{path.name} should hold {shape}, but got {written} numbers.")


def open_array(path: Path) -> NDArray[Any]:
    """Map an ``.npy`` file for reading; rows are read when they are used."""
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path.name} cannot be opened: {error}.") from error
    return array
