"""Take files of an existing download into the top folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from models.errors import WeightsError
from models.weights import locations
from models.weights.files import check_readable
from models.weights.lock import hold
from models.weights.plans import PUBLISHED_IDS, TEXT, needed_files
from models.weights.records import check_record

__all__ = ["Adopted", "import_folder"]


@dataclass(frozen=True)
class Adopted:
    """What became of one file of the download.

    Parameters
    ----------
    source, path : Path
        Where it was, where it is now.
    words : str
        Empty when it was taken; else why it was not.
    """

    source: Path
    path: Path
    words: str = ""


def import_folder(
    folder: Path,
    *,
    home: str | Path | None = None,
    is_link: bool = False,
    report: Callable[[str], None] | None = None,
) -> tuple[Adopted, ...]:
    """Copy every published file found below a folder to its place; the originals stay.

    Parameters
    ----------
    folder : Path
        A BERG directory, or any folder that holds files under their published names.
    home : path, optional
        Top of the tree.
    is_link : bool
        Make hard links where the disk allows it instead of copies.
    report : callable, optional
        Told each file's name before it is taken; may raise ``Cancelled``.

    Returns
    -------
    tuple of Adopted
        One a recognised file. A damaged or unsafe one is left out, with the reason.

    Raises
    ------
    WeightsError
        The folder is absent, or holds no published file.
    """
    if not folder.is_dir():
        raise WeightsError(f"{folder} is no folder.")
    top = locations.berg_home(home)
    pairs = _pairs(folder, top)
    if not pairs:
        raise WeightsError(f"{folder} holds no file of a published model.")
    taken = []
    for source, path in pairs:
        if report is not None:
            report(source.name)
        taken.append(_take(source, path, top, is_link))
    return tuple(taken)


def _pairs(folder: Path, top: Path) -> list[tuple[Path, Path]]:
    """Recognised files and where they belong."""
    places = {}
    for model_id in PUBLISHED_IDS:
        for file in needed_files(model_id, home=top):
            if file.kind != "hub" and file.path.is_relative_to(top):
                key = file.path.name if file.path.parent.name != "NSD" else f"NSD/{file.path.name}"
                places[key] = file.path
    cache = locations.weights_folder(TEXT, top)
    pairs = []
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            source = Path(root) / name
            parts = source.relative_to(folder).parts
            hub = [place for place, part in enumerate(parts) if part.startswith("models--")]
            if name.startswith(".") or top in source.parents:
                continue
            if hub and {"snapshots", "refs"} & set(parts):
                pairs.append((source, cache.joinpath(*parts[hub[0] :])))
            elif path := places.get(f"{source.parent.name}/{name}") or places.get(name):
                pairs.append((source, path))
    return pairs


def _take(source: Path, path: Path, top: Path, is_link: bool) -> Adopted:
    """Check one file and bring it to its place under another name first."""
    if path.exists():
        return Adopted(source, path, "is here already")
    try:
        check_readable(source)
    except WeightsError as error:
        return Adopted(source, path, str(error))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.import")
    with hold(top / "locks" / "import.lock"):
        temporary.unlink(missing_ok=True)
        if not (is_link and _link(source.resolve(), temporary)):
            shutil.copyfile(source, temporary)
        os.replace(temporary, path)
    check_record(path, top)
    return Adopted(source, path)


def _link(source: Path, path: Path) -> bool:
    try:
        os.link(source, path)
    except OSError:  # another disk, or a disk without links
        return False
    return True
