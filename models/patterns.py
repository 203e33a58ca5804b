"""Drawn patterns: checkerboard, wedge, ring, stripes and pink noise, as arrays.

Conventions. Row 0 is the top of the visual field. Positions run in units of half the picture's
width: x to the right, y upwards, 0 at the centre. Angles are measured from the right horizontal
meridian, counter-clockwise. Grey 128 is "nothing there"; contrast, -1 to 1, is around it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from models.types import BoolArray, FloatArray, UInt8Array

__all__ = [
    "SIDE",
    "checkerboard",
    "grid",
    "pink_noise",
    "polar_grid",
    "ring_mask",
    "soft_disc",
    "stripes",
    "to_grey_levels",
    "wedge_mask",
]

#: Width and height of drawn pictures in pixels.
SIDE = 384


def grid(side: int = SIDE) -> tuple[FloatArray, FloatArray]:
    """Positions x (1, side) and y (side, 1) of pixel centres, from -1 to 1, y upwards."""
    steps = ((np.arange(side) + 0.5) / side * 2 - 1).astype(np.float32)
    return steps[None, :], -steps[:, None]


@lru_cache(maxsize=1)
def polar_grid() -> tuple[FloatArray, FloatArray]:
    """Radius (1 at the picture's edge) and angle in degrees, counter-clockwise from the right.

    Returns
    -------
    radius, angle_deg : ndarray of shape (SIDE, SIDE), float32
        Read-only; angles from -180 to 180.
    """
    x, y = grid()
    radius, angle_deg = np.hypot(x, y), np.degrees(np.arctan2(y, x))
    radius.setflags(write=False)
    angle_deg.setflags(write=False)
    return radius, angle_deg


def to_grey_levels(contrast: FloatArray) -> UInt8Array:
    """Turn contrast into grey levels: -1 is 1, 0 is 128, 1 is 255; what is beyond is cut."""
    return np.rint(128 + 127 * np.clip(contrast, -1, 1)).astype(np.uint8)


def checkerboard() -> FloatArray:
    """Black and white checks that grow with eccentricity, -1 or 1; 24 sectors of 15 degrees."""
    radius, angle_deg = polar_grid()
    # a check is as long as it is wide: sectors of pi / 12, so rings of a factor exp(pi / 12)
    rings = np.floor(np.log(np.maximum(radius, 1e-3)) * 12 / np.pi)
    sectors = np.floor(angle_deg * 12 / 180)
    return np.where((rings + sectors) % 2 == 0, np.float32(1), np.float32(-1))


def soft_disc() -> FloatArray:
    """1 in the middle, falling to 0 at the edge along half a cosine over the outer fifth."""
    radius, _ = polar_grid()
    disc: FloatArray = 0.5 + 0.5 * np.cos(np.pi * np.clip((radius - 0.8) / 0.2, 0, 1))
    return disc


def stripes(orientation_deg: float, cycles: float) -> FloatArray:
    """Sine stripes.

    Parameters
    ----------
    orientation_deg : float
        Of the stripes: 0 lies flat, 90 stands upright, counter-clockwise.
    cycles : float
        Periods along one picture width.

    Returns
    -------
    ndarray of shape (SIDE, SIDE), float32
        Contrast from -1 to 1.
    """
    x, y = grid()
    tilt = np.radians(orientation_deg)
    across = y * np.cos(tilt) - x * np.sin(tilt)
    # across runs from -1 to 1, so 2 is the whole picture
    wave: FloatArray = np.cos(np.pi * cycles * across)
    return wave


def pink_noise(seed: int, side: int = SIDE) -> UInt8Array:
    """Noise whose amplitude falls as 1/f; r.m.s. contrast 0.3 before the extremes are cut.

    Parameters
    ----------
    seed : int
    side : int
        Width and height in pixels.

    Returns
    -------
    ndarray of shape (side, side), uint8

    Notes
    -----
    Source: Field 1987, J Opt Soc Am A 4:2379: amplitude of natural pictures falls as 1/f.
    """
    white = np.random.default_rng(seed).standard_normal((side, side))
    spectrum = np.fft.rfft2(white)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :])
    frequency[0, 0] = np.inf  # no mean: the noise stays around mid-grey
    noise = np.fft.irfft2(spectrum / frequency, s=(side, side))
    return to_grey_levels(0.3 * noise / noise.std())


def wedge_mask(centre_deg: float, width_deg: float) -> BoolArray:
    """Sector of the disc that fits into the picture: (SIDE, SIDE)."""
    radius, angle_deg = polar_grid()
    distance_deg = np.abs((angle_deg - centre_deg + 180) % 360 - 180)
    mask: BoolArray = (distance_deg <= width_deg / 2) & (radius <= 1)
    return mask


def ring_mask(position: float, duty: float, inner_radius: float) -> BoolArray:
    """Ring on a logarithmic scale of eccentricity, as the cortex has: (SIDE, SIDE).

    Parameters
    ----------
    position : float
        Middle of the ring: 0 at ``inner_radius``, 1 at the picture's edge; what leaves on
        one side comes in at the other.
    duty : float
        Width of the ring as a part of the scale.
    inner_radius : float
        Inner end of the scale in units of half the picture's width.
    """
    radius, _ = polar_grid()
    depth = 1 - np.log(np.maximum(radius, 1e-3)) / np.log(inner_radius)
    is_inside = (depth >= 0) & (radius <= 1)
    mask: BoolArray = ((depth - position + duty / 2) % 1 < duty) & is_inside
    return mask
