"""Other spaces onto fsaverage5, from installed files: full fsaverage, MNI volumes, fsLR32k."""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from models.errors import SpaceMismatchError
from models.spaces import FSAVERAGE, FSAVERAGE5, FSLR32K, HEMISPHERES, load_mesh
from models.types import FloatArray, IntArray

__all__ = [
    "FROM_FSAVERAGE",
    "FROM_FSLR",
    "FROM_VOLUME",
    "from_fsaverage",
    "from_fslr",
    "from_volume",
    "nearest_fslr",
]

#: How values came to fsaverage5, to be said wherever they are used.
FROM_FSAVERAGE = (
    "Full fsaverage: the first 10,242 vertices of each hemisphere were kept; nothing was averaged."
)
FROM_VOLUME = (
    "Approximate: the volume was taken as MNI space and averaged over ten depths between the white "
    "and the pial surface of the average brain (nilearn vol_to_surf); a person's own surfaces "
    "would be better."
)
FROM_FSLR = (
    "Approximate: fsLR32k was resampled to fsaverage5 by the nearest vertex in MNI space (midway "
    "between white and pial, 1.4 mm away in the median), not by registered spheres."
)

#: MNI305, in which fsaverage lies, to MNI152; FreeSurfer's wiki, "CoordinateSystems", case 8.
_MNI305_TO_MNI152 = np.array(
    [
        [0.9975, -0.0073, 0.0176, -0.0429],
        [0.0146, 1.0009, -0.0024, 1.5496],
        [-0.0130, -0.0093, 0.9971, 1.1840],
    ]
)


def from_fsaverage(values: FloatArray) -> FloatArray:
    """Keep the vertices of full fsaverage that are those of fsaverage5.

    Parameters
    ----------
    values : ndarray of shape (n, 327684)
        Left hemisphere first.

    Returns
    -------
    ndarray of shape (n, 20484)

    Raises
    ------
    SpaceMismatchError
        Another number of vertices.

    Notes
    -----
    The meshes are nested icosahedra: each order keeps the vertices of the one below, in front.
    """
    _check(values, FSAVERAGE.n_places, "full fsaverage")
    right = FSAVERAGE.n_left + FSAVERAGE5.n_right
    parts = (values[:, : FSAVERAGE5.n_left], values[:, FSAVERAGE.n_left : right])
    return np.concatenate(parts, axis=1)


def from_volume(image: Any) -> FloatArray:
    """Sample a volume in MNI space on fsaverage5; see :data:`FROM_VOLUME`.

    Parameters
    ----------
    image : nibabel image, 3-D or 4-D
        Last axis: patterns.

    Returns
    -------
    ndarray of shape (n, 20484), float32
        NaN where the cortex lies outside the volume.

    Notes
    -----
    As NeuralBench's surface projector does it: pial as outer and white as inner mesh, linear
    interpolation, ten depths. Coordinates of the meshes (MNI305) are used as they are.
    """
    from nilearn.surface import InMemoryMesh, vol_to_surf

    pial, white = load_mesh("fsaverage5", "pial"), load_mesh("fsaverage5", "white")
    sides = []
    for side in HEMISPHERES:
        outer, inner = pial.hemisphere(side), white.hemisphere(side)
        with warnings.catch_warnings():  # said of every vertex outside the volume
            warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
            sampled = vol_to_surf(
                image,
                InMemoryMesh(outer.positions, outer.faces),
                inner_mesh=InMemoryMesh(inner.positions, inner.faces),
            )
        sides.append(np.atleast_2d(np.asarray(sampled, np.float32).T))
    return np.concatenate(sides, axis=1)


def from_fslr(values: FloatArray) -> FloatArray:
    """Resample fsLR32k to fsaverage5; see :data:`FROM_FSLR`.

    Parameters
    ----------
    values : ndarray of shape (n, 64984)
        Left hemisphere first; NaN where unknown.

    Returns
    -------
    ndarray of shape (n, 20484)

    Raises
    ------
    SpaceMismatchError
        Another number of vertices.
    """
    _check(values, FSLR32K.n_places, "fsLR32k")
    return values[:, nearest_fslr()]


@lru_cache(maxsize=1)
def nearest_fslr() -> IntArray:
    """Nearest vertex of fsLR32k to each of fsaverage5, on the same side; cached.

    Returns
    -------
    ndarray of shape (20484,), int64
        Read-only.
    """
    pial, white = load_mesh("fsaverage5", "pial"), load_mesh("fsaverage5", "white")
    other = load_mesh("fsLR32k", "midthickness")
    sides = []
    for side, start in zip(HEMISPHERES, (0, FSLR32K.n_left), strict=True):
        midway = (pial.hemisphere(side).positions + white.hemisphere(side).positions) / 2
        moved = midway @ _MNI305_TO_MNI152[:, :3].T + _MNI305_TO_MNI152[:, 3]
        _, nearest = cKDTree(other.hemisphere(side).positions).query(moved)
        sides.append(nearest + start)
    places: IntArray = np.concatenate(sides).astype(np.int64)
    places.flags.writeable = False
    return places


def _check(values: FloatArray, n_places: int, name: str) -> None:
    """Refuse values of another size."""
    if values.ndim != 2 or values.shape[1] != n_places:
        raise SpaceMismatchError(f"{name} has {n_places:,} vertices; got {values.shape}.")
