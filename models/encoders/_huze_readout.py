"""huze's readout as dense products: vertices grouped by the grid cell they look at.

Each vertex samples the 16 x 16 maps at one constant place, bilinearly: four corners of one cell.
Vertices of a cell share the corners, so their samples are one matrix product with the cell's
4 corners x layers x pictures, and a short dot product with each vertex's own coefficients. With
zeros outside the maps there are 17 x 17 cells.
"""

from __future__ import annotations

import numpy as np
import torch

from models.types import FloatArray, IntArray

__all__ = ["GRID_SIDE", "N_CELLS", "cell_coefficients", "pad_maps", "read_out", "sort_by_cell"]

GRID_SIDE = 16
_CELLS_A_SIDE = GRID_SIDE + 1
N_CELLS = _CELLS_A_SIDE**2

_CHUNK = 4096  # rows of one product
_PICTURES = 16  # at once: bounds the products


def cell_coefficients(
    position: FloatArray, selector: FloatArray, readout_width: int
) -> tuple[IntArray, FloatArray]:
    """Cell and coefficients of each vertex.

    Parameters
    ----------
    position : ndarray of shape (n, 2), float32
        Right and down, -1 to 1 from edge to edge of the map (``align_corners=False``).
    selector : ndarray of shape (n, n_layers), float32
        Weight of each layer.
    readout_width : int
        Channels; the readout is their mean, so coefficients are divided by it.

    Returns
    -------
    cells : ndarray of shape (n,), int
        ``row * 17 + column`` of the cell's upper left corner in the padded map.
    coefficients : ndarray of shape (n, 4 * n_layers), float32
        Upper left, upper right, lower left, lower right; within each, the layers.
    """
    place = ((position + 1) * GRID_SIDE - 1) / 2  # in pixels of the map, as torch's grid_sample
    corner = np.clip(np.floor(place), -1, GRID_SIDE - 1)
    x, y = (place - corner).T
    x0, y0 = (corner.astype(np.int64) + 1).T  # 0 is the pad
    corners = np.stack([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y], 1)
    weights = corners[:, :, None] * (selector[:, None, :] / np.float32(readout_width))
    return y0 * _CELLS_A_SIDE + x0, weights.reshape(len(weights), -1).astype(np.float32)


def sort_by_cell(cells: IntArray) -> tuple[IntArray, IntArray]:
    """Order that groups rows by cell, and where each cell starts, (290,)."""
    order = np.argsort(cells, kind="stable")
    starts = np.searchsorted(cells[order], np.arange(N_CELLS + 1))
    return order, starts


def pad_maps(maps: torch.Tensor, constants: torch.Tensor) -> torch.Tensor:
    """Put a border of zeros around maps and add each layer's constant everywhere.

    A vertex's four weights sum to 1, so a constant added to all corners, the border too, is added
    to the sample.

    Parameters
    ----------
    maps : Tensor of shape (n_pictures, n_layers, width, 16, 16)
    constants : Tensor of shape (n_pictures, n_layers, width)

    Returns
    -------
    Tensor of shape (n_pictures, 18, 18, n_layers, width)
    """
    padded = torch.nn.functional.pad(maps, (1, 1, 1, 1)) + constants[..., None, None]
    return padded.permute(0, 3, 4, 1, 2).contiguous()


def read_out(
    maps: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
    coefficients: torch.Tensor,
    cell_starts: IntArray,
    rows: IntArray | None = None,
) -> torch.Tensor:
    """Response of readout rows.

    Parameters
    ----------
    maps : Tensor of shape (n_pictures, 18, 18, n_layers, width), float32
        From :func:`pad_maps`.
    weight : Tensor of shape (n, width), float32
        Sorted by cell, as are ``bias`` (n,) and ``coefficients`` (n, 4 * n_layers).
    cell_starts : ndarray of shape (290,), int
        First row of each cell, and the end.
    rows : ndarray of int, optional
        Rows wanted, rising; default all. Only these are read from ``weight``.

    Returns
    -------
    Tensor of shape (n_pictures, n_wanted), float32
    """
    n_rows = len(weight) if rows is None else len(rows)
    out = torch.empty(len(maps), n_rows, device=maps.device)
    ends = cell_starts if rows is None else np.searchsorted(rows, cell_starts)
    chosen = None if rows is None else torch.from_numpy(np.asarray(rows, np.int64))
    for first in range(0, len(maps), _PICTURES):
        pictures = slice(first, first + _PICTURES)
        for cell in np.flatnonzero(np.diff(ends)):
            row, column = divmod(int(cell), _CELLS_A_SIDE)
            corners = maps[pictures, row : row + 2, column : column + 2]
            corners = corners.reshape(-1, maps.shape[-1]).T.contiguous()
            for start in range(int(ends[cell]), int(ends[cell + 1]), _CHUNK):
                stop = min(start + _CHUNK, int(ends[cell + 1]))
                where = slice(start, stop) if chosen is None else chosen[start:stop]
                samples = (weight[where].to(maps.device) @ corners).unflatten(
                    1, (out[pictures].shape[0], -1)
                )
                values = (samples * coefficients[where].to(maps.device)[:, None]).sum(-1)
                out[pictures, start:stop] = values.T + bias[where].to(maps.device)
    return out
