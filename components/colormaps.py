"""Colour maps that colour-blind people can read, as 256-entry tables.

Diverging maps run through near-white at the middle and are used symmetrically around 0;
sequential ones rise steadily in lightness. Source: matplotlib (viridis family: Smith & van der
Walt 2015, CC0; cividis: Nunez et al. 2018; RdBu, PuOr: ColorBrewer, Brewer 2003).
"""

from __future__ import annotations

from functools import lru_cache

import matplotlib
import numpy as np

from models.types import UInt8Array

__all__ = ["DIVERGING", "SEQUENTIAL", "default_colormap", "load_colormap"]

#: Name -> words for a person; the first is the default. "_r" puts red or orange on top.
DIVERGING = {"RdBu_r": "Blue – red", "PuOr_r": "Purple – orange", "BrBG_r": "Teal – brown"}
SEQUENTIAL = {"viridis": "Viridis", "cividis": "Cividis", "magma": "Magma", "inferno": "Inferno"}


def default_colormap(is_signed: bool) -> str:
    """Name of the map used when nothing is said."""
    return next(iter(DIVERGING if is_signed else SEQUENTIAL))


@lru_cache(maxsize=16)
def load_colormap(name: str) -> UInt8Array:
    """Colours from the low end to the high end.

    Parameters
    ----------
    name : str
        A key of :data:`DIVERGING` or :data:`SEQUENTIAL`.

    Returns
    -------
    ndarray of shape (256, 3), uint8
        sRGB; read-only.

    Raises
    ------
    KeyError
        The name is in neither list.
    """
    if name not in DIVERGING and name not in SEQUENTIAL:
        raise KeyError(f"No colour map {name!r}; there are {[*DIVERGING, *SEQUENTIAL]}.")
    colours = matplotlib.colormaps[name](np.linspace(0.0, 1.0, 256))[:, :3]
    table: UInt8Array = np.rint(colours * 255).astype(np.uint8)
    table.flags.writeable = False
    return table
