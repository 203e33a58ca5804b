"""Lines of a glass brain: nilearn's drawing of an MNI brain, or the rim of a model's own mask.

nilearn's drawing is read where nilearn is installed: by its own function, from its own files,
without loading the rest of nilearn.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import RenderError
from models.types import BoolArray, FloatArray, IntArray

__all__ = ["Stroke", "brain_drawing", "rim"]

#: matplotlib's numbers of what a point is, and SVG's letters for them.
MOVE, LINE, QUADRATIC, CUBIC = 1, 2, 3, 4
_LETTERS = {MOVE: "M", LINE: "L", QUADRATIC: "Q", CUBIC: "C"}
_POINTS = {MOVE: 1, LINE: 1, QUADRATIC: 2, CUBIC: 3}

_RIM_COLOUR, _RIM_WIDTH_PT = "#000000", 1.0


@dataclass(frozen=True, eq=False)
class Stroke:
    """One line of a drawing.

    Parameters
    ----------
    points : ndarray of shape (n_points, 2), float64
        Across and up in mm, or across and down in cells of a view.
    codes : ndarray of shape (n_points,), uint8
        What each point is, in matplotlib's numbers: 1 begins a part, 2 ends a straight line, 3
        and 4 belong to quadratic and cubic Bezier curves.
    colour : str
        ``"#rrggbb"``, for a light ground.
    width_pt : float
    """

    points: FloatArray
    codes: IntArray
    colour: str
    width_pt: float

    def moved(self, scale: tuple[float, float], shift: tuple[float, float]) -> Stroke:
        """Return the same line at ``points * scale + shift``."""
        points = self.points * np.array(scale) + np.array(shift)
        return Stroke(points, self.codes, self.colour, self.width_pt)

    def svg(self) -> str:
        """Path data as in the ``d`` of an SVG path, to a hundredth."""
        parts, at = [], 0
        while at < len(self.codes):
            code = int(self.codes[at])
            points = self.points[at : at + _POINTS[code]]
            numbers = " ".join(f"{number:.2f}".rstrip("0").rstrip(".") for number in points.flat)
            parts.append(f"{_LETTERS[code]}{numbers}")
            at += len(points)
        return "".join(parts)


@lru_cache(maxsize=8)
def brain_drawing(direction: str) -> tuple[tuple[Stroke, ...], tuple[float, float, float, float]]:
    """Lines of an MNI brain as nilearn draws them, in mm; cached.

    Parameters
    ----------
    direction : {"x", "y", "z", "l", "r"}
        Axis that is looked along, or one hemisphere seen from the side.

    Returns
    -------
    strokes : tuple of Stroke
    bounds : tuple of float
        Least and largest coordinate across, least and largest upwards.

    Raises
    ------
    RenderError
        nilearn is absent, or keeps its drawing elsewhere.
    """
    from matplotlib.colors import to_hex
    from matplotlib.figure import Figure

    axes = Figure().add_axes((0, 0, 1, 1))
    bounds = _nilearn_drawer()(axes, direction)
    # nilearn makes a patch of every few millimetres; all of one line are joined.
    parts: dict[Any, list[Any]] = {}
    for patch in axes.patches:
        look = (patch.get_gid(), to_hex(patch.get_edgecolor()), float(patch.get_linewidth()))
        to_mm = patch.get_transform() + axes.transData.inverted()
        parts.setdefault(look, []).append(to_mm.transform_path(patch.get_path()))
    strokes = []
    for (_, colour, width_pt), paths in parts.items():
        points = np.concatenate([path.vertices for path in paths])
        codes = np.concatenate([path.codes for path in paths])
        strokes.append(Stroke(points, codes, colour, width_pt))
    low, high, bottom, top = (float(number) for number in bounds)
    return tuple(strokes), (low, high, bottom, top)


@lru_cache(maxsize=1)
def _nilearn_drawer() -> Callable[..., Any]:
    """Return nilearn's ``plot_brain_schematics``, without importing all of ``nilearn.plotting``."""
    found = importlib.util.find_spec("nilearn")
    if found is None or found.origin is None:
        raise RenderError("A glass brain needs the package nilearn: pip install nilearn")
    path = Path(found.origin).parent / "plotting" / "glass_brain.py"
    spec: ModuleSpec | None = importlib.util.spec_from_file_location("_glass_brain_lines", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise RenderError("This nilearn keeps its glass brain elsewhere; 0.14 is known to work.")
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    drawer: Callable[..., Any] = module.plot_brain_schematics
    return drawer


def rim(is_inside: BoolArray) -> Stroke:
    """Edges between the cells of a set and all others.

    Parameters
    ----------
    is_inside : ndarray of shape (height, width), bool
        Top row first.

    Returns
    -------
    Stroke
        In cells: cell (row, column) covers column to column + 1 and row to row + 1.
    """
    padded = np.pad(is_inside, 1)
    y, x = np.nonzero(np.diff(padded, axis=1))  # upright edges, from y - 1 down to y
    upright = np.stack([x, y - 1, x, y], axis=1)
    y, x = np.nonzero(np.diff(padded, axis=0))  # level ones, from x - 1 to x
    level = np.stack([x - 1, y, x, y], axis=1)
    points = np.concatenate([upright, level]).reshape(-1, 2).astype(np.float64)
    codes = np.tile(np.array([MOVE, LINE], np.uint8), len(points) // 2)
    return Stroke(points, codes, _RIM_COLOUR, _RIM_WIDTH_PT)
