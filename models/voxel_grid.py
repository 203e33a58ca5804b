"""Where voxels lie: a grid of three indices, and which way these most likely count.

The files of a volume model may hold voxel indices only: no transform, no voxel size, no common
space. Then nothing in them says which index rises to the right. Regions whose place is known say
it well enough to hang the picture the right way round; ``infer_axes`` concludes it from them, and
``VoxelGrid.basis`` says that it is a conclusion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.errors import SpaceMismatchError
from models.types import FloatArray, IntArray

__all__ = ["AxisWords", "Plane", "VoxelGrid", "infer_axes", "voxel_grid"]

#: Opposite directions of a brain; the first of each pair is drawn to the right or upwards.
_OPPOSITES = (("right", "left"), ("anterior", "posterior"), ("superior", "inferior"))

#: A direction is taken only if the regions lie apart along it at least so many times as far as
#: along the next axis.
_CLEAR = 2.0
#: Up and down are told apart only by a distance of at least this share of the grid's height.
_LEAST_RISE = 0.1

#: Regions low and high at the back of the brain: fusiform and parahippocampal gyrus lie below
#: retrosplenial cortex and the transverse occipital sulcus.
_LOW, _HIGH = ("FFA", "PPA"), ("RSC", "TOS")

_NO_SPACE = "The files hold voxel indices only: no common space."


@dataclass(frozen=True)
class AxisWords:
    """Where each of the three voxel indices rises to.

    Parameters
    ----------
    rises_to : tuple of str
        "right" or "left", "anterior" or "posterior", "superior" or "inferior", in the order of
        the indices. "" instead of superior or inferior where only the line is known.

    Raises
    ------
    SpaceMismatchError
        The three words do not name three directions.
    """

    rises_to: tuple[str, str, str]

    def __post_init__(self) -> None:
        counts = [sum(word in pair for word in self.rises_to) for pair in _OPPOSITES]
        if counts[:2] != [1, 1] or counts[2] + self.rises_to.count("") != 1:
            raise SpaceMismatchError(f"{self.rises_to} are not three directions of a brain.")

    def axis_of(self, word: str) -> int:
        """Axis of a direction or its opposite; ``"superior"`` also finds the nameless one."""
        (pair,) = (pair for pair in _OPPOSITES if word in pair)
        named = [axis for axis, found in enumerate(self.rises_to) if found in pair]
        return named[0] if named else self.rises_to.index("")


@dataclass(frozen=True)
class Plane:
    """One family of slices and how it is drawn.

    Parameters
    ----------
    title : str
        E.g. ``"coronal"``.
    view : str
        Where it is seen from, e.g. ``"from behind"``; "" where that is not known.
    fixed, across, up : int
        Axis that tells the slices apart; axes drawn from left to right and from bottom to top.
    is_across_flipped, is_up_flipped : bool
        Whether the index falls from left to right (from bottom to top).
    left, right : str
        Letters at the edges; "" where the direction is not known.
    """

    title: str
    view: str
    fixed: int
    across: int
    up: int
    is_across_flipped: bool = False
    is_up_flipped: bool = False
    left: str = ""
    right: str = ""


@dataclass(frozen=True, eq=False)
class VoxelGrid:
    """Grid cell of every voxel of a volume model.

    Parameters
    ----------
    shape : tuple of int
        Cells along i, j and k.
    places : ndarray of shape (n_places, 3), int16
        Index triple of each place of the response's space, each cell at most once. Kept as a
        read-only copy.
    axes : AxisWords, optional
        Where the indices rise to, if that could be told.
    basis : str
        What the axes rest on, in sentences for a person.

    Raises
    ------
    SpaceMismatchError
        A place lies outside the grid, two share a cell, or the array has another shape.
    """

    shape: tuple[int, int, int]
    places: IntArray
    axes: AxisWords | None = None
    basis: str = _NO_SPACE

    def __post_init__(self) -> None:
        given = np.asarray(self.places)
        if given.ndim != 2 or given.shape[1] != 3 or given.dtype.kind not in "iu":
            raise SpaceMismatchError(
                f"Voxel indices are whole numbers of shape (n_places, 3); got {given.dtype} of "
                f"shape {given.shape}."
            )
        shape = (int(self.shape[0]), int(self.shape[1]), int(self.shape[2]))
        object.__setattr__(self, "shape", shape)  # plain numbers, whatever was given
        if not (np.array(self.shape) <= np.iinfo(np.int16).max).all():
            raise SpaceMismatchError(f"No grid of {self.shape} cells: indices are 16 bits wide.")
        if given.size and not ((given >= 0) & (given < np.array(self.shape))).all():
            raise SpaceMismatchError(f"A voxel lies outside the grid of {self.shape} cells.")
        places = given.astype(np.int16)
        if np.unique(np.ravel_multi_index(places.T, self.shape)).size != len(places):
            raise SpaceMismatchError("Two voxels share one cell of the grid.")
        places.flags.writeable = False
        object.__setattr__(self, "places", places)

    @property
    def n_places(self) -> int:
        """Number of voxels."""
        return len(self.places)

    def planes(self) -> tuple[Plane, Plane, Plane]:
        """Three ways to cut the grid, as they are drawn.

        Returns
        -------
        tuple of Plane
            Sagittal (front to the right), coronal (from behind) and axial (from above) where the
            axes are known: left is drawn on the left. Else the planes of the plain indices.
        """
        if self.axes is None:
            return (
                Plane("j across, k up", "", 0, 1, 2),
                Plane("i across, k up", "", 1, 0, 2),
                Plane("i across, j up", "", 2, 0, 1),
            )
        is_upright = "" not in self.axes.rises_to
        return (
            _anatomical_plane(self.axes, "sagittal", "", "right", "anterior", "superior"),
            _anatomical_plane(
                self.axes,
                "coronal",
                "from behind" if is_upright else "",
                "anterior",
                "right",
                "superior",
            ),
            _anatomical_plane(self.axes, "axial", "from above", "superior", "right", "anterior"),
        )


def _anatomical_plane(
    axes: AxisWords, title: str, view: str, fixed: str, across: str, up: str
) -> Plane:
    """Plane with ``across`` drawn to the right and ``up`` upwards."""
    opposite = dict(_OPPOSITES)
    return Plane(
        title,
        view,
        fixed=axes.axis_of(fixed),
        across=axes.axis_of(across),
        up=axes.axis_of(up),
        is_across_flipped=axes.rises_to[axes.axis_of(across)] == opposite[across],
        is_up_flipped=axes.rises_to[axes.axis_of(up)] == opposite[up],
        left=opposite[across][0].upper(),
        right=across[0].upper(),
    )


def infer_axes(
    places: IntArray,
    left: Mapping[str, IntArray],
    right: Mapping[str, IntArray],
    v1: IntArray,
    low: Sequence[IntArray] = (),
    high: Sequence[IntArray] = (),
) -> AxisWords | None:
    """Tell the directions of a grid from regions whose place in a brain is known.

    Parameters
    ----------
    places : ndarray of shape (n_places, 3), int
        Index triple of every voxel of the brain.
    left, right : Mapping of str to ndarray of int
        Voxels of a region in either hemisphere, under one name; only regions that have voxels in
        both are used.
    v1 : ndarray of int
        Voxels of primary visual cortex, the back of the brain.
    low, high : sequence of ndarray of int
        Voxels of regions low in the brain and of regions above them.

    Returns
    -------
    AxisWords or None
        None where left and right, or front and back, cannot be told. Up and down alone may stay
        open.

    Notes
    -----
    Left and right: the axis along which the centroids of the two hemispheres' regions lie
    farthest apart, if every pair agrees. Front and back: the remaining axis along which V1's
    centroid lies farthest from that of all voxels. Both only if the distance is at least twice
    that along the next axis. Up and down: the last axis.
    """
    apart = _differences(places, left, right)
    v1 = np.asarray(v1, np.int64)
    if not len(apart) or not v1.size:
        return None
    across = _clear_axis(apart.mean(axis=0), (0, 1, 2))
    if across is None or np.unique(np.sign(apart[:, across])).size > 1:
        return None
    backward = _centroid(places, v1) - places.mean(axis=0)
    depth = _clear_axis(backward, [axis for axis in range(3) if axis != across])
    if depth is None:
        return None
    words = ["", "", ""]
    words[across] = "right" if apart[0, across] > 0 else "left"
    words[depth] = "posterior" if backward[depth] > 0 else "anterior"
    (height,) = {0, 1, 2} - {across, depth}
    words[height] = _vertical_word(places, low, high, height)
    return AxisWords((words[0], words[1], words[2]))


def _differences(
    places: IntArray, left: Mapping[str, IntArray], right: Mapping[str, IntArray]
) -> FloatArray:
    """Right centroid minus left centroid of every region with voxels in both; (n_regions, 3)."""
    shared = [name for name in left if len(left[name]) and len(right.get(name, ()))]
    return np.array(
        [_centroid(places, right[name]) - _centroid(places, left[name]) for name in shared]
    ).reshape(-1, 3)


def _centroid(places: IntArray, voxels: IntArray) -> FloatArray:
    """Mean index triple of some voxels."""
    mean: FloatArray = places[np.asarray(voxels, np.int64)].mean(axis=0)
    return mean


def _clear_axis(vector: FloatArray, axes: Sequence[int]) -> int | None:
    """Axis along which a vector points, among some; None where it is not clear."""
    size = np.abs(vector)
    first, second = sorted(axes, key=lambda axis: -size[axis])[:2]
    return first if size[first] > 0 and size[first] >= _CLEAR * size[second] else None


def _vertical_word(
    places: IntArray, low: Sequence[IntArray], high: Sequence[IntArray], axis: int
) -> str:
    """Where the last axis rises to; "" where that cannot be told."""
    low, high = ([one for one in part if len(one)] for part in (low, high))
    if not low or not high:
        return ""
    heights = [np.mean([_centroid(places, one)[axis] for one in part]) for part in (low, high)]
    rise = float(heights[1] - heights[0])
    if abs(rise) < _LEAST_RISE * (np.ptp(places[:, axis]) + 1):
        return ""
    return "superior" if rise > 0 else "inferior"


def voxel_grid(places: IntArray, regions: Mapping[str, IntArray]) -> VoxelGrid:
    """Grid of some voxels, its directions told from the regions if that is possible.

    Parameters
    ----------
    places : ndarray of shape (n_places, 3), int
        Index triple of every voxel.
    regions : Mapping of str to ndarray of int
        Voxels of each region. Regions of one hemisphere begin with a small l or r and a capital
        (lFFA, rFFA); primary visual cortex is V1.

    Returns
    -------
    VoxelGrid
        Just large enough for the highest index along each axis.

    Raises
    ------
    SpaceMismatchError
        An index is negative or too large, or two voxels share a cell.
    """
    places = np.asarray(places)
    is_triples = places.size and places.shape[1:] == (3,)
    shape = (places.max(axis=0) + 1).tolist() if is_triples else [0, 0, 0]
    plain = VoxelGrid((shape[0], shape[1], shape[2]), places)
    left, right = ({name[1:]: regions[name] for name in _of_side(regions, side)} for side in "lr")
    axes = infer_axes(
        plain.places,
        left,
        right,
        regions.get("V1", np.empty(0, np.int64)),
        low=[side[name] for side in (left, right) for name in _LOW if name in side],
        high=[side[name] for side in (left, right) for name in _HIGH if name in side],
    )
    pairs = [name for name in left if len(left[name]) and len(right.get(name, ()))]
    return VoxelGrid(plain.shape, plain.places, axes, _basis(axes, pairs))


def _of_side(regions: Mapping[str, IntArray], letter: str) -> list[str]:
    """Names of the regions of one hemisphere."""
    return [name for name in regions if name[:1] == letter and name[1:2].isupper()]


def _basis(axes: AxisWords | None, pairs: Sequence[str]) -> str:
    """Say what the axes rest on."""
    if axes is None:
        return (
            f"{_NO_SPACE} They do not say where the indices i, j and k rise to, and the regions "
            "do not settle it: left and right are not marked."
        )
    number = f"{len(pairs)} pairs of l… and r… regions"
    if len(pairs) == 1:
        number = f"l{pairs[0]} and r{pairs[0]}"
    upright = (
        "up is not known"
        if "" in axes.rises_to
        else f"up from {' and '.join(_HIGH)} lying above {' and '.join(_LOW)}"
    )
    return (
        f"{_NO_SPACE} Directions are inferred, not stated by them: left and right from the "
        f"centroids of {number}, back from V1, {upright}."
    )
