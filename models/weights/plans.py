"""Which files each published model needs, and where their publishers keep them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from models.catalog import ModelCard
from models.errors import ModelNotFoundError, SelectionError, WeightsError
from models.weights import locations

__all__ = [
    "ATLAS_FILES",
    "DEFAULT_TEXT_VARIANT",
    "HUB_FILE",
    "PUBLISHED_IDS",
    "TEXT",
    "WeightFile",
    "check_repo",
    "known_llm",
    "known_variants",
    "llm_files",
    "needed_files",
    "subject_numbers",
]

THINGS = "fmri-things_fmri_1-vit_b_32"
HUZE = "fmri-nsd_fsaverage-huze"
MOSAIC = "fmri-mosaic-CNN8_multihead_subNSD_verticesAll"
TEXT = "fmri-cneuromod_algo2025-text2fmri"

DEFAULT_TEXT_VARIANT = "ShreyDixit/Text2fMRI-Qwen-2.5-0.5B"
#: Language model of each known variant, until its ``config.json`` is here.
_LLM_OF_VARIANT = {
    DEFAULT_TEXT_VARIANT: "Qwen/Qwen2.5-0.5B",
    "ShreyDixit/Text2fMRI-Qwen-2.5-3B": "Qwen/Qwen2.5-3B",
}
ATLAS_FILES = (
    "Schaefer2018_1000Parcels_7Networks_order.txt",
    "Schaefer2018_1000Parcels_7Networks_order_FSLMNI152_1mm.nii.gz",
)
VIT_CHECKPOINT = "vit_b_32-d86f8d99.pth"
_MOSAIC_MIRROR = "https://mosaicfmri.s3.amazonaws.com/brain_optimized_checkpoints/"
#: Files of a language model's repository that are used; anything else stays there.
HUB_FILE = re.compile(
    r"(config|generation_config|tokenizer|tokenizer_config|vocab|special_tokens_map"
    r"|model\.safetensors\.index)\.json|merges\.txt|model(-\d+-of-\d+)?\.safetensors"
)
_REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)

Kind = Literal["s3", "https", "hub", "atlas"]


@dataclass(frozen=True)
class WeightFile:
    """One file that a model needs.

    Parameters
    ----------
    path : Path
        Where it lies or shall lie.
    kind : {"s3", "https", "hub", "atlas"}
        How it is fetched.
    key : str
        S3 key, HTTPS address, or name in the hub's repository.
    about_bytes : int
        Size told from the published shapes, for a first word before the network is asked.
    repo : str
        Repository on the hub; empty elsewhere.
    mirrors : tuple of str
        HTTPS addresses of the same file, tried when the first is not there.
    sha256_start : str
        First letters of the hash where the publisher states them.
    is_shared : bool
        Several subjects use it.
    is_optional : bool
        Used when there; its absence is no fault.
    """

    path: Path
    kind: Kind
    key: str
    about_bytes: int
    repo: str = ""
    mirrors: tuple[str, ...] = ()
    sha256_start: str = ""
    is_shared: bool = False
    is_optional: bool = False

    @property
    def converted_bytes(self) -> int:
        """About the size of the safe form: that of the file, for pickled weights."""
        is_pickled = self.path.suffix in (".pth", ".npy", ".pt") and self.about_bytes > 100_000_000
        return self.about_bytes if is_pickled else 0


_Home = Path
_Plan = Callable[[_Home, tuple[int, ...], str], list[WeightFile]]


def _s3(
    model: str,
    folder: str,
    name: str,
    home: Path,
    about_bytes: int,
    is_shared: bool = False,
    mirrors: tuple[str, ...] = (),
    is_optional: bool = False,
) -> WeightFile:
    """Describe a file of BERG's bucket: its key is its place below the top."""
    key = f"{locations.model_key(model)}/{folder}/{name}"
    return WeightFile(
        home / key,
        "s3",
        key,
        about_bytes,
        is_shared=is_shared,
        mirrors=mirrors,
        is_optional=is_optional,
    )


_W, _M = "encoding_models_weights", "metadata"


def _plan_things(home: Path, subjects: tuple[int, ...], variant: str) -> list[WeightFile]:
    checkpoint = locations.find_torch_checkpoint(VIT_CHECKPOINT, home)
    files = [
        WeightFile(
            checkpoint or home / "torch" / "hub" / "checkpoints" / VIT_CHECKPOINT,
            "https",
            VIT_CHECKPOINT,
            353_000_000,
            sha256_start="d86f8d99",
            is_shared=True,
        )
    ]
    for s in subjects:
        files.append(_s3(THINGS, _W, f"weights_sub-0{s}.npy", home, 685_000_000))
        files.append(_s3(THINGS, _M, f"metadata_sub-0{s}.npy", home, 15_000_000))
    return files


def _plan_huze(home: Path, subjects: tuple[int, ...], variant: str) -> list[WeightFile]:
    files = [
        _s3(HUZE, _W, "part1_voxel_indices.pt", home, 2_500_000, is_shared=True),
        _s3(HUZE, _W, "config.yaml", home, 0, is_shared=True, is_optional=True),
        _s3(HUZE, _W, "config.json", home, 0, is_shared=True, is_optional=True),
    ]
    for s in subjects:
        files.append(_s3(HUZE, _W, f"subj0{s}_part1.pth", home, 1_030_000_000))
        files.append(_s3(HUZE, _W, f"subj0{s}_part2.pth", home, 1_330_000_000))
        files.append(_s3(HUZE, _M, f"metadata_subject-0{s}.npy", home, 25_000_000))
    return files


def _plan_mosaic(home: Path, subjects: tuple[int, ...], variant: str) -> list[WeightFile]:
    name = "model-CNN8_framework-multihead_subjects-NSD_vertices-all.pth"
    mirrors = (_MOSAIC_MIRROR + name,)
    files = [_s3(MOSAIC, _W, name, home, 1_984_000_000, is_shared=True, mirrors=mirrors)]
    return files + [_s3(MOSAIC, _M, f"NSD/sub-0{s}.npy", home, 25_000_000) for s in subjects]


def _plan_text(home: Path, subjects: tuple[int, ...], variant: str) -> list[WeightFile]:
    llm = known_llm(variant, home)
    files = _hub(variant, {"config.json": 1_000, "model.pt": 210_000_000}, home)
    if llm:
        files += _hub(llm, llm_files(llm, home), home)
    files.append(_s3(TEXT, _M, "metadata.npy", home, 60_000, is_shared=True))
    for name, size in zip(ATLAS_FILES, (40_000, 1_500_000), strict=True):
        found = locations.find_atlas_file(name, home)
        path = found or home / "nilearn" / "schaefer_2018" / name
        files.append(WeightFile(path, "atlas", name, size, is_shared=True))
    return files


def _hub(repo: str, sizes: dict[str, int], home: Path) -> list[WeightFile]:
    """Describe files of a hub repository: in a cache that has them all, else in BERG's own."""
    found = locations.find_hub_snapshot(repo, tuple(sizes), home)
    folder = found or locations.hub_snapshot_folder(locations.hub_caches(home)[0], repo)
    return [
        WeightFile(folder / name, "hub", name, size, repo=repo, is_shared=True)
        for name, size in sizes.items()
    ]


def llm_files(llm: str, home: Path) -> dict[str, int]:
    """Names and about the sizes of a language model's files; its weights are one file or several.

    Raises
    ------
    WeightsError
        The index of its weights is damaged.
    """
    files = {"config.json": 1_000, "tokenizer.json": 7_000_000, "tokenizer_config.json": 7_000}
    index = locations.find_hub_file(llm, "model.safetensors.index.json", home)
    if index is None:
        return files | {"model.safetensors": 6_170_000_000 if "3B" in llm else 988_000_000}
    try:
        held = json.loads(index.read_text(encoding="utf-8"))
        names = sorted(set(held["weight_map"].values()))
        each = int(held["metadata"]["total_size"]) // len(names)
    except (ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise WeightsError(f"{index} is damaged: delete it, then fetch {llm} again.") from error
    if not all(isinstance(name, str) and HUB_FILE.fullmatch(name) for name in names):
        raise WeightsError(f"{index.name} of {llm} names files that are no weights.")
    return files | dict.fromkeys(names, each)


def known_llm(variant: str, home: str | Path | None = None) -> str:
    """Language model of a Text2fMRI variant; empty while its ``config.json`` is not here.

    Raises
    ------
    WeightsError
        The variant is no repository name, or its config names none.
    """
    check_repo(variant)
    path = locations.find_hub_file(variant, "config.json", home)
    if path is None:
        return _LLM_OF_VARIANT.get(variant, "")
    try:
        llm = json.loads(path.read_text(encoding="utf-8"))["extractor_LLM"]
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path} is damaged: delete it, then fetch again.") from error
    return check_repo(llm)


def known_variants(home: str | Path | None = None) -> tuple[str, ...]:
    """Text2fMRI variants that are known without a network: the default, its sisters, those here."""
    found = {*_LLM_OF_VARIANT, *filter(_is_repo, locations.find_text_variants(home))}
    return (DEFAULT_TEXT_VARIANT, *sorted(found - {DEFAULT_TEXT_VARIANT}))


def check_repo(name: object) -> str:
    """Return a repository's name if it is one.

    Raises
    ------
    WeightsError
        It is not of the form ``owner/name``.
    """
    if not isinstance(name, str) or not _is_repo(name):
        raise WeightsError(f"{name!r} is no repository of the hub: it should be owner/name.")
    return name


def _is_repo(name: str) -> bool:
    return bool(_REPO.fullmatch(name)) and ".." not in name and "--" not in name


_PLANS: dict[str, tuple[_Plan, tuple[int, ...]]] = {
    THINGS: (_plan_things, (1, 2, 3)),
    HUZE: (_plan_huze, (1, 2, 3, 4, 5, 6, 7, 8)),
    MOSAIC: (_plan_mosaic, (1, 2, 3, 4, 5, 6, 7, 8)),
    TEXT: (_plan_text, (1, 2, 3, 5)),
}
PUBLISHED_IDS: tuple[str, ...] = tuple(_PLANS)


def subject_numbers(
    card: ModelCard | str, subjects: Sequence[str | int] | str | int = "all"
) -> tuple[int, ...]:
    """Numbers of subjects given in any way people write them.

    Parameters
    ----------
    card : ModelCard or str
        The model.
    subjects : sequence of (str or int), str or int
        ``"all"``, ``1``, ``"1"``, ``"sub-01"``, ``"subj01"``, ``"S1"``, or several of these.

    Raises
    ------
    SelectionError
        The model has no such subject.
    """
    known = _entry(card)[1]
    if isinstance(subjects, str) and subjects.lower() == "all":
        return known
    given = [subjects] if isinstance(subjects, str | int) else list(subjects)
    numbers = []
    for one in given:
        digits = re.search(r"0*(\d+)$", str(one))
        if digits is None or int(digits[1]) not in known:
            raise SelectionError(f"There is no subject {one!r}; this model has {list(known)}.")
        numbers.append(int(digits[1]))
    return tuple(dict.fromkeys(numbers))


def _entry(card: ModelCard | str) -> tuple[_Plan, tuple[int, ...]]:
    model_id = card if isinstance(card, str) else card.id
    if model_id not in _PLANS:
        raise ModelNotFoundError(f"{model_id!r} has no files to fetch; {list(_PLANS)} have.")
    return _PLANS[model_id]


def needed_files(
    card: ModelCard | str,
    subjects: Sequence[str | int] | str | int = "all",
    *,
    home: str | Path | None = None,
    variant: str = "",
) -> tuple[WeightFile, ...]:
    """Files that one model needs for some subjects.

    Parameters
    ----------
    card : ModelCard or str
        The model or its id. An embedded model needs none.
    subjects : see :func:`subject_numbers`
    home : path, optional
        Top of the tree.
    variant : str
        Of Text2fMRI: ``"owner/name"`` on the hub; empty for the default.

    Returns
    -------
    tuple of WeightFile
        Shared files first; ``path`` points to an existing cache where one has the file.

    Raises
    ------
    ModelNotFoundError, SelectionError, WeightsError
    """
    if not isinstance(card, str) and card.is_embedded:
        return ()
    plan, _ = _entry(card)
    numbers = subject_numbers(card, subjects)
    return tuple(plan(locations.berg_home(home), numbers, variant or DEFAULT_TEXT_VARIANT))
