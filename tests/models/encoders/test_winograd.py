"""The shorter convolution gives the direct sum."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from models.encoders import _winograd
from models.encoders._winograd import (
    Scratch,
    WinogradConvolution,
    transform_filters,
    winograd_matrices,
)


@pytest.mark.parametrize("kernel", [3, 5])
def test_the_matrices_give_the_correlation(kernel):
    output, filters, data = winograd_matrices(4, kernel)
    random = np.random.default_rng(0)
    taps, signal = random.standard_normal(kernel), random.standard_normal(kernel + 3)
    by_winograd = output @ ((filters @ taps) * (data @ signal))
    np.testing.assert_allclose(by_winograd, np.correlate(signal, taps), rtol=0, atol=1e-13)


def test_the_matrices_of_lavin_and_gray():
    """F(4, 3) as printed in section 5.1 of their paper."""
    output, filters, data = winograd_matrices(4, 3)
    np.testing.assert_array_equal(
        output,
        [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    )
    np.testing.assert_array_equal(
        data,
        [
            [4, 0, -5, 0, 1, 0],
            [0, -4, -4, 1, 1, 0],
            [0, 4, -4, -1, 1, 0],
            [0, -2, -1, 2, 1, 0],
            [0, 2, -1, -2, 1, 0],
            [0, 4, 0, -5, 0, 1],
        ],
    )
    by_hand = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]])
    np.testing.assert_allclose(filters, by_hand / 24, rtol=1e-15)


@pytest.mark.parametrize(
    ("kernel", "padding", "size"),
    [(5, 2, (37, 22)), (5, 1, (9, 14)), (3, 1, (27, 27)), (3, 1, (1, 2)), (3, 0, (6, 6))],
)
@pytest.mark.parametrize("tiles_at_once", [1, 13, 10_000])
def test_convolution_is_the_direct_sum(monkeypatch, kernel, padding, size, tiles_at_once):
    monkeypatch.setattr(_winograd, "_TILES_AT_ONCE", tiles_at_once)
    random = np.random.default_rng(0)
    weight = random.standard_normal((33, 7, kernel, kernel)) / kernel
    bias, pictures = random.standard_normal(33), random.standard_normal((3, 7, *size))
    convolution = WinogradConvolution(
        torch.from_numpy(transform_filters(weight)),
        torch.from_numpy(bias.astype(np.float32)),
        kernel,
    )
    scratch = Scratch()
    for _ in range(2):  # the second time with used buffers
        got = convolution(torch.from_numpy(pictures.astype(np.float32)), padding, scratch)
    exact = functional.conv2d(
        torch.from_numpy(pictures), torch.from_numpy(weight), torch.from_numpy(bias), 1, padding
    )
    assert got.shape == exact.shape
    assert float((got - exact.relu()).abs().max()) < 2e-5 * float(exact.std())


def test_scratch_is_reused_and_grows():
    scratch = Scratch()
    large = scratch.get("a", 4, 5)
    assert scratch.get("a", 2, 3).data_ptr() == large.data_ptr()
    assert scratch.get("b", 2, 3).data_ptr() != large.data_ptr()
    assert scratch.get("a", 100).shape == (100,)
