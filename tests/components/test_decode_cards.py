"""The story of a pattern as HTML: nothing of a name is markup, bars and tiles hold the numbers."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from components.decode_cards import Guess, Share, data_url, share_html, story_html

GREY = np.full((8, 8, 3), 120, np.uint8)


def guesses(*scores, right=0):
    return [Guess(f"<i>{n}</i>", GREY, score, n == right) for n, score in enumerate(scores)]


def test_names_are_words_and_never_markup():
    page = story_html(
        ('"><script>', GREY), None, guesses(0.5), verdict="<b>", is_found=True, pattern_words=""
    )
    assert "<script" not in page
    assert "<i>0" not in page
    assert "&lt;script&gt;" in page


def test_bars_are_as_long_as_scores_beside_the_best_and_the_right_picture_is_framed():
    page = story_html(
        None, None, guesses(0.4, 0.3, -0.1, right=1), verdict="", is_found=None, pattern_words=""
    )
    assert re.findall(r"<i style=\"width:(\d+)%", page) == ["100", "75", "0"]
    assert re.findall(r'class="(guess[^"]*)"', page)[1:] == ["guess", "guess right", "guess"]
    assert re.findall(r"r = (-?[\d.]+)", page) == ["0.40", "0.30", "-0.10"]
    assert 'class="shown"' not in page


def test_pictures_travel_inside_the_page_with_their_transparency():
    for picture, kind in ((GREY, "JPEG"), (np.dstack([GREY, GREY[..., :1]]), "PNG")):
        content = base64.b64decode(data_url(picture).partition(",")[2])
        opened = Image.open(io.BytesIO(content))
        assert opened.format == kind
        np.testing.assert_allclose(np.asarray(opened), picture, atol=3)


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.0001, "better than guessing (p < .001)"),
        (0.03, "better than guessing (p = .030)"),
        (0.37, "cannot be told from guessing (p = .370)"),
        (1.0, "cannot be told from guessing (p = 1.000)"),
    ],
)
def test_the_test_against_guessing_is_said_in_words(p, words):
    assert Share("x", 3, 10, 0.1, 0.6, 0.05, p).verdict == words


def test_a_tile_draws_share_interval_and_chance_to_scale():
    page = share_html([Share("First guess", 30, 120, 0.18, 0.335, 0.01, 0.001)])
    assert "<strong>25%</strong>" in page
    assert 'class="fill" style="width:25.0%' in page
    assert 'class="span" style="left:18.0%;width:15.5%' in page
    assert 'class="chance" style="left:1.0%' in page
    assert "30 of 120; 95 % interval 18–34 %; guessing 1 %" in page
