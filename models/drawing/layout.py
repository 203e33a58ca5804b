"""Where each hemisphere stands and from where it is seen: the one source of display geometry.

Display coordinates are in mm with the axes of anatomy (x right, y anterior, z superior) and the
origin in the middle of the pair of hemispheres. The left hemisphere is always at x < 0. A flat
sheet stands upright in the plane y = 0, seen from behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.spatial import cKDTree

from models.errors import SpaceMismatchError
from models.spaces import (
    ANATOMICAL_SHAPE,
    HEMISPHERES,
    HemisphereMesh,
    Mesh,
    load_mesh,
    near_matches,
)
from models.types import FloatArray, Hemisphere, IntArray

__all__ = [
    "FLAT_VIEWS",
    "FOLDED_VIEWS",
    "VIEWS",
    "Placement",
    "View",
    "get_placement",
    "get_view",
    "lay_out",
    "views_of",
]

Vector = tuple[float, float, float]

#: Free space between the hemispheres, in mm.
_GAP_MM = {
    "white": 4.0,
    "midthickness": 4.0,
    "pial": 4.0,
    "inflated": 12.0,
    "very_inflated": 12.0,
    "sphere": 12.0,
    "flat": 20.0,
}


@dataclass(frozen=True)
class View:
    """A direction to look from, without perspective.

    Parameters
    ----------
    name, title : str
        Key in :data:`VIEWS`; words for a person.
    right, up, toward : tuple of 3 float
        Unit vectors of the screen in display coordinates: screen-right, screen-up and from the
        brain toward the viewer. They are right-handed, so no view can mirror the brain.
    hemispheres : tuple of {"left", "right"}
        What is shown.
    """

    name: str
    title: str
    right: Vector
    up: Vector
    toward: Vector
    hemispheres: tuple[Hemisphere, ...] = HEMISPHERES

    @property
    def rows(self) -> FloatArray:
        """The three vectors as rows, (3, 3) float64."""
        return np.array([self.right, self.up, self.toward])

    def project(self, positions: FloatArray) -> FloatArray:
        """Screen-right, screen-up and nearness of each position, (n, 3), in mm."""
        projected: FloatArray = positions @ self.rows.T
        return projected


_LEFT, _RIGHT = (-1.0, 0.0, 0.0), (1.0, 0.0, 0.0)
_BACK, _FRONT = (0.0, -1.0, 0.0), (0.0, 1.0, 0.0)
_DOWN, _UP = (0.0, 0.0, -1.0), (0.0, 0.0, 1.0)

#: All views by name.
VIEWS: dict[str, View] = {
    view.name: view
    for view in (
        View("left_lateral", "Left lateral", _BACK, _UP, _LEFT, ("left",)),
        View("left_medial", "Left medial", _FRONT, _UP, _RIGHT, ("left",)),
        View("right_medial", "Right medial", _BACK, _UP, _LEFT, ("right",)),
        View("right_lateral", "Right lateral", _FRONT, _UP, _RIGHT, ("right",)),
        View("dorsal", "From above", _RIGHT, _FRONT, _UP),
        View("ventral", "From below", _LEFT, _FRONT, _DOWN),
        View("anterior", "From the front", _LEFT, _UP, _FRONT),
        View("posterior", "From behind", _RIGHT, _UP, _BACK),
        View("flat", "Flat", _RIGHT, _UP, _BACK),
    )
}

FLAT_VIEWS = ("flat",)
FOLDED_VIEWS = tuple(name for name in VIEWS if name not in FLAT_VIEWS)


def get_view(name: str) -> View:
    """Look up a view by name.

    Raises
    ------
    SpaceMismatchError
        The view is unknown; the message lists near matches, or all names.
    """
    if name not in VIEWS:
        meant = near_matches(name, VIEWS) or list(VIEWS)
        raise SpaceMismatchError(f"Unknown view {name!r}; did you mean {' or '.join(meant)}?")
    return VIEWS[name]


def views_of(shape: str) -> tuple[str, ...]:
    """List the views that make sense for a shape: one for a flat sheet, the others for solids."""
    return FLAT_VIEWS if shape == "flat" else FOLDED_VIEWS


@dataclass(frozen=True, eq=False)
class Placement:
    """How raw coordinates of one hemisphere become display coordinates.

    ``display = raw @ rotation.T + offset``, in mm.

    Parameters
    ----------
    rotation : ndarray of shape (3, 3), float64
        A proper rotation (determinant +1): a shape is turned, never mirrored.
    offset : ndarray of shape (3,), float64
    """

    rotation: FloatArray
    offset: FloatArray

    def apply(self, positions: FloatArray) -> FloatArray:
        """Display coordinates, (n, 3)."""
        placed: FloatArray = positions @ self.rotation.T + self.offset
        return placed


@lru_cache(maxsize=16)
def lay_out(space: str, shape: str) -> Mesh:
    """Display coordinates of one shape; cached.

    Parameters
    ----------
    space : str
        Name of a space.
    shape : str
        One of ``SHAPES[space]``.

    Returns
    -------
    Mesh
        Hemispheres side by side, left at x < 0. On the flat sheets dorsal is up and anterior is
        left on the left sheet, right on the right sheet, as in lateral views; the occipital
        lobes meet in the middle. Vertices that no flat face uses (medial wall and cuts) stand
        where their nearest used neighbour stands, so that a marker on them is near its place.

    Raises
    ------
    SpaceMismatchError
        The space is unknown or has no such shape.
    """
    raw = load_mesh(space, shape)
    sides = []
    for side in HEMISPHERES:
        mesh = raw.hemisphere(side)
        positions = get_placement(space, shape, side).apply(mesh.positions)
        if shape == "flat":
            anatomy = load_mesh(space, ANATOMICAL_SHAPE[space]).hemisphere(side).positions
            positions = positions[_nearest_used_vertex(mesh.faces, anatomy)]
        sides.append(HemisphereMesh(positions, mesh.faces))
    return Mesh(raw.space, shape, *sides)


def get_placement(space: str, shape: str, hemisphere: Hemisphere) -> Placement:
    """Rotation and offset of one shape and hemisphere.

    Notes
    -----
    Folded shapes keep their axes. Sphere and flat sheets are turned to agree best with the
    anatomy of the same vertices (least squares over proper rotations, Kabsch 1976); the sheet's
    targets are z upward and, from outside, y to the left (left hemisphere) or right. The pair is
    then centred, the gap between the hemispheres being at x = 0.
    """
    return _placements(space, shape)[HEMISPHERES.index(hemisphere)]


@lru_cache(maxsize=16)
def _placements(space: str, shape: str) -> tuple[Placement, Placement]:
    """Placement of the left and of the right hemisphere."""
    mesh = load_mesh(space, shape)
    rotations = [_rotation(space, shape, side) for side in HEMISPHERES]
    lows, highs = [], []
    for side, rotation in zip(HEMISPHERES, rotations, strict=True):
        one = mesh.hemisphere(side)
        turned = one.positions[np.unique(one.faces)] @ rotation.T
        lows.append(turned.min(axis=0))
        highs.append(turned.max(axis=0))
    centre = (np.min(lows, axis=0) + np.max(highs, axis=0)) / 2
    half_gap = _GAP_MM[shape] / 2
    left = Placement(rotations[0], np.array([-half_gap - highs[0][0], *-centre[1:]]))
    right = Placement(rotations[1], np.array([half_gap - lows[1][0], *-centre[1:]]))
    return left, right


def _rotation(space: str, shape: str, hemisphere: Hemisphere) -> FloatArray:
    """Turn raw axes into display axes, (3, 3)."""
    if shape not in ("sphere", "flat"):
        return np.eye(3)
    mesh = load_mesh(space, shape).hemisphere(hemisphere)
    used = np.unique(mesh.faces)
    raw = mesh.positions[used].astype(float)
    anatomy = load_mesh(space, ANATOMICAL_SHAPE[space]).hemisphere(hemisphere).positions[used]
    if shape == "sphere":
        return _best_rotation(raw, anatomy)
    outward = -1.0 if hemisphere == "left" else 1.0
    target = np.column_stack([outward * anatomy[:, 1], anatomy[:, 2]])
    in_plane = _best_rotation(raw[:, :2], target)
    # Stand the sheet up: its x stays x, its y becomes z, and its outer side (+z) faces back (-y).
    stand_up = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    turn = np.eye(3)
    turn[:2, :2] = in_plane
    rotation: FloatArray = stand_up @ turn
    return rotation


def _best_rotation(points: FloatArray, target: FloatArray) -> FloatArray:
    """Proper rotation R that brings centred ``points @ R.T`` nearest to centred ``target``.

    Parameters
    ----------
    points, target : ndarray of shape (n, d)

    Returns
    -------
    ndarray of shape (d, d), float64
        Determinant +1.

    Notes
    -----
    Source: Kabsch (1976), Acta Cryst. A32:922; by singular values.
    """
    covariance = (target - target.mean(axis=0)).T @ (points - points.mean(axis=0))
    left, _, right = np.linalg.svd(covariance)
    signs = np.ones(len(covariance))
    signs[-1] = np.sign(np.linalg.det(left @ right))
    rotation: FloatArray = left @ np.diag(signs) @ right
    return rotation


def _nearest_used_vertex(faces: IntArray, anatomy: FloatArray) -> IntArray:
    """Index of the nearest vertex that has a face, itself where it has one; (n_vertices,)."""
    used = np.unique(faces)
    _, nearest = cKDTree(anatomy[used]).query(anatomy)
    vertices: IntArray = used[nearest]
    return vertices
