"""Masks come as lists or arrays; what is no mask is refused."""

import numpy as np
import pytest

from models.encoders._masks import mask_indices
from models.errors import SelectionError


@pytest.mark.parametrize(
    "mask",
    [
        [0, 1, 0, 1],
        (False, True, False, True),
        np.array([0, 1, 0, 1], np.uint8),
        np.array([0.0, 1.0, 0.0, 1.0]),
        np.array([False, True, False, True]),
    ],
)
def test_every_kind_of_mask(mask):
    np.testing.assert_array_equal(mask_indices(mask, 4), [1, 3])


@pytest.mark.parametrize(
    "mask",
    [
        [0, 1, 0],
        [[0, 1, 0, 1]],
        np.ones((4, 2)),
        [0, 2, 0, 0],
        [0, -1, 0, 1],
        [0, 0.5, 0, 1],
        [0, float("nan"), 0, 1],
        ["0", "1", "0", "1"],
        [0, 0, 0, 0],
        [[1], [0, 1], [], [1]],
        None,
        [None, 1, 0, 1],
    ],
)
def test_what_is_no_mask(mask):
    with pytest.raises(SelectionError, match="voxel_index"):
        mask_indices(mask, 4)
