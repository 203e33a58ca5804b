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

from models.encoders._mapped import MappedArray, Table
from models.encoders._winograd import Scratch, WinogradConvolution, transform_filters
from models.errors import WeightsError
from models.types import FloatArray, IntArray
from models.weights.convert import write_rows

__all__ = ["Core", "Head", "convert_core", "convert_head", "has_head"]

N_BLOCKS = 8
_CORE = "module.core."
_BATCH_NORM_EPSILON = 1e-5
_MASK_EPSILON = 1e-6

#: Vertices and pictures multiplied at once: their product is 12 MB, whatever is asked.
_VERTICES_AT_ONCE, _PICTURES_AT_ONCE = 2048, 4

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
    prefix = _head_prefix(subject)
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


def has_head(state: State, subject: str) -> bool:
    """Whether a checkpoint holds one subject's readout."""
    return f"{_head_prefix(subject)}spatial" in state


def _head_prefix(subject: str) -> str:
    """Begin the names of one subject's tensors."""
    return f"module.subject_readouts.{subject}_NSD."


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
    dtype : torch.dtype
        Type to convolve in. In float32 on a processor, blocks 2 to 8 run as Winograd
        convolutions; a shorter type runs directly, channels last.
    is_winograd : bool, optional
        Decides that otherwise.

    Attributes
    ----------
    n_channels : int
        Maps of a picture.
    """

    #: Pixels along each side of the maps of a picture of 224 x 224.
    side = 26

    def __init__(
        self,
        folder: Path,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        is_winograd: bool | None = None,
    ) -> None:
        self.device = device
        self.dtype = dtype
        is_usual = device.type == "cpu" and dtype == torch.float32
        self._is_winograd = is_usual if is_winograd is None else is_winograd
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
        maps = pictures.to(self.dtype)
        with self._lock:  # one pass at a time uses the buffers; a second would gain no speed
            for number, (run, padding) in enumerate(self._blocks, start=1):
                if isinstance(run, WinogradConvolution):
                    maps = run(maps, padding, self._scratch)
                else:
                    maps = functional.conv2d(maps, *run, padding=padding).relu_()
                if number == N_BLOCKS:
                    maps = maps.float()
                if number % 2 == 0:
                    maps = functional.avg_pool2d(maps, 2, stride=1 if number == N_BLOCKS else 2)
            return maps.contiguous()  # pooled last, so it lies in memory of its own

    def _load(self, folder: Path, number: int) -> tuple[Any, int]:
        """How to convolve in one block, and its padding."""
        stored = MappedArray(folder / f"block{number}_weight.npy")
        bias = torch.from_numpy(MappedArray(folder / f"block{number}_bias.npy").array)
        kernel = stored.shape[-1]
        padding = 1 if number == 1 else kernel // 2
        if self._is_winograd and number > 1:
            filters = MappedArray(folder / f"block{number}_winograd.npy")
            return WinogradConvolution(torch.from_numpy(filters.array), bias, kernel), padding
        weight = torch.from_numpy(stored.array).to(self.device, self.dtype)
        if self.dtype != torch.float32:
            weight = weight.contiguous(memory_format=torch.channels_last)
        if self.dtype != torch.float32 or self.device.type != "cpu":  # then it is a copy
            stored.release()
        return (weight, bias.to(self.device, self.dtype)), padding


class Head:
    """One subject's readout; only the rows that are asked for are read.

    Parameters
    ----------
    folder : Path
        From :func:`convert_head`.
    device : torch.device, optional
        Default the processor.
    is_kept : bool, optional
        As for :class:`Table`.
    """

    def __init__(
        self, folder: Path, device: torch.device | None = None, is_kept: bool | None = None
    ) -> None:
        self._features, self._masks, self._bias = (
            Table(folder / f"{name}.npy", device or torch.device("cpu"), is_kept)
            for name in ("features", "masks", "bias")
        )

    @property
    def n_vertices(self) -> int:
        """Vertices it predicts."""
        return self._features.shape[0]

    def __call__(
        self, maps: torch.Tensor, vertices: IntArray, dtype: torch.dtype = torch.float32
    ) -> FloatArray:
        """Responses of some vertices; the others are not computed.

        Parameters
        ----------
        maps : torch.Tensor of shape (n_pictures, n_channels, height, width), float32
        vertices : ndarray of shape (n_chosen,), int
            Rows of the readout.
        dtype : torch.dtype
            Type to multiply masks and maps in; the sum over channels is float32.

        Returns
        -------
        ndarray of shape (n_pictures, n_chosen), float32
        """
        n_pictures, n_channels = maps.shape[:2]
        # Masks times maps, several pictures in one product. The other way round, features times
        # maps, the product would have pixels for columns, which are more than the channels.
        columns = maps.to(dtype).flatten(2).permute(2, 0, 1)
        groups = [group.flatten(1) for group in columns.split(_PICTURES_AT_ONCE, dim=1)]
        responses = torch.empty(len(vertices), n_pictures, device=maps.device)
        for start in range(0, len(vertices), _VERTICES_AT_ONCE):
            chosen, first = vertices[start : start + _VERTICES_AT_ONCE], 0
            masks = self._masks.rows(chosen).to(dtype)
            features, bias = self._features.rows(chosen), self._bias.rows(chosen)[:, None]
            for group in groups:
                product = (masks @ group).float().view(len(masks), -1, n_channels)
                out = responses[start : start + len(masks), first : first + product.shape[1]]
                torch.add(torch.bmm(product, features[:, :, None])[:, :, 0], bias, out=out)
                first += product.shape[1]
            self._features.release()
            self._masks.release()
        values: FloatArray = responses.T.contiguous().cpu().numpy()
        return values
