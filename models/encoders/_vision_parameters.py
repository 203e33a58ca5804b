"""Numbers of the image reference model R1, each with its source.

"Read" below says what was opened to copy a number; where only an implementation of a paper
was opened, that implementation is named. Nothing here was fitted to brain responses by us.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

import numpy as np

from models.retinotopy import template_parameters_path

__all__ = [
    "AREA_PARAMETERS",
    "BAND_WIDTH_OCTAVES",
    "CONTRAST_FLOOR",
    "FADE_OUT_ENERGY",
    "FREQUENCIES_CPD",
    "FREQUENCY_SD_OCTAVES",
    "GRATING_ENERGY",
    "LUMA_WEIGHTS",
    "MARGIN_DEG",
    "MINIMUM_COVERAGE",
    "N_ORIENTATIONS",
    "ORIENTATION_SD_DEG",
    "PIXELS_PER_DEG",
    "POOLING_CELLS_PER_DEG",
    "PREFERRED_PERIOD_INTERCEPT_DEG",
    "PREFERRED_PERIOD_SLOPE",
    "SEMI_SATURATION",
    "AreaParameters",
    "parameters_sha256",
]


@dataclass(frozen=True)
class AreaParameters:
    """What differs between V1, V2, V3 and hV4.

    Parameters
    ----------
    exponent : float
        Compressive exponent n. Source: Kay et al. 2013, PLoS Comput Biol, the second-order
        contrast (SOC) model; read from ``noahbenson/sco``,
        ``sco/impl/benson17/__init__.py`` (n also in ``WinawerLab/soccode``,
        ``standardobserver/prfPlotHarveyDumoulin.m``, with .12 for hV4).
    second_order_contrast : float
        c of the same model, from the same ``sco`` file.
    gain : float
        Relative gain, from the same ``sco`` file.
    kay2013, wandell2015 : tuple of float
        Slope (deg per deg of eccentricity) and intercept (deg) of receptive-field size.
        Source: Kay et al. 2013, J Neurophysiol, and Wandell & Winawer 2015, both as tabulated
        in neuropythy's ``retinotopy.py``.

    Notes
    -----
    hV4 is weak in every retinotopic template and is marked low confidence on the card.
    """

    exponent: float
    second_order_contrast: float
    gain: float
    kay2013: tuple[float, float]
    wandell2015: tuple[float, float]

    def size_line(self, table: str) -> tuple[float, float]:
        """Slope and intercept of one of the two published lines."""
        return {"kay2013": self.kay2013, "wandell2015": self.wandell2015}[table]


#: Area code of ``models.retinotopy.AREAS`` -> its numbers.
AREA_PARAMETERS = {
    1: AreaParameters(0.18, 0.93, 1.00, (0.16, 0.5), (0.16883, 0.02179)),
    2: AreaParameters(0.13, 0.99, 0.79, (0.18, 0.5), (0.16912, 0.14739)),
    3: AreaParameters(0.12, 0.99, 0.71, (0.25, 0.5), (0.26397, 0.34221)),
    4: AreaParameters(0.115, 0.95, 1.23, (0.36, 0.5), (0.52963, 0.44501)),
}

#: Rec. 709 luma on the sRGB-coded values as they are (not linear light).
LUMA_WEIGHTS = (0.2126, 0.7152, 0.0722)

#: Sampling; ours. The highest filter (3 cycles/deg) needs 2.5 pixels a cycle.
PIXELS_PER_DEG = 12.0
POOLING_CELLS_PER_DEG = 6.0
MARGIN_DEG = 2.0  # mid-grey around the picture

#: Filters: 8 orientations x 4 frequencies. Widths near the macaque V1 medians of De Valois
#: et al. 1982 (1.4 octaves, 47 deg full width at half height; quoted from memory).
N_ORIENTATIONS = 8
ORIENTATION_SD_DEG = 20.0
FREQUENCIES_CPD = (0.375, 0.75, 1.5, 3.0)
BAND_WIDTH_OCTAVES = 0.6  # sd

#: Divisive normalisation E / (s + E). Source: Kay et al. 2013, PLoS Comput Biol (r = 1, s = 0.5).
SEMI_SATURATION = 0.5

#: Contrast below which nothing is detected: near the human peak threshold of 0.5 %; ours.
CONTRAST_FLOOR = 0.005
#: Pooled energy m below which the response fades out, m^2 / (m^2 + .001^2); ours. An exponent
#: of 0.1-0.2 would otherwise turn rounding noise of 1e-4 into responses of 5-20 %.
FADE_OUT_ENERGY = 0.001

#: Preferred period in deg, 0.119 E + 0.349, and the width of BOLD tuning in octaves. Source:
#: Broderick, Simoncelli & Winawer 2022; medians of ``combined_subject_params.csv`` in
#: ``billbrod/spatial-frequency-preferences``. Using V1's values in V2-hV4 is our assumption.
PREFERRED_PERIOD_SLOPE = 0.119
PREFERRED_PERIOD_INTERCEPT_DEG = 0.349
_BOLD_FREQUENCY_SD_OCTAVES = 2.15

#: The published width is that of BOLD. V1's response goes as x^(2n), so in the energy domain
#: it is narrower by sqrt(2n); the filters' own width is taken off. 1.14 octaves.
FREQUENCY_SD_OCTAVES = float(
    np.sqrt(_BOLD_FREQUENCY_SD_OCTAVES**2 * 2 * AREA_PARAMETERS[1].exponent - BAND_WIDTH_OCTAVES**2)
)

#: A vertex is "outside the picture" unless more than this share of its receptive field is inside.
MINIMUM_COVERAGE = 0.5


def _grating_energy() -> float:
    """Sum of the orientations' gains to one full-contrast grating at a filter's frequency."""
    apart_deg = (np.arange(N_ORIENTATIONS) * 180 / N_ORIENTATIONS + 90) % 180 - 90
    return float(np.exp(-0.5 * (apart_deg / ORIENTATION_SD_DEG) ** 2).sum())


GRATING_ENERGY = _grating_energy()


def parameters_sha256() -> str:
    """Hash of every number that shapes an answer.

    Returns
    -------
    str
        SHA-256, in hexadecimal, of this module's table and the template's parameter file.
    """
    table = {
        "areas": {code: asdict(area) for code, area in AREA_PARAMETERS.items()},
        "luma": LUMA_WEIGHTS,
        "sampling": [PIXELS_PER_DEG, POOLING_CELLS_PER_DEG, MARGIN_DEG],
        "filters": [N_ORIENTATIONS, ORIENTATION_SD_DEG, FREQUENCIES_CPD, BAND_WIDTH_OCTAVES],
        "normalisation": [SEMI_SATURATION, CONTRAST_FLOOR, FADE_OUT_ENERGY],
        "frequency": [
            PREFERRED_PERIOD_SLOPE,
            PREFERRED_PERIOD_INTERCEPT_DEG,
            _BOLD_FREQUENCY_SD_OCTAVES,
        ],
        "coverage": MINIMUM_COVERAGE,
    }
    digest = hashlib.sha256(json.dumps(table, sort_keys=True).encode())
    digest.update(template_parameters_path().read_bytes())
    return digest.hexdigest()
