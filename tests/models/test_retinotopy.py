"""The retinotopic template against published facts; the source is in each docstring.

The tolerances were chosen knowing the outputs: they guard against regressions.
"""

from importlib.util import find_spec
from pathlib import Path

import nibabel
import numpy as np
import pytest

from models.retinotopy import AREAS, load_receptive_fields, template_parameters_path
from models.spaces import FSAVERAGE5, load_mesh

N_MODELLED = 1293


class Side:
    """Template and anatomy of one hemisphere."""

    def __init__(self, hemisphere):
        fields = load_receptive_fields()
        part = FSAVERAGE5.hemisphere_slice(hemisphere)
        self.hemisphere = hemisphere
        self.area = fields.area[part]
        self.eccentricity_deg = fields.eccentricity_deg[part]
        self.angle_deg = np.rad2deg(fields.polar_angle_rad[part])
        self.x_deg = fields.x_deg[part]
        white = load_mesh("fsaverage5", "white").hemisphere(hemisphere)
        pial = load_mesh("fsaverage5", "pial").hemisphere(hemisphere)
        self.middle_mm = (white.positions.astype(float) + pial.positions) / 2
        self.area_mm2 = vertex_area_mm2(self.middle_mm, white.faces)
        # Read here without models.spaces, as an independent witness.
        folder = Path(find_spec("nilearn").origin).parent / "datasets/data/fsaverage5"
        self.sulcal_depth = nibabel.load(folder / f"sulc_{hemisphere}.gii.gz").agg_data()


def vertex_area_mm2(positions, faces):
    """A third of each triangle to each of its corners."""
    a, b, c = (positions[faces[:, corner]] for corner in range(3))
    triangle = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    return np.bincount(faces.ravel(), np.repeat(triangle / 3, 3), minlength=len(positions))


@pytest.fixture(scope="module", params=["left", "right"])
def side(request):
    return Side(request.param)


def test_horizontal_meridian_lies_in_the_calcarine_fundus_and_vertical_on_its_lips(side):
    """Holmes 1918; Horton & Hoyt 1991. Sulcal depth above 0 is sulcus."""
    middle = (side.area == 1) & (side.eccentricity_deg > 3) & (side.eccentricity_deg < 40)
    horizontal = middle & (np.abs(side.angle_deg) < 15)
    vertical = middle & (np.abs(side.angle_deg) > 60)
    assert side.sulcal_depth[horizontal].mean() > 0.3
    assert side.sulcal_depth[vertical].mean() < -0.3


def test_upper_field_is_ventral_of_lower_field(side):
    """Horton & Hoyt 1991: at least 5 mm lower in V1."""
    far = (side.area == 1) & (side.eccentricity_deg > 5)
    upper = side.middle_mm[far & (side.angle_deg > 30), 2].mean()
    lower = side.middle_mm[far & (side.angle_deg < -30), 2].mean()
    assert upper < lower - 5


def test_each_hemisphere_sees_the_other_half_of_the_field_only(side):
    """Textbook: the left hemisphere sees the right visual field."""
    x_deg = side.x_deg[side.area == 1]
    if side.hemisphere == "left":
        assert x_deg.min() >= -1e-6
    else:
        assert x_deg.max() <= 1e-6


def test_central_two_degrees_lie_at_the_occipital_pole(side):
    """Dougherty et al. 2003: Talairach -29, -78, -11 and 25, -80, -9; here MNI305."""
    central = (side.area > 0) & (side.area < 4) & (side.eccentricity_deg < 2)
    centre = np.average(side.middle_mm[central], axis=0, weights=side.area_mm2[central])
    x, y, z = centre
    assert (x < 0) == (side.hemisphere == "left")
    assert abs(abs(x) - 27) < 8
    assert -102 < y < -82
    assert -20 < z < 4


def test_area_of_2_to_12_deg_is_in_the_range_of_measured_people(side):
    """Dougherty et al. 2003: V1, V2, V3 of 1470, 1115, 819 mm2 in individuals.

    A group-average surface is smaller and smoother: .4 to 1.1 of it.
    """
    ring = (side.eccentricity_deg > 2) & (side.eccentricity_deg < 12)
    for code, measured_mm2 in ((1, 1470), (2, 1115), (3, 819)):
        ratio = side.area_mm2[(side.area == code) & ring].sum() / measured_mm2
        assert 0.4 < ratio < 1.1, AREAS[code]


def test_magnification_has_the_shape_of_horton_and_hoyt(side):
    """17.3 / (E + 0.75) mm/deg (Horton & Hoyt 1991): a constant ratio is the right shape."""
    ratios = []
    for low, high in ((1, 2), (2, 4), (4, 8), (8, 16), (16, 32)):
        ring = (side.eccentricity_deg >= low) & (side.eccentricity_deg < high)
        area_mm2 = side.area_mm2[(side.area == 1) & ring].sum()
        field_deg2 = np.pi * (high**2 - low**2) / 2  # half a ring
        published = 17.3 / (np.sqrt(low * high) + 0.75)
        ratios.append(np.sqrt(area_mm2 / field_deg2) / published)
    assert max(ratios) / min(ratios) < 1.8
    assert 0.5 < np.mean(ratios) < 1.2


def test_template_models_1293_vertices_of_four_areas():
    fields = load_receptive_fields()
    assert fields.area.shape == (20484,)
    assert len(fields.modelled) == N_MODELLED
    assert set(np.unique(fields.area)) == {0, *AREAS}


def test_receptive_fields_outside_the_template_are_zero_and_the_arrays_read_only():
    fields = load_receptive_fields()
    outside = fields.area == 0
    for array in (fields.eccentricity_deg, fields.polar_angle_rad, fields.x_deg, fields.y_deg):
        assert not array[outside].any()
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_centres_agree_with_eccentricity_and_angle():
    fields = load_receptive_fields()
    inside = fields.modelled
    np.testing.assert_allclose(
        np.hypot(fields.x_deg, fields.y_deg)[inside], fields.eccentricity_deg[inside]
    )
    angle = np.arctan2(fields.y_deg, np.abs(fields.x_deg))
    np.testing.assert_allclose(angle[inside], fields.polar_angle_rad[inside], atol=1e-12)


def test_v1_borders_v2_and_v2_borders_v3_and_hv4_stays_apart_from_v1():
    """The areas are stacked bands (Schira et al. 2010)."""
    fields = load_receptive_fields()
    faces = load_mesh("fsaverage5", "white").left.faces
    touching = {
        (int(low), int(high))
        for low, high in np.sort(fields.area[faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)], axis=1)
        if 0 < low < high
    }
    assert {(1, 2), (2, 3)} <= touching
    assert (1, 4) not in touching


def test_parameter_file_names_whom_it_was_fitted_to():
    text = template_parameters_path().read_text(encoding="utf-8")
    assert "Benson" in text
