"""Convolution with fewer multiplications: Winograd's minimal filtering, in float32.

A tile of ``m x m`` outputs of an ``r x r`` filter is computed from an ``a x a`` window of the
input, ``a = m + r - 1``, as ``A^T [(G g G^T) . (B^T d B)] A``: per channel pair ``a^2`` products
instead of ``m^2 r^2``. For 5 x 5 filters and 4 x 4 tiles that is 64 against 400. The sums over
channels become ``a^2`` matrix products, which the processor does at its full rate; a direct
convolution already runs at that rate, so fewer products is the only way to be faster.

Lavin & Gray 2016, "Fast algorithms for convolutional neural networks" (CVPR). The three
matrices are Toom and Cook's, exact fractions from interpolation points of small size, which
keeps the rounding error near that of the direct sum.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np
import torch

from models.types import FloatArray

__all__ = ["Scratch", "WinogradConvolution", "transform_filters", "winograd_matrices"]

#: Interpolation points by window size; the last one, infinity, is implied. Small magnitudes
#: and plus-minus pairs have the least rounding error.
_POINTS = {
    6: (0, 1, -1, 2, -2),
    8: (0, 1, -1, 2, -2, Fraction(1, 2), Fraction(-1, 2)),
}

#: Outputs along each side of a tile. With 2 nothing is gained; with 6 the error is too large.
TILE = 4

#: Tiles transformed at once: bounds the scratch memory, and keeps the matrices in reach.
_TILES_AT_ONCE = 448

_FILTERS_AT_ONCE = 32


@lru_cache(maxsize=4)
def winograd_matrices(tile: int, kernel: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Matrices of the one-dimensional algorithm F(tile, kernel).

    Parameters
    ----------
    tile : int
        Outputs.
    kernel : int
        Taps of the filter; ``tile + kernel - 1`` must be 6 or 8.

    Returns
    -------
    output, filter, data : ndarray, float64
        A^T (tile, window), G (window, kernel) and B^T (window, window), so that
        ``output @ ((filter @ g) * (data @ d))`` are the ``tile`` correlations of ``d`` with ``g``.
    """
    window = tile + kernel - 1
    points = [Fraction(point) for point in _POINTS[window]]
    output = [[point**power for point in points] for power in range(tile)]
    for power, row in enumerate(output):
        row.append(Fraction(int(power == tile - 1)))
    filters, data = [], []
    for point in points:
        others = [other for other in points if other != point]
        scale = Fraction(1)
        for other in others:
            scale *= point - other
        filters.append([point**power / scale for power in range(kernel)])
        data.append([*_polynomial(others), Fraction(0)])
    filters.append([Fraction(int(power == kernel - 1)) for power in range(kernel)])
    data.append(_polynomial(points))
    as_floats = [np.array(matrix, dtype=np.float64) for matrix in (output, filters, data)]
    return as_floats[0], as_floats[1], as_floats[2]


def _polynomial(roots: list[Fraction]) -> list[Fraction]:
    """Coefficients of the product of (x - root), constant term first."""
    product = [Fraction(1)]
    for root in roots:
        shifted = [Fraction(0), *product]
        product = [
            high - root * low for high, low in zip(shifted, [*product, Fraction(0)], strict=True)
        ]
    return product


def transform_filters(weight: FloatArray, tile: int = TILE) -> FloatArray:
    """Bring filters into the form that the products need.

    Parameters
    ----------
    weight : ndarray of shape (n_out, n_in, kernel, kernel), float
    tile : int

    Returns
    -------
    ndarray of shape (window**2, n_out, n_in), float32
        Computed in double precision.
    """
    n_out, n_in, kernel, _ = weight.shape
    _, filters, _ = winograd_matrices(tile, kernel)
    both_axes = np.kron(filters, filters)
    transformed = np.empty((len(both_axes), n_out, n_in), np.float32)
    for start in range(0, n_out, _FILTERS_AT_ONCE):
        some = weight[start : start + _FILTERS_AT_ONCE].astype(np.float64)
        flat = some.reshape(-1, kernel**2)
        product = (both_axes @ flat.T).reshape(len(both_axes), -1, n_in)
        transformed[:, start : start + _FILTERS_AT_ONCE] = product
    return transformed


class Scratch:
    """Buffers used again and again; an eighth of the time goes into new memory otherwise."""

    def __init__(self) -> None:
        self._buffers: dict[str, torch.Tensor] = {}

    def get(self, name: str, *shape: int) -> torch.Tensor:
        """Uninitialised float32 tensor; it overwrites what ``name`` was before."""
        n_items = 1
        for length in shape:
            n_items *= length
        buffer = self._buffers.get(name)
        if buffer is None or buffer.numel() < n_items:
            buffer = self._buffers[name] = torch.empty(n_items, dtype=torch.float32)
        return buffer[:n_items].view(shape)


class WinogradConvolution:
    """Convolution with stride 1, bias and ReLU on the processor.

    Parameters
    ----------
    filters : torch.Tensor of shape (window**2, n_out, n_in), float32
        From :func:`transform_filters`.
    bias : torch.Tensor of shape (n_out,), float32
    kernel : int
        Taps along each side of the filters.
    """

    def __init__(self, filters: torch.Tensor, bias: torch.Tensor, kernel: int) -> None:
        output, _, data = winograd_matrices(TILE, kernel)
        self.kernel = kernel
        self.window = TILE + kernel - 1
        self._filters = filters
        self._bias = bias.view(1, -1, 1)
        self._data = torch.from_numpy(np.kron(data, data).astype(np.float32))
        self._output = torch.from_numpy(np.kron(output, output).astype(np.float32))

    def __call__(self, pictures: torch.Tensor, padding: int, scratch: Scratch) -> torch.Tensor:
        """Convolve, add the bias and cut off what is negative.

        Parameters
        ----------
        pictures : torch.Tensor of shape (n_pictures, n_in, height, width), float32
        padding : int
            Zeros added at each edge.
        scratch : Scratch
            Belongs to this thread.

        Returns
        -------
        torch.Tensor of shape (n_pictures, n_out, out_height, out_width), float32
            A view into the scratch memory, good until that is used again.
        """
        n_pictures, _, height, width = pictures.shape
        out_height = height + 2 * padding - self.kernel + 1
        out_width = width + 2 * padding - self.kernel + 1
        n_down, n_across = -(-out_height // TILE), -(-out_width // TILE)
        n_out = self._filters.shape[1]
        padded = self._pad(pictures, padding, n_down, n_across, scratch)
        tiles = scratch.get("tiles", n_pictures, n_out, n_down, TILE, n_across, TILE)
        rows_at_once = max(1, _TILES_AT_ONCE // n_across)
        for picture, out in zip(padded, tiles, strict=True):
            for top in range(0, n_down, rows_at_once):
                bottom = min(n_down, top + rows_at_once)
                strip = picture[:, top * TILE : (bottom - 1) * TILE + self.window]
                out[:, top:bottom] = self._convolve_strip(strip, n_across, scratch)
        whole = tiles.view(n_pictures, n_out, n_down * TILE, n_across * TILE)
        return whole[:, :, :out_height, :out_width]

    def _pad(
        self, pictures: torch.Tensor, padding: int, n_down: int, n_across: int, scratch: Scratch
    ) -> torch.Tensor:
        """Pictures with zeros around them, so large that the tiles cover the output."""
        n_pictures, n_in, height, width = pictures.shape
        full_height = n_down * TILE + self.kernel - 1
        full_width = n_across * TILE + self.kernel - 1
        padded = scratch.get("padded", n_pictures, n_in, full_height, full_width)
        padded[:, :, :padding] = 0
        padded[:, :, padding + height :] = 0
        padded[:, :, :, :padding] = 0
        padded[:, :, :, padding + width :] = 0
        padded[:, :, padding : padding + height, padding : padding + width] = pictures
        return padded

    def _convolve_strip(self, strip: torch.Tensor, n_across: int, scratch: Scratch) -> torch.Tensor:
        """Compute some rows of tiles: (n_out, n_down, tile, n_across, tile)."""
        window, n_in = self.window, len(strip)
        windows = strip.unfold(1, window, TILE).unfold(2, window, TILE)
        n_down = windows.shape[1]
        n_tiles = n_down * n_across
        n_out = self._filters.shape[1]
        data = scratch.get("data", window, window, n_in, n_down, n_across)
        data.copy_(windows.permute(3, 4, 0, 1, 2))
        transformed = scratch.get("transformed", window**2, n_in * n_tiles)
        torch.mm(self._data, data.view(window**2, -1), out=transformed)
        product = scratch.get("product", window**2, n_out, n_tiles)
        torch.bmm(self._filters, transformed.view(window**2, n_in, n_tiles), out=product)
        values = scratch.get("data", TILE**2, n_out * n_tiles)
        torch.mm(self._output, product.view(window**2, -1), out=values)
        values = values.view(TILE**2, n_out, n_tiles)
        values += self._bias
        values.relu_()
        return values.view(TILE, TILE, n_out, n_down, n_across).permute(2, 3, 0, 4, 1)
