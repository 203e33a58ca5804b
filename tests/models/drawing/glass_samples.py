"""Small brains for tests of the glass brain, and where their values are seen."""

import numpy as np

from models.drawing.glass import GlassProjector


def voxels(*cells):
    """Labels 1, 2, ... in cells of a 4 mm grid that is symmetric about x = 0, and its affine."""
    labels = np.zeros((41, 51, 41), np.int64)
    for number, cell in enumerate(cells, start=1):
        labels[cell] = number
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = (-80, -110, -70)
    return labels, affine


def at(labels_affine, x, y, z):
    """Cell of a position in mm."""
    _, affine = labels_affine
    return tuple(int(n) for n in (np.array((x, y, z)) - affine[:3, 3]) / 4)


def project(labels_affine, values, views="lyrz"):
    return GlassProjector.from_volume(*labels_affine, views=views).project(
        np.array(values, np.float32)
    )


def shown(sequence, name, frame=0):
    """Coordinates (across, up) and value of every cell of a view that has one."""
    number = [view.name for view in sequence.views].index(name)
    view = sequence.views[number]
    values = sequence.values(frame)[sequence.view_slice(number)]
    row, column = np.divmod(view.cells, view.width)
    across = view.across[1] + column * view.across[2]
    up = view.up[1] + row * view.up[2]
    return {
        (round(float(a)), round(float(b))): float(value)
        for a, b, value in zip(across, up, values, strict=True)
    }
