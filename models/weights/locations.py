"""Where the files of published models lie on this computer.

One folder in BERG's own layout, so that an existing BERG download is used as it is, and the
caches other libraries keep: torch hub checkpoints, the Hugging Face cache, nilearn's data.
Nothing here uses the network or creates a folder.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from models.catalog import ModelCard
from models.errors import ModelNotFoundError

__all__ = [
    "accuracy_folder",
    "berg_home",
    "converted_folder",
    "find_atlas_file",
    "find_full_meshes",
    "find_hub_file",
    "find_hub_snapshot",
    "find_text_variants",
    "find_torch_checkpoint",
    "hub_caches",
    "hub_snapshot_folder",
    "metadata_folder",
    "model_folder",
    "model_key",
    "nilearn_folders",
    "torch_checkpoints",
    "weights_folder",
]

#: Model whose weights folder BERG hands to the Hugging Face library as its cache.
_HUB_MODEL_ID = "fmri-cneuromod_algo2025-text2fmri"


def berg_home(home: str | os.PathLike[str] | None = None) -> Path:
    """Top of the tree in BERG's layout.

    Parameters
    ----------
    home : path, optional
        Given by the caller (``BERG(berg_dir=...)``); wins over everything.

    Returns
    -------
    Path
        ``home``, else the environment's ``BOLDCAST_HOME``, else the platform's data folder.
        It may not exist yet.
    """
    if home is not None:
        return Path(home).expanduser()
    named = os.environ.get("BOLDCAST_HOME", "")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("boldcast", appauthor=False)


def model_key(card: ModelCard | str) -> str:
    """Path of a model below the top, with forward slashes; also its prefix in BERG's bucket.

    Raises
    ------
    ModelNotFoundError
        The id is not of the form ``modality-dataset-model``.
    """
    model_id = card if isinstance(card, str) else card.id
    parts = model_id.split("-", 2)
    if len(parts) != 3 or any(not part or "/" in part or part == ".." for part in parts):
        raise ModelNotFoundError(
            f"{model_id!r} has no place in BERG's folders: an id is modality-dataset-model."
        )
    modality, dataset, model = parts
    return f"encoding_models/modality-{modality}/train_dataset-{dataset}/model-{model}"


def model_folder(card: ModelCard | str, home: str | os.PathLike[str] | None = None) -> Path:
    """Folder of one model."""
    return berg_home(home) / model_key(card)


def weights_folder(card: ModelCard | str, home: str | os.PathLike[str] | None = None) -> Path:
    """Folder of a model's weights, as BERG names it."""
    return model_folder(card, home) / "encoding_models_weights"


def metadata_folder(card: ModelCard | str, home: str | os.PathLike[str] | None = None) -> Path:
    """Folder of a model's metadata, as BERG names it."""
    return model_folder(card, home) / "metadata"


def accuracy_folder(card: ModelCard | str, home: str | os.PathLike[str] | None = None) -> Path:
    """Folder of a model's accuracy plots, as BERG names it."""
    return model_folder(card, home) / "encoding_models_accuracy"


def converted_folder(home: str | os.PathLike[str] | None = None) -> Path:
    """Folder of safe forms whose originals lie where nothing can be written."""
    return berg_home(home) / "converted"


def _cache_root() -> Path:
    """Find the user's cache folder as torch and Hugging Face do."""
    return Path(os.environ.get("XDG_CACHE_HOME", "") or "~/.cache").expanduser()


def torch_checkpoints() -> Path:
    """Folder of torch hub's checkpoints (``TORCH_HOME`` honoured)."""
    home = os.environ.get("TORCH_HOME", "")
    return (Path(home).expanduser() if home else _cache_root() / "torch") / "hub" / "checkpoints"


def find_torch_checkpoint(name: str, home: str | os.PathLike[str] | None = None) -> Path | None:
    """Find a torch hub checkpoint below the top or in torch's own cache."""
    for folder in (berg_home(home) / "torch" / "hub" / "checkpoints", torch_checkpoints()):
        if (folder / name).is_file():
            return folder / name
    return None


def hub_caches(home: str | os.PathLike[str] | None = None) -> tuple[Path, ...]:
    """Hugging Face caches to look into: BERG's own first, then the user's.

    ``HF_HUB_CACHE`` and ``HF_HOME`` are read at every call.
    """
    named = os.environ.get("HF_HUB_CACHE", "")
    hf_home = os.environ.get("HF_HOME", "")
    if named:
        users = Path(named).expanduser()
    else:
        users = (Path(hf_home).expanduser() if hf_home else _cache_root() / "huggingface") / "hub"
    return (weights_folder(_HUB_MODEL_ID, home), users)


def hub_snapshot_folder(cache: Path, repo: str, revision: str = "main") -> Path:
    """Folder of a repository's files in one cache; it may not exist."""
    folder = cache / f"models--{repo.replace('/', '--')}"
    reference = folder / "refs" / revision
    commit = reference.read_text(encoding="utf-8").strip() if reference.is_file() else revision
    return folder / "snapshots" / commit


def find_hub_snapshot(
    repo: str,
    names: Sequence[str],
    home: str | os.PathLike[str] | None = None,
    revision: str = "main",
) -> Path | None:
    """Find a folder that holds all of a repository's files that are asked for.

    Parameters
    ----------
    repo : str
        ``"owner/name"``.
    names : sequence of str
        Files in the repository.
    home : path, optional
        Top of the tree.
    revision : str
        Branch, or a commit's hash.

    Returns
    -------
    Path or None
        Folder of one cache's snapshot, so that all files are of one version; None when no
        cache has them all.
    """
    for cache in hub_caches(home):
        folder = hub_snapshot_folder(cache, repo, revision)
        if all((folder / name).is_file() for name in names):
            return folder
    return None


def find_hub_file(
    repo: str, name: str, home: str | os.PathLike[str] | None = None, revision: str = "main"
) -> Path | None:
    """Find a file of a Hugging Face repository that is already here.

    Parameters
    ----------
    repo, home, revision
        As in :func:`find_hub_snapshot`.
    name : str
        Path of the file in the repository.

    Returns
    -------
    Path or None
        The file of the first cache that has it.
    """
    folder = find_hub_snapshot(repo, (name,), home, revision)
    return None if folder is None else folder / name


def find_text_variants(home: str | os.PathLike[str] | None = None) -> tuple[str, ...]:
    """Names of Text2fMRI variants that a Hugging Face cache holds, or the beginning of one."""
    folders = [f for cache in hub_caches(home) for f in cache.glob("models--*--*Text2fMRI*")]
    names = {folder.name.removeprefix("models--").replace("--", "/", 1) for folder in folders}
    return tuple(sorted(names))


def nilearn_folders(home: str | os.PathLike[str] | None = None) -> tuple[Path, ...]:
    """Folders where nilearn keeps data: the BERG tree first, then nilearn's own order."""
    named = [os.environ.get(name, "") for name in ("NILEARN_SHARED_DATA", "NILEARN_DATA")]
    own = [Path(part) for value in named for part in value.split(os.pathsep) if part]
    return (berg_home(home), berg_home(home) / "nilearn", *own, Path("~/nilearn_data").expanduser())


def find_atlas_file(name: str, home: str | os.PathLike[str] | None = None) -> Path | None:
    """Find a file of the Schaefer 2018 atlas that is already here.

    Parameters
    ----------
    name : str
        E.g. ``"Schaefer2018_1000Parcels_7Networks_order.txt"``.
    home : path, optional
        Top of the tree; looked into before nilearn's folders.
    """
    beside = (weights_folder(_HUB_MODEL_ID, home), metadata_folder(_HUB_MODEL_ID, home))
    folders = [folder / "schaefer_2018" for folder in nilearn_folders(home)]
    for folder in (*beside, berg_home(home), *folders):
        if (folder / name).is_file():
            return folder / name
    return None


def find_full_meshes(home: str | os.PathLike[str] | None = None) -> Path | None:
    """Find nilearn's folder of the full fsaverage surfaces, where the user has fetched them.

    Parameters
    ----------
    home : path, optional
        Top of the tree; looked into before nilearn's folders.
    """
    folders = (folder / "fsaverage" for folder in nilearn_folders(home))
    return next((folder for folder in folders if (folder / "pial_left.gii.gz").is_file()), None)
