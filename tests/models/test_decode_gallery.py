"""Pictures of the decoding page: distinct, licensed, the same every time, drawn when needed."""

from collections import Counter

import numpy as np
import pytest

from models._gallery_pen import Pen, hue_colour, shade
from models.decode_gallery import N_PER_CATEGORY, DecodeGallery, gallery
from models.decoders.image_features import filter_bank_features
from models.errors import ParameterError


@pytest.fixture(scope="module")
def pictures():
    return gallery()


def test_pen_draws_where_it_is_told():
    # 256 pixels: .25 is column 64, .5 is row 128; y runs downwards
    pen = Pen((10, 20, 30))
    pen.box(0.25, 0.5, 0.75, 1, (200, 100, 0))
    pixels = pen.pixels()
    assert pixels.shape == (256, 256, 3)
    assert pixels[126, 128].tolist() == [10, 20, 30]
    assert pixels[130, 66].tolist() == [200, 100, 0]
    assert pixels[130, 62].tolist() == [10, 20, 30]
    assert pixels[254, 189].tolist() == [200, 100, 0]
    pen.sky((0, 0, 0), (100, 200, 50), until=0.5)
    assert pen.pixels()[0, 0].max() <= 1
    assert np.abs(pen.pixels()[127, 0].astype(int) - [100, 200, 50]).max() <= 1


def test_colours_are_those_of_the_colour_wheel():
    assert hue_colour(1 / 3, 1, 1) == (0, 255, 0)
    assert hue_colour(-1 / 3, 1, 1) == (0, 0, 255)
    assert shade((100, 200, 30), 1.5) == (150, 255, 45)


def test_many_pictures_each_with_a_name_and_terms(pictures):
    assert len(pictures) == len(pictures.stimuli) == 307
    assert len(set(pictures.names)) == len(pictures)
    assert len({stimulus.digest for stimulus in pictures.stimuli}) == len(pictures)
    assert tuple(stimulus.name for stimulus in pictures.stimuli) == pictures.names
    counts = Counter(pictures.categories)
    assert len(counts) == 16
    assert counts.pop("photographs") == 37
    assert set(counts.values()) == {N_PER_CATEGORY}
    for category, licence in zip(pictures.categories, pictures.licences, strict=True):
        is_free = any(word in licence for word in ("MIT", "CC0", "public domain", "no known"))
        assert is_free, licence
        assert ("scikit-image" in licence) == (category == "photographs")


def test_no_two_are_nearly_the_same_to_the_filter_bank(pictures):
    rows = filter_bank_features(pictures.stimuli).astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = rows @ rows.T - 2 * np.eye(len(rows))
    first, second = divmod(int(cosines.argmax()), len(rows))
    assert cosines.max() <= 0.98, (pictures.names[first], pictures.names[second])


def test_drawn_again_they_are_the_same(pictures):
    for number in (0, 30, 40, 60, 80, 100, 120, 140, 150, 170, 190, 210, 230, 250, 270, 290, 306):
        again = pictures.makers[number]()
        drawn = pictures.stimuli[number].pixels()
        np.testing.assert_array_equal(np.broadcast_to(again.T, drawn.T.shape).T, drawn)


def test_nothing_is_drawn_before_it_is_asked_for():
    calls = []

    def maker():
        calls.append(1)
        return np.full((4, 4), 9, np.uint8)

    small = DecodeGallery(("a", "b"), ("x", "x"), ("MIT", "MIT"), (maker, maker))
    assert len(small.part(1)) == 1
    assert calls == []
    assert len(small.stimuli) == 2
    assert len(calls) == 2
    assert small.part(2).stimuli[1] is small.stimuli[1]
    assert len(calls) == 2


def test_a_part_takes_from_every_category_in_turn(pictures):
    counts = Counter(pictures.part(33).categories)
    assert len(counts) == 16
    assert sorted(counts.values()) == [2] * 15 + [3]
    assert pictures.part(307).names == pictures.names
    assert pictures.part(40).digest != pictures.part(41).digest
    for number in (0, 308):
        with pytest.raises(ParameterError, match="307"):
            pictures.part(number)
