"""The greys of the viewer cannot be taken for a value of any offered map."""

import re
from pathlib import Path

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from models.drawing.colormaps import COLORMAPS, DIVERGING, lut

SHADERS = Path(__file__).parents[2] / "components" / "brain" / "frontend" / "shaders.js"


def greys():
    """sRGB 0-1 of "not modelled" on gyri and in sulci, read from the shader."""
    text = SHADERS.read_text(encoding="utf-8")
    found = re.findall(r"vec3 NOT_MODELLED\w* = vec3\(([\d., ]+)\);", text)
    return np.array([[float(number) for number in one.split(",")] for one in found])


def test_the_shader_names_both_greys():
    assert greys().shape == (2, 3)


@pytest.mark.parametrize("name", COLORMAPS)
def test_no_value_looks_like_a_place_that_is_not_modelled(name):
    table = rgb2lab(lut(name)[None] / 255.0)[0]
    for grey in rgb2lab(greys()[None])[0]:
        difference = deltaE_ciede2000(table, np.broadcast_to(grey, table.shape))
        zero = difference[128] if name in DIVERGING else difference[0]
        assert difference.min() > 8
        assert zero > 14
