"""Retinotopic template of V1, V2, V3 and hV4 on fsaverage5: an algebraic map of the visual field.

A place in the visual field (eccentricity r, polar angle theta) is sent to the flattened
occipital cortex by the wedge-dipole map of Balasubramanian, Polimeni & Schwartz (2002),
``w = log((z + a) / (z + b))`` with ``z = r exp(i P)``, a = 0.75 deg (Horton & Hoyt 1991) and
b = 90 deg. P stacks V1, mirrored V2, V3 and hV4 as angular bands (the idea of Schira et al.
2010). A quartic polynomial then places w on a Lambert equal-area chart of the fsaverage
sphere. Its 34 numbers a hemisphere were least-squares fitted to Benson et al. (2014); see
``assets/retinotopy/template_params.json``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from models.spaces import load_mesh
from models.types import FloatArray, Hemisphere, IntArray

NDArrayComplex = NDArray[np.complexfloating[Any, Any]]

__all__ = ["AREAS", "ReceptiveFields", "load_receptive_fields", "template_parameters_path"]

#: Area code -> name; 0 is "not in the template".
AREAS = {1: "V1", 2: "V2", 3: "V3", 4: "hV4"}

_FOVEAL_DEG = 0.75  # a of the wedge-dipole
_PERIPHERAL_DEG = 90.0  # b of the wedge-dipole
_MAX_ECCENTRICITY_DEG = 80.0
_MAX_DISTANCE_MM = 1.8  # a vertex farther from every grid node is outside the template
_SPHERE_RADIUS_MM = 100.0


@dataclass(frozen=True, eq=False)
class ReceptiveFields:
    """Where in the visual field each vertex looks; all arrays (20484,), left hemisphere first.

    Parameters
    ----------
    area : ndarray, int8
        Code in :data:`AREAS`; 0 = not modelled.
    eccentricity_deg : ndarray, float64
        Distance from fixation; 0 where not modelled.
    polar_angle_rad : ndarray, float64
        From the horizontal meridian, positive in the upper field.
    x_deg, y_deg : ndarray, float64
        Centre in the visual field: right and up are positive.
    """

    area: IntArray
    eccentricity_deg: FloatArray
    polar_angle_rad: FloatArray
    x_deg: FloatArray
    y_deg: FloatArray

    @property
    def modelled(self) -> IntArray:
        """Indices of the vertices in V1-V3 and hV4."""
        return np.flatnonzero(self.area)


def template_parameters_path() -> Path:
    """File with the fitted numbers."""
    return Path(__file__).parents[1] / "assets" / "retinotopy" / "template_params.json"


@lru_cache(maxsize=1)
def load_receptive_fields() -> ReceptiveFields:
    """Evaluate the template on both hemispheres of fsaverage5.

    Returns
    -------
    ReceptiveFields
        About 650 modelled vertices a hemisphere; the arrays are read-only.

    Notes
    -----
    Source: module docstring. The left hemisphere sees the right visual field.
    """
    parameters = json.loads(template_parameters_path().read_text(encoding="utf-8"))
    left = _evaluate("left", parameters["left"])
    right = _evaluate("right", parameters["right"])
    arrays = [np.concatenate(pair) for pair in zip(left, right, strict=True)]
    for array in arrays:
        array.flags.writeable = False
    return ReceptiveFields(*arrays)


def _evaluate(
    hemisphere: Hemisphere, parameters: dict[str, list[float]]
) -> tuple[IntArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Area, eccentricity, angle, x and y of each vertex of one hemisphere."""
    sphere = load_mesh("fsaverage5", "sphere").hemisphere(hemisphere).positions
    chart, height = _lambert_chart(sphere.astype(float), np.asarray(parameters["center"]))
    area_grid, eccentricity_grid, angle_grid = _visual_field_grid()
    w = _wedge_dipole(area_grid, eccentricity_grid, angle_grid, np.exp(parameters["q"]))
    nodes = _quartic_terms(w) @ np.asarray(parameters["C"])

    near = np.flatnonzero((height > 0) & (np.linalg.norm(chart, axis=1) < 110))
    distance, index = cKDTree(nodes).query(chart[near], k=24)
    winner = area_grid[index[:, 0]]
    is_inside = distance[:, 0] < _MAX_DISTANCE_MM
    # Average over the nearest grid nodes of the winning area, in log eccentricity.
    is_same = area_grid[index] == winner[:, None]
    weight = (np.exp(-(distance**2)) + 1e-12) * is_same
    weight /= weight.sum(1, keepdims=True)
    log_eccentricity = (weight * np.log(eccentricity_grid[index] + _FOVEAL_DEG)).sum(1)
    mean_angle = (weight * angle_grid[index]).sum(1)

    area = np.zeros(len(sphere), np.int8)
    eccentricity = np.zeros(len(sphere))
    angle = np.zeros(len(sphere))
    vertices = near[is_inside]
    area[vertices] = winner[is_inside]
    eccentricity[vertices] = np.exp(log_eccentricity[is_inside]) - _FOVEAL_DEG
    angle[vertices] = mean_angle[is_inside]
    side = 1.0 if hemisphere == "left" else -1.0
    x = side * eccentricity * np.cos(angle) * (area > 0)
    y = eccentricity * np.sin(angle) * (area > 0)
    return area, eccentricity, angle, x, y


def _visual_field_grid() -> tuple[IntArray, FloatArray, FloatArray]:
    """Nodes of a fine grid over each area's hemifield: area, eccentricity, polar angle."""
    farthest = float(np.log(_MAX_ECCENTRICITY_DEG + _FOVEAL_DEG))
    eccentricity = np.exp(np.linspace(float(np.log(_FOVEAL_DEG)), farthest, 160)) - _FOVEAL_DEG
    eccentricity[0] = 0.02
    angle = np.linspace(-np.pi / 2, np.pi / 2, 121)
    area, ecc, theta = np.meshgrid(list(AREAS), eccentricity, angle, indexing="ij")
    # Angle-major within an area, as ties between nodes are settled by order.
    return (
        area.transpose(0, 2, 1).ravel(),
        ecc.transpose(0, 2, 1).ravel(),
        theta.transpose(0, 2, 1).ravel(),
    )


def _band_phase(area: IntArray, angle: FloatArray, width: FloatArray) -> FloatArray:
    """Stack the areas' polar angles as bands: V1 | mirrored V2 | V3 | hV4 (ventral only)."""
    quarter = np.pi / 2
    side = np.where(angle >= 0, 1.0, -1.0)
    size = np.abs(angle)
    v1 = width[0] * angle
    v2 = side * (width[0] * quarter + width[1] * (quarter - size))
    v3 = side * (width[0] * quarter + width[1] * quarter + width[2] * size)
    hv4 = (width[0] + width[1] + width[2]) * quarter + width[3] * (quarter - angle)
    phase: FloatArray = np.select([area == code for code in AREAS], [v1, v2, v3, hv4])
    return phase


def _wedge_dipole(
    area: IntArray, eccentricity: FloatArray, angle: FloatArray, width: FloatArray
) -> NDArrayComplex:
    """``log((z + a) / (z + b)) - log(a / b)`` with ``z = r exp(i P)``."""
    z = eccentricity * np.exp(1j * _band_phase(area, angle, width))
    origin = np.log(_FOVEAL_DEG / _PERIPHERAL_DEG)
    w: NDArrayComplex = np.log((z + _FOVEAL_DEG) / (z + _PERIPHERAL_DEG)) - origin
    return w


def _quartic_terms(w: NDArrayComplex) -> FloatArray:
    """Return the 15 monomials up to degree 4 of the centred log position, (n, 15)."""
    x, y = (w.real - 2.0) / 2.0, w.imag
    terms = [x**i * y ** (degree - i) for degree in range(5) for i in range(degree + 1)]
    return np.stack(terms, axis=1)


def _lambert_chart(sphere: FloatArray, center: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lambert equal-area chart (mm) about ``center``: u anterior, v dorsal; and height."""
    normal = center / np.linalg.norm(center)
    anterior = np.array([0.0, 1.0, 0.0])
    u = anterior - (anterior @ normal) * normal
    u /= np.linalg.norm(u)
    v = np.cross(normal, u)
    if v[2] < 0:  # +v is dorsal in both hemispheres
        v = -v
    unit = sphere @ np.stack([u, v, normal]).T / np.linalg.norm(sphere, axis=1, keepdims=True)
    scale = np.sqrt(2 / np.maximum(1 + unit[:, 2], 1e-9))
    return _SPHERE_RADIUS_MM * scale[:, None] * unit[:, :2], unit[:, 2]
