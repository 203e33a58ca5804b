"""Frame the views of a response: what stands where on a page, as triangles in pixels.

All panels of a page share one scale, so sizes can be compared. The result knows no renderer:
``still`` hands it to VTK, ``static`` to matplotlib.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from models.drawing.layout import View, get_view, lay_out, views_of
from models.drawing.page import MARGIN_MM
from models.drawing.paint import Look, Patch, facing, paint, refine
from models.errors import RenderError
from models.spaces import load_medial_wall, load_sulcal_depth
from models.types import FloatArray, IntArray, Response, Space, UInt8Array

__all__ = [
    "VIEW_SETS",
    "Drawing",
    "Frame",
    "arrange",
    "draw_panels",
    "frame_view",
    "side_letters",
    "visible",
]

Focus = Literal["brain", "modelled"]

#: Sets of views by name; rows of the page.
VIEW_SETS: dict[str, tuple[tuple[str, ...], ...]] = {
    "four": (("left_lateral", "right_lateral"), ("left_medial", "right_medial")),
    "occipital": (("left_medial", "posterior", "right_medial"),),
}

_MM_PER_INCH = 25.4
_SIDE_MM = 4.0  # beside each panel, for the letters of its sides
_EDGE_PIXELS = 5.0  # triangles are cut until their edges are about this long
_MAX_CUTS = 4
_MAX_HEIGHT_MM = 190.0
_BORDER_MM = {"brain": 2.0, "modelled": 10.0}  # of brain, around what is framed


@dataclass(frozen=True, eq=False)
class Drawing:
    """Coloured triangles of one panel.

    Parameters
    ----------
    title, left_side, right_side : str
        Name of the view; letters of the directions at its edges.
    positions : ndarray of shape (n, 3), float32
        Pixels from the left and from the bottom edge; nearness to the viewer.
    faces : ndarray of shape (m, 3), int32
    colours : ndarray of shape (n, 3), uint8
        sRGB, drawn as it is.
    width, height : int
        Pixels.
    """

    title: str
    left_side: str
    right_side: str
    positions: FloatArray
    faces: IntArray
    colours: UInt8Array
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class Frame:
    """One view in screen millimetres: its triangles and the rectangle that is shown."""

    view: View
    patch: Patch
    low: FloatArray
    high: FloatArray

    @property
    def size(self) -> FloatArray:
        """Width and height, mm of brain."""
        return self.high - self.low


def arrange(views: str | Sequence[str], shape: str) -> tuple[tuple[str, ...], ...]:
    """Rows of view names for a page.

    Parameters
    ----------
    views : str or sequence of str
        A name in :data:`VIEW_SETS`, the name of one view, or names of several.
    shape : str
        Surface shape; a flat one has a view of its own, which is what a set becomes.

    Raises
    ------
    SpaceMismatchError
        A view is unknown; the text lists near matches.
    RenderError
        No view, or one that this shape cannot be seen from.
    """
    if isinstance(views, str):
        if views in VIEW_SETS:
            return VIEW_SETS[views] if views_of(shape) != ("flat",) else (("flat",),)
        views = (views,)
    names = [get_view(name).name for name in views]
    unfit = [name for name in names if name not in views_of(shape)]
    if not names or unfit:
        wanted = unfit[0] if unfit else "nothing"
        raise RenderError(
            f"The {shape} surface cannot be seen from {wanted!r}; "
            f"choose from {', '.join(views_of(shape))}."
        )
    a_row = 2 if len(names) in (2, 4) else 3
    return tuple(tuple(names[i : i + a_row]) for i in range(0, len(names), a_row))


def draw_panels(
    response: Response,
    row: int,
    rows_of_views: Sequence[Sequence[str]],
    shape: str,
    look: Look,
    width_mm: float,
    dpi: float,
    focus: Focus = "brain",
) -> tuple[tuple[Drawing, ...], ...]:
    """Triangles of all panels of a page that is ``width_mm`` wide.

    Parameters
    ----------
    response : Response
        On a surface.
    row : int
        Row of the response.
    rows_of_views : sequence of sequences of str
        As :func:`arrange` gives them.
    shape : str
        A surface shape of the response's space.
    look : Look
    width_mm, dpi : float
        Of the page.
    focus : {"brain", "modelled"}
        Show whole hemispheres, or only the part around modelled places.

    Returns
    -------
    tuple of tuples of Drawing
        The same rows as the views.

    Raises
    ------
    RenderError
        The response does not live on a surface, or has no such row.
    SpaceMismatchError
        The space has no such shape.
    """
    if response.space.kind != "surface":
        raise RenderError(f"Only surfaces can be drawn; {response.space.name} is none.")
    if not 0 <= row < response.n_rows:
        raise RenderError(f"There are rows 0 to {response.n_rows - 1}; row {row} was asked for.")
    values = response.dense()[row]
    frames = [
        [frame_view(response.space, values, name, shape, focus) for name in names]
        for names in rows_of_views
    ]
    scale = _page_scale(frames, width_mm) * dpi / _MM_PER_INCH
    return tuple(tuple(_draw(frame, look, scale) for frame in line) for line in frames)


def frame_view(
    space: Space, values: FloatArray, name: str, shape: str, focus: Focus = "brain"
) -> Frame:
    """Turn a surface into one view.

    Parameters
    ----------
    space : Space
        A surface with meshes.
    values : ndarray of shape (n_places,), float
        NaN where nothing is modelled.
    name : str
        Of the view.
    shape : str
        A surface shape of the space.
    focus : {"brain", "modelled"}
        As in :func:`draw_panels`.

    Raises
    ------
    SpaceMismatchError
        The space has no such shape, or there is no such view.
    """
    view = get_view(name)
    mesh = lay_out(space.name, shape)
    # The medial wall is no cortex: it has no folds to show.
    sulcus = np.where(load_medial_wall(space.name), 0, load_sulcal_depth(space.name))
    patches = []
    for side in view.hemispheres:
        one, part = mesh.hemisphere(side), space.hemisphere_slice(side)
        patch = Patch.of(one.positions, one.faces, values[part], sulcus[part])
        patches.append(facing(patch, view.rows))
    patch = _join(patches)
    used = np.unique(patch.faces)
    low, high = _bounds(patch.positions[used], _BORDER_MM["brain"])
    is_value = patch.weights[used] > 0
    if focus == "modelled" and is_value.any():
        near = _bounds(patch.positions[used[is_value]], _BORDER_MM["modelled"])
        low, high = np.maximum(low, near[0]), np.minimum(high, near[1])
    return Frame(view, patch, low, high)


def _bounds(positions: FloatArray, border_mm: float) -> tuple[FloatArray, FloatArray]:
    """Lower left and upper right corner on the screen."""
    return positions[:, :2].min(axis=0) - border_mm, positions[:, :2].max(axis=0) + border_mm


def _join(patches: Sequence[Patch]) -> Patch:
    """Make several patches one."""
    starts = np.cumsum([0, *(len(patch.positions) for patch in patches[:-1])])
    return Patch(
        np.concatenate([patch.positions for patch in patches]),
        np.concatenate([patch.normals for patch in patches]),
        np.concatenate([p.faces + start for p, start in zip(patches, starts, strict=True)]).astype(
            np.int32
        ),
        np.concatenate([patch.values for patch in patches]),
        np.concatenate([patch.weights for patch in patches]),
        np.concatenate([patch.sulcus for patch in patches]),
    )


def _page_scale(frames: Sequence[Sequence[Frame]], width_mm: float) -> float:
    """Millimetres of paper a millimetre of brain: the largest at which all panels fit."""
    fits = [
        (width_mm - 2 * MARGIN_MM - 2 * _SIDE_MM * len(line)) / sum(frame.size[0] for frame in line)
        for line in frames
    ]
    height = sum(max(frame.size[1] for frame in line) for line in frames)
    return float(min(*fits, _MAX_HEIGHT_MM / height))


def _draw(frame: Frame, look: Look, scale: float) -> Drawing:
    """Cut, paint and scale one view; ``scale`` is pixels a millimetre of brain."""
    patch = visible(frame)
    corners = patch.positions[patch.faces]
    edge = float(np.linalg.norm(corners[:, 0] - corners[:, 1], axis=1).mean()) * scale
    n_cuts = int(np.clip(np.rint(np.log2(edge / _EDGE_PIXELS)), 0, _MAX_CUTS))
    patch = refine(patch, n_cuts)
    width, height = (max(1, round(float(size) * scale)) for size in frame.size)
    origin = np.array([*frame.low, 0], np.float32)
    letters = side_letters(frame.view)
    return Drawing(
        title=frame.view.title,
        left_side=letters[0],
        right_side=letters[1],
        positions=((patch.positions - origin) * scale).astype(np.float32),
        faces=patch.faces,
        colours=paint(patch, look),
        width=width,
        height=height,
    )


def side_letters(view: View) -> str:
    """Two letters: the directions at the left and at the right edge of a view."""
    axis = int(np.argmax(np.abs(view.right)))
    ends = ("LR", "PA", "IS")[axis]
    return ends if view.right[axis] > 0 else ends[::-1]


def visible(frame: Frame) -> Patch:
    """Triangles of a view that face the viewer, and are so not hidden, and lie in the frame."""
    patch = frame.patch
    corners = patch.positions[patch.faces]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    is_front = first[:, 0] * second[:, 1] > first[:, 1] * second[:, 0]
    on_screen = corners[:, :, :2]
    is_inside = (on_screen.max(axis=1) > frame.low) & (on_screen.min(axis=1) < frame.high)
    faces = patch.faces[is_front & is_inside.all(axis=1)]
    used, compact = np.unique(faces, return_inverse=True)
    return replace(
        patch,
        positions=patch.positions[used],
        normals=patch.normals[used],
        faces=compact.reshape(-1, 3).astype(np.int32),
        values=patch.values[used],
        weights=patch.weights[used],
        sulcus=patch.sulcus[used],
    )
