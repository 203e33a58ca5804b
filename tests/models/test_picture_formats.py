"""Formats and colour modes that must work, each against hand-computed pixels."""

import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from models.errors import StimulusError
from models.stimulus import Stimulus
from tests.models.picture_samples import (
    SRGB_BLUE,
    SRGB_GREEN,
    SRGB_PROFILE,
    SRGB_RED,
    encode,
    icc_profile,
    noise,
    patches,
    raw_png,
)


def read(data, name="picture"):
    (stimulus,) = Stimulus.from_bytes(data, name)
    return stimulus


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("WEBP", {"lossless": True}),
    ],
)
def test_lossless_formats_give_back_every_pixel(kind, options):
    stimulus = read(encode(noise(), kind, **options))
    np.testing.assert_array_equal(stimulus.pixels(), noise())
    assert stimulus.size == (20, 24)
    assert stimulus.notes == ()


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {}), ("WEBP", {"quality": 90})])
def test_lossy_formats_come_close(kind, options):
    pixels = read(encode(patches(), kind, **options)).pixels().astype(int)
    is_inside = np.ones((64, 48), bool)
    is_inside[30:34] = is_inside[:, 22:26] = False  # colour bleeds over the borders
    assert np.abs(pixels - patches())[is_inside].max() <= 6


def test_gif_of_few_colours_is_exact():
    np.testing.assert_array_equal(read(encode(patches(), "GIF")).pixels(), patches())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
def test_one_pixel_is_enough(kind):
    pixels = read(encode(np.full((1, 1, 3), 128, np.uint8), kind)).pixels()
    assert pixels.shape == (1, 1, 3)
    assert np.abs(pixels.astype(int) - 128).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize("shape", [(1, 9000), (9000, 1)])
def test_long_thin_pictures_keep_one_pixel(kind, shape):
    stimulus = read(encode(np.full((*shape, 3), 90, np.uint8), kind))
    assert max(stimulus.pixels().shape) == 2048
    assert min(stimulus.pixels().shape[:2]) == 1
    assert stimulus.size == shape[::-1]


def test_cmyk_inks_mix_as_light_subtracted():
    inks = np.zeros((16, 64, 4), np.uint8)
    inks[:, 16:32, 3] = 255  # black
    inks[:, 32:48, 0] = 255  # cyan
    inks[:, 48:, 2] = 255  # yellow
    stimulus = read(encode(Image.fromarray(inks, "CMYK"), "JPEG", quality=95))
    found = stimulus.pixels()[8, [8, 24, 40, 56]].astype(int)
    expected = [(255, 255, 255), (0, 0, 0), (0, 255, 255), (255, 255, 0)]
    assert np.abs(found - expected).max() <= 4
    assert any("CMYK" in note for note in stimulus.notes)


# v / 257 rounded: 128 / 257 = .498, 129 / 257 = .502, 32768 / 257 = 127.50
SIXTEEN = np.array([[0, 128, 129, 32768, 65535]], np.uint16)
EIGHT = [0, 0, 1, 128, 255]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_not_clipped(kind):
    stimulus = read(encode(SIXTEEN, kind))
    np.testing.assert_array_equal(stimulus.pixels()[0, :, 0], EIGHT)
    assert stimulus.notes == ("16 bits a colour were reduced to 8.",)


def big_endian_tiff(values):
    """16-bit grey TIFF in Motorola order, as microscopes write."""
    height, width = values.shape
    tags = [(256, width), (257, height), (258, 16), (259, 1), (262, 1), (273, 8), (277, 1)]
    tags += [(278, height), (279, values.size * 2)]
    strip = values.astype(">u2").tobytes()
    entries = b"".join(struct.pack(">HHII", tag, 4, 1, value) for tag, value in tags)
    directory = struct.pack(">H", len(tags)) + entries + b"\0" * 4
    return b"MM\0*" + struct.pack(">I", 8 + len(strip)) + strip + directory


def test_16_bit_big_endian_tiff_is_read_and_averaged_right():
    np.testing.assert_array_equal(read(big_endian_tiff(SIXTEEN)).pixels()[0, :, 0], EIGHT)
    checks = np.indices((64, 64)).sum(axis=0) % 2 * 65535
    small = read(big_endian_tiff(checks)).pixels(max_side=16)
    assert set(np.unique(small)) <= {127, 128}


def test_16_bit_colour_png_keeps_the_high_byte():
    row = struct.pack(">6H", 65535, 32768, 0, 256, 512, 65280)
    stimulus = read(raw_png(2, 1, 16, 2, b"\0" + row))
    np.testing.assert_array_equal(stimulus.pixels()[0], [(255, 128, 0), (1, 2, 255)])
    assert stimulus.notes == ("16 bits a colour were reduced to 8.",)


def test_decimal_tiff_from_0_to_1_is_black_to_white():
    values = np.array([[0.0, 0.25, 0.5, 1.0]], np.float32)
    stimulus = read(encode(values, "TIFF"))
    # .25 * 255 = 63.75, .5 * 255 = 127.5 (to even)
    np.testing.assert_array_equal(stimulus.pixels()[0, :, 0], [0, 64, 128, 255])
    assert stimulus.notes == ("Decimal values from 0 to 1 were taken as black to white.",)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_numbers_beyond_0_to_1_are_stretched_and_said(dtype):
    stimulus = read(encode(np.array([[-100, 0, 100, 300]], dtype), "TIFF"))
    # (v + 100) / 400 * 255: 0, 63.75, 127.5, 255
    np.testing.assert_array_equal(stimulus.pixels()[0, :, 0], [0, 64, 128, 255])
    assert stimulus.notes == ("Values from -100 to 300 were stretched from black to white.",)


def test_constant_numbers_become_mid_grey():
    pixels = read(encode(np.full((3, 3), 7.5, np.float32), "TIFF")).pixels()
    assert (pixels == 128).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_decimal_tiff_with_a_value_that_is_no_number_is_refused(bad):
    values = np.zeros((3000, 4), np.float32)
    values[1500, 2] = bad
    with pytest.raises(StimulusError, match=r"“map.tif” holds values that are not numbers"):
        Stimulus.from_bytes(encode(values, "TIFF"), "map.tif")


def test_grey_and_one_bit_have_three_equal_channels():
    grey = noise()[..., 0]
    np.testing.assert_array_equal(read(encode(grey, "PNG")).pixels(), np.dstack([grey] * 3))
    bits = Image.fromarray(grey > 127)
    expected = np.where(grey > 127, 255, 0)
    for kind in ("PNG", "BMP", "TIFF"):
        np.testing.assert_array_equal(read(encode(bits, kind)).pixels()[..., 1], expected)


def test_palette_gives_its_colours():
    pixels = read(encode(Image.fromarray(patches()).quantize(4), "PNG")).pixels()
    np.testing.assert_array_equal(pixels, patches())


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_transparency_lies_on_mid_grey(kind):
    pixels = np.zeros((1, 3, 4), np.uint8)
    pixels[0] = [(255, 0, 0, 255), (255, 0, 0, 128), (9, 9, 9, 0)]
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    stimulus = read(encode(Image.fromarray(pixels, "RGBA"), kind, **options))
    # half: (255 * 128 + 128 * 127) / 255 = 191.7 and 128 * 127 / 255 = 63.7
    expected = [(255, 0, 0), (192, 64, 64), (128, 128, 128)]
    assert np.abs(stimulus.pixels()[0].astype(int) - expected).max() <= 1
    (note,) = stimulus.notes
    assert "mid-grey" in note


def test_full_opacity_needs_no_note():
    stimulus = read(encode(Image.fromarray(noise()).convert("RGBA"), "PNG"))
    np.testing.assert_array_equal(stimulus.pixels(), noise())
    assert stimulus.notes == ()


@pytest.mark.parametrize("transparency", [1, bytes([255, 0, 255, 255])])
def test_transparent_palette_entry_is_mid_grey(transparency):
    image = Image.new("P", (4, 1))
    image.putpalette([10, 20, 30, 200, 0, 0, 40, 50, 60, 70, 80, 90])
    image.putdata([0, 1, 2, 3])
    pixels = read(encode(image, "PNG", transparency=transparency)).pixels()
    np.testing.assert_array_equal(
        pixels[0], [(10, 20, 30), (128, 128, 128), (40, 50, 60), (70, 80, 90)]
    )


def test_grey_with_alpha_and_transparent_colour_key():
    grey = Image.fromarray(np.array([[(0, 255), (0, 0)]], np.uint8), "LA")
    np.testing.assert_array_equal(read(encode(grey, "PNG")).pixels()[0, :, 0], [0, 128])
    colour = Image.fromarray(np.array([[(1, 2, 3), (4, 5, 6)]], np.uint8))
    keyed = read(encode(colour, "PNG", transparency=(4, 5, 6))).pixels()
    np.testing.assert_array_equal(keyed[0], [(1, 2, 3), (128, 128, 128)])


# EXIF 2.32, tag 0x0112: which visual sides the stored row 0 and column 0 are
SIDES = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


def stored(upright, orientation):
    """Rows and columns as a camera stores them for an orientation."""
    row_side, column_side = SIDES[orientation]
    if row_side in ("left", "right"):
        upright = upright.swapaxes(0, 1)
    if row_side in ("bottom", "right"):
        upright = upright[::-1]
    if column_side in ("bottom", "right"):
        upright = upright[:, ::-1]
    return np.ascontiguousarray(upright)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("kind", "options"), [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True}), ("JPEG", {})]
)
def test_pictures_are_turned_upright(kind, options, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(stored(patches(), orientation), kind, exif=exif, **options)
    stimulus = read(data)
    assert stimulus.size == Stimulus("image", "x", data).size == (48, 64)
    pixels = stimulus.pixels().astype(int)
    assert pixels.shape == (64, 48, 3)
    for row, column in ((10, 10), (10, 40), (50, 10), (50, 40)):
        assert np.abs(pixels[row, column] - patches()[row, column]).max() <= 6


def test_unknown_orientation_and_broken_exif_leave_the_picture_as_it_is():
    exif = Image.Exif()
    exif[0x0112] = 77
    np.testing.assert_array_equal(read(encode(noise(), "PNG", exif=exif)).pixels(), noise())
    broken = read(encode(noise(), "PNG", exif=b"Exif\0\0nonsense"))
    np.testing.assert_array_equal(broken.pixels(), noise())


def test_srgb_profile_changes_nothing():
    stimulus = read(encode(noise(), "PNG", icc_profile=SRGB_PROFILE))
    np.testing.assert_array_equal(stimulus.pixels(), noise())
    assert stimulus.notes == ()


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colours_follow_the_profile(mode):
    swapped = icc_profile(b"RGB", 2.2, (SRGB_GREEN, SRGB_RED, SRGB_BLUE))
    red = Image.new(mode, (4, 4), "red")
    stimulus = read(encode(red, "PNG", icc_profile=swapped))
    assert np.abs(stimulus.pixels().astype(int) - (0, 255, 0)).max() <= 3
    assert stimulus.notes == ("Colours were converted from the file's profile to sRGB.",)


def test_linear_grey_profile_is_brightened_as_srgb_demands():
    linear = icc_profile(b"GRAY", 1.0)
    stimulus = read(encode(np.full((4, 4), 128, np.uint8), "PNG", icc_profile=linear))
    # 1.055 * (128 / 255) ** (1 / 2.4) - .055 = .7366; * 255 = 187.8 (IEC 61966-2-1)
    assert np.abs(stimulus.pixels().astype(int) - 188).max() <= 1


@pytest.mark.parametrize(
    "profile", [b"junk", SRGB_PROFILE[:200], SRGB_PROFILE[:128] + b"\xff" * 99]
)
def test_broken_profile_is_ignored_and_said(profile):
    stimulus = read(encode(noise(), "PNG", icc_profile=profile))
    np.testing.assert_array_equal(stimulus.pixels(), noise())
    assert any("profile could not be used" in note for note in stimulus.notes)


def test_profile_of_another_colour_space_is_ignored():
    stimulus = read(encode(noise()[..., 0], "PNG", icc_profile=SRGB_PROFILE))
    np.testing.assert_array_equal(stimulus.pixels()[..., 0], noise()[..., 0])


def test_lab_tiff_comes_back_as_the_colours_it_was_made_from():
    lab = ImageCms.profileToProfile(
        Image.fromarray(patches()),
        ImageCms.createProfile("sRGB"),
        ImageCms.createProfile("LAB"),
        outputMode="LAB",
    )
    pixels = read(encode(lab, "TIFF")).pixels().astype(int)
    assert np.abs(pixels - patches()).max() <= 6  # one 8-bit step of a or b is that much


def test_phone_jpeg_with_a_second_picture_inside_is_one_picture():
    images = [Image.fromarray(patches()), Image.fromarray(noise(64, 48))]
    data = encode(images[0], "MPO", save_all=True, append_images=images[1:])
    (stimulus,) = Stimulus.from_bytes(data, "phone.jpg")
    assert np.abs(stimulus.pixels()[10, 10].astype(int) - (200, 40, 40)).max() <= 6


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("JPEG", {"quality": 95})])
def test_shrinking_averages_areas(kind, options):
    checks = (np.indices((512, 512)).sum(axis=0) % 2 * 255).astype(np.uint8)
    small = read(encode(checks, kind, **options)).pixels(max_side=32)
    assert small.shape == (32, 32, 3)
    assert np.abs(small.astype(int) - 127.5).max() <= 2


def test_large_pictures_are_handed_out_smaller_and_said():
    stimulus = read(encode(np.zeros((1000, 3000), np.uint8), "PNG"))
    assert stimulus.size == (3000, 1000)
    assert stimulus.pixels().shape == (683, 2048, 3)
    assert stimulus.pixels(max_side=5000).shape == (683, 2048, 3)
    assert stimulus.notes == ("Reduced from 3,000 × 1,000 pixels to 2,048 on the longer side.",)


def test_thumbnails_fit_and_never_enlarge():
    stimulus = read(encode(noise(40, 30), "PNG"))
    assert stimulus.thumbnail(20).shape == (20, 15, 3)
    assert stimulus.thumbnail(100).shape == (40, 30, 3)
