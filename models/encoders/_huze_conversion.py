"""huze's checkpoints, converted once: both folded parts of one subject.

What is read and folded is in :mod:`models.encoders._huze_parts`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.encoders._huze_checkpoint import N_VERTICES, part_layout, read_shape
from models.encoders._huze_parts import HuzeConstants, part_tensors
from models.encoders._tensor_file import release_mapped, write_tensors
from models.errors import WeightsError
from models.types import BoolArray, IntArray
from models.weights.convert import converted
from models.weights.pickles import read_index_file, read_torch_state

__all__ = ["PART_FILES", "convert_subject", "read_constants", "source_paths", "write_huze"]

#: What a conversion holds.
PART_FILES = ("part1.safetensors", "part2.safetensors")

_INDEX_FILE = "part1_voxel_indices.pt"
_CONVERTER_VERSION = 2
_CONSTANTS_FILES = ("config.json", "huze_config.json", "config.yaml", "config.yml")


def write_huze(folder: Path, subject: str, constants: HuzeConstants, target: Path) -> None:
    """Write both folded parts of one subject.

    Parameters
    ----------
    folder : Path
        BERG's weights.
    subject : str
        ``"subj01"`` to ``"subj08"``.
    constants : HuzeConstants
    target : Path
        Folder that gets ``part1.safetensors`` and ``part2.safetensors``.

    Raises
    ------
    WeightsError
        A file is missing or unusable, or the parts do not fit each other.
    """
    first = _first_vertices(folder / _INDEX_FILE, subject)
    paths = [folder / f"{subject}_part{number}.pth" for number in (1, 2)]
    states = [read_torch_state(path) for path in paths]
    n_rows = [read_shape(state, subject).n_voxels for state in states]
    layout = part_layout(*n_rows)
    if len(first) != n_rows[0]:
        raise WeightsError(
            f"{_INDEX_FILE} lists {len(first):,} vertices for {subject}; part 1 has "
            f"{n_rows[0]:,} rows."
        )
    is_first = np.zeros(N_VERTICES, bool)
    is_first[first] = True
    facts = {
        "layout": "every vertex" if layout == "whole" else "the vertices that part 1 has not",
        "lora_scale": repr(constants.lora_scale),
        "sigma": repr(constants.sigma),
        "constants_from": constants.source,
    }
    vertices = (first, np.arange(N_VERTICES) if layout == "whole" else np.flatnonzero(~is_first))
    kept = (None, ~is_first if layout == "whole" else None)
    for number, path in enumerate(paths):
        part = (states[number], subject, vertices[number], constants, kept[number])
        _write_part(target / PART_FILES[number], facts, _is_mapped(path), *part)


def _first_vertices(path: Path, subject: str) -> IntArray:
    """Vertices of part 1's rows, each once."""
    indices = read_index_file(path)
    if subject not in indices:
        raise WeightsError(f"{path.name} has no {subject}, only {sorted(indices)}.")
    first = indices[subject]
    if first.size and (first.min() < 0 or first.max() >= N_VERTICES):
        raise WeightsError(f"{path.name}: {subject} names a vertex that is not on fsaverage.")
    if len(np.unique(first)) != len(first):
        raise WeightsError(f"{path.name}: {subject} names a vertex twice.")
    return first


def _write_part(
    path: Path,
    facts: Mapping[str, str],
    is_mapped: bool,
    state: Mapping[str, torch.Tensor],
    subject: str,
    vertices: IntArray,
    constants: HuzeConstants,
    is_kept: BoolArray | None,
) -> None:
    """Write one part, giving back what was read after each tensor."""
    shape = read_shape(state, subject)
    own = {"layers": ",".join(map(str, shape.layers)), "n_heads": str(shape.n_heads)}

    def release(tensors: Iterable[torch.Tensor]) -> None:
        if is_mapped:
            release_mapped(tensors)

    tensors = part_tensors(state, subject, vertices, constants, is_kept, release)
    write_tensors(path, tensors, {**facts, **own}, lambda: release(state.values()))


def _is_mapped(path: Path) -> bool:
    """Whether torch could map a checkpoint; files of its older form are read whole."""
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def read_constants(folder: Path) -> HuzeConstants:
    """LoRA scale and sigma from a config beside the weights, else the upstream defaults.

    Parameters
    ----------
    folder : Path
        Of the weights; ``config.json``, ``huze_config.json``, ``config.yaml`` or ``config.yml``
        is looked for. Understood are ``lora_scale`` and ``sigma``, and upstream's
        ``LORA: {SCALE}`` and ``CONSTANT_SIGMA`` at any depth, in any case.

    Raises
    ------
    WeightsError
        The config cannot be read, or holds no such number.
    """
    path = next((folder / name for name in _CONSTANTS_FILES if (folder / name).is_file()), None)
    default = HuzeConstants()
    if path is None:
        return default
    found = dict(_flat_numbers(_read_config(path)))
    scale = found.get("lora_scale", found.get("lora.scale"))
    sigma = found.get("constant_sigma", found.get("sigma"))
    return HuzeConstants(
        default.lora_scale if scale is None else scale,
        default.sigma if sigma is None else sigma,
        path.name if None not in (scale, sigma) else f"{path.name}, the rest upstream defaults",
    )


def _read_config(path: Path) -> Any:
    """Content of a config file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        try:
            return json.loads(text)
        except ValueError as error:
            raise WeightsError(f"{path.name} beside huze's weights is no JSON.") from error
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise WeightsError(f"{path.name} beside huze's weights is no YAML.") from error


def _flat_numbers(config: Any, parent: str = "") -> Iterable[tuple[str, float]]:
    """Numbers of a nested mapping: by their own name, and by ``parent.name``."""
    if not isinstance(config, dict):
        return
    for key, value in config.items():
        name = str(key).lower()
        if isinstance(value, dict):
            yield from _flat_numbers(value, name)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield name, float(value)
            yield f"{parent}.{name}", float(value)


def source_paths(folder: Path, subject: str) -> list[Path]:
    """Paths of the published files of one subject, e.g. ``"sub-01"``."""
    key = _key(subject)
    return [folder / name for name in (f"{key}_part1.pth", f"{key}_part2.pth", _INDEX_FILE)]


def convert_subject(folder: Path, subject: str, home: str | PathLike[str] | None) -> Path:
    """Folder of one subject's converted files, made now if it is not there.

    Parameters
    ----------
    folder : Path
        BERG's weights.
    subject : str
        E.g. ``"sub-01"``.
    home : path, optional
        Top of the tree.

    Raises
    ------
    WeightsError
        A file is missing or unusable.
    """
    constants = read_constants(folder)
    name = f"huze-{constants.lora_scale:g}-{constants.sigma:g}"

    def build(target: Path) -> None:
        write_huze(folder, _key(subject), constants, target)

    sources = source_paths(folder, subject)
    return converted(sources, name, _CONVERTER_VERSION, build, home=home)


def _key(subject: str) -> str:
    """Give the files' own word for a subject: ``"subj01"`` for ``"sub-01"``."""
    return f"subj{int(subject.rpartition('-')[2]):02d}"
