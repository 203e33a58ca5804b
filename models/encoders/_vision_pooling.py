"""Second stage of R1: energy on the pooling grid -> one response per vertex.

Depends on where the eyes rest and on the receptive fields; cheap enough for a slider.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from models.encoders._vision_energy import Canvas
from models.encoders._vision_parameters import (
    AREA_PARAMETERS,
    FADE_OUT_ENERGY,
    FREQUENCIES_CPD,
    FREQUENCY_SD_OCTAVES,
    MINIMUM_COVERAGE,
    PREFERRED_PERIOD_INTERCEPT_DEG,
    PREFERRED_PERIOD_SLOPE,
)
from models.retinotopy import load_receptive_fields
from models.types import FloatArray, IntArray

__all__ = [
    "Gaze",
    "PoolingWeights",
    "coverage",
    "pool",
    "pooling_weights",
    "receptive_field_size_deg",
]

#: Receptive fields end here. Beyond is 1e-8 of the peak: subnormal numbers, 30 times slower.
_CUT_OFF_SD = 6.0


@dataclass(frozen=True)
class Gaze:
    """Everything the pooling weights depend on.

    Parameters
    ----------
    visual_angle_deg : float
        Visual angle of the picture's longer side.
    x_deg, y_deg : float
        Fixation point, right of and above the picture's centre.
    sizes : {"kay2013", "wandell2015"}
        Published line of receptive-field size.
    """

    visual_angle_deg: float
    x_deg: float
    y_deg: float
    sizes: str


@dataclass(frozen=True, eq=False)
class PoolingWeights:
    """Gaussian receptive fields on the pooling grid, as products of their two axes.

    Parameters
    ----------
    vertices : ndarray of shape (n_seen,), int
        Vertices of fsaverage5 whose field lies mostly inside the picture's square frame.
    columns, rows : ndarray of shape (n_cells, n_seen), float64
        Weight of a cell = its column's times its row's; they sum to at most 1.
    frequency : ndarray of shape (n_bands, n_cells, n_cells), float32
        Share of each band at each place, by its distance from the fixation point.
    exponent, second_order_contrast, gain : ndarray of shape (n_seen,), float64
    """

    vertices: IntArray
    columns: FloatArray
    rows: FloatArray
    frequency: FloatArray
    exponent: FloatArray
    second_order_contrast: FloatArray
    gain: FloatArray


def receptive_field_size_deg(
    area: IntArray, eccentricity_deg: FloatArray, sizes: str
) -> FloatArray:
    """Look up the published size of receptive fields.

    Parameters
    ----------
    area : ndarray, int
        Codes 1 to 4 of ``models.retinotopy.AREAS``.
    eccentricity_deg : ndarray, same shape
    sizes : {"kay2013", "wandell2015"}

    Returns
    -------
    ndarray, same shape, float64
        Slope x eccentricity + intercept, in deg.

    Notes
    -----
    Source: :class:`models.encoders._vision_parameters.AreaParameters`. The Gaussian that pools
    energy is narrower, size x sqrt(n): size is that of the response after the exponent, as
    defined in the CSS paper (Kay et al. 2013, J Neurophysiol, caption of Fig. 5).
    """
    lines = np.array([AREA_PARAMETERS[code].size_line(sizes) for code in sorted(AREA_PARAMETERS)])
    slope, intercept = lines[area - 1].T
    size_deg: FloatArray = slope * eccentricity_deg + intercept
    return size_deg


def _by_area(name: str) -> FloatArray:
    """One number of each area, in the order of their codes."""
    return np.array([getattr(AREA_PARAMETERS[code], name) for code in sorted(AREA_PARAMETERS)])


@lru_cache(maxsize=4)
def pooling_weights(gaze: Gaze) -> PoolingWeights:
    """Receptive fields and frequency weights; those of the last four gazes are kept."""
    canvas = Canvas(gaze.visual_angle_deg)
    fields = load_receptive_fields()
    vertices = fields.modelled
    area = fields.area[vertices]
    size = receptive_field_size_deg(area, fields.eccentricity_deg[vertices], gaze.sizes)
    sd = size * np.sqrt(_by_area("exponent")[area - 1])
    sd = np.maximum(sd, 0.6 * canvas.cell_deg)  # narrower than a cell would miss all centres
    centres = canvas.cell_centres_deg()
    columns = _gaussian(centres, fields.x_deg[vertices] + gaze.x_deg, sd) * canvas.cell_deg
    rows = _gaussian(-centres, fields.y_deg[vertices] + gaze.y_deg, sd) * canvas.cell_deg
    columns /= np.maximum(columns.sum(0) * rows.sum(0), 1)  # sampling may exceed 1 a little

    half = np.full((1, 2), gaze.visual_angle_deg / 2)
    is_seen = _inside(canvas, half, columns, rows)[0] > MINIMUM_COVERAGE
    area = area[is_seen] - 1
    return PoolingWeights(
        vertices=vertices[is_seen],
        columns=np.ascontiguousarray(columns[:, is_seen]),
        rows=np.ascontiguousarray(rows[:, is_seen]),
        frequency=_frequency_weights(canvas, gaze),
        exponent=_by_area("exponent")[area],
        second_order_contrast=_by_area("second_order_contrast")[area],
        gain=_by_area("gain")[area],
    )


def _gaussian(places_deg: FloatArray, centre_deg: FloatArray, sd_deg: FloatArray) -> FloatArray:
    """Density of each vertex's Gaussian along one axis, (n_cells, n_vertices)."""
    apart = np.abs(places_deg[:, None] - centre_deg) / sd_deg
    density: FloatArray = np.exp(-0.5 * apart**2) / (np.sqrt(2 * np.pi) * sd_deg)
    return np.where(apart < _CUT_OFF_SD, density, 0)


def _frequency_weights(canvas: Canvas, gaze: Gaze) -> FloatArray:
    """Share of each band at each place: Broderick et al. 2022, around the fixation point."""
    centres = canvas.cell_centres_deg()
    x, y = np.meshgrid(centres - gaze.x_deg, -centres - gaze.y_deg)
    period_deg = PREFERRED_PERIOD_SLOPE * np.hypot(x, y) + PREFERRED_PERIOD_INTERCEPT_DEG
    octaves = np.log2(np.array(FREQUENCIES_CPD)[:, None, None] * period_deg)
    weight = np.exp(-0.5 * (octaves / FREQUENCY_SD_OCTAVES) ** 2)
    share: FloatArray = (weight / weight.sum(0)).astype(np.float32)
    return share


def _inside(
    canvas: Canvas, half_size_deg: FloatArray, columns: FloatArray, rows: FloatArray
) -> FloatArray:
    """Share of each receptive field inside centred rectangles, (n_rectangles, n_vertices)."""
    is_inside = np.abs(canvas.cell_centres_deg()) <= half_size_deg[:, :, None]
    share: FloatArray = (is_inside[:, 0] @ columns) * (is_inside[:, 1] @ rows)
    return share


def coverage(size_deg: FloatArray, canvas: Canvas, weights: PoolingWeights) -> FloatArray:
    """Share of each receptive field that lies inside each picture.

    Parameters
    ----------
    size_deg : ndarray of shape (n_pictures, 2)
        Width and height of each picture.
    canvas : Canvas
    weights : PoolingWeights

    Returns
    -------
    ndarray of shape (n_pictures, n_seen), float64
        0 to 1.
    """
    return _inside(canvas, size_deg / 2, weights.columns, weights.rows)


def pool(energy: FloatArray, weights: PoolingWeights, contrast_scale: float) -> FloatArray:
    """Responses of the vertices.

    Parameters
    ----------
    energy : ndarray of shape (n_pictures, n_bands, n_cells, n_cells), float32
        From :func:`models.encoders._vision_energy.normalised_energy`.
    weights : PoolingWeights
    contrast_scale : float
        Multiplies the published second-order contrast c; 1 = as published, 0 = none.

    Returns
    -------
    ndarray of shape (n_pictures, n_seen), float64
        gain [sum_p W_p (x_p - c sum W x)^2]^n, at least 0, in model units.

    Notes
    -----
    Source: the SOC model of Kay et al. 2013, PLoS Comput Biol. The square is multiplied out:
    sum W x^2 - 2 c m^2 + c^2 m^2 sum W, with m = sum W x. W is a product of two axes, so a
    sum over cells is one matrix product along the columns and one weighted sum of rows.
    Double precision, as with c = .99 the terms all but cancel over an even texture.
    """
    mixed = np.einsum("pbij,bij->pij", energy, weights.frequency).astype(np.float64)
    mean = _weighted_sum(mixed, weights)
    mean_square = _weighted_sum(mixed * mixed, weights)
    total = weights.columns.sum(0) * weights.rows.sum(0)
    c = contrast_scale * weights.second_order_contrast
    squared = mean * mean
    variance = np.maximum(mean_square - 2 * c * squared + c * c * squared * total, 0)
    fade = squared / (squared + FADE_OUT_ENERGY**2)
    response: FloatArray = weights.gain * fade * variance**weights.exponent
    return response


def _weighted_sum(grid: FloatArray, weights: PoolingWeights) -> FloatArray:
    """Sum over cells of weight x value, (n_pictures, n_seen)."""
    by_row = grid @ weights.columns  # (n_pictures, n_cells, n_seen)
    total: FloatArray = np.einsum("piv,iv->pv", by_row, weights.rows)
    return total
