"""Where voxels lie, and which way their indices are told to rise."""

import numpy as np
import pytest

from models.errors import SpaceMismatchError
from models.voxel_grid import AxisWords, Plane, VoxelGrid, infer_axes, voxel_grid

SHAPE = (21, 41, 31)
ALL = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), -1).reshape(-1, 3)
#: Middle cells (right, anterior, superior) of regions of a brain 21 wide, 41 long, 31 high.
MIDDLES = {
    "V1": [(10, 3, 14)],
    "lFFA": [(4, 14, 6)],
    "rFFA": [(16, 13, 7)],
    "lPPA": [(6, 15, 8)],
    "rPPA": [(14, 15, 8)],
    "lTOS": [(5, 7, 20)],
    "rTOS": [(15, 8, 21)],
    "lRSC": [(7, 12, 18)],
    "rRSC": [(13, 12, 18)],
}


def index_of(cells, places):
    """Rows of ``places`` that are these cells."""
    return np.array([np.flatnonzero((places == cell).all(axis=1))[0] for cell in cells])


def brain(order=(0, 1, 2), flipped=(), without=()):
    """A box brain whose indices are the axes right, anterior, superior reordered and turned."""
    turned = ALL.copy()
    for axis in flipped:
        turned[:, axis] = SHAPE[axis] - 1 - turned[:, axis]
    regions = {name: index_of(cells, ALL) for name, cells in MIDDLES.items() if name not in without}
    return turned[:, list(order)], regions


@pytest.mark.parametrize(
    ("order", "flipped", "words"),
    [
        ((0, 1, 2), (), ("right", "anterior", "superior")),
        ((0, 1, 2), (0,), ("left", "anterior", "superior")),
        ((0, 1, 2), (0, 1), ("left", "posterior", "superior")),
        ((2, 0, 1), (), ("superior", "right", "anterior")),
        ((1, 2, 0), (1, 2), ("posterior", "inferior", "right")),
        ((2, 1, 0), (0, 1, 2), ("inferior", "posterior", "left")),
    ],
)
def test_directions_are_found_however_the_indices_are_ordered(order, flipped, words):
    places, regions = brain(order, flipped)
    grid = voxel_grid(places, regions)
    assert grid.axes == AxisWords(words)
    assert grid.shape == tuple(np.array(SHAPE)[list(order)])


def test_the_basis_says_that_directions_are_inferred_and_from_what():
    assert voxel_grid(*brain()).basis == (
        "The files hold voxel indices only: no common space. Directions are inferred, not stated "
        "by them: left and right from the centroids of 4 pairs of l… and r… regions, back from "
        "V1, up from RSC and TOS lying above FFA and PPA."
    )


def test_without_high_regions_up_stays_open_and_is_not_claimed():
    grid = voxel_grid(*brain(without=("lTOS", "rTOS", "lRSC", "rRSC")))
    assert grid.axes == AxisWords(("right", "anterior", ""))
    assert "2 pairs" in grid.basis
    assert grid.basis.endswith("up is not known.")
    sagittal, coronal, axial = grid.planes()
    assert (coronal.view, coronal.left, coronal.right) == ("", "L", "R")
    assert (axial.view, axial.left, axial.right) == ("from above", "L", "R")
    assert (sagittal.left, sagittal.right, sagittal.is_up_flipped) == ("P", "A", False)


@pytest.mark.parametrize(
    "without",
    [("V1",), tuple(name for name in MIDDLES if name[0] == "l")],
    ids=["no V1", "no left side"],
)
def test_without_landmarks_nothing_is_claimed(without):
    places, regions = brain(without=without)
    grid = voxel_grid(places, regions)
    assert grid.axes is None
    assert "not marked" in grid.basis
    assert [(one.title, one.fixed, one.across, one.up) for one in grid.planes()] == [
        ("j across, k up", 0, 1, 2),
        ("i across, k up", 1, 0, 2),
        ("i across, j up", 2, 0, 1),
    ]
    for one in grid.planes():
        assert one.left + one.right + one.view == ""
        assert not one.is_across_flipped
        assert not one.is_up_flipped


def test_pairs_that_contradict_each_other_settle_nothing():
    places, regions = brain()
    regions["lFFA"], regions["rFFA"] = regions["rFFA"], regions["lFFA"]
    assert voxel_grid(places, regions).axes is None


# One line of voxels along each axis, so that centroids can be computed by hand.
CROSS = np.array([[0, 5, 5], [10, 5, 5], [5, 0, 5], [5, 10, 5], [5, 5, 0], [5, 5, 10], [5, 6, 5]])


def test_an_oblique_pair_is_no_axis():
    """Right minus left is (5, -5, 0): as far along j as along i."""
    assert infer_axes(CROSS, {"A": np.array([0])}, {"A": np.array([2])}, np.array([5])) is None


def test_a_clear_pair_and_v1_tell_two_axes():
    """Right minus left is (10, 0, 0); the middle of all is (5, 36/7, 5), V1's is (5, 0, 5)."""
    words = infer_axes(CROSS, {"A": np.array([0])}, {"A": np.array([1])}, np.array([2]))
    assert words == AxisWords(("right", "anterior", ""))


def test_v1_in_the_middle_tells_no_front():
    """From (5, 31/7, 5) to V1's middle (5, 10/3, 20/3): -23/21 along j, 35/21 along k."""
    v1 = np.array([2, 3, 5])
    places = CROSS.copy()
    places[3] = (5, 5, 5)
    assert infer_axes(places, {"A": np.array([0])}, {"A": np.array([1])}, v1) is None


def test_a_small_rise_tells_no_up():
    """The grid is 11 high; a rise of 1 is under a tenth of it."""
    sides = {"A": np.array([0])}, {"A": np.array([1])}
    low, high = np.array([6]), np.array([5])
    assert infer_axes(CROSS, *sides, np.array([2]), [low], [high]) == AxisWords(
        ("right", "anterior", "superior")
    )
    flat = CROSS.copy()
    flat[6] = (5, 6, 9)
    assert infer_axes(flat, *sides, np.array([2]), [low], [high]) == AxisWords(
        ("right", "anterior", "")
    )


def test_planes_of_plain_axes_put_left_on_the_left_front_to_the_right_and_up_on_top():
    assert voxel_grid(*brain()).planes() == (
        Plane("sagittal", "", 0, 1, 2, False, False, "P", "A"),
        Plane("coronal", "from behind", 1, 0, 2, False, False, "L", "R"),
        Plane("axial", "from above", 2, 0, 1, False, False, "L", "R"),
    )


def test_planes_follow_reordered_and_turned_axes():
    """Indices are inferior, posterior, left: all three fall where the drawing rises."""
    grid = VoxelGrid((3, 3, 3), np.zeros((1, 3), int), AxisWords(("inferior", "posterior", "left")))
    assert grid.planes() == (
        Plane("sagittal", "", 2, 1, 0, True, True, "P", "A"),
        Plane("coronal", "from behind", 1, 2, 0, True, True, "L", "R"),
        Plane("axial", "from above", 0, 2, 1, True, True, "L", "R"),
    )


@pytest.mark.parametrize(
    "words",
    [
        ("right", "left", "superior"),
        ("right", "anterior", "up"),
        ("right", "", "superior"),
        ("", "anterior", ""),
    ],
)
def test_words_that_are_not_three_directions_are_refused(words):
    with pytest.raises(SpaceMismatchError, match="three directions"):
        AxisWords(words)


def test_a_grid_keeps_its_own_small_read_only_places():
    given = np.array([[0, 1, 2], [2, 1, 0]], np.int64)
    grid = VoxelGrid((3, 2, 3), given)
    given[0, 0] = 2
    assert grid.places.dtype == np.int16
    assert grid.places.tolist() == [[0, 1, 2], [2, 1, 0]]
    assert grid.n_places == 2
    with pytest.raises(ValueError, match="read-only"):
        grid.places[0, 0] = 1


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ([[0, 0, 3]], "outside the grid"),
        ([[0, -1, 0]], "outside the grid"),
        ([[1, 1, 1], [1, 1, 1]], "share one cell"),
        ([[0.5, 0.0, 0.0]], "whole numbers"),
        ([0, 1, 2], "whole numbers"),
    ],
)
def test_places_that_are_no_cells_are_refused(places, words):
    with pytest.raises(SpaceMismatchError, match=words):
        VoxelGrid((3, 3, 3), np.array(places))


def test_indices_beyond_sixteen_bits_are_refused():
    with pytest.raises(SpaceMismatchError, match="16 bits"):
        voxel_grid(np.array([[40_000, 0, 0]]), {})


def test_a_subject_without_voxels_has_an_empty_grid():
    grid = voxel_grid(np.empty((0, 3), int), {})
    assert (grid.shape, grid.n_places, grid.axes) == ((0, 0, 0), 0, None)
