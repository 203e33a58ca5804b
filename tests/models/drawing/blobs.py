"""Where a blob on the posterior pole of one hemisphere must appear on a page, view by view."""

import io

import numpy as np
from PIL import Image

#: Hemisphere, view or set of views, shape, and the part of the page (left, right, as shares of
#: its width) where the blob must be; None where it must not be seen at all.
VIEWS_OF_THE_BLOB = [
    # Lateral and medial views of the other hemisphere show nothing.
    ("left", "right_lateral", "inflated", None),
    ("left", "right_medial", "inflated", None),
    ("right", "left_lateral", "pial", None),
    ("right", "left_medial", "pial", None),
    # Posterior is right in a left lateral view, left in a left medial view, and so on.
    ("left", "left_lateral", "inflated", (0.8, 1.0)),
    ("left", "left_medial", "inflated", (0.0, 0.2)),
    ("right", "right_lateral", "pial", (0.0, 0.2)),
    ("right", "right_medial", "pial", (0.8, 1.0)),
    # From behind, left is left; from the front the pole is hidden; from below left is right.
    ("left", "posterior", "inflated", (0.0, 0.5)),
    ("right", "posterior", "pial", (0.5, 1.0)),
    ("left", "anterior", "pial", None),
    ("left", "ventral", "pial", (0.5, 1.0)),
    ("left", "dorsal", "pial", (0.0, 0.5)),
    # Occipital lobes meet in the middle of the flat sheets.
    ("left", "flat", "flat", (0.25, 0.5)),
    ("right", "flat", "flat", (0.5, 0.75)),
    # Four views: the left column is the left hemisphere.
    ("left", "four", "inflated", (0.0, 0.5)),
    ("right", "four", "inflated", (0.5, 1.0)),
]


def page_pixels(png):
    """RGB as integers that can be subtracted."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def check_blob(pixels, box):
    """Assert that the red of the blob is inside ``box`` only, above the colour bar."""
    height, width = pixels.shape[:2]
    bar_top = _first_row_of_the_bar(pixels)
    panel = pixels[:bar_top]
    is_red = (panel[..., 0] > 60) & (panel[..., 0] > 3 * panel[..., 1] + 20)
    if box is None:
        assert is_red.sum() == 0
        return
    x = np.flatnonzero(is_red.any(axis=0)) / width
    assert is_red.sum() > 20
    assert x.min() >= box[0]
    assert x.max() <= box[1]
    assert height > bar_top


def _first_row_of_the_bar(pixels):
    """Topmost row that holds the bar: blue, white and red side by side."""
    is_blue = (pixels[..., 2] > 60) & (pixels[..., 2] > 1.5 * pixels[..., 0] + 20)
    return int(np.flatnonzero(is_blue.sum(axis=1) > 10)[0])
