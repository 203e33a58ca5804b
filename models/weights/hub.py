"""What a Hugging Face repository holds, asked through ``huggingface_hub``.

The library lists and names; the bytes come by :mod:`models.weights.transfer`, because the
library itself starts a broken file from the beginning. Files are laid where it looks for them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import OfflineError, WeightsError
from models.weights import locations
from models.weights.plans import TEXT, check_repo
from models.weights.remote import (
    HttpRemote,
    NotThereError,
    RemoteFile,
    Sources,
    TemporaryError,
    UnreachableError,
    error_of_status,
)
from models.weights.transfer import Patience, try_again

__all__ = [
    "Listing",
    "find_variants",
    "is_offline",
    "list_published_variants",
    "list_repository",
    "read_llm_name",
]

_MAX_CONFIG_BYTES = 1 << 20
_AUTHOR = "ShreyDixit"


@dataclass(frozen=True)
class Listing:
    """Files of one repository at one commit.

    Parameters
    ----------
    repo, commit : str
    files : dict of str to RemoteFile
        Name -> size and hash.
    """

    repo: str
    commit: str
    files: dict[str, RemoteFile]

    def remote(self, name: str, sources: Sources) -> HttpRemote:
        """Other end of one file."""
        from huggingface_hub import hf_hub_url

        address = hf_hub_url(self.repo, name, revision=self.commit, endpoint=sources.hub)
        return HttpRemote(address, sources, known=self.files[name])

    def path(self, name: str, home: Path) -> Path:
        """Where a file lies in the cache that BERG keeps in its tree."""
        return repo_folder(self.repo, home) / "snapshots" / self.commit / name


def repo_folder(repo: str, home: Path) -> Path:
    """Folder of a repository in the cache that BERG keeps in its tree."""
    return locations.weights_folder(TEXT, home) / f"models--{repo.replace('/', '--')}"


def is_offline() -> bool:
    """Whether the environment forbids asking the hub (``HF_HUB_OFFLINE``)."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def list_repository(
    repo: str, home: Path, sources: Sources, patience: Patience, tick: Callable[[], None]
) -> Listing:
    """List a repository, at the commit that is already begun here or at its newest.

    Raises
    ------
    OfflineError, NotThereError, WeightsError
    """
    reference = repo_folder(repo, home) / "refs" / "main"
    revision = reference.read_text(encoding="utf-8").strip() if reference.is_file() else None

    def ask() -> Any:
        from huggingface_hub import HfApi

        api = HfApi(endpoint=sources.hub, token=False)
        return _guarded(
            lambda: api.model_info(
                repo, revision=revision, files_metadata=True, timeout=sources.read_s
            ),
            f"{sources.hub}/{repo}",
        )

    info = try_again(ask, patience, tick)
    files = {}
    for sibling in info.siblings or ():
        name = sibling.rfilename
        if name.startswith("/") or ".." in name.split("/") or sibling.size is None:
            continue
        is_large = sibling.lfs is not None
        files[name] = RemoteFile(
            sibling.size,
            sha256=sibling.lfs.sha256 if is_large else "",
            git_sha1="" if is_large else sibling.blob_id or "",
        )
    commit = str(info.sha or "")
    if not commit.isalnum():
        raise WeightsError(f"{sources.hub} names no commit of {repo}.")
    return Listing(repo, commit, files)


def _guarded(ask: Callable[[], Any], address: str) -> Any:
    """Ask the hub, its errors in our words."""
    import httpx2
    from huggingface_hub import errors

    if is_offline():
        raise OfflineError(f"{address} is not asked: HF_HUB_OFFLINE is set.")
    try:
        return ask()
    except errors.OfflineModeIsEnabled as error:
        raise OfflineError(f"{address} is not asked: HF_HUB_OFFLINE is set.") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        raise error_of_status(status, address) from error
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
        raise UnreachableError(f"There is no connection to {address}.") from error
    except httpx2.TransportError as error:
        raise TemporaryError(f"The connection to {address} broke: {error}.") from error
    except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{address} gives no list of files: {error}.") from error


def read_llm_name(
    listing: Listing, sources: Sources, patience: Patience, tick: Callable[[], None]
) -> str:
    """Language model that a variant's ``config.json`` names, read from the hub.

    Raises
    ------
    WeightsError
        The config is absent, too large, or names none.
    """
    known = listing.files.get("config.json")
    if known is None or known.size > _MAX_CONFIG_BYTES:
        raise NotThereError(f"{listing.repo} has no config.json: it is no Text2fMRI variant.")
    remote = listing.remote("config.json", sources)
    data = try_again(lambda: b"".join(remote.read(0, "")), patience, tick)
    try:
        return check_repo(json.loads(data)["extractor_LLM"])
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"config.json of {listing.repo} names no language model.") from error


def list_published_variants(
    sources: Sources | None = None, patience: Patience | None = None
) -> tuple[str, ...]:
    """Ask the hub for the published Text2fMRI variants.

    The author's collection carries an id at the end of its name that is not known beforehand,
    so the author's models are listed instead.

    Raises
    ------
    OfflineError, WeightsError
        The hub cannot be asked.
    """
    from huggingface_hub import HfApi

    sources = sources or Sources.from_environment()
    api = HfApi(endpoint=sources.hub, token=False)

    def ask() -> Any:
        return _guarded(
            lambda: [m.id for m in api.list_models(author=_AUTHOR, search="Text2fMRI")],
            f"{sources.hub}/{_AUTHOR}",
        )

    found = try_again(ask, patience or Patience(attempts=2), lambda: None)
    return tuple(sorted(check_repo(name) for name in found))


def find_variants(
    home: str | os.PathLike[str] | None = None,
    sources: Sources | None = None,
    patience: Patience | None = None,
) -> tuple[str, ...]:
    """List published Text2fMRI variants; those in a cache here when the hub cannot be asked."""
    try:
        found = list_published_variants(sources, patience)
    except WeightsError:
        found = ()
    return tuple(sorted({*found, *locations.find_text_variants(home)}))
