"""What of a model is here: ready or not, good or not, how large, and how to be rid of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
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
from models.weights.removal import remove, walk
from models.weights.transfer import part_path

__all__ = [
    "Check",
    "DiskUse",
    "State",
    "WeightFile",
    "disk_use",
    "fetch_command",
    "free_bytes",
    "is_verified",
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
    begun_bytes : int
        What is here of files whose transfer broke off.
    dropped : tuple of WeightFile
        Files that were deleted after their conversion, which stands in for them.
    """

    missing: tuple[WeightFile, ...]
    missing_bytes: int
    present_bytes: int
    begun_bytes: int = 0
    dropped: tuple[WeightFile, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing

    @property
    def converted_bytes(self) -> int:
        """About what the safe forms of the missing files take besides, at first use."""
        return sum(file.converted_bytes for file in self.missing)

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
    missing, dropped, present, begun = [], [], 0, 0
    for file in needed_files(card, subjects, home=home, variant=variant):
        if file.path.is_file():
            present += file.path.stat().st_size
        elif convert.find_conversions(file.path, home):
            dropped.append(file)
        elif not file.is_optional:
            missing.append(file)
            begun += _begun_bytes(file)
    needed = sum(max(file.about_bytes - _begun_bytes(file), 0) for file in missing)
    return State(tuple(missing), needed, present, begun, tuple(dropped))


def _begun_bytes(file: WeightFile) -> int:
    """Measure what came of a file before its transfer broke off."""
    part = part_path(file.path)
    return part.stat().st_size if part.is_file() else 0


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


def is_verified(
    card: ModelCard | str,
    subjects: Subjects = "all",
    *,
    home: str | Path | None = None,
    variant: str = "",
) -> bool:
    """Whether every file that is here has been read whole once and has not changed since.

    Told from records, sizes and time stamps; no file is read.
    """
    for file in needed_files(card, subjects, home=home, variant=variant):
        if not file.path.is_file():
            continue
        status = file.path.stat()
        record = records.read_record(file.path, home)
        now = (status.st_size, status.st_mtime_ns)
        if record is None or (record.size, record.modified_ns) != now:
            return False
    return True


def free_bytes(folder: Path) -> int:
    """Free bytes on the disk of a folder that may not exist yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


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


# -- disk use -------------------------------------------------------------------------------


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
    for path, size in walk(folder):
        parts = path.parts[len(folder.parent.parts) :]
        is_hidden = any(part.startswith(".") for part in parts)
        if is_hidden:
            unfinished += size
        elif "converted" in parts:
            converted += size
        else:
            originals += size
    return DiskUse(name, originals, converted, unfinished)
