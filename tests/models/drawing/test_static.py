import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.drawing.static import fallback_png, rasterise
from tests.models.drawing.blobs import VIEWS_OF_THE_BLOB, check_blob, page_pixels
from tests.models.drawing.triangles import one_triangle
from tests.models.samples import a_blob

ROOT = Path(__file__).parents[3]


def test_triangles_land_where_they_should_and_near_ones_hide_far_ones():
    pixels = rasterise(one_triangle())
    assert pixels.shape == (30, 40, 3)
    assert pixels[15, 5].tolist() == [0, 160, 0]
    assert pixels[25, 20].tolist() == [200, 30, 10]
    assert pixels[3, 30].tolist() == [255, 255, 255]


@pytest.mark.parametrize(("hemisphere", "view", "shape", "box"), VIEWS_OF_THE_BLOB)
def test_a_blob_is_drawn_in_its_own_hemisphere_at_its_own_place(hemisphere, view, shape, box):
    response = a_blob(hemisphere, 1.0, is_signed=True)
    check_blob(page_pixels(fallback_png(response, views=view, shape=shape, dpi=60)), box)


def test_negative_values_are_blue_and_positive_ones_red():
    for value, strong, weak in ((1.0, 0, 2), (-1.0, 2, 0)):
        response = a_blob("left", value, is_signed=True)
        pixels = page_pixels(fallback_png(response, views="left_medial", dpi=60))
        is_coloured = np.ptp(pixels, axis=2) > 60
        picture = pixels[: int(0.75 * len(pixels))][is_coloured[: int(0.75 * len(pixels))]]
        assert len(picture) > 50
        assert np.all(picture[:, strong] > picture[:, weak])


def test_unmodelled_cortex_is_neutral_grey():
    response = a_blob("left", 1.0, is_signed=True)
    pixels = page_pixels(fallback_png(response, views="right_lateral", dpi=60))
    height, width = pixels.shape[:2]
    # Without the letters of the sides, whose ink is a little blue.
    panel = pixels[int(0.25 * height) : int(0.7 * height), int(0.1 * width) : int(0.9 * width)]
    inside = panel[panel.min(axis=2) < 200]
    assert len(inside) > 1000
    assert np.ptp(inside, axis=1).max() == 0


def test_size_and_resolution_are_as_asked():
    image = Image.open(io.BytesIO(fallback_png(a_blob("left"), width_mm=127, dpi=80)))
    assert image.size[0] == 400  # 127 mm = 5 inches
    assert image.info["dpi"][0] == pytest.approx(80, abs=0.1)


def test_importing_it_loads_no_drawing_package():
    code = (
        "import sys, models.drawing.static, models.drawing.still;"
        "print([m for m in ('matplotlib', 'pyvista', 'vtkmodules') if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"
