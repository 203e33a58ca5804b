"""The glass brain as an animation: one door for pages, ``glass_view``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.glass.wire import pack_projections
from components.mounting import component_of, playing_options
from models.drawing.glass import GlassSequence
from models.types import Response, UInt8Array

__all__ = ["glass_view", "pack_glass"]

_SHEETS = ("shared/viewer.css", "glass/frontend/glass.css")


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
    options = playing_options(
        height_px,
        is_autoplaying,
        is_holding,
        is_kiosk,
    )
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
    component_of("glass", key, _SHEETS, view_key)(data=message, key=key)
