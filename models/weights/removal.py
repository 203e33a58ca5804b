"""Be rid of a model's files: what would go, what stays and why, and the deed itself."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.catalog import ModelCard
from models.weights import convert, locations, records
from models.weights.plans import (
    TEXT,
    WeightFile,
    known_variants,
    needed_files,
    subject_numbers,
)
from models.weights.transfer import part_path

__all__ = ["Removal", "drop_originals", "plan_drop", "plan_removal", "remove", "walk"]

Subjects = Sequence[str | int] | str | int


@dataclass(frozen=True)
class Removal:
    """What a removal takes and what it leaves.

    Parameters
    ----------
    going : tuple of (Path, int)
        Files, links and folders of conversions, each with the bytes it sets free.
    kept : tuple of (Path, str)
        Files of the model that stay, each with the reason.
    """

    going: tuple[tuple[Path, int], ...]
    kept: tuple[tuple[Path, str], ...] = ()

    @property
    def n_bytes(self) -> int:
        """Bytes set free."""
        return sum(size for _, size in self.going)


def walk(folder: Path) -> Iterator[tuple[Path, int]]:
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


# -- removing -------------------------------------------------------------------------------


def plan_removal(
    card: ModelCard | str,
    subjects: Subjects = "all",
    *,
    home: str | Path | None = None,
    variant: str = "",
) -> Removal:
    """Tell what :func:`remove` would do; nothing is touched.

    Parameters
    ----------
    card, subjects, home, variant
        As in :func:`models.weights.plans.needed_files`.
    """
    top = Path(os.path.abspath(locations.berg_home(home)))
    numbers = subject_numbers(card, subjects)
    others = [number for number in subject_numbers(card) if number not in numbers]
    is_last = not any(_has_own_files(card, number, top, variant) for number in others)
    variants = _needed_by_other_variants(card, top, variant)
    going: dict[Path, int] = {}
    kept: dict[Path, str] = {}
    for file in needed_files(card, numbers, home=top, variant=variant):
        if file.is_shared and not is_last:
            kept |= _if_here(file, "other subjects need it")
        elif file.path in variants:
            kept |= _if_here(file, "another variant needs it")
        else:
            going |= dict(_conversions_of(file, card, others if not is_last else [], top, variant))
            if _is_below(file.path, top):
                going |= dict(_files_of(file.path, top))
            else:
                kept |= _if_here(file, "it belongs to another program")
    return Removal(tuple(going.items()), tuple(kept.items()))


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
    plan = plan_removal(card, subjects, home=top, variant=variant)
    for path, _ in plan.going:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        records.forget(path, top)
    return plan.n_bytes


def _if_here(file: WeightFile, reason: str) -> dict[Path, str]:
    return {file.path: reason} if file.path.is_file() else {}


def _is_below(path: Path, top: Path) -> bool:
    return Path(os.path.abspath(path)).is_relative_to(top)


def _has_own_files(card: ModelCard | str, number: int, top: Path, variant: str) -> bool:
    files = needed_files(card, number, home=top, variant=variant)
    own = [file for file in files if not file.is_shared]
    return any(
        file.path.is_file() or bool(convert.find_conversions(file.path, top)) for file in own
    )


def _needed_by_other_variants(card: ModelCard | str, top: Path, variant: str) -> frozenset[Path]:
    """Files that another variant needs which is here itself."""
    model_id = card if isinstance(card, str) else card.id
    if model_id != TEXT:
        return frozenset()
    gone = needed_files(card, home=top, variant=variant)[0].repo
    needed: set[Path] = set()
    for other in known_variants(top):
        files = needed_files(card, home=top, variant=other)
        own = [file for file in files if file.repo == other]
        if other != gone and all(file.path.is_file() for file in own):
            needed |= {file.path for file in files}
    return frozenset(needed)


def _conversions_of(
    file: WeightFile, card: ModelCard | str, others: Sequence[int], top: Path, variant: str
) -> Iterator[tuple[Path, int]]:
    """Conversions made from a file, without those that other subjects need."""
    for folder, manifest in convert.find_conversions(file.path, top):
        is_others = any(
            _is_needed(card, others, top, variant, noted["name"]) for noted in manifest["sources"]
        )
        if folder.is_relative_to(top) and not is_others:
            yield folder, sum(size for _, size in walk(folder))


def _is_needed(
    card: ModelCard | str, numbers: Sequence[int], top: Path, variant: str, name: str
) -> bool:
    """Whether subjects need a file of this name for themselves."""
    if not numbers:
        return False
    files = needed_files(card, list(numbers), home=top, variant=variant)
    return any(file.path.name == name and not file.is_shared for file in files)


def _files_of(path: Path, top: Path) -> Iterator[tuple[Path, int]]:
    """List a file with its beginning and its note; the blob behind a link goes with the link."""
    note = path.with_name(f".{path.name}.part.json")
    for one in (path, part_path(path), note):
        if one.is_symlink():
            if _is_below(one.resolve(), top) and one.resolve().is_file():
                yield one.resolve(), one.stat().st_size
            yield one, 0
        elif one.is_file():
            yield one, one.stat().st_size


# -- dropping what was converted ------------------------------------------------------------


def plan_drop(
    card: ModelCard | str,
    subjects: Subjects = "all",
    *,
    home: str | Path | None = None,
    variant: str = "",
) -> Removal:
    """Tell which originals their converted form makes superfluous; nothing is touched.

    A file that several subjects share stays: a subject that was never asked for has no
    converted form yet.
    """
    top = Path(os.path.abspath(locations.berg_home(home)))
    going: dict[Path, int] = {}
    for folder, names in _droppable(card, subjects, top, variant).items():
        for name in names:
            source = folder.parent.parent / name
            going[source] = source.stat().st_size
    return Removal(tuple(going.items()))


def drop_originals(
    card: ModelCard | str,
    subjects: Subjects = "all",
    *,
    home: str | Path | None = None,
    variant: str = "",
) -> int:
    """Delete the originals that :func:`plan_drop` names, after reading every converted byte.

    Returns
    -------
    int
        Bytes set free.

    Raises
    ------
    HashMismatchError
        A conversion is not whole: its originals are kept.
    """
    top = Path(os.path.abspath(locations.berg_home(home)))
    droppable = _droppable(card, subjects, top, variant)
    return sum(convert.drop_originals(folder, only=names) for folder, names in droppable.items())


def _droppable(
    card: ModelCard | str, subjects: Subjects, top: Path, variant: str
) -> dict[Path, frozenset[str]]:
    """Conversion that lies beside its originals -> names of those that one subject alone needs."""
    found: dict[Path, frozenset[str]] = {}
    for file in needed_files(card, subjects, home=top, variant=variant):
        if file.is_shared or not _is_below(file.path, top) or not file.path.is_file():
            continue
        status = file.path.stat()
        stamp = {
            "name": file.path.name,
            "size": status.st_size,
            "modified_ns": status.st_mtime_ns,
        }
        for folder, manifest in convert.find_conversions(file.path, top):
            is_of_this = any(stamp.items() <= noted.items() for noted in manifest["sources"])
            if is_of_this and folder.parent == file.path.parent / "converted":
                found[folder] = found.get(folder, frozenset()) | {file.path.name}
    return found
