"""Reading pictures: each claim about an input, good or bad."""

import numpy as np

from models.stimulus import Stimulus


def noise(height=40, width=30, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_generated_pixels_come_back_unchanged():
    stimulus = Stimulus.from_pixels(noise(), "noise")
    np.testing.assert_array_equal(stimulus.pixels(), noise())
    assert stimulus.size == (30, 40)
