"""Big pictures to touch, and a clock that notices when nobody is there any more."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from components.static import entry_url, static_url
from models.types import UInt8Array

__all__ = ["Tile", "touch_tiles"]

#: Inline code is loaded from a blob, where imports only work with a full address.
_ENTRY = """
export default function (component) {
  let end = null;
  let isGone = false;
  import(new URL("%s", document.baseURI)).then((tiles) => {
    if (!isGone) end = tiles.mount(component);
  });
  return () => {
    isGone = true;
    if (end) end();
  };
}
"""
_STYLE_LINK = '<link rel="stylesheet" href="%s"><div class="tiles"></div>'


@dataclass(frozen=True, eq=False)
class Tile:
    """One thing to touch.

    Parameters
    ----------
    id : str
        What :func:`touch_tiles` returns.
    label : str
        Plain text under the picture.
    picture : ndarray of shape (height, width, 3), uint8
        sRGB.
    """

    id: str
    label: str
    picture: UInt8Array


def touch_tiles(
    tiles: Sequence[Tile],
    *,
    key: str,
    chosen: str,
    home: str,
    idle_s: float = 60.0,
    prompt_s: float = 50.0,
    on_choose: Callable[[str], None],
) -> None:
    """Show tiles in a row that wraps; without a touch go back to one of them.

    Parameters
    ----------
    tiles : sequence of Tile
    key : str
        Identity of the row.
    chosen : str
        Id of the tile that is shown now.
    home : str
        Id of the tile to return to.
    idle_s, prompt_s : float
        Seconds without a touch until the return, and until "Still there?" is asked. The clock
        runs in the browser, and only while another tile than ``home`` is chosen.
    on_choose : callable
        Called with a tile's id, before the script runs.

    Raises
    ------
    ValueError
        ``home`` is no tile, or the question would come after the return.
    """
    known = [tile.id for tile in tiles]
    if home not in known or not 0 < prompt_s < idle_s:
        raise ValueError(f"home={home!r} must be one of {known}, and prompt_s under idle_s.")

    def report() -> None:
        touched = st.session_state[key].get("chosen")
        if touched in known:
            on_choose(touched)

    _component()(
        data={
            "tiles": [
                {"id": tile.id, "label": tile.label, "picture": _data_url(tile)} for tile in tiles
            ],
            "chosen": chosen,
            "home": home,
            "idle_s": idle_s,
            "prompt_s": prompt_s,
        },
        key=key,
        on_chosen_change=report,
    )


@lru_cache(maxsize=1)
def _component() -> Any:
    """Register the browser side once a process."""
    return st.components.v2.component(
        "boldcast_kiosk",
        html=_STYLE_LINK % static_url("kiosk", "kiosk.css"),
        js=_ENTRY % entry_url("kiosk"),
    )


def _data_url(tile: Tile) -> str:
    """JPEG inside a URL, for an <img>."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(tile.picture)).save(buffer, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
