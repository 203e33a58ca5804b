"""Pieces of huze against torch's own operations."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from models.encoders import _huze_readout
from models.encoders._huze_convolution import GridConvolution, convolve_directly
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
    padded = pad_maps(maps.permute(0, 3, 4, 1, 2), constants)
    arrays = (weight[order], bias[order], torch.from_numpy(coefficients[:, order]), starts)
    values = read_out(padded, *arrays)
    torch.testing.assert_close(values, expected[:, order], rtol=0, atol=2e-6)
    rows = np.arange(5, N_ROWS, 7)
    some = read_out(padded, *arrays, rows)
    torch.testing.assert_close(some, values[:, rows], rtol=0, atol=1e-6)
    assert read_out(padded, *arrays, rows[:0]).shape == (N_PICTURES, 0)


def test_rows_and_pictures_are_cut_for_memory_without_a_trace(monkeypatch):
    maps, constants, position, selector, weight, bias, expected = readout_case(1)
    cells, coefficients = cell_coefficients(position, selector, WIDTH)
    order, starts = sort_by_cell(cells)
    monkeypatch.setattr(_huze_readout, "_ROWS", 7)  # cells are cut in two, and share a step
    monkeypatch.setattr(_huze_readout, "_PICTURES", 2)
    padded = pad_maps(maps.permute(0, 3, 4, 1, 2), constants)
    arrays = (weight[order], bias[order], torch.from_numpy(coefficients[:, order]), starts)
    values = read_out(padded, *arrays)
    torch.testing.assert_close(values, expected[:, order], rtol=0, atol=2e-6)


def test_all_rows_in_one_cell_and_none_in_the_others():
    maps, constants, _, selector, weight, bias, _ = readout_case()
    middle = np.zeros((N_ROWS, 2), np.float32)  # where four pixels meet
    cells, coefficients = cell_coefficients(middle, selector, WIDTH)
    assert set(cells) == {8 * 17 + 8}
    order, starts = sort_by_cell(cells)
    np.testing.assert_array_equal(order, np.arange(N_ROWS))
    padded = pad_maps(maps.permute(0, 3, 4, 1, 2), constants)
    values = read_out(padded, weight, bias, torch.from_numpy(coefficients), starts)
    sample = maps[..., 7:9, 7:9].mean((-1, -2)) + constants  # (pictures, layers, width)
    mixed = torch.einsum("nl,plw->pnw", torch.from_numpy(selector), sample)
    expected = (mixed * weight).mean(-1) + bias
    torch.testing.assert_close(values, expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("convolve", [GridConvolution(), convolve_directly], ids=["grid", "torch"])
def test_grouped_convolution_is_convolution(convolve):
    rng = np.random.default_rng(1)
    maps = torch.from_numpy(rng.normal(size=(3, 24, 16, 16))).float()
    for n_out in (70, 8):  # more filters than are transformed at once; then the buffers again
        kernel = torch.from_numpy(rng.normal(size=(n_out, 24, 5, 5)) / 25).float()
        expected = functional.conv2d(maps.double(), kernel.double(), padding=2)
        got = convolve(maps.permute(0, 2, 3, 1), kernel).permute(0, 3, 1, 2)
        torch.testing.assert_close(got.double(), expected, rtol=0, atol=3e-5)
