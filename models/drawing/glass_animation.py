"""Parcels in a glass brain, a frame a volume, as GIF or MP4.

nilearn draws each frame, about a second each: right, not fast.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from models.drawing.colormaps import default_colormap, lut
from models.errors import RenderError
from models.types import FloatArray, IntArray, UInt8Array

__all__ = ["write_glass_brain_animation"]

_SIZE_INCHES, _DOTS_PER_INCH = (9.0, 2.8), 100
_MS_PER_S = 1000
#: Every second voxel of the 1 mm atlas: a dot of the picture is larger.
_STEP = 2


def write_glass_brain_animation(
    values: FloatArray, atlas: Path, out_path: Path, *, frame_s: float, caption: str
) -> None:
    """Write an animation.

    Parameters
    ----------
    values : ndarray of shape (n_frames, n_parcels), float
        NaN for parcels that are not drawn. All frames share one colour scale, symmetric around
        zero.
    atlas : Path
        Volume in MNI space whose voxels are 1 to n_parcels, 0 outside.
    out_path : Path
        Ends in ``.gif`` or ``.mp4``.
    frame_s : float
        How long each frame stands, in s; also the time written on it.
    caption : str
        Written on every frame.

    Raises
    ------
    RenderError
        Another ending, no frame, nothing finite, a label without a parcel, or a package or
        folder is missing.
    """
    suffix = out_path.suffix.lower()
    if suffix not in (".gif", ".mp4"):
        raise RenderError(f"An animation ends in .gif or .mp4; got {out_path.name}.")
    if suffix == ".mp4" and find_spec("imageio_ffmpeg") is None:
        raise RenderError(
            "Writing .mp4 needs the package imageio-ffmpeg: install it, or write a .gif."
        )
    if not out_path.absolute().parent.is_dir():
        raise RenderError(f"There is no folder {out_path.parent} to write into.")
    if not np.isfinite(values).any():
        raise RenderError("There is no value to draw: give responses of at least one volume.")
    frames = _draw_frames(values, atlas, frame_s, caption)
    if suffix == ".gif":
        _write_gif(frames, out_path, frame_s)
    else:
        _write_mp4(frames, out_path, frame_s)


def _write_gif(frames: Iterator[UInt8Array], out_path: Path, frame_s: float) -> None:
    """Write frames as they come; each stands for ``frame_s``."""
    from PIL import Image

    pictures = (Image.fromarray(frame) for frame in frames)
    first = next(pictures)
    first.save(
        out_path,
        save_all=True,
        append_images=pictures,
        duration=round(frame_s * _MS_PER_S),
        loop=0,
    )


def _write_mp4(frames: Iterator[UInt8Array], out_path: Path, frame_s: float) -> None:
    """Write frames as they come, ``1 / frame_s`` a second."""
    import imageio.v2 as imageio

    writer: Any
    with imageio.get_writer(out_path, fps=1 / frame_s) as writer:
        for frame in frames:
            writer.append_data(frame)


def _draw_frames(
    values: FloatArray, atlas: Path, frame_s: float, caption: str
) -> Iterator[UInt8Array]:
    """Draw one frame after the other: (height, width, 3) uint8."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure
    from nilearn.plotting import plot_glass_brain

    labels, affine = _read_labels(atlas, values.shape[1])
    limit = float(np.nanmax(np.abs(values))) or 1.0
    colours = ListedColormap(lut(default_colormap(is_signed=True)) / 255)
    for number, row in enumerate(values):
        volume = np.append(0, np.nan_to_num(row)).astype(np.float32)[labels]
        figure = Figure(_SIZE_INCHES, dpi=_DOTS_PER_INCH)
        canvas: Any = FigureCanvasAgg(figure)
        plot_glass_brain(
            nib.Nifti1Image(volume, affine),
            figure=figure,
            display_mode="lyrz",
            title=f"{number * frame_s:.2f} s",
            plot_abs=False,
            threshold=limit * 1e-6,  # what is exactly 0 shows the glass
            cmap=colours,
            vmin=-limit,
            vmax=limit,
        )
        figure.text(0.01, 0.02, caption, fontsize=7)
        canvas.draw()
        yield np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _read_labels(atlas: Path, n_parcels: int) -> tuple[IntArray, FloatArray]:
    """Parcel of each voxel, 0 outside, and where the voxels lie."""
    image: Any = nib.load(atlas)
    image = image.slicer[::_STEP, ::_STEP, ::_STEP]
    labels = np.asarray(image.dataobj).astype(np.int64)
    if labels.min() < 0 or labels.max() > n_parcels:
        raise RenderError(f"{atlas.name} has label {labels.max()}; there are {n_parcels} parcels.")
    return labels, image.affine
