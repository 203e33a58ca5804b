import io
import json

import numpy as np
import pytest
from PIL import Image

from models.drawing.colormaps import lut, underlay_greys
from models.drawing.page import Tile, compose_page, footer
from models.drawing.paint import Look
from tests.models.samples import a_provenance, a_response

LOOK = Look("RdBu_r", -1, 1)
INK = np.zeros((80, 120, 3), np.uint8) + np.uint8([10, 200, 30])


def page(response=None, tiles=None, look=LOOK, width_mm=120.0, dpi=100, row=0):
    """Opened PNG of one green tile."""
    response = response or a_response([[1] * 8])
    tiles = tiles or ((Tile(INK, "Left lateral", "A", "P"),),)
    return Image.open(io.BytesIO(compose_page(tiles, response, row, look, width_mm, dpi)))


def is_colour(image, rgb):
    """Pixels of exactly one colour, (height, width)."""
    return np.all(np.asarray(image.convert("RGB")) == rgb, axis=2)


def test_footer_names_model_subject_space_unit_and_that_it_is_a_prediction():
    assert footer(a_response([[1] * 8])) == (
        "Reference model (R1) · Average brain · toy · relative response (model units) · "
        "prediction, not measured"
    )


def test_png_carries_provenance_as_plain_text_and_its_resolution():
    origin = a_provenance(caveat="größe — 漢字")
    content = page(a_response([[1] * 8], provenance=origin), dpi=300)
    assert json.loads(content.text["Provenance"]) == origin.as_dict()
    assert content.text["Comment"] == "größe — 漢字"
    assert "prediction, not measured" in content.text["Description"]
    assert content.text["Software"] == "Boldcast"
    assert content.info["dpi"] == pytest.approx((300, 300), abs=0.01)


def test_text_chunk_and_physical_size_are_where_the_png_standard_puts_them():
    tiles = ((Tile(INK, "x"),),)
    raw = compose_page(tiles, a_response([[1] * 8]), 0, LOOK, 120, 300)
    assert b"tEXtProvenance\x00{" in raw
    start = raw.index(b"pHYs") + 4
    per_metre = int.from_bytes(raw[start : start + 4], "big")
    assert per_metre == 11811  # 300 dots an inch
    assert raw[start + 8] == 1  # the unit is the metre


def test_tile_pixels_are_placed_untouched():
    noise = np.random.default_rng(1).integers(0, 255, (70, 90, 3), dtype=np.uint8)
    got = np.asarray(page(tiles=((Tile(noise, "x"),),)).convert("RGB"))
    first = np.flatnonzero(np.all(got == noise[0, 0], axis=2).ravel())
    assert any(
        np.array_equal(got[i : i + 70, j : j + 90], noise)
        for i, j in (divmod(int(index), got.shape[1]) for index in first)
    )


def test_tiles_stand_in_reading_order():
    colours = [np.uint8(c) for c in ([250, 1, 1], [1, 250, 1], [1, 1, 250], [250, 250, 1])]
    tile = [Tile(np.zeros((40, 60, 3), np.uint8) + colour, "x") for colour in colours]
    image = page(tiles=((tile[0], tile[1]), (tile[2], tile[3])))
    centres = [np.argwhere(is_colour(image, colour)).mean(axis=0) for colour in colours]
    assert centres[0][0] == centres[1][0] < centres[2][0] == centres[3][0]
    assert centres[0][1] == centres[2][1] < centres[1][1] == centres[3][1]


def test_bar_shows_the_whole_map_and_grey_below_the_threshold():
    plain, cut = page(dpi=200), page(dpi=200, look=Look("RdBu_r", -1, 1, threshold=0.5))
    grey = [underlay_greys("RdBu_r")[0]] * 3
    for image in (plain, cut):
        assert is_colour(image, lut("RdBu_r")[2]).any()
        assert is_colour(image, lut("RdBu_r")[-3]).any()
    assert is_colour(plain, lut("RdBu_r")[128]).any()
    assert not is_colour(cut, lut("RdBu_r")[128]).any()
    assert is_colour(cut, grey).sum() > 5 * is_colour(plain, grey).sum()


def height_of_the_ends(values):
    """Height in pixels of the first and last column of the coloured bar."""
    image = page(a_response(values), dpi=254, width_mm=160)
    table = lut("RdBu_r")
    low, high = is_colour(image, table[0]), is_colour(image, table[-1])
    first, last = np.flatnonzero(low.any(axis=0))[0], np.flatnonzero(high.any(axis=0))[-1]
    return low[:, first].sum(), high[:, last].sum()


def test_clipped_ends_of_the_bar_taper_to_arrows():
    full = 20  # 2.6 mm are 26 pixels, less the outline
    low, high = height_of_the_ends([[-1, 0, 0, 0, 0, 0, 0, 1]])
    assert min(low, high) > full
    low, high = height_of_the_ends([[-1, 0, 0, 0, 0, 0, 0, 2]])
    assert low > full > 10 > high
    low, high = height_of_the_ends([[-2, 0, 0, 0, 0, 0, 0, 2]])
    assert max(low, high) < 10


@pytest.mark.parametrize(
    "label",
    ["a" * 500, "$\\frac{1}{0}$ _^{", "漢字 \U0001f600.png", "<b>x</b>", "two\nlines", ""],
)
@pytest.mark.parametrize("width_mm", [60, 183])
def test_any_name_is_drawn_as_it_is_without_a_warning(label, width_mm):
    image = page(a_response([[1] * 8], row_labels=(label,)), width_mm=width_mm)
    assert image.size[0] == round(width_mm / 25.4 * 100)


def test_nothing_is_written_into_the_margin():
    long = a_provenance(
        badge="A BADGE THAT IS QUITE LONG - early visual cortex, model units",
        caveat="A caveat of many words, " * 12,
    )
    response = a_response([[1] * 8], provenance=long, row_labels=("a name " * 20,))
    for width_mm in (60, 89, 183):
        look = Look("RdBu_r", -1, 1, threshold=0.125)
        pixels = np.asarray(page(response, width_mm=width_mm, look=look).convert("L"))
        margin = int(3.0 / 25.4 * 100)
        assert pixels[:, :margin].min() == 255
        assert pixels[:, -margin:].min() == 255
        assert pixels[:margin].min() == 255
        assert pixels[-margin:].min() == 255
