"""MOSAIC's eight-layer network and its factorised readout: the arithmetic and the safe files.

Block: convolution without bias, batch norm, ReLU; average pooling after every second block.
Readout of one vertex: a weight per channel times a mask over the picture, summed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from models.encoders._mapped import MappedArray
from models.encoders._winograd import Scratch, WinogradConvolution, transform_filters
from models.errors import WeightsError
from models.types import FloatArray, IntArray
from models.weights.convert import write_rows

__all__ = ["Core", "Head", "convert_core", "convert_head"]

N_BLOCKS = 8
_CORE = "module.core."
_BATCH_NORM_EPSILON = 1e-5
_MASK_EPSILON = 1e-6

#: Vertices multiplied at once: the product with one picture's maps stays in the cache.
_VERTICES_AT_ONCE = 1024

State = Mapping[str, torch.Tensor]


def convert_core(state: State, folder: Path) -> None:
    """Fold each batch norm into its convolution and transform the filters once.

    Parameters
    ----------
    state : mapping of str to torch.Tensor
        The checkpoint; only ``module.core`` is read.
    folder : Path
        Gets ``block<b>_weight.npy``, ``block<b>_bias.npy`` and, from block 2 on,
        ``block<b>_winograd.npy``.

    Raises
    ------
    WeightsError
        A tensor is missing or its shape does not fit.
    """
    for number in range(1, N_BLOCKS + 1):
        weight, bias = _folded_block(state, number)
        np.save(folder / f"block{number}_weight.npy", weight.astype(np.float32))
        np.save(folder / f"block{number}_bias.npy", bias.astype(np.float32))
        if number > 1:
            np.save(folder / f"block{number}_winograd.npy", transform_filters(weight))


def _folded_block(state: State, number: int) -> tuple[FloatArray, FloatArray]:
    """Weight (n_out, n_in, k, k) and bias (n_out,) that do convolution and norm, float64."""
    prefix = f"{_CORE}block{number}."
    weight = _take(state, f"{prefix}0.weight").astype(np.float64)
    gain, shift, mean, variance = (
        _take(state, f"{prefix}1.{name}").astype(np.float64)
        for name in ("weight", "bias", "running_mean", "running_var")
    )
    if weight.ndim != 4 or weight.shape[2] != weight.shape[3] or gain.shape != weight.shape[:1]:
        raise WeightsError(f"Block {number} of the checkpoint has tensors of unfitting shapes.")
    scale = gain / np.sqrt(variance + _BATCH_NORM_EPSILON)
    return weight * scale[:, None, None, None], shift - mean * scale


def convert_head(state: State, subject: str, folder: Path) -> None:
    """Write one subject's readout with each mask divided by its length.

    Parameters
    ----------
    state : mapping of str to torch.Tensor
        The checkpoint.
    subject : str
        E.g. ``"sub-01"``.
    folder : Path
        Gets ``features.npy`` (n_vertices, n_channels), ``masks.npy`` (n_vertices, n_pixels) and
        ``bias.npy`` (n_vertices,).

    Raises
    ------
    WeightsError
        A tensor is missing or its shape does not fit.
    """
    prefix = f"module.subject_readouts.{subject}_NSD."
    features = _take(state, f"{prefix}_features")
    masks = _take(state, f"{prefix}spatial")
    bias = _take(state, f"{prefix}bias")
    if masks.ndim != 3 or features.ndim != 2 or not len(masks) == len(features) == len(bias):
        raise WeightsError(f"The readout of {subject} has tensors of unfitting shapes.")
    masks = masks.reshape(len(masks), -1)

    def blocks(rows: NDArray[Any]) -> Iterator[FloatArray]:
        for start in range(0, len(rows), _VERTICES_AT_ONCE):
            yield rows[start : start + _VERTICES_AT_ONCE]

    def normalised() -> Iterator[FloatArray]:
        for block in blocks(masks):
            length = np.sqrt((block.astype(np.float64) ** 2).sum(1, keepdims=True))
            yield block / (length + _MASK_EPSILON)

    write_rows(folder / "features.npy", features.shape, "<f4", blocks(features))
    write_rows(folder / "masks.npy", masks.shape, "<f4", normalised())
    write_rows(folder / "bias.npy", bias.shape, "<f4", [bias])


def _take(state: State, key: str) -> NDArray[Any]:
    """One tensor of a checkpoint as an array."""
    if key not in state:
        raise WeightsError(f"The checkpoint lacks {key}: it is not MOSAIC's CNN8.")
    array: NDArray[Any] = state[key].numpy()
    return array


class Core:
    """The shared part: picture to channel maps.

    Parameters
    ----------
    folder : Path
        From :func:`convert_core`.
    device : torch.device
    is_winograd : bool, optional
        Whether blocks 2 to 8 run as Winograd convolutions; by itself on a processor only.

    Attributes
    ----------
    n_channels : int
        Maps of a picture.
    """

    #: Pixels along each side of the maps of a picture of 224 x 224.
    side = 26

    def __init__(self, folder: Path, device: torch.device, is_winograd: bool | None = None) -> None:
        self.device = device
        self._is_winograd = device.type == "cpu" if is_winograd is None else is_winograd
        self._blocks = [self._load(folder, number) for number in range(1, N_BLOCKS + 1)]
        self._scratch = Scratch()
        self._lock = threading.Lock()
        self.n_channels = MappedArray(folder / f"block{N_BLOCKS}_bias.npy").shape[0]

    def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
        """Channel maps of normalised pictures.

        Parameters
        ----------
        pictures : torch.Tensor of shape (n_pictures, 3, height, width), float32
            On the device.

        Returns
        -------
        torch.Tensor of shape (n_pictures, n_channels, height', width'), float32
            26 x 26 maps for pictures of 224 x 224.
        """
        maps = pictures
        with self._lock:  # one pass at a time uses the buffers; a second would gain no speed
            for number, (run, padding) in enumerate(self._blocks, start=1):
                if isinstance(run, WinogradConvolution):
                    maps = run(maps, padding, self._scratch)
                else:
                    maps = functional.conv2d(maps, *run, padding=padding).relu_()
                if number % 2 == 0:
                    maps = functional.avg_pool2d(maps, 2, stride=1 if number == N_BLOCKS else 2)
            return maps  # pooled last, so it lies in memory of its own

    def _load(self, folder: Path, number: int) -> tuple[Any, int]:
        """How to convolve in one block, and its padding."""
        weight = MappedArray(folder / f"block{number}_weight.npy")
        bias = torch.from_numpy(MappedArray(folder / f"block{number}_bias.npy").array)
        kernel = weight.shape[-1]
        padding = 1 if number == 1 else kernel // 2
        if self._is_winograd and number > 1:
            filters = MappedArray(folder / f"block{number}_winograd.npy")
            return WinogradConvolution(torch.from_numpy(filters.array), bias, kernel), padding
        on_device = torch.from_numpy(weight.array).to(self.device), bias.to(self.device)
        return on_device, padding


class Head:
    """One subject's readout, mapped; rows are read when they are asked for.

    Parameters
    ----------
    folder : Path
        From :func:`convert_head`.
    """

    def __init__(self, folder: Path) -> None:
        self._features = MappedArray(folder / "features.npy")
        self._masks = MappedArray(folder / "masks.npy")
        self._bias = MappedArray(folder / "bias.npy")

    @property
    def n_vertices(self) -> int:
        """Vertices it predicts."""
        return self._features.shape[0]

    def __call__(self, maps: torch.Tensor, vertices: IntArray) -> FloatArray:
        """Responses of some vertices; the others are not computed.

        Parameters
        ----------
        maps : torch.Tensor of shape (n_pictures, n_channels, height, width), float32
        vertices : ndarray of shape (n_chosen,), int
            Rows of the readout.

        Returns
        -------
        ndarray of shape (n_pictures, n_chosen), float32
        """
        flat = maps.flatten(2)
        responses = torch.empty(len(flat), len(vertices), device=maps.device)
        for start in range(0, len(vertices), _VERTICES_AT_ONCE):
            chosen = vertices[start : start + _VERTICES_AT_ONCE]
            features, masks, bias = (
                torch.from_numpy(part.rows(chosen)).to(maps.device)
                for part in (self._features, self._masks, self._bias)
            )
            block = responses[:, start : start + _VERTICES_AT_ONCE]
            product = torch.empty(len(features), flat.shape[2], device=maps.device)
            for picture, out in zip(flat, block, strict=True):
                torch.mm(features, picture, out=product)
                torch.sum(product.mul_(masks), dim=1, out=out)
            block += bias
            self._features.release()
            self._masks.release()
        values: FloatArray = responses.cpu().numpy()
        return values
