"""One part of huze, ready to run: a DINOv2 vision transformer, convolutions, readout.

Reads the folded file that :mod:`models.encoders._huze_parts` writes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import torch
from torch.nn import functional

from models.encoders import _huze_readout
from models.encoders._huze_convolution import GridConvolution
from models.encoders._huze_readout import GRID_SIDE, pad_maps
from models.encoders._tensor_file import TensorFile
from models.types import FloatArray, IntArray, UInt8Array

__all__ = ["PICTURE_SIDE", "HuzePart", "normalise"]

#: Pixels a side that the network sees.
PICTURE_SIDE = 224

_MEAN = torch.tensor((0.485, 0.456, 0.406)).view(1, 3, 1, 1)
_DEVIATION = torch.tensor((0.229, 0.224, 0.225)).view(1, 3, 1, 1)
_PATCH_SIDE = 14
_NORM_EPSILON = 1e-6
_AT_ONCE = 4  # pictures in the transformer: more do not fit the processor's caches

#: Convolution of maps (n, channels, 16, 16) with a 5 x 5 kernel, zero padding 2.
Convolution = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def normalise(pixels: UInt8Array) -> torch.Tensor:
    """Pictures as the network takes them.

    Parameters
    ----------
    pixels : ndarray of shape (n, 3, height, width), 0 to 255

    Returns
    -------
    Tensor of shape (n, 3, 224, 224), float32
        Stretched to a square without antialiasing, as in training, and normalised with
        ImageNet's mean and deviation.
    """
    values = torch.from_numpy(np.ascontiguousarray(pixels)).float() / 255.0
    if values.shape[-2:] != (PICTURE_SIDE, PICTURE_SIDE):
        side = (PICTURE_SIDE, PICTURE_SIDE)
        values = functional.interpolate(values, size=side, mode="bilinear", align_corners=False)
    return (values - _MEAN) / _DEVIATION


def _convolve(maps: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """Plain 5 x 5 convolution."""
    return functional.conv2d(maps, kernel, padding=2)


class HuzePart:
    """One folded part.

    Parameters
    ----------
    file : TensorFile
        Written with :func:`models.encoders._huze_parts.part_tensors`.
    device : torch.device
        On another device than the processor, tensors are copied there once.
    """

    def __init__(self, file: TensorFile, device: torch.device) -> None:
        self._file = file
        self._device = device
        self._copies: dict[str, torch.Tensor] = {}
        self._n_blocks = sum(name.endswith(".qkv.weight") for name in file.names)
        self._layers = tuple(int(layer) for layer in file.facts["layers"].split(","))
        self._n_heads = int(file.facts["n_heads"])

    @cached_property
    def places(self) -> IntArray:
        """Global vertex of each readout row, (n,) int32; rows are sorted by cell."""
        places: IntArray = self._file["readout.places"].clone().numpy()
        return places

    @cached_property
    def _cell_starts(self) -> IntArray:
        """First row of each cell, and the end."""
        starts: IntArray = self._file["readout.cell_starts"].clone().numpy()
        return starts

    def features(self, pictures: torch.Tensor) -> FloatArray:
        """Run the network on some pictures.

        Parameters
        ----------
        pictures : Tensor of shape (n, 3, 224, 224), float32
            From :func:`normalise`.

        Returns
        -------
        ndarray of shape (n, 18, 18, n_layers, readout_width), float32
        """
        pieces = [self._tokens(piece.to(self._device)) for piece in pictures.split(_AT_ONCE)]
        taps = [torch.cat(tap) for tap in zip(*pieces, strict=True)]
        convolve = GridConvolution() if self._device.type == "cpu" else _convolve
        maps, constants = [], []
        for tap, tokens in enumerate(taps):
            grid = tokens[:, 1:].transpose(1, 2).unflatten(-1, (GRID_SIDE, GRID_SIDE))
            grid = grid.contiguous()
            constants.append(self._summary(tap, tokens[:, 0], grid))
            maps.append(self._stack(tap, grid, convolve))
        padded = pad_maps(torch.stack(maps, 1), torch.stack(constants, 1))
        values: FloatArray = padded.cpu().numpy()
        return values

    def read_out(self, maps: FloatArray, rows: IntArray | None = None) -> FloatArray:
        """Responses of readout rows, (n_pictures, n_rows) float32; default all rows."""
        names = ("weight", "bias", "coefficients")
        tensors = [self._file["readout." + name] for name in names]
        if rows is None:
            tensors = [self._get("readout." + name) for name in names]
        values = torch.from_numpy(maps).to(self._device)
        weight, bias, coefficients = tensors
        out: FloatArray = (
            _huze_readout.read_out(values, weight, bias, coefficients, self._cell_starts, rows)
            .cpu()
            .numpy()
        )
        return out

    def release(self) -> None:
        """Let go of the file's pages."""
        self._file.release()

    def _get(self, name: str) -> torch.Tensor:
        """One tensor on the device."""
        if self._device.type == "cpu":
            return self._file[name]
        if name not in self._copies:
            self._copies[name] = self._file[name].to(self._device)
        return self._copies[name]

    def _linear(self, name: str, values: torch.Tensor) -> torch.Tensor:
        return functional.linear(values, self._get(name + ".weight"), self._get(name + ".bias"))

    def _norm(self, name: str, values: torch.Tensor) -> torch.Tensor:
        weight, bias = self._get(name + ".weight"), self._get(name + ".bias")
        return functional.layer_norm(values, weight.shape, weight, bias, _NORM_EPSILON)

    def _tokens(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """Output of the tapped blocks, each (n, 1 + 256, width); no final norm."""
        weight, bias = self._get("patch.weight"), self._get("patch.bias")
        patches = functional.conv2d(pictures, weight, bias, stride=_PATCH_SIDE)
        patches = patches.flatten(2).transpose(1, 2)
        tokens = functional.pad(patches, (0, 0, 1, 0)) + self._get("tokens")
        taps = []
        for number in range(self._n_blocks):
            tokens = self._block(f"blocks.{number}.", tokens)
            if number in self._layers:
                taps.append(tokens)
        return taps

    def _block(self, name: str, tokens: torch.Tensor) -> torch.Tensor:
        """One pre-norm block; LayerScale is in the weights."""
        qkv = self._linear(name + "qkv", self._norm(name + "norm1", tokens))
        query, key, value = qkv.unflatten(-1, (3, self._n_heads, -1)).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self._linear(name + "proj", attended.transpose(1, 2).flatten(2))
        hidden = self._linear(name + "fc1", self._norm(name + "norm2", tokens))
        return tokens + self._linear(name + "fc2", functional.gelu(hidden))

    def _summary(self, tap: int, first: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        """Summarise the whole picture at one layer, (n, readout_width)."""
        is_last_block = self._layers[tap] == self._n_blocks - 1
        values = first if is_last_block else torch.cat([grid.mean((2, 3)), grid.amax((2, 3))], 1)
        hidden = functional.gelu(self._linear(f"cls.{tap}.fc1", values))
        return self._linear(f"cls.{tap}.fc2", hidden)

    def _stack(self, tap: int, grid: torch.Tensor, convolve: Convolution) -> torch.Tensor:
        """Two residual convolutions and one that sets the width, (n, readout_width, 16, 16)."""
        for step in (0, 1):
            name = f"conv.{tap}.{step}."
            change = convolve(grid, self._get(name + "weight"))
            change = self._norm(name + "norm", change.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
            grid = grid + functional.silu(change)
        return functional.silu(convolve(grid, self._get(f"conv.{tap}.2.weight")))
