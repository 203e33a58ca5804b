"""The three meshes of the viewer bench, both hemispheres as one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from components.brain.mesh_file import build_mesh_file, compress, mesh_file_name
from models.drawing.layout import lay_out
from models.types import FloatArray, IntArray, Space
from tests.bench.meshes import build_stand_in_file, subdivided_shapes

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


@lru_cache(maxsize=3)
def mesh_file(mesh: str) -> tuple[str, bytes]:
    """Name and gzipped content of the file our viewer fetches."""
    content = build_stand_in_file() if mesh == "fine" else build_mesh_file(mesh)
    return mesh_file_name(mesh, content), compress(content)


def mesh_url(mesh: str) -> str:
    """Relative URL of that file."""
    return f"boldcast/mesh/{mesh_file(mesh)[0]}"
