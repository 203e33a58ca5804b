"""Encoded pictures: what a file is, how large it is, and its pixels as sRGB.

No file is trusted. The format is decided by its first bytes, never by its name; the size is
read from the header and refused before anything of that size is allocated; and whatever
Pillow raises on a damaged file becomes one :class:`~models.errors.StimulusError`.
"""

from __future__ import annotations

import io
import struct
import threading
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from models.errors import StimulusError
from models.picture_colour import lay_on_grey, shrink, to_eight_bits, to_srgb
from models.types import UInt8Array

__all__ = [
    "FORMATS",
    "MAX_DECODED_SIDE",
    "MAX_FILE_BYTES",
    "MAX_FRAMES",
    "MAX_FRAMES_PIXELS",
    "MAX_FRAME_SIDE",
    "MAX_PIXELS",
    "Frame",
    "decode",
    "decode_frames",
    "encode_png",
    "measure",
]

#: Largest file read, in bytes.
MAX_FILE_BYTES = 50 * 1000**2

#: Largest picture decoded, in pixels. Most formats are decoded whole, at 4 bytes a pixel; JPEG
#: is reduced while it is decoded, unless it is progressive; WebP's decoder holds four copies.
MAX_PIXELS = 64_000_000
_MAX_PIXELS_OF = {"JPEG": 128_000_000, "WebP": 32_000_000}

#: Pictures are handed out with at most this many pixels along the longer side: over four
#: times what a model of vision resolves in 30 degrees (16 pixels a degree).
MAX_DECODED_SIDE = 2048

#: Pictures taken from one animated or many-paged file, their longer side in pixels, and the
#: pixels decoded for all of them together.
MAX_FRAMES = 64
MAX_FRAME_SIDE = 1024
MAX_FRAMES_PIXELS = 320_000_000

#: Pictures above this many pixels are decoded one at a time in this process.
_LARGE_PIXELS = 16_000_000
_one_large_picture = threading.Lock()

#: What Pillow 13 raises on files that are damaged or meant to harm. Its readers promise
#: ``OSError`` and ``SyntaxError``; the rest escapes from their parsing of numbers, tags,
#: zlib streams and frames (each was met, or is raised in the readers' source). The two bomb
#: classes are its own alarms about size.
_PILLOW_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AssertionError,
    EOFError,
    OverflowError,
    ZeroDivisionError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)

_Reader = Callable[[io.BytesIO], ImageFile.ImageFile]

FORMATS: dict[str, _Reader] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "GIF": GifImagePlugin.GifImageFile,
}

_MANY_FRAMES = ("PNG", "WebP", "TIFF", "GIF")


class Frame(NamedTuple):
    """One decoded picture: (height, width, 3) uint8, original (width, height), sentences."""

    pixels: UInt8Array
    size: tuple[int, int]
    notes: tuple[str, ...]


def _format_of(data: bytes) -> str:
    """Name of the format by its first bytes; empty when it is none of ours."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    return "BMP" if data.startswith(b"BM") else ""


def _foreign_format(data: bytes) -> str:
    """Say what a file is that is none of ours, and what to do about it."""
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    brand = data[8:12] if data[4:8] == b"ftyp" else b""
    if b"<svg" in start:
        return "is an SVG drawing, which has no pixels of its own. Export it as PNG and try again."
    if b"%pdf-" in start:
        return "is a PDF document. Export the page as PNG or take a screenshot, and try again."
    if brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"):
        return "is an HEIC photograph. Export or share it as JPEG and try again."
    if brand in (b"avif", b"avis"):
        return "is an AVIF picture. Save it as PNG or JPEG and try again."
    if brand or data[:4] == b"\x1a\x45\xdf\xa3":
        return "is a film. Take a still picture from it and try again."
    if start.startswith((b"<!doctype html", b"<html")):
        return "is a web page, not a picture. Save the picture itself and try again."
    return "is not a picture that can be read here. Use PNG, JPEG, WebP, BMP, TIFF or GIF."


def _webp_size(data: bytes) -> tuple[int, int]:
    """Canvas of a WebP file; its decoder would allocate it before telling its size."""
    chunk = data[12:16]
    if chunk == b"VP8X" and len(data) >= 30:
        return (
            1 + int.from_bytes(data[24:27], "little"),
            1 + int.from_bytes(data[27:30], "little"),
        )
    if chunk == b"VP8L" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 " and len(data) >= 30:
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    raise SyntaxError("no WebP header")


def _check_size(size: tuple[int, int], kind: str, name: str) -> None:
    """Refuse a picture that would not fit in memory, or that has no pixels."""
    width, height = size
    if width < 1 or height < 1:
        raise StimulusError(f"“{name}” has no pixels. Save the picture again and try again.")
    most = _MAX_PIXELS_OF.get(kind, MAX_PIXELS)
    if width * height > most:
        raise StimulusError(
            f"“{name}” has {width:,} × {height:,} pixels, {width * height / 1e6:,.0f} megapixels; "
            f"up to {most / 1e6:.0f} megapixels can be read. Make it smaller and try again."
        )


def _damaged(name: str, kind: str) -> StimulusError:
    rare = ", or is a rare kind of TIFF" if kind == "TIFF" else ""
    return StimulusError(
        f"“{name}” is damaged or cut short{rare}: it begins as {kind} but cannot be read to its "
        "end. Download it again, or save it anew as PNG."
    )


def _turn_of(image: Image.Image) -> AbstractContextManager[object]:
    """Wait for other large pictures before decoding a large one, so that memory stays bounded."""
    is_large = image.width * image.height > _LARGE_PIXELS
    return _one_large_picture if is_large else nullcontext()


def _open(data: bytes, name: str) -> tuple[ImageFile.ImageFile, str]:
    """Read the header: the picture, nothing decoded yet, and its format."""
    if not data:
        raise StimulusError(f"“{name}” is empty (0 bytes). Save or download it again.")
    if len(data) > MAX_FILE_BYTES:
        raise StimulusError(
            f"“{name}” has {len(data) / 1e6:,.0f} MB; files up to {MAX_FILE_BYTES / 1e6:.0f} MB "
            "can be read. Save the picture smaller, or as JPEG, and try again."
        )
    kind = _format_of(data)
    if not kind:
        raise StimulusError(f"“{name}” {_foreign_format(data)}")
    try:
        if kind == "WebP":
            _check_size(_webp_size(data), kind, name)
        image = FORMATS[kind](io.BytesIO(data))
    except _PILLOW_ERRORS as error:
        raise _damaged(name, kind) from error
    _check_size(image.size, "" if "progressive" in image.info else kind, name)
    return image, kind


def _orientation(image: Image.Image, kind: str) -> int:
    """EXIF orientation still to be applied, 1 to 8; Pillow turns TIFF itself on loading."""
    if kind == "TIFF":
        return 1
    try:
        value = image.getexif().get(0x0112, 1)
    except _PILLOW_ERRORS:  # a broken EXIF block does not make the picture unreadable
        return 1
    return value if value in range(2, 9) else 1


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _has_16_bits(image: ImageFile.ImageFile) -> bool:
    return any(";16" in repr(tile) for tile in image.tile)


def _finish(image: ImageFile.ImageFile, kind: str, name: str, max_side: int) -> Frame:
    """Decode the frame at hand."""
    notes: list[str] = []
    size = image.size
    if kind == "JPEG":
        # the decoder itself averages 2x2, 4x4 or 8x8 pixels; twice the size keeps it exact enough
        scale = 2 * max_side / max(size)
        image.draft(None, (max(1, int(size[0] * scale)), max(1, int(size[1] * scale))))
    if _has_16_bits(image):
        notes.append("16 bits a colour were reduced to 8.")
    image.load()
    turn = _orientation(image, kind)
    picture = to_eight_bits(image, name, max_side, notes)
    if picture.has_transparency_data:
        picture = picture if picture.mode == "RGBA" else picture.convert("RGBA")
    elif picture.mode in ("1", "P", "RGBX", "YCbCr"):
        picture = picture.convert("L" if picture.mode == "1" else "RGB")
    picture = shrink(picture, max_side)
    picture = lay_on_grey(to_srgb(picture, image.info.get("icc_profile"), notes), notes)
    if turn in _TURNS:
        picture = picture.transpose(_TURNS[turn])
    size = size[::-1] if turn >= 5 else size
    return Frame(np.array(picture, dtype=np.uint8), size, tuple(notes))


def decode(data: bytes, name: str, max_side: int = MAX_DECODED_SIDE) -> UInt8Array:
    """Decode a picture, or the first one of an animated file.

    Parameters
    ----------
    data : bytes
        The encoded file.
    name : str
        For sentences.
    max_side : int
        Longer side of the result in pixels, at most; larger pictures are averaged down.

    Returns
    -------
    ndarray of shape (height, width, 3), uint8
        sRGB, top row first, turned upright.

    Raises
    ------
    StimulusError
        The file is not a picture, is damaged, or is too large.
    """
    image, kind = _open(data, name)
    with _turn_of(image):
        try:
            return _finish(image, kind, name, max_side).pixels
        except _PILLOW_ERRORS as error:
            raise _damaged(name, kind) from error


def measure(data: bytes, name: str) -> tuple[int, int]:
    """Width and height in pixels after turning upright, from the header.

    Raises
    ------
    StimulusError
        The header cannot be read.
    """
    image, kind = _open(data, name)
    width, height = image.size
    return (height, width) if _orientation(image, kind) >= 5 else (width, height)


def decode_frames(data: bytes, name: str) -> tuple[tuple[Frame, ...], bool]:
    """Decode the first pictures of a file: one of a still, many of an animation.

    Parameters
    ----------
    data : bytes
        The encoded file.
    name : str
        For sentences.

    Returns
    -------
    frames : tuple of Frame
        At least one, at most ``MAX_FRAMES`` and as many as ``MAX_FRAMES_PIXELS`` allows;
        each at most ``MAX_FRAME_SIDE`` pixels along its longer side.
    has_more : bool
        Whether the file holds more.

    Raises
    ------
    StimulusError
        The file is not a picture, is too large, or a frame is damaged.
    """
    image, kind = _open(data, name)
    first = 1 if getattr(image, "default_image", False) else 0  # APNG: a cover, not a frame
    frames: list[Frame] = []
    n_pixels = 0
    with _turn_of(image):
        try:
            while _seek(image, kind, first + len(frames)):
                _check_size(image.size, kind, name)
                n_pixels += image.width * image.height
                if frames and (len(frames) == MAX_FRAMES or n_pixels > MAX_FRAMES_PIXELS):
                    return tuple(frames), True
                frames.append(_finish(image, kind, name, MAX_FRAME_SIDE))
        except _PILLOW_ERRORS as error:
            raise _damaged(name, kind) from error
    return tuple(frames), False


def _seek(image: ImageFile.ImageFile, kind: str, frame: int) -> bool:
    """Go to a frame; False when there is none."""
    if frame == 0:
        return True
    if kind not in _MANY_FRAMES:
        return False
    try:
        image.seek(frame)
    except EOFError:
        return False
    return True


def encode_png(pixels: UInt8Array) -> bytes:
    """Encode (height, width) or (height, width, 3) uint8 as PNG, fast rather than small."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=1)
    return stream.getvalue()
