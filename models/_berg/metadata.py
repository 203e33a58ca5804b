"""What BERG's metadata files say, under the names that its pages promise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.catalog import ModelCard
from models.errors import OfflineError
from models.types import FloatArray
from models.weights.files import fetch_command
from models.weights.locations import metadata_folder
from models.weights.pickles import read_numpy_dict
from models.weights.plans import HUZE, MOSAIC, TEXT, THINGS

__all__ = ["read_metadata"]

_NETWORKS = ("Cont", "Default", "DorsAttn", "Limbic", "SalVentAttn", "SomMot", "Vis")


def _path(card: ModelCard, subject: str, home: Path) -> Path:
    """Where the metadata of one subject lie; Text2fMRI has one file for all."""
    name = {
        THINGS: f"metadata_{subject}.npy",
        HUZE: f"metadata_subject-{subject[-2:]}.npy",
        MOSAIC: f"NSD/{subject}.npy",
        TEXT: "metadata.npy",
    }[card.id]
    return metadata_folder(card, home) / name


def read_metadata(card: ModelCard, subjects: Sequence[str], home: Path) -> dict[str, Any]:
    """Metadata of one subject, or of several by subject.

    Parameters
    ----------
    card : ModelCard
    subjects : sequence of str
        E.g. ``("sub-01",)``; Text2fMRI's are the same for all.
    home : Path
        Top of the tree.

    Returns
    -------
    dict
        As in the file, arrays in memory and writeable. MOSAIC's are at the top level and below
        ``encoding_models`` alike, in whichever of the two layouts the file is; of THINGS'
        ``splithalf_*`` the larger values are the corrected ones; Text2fMRI's networks have the
        page's spelling. Several subjects: ``{"sub-01": {...}, ...}``.

    Raises
    ------
    OfflineError
        A file is absent; the text names it and the command that fetches it.
    WeightsError
        A file cannot be used.
    """
    if card.id == TEXT or len(subjects) == 1:
        return _read_one(card, subjects[0], home)
    return {subject: _read_one(card, subject, home) for subject in subjects}


def _read_one(card: ModelCard, subject: str, home: Path) -> dict[str, Any]:
    """Metadata of one subject."""
    path = _path(card, subject, home)
    if not path.is_file():
        command = fetch_command(card, subject)
        raise OfflineError(f"{path.name} is missing: run `{command}`.")
    content: dict[str, Any] = _in_memory(read_numpy_dict(path))
    if card.id == MOSAIC:
        return _in_both_layouts(content, path.name)
    if card.id == THINGS:
        _name_reliabilities_by_size(content)
    if card.id == TEXT:
        _spell_networks(content)
    return content


def _in_memory(value: Any) -> Any:
    """Copy arrays out of the mapped file."""
    if isinstance(value, np.ndarray):
        return np.array(value)
    if isinstance(value, Mapping):
        return {key: _in_memory(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_in_memory(held) for held in value)
    return value


def _in_both_layouts(content: dict[str, Any], name: str) -> dict[str, Any]:
    """MOSAIC's metadata at the top, as its page lists them, and where its example looks."""
    from models.encoders._mosaic_places import MosaicPlaces

    older = [content[key] for key in ("encoding_models", "fmri") if key in content]
    found: dict[str, Any] = {}
    for part in reversed([part for part in older if isinstance(part, Mapping)]):
        found |= part
    found |= content
    if "vertex_mapping_all" not in found:
        found["vertex_mapping_all"] = MosaicPlaces.from_metadata(content, name).grayordinates
    nested = dict(content.get("encoding_models") or {})
    for key in ("vertex_mapping_all", "glasser_group_id"):
        if key in found:
            nested.setdefault(key, found[key])
    return found | {"encoding_models": nested}


def _name_reliabilities_by_size(content: dict[str, Any]) -> None:
    """Let THINGS' corrected reliability be the larger one; its page has the two swapped.

    The correction to the full data, ``2 r / (1 + r)``, raises every positive reliability.
    """
    held = content.get("encoding_model")
    names = ("splithalf_corrected", "splithalf_uncorrected")
    if not isinstance(held, dict) or not all(name in held for name in names):
        return
    corrected, raw = (np.asarray(held[name]) for name in names)
    if corrected.shape == raw.shape and _is_mostly_smaller(corrected, raw):
        held.update(splithalf_corrected=raw, splithalf_uncorrected=corrected)


def _is_mostly_smaller(first: FloatArray, second: FloatArray) -> bool:
    """Whether most of those that are positive in both are smaller in the first."""
    is_positive = (first > 0) & (second > 0)
    n_smaller = np.count_nonzero(first[is_positive] < second[is_positive])
    return bool(2 * n_smaller > np.count_nonzero(is_positive))


def _spell_networks(content: dict[str, Any]) -> None:
    """Give Text2fMRI's networks the spelling of its page, whatever the file's."""
    masks = content.get("roi_masks")
    if isinstance(masks, dict):
        spelling = {name.lower(): name for name in _NETWORKS}
        content["roi_masks"] = {
            spelling.get(str(name).lower(), name): mask for name, mask in masks.items()
        }
