"""One part of huze, ready to run: a DINOv2 vision transformer, convolutions, readout.

Reads the folded file that :mod:`models.encoders._huze_parts` writes. Channels lie innermost from
the first token to the readout. On the processor a layer's pages are given back when it is done.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from models.encoders import _huze_readout
from models.encoders._huze_convolution import GridConvolution, convolve_directly
from models.encoders._huze_readout import GRID_SIDE, pad_maps
from models.encoders._tensor_file import TensorFile
from models.types import FloatArray, IntArray

__all__ = ["PICTURE_SIDE", "HuzePart", "stretch"]

#: Pixels a side that the network sees.
PICTURE_SIDE = 224

_PATCH_SIDE = 14
_NORM_EPSILON = 1e-6
_AT_ONCE = 4  # pictures in the transformer: more do not fit the processor's caches

#: Convolution of maps (n, 16, 16, channels) with a 5 x 5 kernel, zero padding 2.
Convolution = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def stretch(picture: NDArray[Any]) -> FloatArray:
    """Make a picture as large as the network takes it.

    Parameters
    ----------
    picture : ndarray of shape (3, height, width), uint8 or float32 of 0 to 1

    Returns
    -------
    ndarray of shape (3, 224, 224), float32 of 0 to 1
        Stretched to a square, bilinear without antialiasing, as in training.
    """
    values = torch.tensor(picture[None], dtype=torch.float32)
    if picture.dtype == np.uint8:
        values /= 255.0
    if values.shape[-2:] != (PICTURE_SIDE, PICTURE_SIDE):
        side = (PICTURE_SIDE, PICTURE_SIDE)
        values = functional.interpolate(values, size=side, mode="bilinear", align_corners=False)
    stretched: FloatArray = values[0].numpy()
    return stretched


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

    @property
    def map_shape(self) -> tuple[int, ...]:
        """Shape of one picture's maps: 18, 18, layers, readout width."""
        side = GRID_SIDE + 2
        return (side, side, len(self._layers), int(self._file["readout.weight"].shape[1]))

    def features(self, pictures: torch.Tensor) -> FloatArray:
        """Run the network on some pictures.

        Parameters
        ----------
        pictures : Tensor of shape (n, 3, 224, 224), float32
            Normalised with ImageNet's mean and deviation.

        Returns
        -------
        ndarray of shape (n, 18, 18, n_layers, readout_width), float32
        """
        taps = self._taps(pictures.to(self._device))
        convolve = GridConvolution() if self._device.type == "cpu" else convolve_directly
        maps, constants = [], []
        for tap, tokens in enumerate(taps):
            grid = tokens[:, 1:].unflatten(1, (GRID_SIDE, GRID_SIDE))
            constants.append(self._summary(tap, tokens[:, 0], grid))
            maps.append(self._stack(tap, grid, convolve))
        padded = pad_maps(torch.stack(maps, 3), torch.stack(constants, 1))
        values: FloatArray = padded.cpu().numpy()
        return values

    def read_out(self, maps: FloatArray, rows: IntArray | None = None) -> FloatArray:
        """Responses of readout rows, (n_pictures, n_rows) float32; default all rows."""
        weight, bias, coefficients = (
            self._get("readout." + name) for name in ("weight", "bias", "coefficients")
        )
        values = torch.from_numpy(maps).to(self._device)
        starts = self._cell_starts
        response = _huze_readout.read_out(values, weight, bias, coefficients, starts, rows)
        out: FloatArray = response.cpu().numpy()
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

    def _add_linear(self, name: str, values: torch.Tensor, total: torch.Tensor) -> None:
        """Add a linear layer's output to ``total``, without memory of its own."""
        total += self._get(name + ".bias")
        weight = self._get(name + ".weight")
        total.flatten(0, 1).addmm_(values.flatten(0, 1), weight.T)

    def _norm(self, name: str, values: torch.Tensor) -> torch.Tensor:
        weight, bias = self._get(name + ".weight"), self._get(name + ".bias")
        return functional.layer_norm(values, weight.shape, weight, bias, _NORM_EPSILON)

    def _taps(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """Output of the tapped blocks, each (n, 1 + 256, width); no final norm."""
        pieces = [self._embed(piece) for piece in pictures.split(_AT_ONCE)]
        taps = []
        for number in range(self._n_blocks):
            for piece in pieces:
                self._block(f"blocks.{number}.", piece)
            if number in self._layers:
                taps.append(torch.cat(pieces))
            self.release()
        return taps

    def _embed(self, pictures: torch.Tensor) -> torch.Tensor:
        """Class token and patches with their positions, (n, 1 + 256, width)."""
        weight, bias = self._get("patch.weight"), self._get("patch.bias")
        patches = functional.conv2d(pictures, weight, bias, stride=_PATCH_SIDE)
        tokens = self._get("tokens").repeat(len(pictures), 1, 1)
        tokens[:, 1:] += patches.flatten(2).transpose(1, 2)
        return tokens

    def _block(self, name: str, tokens: torch.Tensor) -> None:
        """Run one pre-norm block on ``tokens`` themselves; LayerScale is in the weights."""
        qkv = self._linear(name + "qkv", self._norm(name + "norm1", tokens))
        query, key, value = qkv.unflatten(-1, (3, self._n_heads, -1)).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(query, key, value)
        self._add_linear(name + "proj", attended.transpose(1, 2).flatten(2), tokens)
        hidden = self._linear(name + "fc1", self._norm(name + "norm2", tokens))
        self._add_linear(name + "fc2", functional.gelu(hidden), tokens)

    def _summary(self, tap: int, first: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        """Summarise the whole picture at one layer, (n, readout_width)."""
        is_last_block = self._layers[tap] == self._n_blocks - 1
        values = first if is_last_block else torch.cat([grid.mean((1, 2)), grid.amax((1, 2))], 1)
        hidden = functional.gelu(self._linear(f"cls.{tap}.fc1", values))
        return self._linear(f"cls.{tap}.fc2", hidden)

    def _stack(self, tap: int, grid: torch.Tensor, convolve: Convolution) -> torch.Tensor:
        """Two residual convolutions and one that sets the width, (n, 16, 16, readout_width)."""
        for step in (0, 1):
            name = f"conv.{tap}.{step}."
            change = self._norm(name + "norm", convolve(grid, self._get(name + "weight")))
            grid = grid + functional.silu(change)
            self.release()
        values = functional.silu(convolve(grid, self._get(f"conv.{tap}.2.weight")))
        self.release()
        return values
