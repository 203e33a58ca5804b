"""Reading huze's checkpoints: sizes and layout as the tensors say, and what is refused.

Everything is read off the tensors: width, depth, heads, LoRA rank, tapped layers, readout width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from models.errors import WeightsError

__all__ = ["BACKBONE", "N_VERTICES", "HuzeShape", "part_layout", "read_shape", "take"]

#: Vertices of fsaverage, both hemispheres.
N_VERTICES = 327_684

#: Before the names of the vision transformer's tensors.
BACKBONE = "model.backbone.vision_model."

_HEAD_WIDTH = 64
_PATCH_SIDE = 14

# Left out on purpose: adaLN is fed zeros and has no bias, so it shifts by 0 and scales by 1;
# the mask token is for training; the final norm is never applied.
_INERT = ("mask_token", "norm.weight", "norm.bias")


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
    width = take(state, BACKBONE + "cls_token").shape[-1]
    depth = 1 + max(_numbers(state, BACKBONE + "blocks."), default=-1)
    layers = tuple(sorted(_numbers(state, "model.conv_blocks.blocks_dict.")))
    if width % _HEAD_WIDTH or not layers or layers[-1] >= depth:
        raise WeightsError(
            f"This is no huze part: width {width}, {depth} blocks, tapped layers {layers}."
        )
    weight = take(state, f"model.voxel_outs_weight.{subject}.weight")
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


def take(state: Mapping[str, torch.Tensor], name: str) -> torch.Tensor:
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
    known = {BACKBONE + f"blocks.{i}.{name}" for i in range(shape.depth) for name in block}
    known |= {BACKBONE + name for name in ("cls_token", "pos_embed", *_INERT)}
    known |= {BACKBONE + "patch_embed.proj" + p for p in pair}
    for layer in shape.layers:
        stack = f"model.conv_blocks.blocks_dict.{layer}.block."
        known |= {f"{stack}{step}.0.weight" for step in (0, 1, 2)}
        known |= {f"{stack}{step}.1{p}" for step in (0, 1) for p in pair}
        known |= {f"model.cls_blocks.mlp_dict.{layer}.{n}{p}" for n in ("fc1", "fc2") for p in pair}
    rooms = (BACKBONE, "model.conv_blocks.", "model.cls_blocks.")
    strange = [name for name in state if name.startswith(rooms) and name not in known]
    if strange:
        raise WeightsError(
            f"The huze part has a tensor {strange[0]!r}, which no known variant has."
        )


def _check_sizes(state: Mapping[str, torch.Tensor], subject: str, shape: HuzeShape) -> None:
    """Refuse a part whose tensors do not fit each other."""
    C, W, n = shape.width, shape.readout_width, shape.n_voxels
    expected: dict[str, tuple[int, ...]] = {
        BACKBONE + "patch_embed.proj.weight": (C, 3, _PATCH_SIDE, _PATCH_SIDE),
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
        found = tuple(take(state, name).shape)
        if found != size:
            raise WeightsError(f"huze's {name} should be {size}; it is {found}.")
