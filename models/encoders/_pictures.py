"""Pictures as arrays, and how each network wants them: cut, resized and normalised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from models.errors import StimulusError
from models.stimulus import Stimulus
from models.types import FloatArray, UInt8Array

__all__ = [
    "NETWORK_SIDE",
    "as_pictures",
    "normalise",
    "pixels_of",
    "resize_short_side_then_crop",
    "square_then_resize",
]

#: Pixels along each side of what both networks see.
NETWORK_SIDE = 224
#: Shorter side before the crop of the torchvision preset.
_SHORT_SIDE = 256

#: Of ImageNet's red, green and blue, 0 to 1.
_MEAN = (0.485, 0.456, 0.406)
_STANDARD_DEVIATION = (0.229, 0.224, 0.225)


def as_pictures(stack: Any) -> NDArray[Any]:
    """Check a stack of pictures and bring it to one of two scales.

    Parameters
    ----------
    stack : array_like of shape (n_pictures, 3, height, width)
        Red, green, blue. Integers of any type are 0 to 255. Floats are 0 to 1 when the largest
        of the whole stack is at most 1, else 0 to 255.

    Returns
    -------
    ndarray of shape (n_pictures, 3, height, width)
        uint8 0 to 255 for integers, float32 0 to 1 for floats. There may be no picture in it.

    Raises
    ------
    StimulusError
        Another shape or type, a value that is not finite or out of range.
    """
    array = np.asarray(stack)
    if array.ndim != 4 or array.shape[1] != 3 or 0 in array.shape[2:]:
        raise StimulusError(
            f"Pictures are an array of (n_pictures, 3, height, width); got shape {array.shape}."
        )
    is_float = np.issubdtype(array.dtype, np.floating)
    if not is_float and not np.issubdtype(array.dtype, np.integer):
        raise StimulusError(f"Pictures are integers or floats; got {array.dtype}.")
    if not array.size:
        return array.astype(np.float32 if is_float else np.uint8)
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 255):  # also refuses NaN
        raise StimulusError(
            f"Pictures are 0 to 255, or floats of 0 to 1; these run from {low} to {high}."
        )
    if is_float:
        return (array / (1.0 if high <= 1 else 255.0)).astype(np.float32)
    return array.astype(np.uint8)


def pixels_of(stimulus: Stimulus) -> UInt8Array:
    """Decode one picture for a network: (3, height, width) uint8.

    Raises
    ------
    StimulusError
        Not a picture, or it cannot be decoded.
    """
    if stimulus.kind != "image":
        raise StimulusError(f"This model looks at pictures; {stimulus.name} is not one.")
    return np.ascontiguousarray(stimulus.pixels().transpose(2, 0, 1))


def resize_short_side_then_crop(picture: NDArray[Any]) -> NDArray[Any]:
    """Torchvision's ``ImageClassification`` preset, before its scaling.

    Parameters
    ----------
    picture : ndarray of shape (3, height, width), uint8 or float32 of 0 to 1

    Returns
    -------
    ndarray of shape (3, 224, 224)
        Of the same type. The shorter side was made 256 pixels (antialiased bilinear; of uint8
        the result is rounded half to even), then the centre was cut out.
    """
    height, width = picture.shape[1:]
    short, long = min(height, width), max(height, width)
    longer = int(_SHORT_SIDE * long / short)
    size = (_SHORT_SIDE, longer) if height <= width else (longer, _SHORT_SIDE)
    if (height, width) != size:
        resized = functional.interpolate(
            torch.tensor(picture[None], dtype=torch.float32),
            size=size,
            mode="bilinear",
            align_corners=False,
            antialias=True,
        )[0].numpy()
        picture = np.rint(resized).astype(np.uint8) if picture.dtype == np.uint8 else resized
    top, left = (round((side - NETWORK_SIDE) / 2.0) for side in size)
    return picture[:, top : top + NETWORK_SIDE, left : left + NETWORK_SIDE]


def square_then_resize(picture: NDArray[Any]) -> UInt8Array:
    """MOSAIC's preparation, before its scaling.

    Parameters
    ----------
    picture : ndarray of shape (3, height, width), uint8 or float32 of 0 to 1
        Floats are rounded to 256 steps first: the network was trained on such pictures.

    Returns
    -------
    ndarray of shape (3, 224, 224), uint8
        The centre square, resized by Pillow's antialiased bilinear filter.
    """
    if picture.dtype != np.uint8:
        picture = np.rint(picture * 255).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0)))
    side = min(image.size)
    left, top = (round((length - side) / 2.0) for length in image.size)
    image = image.crop((left, top, left + side, top + side))
    if side != NETWORK_SIDE:
        image = image.resize((NETWORK_SIDE, NETWORK_SIDE), Image.Resampling.BILINEAR)
    return np.asarray(image).transpose(2, 0, 1)


def normalise(pictures: Sequence[NDArray[Any]]) -> FloatArray:
    """Scale prepared pictures to 0..1, take ImageNet's mean away and divide by its deviation.

    Parameters
    ----------
    pictures : sequence of ndarray of shape (3, 224, 224), uint8 or float32 of 0 to 1

    Returns
    -------
    ndarray of shape (n_pictures, 3, 224, 224), float32
    """
    prepared = np.empty((len(pictures), 3, NETWORK_SIDE, NETWORK_SIDE), np.float32)
    for row, picture in zip(prepared, pictures, strict=True):
        row[:] = picture
        if picture.dtype == np.uint8:
            row /= np.float32(255)
    prepared -= np.array(_MEAN, np.float32)[:, None, None]
    prepared /= np.array(_STANDARD_DEVIATION, np.float32)[:, None, None]
    return prepared
