"""huze's 5 x 5 convolutions of 16 x 16 maps with a sixth of the multiplications.

Winograd's minimal filtering F(4 x 4, 5 x 5), as in :mod:`models.encoders._winograd`, for small
maps and many channels: all pictures' tiles go into one product per frequency, and the filters
are transformed anew for each convolution into one buffer, because all of them transformed would
fill a gigabyte.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from models.encoders._winograd import TILE, Scratch, winograd_matrices

__all__ = ["GridConvolution"]

_KERNEL = 5
_PADDING = _KERNEL // 2
_WINDOW = TILE + _KERNEL - 1


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
        maps : Tensor of shape (n, n_in, height, width), float32
            Height and width are multiples of 4.
        kernel : Tensor of shape (n_out, n_in, 5, 5), float32

        Returns
        -------
        Tensor of shape (n, n_out, height, width), float32
        """
        n, n_in, height, width = maps.shape
        n_out = len(kernel)
        n_down, n_across = height // TILE, width // TILE
        n_tiles = n * n_down * n_across
        n_frequencies = _WINDOW**2
        filters = self._scratch.get("filters", n_frequencies, n_out * n_in)
        torch.mm(self._filter, kernel.reshape(-1, _KERNEL**2).T, out=filters)
        padded = functional.pad(maps, (_PADDING,) * 4)
        windows = padded.unfold(2, _WINDOW, TILE).unfold(3, _WINDOW, TILE)
        data = self._scratch.get("data", _WINDOW, _WINDOW, n_in, n, n_down, n_across)
        data.copy_(windows.permute(4, 5, 1, 0, 2, 3))
        spectrum = self._scratch.get("spectrum", n_frequencies, n_in * n_tiles)
        torch.mm(self._data, data.view(n_frequencies, -1), out=spectrum)
        product = self._scratch.get("product", n_frequencies, n_out, n_tiles)
        torch.bmm(
            filters.view(n_frequencies, n_out, n_in),
            spectrum.view(n_frequencies, n_in, n_tiles),
            out=product,
        )
        values = self._scratch.get("data", TILE**2, n_out * n_tiles)
        torch.mm(self._output, product.view(n_frequencies, -1), out=values)
        tiles = values.view(TILE, TILE, n_out, n, n_down, n_across).permute(3, 2, 4, 0, 5, 1)
        return tiles.reshape(n, n_out, height, width)
