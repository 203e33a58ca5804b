"""From what a picture file stores to 8-bit sRGB without transparency."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms, features

from models.errors import StimulusError

__all__ = ["MID_GREY", "lay_on_grey", "shrink", "to_eight_bits", "to_srgb"]

#: What transparent places show: the grey that a model of contrast takes for "nothing there".
MID_GREY = 128

#: A colour profile that moves no channel by more than this is sRGB under another name.
_SAME_COLOUR = 2

_MODES_OF_PROFILE = {
    "RGB": ("RGB", "RGBA"),
    "GRAY": ("L",),
    "CMYK": ("CMYK",),
    "Lab": ("LAB",),
}


def shrink(image: Image.Image, max_side: int) -> Image.Image:
    """Average areas until the longer side fits; never enlarge, never below one pixel."""
    width, height = image.size
    scale = max_side / max(width, height)
    if scale >= 1:
        return image
    target = (max(1, round(width * scale)), max(1, round(height * scale)))
    return image.resize(target, Image.Resampling.BOX)


def to_eight_bits(image: Image.Image, name: str, max_side: int, notes: list[str]) -> Image.Image:
    """Bring 16-bit, 32-bit and decimal grey to 8 bits; other pictures pass through.

    Raises
    ------
    StimulusError
        A value is NaN or infinite.
    """
    if image.mode.startswith("I;16"):
        if image.mode != "I;16":  # Pillow 13 resizes the big-endian kind wrongly
            image = Image.fromarray(np.asarray(image).astype("<u2"))
        values = np.asarray(shrink(image, max_side)).astype(np.uint16)
        # round(v / 257) without leaving 16 bits: 65535 -> 255
        values = (np.minimum(values, 65407) + 128) // 257
        return Image.fromarray(values.astype(np.uint8))
    if image.mode in ("I", "F"):
        return _stretch(image, name, max_side, notes)
    return image


def _stretch(image: Image.Image, name: str, max_side: int, notes: list[str]) -> Image.Image:
    """Bring numbers of any range to 8-bit grey."""
    small = shrink(image, max_side)
    grey = np.asarray(small, np.float64)
    if not np.isfinite(grey).all():  # an average over NaN is NaN
        raise StimulusError(
            f"“{name}” holds values that are not numbers (NaN or infinite). "
            "Replace them, for example by 0, and try again."
        )
    low, high = (float(value) for value in np.asarray(image.getextrema()))
    if image.mode == "F" and low >= 0 and high <= 1:
        notes.append("Decimal values from 0 to 1 were taken as black to white.")
        low, high = 0.0, 1.0
    else:
        notes.append(f"Values from {low:g} to {high:g} were stretched from black to white.")
    if high == low:
        return Image.fromarray(np.full(grey.shape, MID_GREY, np.uint8))
    scaled = np.clip((grey - low) / (high - low) * 255, 0, 255)
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def to_srgb(image: Image.Image, profile: bytes | None, notes: list[str]) -> Image.Image:
    """Bring any colour mode to RGB or RGBA in sRGB, by the file's profile where one fits."""
    target = "RGBA" if image.mode == "RGBA" else "RGB"
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        return image if converted is None else converted
    plain = image.convert(target)
    exact = _by_profile(image, profile, target, notes) if profile else None
    if exact is not None:
        if np.abs(np.asarray(exact, np.int16) - np.asarray(plain)).max() <= _SAME_COLOUR:
            return plain
        notes.append("Colours were converted from the file's profile to sRGB.")
        return exact
    if image.mode == "CMYK":
        notes.append("Printing inks (CMYK) were converted to sRGB without a colour profile.")
    return plain


def _by_profile(
    image: Image.Image, profile: bytes, target: str, notes: list[str]
) -> Image.Image | None:
    """Convert by an ICC profile; None when it does not fit or cannot be used."""
    if not features.check("littlecms2"):
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode not in _MODES_OF_PROFILE.get(source.profile.xcolor_space.strip(), ()):
            return None
        srgb = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, srgb, outputMode=target)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        notes.append("The file's colour profile could not be used; colours are taken as sRGB.")
        return None


def lay_on_grey(image: Image.Image, notes: list[str]) -> Image.Image:
    """Lay a picture with transparent places on mid-grey, as stored (gamma-coded)."""
    if image.mode != "RGBA":
        return image
    if image.getchannel("A").getextrema() != (255, 255):
        notes.append("Transparent places are shown as mid-grey, which counts as nothing there.")
    ground = Image.new("RGBA", image.size, (MID_GREY, MID_GREY, MID_GREY, 255))
    return Image.alpha_composite(ground, image).convert("RGB")
