"""Colour maps: readable without colour vision, and no grey that could be taken for one."""

import numpy as np
import pytest

from components.colormaps import DIVERGING, SEQUENTIAL, default_colormap, load_colormap

#: "Not modelled" in components/brain/frontend/shaders.js, as sRGB 0-255.
NOT_MODELLED = np.array([121, 129, 142])


def lightness(colours):
    """CIE L* of sRGB colours (IEC 61966-2-1; CIE 1976)."""
    linear = np.asarray(colours, float) / 255
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    y = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(y > 0.008856, 116 * np.cbrt(y) - 16, 903.3 * y)


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_sequential_maps_only_get_lighter(name):
    steps = np.diff(lightness(load_colormap(name)))
    assert steps.min() > -0.35  # rounding to 8 bits
    assert lightness(load_colormap(name))[-1] - lightness(load_colormap(name))[0] > 50


@pytest.mark.parametrize("name", DIVERGING)
def test_diverging_maps_are_lightest_in_the_middle_and_balanced(name):
    light = lightness(load_colormap(name))
    assert 100 <= light.argmax() <= 155
    assert light[128] > 92
    assert abs(light[20] - light[235]) < 25  # ColorBrewer's PuOr differs most, by 21


@pytest.mark.parametrize("name", [*DIVERGING, *SEQUENTIAL])
def test_zero_is_far_from_the_grey_of_not_modelled(name):
    table = load_colormap(name).astype(float)
    zero = table[128] if name in DIVERGING else table[0]
    assert np.linalg.norm(zero - NOT_MODELLED) > 60


def test_defaults_and_unknown_names():
    assert default_colormap(True) == "RdBu_r"
    assert default_colormap(False) == "viridis"
    with pytest.raises(KeyError, match="jet"):
        load_colormap("jet")
