"""The three meshes of the viewer bench, both hemispheres as one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from models.spaces import load_mesh
from models.types import FloatArray, IntArray

MESHES = ("fsaverage5", "fsLR32k", "fine")


@dataclass(frozen=True, eq=False)
class Geometry:
    """Both hemispheres as one mesh, laid out for display.

    Parameters
    ----------
    positions : ndarray of shape (n_vertices, 3), float32
        In mm; left hemisphere first.
    faces : ndarray of shape (n_faces, 3), int32
    n_left : int
        Vertices of the left hemisphere.
    """

    positions: FloatArray
    faces: IntArray
    n_left: int


@lru_cache(maxsize=3)
def load_geometry(mesh: str) -> Geometry:
    """Inflated surface of one of ``MESHES``; "fine" is fsaverage5 subdivided twice."""
    whole = load_mesh("fsaverage5", "pial")
    left, right = whole.left, whole.right
    n_left = len(left.positions)
    return Geometry(
        np.concatenate([left.positions, right.positions]),
        np.concatenate([left.faces, right.faces + n_left]),
        n_left,
    )
