"""Pictures reach the networks exactly as in training, whatever type they come in."""

from pathlib import Path

import numpy as np
import pytest

from models.encoders._pictures import (
    as_pictures,
    normalise,
    pixels_of,
    resize_short_side_then_crop,
    square_then_resize,
)
from models.errors import StimulusError
from models.stimulus import Stimulus

GOLDEN = Path(__file__).parents[2] / "golden_data/image_networks.npz"


@pytest.mark.parametrize(
    ("name", "prepare"),
    [("short_side", resize_short_side_then_crop), ("square", square_then_resize)],
)
def test_preparation_is_exact(name, prepare):
    with np.load(GOLDEN) as golden:
        prepared = prepare(golden[f"{name}_picture"])
        np.testing.assert_array_equal(
            prepared[:, ::4], golden[f"{name}_prepared_every_4th_row"], strict=True
        )


@pytest.mark.parametrize("prepare", [resize_short_side_then_crop, square_then_resize])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (224, 224), (256, 256), (255, 256), (700, 30)])
def test_every_size_fills_the_network_and_a_plain_colour_stays(prepare, size):
    picture = np.full((3, *size), 77, np.uint8)
    np.testing.assert_array_equal(prepare(picture), np.full((3, 224, 224), 77, np.uint8))


def test_a_picture_of_256_is_only_cut_and_one_of_224_is_left_alone():
    picture = np.random.default_rng(0).integers(0, 256, (3, 256, 256), np.uint8)
    np.testing.assert_array_equal(resize_short_side_then_crop(picture), picture[:, 16:240, 16:240])
    inner = picture[:, :224, :224]
    np.testing.assert_array_equal(square_then_resize(inner), inner)


def test_floats_are_not_rounded_by_the_antialiased_resize():
    picture = np.random.default_rng(0).random((3, 180, 150), np.float32)
    fine = resize_short_side_then_crop(picture)
    assert fine.dtype == np.float32
    coarse = resize_short_side_then_crop(np.rint(picture * 255).astype(np.uint8))
    assert 0 < np.abs(fine * 255 - coarse).max() < 1.01  # a rounding before and one after


def test_scaling_by_hand():
    pictures = np.zeros((2, 3, 224, 224), np.uint8)
    pictures[1] = 255
    black, white = normalise(pictures)[:, :, 0, 0]
    np.testing.assert_allclose(black, [-2.117904, -2.035714, -1.804444], rtol=1e-6)
    np.testing.assert_allclose(white, [2.248908, 2.428571, 2.64], rtol=1e-6)
    as_floats = normalise(np.ones((1, 3, 224, 224), np.float32))
    np.testing.assert_allclose(as_floats[0, :, 0, 0], white, rtol=1e-6)
    assert normalise([]).shape == (0, 3, 224, 224)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "int32", "int16", "uint64"])
def test_any_integer_type_is_0_to_255(dtype):
    stack = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 4))
    checked = as_pictures(stack.astype(dtype))
    np.testing.assert_array_equal(checked, stack.astype(np.uint8), strict=True)


def test_floats_are_told_apart_by_the_largest_value():
    unit = np.random.default_rng(0).random((2, 3, 5, 4))
    np.testing.assert_array_equal(as_pictures(unit), unit.astype(np.float32), strict=True)
    large = np.round(unit * 255)
    np.testing.assert_allclose(as_pictures(large), large / 255, rtol=1e-6)


@pytest.mark.parametrize(
    "stack",
    [
        np.zeros((3, 5, 4), np.uint8),
        np.zeros((2, 4, 5, 4), np.uint8),
        np.zeros((2, 3, 0, 4), np.uint8),
        np.full((1, 3, 2, 2), -1),
        np.full((1, 3, 2, 2), 256),
        np.full((1, 3, 2, 2), np.nan),
        np.full((1, 3, 2, 2), 255.5),
        np.zeros((1, 3, 2, 2), bool),
        np.zeros((1, 3, 2, 2), complex),
        "cat.png",
    ],
)
def test_what_is_no_stack_of_pictures_is_refused(stack):
    with pytest.raises(StimulusError):
        as_pictures(stack)


def test_no_picture_at_all_is_a_stack_too():
    assert as_pictures(np.zeros((0, 3, 224, 224), np.int64)).shape == (0, 3, 224, 224)


def test_pixels_come_channels_first_and_words_have_none():
    pixels = np.random.default_rng(0).integers(0, 256, (6, 4, 3), np.uint8)
    stimulus = Stimulus.from_pixels(pixels, "small")
    np.testing.assert_array_equal(pixels_of(stimulus), pixels.transpose(2, 0, 1))
    with pytest.raises(StimulusError, match="looks at pictures"):
        pixels_of(Stimulus("transcript", "words", b"hello"))
