"""huze's readout as it is written: what the coordinate nets say of each vertex, rows by cell.

The nets depend on the vertex alone, so they are evaluated once, at conversion. Rows are gathered
by passing over the published weights several times, because a gather in one go would have all of
them in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import torch
from torch.nn import functional

from models.encoders._huze_checkpoint import HuzeShape, take
from models.encoders._huze_readout import cell_coefficients, sort_by_cell
from models.encoders._tensor_file import TensorToWrite
from models.types import BoolArray, FloatArray, IntArray

__all__ = ["Release", "readout_tensors"]

#: Takes pages of tensors of a mapped file out of memory; nothing for other tensors.
Release = Callable[[Iterable[torch.Tensor]], None]

_CHUNK = 8192  # points in the nets at once
_ROWS_KEPT = 40_000  # gathered at once: 40 MB
_ROWS_READ = 32_768  # passed over at once


def readout_tensors(
    state: Mapping[str, torch.Tensor],
    subject: str,
    shape: HuzeShape,
    vertices: IntArray,
    sigma: float,
    is_kept: BoolArray | None,
    release: Release,
) -> list[TensorToWrite]:
    """Readout rows sorted by cell, with what the coordinate nets say of them.

    Parameters
    ----------
    state : mapping of str to Tensor
        One part, as in the file.
    subject : str
    shape : HuzeShape
    vertices : ndarray of shape (n_voxels,), int
        Global vertex of each row.
    sigma : float
        Margin of the retina mapper.
    is_kept : ndarray of shape (n_voxels,), bool, optional
        Rows to keep; default all.
    release : callable
        Called with tensors that have been read.
    """
    coordinates = take(state, f"coord_dict.{subject}").float()
    position, selector = _retina(state, subject, coordinates, sigma)
    kept = np.arange(shape.n_voxels) if is_kept is None else np.flatnonzero(is_kept)
    cells, coefficients = cell_coefficients(position[kept], selector[kept], shape.readout_width)
    order, starts = sort_by_cell(cells)
    rows = kept[order]
    coefficients = coefficients[:, order]
    weight = take(state, f"model.voxel_outs_weight.{subject}.weight")
    bias = take(state, f"model.voxel_outs_weight.{subject}.bias").float().numpy()[rows]
    places, n_rows = vertices[rows], len(rows)
    sizes = (n_rows, shape.readout_width)
    return [
        TensorToWrite("readout.places", (n_rows,), lambda: (places,), "int32"),
        TensorToWrite("readout.cell_starts", starts.shape, lambda: (starts,), "int32"),
        TensorToWrite("readout.coefficients", coefficients.shape, lambda: (coefficients,)),
        TensorToWrite("readout.bias", (n_rows,), lambda: (bias,)),
        TensorToWrite("readout.weight", sizes, lambda: _gather(weight, rows, release)),
    ]


def _gather(weight: torch.Tensor, rows: IntArray, release: Release) -> Iterator[FloatArray]:
    """Give some rows in any order, a block at a time, letting go of what was passed over."""
    for start in range(0, len(rows), _ROWS_KEPT):
        wanted = rows[start : start + _ROWS_KEPT]
        block = np.empty((len(wanted), weight.shape[1]), np.float32)
        rising = np.argsort(wanted)
        bounds = np.arange(0, len(weight) + _ROWS_READ, _ROWS_READ)
        ends = np.searchsorted(wanted[rising], bounds)
        for first, low, high in zip(bounds, ends, ends[1:], strict=False):
            passed = weight[first : first + _ROWS_READ]
            here = rising[low:high]
            block[here] = passed.float().numpy()[wanted[here] - first]
            release([passed])
        yield block


def _retina(
    state: Mapping[str, torch.Tensor], subject: str, coordinates: torch.Tensor, sigma: float
) -> tuple[FloatArray, FloatArray]:
    """Where each vertex looks, (n, 2) in ±(1 - sigma), and its weights of layers, (n, n_layers)."""
    low, high = coordinates.min(0).values, coordinates.max(0).values
    positions, selectors = [], []
    for chunk in coordinates.split(_CHUNK):
        code = _point_code(chunk, low, high)
        selectors.append(_small_net(state, f"model.layer_selector.{subject}", code).softmax(-1))
        mapped = _small_net(state, f"model.retina_mapper.{subject}", code)
        positions.append(mapped.tanh() * (1 - sigma))
    return torch.cat(positions).numpy(), torch.cat(selectors).numpy()


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
        weight, bias = (take(state, f"{name}.mlp.{number}.{kind}") for kind in ("weight", "bias"))
        values = functional.linear(values, weight.float(), bias.float())
        values = functional.gelu(values) if number < 5 else values
    return values
