"""Parcels of a volume, such as Schaefer's, put on a surface: the parcel at each vertex.

Halfway between white matter and pial surface first, then nearer to either: the first place that is
inside a parcel counts. The volume is in MNI152 and the surface in MNI305, which lie some
millimetres apart; that is good enough to be looked at, and numbers are never read off it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import nibabel as nib
import numpy as np

from models.errors import SpaceMismatchError
from models.spaces import SCHAEFER1000, get_space, load_medial_wall, load_mesh
from models.types import IntArray

__all__ = ["add_parcel_volume", "parcel_volume", "vertex_parcels"]

#: From white matter (0) to pial surface (1), in the order to look.
_DEPTHS = (0.5, 0.25, 0.75, 0.0, 1.0)
_VOLUMES: dict[str, Path] = {}


def add_parcel_volume(space: str, path: Path) -> bool:
    """Tell where the volume of an atlas lies, so that its parcels can be drawn.

    Parameters
    ----------
    space : str
        ``"schaefer1000"``.
    path : Path
        NIfTI file of parcel numbers, from 1, in MNI152.

    Returns
    -------
    bool
        Whether the file is there; otherwise nothing is changed.

    Raises
    ------
    SpaceMismatchError
        Another space.
    """
    if space != SCHAEFER1000.name:
        raise SpaceMismatchError(f"{space} is not drawn from a volume; only {SCHAEFER1000.name}.")
    if not path.is_file():
        return False
    _VOLUMES[space] = path
    return True


def parcel_volume(space: str) -> Path | None:
    """Path that :func:`add_parcel_volume` was told; None where it was told none."""
    return _VOLUMES.get(space)


@lru_cache(maxsize=2)
def vertex_parcels(path: Path, space: str, mesh: str) -> IntArray:
    """Find the parcel at each vertex of a mesh; cached.

    Parameters
    ----------
    path : Path
        Volume of parcel numbers, from 1.
    space : str
        Of the parcels.
    mesh : str
        Space with a white and a pial surface in mm.

    Returns
    -------
    ndarray of shape (n_vertices,), int64
        From 0; -1 on the medial wall and where no parcel is met.

    Raises
    ------
    SpaceMismatchError
        The file is no volume of this many parcels.
    """
    try:
        image = nib.load(path)
        volume = np.asarray(image.dataobj)
    except (nib.filebasedimages.ImageFileError, OSError, EOFError) as error:
        raise SpaceMismatchError(f"{path.name} cannot be read as a volume.") from error
    n_parcels = get_space(space).n_places
    if volume.ndim != 3 or volume.max() != n_parcels:
        raise SpaceMismatchError(f"{path.name} is no volume of {n_parcels} parcels.")
    white, pial = (_positions(mesh, shape) for shape in ("white", "pial"))
    to_voxel = np.linalg.inv(image.affine)
    found = np.zeros(len(white), np.int64)
    for depth in _DEPTHS:
        points = white + depth * (pial - white)
        voxels = np.rint(points @ to_voxel[:3, :3].T + to_voxel[:3, 3]).astype(np.int64)
        is_inside = ((voxels >= 0) & (voxels < volume.shape)).all(axis=1)
        here = np.zeros(len(white), np.int64)
        here[is_inside] = volume[tuple(voxels[is_inside].T)]
        found = np.where(found > 0, found, here)
    found[load_medial_wall(mesh)] = 0
    found -= 1
    found.flags.writeable = False
    return found


def _positions(mesh: str, shape: str) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Vertices of both hemispheres, left first, in mm."""
    surface = load_mesh(mesh, shape)
    return np.concatenate([surface.left.positions, surface.right.positions]).astype(np.float64)
