"""One folded part of huze, as it is written: LoRA, LayerScale and what never changes folded in.

Only the LoRA scale and the retina mapper's sigma are not in the tensors (:class:`HuzeConstants`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from numpy.typing import NDArray
from torch.nn import functional

from models.encoders._huze_checkpoint import BACKBONE, read_shape, take
from models.encoders._huze_readout import GRID_SIDE
from models.encoders._huze_retina import Release, readout_tensors
from models.encoders._tensor_file import TensorToWrite
from models.errors import WeightsError
from models.types import BoolArray, IntArray

__all__ = ["HuzeConstants", "part_tensors"]


def _keep(tensors: Iterable[torch.Tensor]) -> None:
    """Release nothing."""


@dataclass(frozen=True)
class HuzeConstants:
    """What shapes cannot tell.

    Parameters
    ----------
    lora_scale : float
        Factor of the low-rank update of each linear layer.
    sigma : float
        Margin of the retina mapper: positions lie in ±(1 - sigma).
    source : str
        Where the two come from; stated in provenance.
    """

    lora_scale: float = 0.2
    sigma: float = 0.01
    source: str = "upstream defaults"


def part_tensors(
    state: Mapping[str, torch.Tensor],
    subject: str,
    vertices: IntArray,
    constants: HuzeConstants,
    is_kept: BoolArray | None = None,
    release: Release = _keep,
) -> list[TensorToWrite]:
    """Folded tensors of one part, in the order of use.

    Parameters
    ----------
    state : mapping of str to Tensor
        As in the file.
    subject : str
    vertices : ndarray of shape (n_voxels,), int
        Global vertex of each row of the readout.
    constants : HuzeConstants
    is_kept : ndarray of shape (n_voxels,), bool, optional
        Rows of the readout to keep; the others are predicted by the other part.
    release : callable
        Called with tensors that have been read, where the file is mapped.

    Returns
    -------
    list of TensorToWrite
        LoRA and LayerScale are folded into the linear layers, the class token and the resampled
        position table are one (257, width) table, and the coordinate nets are replaced by what
        they say of each vertex: its cell of the 17 x 17 grid and its coefficients, rows sorted
        by cell.
    """
    shape = read_shape(state, subject)
    tensors = [
        _entry("patch.weight", take(state, BACKBONE + "patch_embed.proj.weight")),
        _entry("patch.bias", take(state, BACKBONE + "patch_embed.proj.bias")),
        _entry("tokens", _token_table(state)),
    ]
    for number in range(shape.depth):
        tensors += _block_tensors(state, number, constants.lora_scale)
    for tap, layer in enumerate(shape.layers):
        tensors += _tap_tensors(state, tap, layer)
    readout = readout_tensors(state, subject, shape, vertices, constants.sigma, is_kept, release)
    return tensors + readout


def _tap_tensors(state: Mapping[str, torch.Tensor], tap: int, layer: int) -> list[TensorToWrite]:
    """Convolutions and summary net of one tapped layer, as they are."""
    stack = f"model.conv_blocks.blocks_dict.{layer}.block."
    names = {f"conv.{tap}.2.weight": f"{stack}2.0.weight"}
    for step in (0, 1):
        names[f"conv.{tap}.{step}.weight"] = f"{stack}{step}.0.weight"
        for kind in ("weight", "bias"):
            names[f"conv.{tap}.{step}.norm.{kind}"] = f"{stack}{step}.1.{kind}"
    for part in ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"):
        names[f"cls.{tap}.{part}"] = f"model.cls_blocks.mlp_dict.{layer}.{part}"
    return [_entry(name, take(state, source)) for name, source in names.items()]


def _array(tensor: torch.Tensor) -> NDArray[Any]:
    """Float32 values of a tensor."""
    values: NDArray[Any] = tensor.detach().float().numpy()
    return values


def _entry(name: str, tensor: torch.Tensor) -> TensorToWrite:
    """One tensor, written as it is."""
    return TensorToWrite(name, tuple(tensor.shape), lambda: (_array(tensor),))


def _token_table(state: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Class token and positions, (1 + 16 * 16, width), as DINOv2 resamples them.

    The factor (16 + 0.1) / 37 is DINOv2's; given as a factor it also sets where samples lie.
    """
    table = take(state, BACKBONE + "pos_embed").float()
    side = math.isqrt(table.shape[1] - 1)
    if side * side != table.shape[1] - 1:
        raise WeightsError(f"huze's position table has {table.shape[1] - 1} places, no square.")
    grid = table[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    factor = (GRID_SIDE + 0.1) / side
    grid = functional.interpolate(grid, scale_factor=(factor, factor), mode="bicubic")
    if grid.shape[-2:] != (GRID_SIDE, GRID_SIDE):
        raise WeightsError(f"huze's position table cannot be resampled from {side} places a side.")
    first = table[:, 0] + take(state, BACKBONE + "cls_token").float()[:, 0]
    return torch.cat([first, grid[0].flatten(1).T])


def _block_tensors(
    state: Mapping[str, torch.Tensor], number: int, lora_scale: float
) -> list[TensorToWrite]:
    """Tensors of one transformer block, LoRA and LayerScale folded in."""
    source = f"{BACKBONE}blocks.{number}.block."
    tensors = []
    for norm in ("norm1", "norm2"):
        for kind in ("weight", "bias"):
            tensor = take(state, f"{source}{norm}.{kind}")
            tensors.append(_entry(f"blocks.{number}.{norm}.{kind}", tensor))
    gains = {"attn.proj": "ls1.gamma", "mlp.fc2": "ls2.gamma"}
    for layer in ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"):
        gain = take(state, source + gains[layer]).float() if layer in gains else None
        weight = take(state, f"{source}{layer}.fc.weight")
        bias = take(state, f"{source}{layer}.fc.bias").float()
        fold = partial(_folded, state, f"{source}{layer}", lora_scale, gain)
        name = f"blocks.{number}.{layer.split('.')[1]}"
        tensors.append(TensorToWrite(name + ".weight", tuple(weight.shape), fold))
        tensors.append(_entry(name + ".bias", bias if gain is None else gain * bias))
    return tensors


def _folded(
    state: Mapping[str, torch.Tensor], name: str, scale: float, gain: torch.Tensor | None
) -> Iterable[NDArray[Any]]:
    """One linear layer with its low-rank update and its gain, (rows, columns)."""
    weight = take(state, name + ".fc.weight").float()
    up, down = (take(state, f"{name}.fc_lora.{side}.weight").float() for side in ("up", "down"))
    weight = weight + scale * (up @ down)
    return (_array(weight if gain is None else gain[:, None] * weight),)
