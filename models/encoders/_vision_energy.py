"""First stage of R1: picture -> oriented contrast energy, normalised, on the pooling grid.

Depends on the picture and its visual angle only, not on where the eyes rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from PIL import Image

from models.encoders._vision_parameters import (
    BAND_WIDTH_OCTAVES,
    CONTRAST_FLOOR,
    FREQUENCIES_CPD,
    GRATING_ENERGY,
    LUMA_WEIGHTS,
    MARGIN_DEG,
    N_ORIENTATIONS,
    ORIENTATION_SD_DEG,
    PIXELS_PER_DEG,
    POOLING_CELLS_PER_DEG,
    SEMI_SATURATION,
)
from models.types import FloatArray, IntArray, UInt8Array

__all__ = ["Canvas", "Filter", "filter_bank", "normalised_energy", "picture_size_deg", "place"]

_STRIP_ROWS = 256  # rows of a large picture made float at a time
_NEGLIGIBLE = 1e-8  # of a gain: smaller ones only make subnormal, slow arithmetic
_ComplexArray = NDArray[np.complexfloating[Any, Any]]


@dataclass(frozen=True)
class Canvas:
    """The mid-grey ground on which a picture lies, centred.

    Parameters
    ----------
    visual_angle_deg : float
        Visual angle of the picture's longer side.
    """

    visual_angle_deg: float

    @property
    def width_deg(self) -> float:
        """Side of the canvas: the picture and its margins."""
        return self.visual_angle_deg + 2 * MARGIN_DEG

    @property
    def n_pixels(self) -> int:
        """Side in pixels: even, and quick for the Fourier transform."""
        quick: int = scipy.fft.next_fast_len(round(self.width_deg * PIXELS_PER_DEG))
        return quick // 2 * 2

    @property
    def pixels_per_deg(self) -> float:
        """Resolution after rounding."""
        return self.n_pixels / self.width_deg

    @property
    def picture_pixels(self) -> int:
        """Longer side of the picture."""
        return round(self.visual_angle_deg * self.pixels_per_deg)

    @property
    def n_cells(self) -> int:
        """Side of the pooling grid."""
        return round(self.width_deg * POOLING_CELLS_PER_DEG)

    @property
    def cell_deg(self) -> float:
        """Side of one cell of the pooling grid."""
        return self.width_deg / self.n_cells

    def cell_centres_deg(self) -> FloatArray:
        """Centres of the grid's columns, left to right, from the picture's centre."""
        return (np.arange(self.n_cells) + 0.5) * self.cell_deg - self.width_deg / 2


@dataclass(frozen=True, eq=False)
class Filter:
    """Eight orientations of one spatial frequency, on a grid just fine enough for it.

    Parameters
    ----------
    rows : ndarray of shape (n_grid,), int
        Frequencies of the canvas that are kept.
    ramp : ndarray of shape (n_grid, n_grid), complex64
        Moves the samples to the centres of the coarser grid's cells, and rescales.
    transfer : ndarray of shape (n_orientations, n_grid, n_grid), float32
        One-sided, so that the magnitude of the filtered picture is its local energy.
    resample : ndarray of shape (n_cells, n_grid), float32
        From the grid to the pooling grid, one axis.
    """

    rows: IntArray
    ramp: _ComplexArray
    transfer: FloatArray
    resample: FloatArray


def picture_size_deg(height: int, width: int, visual_angle_deg: float) -> tuple[float, float]:
    """Width and height of a picture whose longer side spans the visual angle."""
    longer = max(height, width)
    return visual_angle_deg * width / longer, visual_angle_deg * height / longer


def place(pixels: UInt8Array, canvas: Canvas) -> FloatArray:
    """Lay a picture on the canvas.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3), uint8
        sRGB.
    canvas : Canvas

    Returns
    -------
    ndarray of shape (n_pixels, n_pixels), float32
        Contrast about mid-grey, -1 (black) to 1 (white); 0 on the ground.

    Notes
    -----
    Luma is taken on the sRGB-coded values. Shrinking averages areas, enlarging interpolates
    linearly. The picture lies on whole pixels: centred to within 0.04 deg.
    """
    height, width = pixels.shape[:2]
    scale = canvas.picture_pixels / max(height, width)
    n_rows, n_columns = max(1, round(height * scale)), max(1, round(width * scale))
    luma = _resized_luma(pixels, n_rows, n_columns, is_smaller=scale < 1)
    contrast = np.zeros((canvas.n_pixels, canvas.n_pixels), np.float32)
    corner = (canvas.n_pixels - canvas.picture_pixels) // 2
    top = corner + (canvas.picture_pixels - n_rows) // 2
    left = corner + (canvas.picture_pixels - n_columns) // 2
    contrast[top : top + n_rows, left : left + n_columns] = 2 * luma - 1
    return contrast


def _resized_luma(
    pixels: UInt8Array, n_rows: int, n_columns: int, *, is_smaller: bool
) -> FloatArray:
    """Luma in 0..1 of the resized picture, made in strips: a float copy can be huge."""
    method = Image.Resampling.BOX if is_smaller else Image.Resampling.BILINEAR
    weights = np.array(LUMA_WEIGHTS, np.float32)
    strips = []
    for start in range(0, len(pixels), _STRIP_ROWS):
        luma = (pixels[start : start + _STRIP_ROWS] / np.float32(255)) @ weights
        strips.append(np.asarray(Image.fromarray(luma).resize((n_columns, len(luma)), method)))
    narrow = Image.fromarray(np.concatenate(strips))
    return np.asarray(narrow.resize((n_columns, n_rows), method))


@lru_cache(maxsize=2)
def filter_bank(visual_angle_deg: float) -> tuple[Filter, ...]:
    """Make the filters for one visual angle, lowest frequency first; keeps the last two."""
    canvas = Canvas(visual_angle_deg)
    return tuple(_make_filter(canvas, frequency) for frequency in FREQUENCIES_CPD)


def _make_filter(canvas: Canvas, frequency_cpd: float) -> Filter:
    """Log-Gabor filters of one frequency."""
    wanted = int(np.ceil(canvas.width_deg * max(6 * frequency_cpd, 1.5)))
    n_grid = min(canvas.n_pixels, int(scipy.fft.next_fast_len(wanted)))
    cycles = scipy.fft.fftfreq(n_grid, 1 / n_grid)  # per canvas, -n/2 .. n/2
    u, v = np.meshgrid(cycles / canvas.width_deg, cycles / canvas.width_deg)  # cycles/deg
    # Sample j of the coarse grid must lie at the centre of its cell, not on a canvas pixel.
    offset_deg = (1 / n_grid - 1 / canvas.n_pixels) * canvas.width_deg / 2
    ramp = np.exp(2j * np.pi * offset_deg * (u + v)) * (n_grid / canvas.n_pixels) ** 2
    radial = _radial_gain(np.hypot(u, v), frequency_cpd, n_grid / canvas.width_deg / 2)
    angle = np.arctan2(v, u)
    preferred = np.arange(N_ORIENTATIONS)[:, None, None] * np.pi / N_ORIENTATIONS
    apart_deg = np.rad2deg(np.angle(np.exp(1j * (angle - preferred))))
    transfer = 2 * radial * np.exp(-0.5 * (apart_deg / ORIENTATION_SD_DEG) ** 2)
    transfer[transfer < _NEGLIGIBLE] = 0
    return Filter(
        rows=cycles.astype(int) % canvas.n_pixels,
        ramp=ramp.astype(np.complex64),
        transfer=transfer.astype(np.float32),
        resample=_resampling_matrix(n_grid, canvas.n_cells),
    )


def _radial_gain(radius_cpd: FloatArray, frequency_cpd: float, nyquist_cpd: float) -> FloatArray:
    """Gaussian in log frequency, tapered to 0 below Nyquist so that nothing rings."""
    octaves = np.log2(np.maximum(radius_cpd, 1e-6) / frequency_cpd)
    near_nyquist = np.clip((radius_cpd / nyquist_cpd - 0.7) / 0.28, 0, 1)
    taper = np.cos(np.pi / 2 * near_nyquist) ** 2
    gain: FloatArray = taper * np.exp(-0.5 * (octaves / BAND_WIDTH_OCTAVES) ** 2)
    return gain


def _resampling_matrix(n_from: int, n_to: int) -> FloatArray:
    """Area average (to fewer) or linear interpolation (to more) along one axis."""
    j = np.arange(n_from)
    matrix: FloatArray
    if n_from >= n_to:
        edge = np.linspace(0, n_from, n_to + 1)[:, None]
        matrix = np.clip(np.minimum(edge[1:], j + 1) - np.maximum(edge[:-1], j), 0, None)
    else:
        centre = np.clip((np.arange(n_to) + 0.5) * n_from / n_to - 0.5, 0, n_from - 1)
        matrix = np.clip(1 - np.abs(centre[:, None] - j), 0, None)
    matrix /= matrix.sum(1, keepdims=True)
    return matrix.astype(np.float32)


def normalised_energy(contrast: FloatArray, filters: tuple[Filter, ...]) -> FloatArray:
    """Local contrast energy of one picture in each frequency band.

    Parameters
    ----------
    contrast : ndarray of shape (n_pixels, n_pixels), float32
        From :func:`place`.
    filters : tuple of Filter
        From :func:`filter_bank` at the same visual angle.

    Returns
    -------
    ndarray of shape (n_bands, n_cells, n_cells), float32
        0 (nothing) to below 1 (saturated); 0.67 for a full-contrast grating at the band's
        frequency. Top row first.

    Notes
    -----
    Quadrature energy as the magnitude of a one-sided (analytic) filter's output (Adelson &
    Bergen 1985), mean over orientation, then E / (s + E) as in the SOC model of Kay et al.
    2013. A floor at the contrast threshold is taken off the numerator; ours.
    """
    spectrum = scipy.fft.fft2(contrast)  # complex64; half the work, as the input is real
    scale = np.float32(N_ORIENTATIONS / GRATING_ENERGY)
    bands = []
    for band in filters:
        kept = spectrum[np.ix_(band.rows, band.rows)] * band.ramp
        filtered = scipy.fft.ifft2(band.transfer * kept, overwrite_x=True)
        energy = scale * np.abs(filtered).mean(0)  # 1 for a full-contrast grating
        above = np.maximum(energy - np.float32(CONTRAST_FLOOR), 0)
        normalised = above / (np.float32(SEMI_SATURATION) + energy)
        bands.append(band.resample @ normalised @ band.resample.T)
    return np.stack(bands)
