"""Cortical spaces, their meshes and atlases, read from installed packages without a download."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import nibabel as nib

from models.types import FloatArray, Hemisphere, IntArray, Space

__all__ = ["HemisphereMesh", "Mesh", "load_mesh"]

FSAVERAGE5 = Space("fsaverage5", "surface", 10242, 10242, "FreeSurfer average brain, 5th order")
FSLR32K = Space("fsLR32k", "surface", 32492, 32492, "HCP average brain, 32k vertices")


@dataclass(frozen=True, eq=False)
class HemisphereMesh:
    """Vertices and triangles of one hemisphere.

    Parameters
    ----------
    positions : ndarray of shape (n_vertices, 3), float32
        Right, anterior, superior, in mm.
    faces : ndarray of shape (n_faces, 3), int32
    """

    positions: FloatArray
    faces: IntArray


@dataclass(frozen=True, eq=False)
class Mesh:
    """One surface shape of both hemispheres, in raw coordinates."""

    space: Space
    shape: str
    left: HemisphereMesh
    right: HemisphereMesh

    def hemisphere(self, hemisphere: Hemisphere) -> HemisphereMesh:
        """One side."""
        return self.left if hemisphere == "left" else self.right


def load_mesh(space: str, shape: str) -> Mesh:
    """Read one shape (e.g. ``"sphere"``, ``"pial"``) of a space; cached."""
    package = find_spec("nilearn")
    assert package is not None
    folder = Path(str(package.origin)).parent / "datasets/data/fsaverage5"
    sides = []
    for side in ("left", "right"):
        image = nib.load(folder / f"{shape}_{side}.gii.gz")
        positions, faces = image.agg_data()
        sides.append(HemisphereMesh(positions.astype("f4"), faces.astype("i4")))
    return Mesh(FSAVERAGE5, shape, *sides)
