"""Parcels in a glass brain, a frame a volume, as GIF, MP4 or WebM."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.drawing.colormaps import default_colormap
from models.drawing.glass import GlassProjector
from models.drawing.glass_frames import draw_frames
from models.drawing.paint import Look
from models.errors import RenderError
from models.media import Caption, write_animation
from models.types import FloatArray, Report, Space, ignore_progress

__all__ = ["write_glass_brain_animation"]


def write_glass_brain_animation(
    values: FloatArray,
    atlas: Path,
    out_path: Path,
    *,
    frame_s: float,
    caption: str,
    units: str = "",
    facts: Sequence[tuple[str, str]] = (),
    report: Report = ignore_progress,
) -> None:
    """Write an animation in real time.

    Parameters
    ----------
    values : ndarray of shape (n_frames, n_parcels), float
        NaN for parcels without a value. All frames share one colour scale, symmetric around zero.
    atlas : Path
        Volume in MNI space whose voxels are 1 to n_parcels, 0 outside.
    out_path : Path
        Ends in ``.gif``, ``.mp4`` or ``.webm``.
    frame_s : float
        How long each frame stands, in s; also the time written on it.
    caption : str
        Written on every frame, with the frame's time and the colour limits.
    units : str
        Of the values, beside the colour bar.
    facts : sequence of (key, value)
        Written into the file's header.
    report : Report
        Told of each frame; may raise ``Cancelled``.

    Raises
    ------
    RenderError
        Another ending, no frame, nothing finite, a label without a parcel, or a package or
        folder is missing.
    ResourceError
        The disk is full.
    """
    if not np.isfinite(values).any():
        raise RenderError("There is no value to draw: give responses of at least one volume.")
    limit = float(np.nanmax(np.abs(np.where(np.isfinite(values), values, np.nan)))) or 1.0
    n_frames, n_parcels = values.shape
    colormap = default_colormap(is_signed=True)
    projector = GlassProjector(Space("parcels", "parcels", n_parcels, 0), atlas_volume=atlas)
    frames = draw_frames(projector.project(values), colormap, limit, units=units or "value")
    limits = f"−{limit:.3g} to {limit:.3g}"
    words = Caption(
        footer=f"{caption} · TR {frame_s:g} s · real time · colours {limits}",
        labels=tuple(f"TR {number} · {number * frame_s:.2f} s" for number in range(n_frames)),
        facts=(*facts, ("tr", f"{frame_s:g} s"), ("limits", f"{-limit:g} to {limit:g}")),
        look=Look(colormap, -limit, limit),
        has_bar=False,  # the frames have their own
    )
    write_animation(frames, 1 / frame_s, out_path, words, report)
