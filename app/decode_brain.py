"""Small pictures of the cortex for the page Decode: transparent, one view, no words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.drawing import paint, panels, static
from models.types import FloatArray, IntArray, Provenance, Response, Space, UInt8Array

__all__ = ["VIEWS", "cortex_picture"]

#: View -> words, for checking which side is which.
VIEWS = {
    "left_lateral": "left hemisphere, from outside",
    "posterior": "from behind: left is left",
    "right_lateral": "right hemisphere, from outside",
}
_WIDTH_MM, _DPI = 70.0, 130.0


def cortex_picture(
    values: FloatArray, space: Space, columns: IntArray, view: str = "posterior"
) -> UInt8Array:
    """Draw one pattern.

    Parameters
    ----------
    values : ndarray of shape (n_places,)
        Signed; NaN is grey.
    space : Space
        A surface with meshes.
    columns : ndarray of shape (n_places,), int
        Its places.
    view : str
        A name in ``models.drawing.layout``.

    Returns
    -------
    ndarray of shape (height, width, 4), uint8
        Transparent around the brain.
    """
    nobody = Provenance("", "", "", "", "", "", "")
    response = Response(values[None], space, ("",), "", True, nobody, columns=columns)
    look = paint.look_for(response)
    ((drawing,),) = panels.draw_panels(
        response, 0, ((view,),), "inflated", look, _WIDTH_MM, _DPI, "brain"
    )
    coloured = static.rasterise(drawing).astype(np.float32)
    # Drawn on white; the same in black tells how much of the white shows through.
    black = static.rasterise(replace(drawing, colours=np.zeros_like(drawing.colours)))
    alpha = 1 - black[..., :1].astype(np.float32) / 255
    own = (coloured - 255 * (1 - alpha)) / np.maximum(alpha, 1 / 255)
    rgba = np.concatenate([np.clip(own, 0, 255), 255 * alpha], axis=2)
    picture: UInt8Array = np.rint(rgba).astype(np.uint8)
    return picture
