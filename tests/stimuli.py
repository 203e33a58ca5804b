"""Pictures for tests, as the experiments behind the checks used them.

Positions are in degrees from the picture's centre, x to the right and y upwards. Luminance
runs from 0 to 1 about mid-grey 0.5.
"""

import numpy as np

from models.stimulus import Stimulus


def grid(side, width_deg):
    """x (1, side) to the right and y (side, 1) upwards at the pixel centres, in deg."""
    steps = (np.arange(side) + 0.5) / side * width_deg - width_deg / 2
    return steps[None, :], -steps[:, None]


def as_stimulus(luminance, name="picture"):
    """Grey picture of a luminance in 0..1; uint8 pixels are taken as they are."""
    if luminance.dtype != np.uint8:
        luminance = np.rint(np.clip(luminance, 0, 1) * 255).astype(np.uint8)
    if luminance.ndim == 2:
        luminance = np.repeat(luminance[:, :, None], 3, axis=2)
    return Stimulus.from_pixels(luminance, name)


def uniform(side, level):
    """One grey level (0 to 255) everywhere."""
    return np.full((side, side), level, np.uint8)


def grating(side, width_deg, frequency_cpd, orientation_deg=0.0, contrast=1.0, phase=0.0):
    """Sine grating; 0 degrees is modulated along x."""
    x, y = grid(side, width_deg)
    tilt = np.deg2rad(orientation_deg)
    across = x * np.cos(tilt) + y * np.sin(tilt)
    return 0.5 + 0.5 * contrast * np.cos(2 * np.pi * frequency_cpd * across + phase)


def checkerboard(side, width_deg, n_rings=10, n_sectors=32):
    """Full-contrast checks that grow with eccentricity."""
    x, y = grid(side, width_deg)
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    rings = np.sin(n_rings * np.pi * np.log(radius + 0.5) / np.log(width_deg))
    return 0.5 + 0.5 * np.sign(rings * np.sin(n_sectors / 2 * angle))


def aperture(carrier, mask):
    """Carrier where the mask is, mid-grey elsewhere."""
    return 0.5 + (carrier - 0.5) * mask


def wedge_mask(side, width_deg, centre_deg, opening_deg=45.0):
    """Sector of the disc inside the picture, about an angle counter-clockwise from the right."""
    x, y = grid(side, width_deg)
    apart = (np.rad2deg(np.arctan2(y, x)) - centre_deg + 180) % 360 - 180
    return (np.abs(apart) <= opening_deg / 2) & (np.hypot(x, y) < width_deg / 2)


def ring_mask(side, width_deg, position, duty=0.25, innermost_deg=0.25):
    """Ring at a position 0..1 from ``innermost_deg`` to the edge, in log eccentricity; wraps."""
    x, y = grid(side, width_deg)
    span = np.log(width_deg / 2 / innermost_deg)
    depth = np.log(np.maximum(np.hypot(x, y), 1e-3) / innermost_deg) / span
    is_on = (depth - position + duty / 2) % 1 < duty
    return is_on & (depth >= 0) & (depth < 1)


def _frequencies(side, width_deg):
    cycles = np.fft.fftfreq(side, width_deg / side)
    return np.hypot(cycles[None, :], cycles[:, None])


def noise(side, width_deg, seed, lowest_cpd=0.5, highest_cpd=4.0):
    """Noise with amplitude 1/f between two frequencies; r.m.s. contrast 0.4."""
    frequency = _frequencies(side, width_deg)
    spectrum = np.fft.fft2(np.random.default_rng(seed).standard_normal((side, side)))
    is_kept = (frequency >= lowest_cpd) & (frequency <= highest_cpd)
    waves = np.fft.ifft2(spectrum * is_kept / np.maximum(frequency, 0.1)).real
    return np.clip(0.5 + 0.2 * waves / waves.std(), 0, 1)


def contours(side, width_deg, seed, blur_cpd=1.0, band_cpd=3.0):
    """Curved lines at 3 cycles/deg: edges of thresholded noise, as in the SOC experiments."""
    frequency = _frequencies(side, width_deg)
    spectrum = np.fft.fft2(np.random.default_rng(seed).standard_normal((side, side)))
    blobs = np.fft.ifft2(spectrum * np.exp(-0.5 * (frequency / blur_cpd) ** 2)).real > 0
    octaves = np.log2(np.maximum(frequency, 1e-6) / band_cpd)
    band = np.exp(-0.5 * (octaves / 0.5) ** 2)
    lines = np.fft.ifft2(np.fft.fft2(blobs.astype(float)) * band).real
    return np.clip(0.5 + 0.5 * lines / np.percentile(np.abs(lines), 99.5), 0, 1)


def patches(side, cell, seed, share=0.35):
    """Mask of square cells, each there with a chance of ``share``."""
    n_cells = side // cell + 1
    is_there = np.random.default_rng(seed).random((n_cells, n_cells)) < share
    return is_there.repeat(cell, 0).repeat(cell, 1)[:side, :side]
