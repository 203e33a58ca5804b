"""Colour maps of every picture: look-up tables, what may be used for what, and the greys.

The tables are matplotlib's, committed (``assets/colormaps/tables.npz``, 768 bytes a map) so
that a page starts without importing matplotlib. A map is offered only if it stays readable
with normal and with protan, deutan and tritan vision (Machado, Oliveira & Fernandes 2009):

- diverging: zero is in the middle, lightness is a mirror image within 8 L*, and colours
  that lie mirrored at half range or more differ by at least 20 (CIEDE2000). PuOr and PRGn fail
  the first, BrBG the second;
- sequential: lightness rises over every 8 entries;
- cyclic: both ends are one colour, and lightness tells a half turn from none.

No entry may look like the greys of places that are not modelled (CIEDE2000 above 8, and above
14 for the zero of a diverging map). cividis fails: its middle is exactly such a grey.

``tests/models/drawing/test_colormaps.py`` measures all of it again.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from models.errors import RenderError
from models.types import FloatArray, UInt8Array

__all__ = [
    "COLORMAPS",
    "CYCLIC",
    "DIVERGING",
    "LABELS",
    "SEQUENTIAL",
    "colour",
    "default_colormap",
    "lut",
    "underlay_greys",
]

#: For signed values; drawn symmetric around zero. The first is the default.
DIVERGING = ("RdBu_r", "coolwarm", "RdYlBu_r", "managua")
#: For values that start at zero. The first is the default.
SEQUENTIAL = ("viridis", "magma", "inferno", "plasma")
#: For angles: both ends are one colour.
CYCLIC = ("twilight",)
COLORMAPS = DIVERGING + SEQUENTIAL + CYCLIC

LABELS = {
    "RdBu_r": "Blue – white – red",
    "coolwarm": "Blue – grey – red, soft",
    "RdYlBu_r": "Blue – yellow – red",
    "managua": "Yellow – dark – blue",
    "viridis": "Viridis: blue – green – yellow",
    "magma": "Magma: black – pink – cream",
    "inferno": "Inferno: black – orange – yellow",
    "plasma": "Plasma: blue – pink – yellow",
    "twilight": "Twilight: white – blue – dark – red – white, for angles",
}

#: Grey of gyri and of sulci where nothing is modelled, 0-255: away from a diverging map's
#: light middle and a cyclic map's light ends, and away from a sequential map's middle greens.
_GREYS = {"diverging": (160, 134), "sequential": (204, 178)}


def tables_path() -> Path:
    """File with the look-up tables."""
    return Path(__file__).parents[2] / "assets" / "colormaps" / "tables.npz"


@lru_cache(maxsize=1)
def _tables() -> dict[str, UInt8Array]:
    """Name -> read-only table."""
    with np.load(tables_path(), allow_pickle=False) as file:
        tables = {name: file[name] for name in COLORMAPS}
    for table in tables.values():
        table.flags.writeable = False
    return tables


def lut(name: str) -> UInt8Array:
    """Look-up table of a map.

    Returns
    -------
    ndarray of shape (256, 3), uint8
        sRGB from the lowest to the highest value; read-only.

    Raises
    ------
    RenderError
        No such map.
    """
    if name not in COLORMAPS:
        raise RenderError(f"There is no colour map {name!r}; choose one of {list(COLORMAPS)}.")
    return _tables()[name]


def default_colormap(is_signed: bool) -> str:
    """Name of the map to start with."""
    return DIVERGING[0] if is_signed else SEQUENTIAL[0]


def underlay_greys(name: str) -> tuple[int, int]:
    """Grey (0-255) of gyri and of sulci that go with a map where nothing is drawn."""
    return _GREYS["sequential" if name in SEQUENTIAL else "diverging"]


def colour(values: FloatArray, name: str, minimum: float, maximum: float) -> UInt8Array:
    """Colours of values.

    Parameters
    ----------
    values : ndarray of any shape, float
        Values outside the limits get the end colours.
    name : str
        One of :data:`COLORMAPS`.
    minimum, maximum : float
        Values of the first and of the last entry; ``minimum < maximum``.

    Returns
    -------
    ndarray of shape (*values.shape, 3), uint8
        sRGB. NaN gets the grey of a gyrus where nothing is modelled.

    Raises
    ------
    RenderError
        No such map, or the limits are not in order.
    """
    if not minimum < maximum:
        raise RenderError(f"Colour limits must rise; got {minimum:g} to {maximum:g}.")
    table = lut(name)
    is_nan = np.isnan(values)
    position = (np.where(is_nan, minimum, values) - minimum) / (maximum - minimum)
    # The same rule as matplotlib's: 256 equal steps, the top value in the last.
    code = np.clip(np.floor(position * 256), 0, 255).astype(np.uint8)
    colours: UInt8Array = table[code]
    colours[is_nan] = underlay_greys(name)[0]
    return colours
