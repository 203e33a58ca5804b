"""Frames of the cortex: the right hemisphere and place, colours of the bar, every row by itself."""

import numpy as np
import pytest

from models.drawing.colormaps import lut
from models.drawing.cortex_frames import _rasterise, draw_cortex_frames
from models.drawing.paint import Look
from models.errors import RenderError, SpaceMismatchError
from models.media import Caption, poster_png
from models.spaces import get_space
from models.types import Space
from tests.models.drawing.blobs import VIEWS_OF_THE_BLOB, check_blob, page_pixels
from tests.models.samples import a_blob, a_response

SIGNED = Look("RdBu_r", -1, 1)
NAN = np.nan


def frames(response, look=SIGNED, **how):
    return list(draw_cortex_frames(response, look, **how))


def test_triangles_land_where_they_should_and_near_ones_hide_far_ones():
    far = [(0, 0, 0), (8, 0, 0), (0, 8, 0)]
    near = [(0, 0, 5), (4, 0, 5), (0, 4, 5)]
    points = np.array(far + near, np.float32)
    cells, triangles, shares = _rasterise(points, np.array([[3, 4, 5], [0, 1, 2]]), 10, 10)
    expected = np.full((10, 10), -1)
    middle = np.arange(10) + 0.5
    expected[middle[:, None] + middle <= 8] = 1  # below the diagonal from (8, 0) to (0, 8)
    expected[middle[:, None] + middle <= 4] = 0
    found = np.full(100, -1)
    found[cells] = triangles
    np.testing.assert_array_equal(found.reshape(10, 10), expected)
    at = np.flatnonzero(cells == 2 * 10 + 4)[0]  # x = 4.5, y = 2.5 in the far one
    np.testing.assert_allclose(shares[at], [1 / 8, 4.5 / 8, 2.5 / 8], atol=1e-6)


@pytest.mark.parametrize(("hemisphere", "view", "shape", "box"), VIEWS_OF_THE_BLOB)
def test_a_blob_is_drawn_in_its_own_hemisphere_at_its_own_place(hemisphere, view, shape, box):
    (frame,) = frames(a_blob(hemisphere, 1.0, is_signed=True), views=view, shape=shape)
    check_blob(page_pixels(poster_png(frame, Caption("", look=SIGNED))), box)


def test_values_have_the_colours_of_the_bar_where_the_surface_faces_the_viewer():
    space = get_space("fsaverage5")
    for value, entry in ((-1.0, 0), (0.0, 128), (1.0, 255)):
        (frame,) = frames(
            a_response(np.full((1, space.n_places), value), space), views="flat", shape="flat"
        )
        colours, counts = np.unique(frame.reshape(-1, 3), axis=0, return_counts=True)
        order = np.argsort(-counts)
        most = next(colours[k] for k in order if tuple(colours[k]) != (255, 255, 255))
        assert np.abs(most.astype(int) - lut("RdBu_r")[entry]).max() <= 3


def test_every_frame_is_that_of_its_row_alone():
    space = get_space("fsaverage5")
    random = np.random.default_rng(0)
    values = random.normal(size=(3, space.n_places)).astype(np.float32)
    values[1, :5000] = NAN
    together = frames(a_response(values, space), width_px=300)
    for index in range(3):
        (alone,) = frames(a_response(values[index], space), width_px=300)
        np.testing.assert_array_equal(together[index], alone)


def test_places_without_a_value_and_below_the_threshold_are_grey():
    space = get_space("fsaverage5")
    bare = frames(a_response(np.full((1, space.n_places), NAN), space))[0]
    inside = bare[bare.min(axis=2) < 200]
    assert len(inside) > 10_000
    hidden = frames(
        a_response(np.full((1, space.n_places), 0.2), space), Look("RdBu_r", -1, 1, threshold=0.3)
    )[0]
    np.testing.assert_array_equal(hidden, bare)
    shown = frames(
        a_response(np.full((1, space.n_places), 0.9), space), Look("RdBu_r", -1, 1, threshold=0.3)
    )[0]
    is_red = shown[..., 0].astype(int) - shown[..., 2] > 50
    assert is_red.sum() > 0.9 * len(inside)


def test_full_fsaverage_is_drawn_on_fsaverage5():
    whole = get_space("fsaverage")
    values = np.full((1, whole.n_places), NAN, np.float32)
    values[0, :10_242] = 1
    (frame,) = frames(a_response(values, whole), views="left_lateral")
    left = np.full((1, 20_484), NAN, np.float32)
    left[0, :10_242] = 1
    (same,) = frames(a_response(left, get_space("fsaverage5")), views="left_lateral")
    np.testing.assert_array_equal(frame, same)


def test_width_is_as_asked_and_the_sides_are_named():
    (frame,) = frames(a_blob("left"), width_px=400)
    assert frame.shape[1] == 400
    assert frame.dtype == np.uint8


@pytest.mark.parametrize(
    ("response", "how", "error", "words"),
    [
        (a_response([[1, 2]], Space("two", "parcels", 1, 1)), {}, RenderError, "Only surfaces"),
        (a_blob("left"), {"width_px": 20}, RenderError, "160 to 2000"),
        (a_blob("left"), {"views": "flat"}, RenderError, "cannot be seen"),
        (a_blob("left"), {"shape": "cube"}, SpaceMismatchError, "cube"),
    ],
)
def test_what_cannot_be_drawn_is_said(response, how, error, words):
    with pytest.raises(error, match=words):
        draw_cortex_frames(response, SIGNED, **how)
