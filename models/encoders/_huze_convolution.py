"""huze's 5 x 5 convolutions of 16 x 16 maps with a sixth of the multiplications.

Winograd's minimal filtering F(4 x 4, 5 x 5), as in :mod:`models.encoders._winograd`, for small
maps and many channels: channels lie innermost, as the transformer gives them, all pictures' tiles
go into one product per frequency, and the filters are transformed anew for each convolution, a
few at a time, because all of them transformed would fill more than a gigabyte.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from models.encoders._winograd import TILE, Scratch, winograd_matrices

__all__ = ["GridConvolution", "convolve_directly"]

_KERNEL = 5
_PADDING = _KERNEL // 2
_WINDOW = TILE + _KERNEL - 1
_N_FREQUENCIES = _WINDOW**2
_FILTERS_AT_ONCE = 64  # transformed, 13 MB: few enough to be multiplied while still in the cache


def convolve_directly(maps: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """Convolve as :class:`GridConvolution` does, by torch's own operation."""
    result = functional.conv2d(maps.permute(0, 3, 1, 2), kernel, padding=_PADDING)
    return result.permute(0, 2, 3, 1)


class GridConvolution:
    """Convolution with a 5 x 5 kernel, zero padding 2, in float32 on the processor.

    Holds its buffers as long as it lives: make one for a pass and let it go. Not to be shared
    between threads.
    """

    def __init__(self) -> None:
        self._scratch = Scratch()
        output, filters, data = winograd_matrices(TILE, _KERNEL)
        self._output, self._filter, self._data = (
            torch.from_numpy(np.kron(matrix, matrix).astype(np.float32))
            for matrix in (output, filters, data)
        )

    def __call__(self, maps: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        """Convolve.

        Parameters
        ----------
        maps : Tensor of shape (n, height, width, n_in), float32
            Height and width are multiples of 4.
        kernel : Tensor of shape (n_out, n_in, 5, 5), float32

        Returns
        -------
        Tensor of shape (n, height, width, n_out), float32
        """
        n, height, width, _ = maps.shape
        n_out = len(kernel)
        n_down, n_across = height // TILE, width // TILE
        spectrum = self._spectrum(maps, n_down, n_across)
        out = torch.empty(n, n_down, TILE, n_across, TILE, n_out)
        for start in range(0, n_out, _FILTERS_AT_ONCE):
            some = kernel[start : start + _FILTERS_AT_ONCE]
            values = self._multiply(spectrum, some)
            values = values.view(TILE, TILE, n, n_down, n_across, len(some))
            out[..., start : start + len(some)] = values.permute(2, 3, 0, 4, 1, 5)
        return out.view(n, height, width, n_out)

    def _spectrum(self, maps: torch.Tensor, n_down: int, n_across: int) -> torch.Tensor:
        """Transform the tiles of all pictures, (64, n_tiles, n_in)."""
        n_in = maps.shape[-1]
        padded = functional.pad(maps, (0, 0, *(_PADDING,) * 4))
        windows = padded.unfold(1, _WINDOW, TILE).unfold(2, _WINDOW, TILE)
        data = self._scratch.get("data", _WINDOW, _WINDOW, len(maps), n_down, n_across, n_in)
        data.copy_(windows.permute(4, 5, 0, 1, 2, 3))
        n_tiles = len(maps) * n_down * n_across
        spectrum = self._scratch.get("spectrum", _N_FREQUENCIES, n_tiles * n_in)
        torch.mm(self._data, data.view(_N_FREQUENCIES, -1), out=spectrum)
        return spectrum.view(_N_FREQUENCIES, n_tiles, n_in)

    def _multiply(self, spectrum: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        """Tiles of some filters' output, (16, n_tiles * n_filters)."""
        n_tiles, n_in = spectrum.shape[1:]
        n_filters = len(kernel)
        filters = self._scratch.get("filters", _N_FREQUENCIES, n_filters * n_in)
        torch.mm(self._filter, kernel.reshape(-1, _KERNEL**2).T, out=filters)
        filters = filters.view(_N_FREQUENCIES, n_filters, n_in)
        product = self._scratch.get("product", _N_FREQUENCIES, n_tiles, n_filters)
        torch.bmm(spectrum, filters.transpose(1, 2), out=product)
        values = self._scratch.get("values", TILE**2, n_tiles * n_filters)
        torch.mm(self._output, product.view(_N_FREQUENCIES, -1), out=values)
        return values
