import numpy as np
import pytest

from models.drawing.colormaps import DIVERGING, SEQUENTIAL, lut, underlay_greys
from models.drawing.paint import Look, Patch, facing, limits_of, look_for, paint, refine
from models.errors import RenderError
from tests.models.samples import a_response

NAN = np.nan
SQUARE = np.float32([[0, 0, 0], [4, 0, 0], [4, 4, 0], [0, 4, 0]])
TWO_FACES = np.int32([[0, 1, 2], [0, 2, 3]])


def a_patch(values, sulcus=None):
    """Square that faces the viewer."""
    depth = np.zeros(4, np.float32) if sulcus is None else np.float32(sulcus)
    return Patch.of(SQUARE, TWO_FACES, np.float32(values), depth)


def test_limits_are_the_99_5th_percentile_of_the_size_over_all_rows():
    # Sizes 0..199 once each, the even ones negative: the 99.5th percentile is .995 * 199.
    values = np.arange(200.0).reshape(25, 8)
    values[:, ::2] *= -1
    assert limits_of(a_response(values, is_signed=True)) == pytest.approx((-198.005, 198.005))
    assert limits_of(a_response(np.abs(values))) == pytest.approx((0, 198.005))


def test_limits_are_usable_where_there_is_nothing_to_see():
    assert limits_of(a_response([[NAN] * 8])) == (0, 1)
    assert limits_of(a_response([[0] * 8], is_signed=True)) == (-1, 1)


def test_limits_of_very_sparse_values_are_not_zero():
    values = np.zeros((100, 8))
    values[3, 3] = 7
    assert limits_of(a_response(values)) == (0, 7)


def test_look_takes_its_defaults_from_the_response():
    signed = look_for(a_response([[-3] * 8], is_signed=True))
    assert signed == Look(DIVERGING[0], -3, 3, 0)
    chosen = look_for(a_response([[2] * 8]), "magma", maximum=5, threshold=1)
    assert chosen == Look("magma", 0, 5, 1)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"colormap": "jet"}, "jet"),
        ({"minimum": 2.0, "maximum": 2.0}, "rise"),
        ({"maximum": float("nan")}, "rise"),
        ({"maximum": float("inf")}, "rise"),
        ({"threshold": -1.0}, "threshold"),
        ({"threshold": float("nan")}, "threshold"),
    ],
)
def test_a_look_that_makes_no_sense_is_refused(how, words):
    with pytest.raises(RenderError, match=words):
        look_for(a_response([[2] * 8]), **how)


def test_normals_point_outward_by_the_right_hand_rule():
    np.testing.assert_array_equal(a_patch([0] * 4).normals, np.float32([[0, 0, 1]] * 4))


def test_facing_turns_positions_and_normals_alike():
    # Screen right = back, up = up, towards = left: a left lateral view.
    rows = [[0, -1, 0], [0, 0, 1], [-1, 0, 0]]
    turned = facing(a_patch([0] * 4), rows)
    np.testing.assert_array_equal(turned.positions[2], [-4, 0, -4])
    np.testing.assert_array_equal(turned.normals[0], [0, 1, 0])


def area(patch):
    """Total area of the triangles."""
    a, b, c = (patch.positions[patch.faces[:, k]] for k in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2


def test_refining_quarters_triangles_and_moves_nothing():
    fine = refine(a_patch([0, 1, 2, 3]), 3)
    assert len(fine.faces) == 2 * 4**3
    assert area(fine) == pytest.approx(16)
    assert len(fine.positions) == 9 * 9  # a square grid: shared edges stay shared
    assert np.all(fine.normals @ [0, 0, 1] > 0.999999)
    # All triangles still face the viewer.
    a, b, c = (fine.positions[fine.faces[:, k]] for k in range(3))
    assert np.all(np.cross(b - a, c - a)[:, 2] > 0)


def test_refined_values_are_linear_in_place():
    # 0, 4 at x = 0, 4 on both edges: a plane, so every new vertex has value = x.
    fine = refine(a_patch([0, 4, 4, 0]), 2)
    np.testing.assert_allclose(fine.values, fine.positions[:, 0])
    np.testing.assert_array_equal(fine.weights, 1)


def test_a_place_without_value_never_borrows_one_and_never_lends_a_zero():
    look = Look("viridis", 0, 2)
    fine = refine(a_patch([2, 2, NAN, NAN]), 3)
    colours = paint(fine, look)
    is_drawn = ~np.all(colours == colours[:, :1], axis=1)
    height = fine.positions[:, 1]
    # The value ends half-way between modelled and not modelled vertices ...
    assert is_drawn[height < 1.9].all()
    assert not is_drawn[height > 2.1].any()
    # ... and is 2 up to there, not a mixture of 2 and 0.
    np.testing.assert_array_equal(colours[is_drawn], [lut("viridis")[255]] * is_drawn.sum())


def test_nan_is_grey_and_zero_is_not_that_grey():
    for name in (*DIVERGING, *SEQUENTIAL):
        low = -1 if name in DIVERGING else 0
        nan, zero = paint(a_patch([NAN, 0, 0, NAN]), Look(name, low, 1))[:2]
        assert nan[0] == nan[1] == nan[2]
        assert nan[0] in range(*sorted(underlay_greys(name)))
        assert np.abs(zero.astype(int) - nan.astype(int)).max() > 40


def test_zero_in_the_shade_is_lighter_than_any_not_modelled_place():
    # Normals all around the visible half-sphere.
    angle = np.linspace(0, 2 * np.pi, 72)
    slope = np.linspace(0, np.pi / 2, 31)
    around, away = (x.ravel() for x in np.meshgrid(angle, slope))
    normals = np.stack(
        [np.sin(away) * np.cos(around), np.sin(away) * np.sin(around), np.cos(away)], 1
    ).astype(np.float32)
    n = len(normals)
    position, faces = np.zeros((n, 3), np.float32), np.zeros((0, 3), np.int32)
    flat = np.zeros(n, np.float32)
    for name in ("RdBu_r", "coolwarm"):
        look = Look(name, -1, 1)
        zero = paint(Patch(position, normals, faces, flat, flat + 1, flat), look)
        none = paint(Patch(position, normals, faces, flat, flat, flat - 1), look)
        assert zero.min() > none.max() + 15


def test_threshold_hides_small_values_of_both_signs():
    look = Look("RdBu_r", -1, 1, threshold=0.5)
    colours = paint(a_patch([-0.6, -0.4, 0.4, 0.6]), look)
    is_grey = np.all(colours == colours[:, :1], axis=1)
    assert is_grey.tolist() == [False, True, True, False]


def test_values_that_face_the_viewer_have_the_colours_of_their_bar():
    colours = paint(a_patch([-1, 0, 0.5, 1]), Look("RdBu_r", -1, 1))
    np.testing.assert_array_equal(colours, lut("RdBu_r")[[0, 128, 192, 255]])


def test_sulci_are_darker_than_gyri_where_nothing_is_modelled():
    gyrus, sulcus = underlay_greys("viridis")
    colours = paint(a_patch([NAN] * 4, sulcus=[-2, -2, 2, 2]), Look("viridis", 0, 1))
    assert np.abs(colours[:2].astype(int) - gyrus).max() <= 1
    assert np.abs(colours[2:].astype(int) - sulcus).max() <= 1
