"""Samples of a brain for the glass brain's lines of sight: from labelled volumes and surfaces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError

from models.drawing._glass_views import Points
from models.errors import RenderError
from models.spaces import HemisphereMesh, Mesh
from models.types import FloatArray, IntArray

__all__ = ["CELL_MM", "read_labels", "surface_points", "volume_points"]

#: Size of a cell, and the finest grid on which nilearn's usual MNI template comes.
CELL_MM = 2.0
#: Samples on a surface lie at most so far apart, as a share of a cell: no cell stays empty.
_SPACING = 0.7


def read_labels(path: Path, n_columns: int) -> tuple[IntArray, FloatArray]:
    """Read a volume of parcel numbers.

    Returns
    -------
    labels : ndarray of shape (i, j, k), int64
        1 to ``n_columns``; 0 outside.
    affine : ndarray of shape (4, 4), float64
        Voxel indices to mm.

    Raises
    ------
    RenderError
        A label has no column, or the file is no volume.
    """
    try:
        image: Any = nib.load(path)
        labels = np.asarray(image.dataobj).astype(np.int64)
    except (ImageFileError, OSError, EOFError) as error:
        raise RenderError(f"{path.name} is not a readable volume.") from error
    if labels.ndim != 3 or labels.min() < 0 or labels.max() > n_columns:
        raise RenderError(
            f"{path.name} has label {labels.max()} in {labels.ndim} dimensions; there are "
            f"{n_columns} parcels."
        )
    return labels, np.asarray(image.affine, float)


def volume_points(labels: IntArray, affine: FloatArray) -> Points:
    """Voxels that belong to a column.

    Parameters
    ----------
    labels : ndarray of shape (i, j, k), int
        Column + 1 of each voxel; 0 outside.
    affine : ndarray of shape (4, 4), float
        Voxel indices to mm in MNI space.

    Notes
    -----
    Of voxels finer than a cell, a line of sight takes those that it passes through the middle of
    the cell; larger ones make larger cells.
    """
    sizes = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    inside = np.argwhere(labels > 0)
    positions = inside @ affine[:3, :3].T + affine[:3, 3]
    columns = labels[tuple(inside.T)] - 1
    # nilearn counts voxels in the middle plane to the right hemisphere.
    is_left = positions[:, 0] < -1e-6
    if sizes.max() >= CELL_MM:
        x, y, z = affine[:3, 3].tolist()
        return Points(positions, columns, is_left, float(sizes.max()), (x, y, z))
    off = np.abs(positions - np.rint(positions / CELL_MM) * CELL_MM)
    is_central = off <= sizes.max() / 2 + 1e-6
    return Points(positions, columns, is_left, CELL_MM, is_central=is_central)


def surface_points(mesh: Mesh, columns: IntArray) -> Points:
    """Sample the triangles of a surface; each sample has the column of its nearest corner.

    Parameters
    ----------
    mesh : Mesh
        In mm; its coordinates are taken as MNI's.
    columns : ndarray of shape (n_places,), int
        Column of each vertex; -1 for none.
    """
    n_left = mesh.left.n_vertices
    left = _samples(mesh.left, columns[:n_left])
    right = _samples(mesh.right, columns[n_left:])
    is_left = np.arange(len(left[1]) + len(right[1])) < len(left[1])
    return Points(np.concatenate([left[0], right[0]]), np.concatenate([left[1], right[1]]), is_left)


def _samples(half: HemisphereMesh, columns: IntArray) -> tuple[FloatArray, IntArray]:
    """Positions and columns of samples on one hemisphere."""
    corners = half.positions[half.faces].astype(np.float64)
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    parts = np.maximum(1, np.ceil(edges / (_SPACING * CELL_MM))).astype(int)
    positions, owners = [], []
    for count in np.unique(parts):
        weights = _barycentric(int(count))
        chosen = parts == count
        positions.append((weights @ corners[chosen]).reshape(-1, 3))
        owners.append(half.faces[chosen][:, weights.argmax(axis=1)].ravel())
    position, column = np.concatenate(positions), columns[np.concatenate(owners)]
    return position[column >= 0], column[column >= 0]


def _barycentric(count: int) -> FloatArray:
    """Weights of a triangle's corners at points ``count`` to an edge, (n, 3)."""
    first, second = np.meshgrid(np.arange(count + 1), np.arange(count + 1), indexing="ij")
    is_in = first + second <= count
    weights = np.stack([first[is_in], second[is_in], count - first[is_in] - second[is_in]], axis=1)
    shares: FloatArray = weights / count
    return shares
