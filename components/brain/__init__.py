"""The WebGL surface viewer: one door for pages, ``brain_view``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from components.brain.wire import Labels, pack_response
from components.mounting import component_of, ignore, playing_options
from models.types import Hemisphere, Response, UInt8Array

__all__ = ["LAYOUTS", "Layout", "Pick", "brain_view", "pack_view", "read_pick"]

_SHEETS = ("shared/viewer.css",)

Layout = Literal["visual", "four", "posterior", "dorsal", "ventral", "flat", "free"]
LAYOUTS: tuple[Layout, ...] = ("visual", "four", "posterior", "dorsal", "ventral", "flat", "free")


@dataclass(frozen=True)
class Pick:
    """A vertex a person clicked.

    Parameters
    ----------
    vertex : int
        Index in the space, left hemisphere first.
    hemisphere : {"left", "right"}
    frame : int
        Row of the response that was on show.
    """

    vertex: int
    hemisphere: Hemisphere
    frame: int


def pack_view(
    response: Response,
    *,
    mesh_url: str,
    atlas: Labels | None = None,
    low_confidence: Sequence[str] = (),
    regions: Sequence[str] = (),
    thumbnails: Sequence[UInt8Array] | None = None,
    fallback_png: bytes | None = None,
    layout: Layout = "visual",
    height_px: int | None = None,
    frame_rate_hz: float = 2.0,
    is_autoplaying: bool = False,
    is_holding: bool = False,
    is_kiosk: bool = False,
    start_frame: int = 0,
    **more: Any,
) -> bytes:
    """Message for :func:`brain_view`; worth caching, as it holds all frames.

    Parameters
    ----------
    response, mesh_url, atlas, low_confidence, regions, thumbnails, fallback_png, frame_rate_hz
        As in :func:`components.brain.wire.pack_response`, like ``more``.
    layout : str
        One of :data:`LAYOUTS`; "visual" frames the modelled cortex large.
    height_px : int, optional
        Height of the stage; default 56 % of the window, within 300 to 680 px.
    is_autoplaying : bool
        Start playing, unless the person prefers reduced motion or the URL says otherwise.
    is_holding : bool
        While playing, rest on the predicted frames.
    is_kiosk : bool
        Large type, fewer controls.
    start_frame : int
        Frame that is shown first, unless the URL says otherwise.
    """
    options = playing_options(
        height_px,
        is_autoplaying,
        is_holding,
        is_kiosk,
        layout=layout,
        start_frame=start_frame,
    )
    return pack_response(
        response,
        mesh_url=mesh_url,
        atlas=atlas,
        low_confidence=low_confidence,
        regions=regions,
        thumbnails=thumbnails,
        fallback_png=fallback_png,
        frame_rate_hz=frame_rate_hz,
        options=options,
        **more,
    )


def brain_view(
    message: bytes,
    *,
    key: str,
    on_pick: Callable[[], None] | None = None,
    on_unpin: Callable[[], None] | None = None,
) -> Pick | None:
    """Draw a response on the cortex.

    The same ``key`` keeps camera, time and settings when the message changes; an unchanged
    message is neither sent nor uploaded again.

    Parameters
    ----------
    message : bytes
        From :func:`pack_view`.
    key : str
        Name of this view: of the component, of its part in the ``view=`` query parameter and of
        its events in the page (``components/shared/bus.js``). Letters, digits, "-", ".".
    on_pick : callable, optional
        Called before the rerun that follows a click.
    on_unpin : callable, optional
        Called before the rerun that follows the removal of the pin.

    Returns
    -------
    Pick or None
        The vertex clicked just now.

    Raises
    ------
    ValueError
        ``key`` has other characters.
    """
    result = component_of("brain", key, _SHEETS)(
        data=message,
        key=key,
        on_pick_change=on_pick or ignore,
        on_unpin_change=on_unpin or ignore,
    )
    return read_pick(result.pick)


def read_pick(value: Any) -> Pick | None:
    """Check what came from the browser; anything malformed is no pick."""
    if not isinstance(value, dict):
        return None
    vertex, frame = value.get("vertex"), value.get("frame")
    hemisphere = value.get("hemisphere")
    if hemisphere not in ("left", "right"):
        return None
    if not isinstance(vertex, int) or not isinstance(frame, int) or vertex < 0 or frame < 0:
        return None
    return Pick(vertex, hemisphere, frame)
