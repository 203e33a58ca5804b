"""Noise that is alike at neighbouring places of a surface."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.sparse import coo_array, csr_array

from models.errors import ParameterError
from models.spaces import FSAVERAGE5, load_mesh
from models.types import FloatArray, IntArray, Space

__all__ = ["SMOOTHING_ROUNDS", "MeshNoise", "mesh_noise"]

#: Rounds of averaging a place with its neighbours.
SMOOTHING_ROUNDS = 6


@dataclass(frozen=True, eq=False)
class MeshNoise:
    """Draws maps that are smooth on a mesh; made by :func:`mesh_noise`.

    Parameters
    ----------
    step : sparse array of shape (n_reached, n_reached), float32
        One round of averaging among the places that can reach a wanted one.
    scale : ndarray of shape (n_columns,), float32
        Brings each place to variance 1.
    kept : ndarray of shape (n_columns,), int
        Wanted places among the reached ones.
    """

    step: csr_array
    scale: FloatArray
    kept: IntArray

    @property
    def n_white(self) -> int:
        """Independent numbers that one map is made of."""
        return int(self.step.shape[0])

    def smooth(self, white: FloatArray) -> FloatArray:
        """Turn independent numbers into maps.

        Parameters
        ----------
        white : ndarray of shape (n_maps, n_white), float32
            Standard normal.

        Returns
        -------
        ndarray of shape (n_maps, n_columns), float32
            Variance 1 at every place.
        """
        maps = np.ascontiguousarray(white.T)
        for _ in range(SMOOTHING_ROUNDS):
            maps = self.step @ maps
        return np.asarray((maps[self.kept] * self.scale[:, None]).T)


def mesh_noise(space: Space = FSAVERAGE5, columns: IntArray | None = None) -> MeshNoise:
    """Prepare smooth noise at some places of a surface.

    Parameters
    ----------
    space : Space
        A surface whose mesh is here.
    columns : ndarray of shape (n_columns,), int, optional
        Places wanted; default all.

    Returns
    -------
    MeshNoise

    Raises
    ------
    ParameterError
        A place is not on the surface.
    SpaceMismatchError
        There is no mesh of this space.
    """
    average = _averaging(space)
    wanted = np.arange(space.n_places) if columns is None else np.asarray(columns, np.int64)
    if wanted.ndim != 1 or not wanted.size or wanted.min() < 0 or wanted.max() >= space.n_places:
        raise ParameterError(f"Places must be in 0..{space.n_places - 1} and at least one.")
    is_reached = np.zeros(space.n_places, bool)
    is_reached[wanted] = True
    for _ in range(SMOOTHING_ROUNDS):
        is_reached |= average @ is_reached.astype(np.float32) > 0
    reached = np.flatnonzero(is_reached)
    step = csr_array(average[reached][:, reached])
    kept = np.searchsorted(reached, wanted)
    kernel = step[kept]
    for _ in range(SMOOTHING_ROUNDS - 1):
        kernel = kernel @ step
    variance = np.asarray(kernel.multiply(kernel).sum(axis=1)).ravel()
    return MeshNoise(step, (1 / np.sqrt(variance)).astype(np.float32), kept)


@lru_cache(maxsize=2)
def _averaging(space: Space) -> csr_array:
    """Mean of a place and its neighbours, (n_places, n_places) float32."""
    mesh = load_mesh(space.name, "sphere")
    n = space.n_places
    faces = np.concatenate([mesh.left.faces, mesh.right.faces + space.n_left])
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    rows = np.concatenate([edges[:, 0], edges[:, 1], np.arange(n)])
    columns = np.concatenate([edges[:, 1], edges[:, 0], np.arange(n)])
    joined = csr_array(coo_array((np.ones(len(rows), np.float32), (rows, columns)), shape=(n, n)))
    joined.data[:] = 1  # an edge belongs to two triangles
    return csr_array(joined.multiply(1 / joined.sum(axis=1)[:, None]), dtype=np.float32)
