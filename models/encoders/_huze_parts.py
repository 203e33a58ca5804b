"""Reading huze's checkpoints: what the tensors say, and one folded part ready to run.

Everything is read off the tensors: width, depth, heads, LoRA rank, tapped layers, readout width.
Only the LoRA scale and the retina mapper's sigma are not in them (:class:`HuzeConstants`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from models.encoders._huze_readout import GRID_SIDE, cell_coefficients, sort_by_cell
from models.encoders._tensor_file import TensorToWrite
from models.errors import WeightsError
from models.types import BoolArray, IntArray

__all__ = [
    "N_VERTICES",
    "HuzeConstants",
    "HuzeShape",
    "part_layout",
    "part_tensors",
    "read_shape",
]

#: Vertices of fsaverage, both hemispheres.
N_VERTICES = 327_684

_BACKBONE = "model.backbone.vision_model."
_HEAD_WIDTH = 64
_PATCH_SIDE = 14
_CHUNK = 8192  # rows of the coordinate nets and of the readout at once

# Left out on purpose: adaLN is fed zeros and has no bias, so it shifts by 0 and scales by 1;
# the mask token is for training; the final norm is never applied.
_INERT = ("mask_token", "norm.weight", "norm.bias")


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


@dataclass(frozen=True)
class HuzeShape:
    """Sizes of one part, as its tensors say.

    Parameters
    ----------
    width, depth : int
        Of the vision transformer.
    layers : tuple of int
        Blocks whose output is tapped, rising.
    readout_width : int
        Channels of the tapped maps after the convolutions.
    n_voxels : int
        Rows of the readout.
    """

    width: int
    depth: int
    layers: tuple[int, ...]
    readout_width: int
    n_voxels: int

    @property
    def n_heads(self) -> int:
        """Attention heads of a block."""
        return self.width // _HEAD_WIDTH


def read_shape(state: Mapping[str, torch.Tensor], subject: str) -> HuzeShape:
    """Sizes of a part.

    Parameters
    ----------
    state : mapping of str to Tensor
        As in the file.
    subject : str
        ``"subj01"`` to ``"subj08"``.

    Raises
    ------
    WeightsError
        A tensor is missing, has an odd shape, or belongs to a variant that is not known here.
    """
    width = _get(state, _BACKBONE + "cls_token").shape[-1]
    depth = 1 + max(_numbers(state, _BACKBONE + "blocks."), default=-1)
    layers = tuple(sorted(_numbers(state, "model.conv_blocks.blocks_dict.")))
    if width % _HEAD_WIDTH or not layers or layers[-1] >= depth:
        raise WeightsError(
            f"This is no huze part: width {width}, {depth} blocks, tapped layers {layers}."
        )
    weight = _get(state, f"model.voxel_outs_weight.{subject}.weight")
    shape = HuzeShape(width, depth, layers, int(weight.shape[1]), int(weight.shape[0]))
    _check_names(state, shape)
    _check_sizes(state, subject, shape)
    return shape


def part_layout(n_first: int, n_second: int) -> str:
    """Tell what part 2 holds from the numbers of rows.

    Returns
    -------
    {"whole", "complement"}
        ``"whole"``: part 2 has every vertex, in order. ``"complement"``: only those that part 1
        has not, in order.

    Raises
    ------
    WeightsError
        Neither fits.
    """
    if n_second == N_VERTICES:
        return "whole"
    if n_first + n_second == N_VERTICES:
        return "complement"
    raise WeightsError(
        f"huze's parts have {n_first:,} and {n_second:,} rows. Part 2 should have {N_VERTICES:,}, "
        f"or {N_VERTICES - n_first:,} (all vertices that are not in part 1)."
    )


def part_tensors(
    state: Mapping[str, torch.Tensor],
    subject: str,
    vertices: IntArray,
    constants: HuzeConstants,
    is_kept: BoolArray | None = None,
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

    Returns
    -------
    list of TensorToWrite
        LoRA and LayerScale are folded into the linear layers, the class token and the resampled
        position table are one (257, width) table, and the coordinate nets are replaced by what
        they say of each vertex: its cell of the 17 x 17 grid and its coefficients, rows sorted
        by cell.
    """
    shape = read_shape(state, subject)
    get = partial(_get, state)
    tensors = [
        _entry("patch.weight", get(_BACKBONE + "patch_embed.proj.weight")),
        _entry("patch.bias", get(_BACKBONE + "patch_embed.proj.bias")),
        _entry("tokens", _token_table(state)),
    ]
    for number in range(shape.depth):
        tensors += _block_tensors(state, number, constants.lora_scale)
    for tap, layer in enumerate(shape.layers):
        stack = f"model.conv_blocks.blocks_dict.{layer}.block."
        for step in (0, 1):
            tensors.append(_entry(f"conv.{tap}.{step}.weight", get(f"{stack}{step}.0.weight")))
            for kind in ("weight", "bias"):
                name = f"conv.{tap}.{step}.norm.{kind}"
                tensors.append(_entry(name, get(f"{stack}{step}.1.{kind}")))
        tensors.append(_entry(f"conv.{tap}.2.weight", get(stack + "2.0.weight")))
        for layer_name in ("fc1", "fc2"):
            for kind in ("weight", "bias"):
                name = f"model.cls_blocks.mlp_dict.{layer}.{layer_name}.{kind}"
                tensors.append(_entry(f"cls.{tap}.{layer_name}.{kind}", get(name)))
    return tensors + _readout_tensors(state, subject, shape, vertices, constants.sigma, is_kept)


def _get(state: Mapping[str, torch.Tensor], name: str) -> torch.Tensor:
    """One tensor, or a clear error."""
    if name not in state:
        raise WeightsError(f"The huze part has no tensor {name!r}.")
    return state[name]


def _numbers(state: Mapping[str, torch.Tensor], prefix: str) -> set[int]:
    """Numbers that follow a prefix in the names."""
    after = (name[len(prefix) :].split(".")[0] for name in state if name.startswith(prefix))
    return {int(part) for part in after if part.isdecimal()}


def _check_names(state: Mapping[str, torch.Tensor], shape: HuzeShape) -> None:
    """Refuse tensors of the backbone or the convolutions that would change the maths."""
    linear = ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2")
    pair = (".weight", ".bias")
    block = {f"block.{n}{p}" for n in ("norm1", "norm2") for p in pair}
    block |= {f"block.{n}.fc{p}" for n in linear for p in pair}
    block |= {f"block.{n}.fc_lora.{p}.weight" for n in linear for p in ("down", "up")}
    block |= {"block.ls1.gamma", "block.ls2.gamma", "adaLN.adaLN_modulation.0.weight"}
    known = {_BACKBONE + f"blocks.{i}.{name}" for i in range(shape.depth) for name in block}
    known |= {_BACKBONE + name for name in ("cls_token", "pos_embed", *_INERT)}
    known |= {_BACKBONE + "patch_embed.proj" + p for p in pair}
    for layer in shape.layers:
        stack = f"model.conv_blocks.blocks_dict.{layer}.block."
        known |= {f"{stack}{step}.0.weight" for step in (0, 1, 2)}
        known |= {f"{stack}{step}.1{p}" for step in (0, 1) for p in pair}
        known |= {f"model.cls_blocks.mlp_dict.{layer}.{n}{p}" for n in ("fc1", "fc2") for p in pair}
    rooms = (_BACKBONE, "model.conv_blocks.", "model.cls_blocks.")
    strange = [name for name in state if name.startswith(rooms) and name not in known]
    if strange:
        raise WeightsError(
            f"The huze part has a tensor {strange[0]!r}, which no known variant has."
        )


def _check_sizes(state: Mapping[str, torch.Tensor], subject: str, shape: HuzeShape) -> None:
    """Refuse a part whose tensors do not fit each other."""
    C, W, n = shape.width, shape.readout_width, shape.n_voxels
    expected: dict[str, tuple[int, ...]] = {
        _BACKBONE + "patch_embed.proj.weight": (C, 3, _PATCH_SIDE, _PATCH_SIDE),
        f"model.voxel_outs_weight.{subject}.bias": (n,),
        f"coord_dict.{subject}": (n, 3),
        f"model.layer_selector.{subject}.mlp.5.bias": (len(shape.layers),),
        f"model.retina_mapper.{subject}.mlp.5.bias": (2,),
    }
    for layer in shape.layers:
        stack = f"model.conv_blocks.blocks_dict.{layer}.block."
        expected |= {f"{stack}{step}.0.weight": (C, C, 5, 5) for step in (0, 1)}
        expected[stack + "2.0.weight"] = (W, C, 5, 5)
        n_class = C if layer == shape.depth - 1 else 2 * C
        expected[f"model.cls_blocks.mlp_dict.{layer}.fc1.weight"] = (n_class, n_class)
        expected[f"model.cls_blocks.mlp_dict.{layer}.fc2.weight"] = (W, n_class)
    for name, size in expected.items():
        found = tuple(_get(state, name).shape)
        if found != size:
            raise WeightsError(f"huze's {name} should be {size}; it is {found}.")


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
    table = _get(state, _BACKBONE + "pos_embed").float()
    side = math.isqrt(table.shape[1] - 1)
    if side * side != table.shape[1] - 1:
        raise WeightsError(f"huze's position table has {table.shape[1] - 1} places, no square.")
    grid = table[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    factor = (GRID_SIDE + 0.1) / side
    grid = functional.interpolate(grid, scale_factor=(factor, factor), mode="bicubic")
    if grid.shape[-2:] != (GRID_SIDE, GRID_SIDE):
        raise WeightsError(f"huze's position table cannot be resampled from {side} places a side.")
    first = table[:, 0] + _get(state, _BACKBONE + "cls_token").float()[:, 0]
    return torch.cat([first, grid[0].flatten(1).T])


def _block_tensors(
    state: Mapping[str, torch.Tensor], number: int, lora_scale: float
) -> list[TensorToWrite]:
    """Tensors of one transformer block, LoRA and LayerScale folded in."""
    source = f"{_BACKBONE}blocks.{number}.block."
    tensors = []
    for norm in ("norm1", "norm2"):
        for kind in ("weight", "bias"):
            tensor = _get(state, f"{source}{norm}.{kind}")
            tensors.append(_entry(f"blocks.{number}.{norm}.{kind}", tensor))
    gains = {"attn.proj": "ls1.gamma", "mlp.fc2": "ls2.gamma"}
    for layer in ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"):
        gain = _get(state, source + gains[layer]).float() if layer in gains else None
        weight = _get(state, f"{source}{layer}.fc.weight")
        bias = _get(state, f"{source}{layer}.fc.bias").float()
        fold = partial(_folded, state, f"{source}{layer}", lora_scale, gain)
        name = f"blocks.{number}.{layer.split('.')[1]}"
        tensors.append(TensorToWrite(name + ".weight", tuple(weight.shape), fold))
        tensors.append(_entry(name + ".bias", bias if gain is None else gain * bias))
    return tensors


def _folded(
    state: Mapping[str, torch.Tensor], name: str, scale: float, gain: torch.Tensor | None
) -> Iterable[NDArray[Any]]:
    """One linear layer with its low-rank update and its gain, (rows, columns)."""
    weight = _get(state, name + ".fc.weight").float()
    up, down = (_get(state, f"{name}.fc_lora.{side}.weight").float() for side in ("up", "down"))
    weight = weight + scale * (up @ down)
    return (_array(weight if gain is None else gain[:, None] * weight),)


def _readout_tensors(
    state: Mapping[str, torch.Tensor],
    subject: str,
    shape: HuzeShape,
    vertices: IntArray,
    sigma: float,
    is_kept: BoolArray | None,
) -> list[TensorToWrite]:
    """Readout rows sorted by cell, with what the coordinate nets say of them."""
    coordinates = _get(state, f"coord_dict.{subject}").float()
    position, selector = _retina(state, subject, coordinates, sigma)
    kept = np.arange(shape.n_voxels) if is_kept is None else np.flatnonzero(is_kept)
    cells, coefficients = cell_coefficients(
        position[kept].numpy(), selector[kept].numpy(), shape.readout_width
    )
    order, starts = sort_by_cell(cells)
    rows = kept[order]
    weight = _get(state, f"model.voxel_outs_weight.{subject}.weight")
    bias = _get(state, f"model.voxel_outs_weight.{subject}.bias")

    def sorted_weight() -> Iterator[NDArray[Any]]:
        for start in range(0, len(rows), _CHUNK):
            yield _array(weight[torch.from_numpy(rows[start : start + _CHUNK])])

    places, n_rows = vertices[rows], len(rows)
    sizes = (n_rows, shape.readout_width)
    return [
        TensorToWrite("readout.places", (n_rows,), lambda: (places,), "int32"),
        TensorToWrite("readout.cell_starts", starts.shape, lambda: (starts,), "int32"),
        TensorToWrite("readout.coefficients", coefficients.shape, lambda: (coefficients[order],)),
        TensorToWrite("readout.bias", (n_rows,), lambda: (_array(bias)[rows],)),
        TensorToWrite("readout.weight", sizes, sorted_weight),
    ]


def _retina(
    state: Mapping[str, torch.Tensor], subject: str, coordinates: torch.Tensor, sigma: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Where each vertex looks, (n, 2) in ±(1 - sigma), and its weights of layers, (n, n_layers).

    They depend on the vertex alone, not on the picture.
    """
    low, high = coordinates.min(0).values, coordinates.max(0).values
    positions, selectors = [], []
    for chunk in coordinates.split(_CHUNK):
        code = _point_code(chunk, low, high)
        selectors.append(_small_net(state, f"model.layer_selector.{subject}", code).softmax(-1))
        mapped = _small_net(state, f"model.retina_mapper.{subject}", code)
        positions.append(mapped.tanh() * (1 - sigma))
    return torch.cat(positions), torch.cat(selectors)


def _point_code(points: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    """Sine and cosine code of points, (n, 192).

    Same order of operations as upstream: arguments go up to 100, so another order would move the
    result by 5e-5.
    """
    n_steps, n_frequencies, period = 100.0, 32, 100.0
    steps = (high - low) * (n_steps / (high - low).max())
    position = (points - low) * (steps / (high - low))
    frequency = torch.logspace(0, 1 / n_frequencies - 1, n_frequencies, period)
    angle = frequency * position[..., None]
    return torch.stack((angle.sin(), angle.cos()), -1).flatten(1)


def _small_net(state: Mapping[str, torch.Tensor], name: str, values: torch.Tensor) -> torch.Tensor:
    """Three linear layers with exact GELU between them."""
    for number in (1, 3, 5):
        weight, bias = (_get(state, f"{name}.mlp.{number}.{kind}") for kind in ("weight", "bias"))
        values = functional.linear(values, weight.float(), bias.float())
        values = functional.gelu(values) if number < 5 else values
    return values
