"""The maps are matplotlib's, and readable for everyone: measured here, not taken on trust."""

import numpy as np
import pytest
from matplotlib import colormaps as matplotlib_maps
from skimage.color import deltaE_ciede2000, rgb2lab

from models.drawing.colormaps import (
    COLORMAPS,
    CYCLIC,
    DIVERGING,
    LABELS,
    SEQUENTIAL,
    colour,
    default_colormap,
    lut,
    underlay_greys,
)
from models.errors import RenderError

#: Machado, Oliveira & Fernandes 2009, IEEE TVCG 15(6), table 1: severity 1.0, linear RGB.
VISION = {
    "normal": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def seen(rgb, vision):
    """CIELAB of sRGB bytes (n, 3) as seen with one kind of colour vision."""
    srgb = np.asarray(rgb, float) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.asarray(VISION[vision]).T, 0, 1)
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return rgb2lab(srgb[None])[0]


@pytest.mark.parametrize("name", COLORMAPS)
def test_tables_are_matplotlibs(name):
    expected = matplotlib_maps[name].resampled(256)(np.arange(256), bytes=True)[:, :3]
    np.testing.assert_array_equal(lut(name), expected)
    assert not lut(name).flags.writeable
    assert LABELS[name]


@pytest.mark.parametrize("name", DIVERGING)
def test_diverging_maps_treat_both_signs_alike(name):
    lightness = seen(lut(name), "normal")[:, 0]
    assert np.abs(lightness - lightness[::-1]).max() < 8
    half = np.diff(lightness[:128])
    assert np.all(half > -0.1) or np.all(half < 0.1)
    extreme = np.argmax(lightness) if half.sum() > 0 else np.argmin(lightness)
    assert 122 <= extreme <= 133


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("name", DIVERGING)
def test_signs_are_told_apart_with_every_colour_vision(name, vision):
    lab = seen(lut(name), vision)
    assert deltaE_ciede2000(lab[:64], lab[::-1][:64]).min() > 20


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("name", SEQUENTIAL)
def test_sequential_maps_rise_in_lightness_with_every_colour_vision(name, vision):
    lightness = seen(lut(name), vision)[:, 0]
    assert (lightness[8:] - lightness[:-8]).min() > 0.4


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("name", CYCLIC)
def test_cyclic_maps_close_and_tell_a_half_turn_from_none(name, vision):
    lab = seen(lut(name), vision)
    assert deltaE_ciede2000(lab[0], lab[-1]) < 2
    assert abs(lab[128, 0] - lab[0, 0]) > 60
    assert deltaE_ciede2000(lab[64], lab[192]) > 20


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("name", COLORMAPS)
def test_no_value_looks_like_not_modelled(name, vision):
    greys = seen(np.repeat(np.array(underlay_greys(name))[:, None], 3, axis=1), vision)
    lab = seen(lut(name), vision)
    distance = deltaE_ciede2000(lab[:, None], greys[None])
    assert distance.min() > 8
    if name in DIVERGING:
        assert distance[127:129].min() > 14


def test_cividis_is_not_offered_because_its_middle_is_such_a_grey():
    greys = np.repeat(np.arange(96, 160)[:, None], 3, axis=1)
    cividis = matplotlib_maps["cividis"](np.arange(256), bytes=True)[:, :3]
    lab, grey_lab = seen(cividis, "normal"), seen(greys, "normal")
    assert deltaE_ciede2000(lab[:, None], grey_lab[None]).min() < 2
    assert "cividis" not in COLORMAPS


def test_signed_values_get_a_diverging_map():
    assert default_colormap(is_signed=True) in DIVERGING
    assert default_colormap(is_signed=False) in SEQUENTIAL


def test_colour_agrees_with_matplotlib_and_clips():
    values = np.array([-2.0, -1.0, -0.5, 0.0, 0.999, 1.0, 3.0], np.float32)
    expected = matplotlib_maps["RdBu_r"]((values + 1) / 2, bytes=True)[:, :3]
    np.testing.assert_array_equal(colour(values, "RdBu_r", -1, 1), expected)


def test_colour_of_nan_is_grey_and_not_the_colour_of_zero():
    nan, zero = colour(np.array([np.nan, 0.0]), "RdBu_r", -1, 1)
    assert nan.tolist() == [160, 160, 160]
    assert zero.min() > 240


def test_unknown_map_and_flat_limits_are_refused_by_name():
    with pytest.raises(RenderError, match=r"jet.*viridis"):
        lut("jet")
    with pytest.raises(RenderError, match="must rise"):
        colour(np.zeros(2), "viridis", 1, 1)
