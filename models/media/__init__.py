"""Films and posters of a response: GIF, MP4, WebM and PNG from drawn frames.

Whatever draws hands over its frames one after the other; none is kept, so a film may have
thousands. Every frame carries what must be known to read it, and so does the file's header.
"""

from __future__ import annotations

import errno
import io
import itertools
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from models.drawing.colormaps import lut
from models.errors import RenderError, ResourceError
from models.media.caption import Caption, Mount, caption_of
from models.media.gif import GifWriter, choose_palette, gif_delays_cs, gif_step
from models.media.video import VideoWriter
from models.types import Report, UInt8Array, ignore_progress

__all__ = [
    "FILM_KINDS",
    "Caption",
    "FilmKind",
    "animate",
    "caption_of",
    "poster_png",
    "write_animation",
]

FilmKind = Literal["gif", "mp4", "webm"]
FILM_KINDS: tuple[FilmKind, ...] = get_args(FilmKind)

_STAGE = "drawing the film"
_SLOWEST_HZ, _FASTEST_HZ = 0.01, 240.0
#: Frames whose colours a GIF's palette is chosen from, with those of the colour bar.
_N_SAMPLES = 8


def animate(
    frames: Iterable[UInt8Array],
    rate_hz: float,
    kind: FilmKind,
    caption: Caption,
    report: Report = ignore_progress,
) -> bytes:
    """Make a film.

    Parameters
    ----------
    frames : iterable of ndarray of shape (height, width, 3), uint8
        sRGB, top row first, all of one size. Taken one at a time and not kept.
    rate_hz : float
        Frames a second: ``1 / tr_s`` for real time, ``speed / tr_s`` for a factor.
    kind : {"gif", "mp4", "webm"}
    caption : Caption
        As :func:`caption_of` makes it.
    report : Report
        Told of each frame; raises ``Cancelled`` to stop, and then nothing is left behind.

    Returns
    -------
    bytes
        The file. It lasts ``n_frames / rate_hz`` seconds and repeats (GIF).

    Raises
    ------
    RenderError
        No frame, frames of several sizes, a rate that cannot be shown, or no encoder.
    ResourceError
        The disk is full.

    Notes
    -----
    A GIF counts time in hundredths of a second. Delays are rounded so that the sum is right, and
    above 50 frames a second frames are left out: browsers slow shorter delays to a tenth of a
    second. Films have the exact rate as a ratio of whole numbers.
    """
    with _full_disk_said(), tempfile.TemporaryDirectory(prefix="boldcast-film-") as folder:
        path = Path(folder) / f"film.{kind}"
        _write(frames, rate_hz, kind, caption, report, path)
        return path.read_bytes()


def write_animation(
    frames: Iterable[UInt8Array],
    rate_hz: float,
    path: Path,
    caption: Caption,
    report: Report = ignore_progress,
) -> None:
    """Write a film to a file, which appears when it is whole.

    Parameters
    ----------
    frames, rate_hz, caption, report
        As in :func:`animate`.
    path : Path
        Ends in ``.gif``, ``.mp4`` or ``.webm``.

    Raises
    ------
    RenderError
        As in :func:`animate`; or another ending, or a folder that cannot be written into.
    ResourceError
        The disk is full.
    """
    kind = _kind_of(path)
    if not path.absolute().parent.is_dir():
        raise RenderError(f"There is no folder {path.parent} to write into.")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with _full_disk_said():
            _write(frames, rate_hz, kind, caption, report, part)
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def poster_png(frame: UInt8Array, caption: Caption, index: int = 0) -> bytes:
    """Make a still of one frame, with the same words around it as in the film.

    Parameters
    ----------
    frame : ndarray of shape (height, width, 3), uint8
    caption : Caption
    index : int
        Which of the caption's labels it gets.

    Returns
    -------
    bytes
        PNG; text chunks hold the facts: ``Description`` the footer, ``Provenance`` all as JSON.

    Raises
    ------
    RenderError
        No such label, or too large.
    """
    picture = Mount(caption, *_size_of(frame)).compose(frame, index)
    chunks = PngInfo()
    chunks.add_text("Software", "Boldcast")
    chunks.add_itxt("Description", caption.footer.splitlines()[0] if caption.footer else "")
    chunks.add_text("Provenance", json.dumps(dict(caption.facts)))
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


def _kind_of(path: Path) -> FilmKind:
    """Kind of film by the ending of its name."""
    for kind in FILM_KINDS:
        if path.suffix.lower() == f".{kind}":
            return kind
    raise RenderError(f"An animation ends in .gif, .mp4 or .webm; got {path.name}.")


@contextmanager
def _full_disk_said() -> Iterator[None]:
    """Give what the file system refuses a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ResourceError("The disk is full: the film was not written.") from error
        raise RenderError(f"The film could not be written: {error.strerror}.") from error


def _write(
    frames: Iterable[UInt8Array],
    rate_hz: float,
    kind: FilmKind,
    caption: Caption,
    report: Report,
    path: Path,
) -> None:
    """Write a film, frame by frame."""
    if kind not in FILM_KINDS:
        raise RenderError(f"A film is {', '.join(FILM_KINDS[:-1])} or webm; got {kind!r}.")
    if not _SLOWEST_HZ <= rate_hz <= _FASTEST_HZ:
        raise RenderError(
            f"A film shows {_SLOWEST_HZ:g} to {_FASTEST_HZ:g} frames a second; got {rate_hz:g}."
        )
    pictures = _finish(frames, caption, report)
    try:
        first = next(pictures)
    except StopIteration:
        raise RenderError("There is no frame to show.") from None
    pictures = itertools.chain([first], pictures)
    if kind == "gif":
        _write_gif(pictures, rate_hz, caption, path)
        return
    with VideoWriter(path, kind, *_size_of(first), rate_hz, caption.facts) as film:
        for picture in pictures:
            film.add(picture)


def _size_of(frame: UInt8Array) -> tuple[int, int]:
    """Height and width of a frame."""
    if frame.ndim != 3 or frame.shape[2] != 3 or 0 in frame.shape:
        raise RenderError(f"A frame is (height, width, 3); got {frame.shape}.")
    return frame.shape[0], frame.shape[1]


def _finish(frames: Iterable[UInt8Array], caption: Caption, report: Report) -> Iterator[UInt8Array]:
    """Frames with their words, one at a time."""
    mount, n_frames, done = None, len(caption.labels), 0
    for frame in frames:
        report(_STAGE, done, max(n_frames, done + 1))
        mount = mount or Mount(caption, *_size_of(frame))
        yield mount.compose(frame, done)
        done += 1
    if n_frames and done != n_frames:
        raise RenderError(f"There are {n_frames} labels, but {done} frames.")
    report(_STAGE, done, done)


def _write_gif(
    pictures: Iterator[UInt8Array], rate_hz: float, caption: Caption, path: Path
) -> None:
    """Write a GIF; where frames are too fast for it, every n-th."""
    step = gif_step(rate_hz)
    pictures = itertools.islice(pictures, 0, None, step)
    samples = list(itertools.islice(pictures, _N_SAMPLES))
    bar = [] if caption.look is None else [lut(caption.look.colormap)]
    palette, is_exact = choose_palette([*samples, *bar])
    shown = zip(itertools.chain(samples, pictures), gif_delays_cs(rate_hz / step), strict=False)
    with GifWriter(path, *_size_of(samples[0]), palette, is_exact, caption.facts) as film:
        for picture, delay_cs in shown:
            film.add(picture, delay_cs)
