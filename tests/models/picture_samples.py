"""Encoded pictures for the tests, some written by hand where Pillow cannot."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms

SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def encode(image, kind, **options):
    """Bytes of a Pillow picture, or of an array, in a format."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def noise(height=24, width=20, seed=0):
    """Random colours."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def patches(height=64, width=48):
    """Four flat colours, a quarter each: survives lossy formats."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = (200, 40, 40)
    pixels[: height // 2, width // 2 :] = (40, 200, 40)
    pixels[height // 2 :, : width // 2] = (40, 40, 200)
    pixels[height // 2 :, width // 2 :] = (120, 120, 120)
    return pixels


def png_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def raw_png(width, height, depth, colour, rows):
    """PNG from its fields (ISO/IEC 15948): colour 0 grey, 2 RGB; rows begin with filter 0."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def huge(kind, width=20_000, height=20_000):
    """Small file whose header claims a huge picture."""
    small = encode(noise(8, 8), kind if kind != "WEBP" else "PNG")
    if kind == "PNG":
        return raw_png(width, height, 8, 2, b"\0" * 99)
    if kind == "JPEG":
        frame = small.index(b"\xff\xc0")
        return small[: frame + 5] + struct.pack(">HH", height, width) + small[frame + 9 :]
    if kind == "GIF":
        return small[:6] + struct.pack("<HH", width, height) + small[10:]
    if kind == "BMP":
        return small[:18] + struct.pack("<ii", width, height) + small[26:]
    if kind == "TIFF":
        for tag, value in ((256, width), (257, height)):
            entry = small.index(struct.pack("<HHI", tag, 4, 1))
            small = small[: entry + 8] + struct.pack("<I", value) + small[entry + 12 :]
        return small
    if kind == "WEBP":
        size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + size + b"\0" * 40
        return b"RIFF" + struct.pack("<I", len(body)) + body
    raise ValueError(kind)


def _xyz(*values):
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def icc_profile(space, gamma, primaries=None):
    """ICC version 2 profile (ICC.1:2001-04): one gamma, D50 white, optional R, G, B columns."""
    text = b"test profile"
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + b"\0" * 80,
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": _xyz(0.9642, 1.0, 0.8249),
    }
    if primaries is None:
        tags[b"kTRC"] = curve
    else:
        for letter, column in zip((b"r", b"g", b"b"), primaries, strict=True):
            tags[letter + b"XYZ"] = _xyz(*column)
            tags[letter + b"TRC"] = curve
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        content += b"\0" * (-len(content) % 4)
        table += name + struct.pack(">II", offset + len(body), len(content))
        body += content
    header = struct.pack(">I", offset + len(body)) + b"\0\0\0\0" + b"\x02\x10\0\0"
    header += b"mntr" + space.ljust(4) + b"XYZ " + b"\0" * 12 + b"acsp"
    header = header.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + table + body


#: Columns of sRGB's matrix in D50 (IEC 61966-2-1 through Bradford adaptation).
SRGB_RED = (0.4360, 0.2225, 0.0139)
SRGB_GREEN = (0.3851, 0.7169, 0.0971)
SRGB_BLUE = (0.1431, 0.0606, 0.7141)


def every_kind():
    """One sample of each format and mode that is read, by name."""
    colour = Image.fromarray(noise())
    others = [Image.fromarray(noise(seed=seed)) for seed in range(1, 4)]
    turned = Image.Exif()
    turned[0x0112] = 6
    rng = np.random.default_rng(0)
    lab = ImageCms.profileToProfile(
        colour, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    film = {"save_all": True, "append_images": others}
    return {
        "png": encode(colour, "PNG", icc_profile=SRGB_PROFILE, exif=turned),
        "png palette": encode(colour.quantize(8), "PNG", transparency=1),
        "png alpha": encode(colour.convert("RGBA"), "PNG"),
        "png 16": encode(rng.integers(0, 65536, (20, 20), dtype=np.uint16), "PNG"),
        "png film": encode(colour, "PNG", **film),
        "jpeg": encode(colour, "JPEG", icc_profile=SRGB_PROFILE, exif=turned),
        "jpeg progressive": encode(colour, "JPEG", progressive=True),
        "jpeg cmyk": encode(colour.convert("CMYK"), "JPEG"),
        "webp": encode(colour, "WEBP", icc_profile=SRGB_PROFILE, exif=turned),
        "webp lossless": encode(colour.convert("RGBA"), "WEBP", lossless=True),
        "webp film": encode(colour, "WEBP", **film),
        "bmp": encode(colour, "BMP"),
        "bmp bits": encode(colour.convert("1"), "BMP"),
        "bmp palette": encode(colour.quantize(16), "BMP"),
        "tiff": encode(colour, "TIFF", exif=turned),
        "tiff lzw": encode(colour, "TIFF", compression="tiff_lzw"),
        "tiff jpeg": encode(colour, "TIFF", compression="jpeg"),
        "tiff fax": encode(colour.convert("1"), "TIFF", compression="group4"),
        "tiff float": encode(rng.random((20, 20), dtype=np.float32), "TIFF"),
        "tiff lab": encode(lab, "TIFF"),
        "tiff pages": encode(colour, "TIFF", **film),
        "gif": encode(colour, "GIF"),
        "gif film": encode(colour, "GIF", **film),
    }
