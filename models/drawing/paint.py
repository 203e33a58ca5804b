"""From values to coloured, shaded, screen-facing triangles: what every drawn cortex shares.

Colours are computed here and drawn as they are, without a renderer's lights, so that what a
picture shows can be compared with its colour bar. Interpolation is of values, not of colours,
and a place without a value never borrows one: a point inside a triangle is coloured where at
least half of its weight comes from vertices that have a value.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from models.drawing.colormaps import colour, default_colormap, lut, underlay_greys
from models.errors import RenderError
from models.types import BoolArray, FloatArray, IntArray, Response, UInt8Array

__all__ = ["Look", "Patch", "brightness", "facing", "limits_of", "look_for", "paint", "refine"]

#: Share of the values' range that may be clipped at each coloured end.
_LIMIT_PERCENTILE = 99.5
#: Where the light comes from: left, above, and mostly from the viewer; screen coordinates.
_LIGHT = np.array([-0.35, 0.45, 0.82])
#: Light that reaches a surface that faces away. Values keep more: they stay near their colour
#: bar, and the white of zero never gets as dark as the brightest grey of "not modelled".
_AMBIENT_VALUE, _AMBIENT_UNDERLAY = 0.82, 0.55


@dataclass(frozen=True)
class Look:
    """How values become colours.

    Parameters
    ----------
    colormap : str
        One of ``colormaps.COLORMAPS``.
    minimum, maximum : float
        Values of the ends of the colour bar.
    threshold : float
        Values nearer to zero than this are not drawn.

    Raises
    ------
    RenderError
        No such map, limits out of order, or a negative threshold.
    """

    colormap: str
    minimum: float
    maximum: float
    threshold: float = 0.0

    def __post_init__(self) -> None:
        lut(self.colormap)
        if not -np.inf < self.minimum < self.maximum < np.inf:
            raise RenderError(f"Colour limits must rise; got {self.minimum:g} to {self.maximum:g}.")
        if not 0 <= self.threshold < np.inf:
            raise RenderError(f"The threshold must be zero or more; got {self.threshold:g}.")


@dataclass(frozen=True, eq=False)
class Patch:
    """Triangles with what is needed to colour them.

    Parameters
    ----------
    positions : ndarray of shape (n, 3), float32
        mm; display coordinates, or screen coordinates (right, up, towards the viewer).
    normals : ndarray of shape (n, 3), float32
        Outward unit vectors.
    faces : ndarray of shape (m, 3), int32
    values : ndarray of shape (n,), float32
        0 where ``weights`` is 0.
    weights : ndarray of shape (n,), float32
        1 where there is a value, 0 where not; between, on refined edges.
    sulcus : ndarray of shape (n,), float32
        Sulcal depth, positive in sulci.
    """

    positions: FloatArray
    normals: FloatArray
    faces: IntArray
    values: FloatArray
    weights: FloatArray
    sulcus: FloatArray

    @classmethod
    def of(
        cls, positions: FloatArray, faces: IntArray, values: FloatArray, sulcus: FloatArray
    ) -> Patch:
        """Make a patch of one hemisphere from values (n,) with NaN where not modelled."""
        is_known = ~np.isnan(values)
        return cls(
            positions,
            _vertex_normals(positions, faces),
            faces,
            np.where(is_known, values, 0).astype(np.float32),
            is_known.astype(np.float32),
            sulcus,
        )


def limits_of(response: Response) -> tuple[float, float]:
    """Colour limits that hold for all rows of a response.

    Returns
    -------
    tuple of float
        ±99.5th percentile of the absolute value if signed, else 0 to the 99.5th percentile.
        0 (or -1) to 1 where there is nothing but zeros or NaN.
    """
    size = np.abs(response.values[~np.isnan(response.values)].astype(np.float64))
    top = float(np.percentile(size, _LIMIT_PERCENTILE)) if size.size else 0.0
    top = top or (float(size.max()) if size.size else 0.0) or 1.0
    return (-top if response.is_signed else 0.0), top


def look_for(
    response: Response,
    colormap: str | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    threshold: float = 0.0,
) -> Look:
    """Fill in what was not chosen from the response.

    Raises
    ------
    RenderError
        As in :class:`Look`.
    """
    low, high = limits_of(response)
    return Look(
        colormap or default_colormap(response.is_signed),
        low if minimum is None else minimum,
        high if maximum is None else maximum,
        threshold,
    )


def facing(patch: Patch, rotation: FloatArray) -> Patch:
    """Turn a patch into screen coordinates.

    Parameters
    ----------
    rotation : ndarray of shape (3, 3)
        Rows: screen right, screen up, towards the viewer.
    """
    turn = np.asarray(rotation, np.float32).T
    return replace(patch, positions=patch.positions @ turn, normals=patch.normals @ turn)


def refine(patch: Patch, n_times: int) -> Patch:
    """Cut each triangle in four, ``n_times``; the surface stays where it is.

    Values between vertices are linear; see the module's docstring for the edge of what is
    modelled.
    """
    for _ in range(n_times):
        patch = _refine_once(patch)
    return patch


def paint(patch: Patch, look: Look) -> UInt8Array:
    """Colour and shade a patch in screen coordinates.

    Returns
    -------
    ndarray of shape (n, 3), uint8
        sRGB. Grey underlay (sulci darker) where no value is drawn.
    """
    has_value = patch.weights >= 0.5
    values = patch.values / np.maximum(patch.weights, 0.5)
    is_drawn = has_value & (np.abs(values) >= look.threshold)
    gyrus, sulcus = underlay_greys(look.colormap)
    # A soft step from gyrus to sulcus: as readable as two greys, without a jagged edge.
    depth = 0.5 + 0.5 * np.tanh(patch.sulcus / (0.25 * (np.abs(patch.sulcus).mean() + 1e-9)))
    grey = gyrus + (sulcus - gyrus) * depth
    rgb = np.where(
        is_drawn[:, None], colour(values, look.colormap, look.minimum, look.maximum), grey[:, None]
    )
    shaded: UInt8Array = np.rint(rgb * brightness(patch.normals, is_drawn)[:, None]).astype(
        np.uint8
    )
    return shaded


def brightness(normals: FloatArray, is_value: BoolArray) -> FloatArray:
    """Light on a surface: 1 where it faces the viewer or the light.

    Parameters
    ----------
    normals : ndarray of shape (n, 3), float
        Outward unit vectors, screen coordinates.
    is_value : ndarray of shape (n,), bool
        A value is drawn there: it keeps more light in the shade than the underlay.

    Returns
    -------
    ndarray of shape (n,), float
        0 to 1.
    """
    direction = _LIGHT / np.linalg.norm(_LIGHT)
    ambient = np.where(is_value, _AMBIENT_VALUE, _AMBIENT_UNDERLAY)
    # Full brightness at the angle of a surface that faces the viewer: flat maps are not dimmed.
    diffuse = np.clip(normals @ direction / direction[2], 0, 1)
    light: FloatArray = ambient + (1 - ambient) * diffuse
    return light


def _vertex_normals(positions: FloatArray, faces: IntArray) -> FloatArray:
    """Area-weighted outward unit normals (n, 3)."""
    a, b, c = (positions[faces[:, k]] for k in range(3))
    of_face = np.cross(b - a, c - a)
    normals = np.zeros(positions.shape)
    for corner in range(3):
        for axis in range(3):
            column = np.bincount(faces[:, corner], of_face[:, axis], len(positions))
            normals[:, axis] += column
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    unit: FloatArray = (normals / np.maximum(length, 1e-12)).astype(np.float32)
    return unit


def _refine_once(patch: Patch) -> Patch:
    """Midpoint subdivision; new vertices come after the old ones."""
    faces, n = patch.faces.astype(np.int64), len(patch.positions)
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    keys, inverse = np.unique(edges[:, 0] * n + edges[:, 1], return_inverse=True)
    first, second = keys // n, keys % n
    ab, bc, ca = (n + inverse.reshape(3, -1)).astype(np.int32)
    a, b, c = patch.faces.T

    def with_middles(array: FloatArray) -> FloatArray:
        middles: FloatArray = (array[first] + array[second]) / 2
        return np.concatenate([array, middles])

    normals = with_middles(patch.normals)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    quarters = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return Patch(
        with_middles(patch.positions),
        normals,
        np.concatenate([np.stack(quarter, axis=1) for quarter in quarters]),
        with_middles(patch.values),
        with_middles(patch.weights),
        with_middles(patch.sulcus),
    )
