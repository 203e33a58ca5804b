"""Pieces of huze against torch's own operations."""

import numpy as np
import torch
from torch.nn import functional

from models.encoders._huze_convolution import GridConvolution
from models.encoders._huze_readout import (
    N_CELLS,
    cell_coefficients,
    pad_maps,
    read_out,
    sort_by_cell,
)

N_PICTURES, N_LAYERS, WIDTH, N_ROWS = 3, 2, 5, 4000


def readout_case(seed=0):
    """Random maps and rows, and the response by torch's grid_sample, vertex by vertex."""
    rng = np.random.default_rng(seed)
    maps = torch.from_numpy(rng.normal(size=(N_PICTURES, N_LAYERS, WIDTH, 16, 16))).float()
    constants = torch.from_numpy(rng.normal(size=(N_PICTURES, N_LAYERS, WIDTH))).float()
    position = rng.uniform(-0.99, 0.99, (N_ROWS, 2)).astype(np.float32)
    position[:4] = [(-0.99, -0.99), (0.99, 0.99), (0.99, -0.99), (0, 0)]
    selector = rng.dirichlet(np.ones(N_LAYERS), N_ROWS).astype(np.float32)
    weight = torch.from_numpy(rng.normal(size=(N_ROWS, WIDTH))).float()
    bias = torch.from_numpy(rng.normal(size=N_ROWS)).float()
    grid = torch.from_numpy(position).view(1, -1, 1, 2).expand(N_PICTURES, -1, -1, -1)
    total = torch.zeros(N_PICTURES, N_ROWS, WIDTH)
    for layer in range(N_LAYERS):
        sample = functional.grid_sample(maps[:, layer], grid, align_corners=False)[..., 0]
        sample = sample.transpose(1, 2) + constants[:, layer, None]
        total += torch.from_numpy(selector[:, layer]).view(1, -1, 1) * sample
    expected = (total * weight).mean(-1) + bias
    return maps, constants, position, selector, weight, bias, expected


def test_grouped_readout_is_bilinear_sampling_with_zeros_outside():
    maps, constants, position, selector, weight, bias, expected = readout_case()
    cells, coefficients = cell_coefficients(position, selector, WIDTH)
    order, starts = sort_by_cell(cells)
    assert (starts[0], starts[-1], len(starts)) == (0, N_ROWS, N_CELLS + 1)
    padded = pad_maps(maps, constants)
    arrays = (weight[order], bias[order], torch.from_numpy(coefficients[order]), starts)
    values = read_out(padded, *arrays)
    torch.testing.assert_close(values, expected[:, order], rtol=0, atol=2e-6)
    rows = np.arange(5, N_ROWS, 7)
    some = read_out(padded, *arrays, rows)
    torch.testing.assert_close(some, values[:, rows], rtol=0, atol=1e-6)
    assert read_out(padded, *arrays, rows[:0]).shape == (N_PICTURES, 0)


def test_grouped_convolution_is_convolution():
    rng = np.random.default_rng(1)
    maps = torch.from_numpy(rng.normal(size=(3, 24, 16, 16))).float()
    convolve = GridConvolution()
    for n_out in (24, 8):  # the buffers are used again in another size
        kernel = torch.from_numpy(rng.normal(size=(n_out, 24, 5, 5)) / 25).float()
        expected = functional.conv2d(maps.double(), kernel.double(), padding=2)
        torch.testing.assert_close(convolve(maps, kernel).double(), expected, rtol=0, atol=3e-5)
