"""Encoded pictures: what a file is, how large it is, and its pixels as sRGB.

No file is trusted. The format is decided by its first bytes, never by its name; the size is
read from the header and refused before anything of that size is allocated; and whatever
Pillow raises on a damaged file becomes one :class:`~models.errors.StimulusError`.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    features,
)

from models.errors import StimulusError
from models.types import UInt8Array

__all__ = [
    "FORMATS",
    "MAX_DECODED_SIDE",
    "MAX_FILE_BYTES",
    "MAX_FRAMES",
    "MAX_FRAME_SIDE",
    "MAX_PIXELS",
    "MID_GREY",
    "decode",
    "decode_frames",
    "encode_png",
    "measure",
]

#: Largest file read, in bytes.
MAX_FILE_BYTES = 50 * 1000**2

#: Largest picture decoded, in pixels. Decoding takes up to 4 bytes a pixel.
MAX_PIXELS = 80_000_000

#: Pictures are handed out with at most this many pixels along the longer side: over four
#: times what a model of vision resolves in 30 degrees (16 pixels a degree).
MAX_DECODED_SIDE = 2048

#: Pictures taken from one animated or many-paged file, and their longer side in pixels.
MAX_FRAMES = 64
MAX_FRAME_SIDE = 1024

#: What transparent places show: the grey that a model of contrast takes for "nothing there".
MID_GREY = 128

#: What Pillow 13 raises on files that are damaged or meant to harm. Its readers promise
#: ``OSError`` and ``SyntaxError``; the rest escapes from their parsing of numbers, tags,
#: zlib streams and frames. The two bomb classes are its own alarms about size.
_PILLOW_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
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


def _is_tiff(data: bytes) -> bool:
    return data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


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
    if _is_tiff(data):
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


def _check_size(size: tuple[int, int], name: str) -> None:
    """Refuse a picture that would not fit in memory, or that has no pixels."""
    width, height = size
    if width < 1 or height < 1:
        raise StimulusError(f"“{name}” has no pixels. Save the picture again and try again.")
    if width * height > MAX_PIXELS:
        raise StimulusError(
            f"“{name}” has {width:,} × {height:,} pixels ({width * height / 1e6:,.0f} megapixels); "
            f"up to {MAX_PIXELS / 1e6:.0f} megapixels can be read. Make it smaller and try again."
        )


def _damaged(name: str, kind: str) -> StimulusError:
    return StimulusError(
        f"“{name}” is damaged or cut short: it begins as {kind} but cannot be read to its end. "
        "Save or download it again and try again."
    )


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
            _check_size(_webp_size(data), name)
        image = FORMATS[kind](io.BytesIO(data))
    except _PILLOW_ERRORS as error:
        raise _damaged(name, kind) from error
    _check_size(image.size, name)
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


def _fit(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    """Size with the longer side at most ``max_side``; never enlarged, never 0."""
    scale = min(1.0, max_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _shrink(image: Image.Image, max_side: int) -> Image.Image:
    """Average areas until the longer side fits."""
    target = _fit(image.size, max_side)
    return image if target == image.size else image.resize(target, Image.Resampling.BOX)


def _stretch(image: Image.Image, name: str, max_side: int, notes: list[str]) -> Image.Image:
    """Bring numbers of any range to 8-bit grey."""
    values = np.asarray(image)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise StimulusError(
            f"“{name}” holds values that are not numbers (NaN or infinite). "
            "Replace them, for example by 0, and try again."
        )
    if image.mode == "F" and low >= 0 and high <= 1:
        notes.append("Decimal values from 0 to 1 were taken as black to white.")
        low, high = 0.0, 1.0
    else:
        notes.append(f"Values from {low:g} to {high:g} were stretched from black to white.")
    grey = np.asarray(_shrink(image.convert("F"), max_side), np.float64)
    if high == low:
        return Image.fromarray(np.full(grey.shape, MID_GREY, np.uint8))
    scaled = np.clip((grey - low) * (255 / (high - low)), 0, 255)
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _to_eight_bits(image: Image.Image, name: str, max_side: int, notes: list[str]) -> Image.Image:
    """Bring 16-bit, 32-bit and decimal grey to 8 bits."""
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.uint16)
        # round(v / 257) without leaving 16 bits: 65535 -> 255
        values = (np.minimum(values, 65407) + 128) // 257
        return Image.fromarray(values.astype(np.uint8))
    if image.mode in ("I", "F"):
        return _stretch(image, name, max_side, notes)
    return image


def _has_16_bits(image: ImageFile.ImageFile) -> bool:
    return any(";16" in repr(tile) for tile in image.tile)


def _to_srgb(image: Image.Image, profile: bytes | None, notes: list[str]) -> Image.Image:
    """Apply the colour profile in the file, where there is one that fits; then RGB or RGBA."""
    target = "RGBA" if image.mode in ("RGBA", "LA") else "RGB"
    if profile and features.check("littlecms2"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            space = source.profile.xcolor_space.strip()
            described = source.profile.profile_description or ""
            modes = {"RGB": ("RGB", "RGBA"), "GRAY": ("L",), "CMYK": ("CMYK",), "Lab": ("LAB",)}
            if image.mode in modes.get(space, ()) and "sRGB" not in described:
                converted = ImageCms.profileToProfile(
                    image, source, ImageCms.createProfile("sRGB"), outputMode=target
                )
                if converted is not None:
                    notes.append("Colours were converted from the file's profile to sRGB.")
                    return converted
        except (ImageCms.PyCMSError, *_PILLOW_ERRORS):
            notes.append("The file's colour profile could not be used; colours are taken as sRGB.")
    return image.convert(target)


def _on_grey(image: Image.Image, notes: list[str]) -> Image.Image:
    """Lay a picture with transparent places on mid-grey."""
    if image.mode != "RGBA":
        return image
    if image.getchannel("A").getextrema() != (255, 255):
        notes.append("Transparent places are shown as mid-grey, which counts as nothing there.")
    ground = Image.new("RGBA", image.size, (MID_GREY, MID_GREY, MID_GREY, 255))
    return Image.alpha_composite(ground, image).convert("RGB")


def _finish(
    image: ImageFile.ImageFile, kind: str, name: str, max_side: int
) -> tuple[UInt8Array, tuple[str, ...]]:
    """Decode the frame at hand: pixels and what was done on the way."""
    notes: list[str] = []
    if kind == "JPEG":
        # the decoder itself averages 2x2, 4x4 or 8x8 pixels; twice the size keeps it exact enough
        image.draft(None, _fit(image.size, 2 * max_side))
    if _has_16_bits(image):
        notes.append("16 bits a colour were reduced to 8.")
    image.load()
    turn = _orientation(image, kind)
    picture: Image.Image = _to_eight_bits(image, name, max_side, notes)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
    elif picture.mode in ("1", "P", "RGBX", "YCbCr"):
        picture = picture.convert("L" if picture.mode == "1" else "RGB")
    picture = _shrink(picture, max_side)
    picture = _on_grey(_to_srgb(picture, image.info.get("icc_profile"), notes), notes)
    if turn in _TURNS:
        picture = picture.transpose(_TURNS[turn])
    return np.array(picture, dtype=np.uint8), tuple(notes)


def decode(
    data: bytes, name: str, max_side: int = MAX_DECODED_SIDE
) -> tuple[UInt8Array, tuple[str, ...]]:
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
    pixels : ndarray of shape (height, width, 3), uint8
        sRGB, top row first, turned upright.
    notes : tuple of str
        What was done, one sentence each.

    Raises
    ------
    StimulusError
        The file is not a picture, is damaged, or is too large.
    """
    image, kind = _open(data, name)
    try:
        return _finish(image, kind, name, max_side)
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


def decode_frames(data: bytes, name: str) -> Iterator[tuple[UInt8Array, tuple[str, ...]]]:
    """Decode the pictures of an animated or many-paged file, one after another.

    Yields
    ------
    pixels : ndarray of shape (height, width, 3), uint8
        At most ``MAX_FRAME_SIDE`` pixels along the longer side.
    notes : tuple of str
        What was done, one sentence each.

    Raises
    ------
    StimulusError
        A frame is damaged or too large.
    """
    image, kind = _open(data, name)
    frame = 1 if getattr(image, "default_image", False) else 0
    while True:
        try:
            if kind not in _MANY_FRAMES and frame:
                return
            try:
                image.seek(frame)
            except EOFError:
                return
            _check_size(image.size, name)
            picture = _finish(image, kind, name, MAX_FRAME_SIDE)
        except _PILLOW_ERRORS as error:
            raise _damaged(name, kind) from error
        yield picture
        frame += 1


def encode_png(pixels: Any) -> bytes:
    """Encode (height, width) or (height, width, 3) uint8 as PNG, fast rather than small."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=1)
    return stream.getvalue()
