"""The three-plane viewer of voxels: one door for pages, ``volume_view``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from components.mounting import component_of, ignore, playing_options
from components.volume.wire import RegionsLike, pack_voxels
from models.types import Response, UInt8Array
from models.voxel_grid import VoxelGrid

__all__ = ["LAYOUTS", "Layout", "VoxelPick", "pack_volume", "read_pick", "volume_view"]

_SHEETS = ("shared/viewer.css", "volume/frontend/volume.css")

Layout = Literal["slices", "projections", "both"]
LAYOUTS: tuple[Layout, ...] = ("slices", "projections", "both")


@dataclass(frozen=True)
class VoxelPick:
    """A voxel a person clicked.

    Parameters
    ----------
    place : int
        Index in the response's space: the row of ``VoxelGrid.places``.
    frame : int
        Row of the response that was on show.
    """

    place: int
    frame: int


def pack_volume(
    response: Response,
    grid: VoxelGrid,
    regions: RegionsLike | None = None,
    *,
    outlined: Sequence[str] = (),
    low_confidence: Sequence[str] = (),
    thumbnails: Sequence[UInt8Array] | None = None,
    layout: Layout = "slices",
    height_px: int | None = None,
    frame_rate_hz: float = 2.0,
    is_autoplaying: bool = False,
    is_holding: bool = False,
    is_kiosk: bool = False,
    **more: Any,
) -> bytes:
    """Message for :func:`volume_view`; worth caching, as it holds all frames.

    Parameters
    ----------
    response, grid, regions, outlined, low_confidence, thumbnails, frame_rate_hz
        As in :func:`components.volume.wire.pack_voxels`, like ``more`` (encoding, limit,
        colormap, footer).
    layout : str
        Three slices through a crosshair, three projections (the value of largest size along each
        line of sight, with its sign), or both.
    height_px : int, optional
        Height of the stage; default 56 % of the window, within 300 to 680 px.
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
        layout=layout,
    )
    return pack_voxels(
        response,
        grid,
        regions,
        outlined=outlined,
        low_confidence=low_confidence,
        thumbnails=thumbnails,
        frame_rate_hz=frame_rate_hz,
        options=options,
        **more,
    )


def volume_view(
    message: bytes,
    *,
    key: str,
    on_pick: Callable[[], None] | None = None,
    on_unpin: Callable[[], None] | None = None,
) -> VoxelPick | None:
    """Draw a response over voxels as three planes.

    Slices, time, colours and threshold cost no rerun; the same ``key`` keeps them when the
    message changes. Speaks on the page's bus (``components/shared/bus.js``) like the brain view.

    Parameters
    ----------
    message : bytes
        From :func:`pack_volume`.
    key : str
        Name of this view: of the component, of its part in the ``view=`` query parameter and of
        its events in the page. Letters, digits, "-", ".".
    on_pick : callable, optional
        Called before the rerun that follows a click on a voxel.
    on_unpin : callable, optional
        Called before the rerun that follows the removal of the pin.

    Returns
    -------
    VoxelPick or None
        The voxel clicked just now.

    Raises
    ------
    ValueError
        ``key`` has other characters.
    """
    result = component_of("volume", key, _SHEETS)(
        data=message,
        key=key,
        on_pick_change=on_pick or ignore,
        on_unpin_change=on_unpin or ignore,
    )
    return read_pick(result.pick)


def read_pick(value: Any) -> VoxelPick | None:
    """Check what came from the browser; anything malformed is no pick."""
    if not isinstance(value, dict):
        return None
    place, frame = value.get("place"), value.get("frame")
    for number in (place, frame):
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            return None
    assert isinstance(place, int)
    assert isinstance(frame, int)
    return VoxelPick(place, frame)
