"""The glass brain: for each line of sight the value of largest size, with its sign.

:class:`GlassProjector` works out once where the places of a space lie in four views of a
transparent brain, oriented and outlined as in nilearn's ``plot_glass_brain``; it then turns
responses into a :class:`GlassSequence` that browsers play and :mod:`models.drawing.glass_frames`
draws. What overlaps along a line of sight is lost: a glass brain shows where, not all.

A space without MNI coordinates, such as one subject's voxels, gets three projections and the rim
of its own mask instead, never the outline of another brain.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from models.atlases import load_atlas
from models.drawing._glass_points import read_labels, surface_points, volume_points
from models.drawing._glass_views import GlassView, Points, Rays, grid_views, mni_views
from models.errors import RenderError, SpaceMismatchError
from models.spaces import (
    ANATOMICAL_SHAPE,
    FSAVERAGE,
    FSAVERAGE5,
    FSLR32K,
    MMP360,
    data_folder,
    get_space,
    load_mesh,
)
from models.types import FloatArray, IntArray, Response, Space, UInt8Array
from models.voxel_grid import VoxelGrid

__all__ = [
    "NAN_CODE",
    "GlassProjector",
    "GlassSequence",
    "GlassView",
    "default_limit",
    "load_projector",
]

#: Code of a line of sight that meets only places without a value; values use 0 to 254.
NAN_CODE = 255
_LAST_CODE = 254
_LIMIT_PERCENTILE = 99.0
_CHUNK_BYTES = 32 * 2**20  # more fits no processor's cache

_SURFACE_BASIS = (
    "{name} coordinates of the {shape} surface, taken as MNI coordinates: right to a few mm."
)
_FIRST_VERTICES = " Of full fsaverage only the vertices of fsaverage5 are shown."
_VOLUME_BASIS = "Voxels in MNI space."


@dataclass(frozen=True, eq=False)
class GlassSequence:
    """Projected frames.

    Parameters
    ----------
    codes : ndarray of shape (n_frames, n_cells), uint8
        Values of all views' cells, one view after the other; 0 to 254, or :data:`NAN_CODE`.
    minimum, maximum : float
        Values of codes 0 and 254: the range of all values that were projected.
    views : tuple of GlassView
    basis : str
        What the places rest on, for a person.
    rays : Rays, optional
        Which places lie behind each cell.
    """

    codes: UInt8Array
    minimum: float
    maximum: float
    views: tuple[GlassView, ...]
    basis: str
    rays: Rays | None = None

    def __post_init__(self) -> None:
        n_cells = sum(view.cells.size for view in self.views)
        if self.codes.dtype != np.uint8 or self.codes.shape[1:] != (n_cells,):
            raise SpaceMismatchError(
                f"Codes are uint8 of shape (n_frames, {n_cells}); got {self.codes.dtype} of "
                f"{self.codes.shape}."
            )
        if not self.minimum < self.maximum:
            raise SpaceMismatchError(f"An empty range: {self.minimum:g} to {self.maximum:g}.")
        self.codes.flags.writeable = False

    @property
    def n_frames(self) -> int:
        """Rows of the response."""
        return len(self.codes)

    def values(self, frame: int) -> FloatArray:
        """Decode one frame.

        Returns
        -------
        ndarray of shape (n_cells,), float32
            Right to half a step of ``(maximum - minimum) / 254``; NaN where nothing is modelled.
        """
        values: FloatArray = self.table()[self.codes[frame]]
        return values

    def table(self) -> FloatArray:
        """Value of each of the 256 codes, float32; the last is NaN."""
        step = (self.maximum - self.minimum) / _LAST_CODE
        table = (self.minimum + step * np.arange(256)).astype(np.float32)
        table[NAN_CODE] = np.nan
        return table

    def view_slice(self, number: int) -> slice:
        """Columns of ``codes`` that belong to one view."""
        start = sum(view.cells.size for view in self.views[:number])
        return slice(start, start + self.views[number].cells.size)

    def picture(self, frame: int, number: int) -> FloatArray:
        """One view of one frame as it is drawn.

        Returns
        -------
        ndarray of shape (height, width), float32
            Top row first; NaN outside the brain and where nothing is modelled.
        """
        view = self.views[number]
        flat = np.full(view.height * view.width, np.nan, np.float32)
        flat[view.cells] = self.values(frame)[self.view_slice(number)]
        return flat.reshape(view.height, view.width)


class GlassProjector:
    """Lines of sight through the places of one space.

    Parameters
    ----------
    where : Space, str or VoxelGrid
        Surfaces (fsaverage5, fsLR32k, fsaverage), parcels (mmp360 and others that an atlas puts on
        a surface; schaefer1000 with ``atlas_volume``), or a grid of voxels without a common space.
    atlas_volume : Path, optional
        Volume of parcel numbers in MNI space, for parcels.
    views : str
        Letters of nilearn's views: l and r (one hemisphere from outside), x, y, z (along an axis).
        A grid of voxels has its three planes instead.

    Raises
    ------
    RenderError
        The space has no coordinates here; parcels of a volume need that volume.

    Notes
    -----
    Projection as nilearn's ``plot_glass_brain(plot_abs=False)``: the value of largest size along
    the line of sight, with its sign; voxels at x = 0 belong to the right hemisphere. Surfaces are
    sampled all over their triangles; every sample has the value of its nearest vertex.
    """

    def __init__(
        self,
        where: Space | str | VoxelGrid,
        *,
        atlas_volume: Path | None = None,
        views: str = "lyrz",
    ) -> None:
        if isinstance(where, VoxelGrid):
            self.n_places, self.basis = where.n_places, where.basis
            self.views, self._rays = grid_views(where)
            return
        space = get_space(where) if isinstance(where, str) else where
        self.n_places = space.n_places
        if atlas_volume is not None:
            labels, affine = read_labels(atlas_volume, space.n_places)
            points, self.basis = volume_points(labels, affine), _VOLUME_BASIS
        else:
            points, self.basis = _points_on_surface(space)
        self.views, self._rays = mni_views(points, views, space.n_places)

    @classmethod
    def from_volume(
        cls, labels: IntArray, affine: FloatArray, views: str = "lyrz"
    ) -> GlassProjector:
        """Lines of sight through labelled voxels in MNI space.

        Parameters
        ----------
        labels : ndarray of shape (i, j, k), int
            Column + 1 of each voxel, 0 outside: parcels, or every voxel its own number.
        affine : ndarray of shape (4, 4), float
            Voxel indices to mm.
        views : str
            As above.
        """
        made = cls.__new__(cls)
        made.n_places, made.basis = int(labels.max()), _VOLUME_BASIS
        made.views, made._rays = mni_views(volume_points(labels, affine), views, made.n_places)
        return made

    @classmethod
    def from_vertices(cls, mesh: str, columns: IntArray, views: str = "lyrz") -> GlassProjector:
        """Lines of sight through parcels whose vertices are known.

        Parameters
        ----------
        mesh : str
            Space of the vertices: fsaverage5 or fsLR32k.
        columns : ndarray of shape (n_vertices,), int
            Column of each vertex, -1 for none.
        views : str
            As above.
        """
        made = cls.__new__(cls)
        shape, made.n_places = ANATOMICAL_SHAPE[mesh], int(columns.max()) + 1
        made.basis = _SURFACE_BASIS.format(name=mesh, shape=shape)
        points = surface_points(load_mesh(mesh, shape), columns)
        made.views, made._rays = mni_views(points, views, made.n_places)
        return made

    def project(self, values: FloatArray, columns: IntArray | None = None) -> GlassSequence:
        """Project all frames.

        Parameters
        ----------
        values : ndarray of shape (n_frames, n_columns), float
            NaN where nothing is modelled.
        columns : ndarray of shape (n_columns,), int, optional
            Place of each column; default all places. Others count as not modelled.

        Raises
        ------
        SpaceMismatchError
            The columns are not those of the space.
        """
        values = np.asarray(values, np.float32)
        places = np.arange(self.n_places) if columns is None else np.asarray(columns)
        if values.ndim != 2 or places.shape != values.shape[1:]:
            raise SpaceMismatchError(
                f"Values are (n_frames, {places.size}) for {self.n_places} places; got "
                f"{values.shape}."
            )
        if places.size and not 0 <= places.min() <= places.max() < self.n_places:
            raise SpaceMismatchError(f"A column lies outside the {self.n_places} places.")
        low, high = _range(values)
        n_cells = self._rays.order.size
        codes = np.empty((len(values), n_cells), np.uint8)
        chunk = max(1, _CHUNK_BYTES // (4 * (4 * n_cells + 3 * self.n_places)))
        for start in range(0, len(values), chunk):
            part = np.full((self.n_places, len(values[start : start + chunk])), np.nan, np.float32)
            part[places] = values[start : start + chunk].T
            largest = _signed_maximum(part, self._rays)
            codes[start : start + chunk] = _encode(largest, low, high).T
        return GlassSequence(codes, low, high, self.views, self.basis, self._rays)

    def project_response(self, response: Response) -> GlassSequence:
        """Project a response of this space.

        Raises
        ------
        SpaceMismatchError
            It has another number of places.
        """
        if response.space.n_places != self.n_places:
            raise SpaceMismatchError(
                f"{response.space.name} has {response.space.n_places} places; the glass brain "
                f"{self.n_places}."
            )
        return self.project(response.values, response.column_indices)


@lru_cache(maxsize=8)
def load_projector(
    space: str, atlas_volume: Path | None = None, views: str = "lyrz"
) -> GlassProjector:
    """Return the lines of sight of a space, worked out once in a process; cached.

    Parameters
    ----------
    space : str
        Name of a space.
    atlas_volume, views
        As in :class:`GlassProjector`.

    Raises
    ------
    SpaceMismatchError
        The space is unknown.
    RenderError
        As :class:`GlassProjector`.
    """
    return GlassProjector(space, atlas_volume=atlas_volume, views=views)


def default_limit(values: FloatArray) -> float:
    """Colour limit of a sequence: 99th percentile of all sizes, the viewers' own default."""
    sizes = np.abs(values[np.isfinite(values)])
    limit = float(np.percentile(sizes, _LIMIT_PERCENTILE)) if sizes.size else 0.0
    return limit or (float(sizes.max()) if sizes.size else 0.0) or 1.0


def _signed_maximum(values: FloatArray, rays: Rays) -> FloatArray:
    """Value of largest size on each line of sight; (n_cells, n_frames), NaN where there is none."""
    is_known = np.isfinite(values)
    over = under = values
    if not is_known.all():
        over = np.where(is_known, values, np.float32(-np.inf))
        under = np.where(is_known, values, np.float32(np.inf))
    high, low = over[rays.levels[0]], under[rays.levels[0]]
    for columns in rays.levels[1:]:
        part = slice(len(columns))
        np.maximum(high[part], over[columns], out=high[part])
        np.minimum(low[part], under[columns], out=low[part])
    largest = np.where(high >= -low, high, low)
    largest[np.isinf(largest)] = np.nan
    return largest[rays.order]


def _range(values: FloatArray) -> tuple[float, float]:
    """Lowest and highest finite value; (0, 1) where there is none, never an empty range."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return low, high if high > low else low + 1.0


def _encode(values: FloatArray, low: float, high: float) -> UInt8Array:
    """Codes of values."""
    is_known = np.isfinite(values)
    scaled = (np.where(is_known, values, low) - low) * (_LAST_CODE / (high - low))
    codes: UInt8Array = np.clip(np.rint(scaled), 0, _LAST_CODE).astype(np.uint8)
    codes[~is_known] = NAN_CODE
    return codes


def _points_on_surface(space: Space) -> tuple[Points, str]:
    """Sample a surface, or one that carries parcels; also say what the places rest on."""
    drawn, columns = _vertex_columns(space)
    basis = _SURFACE_BASIS.format(name=drawn, shape=ANATOMICAL_SHAPE[drawn])
    if space.name == FSAVERAGE.name and drawn != space.name:
        basis += _FIRST_VERTICES
    return surface_points(load_mesh(drawn, ANATOMICAL_SHAPE[drawn]), columns), basis


def _vertex_columns(space: Space) -> tuple[str, IntArray]:
    """Mesh that shows a space, and the space's place of each of its vertices; -1 for none."""
    if space.kind == "surface":
        if space.name != FSAVERAGE.name or _has_mesh(space.name):
            return space.name, np.arange(space.n_places)
        first = np.arange(FSAVERAGE5.n_left)
        return FSAVERAGE5.name, np.concatenate([first, space.n_left + first])
    if space.name == MMP360.name:  # left areas first, each hemisphere in the atlas's order
        labels = load_atlas(FSLR32K.name, "mmp").labels.astype(np.int64)
        is_right = np.arange(labels.size) >= FSLR32K.n_left
        return FSLR32K.name, np.where(labels > 0, labels - 1 + is_right * space.n_left, -1)
    raise RenderError(
        f"{space.name} has no coordinates here: drawing it needs the volume of its parcels, or "
        "the grid of its voxels."
    )


def _has_mesh(name: str) -> bool:
    """Whether a surface's files are here."""
    try:
        data_folder(name)
    except SpaceMismatchError:
        return False
    return True
