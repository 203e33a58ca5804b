"""What a visitor does on the page Decode, against the real server."""

import csv
import io
import json

import numpy as np
import pytest

from app import decode_cache
from app.decode_link import DecodeState
from models.spaces import FSAVERAGE5
from tests.browser.test_images_page import SECOND, AppPage, server, visitors

__all__ = ["server"]  # fixture

pytestmark = pytest.mark.browser


class DecodePage(AppPage):
    """One visitor's page."""

    def visit(self, path=""):
        self.page.goto(f"{self.home}decode{path}")
        self.wait_for_story()
        return self

    def wait_for_story(self):
        self.page.locator(".decode-story .guess").nth(4).wait_for(timeout=60 * SECOND)

    def said(self, selector=".stMain"):
        return self.page.locator(selector).first.inner_text()

    def wait_for(self, words):
        self.page.get_by_text(words).first.wait_for(timeout=60 * SECOND)


@pytest.fixture
def visitor(chromium, server):
    with visitors(chromium, server, DecodePage) as come:
        yield come


@pytest.fixture(scope="module")
def reading():
    """What the library says of the usual page."""
    return decode_cache.start(DecodeState()).result()


def test_a_lecturer_sees_the_story_changes_the_noise_and_takes_it_home(visitor, reading, tmp_path):
    page = visitor().visit()
    assert "Found: the right picture is number 1 of 100" in page.said(".decode-story")
    assert page.page.locator(".guess.right .place").inner_text() == "1"
    top_1, _ = decode_cache.shares(reading)
    assert f"{top_1.hits} of 100" in page.said(".decode-tiles")
    box = page.page.locator(".decode-story").bounding_box()
    assert box["y"] + box["height"] < 900  # all of it in the first view

    page.wait_for("How it fades")
    page.page.locator(".st-key-decode-curve-regions").wait_for(timeout=60 * SECOND)
    page.page.get_by_role("button", name="Stop").wait_for(state="detached", timeout=60 * SECOND)
    cells = page.page.locator("canvas.cells")
    cells.scroll_into_view_if_needed()
    place = cells.bounding_box()
    sent = page.n_sent
    page.page.mouse.move(place["x"] + 0.5, place["y"] + 0.5)
    words = page.page.locator(".readout .words")
    name = reading.pictures.names[0]
    page.page.wait_for_function(
        "(words) => words.textContent.includes('the right picture')", arg=words.element_handle()
    )
    assert f"Pattern of {name} with picture {name}: r = {reading.scores[0, 0]:.2f}" in (
        words.inner_text()
    )
    assert page.page.locator(".readout .picture").count() == 2
    assert page.n_sent == sent  # looking around asks nothing of the server

    page.page.get_by_role("button", name="Download").click()
    with page.page.expect_download() as download:
        page.page.get_by_text("All patterns (CSV)").click()
    download.value.save_as(tmp_path / "all.csv")
    lines = (tmp_path / "all.csv").read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    np.testing.assert_allclose([float(row["place"]) - 1 for row in rows], reading.ranks)
    assert json.loads(lines[0].partition(": ")[2])["measurement"]["seed"] == 0
    page.page.keyboard.press("Escape")

    slider = page.page.get_by_role("slider", name="Scanner noise")
    slider.focus()
    for _ in range(5):
        page.page.keyboard.press("ArrowRight")
    page.page.wait_for_url("**noise=1.25**", timeout=30 * SECOND)
    page.page.wait_for_function(
        "() => !document.querySelector('.stApp[data-test-script-state=running]')"
    )
    page.wait_for_story()


def test_the_circular_badge_is_red_and_a_left_out_picture_is_not_found(visitor):
    page = visitor().visit("?reader=reference-vision~average&out=on&size=20")
    page.wait_for("circular: shows noise only")
    assert "The right picture is not in the gallery" in page.said(".decode-story")
    assert page.page.locator(".guess.right").count() == 0


def test_patterns_with_exchanged_hemispheres_are_seen_and_mended(visitor, reading, tmp_path):
    values = np.full((20, FSAVERAGE5.n_places), np.nan, np.float32)
    values[:, reading.columns] = reading.patterns[:20]
    buffer = io.BytesIO()
    np.save(buffer, np.roll(values, FSAVERAGE5.n_left, axis=1))
    page = visitor().visit()
    page.page.get_by_role("radio", name="Upload").click()
    page.wait_for("Drop a file of patterns")
    page.page.locator("input[type=file]").first.set_input_files(
        [{"name": "mine.npy", "mimeType": "application/octet-stream", "buffer": buffer.getvalue()}]
    )
    page.wait_for("Is this your pattern the right way round?")
    assert "How often is it right" not in page.said()
    box = page.page.get_by_role("textbox", name="What was shown")
    box.fill("\n".join(reading.pictures.names[:20]))
    box.press("Control+Enter")
    page.wait_for("fit much better with left and right exchanged")
    page.page.get_by_text("Exchange left and right", exact=True).click()
    page.page.get_by_text("fit much better with left and right").wait_for(
        state="detached", timeout=60 * SECOND
    )
    page.wait_for("20 patterns, 100 pictures to choose from")


@pytest.mark.parametrize(("size", "scheme"), [((1440, 900), "light"), ((390, 844), "dark")])
def test_nothing_overflows_and_the_story_comes_first(visitor, size, scheme):
    page = visitor(*size, color_scheme=scheme).visit()
    main = "document.querySelector('.stMain')"
    assert page.run(f"{main}.scrollWidth - {main}.clientWidth") == 0
    guesses = page.page.locator(".decode-story .guesses").bounding_box()
    assert guesses["y"] + guesses["height"] <= size[1]
    assert guesses["x"] + guesses["width"] <= size[0]
