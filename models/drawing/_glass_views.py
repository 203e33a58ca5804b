"""Where the places of a space lie in the views of a glass brain.

A view is a picture of cells, as it is drawn: row 0 on top, column 0 on the left. Behind each
cell a line of sight runs through the brain; :class:`Rays` says which columns of a response lie on
it. Both are worked out once for a space; a frame then costs one pass over the rays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.drawing._glass_outlines import Stroke, brain_drawing, rim
from models.errors import RenderError
from models.types import BoolArray, FloatArray, IntArray
from models.voxel_grid import Plane, VoxelGrid

__all__ = ["MNI_VIEWS", "GlassView", "Points", "Rays", "grid_views", "mni_views"]


#: Columns, line by line, and where each line begins.
_Lines = tuple[IntArray, IntArray]


@dataclass(frozen=True)
class _Direction:
    """How nilearn shows one direction: axes 0 to 2 are right, anterior and superior."""

    title: str
    across: int
    up: int
    is_mirrored: bool  # "left" is seen from the left: anterior is on the left
    left: str
    right: str


_DIRECTIONS = {
    "l": _Direction("left hemisphere", 1, 2, True, "A", "P"),
    "r": _Direction("right hemisphere", 1, 2, False, "P", "A"),
    "x": _Direction("both, from the right", 1, 2, False, "P", "A"),
    "y": _Direction("from behind", 0, 2, False, "L", "R"),
    "z": _Direction("from above", 0, 1, False, "L", "R"),
}
#: Letters of nilearn's directions: one hemisphere from outside (l, r), along an axis (x, y, z).
MNI_VIEWS = tuple(_DIRECTIONS)


@dataclass(frozen=True, eq=False)
class GlassView:
    """One view of a glass brain.

    Parameters
    ----------
    name, title : str
        nilearn's letter or the plane of a grid; words for a person.
    left, right : str
        Letters at the edges; "" where the direction is not known.
    height, width : int
        Cells.
    cells : ndarray of shape (n_cells,), int64
        ``row * width + column`` of each cell that holds a value, rising.
    strokes : tuple of Stroke
        Outline, in cells: the upper left corner of the upper left cell is 0, 0.
    across, up : tuple of (str, float, float)
        Name of a coordinate, its value in the middle of cell 0, 0, and its step to the next
        cell on the right, or below.
    """

    name: str
    title: str
    left: str
    right: str
    height: int
    width: int
    cells: IntArray
    strokes: tuple[Stroke, ...]
    across: tuple[str, float, float]
    up: tuple[str, float, float]


@dataclass(frozen=True, eq=False)
class Rays:
    """Columns on the line of sight behind each cell of all views.

    Kept level by level, the longest lines first: a frame then needs one comparison of long arrays
    for each level instead of one for each cell, which is several times faster.

    Parameters
    ----------
    levels : tuple of ndarray of int64
        ``levels[k][n]`` is the k-th column of line n; later levels hold fewer lines.
    order : ndarray of shape (n_cells,), int64
        Number of each cell's line.
    """

    levels: tuple[IntArray, ...]
    order: IntArray

    @staticmethod
    def of(columns: IntArray, starts: IntArray) -> Rays:
        """Sort lines by length.

        Parameters
        ----------
        columns : ndarray of shape (n_pairs,), int64
            Cell by cell.
        starts : ndarray of shape (n_cells,), int64
            Where each cell's columns begin; no cell is without.
        """
        lengths = np.diff(starts, append=len(columns))
        longest_first = np.argsort(-lengths, kind="stable")
        firsts, lengths = starts[longest_first], lengths[longest_first]
        counts = np.searchsorted(-lengths, -np.arange(lengths[0]), side="left")
        levels = tuple(columns[firsts[:count] + k] for k, count in enumerate(counts))
        return Rays(levels, np.argsort(longest_first))

    def by_cell(self) -> tuple[IntArray, IntArray]:
        """Columns cell by cell, and how many each cell has.

        Returns
        -------
        columns : ndarray of shape (n_pairs,), int64
            Rising within a cell.
        counts : ndarray of shape (n_cells,), int64
        """
        line = np.concatenate([np.arange(len(level)) for level in self.levels])
        cell = np.argsort(self.order)[line]
        in_order = np.argsort(cell, kind="stable")  # levels come one after the other
        columns = np.concatenate(self.levels)[in_order]
        return columns, np.bincount(cell, minlength=self.order.size)


@dataclass(frozen=True, eq=False)
class Points:
    """Samples of a brain in mm, each belonging to a column of a response.

    Parameters
    ----------
    positions : ndarray of shape (n_points, 3), float
        Right, anterior, superior, in mm.
    columns : ndarray of shape (n_points,), int
    is_left : ndarray of shape (n_points,), bool
        Which hemisphere; for the views of one hemisphere.
    cell_mm : float
        Size of a cell.
    origin_mm : tuple of float
        Middle of some cell, along each axis.
    is_central : ndarray of shape (n_points, 3), bool, optional
        Whether a point is near enough to the middle of its cell along each axis; a view leaves
        out points that are not, along its own two axes. Default all.
    """

    positions: FloatArray
    columns: IntArray
    is_left: BoolArray
    cell_mm: float = 2.0
    origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    is_central: BoolArray | None = None


def mni_views(points: Points, names: str, n_columns: int) -> tuple[tuple[GlassView, ...], Rays]:
    """Look at a brain in MNI space, in nilearn's orientation, with nilearn's outline.

    Parameters
    ----------
    points : Points
    names : str
        Letters of :data:`MNI_VIEWS`, e.g. ``"lyrz"``.
    n_columns : int
        Columns of a response.

    Raises
    ------
    RenderError
        No such view, or no point at all.
    """
    if not names or not set(names) <= set(MNI_VIEWS):
        raise RenderError(f"Views are letters of {''.join(MNI_VIEWS)}; got {names!r}.")
    return _joined([_mni_view(points, name, n_columns) for name in names])


def _mni_view(points: Points, name: str, n_columns: int) -> tuple[GlassView, _Lines]:
    """One view."""
    how, cell = _DIRECTIONS[name], points.cell_mm
    axes = [how.across, how.up]
    everywhere = np.ones(len(points.columns), bool)
    is_shown = {"l": points.is_left, "r": ~points.is_left}.get(name, everywhere)
    if points.is_central is not None:
        is_shown = is_shown & points.is_central[:, axes].all(axis=1)
    origin = np.array(points.origin_mm)[axes]
    index = np.floor((points.positions[is_shown][:, axes] - origin) / cell + 0.5).astype(np.int64)
    strokes, bounds = brain_drawing(name)
    frame = (np.array(bounds).reshape(2, 2) - origin[:, None]) / cell + 0.5
    edges = np.floor(frame).astype(int)
    low = np.concatenate([edges[:, :1].T, index]).min(axis=0)
    high = np.concatenate([edges[:, 1:].T, index]).max(axis=0)
    width, height = (high - low + 1).tolist()
    column = high[0] - index[:, 0] if how.is_mirrored else index[:, 0] - low[0]
    cells, lines = _lines(
        (high[1] - index[:, 1]) * width + column, points.columns[is_shown], n_columns
    )
    # mm -> cells: a cell's middle is at its number + 0.5.
    sign = -1.0 if how.is_mirrored else 1.0
    first = float(high[0] if how.is_mirrored else low[0])
    shift = (0.5 - sign * (origin[0] / cell + first), 0.5 + origin[1] / cell + high[1])
    moved = tuple(one.moved((sign / cell, -1 / cell), shift) for one in strokes)
    across = ("xyz"[how.across], origin[0] + cell * first, sign * cell)
    up = ("xyz"[how.up], origin[1] + cell * float(high[1]), -cell)
    view = GlassView(name, how.title, how.left, how.right, height, width, cells, moved, across, up)
    return view, lines


def grid_views(grid: VoxelGrid) -> tuple[tuple[GlassView, ...], Rays]:
    """Three projections of a grid of voxels, with the rim of its own mask.

    Raises
    ------
    RenderError
        The grid has no voxel.
    """
    if not grid.n_places:
        raise RenderError("There is no voxel to draw.")
    return _joined([_grid_view(grid, plane) for plane in grid.planes()])


def _grid_view(grid: VoxelGrid, plane: Plane) -> tuple[GlassView, _Lines]:
    """One projection, with a cell of air around it."""
    places = grid.places.astype(np.int64)
    across, up = places[:, plane.across], places[:, plane.up]
    low, high = int(across.min()) - 1, int(across.max()) + 1
    bottom, top = int(up.min()) - 1, int(up.max()) + 1
    width, height = high - low + 1, top - bottom + 1
    column = high - across if plane.is_across_flipped else across - low
    row = up - bottom if plane.is_up_flipped else top - up
    cells, lines = _lines(row * width + column, np.arange(grid.n_places), grid.n_places)
    is_inside = np.zeros(height * width, bool)
    is_inside[cells] = True
    view = GlassView(
        name=plane.title.split()[0],
        title=f"{plane.title}, {plane.view}" if plane.view else plane.title,
        left=plane.left,
        right=plane.right,
        height=height,
        width=width,
        cells=cells,
        strokes=(rim(is_inside.reshape(height, width)),),
        across=("ijk"[plane.across], *_first(low, high, plane.is_across_flipped)),
        up=("ijk"[plane.up], *_first(bottom, top, not plane.is_up_flipped)),
    )
    return view, lines


def _first(low: int, high: int, is_falling: bool) -> tuple[float, float]:
    """Index in cell 0 and step to the next one."""
    return (float(high), -1.0) if is_falling else (float(low), 1.0)


def _lines(cell: IntArray, column: IntArray, n_columns: int) -> tuple[IntArray, _Lines]:
    """Cells that are met, rising, and the columns behind each."""
    pairs = np.unique(cell.astype(np.int64) * n_columns + column)
    cell_of, columns = np.divmod(pairs, n_columns)
    starts = np.flatnonzero(np.diff(cell_of, prepend=-1))
    return cell_of[starts], (columns, starts)


def _joined(made: Sequence[tuple[GlassView, _Lines]]) -> tuple[tuple[GlassView, ...], Rays]:
    """Join views and all their lines, one view after the other."""
    parts = [lines for _, lines in made]
    if not any(columns.size for columns, _ in parts):
        raise RenderError("There is no place to draw in these views of a glass brain.")
    offsets = np.cumsum([0] + [columns.size for columns, _ in parts])
    starts = [starts + offset for (_, starts), offset in zip(parts, offsets[:-1], strict=True)]
    columns = np.concatenate([columns for columns, _ in parts])
    return tuple(view for view, _ in made), Rays.of(columns, np.concatenate(starts))
