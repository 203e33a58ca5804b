"""Ask publishers what is missing of a model and how large it is, before anything is fetched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.catalog import ModelCard
from models.errors import OfflineError, WeightsError
from models.weights import hub, locations
from models.weights.files import check_readable, fetch_command
from models.weights.plans import (
    DEFAULT_TEXT_VARIANT,
    HUB_FILE,
    TEXT,
    WeightFile,
    known_llm,
    llm_files,
    needed_files,
)
from models.weights.records import read_record
from models.weights.remote import (
    HttpRemote,
    NotThereError,
    Remote,
    RemoteFile,
    S3Remote,
    Sources,
)
from models.weights.transfer import Patience, part_path, try_again

__all__ = [
    "FetchPlan",
    "Item",
    "Progress",
    "ReportProgress",
    "offline_error",
    "plan_fetch",
    "tell_nobody",
]


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


def tell_nobody(progress: Progress) -> None:
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
    report: ReportProgress = tell_nobody,
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
        raise offline_error(missing[0].path.name, command, error) from error
    items.sort(key=lambda item: item.remote is None)  # the atlas last: the weights matter more
    converted_bytes = sum(file.converted_bytes for file in missing)
    return FetchPlan(tuple(items), tuple(references), converted_bytes, command, top)


def offline_error(name: str, command: str, error: OfflineError) -> OfflineError:
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
        needed = tuple(llm_files(llm, self._home))
        is_llm_here = locations.find_hub_snapshot(llm, needed, self._home) is not None
        if llm in incomplete or not is_llm_here:
            listing = self._list(llm, references)
            wanted = [name for name in listing.files if HUB_FILE.fullmatch(name)]
            if not any(name.endswith(".safetensors") for name in wanted):
                raise NotThereError(f"{llm} has no weights in the safetensors form.")
            items += self._hub_items(listing, wanted, ["config.json", "tokenizer.json"])

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
