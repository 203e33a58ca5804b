"""Where the voxels of THINGS lie, read from metadata alone."""

import numpy as np
import pytest

from models.catalog import PUBLISHED
from models.encoders.things_vit import ThingsViT
from models.errors import WeightsError
from models.voxel_grid import AxisWords
from models.weights.locations import metadata_folder
from tests.models.encoders.published_samples import N_VOXELS

CARD = next(card for card in PUBLISHED if "things" in card.id)
#: Cells to the right, to the front and upwards of a brain that is a box.
SIZE = (60, 80, 50)


def cells():
    """(right, front, up) of 211,339 voxels: the lower part of the box."""
    up, front, right = np.unravel_index(np.arange(N_VOXELS), SIZE[::-1])
    return np.stack([right, front, up], axis=1)


def around(middle):
    """Voxels at most two cells from a middle, along each axis."""
    return np.flatnonzero((np.abs(cells() - middle) <= 2).all(axis=1))


REGIONS = {
    "V1": around((30, 5, 20)),
    "lFFA": around((10, 30, 8)),
    "rFFA": around((50, 31, 9)),
    "lTOS": around((12, 14, 35)),
    "rTOS": around((47, 15, 35)),
    "rSTS": np.empty(0, np.int64),
}


def model_with(tmp_path, coordinates, regions=REGIONS):
    """Encoder of a subject whose metadata hold these coordinates, and no weights."""
    folder = metadata_folder(CARD, tmp_path)
    folder.mkdir(parents=True)
    stored = {"fmri": coordinates, "roi": regions}
    np.save(folder / "metadata_sub-01.npy", stored, allow_pickle=True)
    return ThingsViT(CARD, "cpu", tmp_path)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float32])
def test_a_grid_is_read_and_its_directions_told_from_the_regions(tmp_path, dtype):
    turned = cells()[:, [0, 2, 1]]
    turned[:, 0] = SIZE[0] - 1 - turned[:, 0]  # indices: left, up, front
    model = model_with(tmp_path, {"voxel_coords": turned.astype(dtype)})
    grid = model.grid("sub-01")
    assert grid.axes == AxisWords(("left", "superior", "anterior"))
    np.testing.assert_array_equal(grid.places, turned)
    assert grid.shape == (60, 45, 80)
    assert "2 pairs of l… and r… regions" in grid.basis


def test_regions_that_settle_nothing_leave_plain_indices(tmp_path):
    model = model_with(tmp_path, {"voxel_coords": cells()}, {"V1": REGIONS["V1"]})
    assert model.grid("sub-01").axes is None


@pytest.mark.parametrize(
    ("coordinates", "words"),
    [
        ({}, "does not say where"),
        ({"voxel_coords": cells()[:-1]}, "does not say where"),
        ({"voxel_coords": np.zeros((N_VOXELS, 3), np.int64)}, "share one cell"),
        ({"voxel_coords": cells() - 1}, "outside the grid"),
        ({"voxel_coords": cells() * 2.5 - 90}, "not whole numbers"),
        ({"voxel_coords": np.full((N_VOXELS, 3), np.nan)}, "not whole numbers"),
    ],
    ids=["none", "too few", "all the same", "negative", "millimetres", "nan"],
)
def test_coordinates_that_are_no_grid_are_refused(tmp_path, coordinates, words):
    with pytest.raises(WeightsError, match=words):
        model_with(tmp_path, coordinates).grid("sub-01")


def test_absent_metadata_name_the_command_that_fetches_them(tmp_path):
    with pytest.raises(WeightsError, match="python -m models fetch"):
        ThingsViT(CARD, "cpu", tmp_path).grid("sub-01")
