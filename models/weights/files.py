"""What of a model is here: ready or not, good or not, how large, and how to be rid of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from models.catalog import ModelCard
from models.errors import HashMismatchError, OfflineError, WeightsError
from models.weights import convert, locations, records
from models.weights.plans import (
    PUBLISHED_IDS,
    WeightFile,
    needed_files,
    subject_numbers,
)
from models.weights.transfer import part_path

__all__ = [
    "Check",
    "DiskUse",
    "State",
    "WeightFile",
    "disk_use",
    "fetch_command",
    "needed_files",
    "remove",
    "require",
    "size_words",
    "state",
    "verify",
]

Subjects = Sequence[str | int] | str | int


def size_words(n_bytes: float) -> str:
    """Bytes for a person, in units of 1000."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= scale:
            return f"{n_bytes / scale:.2f} {unit}"
    return f"{n_bytes:.0f} B"


@dataclass(frozen=True)
class State:
    """Whether a model can run for some subjects.

    Parameters
    ----------
    missing : tuple of WeightFile
        Files that are not here.
    missing_bytes : int
        About how much they are together; what is begun is not counted again.
    present_bytes : int
        What is here of the published files.
    """

    missing: tuple[WeightFile, ...]
    missing_bytes: int
    present_bytes: int

    @property
    def is_ready(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing

    @property
    def words(self) -> str:
        """One line for a person."""
        if self.is_ready:
            return "ready"
        more = ", …" if len(self.missing) > 1 else ""
        return f"needs about {size_words(self.missing_bytes)} ({self.missing[0].path.name}{more})"


def state(
    card: ModelCard | str,
    subjects: Subjects = "all",
    *,
    home: str | Path | None = None,
    variant: str = "",
) -> State:
    """Tell what is missing, without network and without reading files.

    A published file that was dropped after its conversion counts as here.
    """
    missing, needed, present = [], 0, 0
    for file in needed_files(card, subjects, home=home, variant=variant):
        if file.path.is_file():
            present += file.path.stat().st_size
        elif not file.is_optional and not convert.find_conversions(file.path, home):
            missing.append(file)
            part = part_path(file.path)
            begun = part.stat().st_size if part.is_file() else 0
            needed += max(file.about_bytes - begun, 0)
    return State(tuple(missing), needed, present)


def fetch_command(card: ModelCard | str, subjects: Subjects = "all", variant: str = "") -> str:
    """Command that fetches what some subjects of a model need."""
    model_id = card if isinstance(card, str) else card.id
    numbers = " ".join(str(number) for number in subject_numbers(card, subjects))
    named = f" --variant {variant}" if variant else ""
    return f"python -m models fetch {model_id} --subject {numbers}{named}"


def require(
    card: ModelCard | str,
    subjects: Subjects = "all",
    *,
    home: str | Path | None = None,
    variant: str = "",
) -> tuple[WeightFile, ...]:
    """Return the files of a model; for encoders, before they load.

    Raises
    ------
    OfflineError
        A file is missing; the text names it and the command that fetches it.
    """
    found = state(card, subjects, home=home, variant=variant)
    if not found.is_ready:
        raise OfflineError(
            f"{found.missing[0].path.name} is missing: run "
            f"`{fetch_command(card, subjects, variant)}`."
        )
    return needed_files(card, subjects, home=home, variant=variant)


# -- verify ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """Verdict on one file.

    Parameters
    ----------
    path : Path
    verdict : {"good", "recorded", "missing", "damaged"}
        ``"recorded"``: nothing was known of it; it can be read and its hash is noted now.
    words : str
        For a person; empty when all is well.
    """

    path: Path
    verdict: Literal["good", "recorded", "missing", "damaged"]
    words: str = ""


def verify(
    card: ModelCard | str,
    subjects: Subjects = "all",
    *,
    home: str | Path | None = None,
    variant: str = "",
    report: Callable[[str, int], None] | None = None,
) -> tuple[Check, ...]:
    """Read every byte of a model's files and compare with what was recorded.

    Parameters
    ----------
    card, subjects, home, variant
        As in :func:`needed_files`.
    report : callable, optional
        Told the file's name and the bytes read of it; may raise ``Cancelled``.

    Returns
    -------
    tuple of Check
        One a file, conversions after their originals. Nothing is changed or removed.
    """
    checks = []
    for file in needed_files(card, subjects, home=home, variant=variant):
        conversions = convert.find_conversions(file.path, home)
        if file.path.is_file():
            checks.append(_verify_file(file.path, home, report))
        elif not conversions and not file.is_optional:
            checks.append(Check(file.path, "missing", "not here"))
        checks += [_verify_conversion(folder) for folder, _ in conversions]
    return tuple(dict.fromkeys(checks))


def _verify_file(
    path: Path, home: str | Path | None, report: Callable[[str, int], None] | None
) -> Check:
    """Verdict on a published file."""
    is_known = records.read_record(path, home) is not None
    tell = None if report is None else (lambda done: report(path.name, done))
    try:
        if not is_known:
            check_readable(path)
        records.check_record(path, home, is_thorough=True, report=tell)
    except HashMismatchError as error:
        return Check(path, "damaged", str(error))
    except WeightsError as error:
        return Check(path, "damaged", str(error))
    return Check(path, "good" if is_known else "recorded")


def _verify_conversion(folder: Path) -> Check:
    try:
        convert.verify_conversion(folder)
    except HashMismatchError as error:
        return Check(folder, "damaged", str(error))
    return Check(folder, "good")


def check_readable(path: Path) -> None:
    """Open a file with the restricted reader of its kind; other kinds only by size.

    Raises
    ------
    WeightsError, UnsafePickleError
        It is cut short, damaged, or holds code.
    """
    from models.weights import pickles

    if path.name == "part1_voxel_indices.pt":
        pickles.read_index_file(path)
    elif path.suffix in (".pth", ".pt"):
        pickles.read_torch_state(path)
    elif path.suffix == ".npy":
        pickles.read_numpy_dict(path)
    elif path.suffix == ".safetensors":
        pickles.check_safetensors(path)
    elif path.stat().st_size == 0:
        raise WeightsError(f"{path.name} is empty: fetch it again.")


# -- disk use and removal -------------------------------------------------------------------


@dataclass(frozen=True)
class DiskUse:
    """Bytes that one model takes below the top folder.

    Parameters
    ----------
    model_id : str
        Or ``"shared caches"``, ``"other"``.
    originals, converted, unfinished : int
        Published files, safe forms, and beginnings of either.
    """

    model_id: str
    originals: int
    converted: int
    unfinished: int

    @property
    def total(self) -> int:
        """All bytes."""
        return self.originals + self.converted + self.unfinished


def disk_use(home: str | Path | None = None) -> tuple[DiskUse, ...]:
    """Disk use by model, the published ones first; links are counted where they point once."""
    top = locations.berg_home(home)
    uses = [_use_of(name, locations.model_folder(name, top)) for name in PUBLISHED_IDS]
    caches = [_use_of("shared", top / name) for name in ("torch", "nilearn", "converted")]
    shared = DiskUse(
        "shared by models",
        sum(use.originals for use in caches),
        sum(use.converted for use in caches),
        sum(use.unfinished for use in caches),
    )
    return (*uses, shared)


def _use_of(name: str, folder: Path) -> DiskUse:
    originals = converted = unfinished = 0
    for path, size in _walk(folder):
        parts = path.parts[len(folder.parent.parts) :]
        is_hidden = any(part.startswith(".") for part in parts)
        if is_hidden:
            unfinished += size
        elif "converted" in parts:
            converted += size
        else:
            originals += size
    return DiskUse(name, originals, converted, unfinished)


def _walk(folder: Path) -> Iterator[tuple[Path, int]]:
    """Files below a folder with their sizes; each inode once."""
    seen: set[tuple[int, int]] = set()
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(root) / name
            try:
                status = path.stat()
            except OSError:  # a link to nothing, or removed meanwhile
                continue
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                yield path, status.st_size


def remove(
    card: ModelCard | str,
    subjects: Subjects = "all",
    *,
    home: str | Path | None = None,
    variant: str = "",
) -> int:
    """Delete a model's files and conversions below the top folder.

    Files that several subjects share go when all subjects are named, or when no other subject
    has a file of its own left. Caches of other programs are never touched.

    Returns
    -------
    int
        Bytes set free.
    """
    top = Path(os.path.abspath(locations.berg_home(home)))
    numbers = subject_numbers(card, subjects)
    others = [number for number in subject_numbers(card) if number not in numbers]
    is_last = not any(_has_own_files(card, number, top, variant) for number in others)
    freed = 0
    for file in needed_files(card, numbers, home=top, variant=variant):
        if file.is_shared and not is_last:
            continue
        for folder, manifest in convert.find_conversions(file.path, top):
            is_others = any(
                _is_needed(card, others, top, variant, noted["name"])
                for noted in manifest["sources"]
            )
            if folder.is_relative_to(top) and not (is_others and not is_last):
                freed += sum(size for _, size in _walk(folder))
                shutil.rmtree(folder)
        freed += _delete(file.path, top)
    return freed


def _has_own_files(card: ModelCard | str, number: int, top: Path, variant: str) -> bool:
    files = needed_files(card, number, home=top, variant=variant)
    own = [file for file in files if not file.is_shared]
    return any(
        file.path.is_file() or bool(convert.find_conversions(file.path, top)) for file in own
    )


def _is_needed(
    card: ModelCard | str, numbers: Sequence[int], top: Path, variant: str, name: str
) -> bool:
    """Whether other subjects need a file of this name for themselves."""
    if not numbers:
        return False
    files = needed_files(card, list(numbers), home=top, variant=variant)
    return any(file.path.name == name and not file.is_shared for file in files)


def _delete(path: Path, top: Path) -> int:
    """Delete a file with its beginning and record, if it lies below the top."""
    if not Path(os.path.abspath(path)).is_relative_to(top):
        return 0
    freed = 0
    note = path.with_name(f".{path.name}.part.json")
    for one in (path, part_path(path), note):
        if one.is_symlink() and one.resolve().is_relative_to(top):
            freed += _delete(one.resolve(), top)  # the blob behind a snapshot's link
        if one.is_file() or one.is_symlink():
            freed += 0 if one.is_symlink() else one.stat().st_size
            one.unlink()
    records.forget(path, top)
    return freed
