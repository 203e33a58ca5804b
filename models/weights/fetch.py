"""Fetch exactly what one model and some subjects need.

First :func:`plan_fetch` asks the publishers for the sizes, then :func:`fetch` brings the files,
telling bytes, rate and remaining time. Both may be stopped at any time and started again.
"""

from __future__ import annotations

import shutil
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.catalog import ModelCard
from models.errors import DiskFullError, OfflineError, WeightsError
from models.weights import hub, locations
from models.weights.files import check_readable, fetch_command, size_words
from models.weights.lock import hold
from models.weights.plans import (
    ATLAS_FILES,
    DEFAULT_TEXT_VARIANT,
    HUB_FILE,
    TEXT,
    WeightFile,
    known_llm,
    llm_files,
    needed_files,
)
from models.weights.records import check_record, read_record, write_text
from models.weights.remote import (
    HttpRemote,
    NotThereError,
    Remote,
    RemoteFile,
    S3Remote,
    Sources,
)
from models.weights.transfer import Patience, download, part_path, try_again

__all__ = ["FetchPlan", "Item", "Patience", "Progress", "Sources", "fetch", "plan_fetch"]

#: Left free on the disk, so that the computer stays usable.
_SPARE_BYTES = 64 * 1024 * 1024
_RATE_WINDOW_S = 10.0


@dataclass(frozen=True)
class Progress:
    """What a fetch is doing.

    Parameters
    ----------
    stage : {"asking", "downloading", "waiting", "checking"}
        ``"waiting"``: for the next try, or for another process that fetches the same file.
    name : str
        The file.
    done_bytes, total_bytes : int
        Of everything that is missing.
    rate_bytes_s : float
        Over the last ten seconds; 0 while unknown.
    remaining_s : float or None
        None while unknown.
    """

    stage: str
    name: str
    done_bytes: int
    total_bytes: int
    rate_bytes_s: float = 0.0
    remaining_s: float | None = None


#: Told often; may raise ``Cancelled`` to stop.
ReportProgress = Callable[[Progress], None]


def _tell_nobody(progress: Progress) -> None:
    """Report to nobody."""


@dataclass(frozen=True)
class Item:
    """One file to fetch.

    Parameters
    ----------
    path : Path
        Where it will lie.
    expected : RemoteFile
        Size and version, as its publisher states; the atlas's size is about.
    remote : Remote or None
        None for the atlas, which nilearn fetches.
    """

    path: Path
    expected: RemoteFile
    remote: Remote | None

    @property
    def begun_bytes(self) -> int:
        """What is here of it already."""
        part = part_path(self.path)
        return min(part.stat().st_size, self.expected.size) if part.is_file() else 0


@dataclass(frozen=True)
class FetchPlan:
    """What a fetch would bring.

    Parameters
    ----------
    items : tuple of Item
        Missing or damaged files.
    references : tuple of (Path, str)
        Notes for the hub's cache: which commit is the newest one here.
    converted_bytes : int
        About what their safe forms take besides, at first use.
    command : str
        Command line of the same fetch.
    home : Path
        Top of the tree.
    """

    items: tuple[Item, ...]
    references: tuple[tuple[Path, str], ...]
    converted_bytes: int
    command: str
    home: Path

    @property
    def total_bytes(self) -> int:
        """Size of all items."""
        return sum(item.expected.size for item in self.items)

    @property
    def remaining_bytes(self) -> int:
        """What is still to come; beginnings are kept."""
        return self.total_bytes - sum(item.begun_bytes for item in self.items)


def plan_fetch(
    card: ModelCard | str,
    subjects: Sequence[str | int] | str | int = "all",
    *,
    home: str | Path | None = None,
    variant: str = "",
    report: ReportProgress = _tell_nobody,
    sources: Sources | None = None,
    patience: Patience | None = None,
) -> FetchPlan:
    """Ask what is missing and how large it is. Nothing is asked of files that are here.

    Parameters
    ----------
    card, subjects, home, variant
        As in :func:`models.weights.files.needed_files`.
    report : callable
        May raise ``Cancelled``.
    sources : Sources, optional
        Addresses; default from the environment.
    patience : Patience, optional
        How often to try again.

    Raises
    ------
    OfflineError
        There is no network, or ``HF_HUB_OFFLINE`` is set: one sentence with the missing file
        and the command that fetches it.
    WeightsError
        A publisher does not have a file, or its server stays in trouble.
    """
    top = locations.berg_home(home)
    asker = _Asker(top, sources or Sources.from_environment(), patience or Patience(), report)
    files = needed_files(card, subjects, home=top, variant=variant)
    missing = [file for file in files if not _is_good_here(file.path, top)]
    command = fetch_command(card, subjects, variant)
    items: list[Item] = []
    references: list[tuple[Path, str]] = []
    try:
        for file in missing:
            asker.tick(file.path.name)
            if file.kind == "atlas":
                items.append(Item(file.path, RemoteFile(file.about_bytes), None))
            elif file.kind != "hub":
                items += asker.ask(file)
        model_id = card if isinstance(card, str) else card.id
        if model_id == TEXT and any(file.kind == "hub" for file in missing):
            asker.ask_hub(variant or DEFAULT_TEXT_VARIANT, missing, items, references)
    except OfflineError as error:
        raise _offline(missing[0].path.name, command, error) from error
    items.sort(key=lambda item: item.remote is None)  # the atlas last: the weights matter more
    converted_bytes = sum(file.converted_bytes for file in missing)
    return FetchPlan(tuple(items), tuple(references), converted_bytes, command, top)


def _offline(name: str, command: str, error: OfflineError) -> OfflineError:
    """One sentence: the missing file, why, and the command that fetches it."""
    why = str(error).rstrip(".")
    return OfflineError(f"{name} is missing ({why}): run `{command}` when there is a network.")


def _is_good_here(path: Path, home: Path) -> bool:
    """Whether a file is here and, as far as a quick look tells, whole."""
    if not path.is_file():
        return False
    record = read_record(path, home)
    if record is not None:
        return record.size == path.stat().st_size
    try:
        check_readable(path)
    except WeightsError:
        return False
    return True


class _Asker:
    """Asks publishers for sizes."""

    def __init__(
        self, home: Path, sources: Sources, patience: Patience, report: ReportProgress
    ) -> None:
        self._home = home
        self._sources = sources
        self._patience = patience
        self._report = report
        self._name = ""

    def tick(self, name: str = "") -> None:
        """Tell what is asked for; may raise ``Cancelled``."""
        self._name = name or self._name
        self._report(Progress("asking", self._name, 0, 0))

    def ask(self, file: WeightFile) -> list[Item]:
        """Size of a file on S3 or at an HTTPS address; its mirrors if it is not there."""
        remotes: list[Remote] = []
        if file.kind == "s3":
            remotes.append(S3Remote(file.key, self._sources))
        else:
            address = f"{self._sources.torch}/{file.key}"
            remotes.append(HttpRemote(address, self._sources, sha256_start=file.sha256_start))
        remotes += [HttpRemote(mirror, self._sources) for mirror in file.mirrors]
        refusal: NotThereError | None = None
        for remote in remotes:
            try:
                expected = try_again(remote.describe, self._patience, self.tick)
            except NotThereError as error:
                refusal = refusal or error
            else:
                return [Item(file.path, expected, remote)]
        if refusal is not None and not file.is_optional:
            raise refusal
        return []

    def ask_hub(
        self,
        variant: str,
        missing: Sequence[WeightFile],
        items: list[Item],
        references: list[tuple[Path, str]],
    ) -> None:
        """Sizes of the files of a variant and of its language model."""
        is_config_here = locations.find_hub_file(variant, "config.json", self._home) is not None
        incomplete = {file.repo for file in missing if file.kind == "hub"}
        llm = known_llm(variant, self._home) if is_config_here else ""
        if variant in incomplete:
            listing = self._list(variant, references)
            names = ["config.json", "model.pt"]
            items += self._hub_items(listing, names, names)
            llm = llm or hub.read_llm_name(listing, self._sources, self._patience, self.tick)
        is_llm_here = all(
            locations.find_hub_file(llm, name, self._home) for name in llm_files(llm, self._home)
        )
        if llm in incomplete or not is_llm_here:
            listing = self._list(llm, references)
            names = [name for name in listing.files if HUB_FILE.fullmatch(name)]
            if not any(name.endswith(".safetensors") for name in names):
                raise NotThereError(f"{llm} has no weights in the safetensors form.")
            items += self._hub_items(listing, names, ["config.json", "tokenizer.json"])

    def _list(self, repo: str, references: list[tuple[Path, str]]) -> hub.Listing:
        listing = hub.list_repository(repo, self._home, self._sources, self._patience, self.tick)
        references.append((hub.repo_folder(repo, self._home) / "refs" / "main", listing.commit))
        return listing

    def _hub_items(
        self, listing: hub.Listing, names: Sequence[str], needed: Sequence[str]
    ) -> list[Item]:
        for name in needed:
            if name not in listing.files:
                raise NotThereError(f"{name} is not in {listing.repo} on {self._sources.hub}.")
        return [
            Item(path, listing.files[name], listing.remote(name, self._sources))
            for name in names
            if not _is_good_here(path := listing.path(name, self._home), self._home)
        ]


# -- bringing -------------------------------------------------------------------------------


def fetch(
    card: ModelCard | str,
    subjects: Sequence[str | int] | str | int = "all",
    *,
    home: str | Path | None = None,
    variant: str = "",
    report: ReportProgress = _tell_nobody,
    sources: Sources | None = None,
    patience: Patience | None = None,
    plan: FetchPlan | None = None,
    free_bytes: Callable[[Path], int] | None = None,
) -> tuple[Path, ...]:
    """Bring what is missing.

    Parameters
    ----------
    card, subjects, home, variant, sources, patience
        As in :func:`plan_fetch`.
    report : callable
        Told a :class:`Progress` at every piece; may raise ``Cancelled``: beginnings are kept.
    plan : FetchPlan, optional
        Made before, to show sizes; made now otherwise.
    free_bytes : callable, optional
        Free bytes of the disk that holds a folder.

    Returns
    -------
    tuple of Path
        The files that were fetched.

    Raises
    ------
    DiskFullError
        There is no room; nothing was begun.
    OfflineError, HashMismatchError, WeightsError
        What came before is kept.
    """
    sources = sources or Sources.from_environment()
    patience = patience or Patience()
    if plan is None:
        plan = plan_fetch(
            card,
            subjects,
            home=home,
            variant=variant,
            report=report,
            sources=sources,
            patience=patience,
        )
    _check_room(plan, free_bytes or _free_bytes)
    for reference, commit in plan.references:
        if not reference.is_file():
            write_text(reference, commit)
    meter = _Meter(plan, report)
    for item in plan.items:
        meter.begin(item)
        try:
            _bring(item, plan.home, meter, sources, patience)
        except OfflineError as error:
            raise _offline(item.path.name, plan.command, error) from error
        meter.end(item)
    return tuple(item.path for item in plan.items)


def _bring(item: Item, home: Path, meter: _Meter, sources: Sources, patience: Patience) -> None:
    """Bring one file by its own way."""
    if item.remote is None:
        _bring_atlas(item.path, home, meter, sources)
        return
    download(item.remote, item.expected, item.path, home=home, stage=meter.stage, patience=patience)


def _bring_atlas(path: Path, home: Path, meter: _Meter, sources: Sources) -> None:
    """Let nilearn fetch the Schaefer atlas; both of its files come at once."""
    from nilearn.datasets import fetch_atlas_schaefer_2018

    with hold(home / "locks" / "atlas.lock", lambda: meter.stage("waiting", 0)):
        if path.is_file():
            return
        meter.stage("downloading", 0)
        try:
            fetch_atlas_schaefer_2018(
                n_rois=1000,
                yeo_networks=7,
                resolution_mm=1,
                data_dir=home / "nilearn",
                base_url=sources.atlas or None,
                verbose=0,
            )
        except OSError as error:
            raise OfflineError(f"nilearn could not fetch the atlas: {error}") from error
        for name in ATLAS_FILES:
            found = locations.find_atlas_file(name, home)
            if found is not None:
                check_record(found, home)


def _free_bytes(folder: Path) -> int:
    """Free bytes on the disk of a folder that may not exist yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _check_room(plan: FetchPlan, free_bytes: Callable[[Path], int]) -> None:
    """Refuse to begin what cannot fit."""
    needed = plan.remaining_bytes + plan.converted_bytes
    free = free_bytes(plan.home)
    if plan.items and free < needed + _SPARE_BYTES:
        raise DiskFullError(
            f"{size_words(needed)} are needed (with the converted form), {size_words(free)} are "
            f"free at {plan.home}: make room, or set BOLDCAST_HOME to a larger disk."
        )


class _Meter:
    """Turns the stages of single files into the progress of the whole."""

    def __init__(self, plan: FetchPlan, report: ReportProgress) -> None:
        self._report = report
        self._total = plan.total_bytes
        self._finished = 0
        self._name = ""
        self._recent: deque[tuple[float, int]] = deque()

    def begin(self, item: Item) -> None:
        """Start a file."""
        self._name = item.path.name
        self._recent.clear()  # bytes that were here before are no speed

    def end(self, item: Item) -> None:
        """Finish a file."""
        self._finished += item.expected.size

    def stage(self, word: str, done_bytes: int) -> None:
        """Tell a stage of the present file."""
        rate = self._rate(done_bytes) if word == "downloading" else 0.0
        done = self._finished + (done_bytes if word != "waiting" else 0)
        left = (self._total - done) / rate if rate > 0 else None
        self._report(Progress(word, self._name, done, self._total, rate, left))

    def _rate(self, done_bytes: int) -> float:
        now = time.monotonic()
        self._recent.append((now, done_bytes))
        while now - self._recent[0][0] > _RATE_WINDOW_S:
            self._recent.popleft()
        began, before = self._recent[0]
        return max(done_bytes - before, 0) / (now - began) if now > began else 0.0
