import io
import json
import os
import signal
import sys

import numpy as np
import pytest
from PIL import Image

from models.drawing import still
from models.drawing.paint import look_for
from models.drawing.panels import arrange, draw_panels
from models.drawing.static import rasterise
from models.drawing.still import draw_still, render
from models.drawing.still_worker import missing_libraries
from models.errors import RenderError
from tests.models.drawing.blobs import VIEWS_OF_THE_BLOB, check_blob, page_pixels
from tests.models.drawing.triangles import one_triangle
from tests.models.samples import a_blob

CRASH = (sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
HANG = (sys.executable, "-c", "import time; time.sleep(600)")
FAIL = (sys.executable, "-c", "raise SystemExit('no paint left')")

#: A child costs about a second; every view is tested with the quick renderer, and the two
#: are compared pixel by pixel below.
STILL_CASES = [("left", "right_medial"), ("left", "four"), ("right", "flat"), ("left", "ventral")]


def test_a_child_that_crashes_becomes_a_sentence_with_the_packages(monkeypatch):
    monkeypatch.setenv("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    with pytest.raises(RenderError, match=r"SIGSEGV.*apt install libegl1 .*libgl1-mesa-dri"):
        render([one_triangle()], timeout_s=60, worker=CRASH)


def test_a_child_that_hangs_is_stopped():
    with pytest.raises(RenderError, match=r"not drawn within 0\.5 s"):
        render([one_triangle()], timeout_s=0.5, worker=HANG)


def test_a_child_that_fails_says_why():
    with pytest.raises(RenderError, match=r"status 1: no paint left"):
        render([one_triangle()], timeout_s=60, worker=FAIL)


def test_a_missing_library_is_named_with_its_package(monkeypatch):
    window = "vtkEGLRenderWindow"
    monkeypatch.setenv("VTK_DEFAULT_OPENGL_WINDOW", window)
    monkeypatch.setitem(still.OPENGL, window, ("libnotthere.so.1", "libnotthere1"))
    with pytest.raises(RenderError, match=r"libnotthere\.so\.1, which.*apt install libnotthere1"):
        render([one_triangle()], timeout_s=60)


def test_only_libraries_that_cannot_be_loaded_are_missing():
    assert missing_libraries(["libnotthere.so.1"]) == ["libnotthere.so.1"]
    assert missing_libraries([]) == []


def test_the_child_gets_plain_files_and_leaves_none(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    look = "import json, sys, numpy; f = sys.argv[1]; json.load(open(f + '/job.json'));"
    look += "a = numpy.load(f + '/job.npz', allow_pickle=False); raise SystemExit(str(sorted(a)))"
    with pytest.raises(RenderError, match=r"colours_0.*faces_0.*positions_0"):
        render([one_triangle()], timeout_s=60, worker=(sys.executable, "-c", look))
    assert list(tmp_path.iterdir()) == []


def test_the_parent_keeps_its_signal_handlers_and_folder():
    before, folder = signal.getsignal(signal.SIGCHLD), os.getcwd()
    with pytest.raises(RenderError):
        render([one_triangle()], timeout_s=60, worker=CRASH)
    assert signal.getsignal(signal.SIGCHLD) is before
    assert os.getcwd() == folder


@pytest.mark.parametrize(
    "how", [{"width_mm": 10}, {"width_mm": 5000}, {"dpi": 10}, {"dpi": 5000}, {"row": 1}]
)
def test_pages_that_make_no_sense_are_refused_before_a_child_starts(how, monkeypatch):
    monkeypatch.setattr(still, "WORKER", CRASH)
    with pytest.raises(RenderError, match=r"mm wide|rows 0 to 0"):
        draw_still(a_blob("left"), **how)


@pytest.mark.usefixtures("off_screen")
def test_triangles_land_where_they_should_and_near_ones_hide_far_ones():
    (pixels,) = render([one_triangle()], timeout_s=120)
    assert pixels.shape == (30, 40, 3)
    assert pixels.dtype == np.uint8
    assert pixels[15, 5].tolist() == [0, 160, 0]
    assert pixels[25, 20].tolist() == [200, 30, 10]
    assert pixels[3, 30].tolist() == [255, 255, 255]


@pytest.mark.usefixtures("off_screen")
def test_no_screen_is_touched_even_where_one_is_named(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":4711")
    (pixels,) = render([one_triangle()], timeout_s=120)
    assert pixels[15, 5].tolist() == [0, 160, 0]


@pytest.mark.usefixtures("off_screen")
def test_two_renderers_draw_the_same_picture():
    response = a_blob("left", is_signed=True)
    look = look_for(response)
    lines = draw_panels(response, 0, arrange("occipital", "pial"), "pial", look, 150, 100)
    drawings = [drawing for line in lines for drawing in line]
    for drawing, pixels in zip(drawings, render(drawings, timeout_s=120), strict=True):
        other = rasterise(drawing).astype(int)
        difference = np.abs(pixels.astype(int) - other).max(axis=2)
        assert np.median(difference) <= 1
        assert (difference > 40).mean() < 0.03  # silhouettes are smoothed differently


@pytest.mark.usefixtures("off_screen")
@pytest.mark.parametrize(
    ("hemisphere", "view", "shape", "box"),
    [case for case in VIEWS_OF_THE_BLOB if case[:2] in STILL_CASES],
)
def test_a_blob_is_drawn_in_its_own_hemisphere_at_its_own_place(hemisphere, view, shape, box):
    response = a_blob(hemisphere, 1.0, is_signed=True)
    check_blob(page_pixels(draw_still(response, views=view, shape=shape, dpi=50)), box)


@pytest.mark.usefixtures("off_screen")
def test_a_still_is_300_dpi_with_its_provenance():
    response = a_blob("left")
    image = Image.open(io.BytesIO(draw_still(response, views="posterior", width_mm=89)))
    assert image.size[0] == 1051  # 89 mm at 300 dots an inch
    assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)
    assert json.loads(image.text["Provenance"]) == response.provenance.as_dict()
