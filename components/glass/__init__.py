"""The glass brain as an animation: one door for pages, ``glass_view``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import streamlit as st

from components.glass.wire import pack_projections
from components.mounting import check_key, entry_script, styles
from models.drawing.glass import GlassSequence
from models.types import Response, UInt8Array

__all__ = ["glass_view", "pack_glass"]


def pack_glass(
    response: Response,
    sequence: GlassSequence,
    *,
    thumbnails: Sequence[UInt8Array] | None = None,
    height_px: int | None = None,
    frame_rate_hz: float = 2.0,
    is_autoplaying: bool = False,
    is_holding: bool = False,
    is_kiosk: bool = False,
    **more: Any,
) -> bytes:
    """Message for :func:`glass_view`; worth caching, as it holds all frames.

    Parameters
    ----------
    response : Response
        What was projected.
    sequence : GlassSequence
        From ``GlassProjector(...).project_response(response)``.
    thumbnails, frame_rate_hz
        As in :func:`components.glass.wire.pack_projections`, like ``more`` (linked, names,
        limit, colormap, footer, words).
    height_px : int, optional
        Height of the stage; default follows its width.
    is_autoplaying : bool
        Start playing, unless the person prefers reduced motion or the URL says otherwise.
    is_holding : bool
        While playing, rest on the predicted frames.
    is_kiosk : bool
        Large type, fewer controls.
    """
    options: dict[str, Any] = {
        "autoplay": is_autoplaying,
        "hold": is_holding,
        "kiosk": is_kiosk,
    }
    if height_px is not None:
        options["height"] = height_px
    return pack_projections(
        response,
        sequence,
        thumbnails=thumbnails,
        frame_rate_hz=frame_rate_hz,
        options=options,
        **more,
    )


def glass_view(message: bytes, *, key: str, view_key: str = "") -> None:
    """Draw a glass brain that plays.

    Time, colours and threshold cost no rerun; the same ``key`` keeps them when the message
    changes.

    Parameters
    ----------
    message : bytes
        From :func:`pack_glass`.
    key : str
        Name of this view: of the component, of its part in the ``view=`` query parameter and of
        its events in the page (``components/shared/bus.js``). Letters, digits, "-", ".".
    view_key : str
        Key of another view of the page that leads: its time, colour range and pointer are shown
        as they change, and this view's own play button, threshold and display settings go away as
        soon as that view speaks. "" for none.

    Raises
    ------
    ValueError
        A key has other characters.
    """
    check_key(key)
    if view_key:
        check_key(view_key)
    _component(key, view_key)(data=message, key=key)


@lru_cache(maxsize=32)
def _component(key: str, view_key: str) -> Callable[..., Any]:
    """Register the component of one view; its inline entry imports the modules from the server."""
    name = f"boldcast_glass_{key}_{view_key}".replace(".", "-")
    component: Callable[..., Any] = st.components.v2.component(
        name,
        html=f'<div class="boldcast-glass" data-follows="{view_key}"></div>',
        css=styles("shared/viewer.css", "glass/frontend/glass.css"),
        js=entry_script("glass", key),
    )
    return component
