"""The three meshes of the viewer bench, both hemispheres as one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from models.drawing.layout import lay_out
from models.types import FloatArray, IntArray, Space
from tests.bench.meshes import subdivided_shapes

MESHES = ("fsaverage5", "fsLR32k", "fine")


@dataclass(frozen=True, eq=False)
class Geometry:
    """Both hemispheres as one mesh, laid out for display.

    Parameters
    ----------
    positions : ndarray of shape (n_vertices, 3), float32
        In mm; left hemisphere first.
    faces : ndarray of shape (n_faces, 3), int32
    space : Space
    """

    positions: FloatArray
    faces: IntArray
    space: Space


@lru_cache(maxsize=3)
def load_geometry(mesh: str) -> Geometry:
    """Inflated surface of one of ``MESHES``; "fine" is fsaverage5 subdivided twice."""
    if mesh == "fine":
        meshes, _, _ = subdivided_shapes(shapes=("inflated",))
        (whole,) = meshes
    else:
        whole = lay_out(mesh, "inflated")
    left, right = whole.left, whole.right
    return Geometry(
        np.concatenate([left.positions, right.positions]),
        np.concatenate([left.faces, right.faces + left.n_vertices]),
        whole.space,
    )
