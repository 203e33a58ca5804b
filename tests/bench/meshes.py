"""Large meshes for the bench, made from the small ones that are installed."""

import numpy as np

from components.brain.mesh_file import pack_mesh
from models.drawing.layout import lay_out
from models.spaces import HEMISPHERES, HemisphereMesh, Mesh, load_medial_wall, load_sulcal_depth
from models.types import Space

#: As many vertices as the full fsaverage, but only as much detail as fsaverage5.
FSAVERAGE_STAND_IN = Space("fsaverage-stand-in", "surface", 163842, 163842, "Subdivided fsaverage5")


def subdivide(faces, n_vertices, *maps):
    """Split each triangle into four at the midpoints of its edges.

    Parameters
    ----------
    faces : ndarray of shape (n_faces, 3), int
    n_vertices : int
    *maps : ndarray of shape (n_vertices, ...)
        Positions and other values at the vertices; a midpoint gets the mean of its two ends.

    Returns
    -------
    tuple of (4 * n_faces, 3) faces, then each map with a row more an edge
        Old vertices keep their index.
    """
    corners = faces.astype(np.int64)
    edges = np.sort(
        np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]), axis=1
    )
    keys, index = np.unique(edges[:, 0] * n_vertices + edges[:, 1], return_inverse=True)
    ends = np.stack(np.divmod(keys, n_vertices), axis=1)
    ab, bc, ca = n_vertices + index.reshape(3, -1)
    a, b, c = corners.T
    triangles = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    split = np.concatenate([np.stack(triangle, axis=1) for triangle in triangles])
    return (
        split,
        *(np.concatenate([m, m[ends].mean(axis=1).astype(m.dtype)]) for m in maps),
    )


def subdivided_shapes(n_times=2, shapes=("pial", "inflated")):
    """Laid-out shapes of fsaverage5 with 4**n_times as many faces, and two maps on them.

    Returns
    -------
    tuple of (list of Mesh, sulcal depth (n_places,), medial wall (n_places,) bool)
    """
    laid_out = [lay_out("fsaverage5", shape) for shape in shapes]
    source = laid_out[0].space
    sides = []
    for side in HEMISPHERES:
        part = source.hemisphere_slice(side)
        faces = laid_out[0].hemisphere(side).faces
        maps = [mesh.hemisphere(side).positions for mesh in laid_out]
        maps += [load_sulcal_depth("fsaverage5")[part]]
        maps += [load_medial_wall("fsaverage5")[part].astype("f4")]
        for _ in range(n_times):
            faces, *maps = subdivide(faces, len(maps[0]), *maps)
        sides.append((faces, maps))
    n = len(sides[0][1][0])
    space = (
        FSAVERAGE_STAND_IN if n_times == 2 else Space(f"fsaverage5-x{4**n_times}", "surface", n, n)
    )
    meshes = [
        Mesh(space, shape, *(HemisphereMesh(maps[k], faces) for faces, maps in sides))
        for k, shape in enumerate(shapes)
    ]
    depth = np.concatenate([maps[-2] for _, maps in sides])
    wall = np.concatenate([maps[-1] for _, maps in sides]) > 0.5
    return meshes, depth, wall


def build_stand_in_file():
    """Mesh file of 2 x 163,842 vertices, uncompressed."""
    meshes, depth, wall = subdivided_shapes()
    return pack_mesh(meshes, sulcal_depth=depth, is_medial_wall=wall)
