"""huze's readout as dense products: vertices grouped by the grid cell they look at.

Each vertex samples the 16 x 16 maps at one constant place, bilinearly: four corners of one cell.
Vertices of a cell share the corners, so their samples are one matrix product of the cell's
4 corners x layers x pictures with their weights, and then a short sum with each vertex's own
coefficients. With zeros outside the maps there are 17 x 17 cells.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from models.types import FloatArray, IntArray

__all__ = ["GRID_SIDE", "N_CELLS", "cell_coefficients", "pad_maps", "read_out", "sort_by_cell"]

GRID_SIDE = 16
_CELLS_A_SIDE = GRID_SIDE + 1
N_CELLS = _CELLS_A_SIDE**2

_ROWS = 8192  # whose samples are held at once: 2 MB for four pictures, so they stay in the cache
_PICTURES = 16  # at once: bounds the samples


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
    coefficients : ndarray of shape (4 * n_layers, n), float32
        Upper left, upper right, lower left, lower right; within each, the layers.
    """
    place = ((position + 1) * GRID_SIDE - 1) / 2  # in pixels of the map, as torch's grid_sample
    corner = np.clip(np.floor(place), -1, GRID_SIDE - 1)
    x, y = (place - corner).T
    x0, y0 = (corner.astype(np.int64) + 1).T  # 0 is the pad
    shares = selector.T / np.float32(readout_width)
    corners = ((1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y)
    coefficients = np.concatenate([corner * shares for corner in corners])
    return y0 * _CELLS_A_SIDE + x0, coefficients.astype(np.float32, copy=False)


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
    maps : Tensor of shape (n_pictures, 16, 16, n_layers, width)
    constants : Tensor of shape (n_pictures, n_layers, width)

    Returns
    -------
    Tensor of shape (n_pictures, 18, 18, n_layers, width)
    """
    side = GRID_SIDE + 2
    padded = constants[:, None, None].repeat(1, side, side, 1, 1)
    padded[:, 1:-1, 1:-1] += maps
    return padded


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
        Sorted by cell, as are ``bias`` (n,) and ``coefficients`` (4 * n_layers, n).
    cell_starts : ndarray of shape (290,), int
        First row of each cell, and the end.
    rows : ndarray of int, optional
        Rows wanted, rising; default all. Only these are read from ``weight``.

    Returns
    -------
    Tensor of shape (n_pictures, n_wanted), float32
    """
    ends = cell_starts if rows is None else np.searchsorted(rows, cell_starts)
    n_rows = int(ends[-1])
    chosen = None if rows is None else torch.from_numpy(np.asarray(rows, np.int64))
    out = torch.empty(len(maps), n_rows, device=maps.device)
    for start in range(0, n_rows, _ROWS):
        stop = min(start + _ROWS, n_rows)
        where = slice(start, stop) if chosen is None else chosen[start:stop]
        own = weight[where], coefficients[:, where]
        runs = list(_runs(ends, start, stop))
        for first in range(0, len(maps), _PICTURES):
            some = slice(first, first + _PICTURES)
            out[some, start:stop] = _read_rows(maps[some], *own, runs)
        out[:, start:stop] += bias[where]
    return out


def _runs(ends: IntArray, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Cells that have rows between ``start`` and ``stop``, and which rows, counted from there."""
    first = int(np.searchsorted(ends, start, side="right")) - 1
    after_last = int(np.searchsorted(ends, stop, side="left"))
    for cell in range(first, after_last):
        low, high = max(int(ends[cell]), start), min(int(ends[cell + 1]), stop)
        if high > low:
            yield cell, low - start, high - start


def _read_rows(
    maps: torch.Tensor,
    weight: torch.Tensor,
    coefficients: torch.Tensor,
    runs: list[tuple[int, int, int]],
) -> torch.Tensor:
    """Responses of successive rows without their bias, (n_pictures, n_rows)."""
    n_samples, width = maps[:, :2, :2].numel() // maps.shape[-1], maps.shape[-1]
    samples = torch.empty(n_samples, len(weight), device=maps.device)
    for cell, low, high in runs:
        row, column = divmod(cell, _CELLS_A_SIDE)
        corners = maps[:, row : row + 2, column : column + 2].reshape(n_samples, width)
        torch.mm(corners, weight[low:high].T, out=samples[:, low:high])
    return samples.view(len(maps), -1, len(weight)).mul_(coefficients).sum(1)
