"""Synthetic activity for the benches: travelling sums of Gaussians on a mesh."""

from __future__ import annotations

import numpy as np

from models.types import FloatArray

#: Width of a blob, in mm.
SIGMA_MM = 18.0


def gaussian_sums(positions_mm: FloatArray, n_frames: int, seed: int = 0) -> FloatArray:
    """Eight signed blobs that drift over the mesh.

    Parameters
    ----------
    positions_mm : ndarray of shape (n_vertices, 3)
    n_frames : int
    seed : int
        Another seed, other blobs.

    Returns
    -------
    ndarray of shape (n_frames, n_vertices), float32
        Between -1 and 1.
    """
    random = np.random.default_rng(seed)
    starts = positions_mm[random.choice(len(positions_mm), 8)]
    drifts_mm = random.normal(0, 30, (8, 3))
    signs = np.where(np.arange(8) % 2, 1.0, -1.0)
    frames = np.empty((n_frames, len(positions_mm)), np.float32)
    for index, time in enumerate(np.linspace(0, 1, n_frames)):
        centres = starts + time * drifts_mm
        frame = np.zeros(len(positions_mm))
        for centre, sign in zip(centres, signs, strict=True):
            distance_squared = ((positions_mm - centre) ** 2).sum(axis=1)
            frame += sign * np.exp(-distance_squared / (2 * SIGMA_MM**2))
        frames[index] = frame
    return frames / np.abs(frames).max()
