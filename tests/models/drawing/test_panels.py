import numpy as np
import pytest

from models.drawing.layout import VIEWS, lay_out
from models.drawing.paint import Look
from models.drawing.panels import VIEW_SETS, arrange, draw_panels
from models.errors import RenderError, SpaceMismatchError
from models.types import Space
from tests.models.samples import a_blob, a_response

LOOK = Look("RdBu_r", -1, 1)


def panels(views, shape="inflated", width_mm=120, dpi=50, **how):
    """Drawings of a left occipital blob in one flat list."""
    lines = draw_panels(a_blob("left"), 0, arrange(views, shape), shape, LOOK, width_mm, dpi, **how)
    return [drawing for line in lines for drawing in line]


def test_pages_are_arranged_in_rows():
    assert arrange("four", "pial") == VIEW_SETS["four"]
    assert arrange("dorsal", "pial") == (("dorsal",),)
    assert arrange(["dorsal", "ventral"], "pial") == (("dorsal", "ventral"),)
    five = ["dorsal", "ventral", "anterior", "posterior", "left_medial"]
    assert arrange(five, "pial") == (tuple(five[:3]), tuple(five[3:]))


def test_a_flat_surface_is_seen_flat_whatever_set_is_asked_for():
    assert arrange("four", "flat") == (("flat",),)
    assert arrange("flat", "flat") == (("flat",),)


@pytest.mark.parametrize(("views", "shape"), [("flat", "pial"), ("dorsal", "flat"), ([], "pial")])
def test_views_that_a_shape_does_not_have_are_refused(views, shape):
    with pytest.raises(RenderError, match="choose from"):
        arrange(views, shape)


def test_an_unknown_view_is_refused_with_near_matches():
    with pytest.raises(SpaceMismatchError, match="left_lateral"):
        arrange("left_latteral", "pial")


@pytest.mark.parametrize("row", [-1, 1])
def test_a_row_that_is_not_there_is_refused(row):
    with pytest.raises(RenderError, match=f"row {row}"):
        draw_panels(a_blob("left"), row, (("dorsal",),), "pial", LOOK, 100, 50)


def test_parcels_cannot_be_drawn_as_a_surface():
    parcels = a_response([[1, 2]], Space("areas", "parcels", 1, 1))
    with pytest.raises(RenderError, match="areas"):
        draw_panels(parcels, 0, (("dorsal",),), "pial", LOOK, 100, 50)


@pytest.mark.parametrize(
    ("view", "left", "right"),
    [
        ("left_lateral", "A", "P"),
        ("left_medial", "P", "A"),
        ("right_lateral", "P", "A"),
        ("right_medial", "A", "P"),
        ("dorsal", "L", "R"),
        ("ventral", "R", "L"),
        ("anterior", "R", "L"),
        ("posterior", "L", "R"),
    ],
)
def test_sides_are_lettered_as_an_anatomist_expects(view, left, right):
    (drawing,) = panels(view)
    assert (drawing.left_side, drawing.right_side) == (left, right)


def test_all_panels_of_a_page_share_one_scale():
    drawings = panels("four")
    for drawing, name in zip(drawings, sum(VIEW_SETS["four"], ()), strict=True):
        side = lay_out("fsaverage5", "inflated").hemisphere(VIEWS[name].hemispheres[0])
        depth_mm = np.ptp(side.positions[:, 1])
        pixels = np.ptp(drawing.positions[:, 0])
        assert pixels / depth_mm == pytest.approx(
            np.ptp(drawings[0].positions[:, 0])
            / np.ptp(lay_out("fsaverage5", "inflated").left.positions[:, 1]),
            rel=1e-3,
        )
    widths = [drawing.width for drawing in drawings[:2]]
    assert sum(widths) <= (120 - 2 * 5) * 50 / 25.4


def test_everything_lies_inside_its_panel():
    for drawing in panels("four"):
        x, y = drawing.positions[:, 0], drawing.positions[:, 1]
        assert x.min() >= 0
        assert y.min() >= 0
        assert x.max() <= drawing.width
        assert y.max() <= drawing.height


def test_triangles_are_cut_to_a_few_pixels_on_a_large_page():
    (small,) = panels("left_lateral", width_mm=60)
    (large,) = panels("left_lateral", width_mm=180, dpi=300)
    assert len(large.faces) >= 16 * len(small.faces)


def test_focus_on_modelled_places_enlarges_them():
    (whole,) = panels("left_medial")
    (near,) = panels("left_medial", focus="modelled")
    assert reds(near).sum() / len(near.colours) > 4 * reds(whole).sum() / len(whole.colours)


def test_focus_on_a_response_without_values_shows_the_brain():
    nothing = a_response(np.full((1, 20484), np.nan), a_blob("left").space)
    (line,) = draw_panels(nothing, 0, (("dorsal",),), "pial", LOOK, 100, 50, focus="modelled")
    (whole,) = panels("dorsal", "pial", width_mm=100)
    assert (line[0].width, line[0].height) == (whole.width, whole.height)


def reds(drawing):
    """Vertices with the colour of the blob: RdBu_r's upper end, shaded."""
    red, green = drawing.colours[:, 0].astype(int), drawing.colours[:, 1].astype(int)
    return red > 3 * green + 30
