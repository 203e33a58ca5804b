"""MP4 and WebM by the ffmpeg program that the package imageio-ffmpeg brings.

The program is run here rather than through imageio: the provenance, which may be longer than a
command line, needs a second input, a full disk its own error, and a cancelled film a quick end.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import IO

from models.errors import RenderError, ResourceError
from models.types import UInt8Array

__all__ = ["VIDEO_KINDS", "VideoWriter", "exact_rate", "find_ffmpeg"]

#: Kind -> name of the encoder, its options. H.264 plays everywhere, VP9 without licence fees.
VIDEO_KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "mp4": ("libx264", ("-preset", "veryfast", "-crf", "20", "-movflags", "+faststart")),
    "webm": ("libvpx-vp9", ("-deadline", "realtime", "-cpu-used", "6", "-crf", "24", "-b:v", "0")),
}
#: Frames between two that can be jumped to.
_KEY_EVERY = "30"
# Converted with the matrix that the file then states; players guess where none is stated.
_COLOURS = (
    *("-vf", "scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", "yuv420p"),
    *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
    *("-color_range", "tv"),
)
_MOST_DENOMINATOR = 10_000
_FULL_DISK = "No space left on device"
_KILLED_AFTER_S = 10.0


def find_ffmpeg(kind: str) -> str:
    """Path of the program.

    Raises
    ------
    RenderError
        The package, or the program that it looks for, is missing.
    """
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ImportError:
        raise RenderError(
            f"Writing .{kind} needs the package imageio-ffmpeg: install it, or write a .gif."
        ) from None
    try:
        return str(get_ffmpeg_exe())
    except RuntimeError:
        raise RenderError(
            f"Writing .{kind} needs the program ffmpeg, and imageio-ffmpeg finds none here: "
            "install it, or write a .gif."
        ) from None


def exact_rate(rate_hz: float) -> Fraction:
    """Frame rate as a ratio of whole numbers: 1 / 1.49 s becomes 100/149."""
    rate = Fraction(rate_hz).limit_denominator(_MOST_DENOMINATOR)
    if rate < 1:  # then the time of a frame is the rounder number
        rate = 1 / Fraction(1 / rate_hz).limit_denominator(_MOST_DENOMINATOR)
    return rate


class VideoWriter:
    """Writes frames to a film as they come.

    Parameters
    ----------
    path : Path
        Overwritten.
    kind : {"mp4", "webm"}
    height, width : int
        Of the frames, in pixels; even.
    rate_hz : float
        Frames a second.
    facts : sequence of (key, value)
        Written into the file: title, and all of them as the comment.

    Raises
    ------
    RenderError
        The program is missing or cannot write this kind.
    ResourceError
        The disk is full.
    """

    def __init__(
        self,
        path: Path,
        kind: str,
        height: int,
        width: int,
        rate_hz: float,
        facts: Sequence[tuple[str, str]] = (),
    ) -> None:
        self._kind = kind
        program = find_ffmpeg(kind)
        self._folder = tempfile.TemporaryDirectory(prefix="boldcast-film-")
        folder = Path(self._folder.name)
        # In a file: a selection's indices may be longer than a command may be.
        (folder / "facts.txt").write_text(_metadata(facts), encoding="utf-8")
        self._errors = (folder / "errors.txt").open("w+b")
        try:
            command = _command(program, path, kind, (height, width), rate_hz, folder)
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._errors
            )
        except OSError as error:
            self._errors.close()
            self._folder.cleanup()
            raise RenderError(f"ffmpeg could not be started: {error.strerror}.") from error

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._stop()

    def add(self, frame: UInt8Array) -> None:
        """Append a frame: (height, width, 3) uint8."""
        try:
            self._pipe.write(frame.tobytes())
        except BrokenPipeError:
            raise self._problem() from None

    @property
    def _pipe(self) -> IO[bytes]:
        """Where frames go."""
        assert self._process.stdin is not None  # opened with the process
        return self._process.stdin

    def _finish(self) -> None:
        """Let the program write its last bytes."""
        try:
            self._pipe.close()
        except BrokenPipeError:
            raise self._problem() from None
        if self._process.wait() != 0:
            raise self._problem()

    def _problem(self) -> RenderError | ResourceError:
        """Why the program ended, in a sentence."""
        status = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", errors="replace").strip().splitlines()
        if any(_FULL_DISK in line for line in lines):
            return ResourceError("The disk is full: the film was not written.")
        encoder = VIDEO_KINDS[self._kind][0]
        if any("Unknown encoder" in line for line in lines):
            return RenderError(
                f"The ffmpeg here cannot write .{self._kind} (it has no {encoder}): "
                "write a .gif, or install the package imageio-ffmpeg."
            )
        return RenderError(
            f"ffmpeg ended with status {status}: {lines[0] if lines else 'no message'}"
        )

    def _stop(self) -> None:
        """Leave no process and no file behind."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(_KILLED_AFTER_S)
        if not self._pipe.closed:
            with suppress(BrokenPipeError):  # what was buffered is not wanted any more
                self._pipe.close()
        self._errors.close()
        self._folder.cleanup()


def _command(
    program: str, path: Path, kind: str, size: tuple[int, int], rate_hz: float, folder: Path
) -> list[str]:
    """Command line of the program."""
    encoder, options = VIDEO_KINDS[kind]
    rate, (height, width) = exact_rate(rate_hz), size
    return [
        *(program, "-hide_banner", "-loglevel", "error", "-y"),
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", f"{width}x{height}"),
        *("-framerate", f"{rate.numerator}/{rate.denominator}", "-i", "pipe:0"),
        *("-f", "ffmetadata", "-i", str(folder / "facts.txt")),
        *("-map", "0:v", "-map_metadata", "1", "-an", "-c:v", encoder, *options),
        *("-g", _KEY_EVERY, *_COLOURS, "-f", kind, f"file:{path}"),
    ]


def _metadata(facts: Sequence[tuple[str, str]]) -> str:
    """Facts in ffmpeg's own text format."""
    lines = [f"{key}: {value}" for key, value in facts]
    entries = {"title": "Predicted brain activity", "comment": "\n".join(lines)}
    return ";FFMETADATA1\n" + "".join(
        f"{key}={_escape(value)}\n" for key, value in entries.items() if value
    )


def _escape(text: str) -> str:
    """Put a backslash before each character that means something in that format."""
    return "".join(f"\\{letter}" if letter in "=;#\\\n" else letter for letter in text)
