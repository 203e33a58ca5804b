"""A quick picture of the cortex for browsers without WebGL; needs no OpenGL anywhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.drawing.page import Tile, compose_page
from models.drawing.paint import look_for
from models.drawing.panels import Drawing, Focus, arrange, draw_panels
from models.types import Response, UInt8Array

__all__ = ["fallback_png", "rasterise"]

#: Drawn larger by this and averaged, for smooth edges.
_OVERSAMPLING = 2


def fallback_png(
    response: Response,
    row: int = 0,
    views: str | Sequence[str] = "four",
    shape: str = "inflated",
    colormap: str | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    threshold: float = 0.0,
    focus: Focus = "brain",
    width_mm: float = 183.0,
    dpi: int = 130,
) -> bytes:
    """Draw one row of a response for the screen.

    Parameters
    ----------
    response, row, views, shape, colormap, minimum, maximum, threshold, focus, width_mm, dpi
        As in :func:`models.drawing.still.draw_still`; the page looks the same.

    Returns
    -------
    bytes
        PNG with provenance in its text chunks.

    Raises
    ------
    RenderError, SpaceMismatchError
        As in :func:`models.drawing.still.draw_still`, but never for want of a system library.
    """
    look = look_for(response, colormap, minimum, maximum, threshold)
    lines = draw_panels(response, row, arrange(views, shape), shape, look, width_mm, dpi, focus)
    tiles = tuple(
        tuple(Tile(rasterise(one), one.title, one.left_side, one.right_side) for one in line)
        for line in lines
    )
    return compose_page(tiles, response, row, look, width_mm, dpi)


def rasterise(drawing: Drawing) -> UInt8Array:
    """Turn triangles into pixels with matplotlib's Agg, far ones first.

    Returns
    -------
    ndarray of shape (height, width, 3), uint8
        On white.
    """
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.transforms import IdentityTransform

    times = _OVERSAMPLING
    width, height = drawing.width * times, drawing.height * times
    nearness = drawing.positions[drawing.faces, 2].mean(axis=1)
    faces = drawing.faces[np.argsort(nearness, kind="stable")]
    colours = np.concatenate([drawing.colours / 255, np.ones((len(drawing.colours), 1))], axis=1)
    renderer = RendererAgg(width, height, 72)
    context = renderer.new_gc()
    points = drawing.positions[:, :2].astype(float) * times
    renderer.draw_gouraud_triangles(context, points[faces], colours[faces], IdentityTransform())
    context.restore()
    rgba = np.asarray(renderer.buffer_rgba()).astype(np.float32)
    over_white = rgba[..., :3] * (rgba[..., 3:] / 255) + (255 - rgba[..., 3:])
    blocks = over_white.reshape(drawing.height, times, drawing.width, times, 3)
    pixels: UInt8Array = np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)
    return pixels
