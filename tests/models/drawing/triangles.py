"""Drawings small enough to know every pixel of."""

import numpy as np

from models.drawing.panels import Drawing


def one_triangle():
    """Red triangle over the lower left half of a 40 x 30 picture, behind a green strip at left.

    The green strip is nearer to the viewer and comes first, so it shows only if depth counts.
    """
    positions = np.float32(
        [[0, 0, 5], [10, 0, 5], [10, 30, 5], [0, 30, 5], [0, 0, 0], [40, 0, 0], [0, 30, 0]]
    )
    faces = np.int32([[0, 1, 2], [0, 2, 3], [4, 5, 6]])
    colours = np.uint8([[0, 160, 0]] * 4 + [[200, 30, 10]] * 3)
    return Drawing("one", "A", "P", positions, faces, colours, 40, 30)
