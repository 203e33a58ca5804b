"""Drawn glass brains: colours as stated, and the same picture as nilearn's figure."""

import nibabel as nib
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from models.drawing.colormaps import lut
from models.drawing.glass import GlassProjector, GlassSequence
from models.drawing.glass_frames import (
    CLEAR_SHARE,
    MISSING,
    MISSING_ALPHA,
    _Stage,
    code_colours,
    draw_frames,
)
from models.errors import RenderError
from models.voxel_grid import VoxelGrid

NAN = np.nan


@pytest.fixture(scope="module")
def bumps():
    """Smooth noise inside grey matter on a 2 mm grid: data, affine, its projection."""
    from nilearn.datasets import load_mni152_gm_template

    image = load_mni152_gm_template(resolution=2)
    is_grey = image.get_fdata() > 0.35
    rng = np.random.default_rng(4)
    data = gaussian_filter(rng.normal(size=image.shape), 3)
    data = np.where(is_grey, data / np.abs(data[is_grey]).max(), 0).astype(np.float32)
    labels = np.zeros(image.shape, np.int64)
    labels[is_grey] = np.arange(is_grey.sum()) + 1
    projector = GlassProjector.from_volume(labels, image.affine)
    return data, image.affine, projector.project(data[is_grey][None])


def nilearn_picture(data, affine, line_opacity):
    """nilearn's figure of the same data (or of none), and its axes in mm."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure
    from nilearn.plotting import plot_glass_brain

    figure = Figure((9.5, 3.0), dpi=100)
    canvas = FigureCanvasAgg(figure)
    display = plot_glass_brain(
        None if data is None else nib.Nifti1Image(data, affine),
        figure=figure,
        display_mode="lyrz",
        plot_abs=False,
        threshold=1e-9,
        colorbar=False,
        annotate=False,
        cmap=ListedColormap(lut("RdBu_r") / 255),
        vmin=-1,
        vmax=1,
        alpha=line_opacity,
    )
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3].astype(float)
    return pixels, {name: axes.ax for name, axes in display.axes.items()}


def sampled(pixels, x, y):
    """Pixels under points, in pixels from the upper left; outside: white."""
    padded = np.pad(pixels, ((1, 1), (1, 1), (0, 0)), constant_values=255)
    column = np.clip(np.floor(x).astype(int) + 1, 0, padded.shape[1] - 1)
    row = np.clip(np.floor(y).astype(int) + 1, 0, padded.shape[0] - 1)
    return padded[row, column]


def ours_at(frame, sequence, number, u, v):
    """Our pixels at cells of a view."""
    stage = _Stage(sequence.views, frame.shape[1], False, False, False, 0)
    view, box = sequence.views[number], stage.boxes[number]
    x, y = box.left + u * box.width / view.width, box.top + v * box.height / view.height
    return sampled(frame.astype(float), x, y)


def theirs_at(picture, axes, across, up):
    """nilearn's pixels at positions in mm."""
    at = axes.transData.transform(np.stack([across.ravel(), up.ravel()], axis=-1))
    x, y = at.reshape(*across.shape, 2).transpose(2, 0, 1)
    return sampled(picture, x, picture.shape[0] - y)


def test_the_picture_is_nilearns(bumps):
    """Colours of every cell in the four views, without the lines, which are of other widths.

    nilearn 0.14 draws n voxels of 2 mm into 2 (n - 1) mm, so that its map is up to half a voxel
    nearer to the middle than the outline says; each cell is compared where either draws it.
    """
    data, affine, sequence = bumps
    picture, axes = nilearn_picture(data, affine, line_opacity=0)
    (ours,) = draw_frames(sequence, "RdBu_r", 1.0, has_outline=False)
    for number, view in enumerate(sequence.views):
        u, v = np.meshgrid(np.arange(view.width) + 0.5, np.arange(view.height) + 0.5)
        across = view.across[1] + (u - 0.5) * view.across[2]
        up = view.up[1] + (v - 0.5) * view.up[2]
        image = axes[view.name].images[0]
        left, right, bottom, top = image.get_extent()
        n_up, n_across = image.get_array().shape
        across = left + ((across - left) / 2 + 0.5) / n_across * (right - left)
        up = bottom + ((up - bottom) / 2 + 0.5) / n_up * (top - bottom)
        both = (
            ours_at(ours, sequence, number, u, v),
            theirs_at(picture, axes[view.name], across, up),
        )
        # Red against blue tells the value with its sign.
        signs = [one[..., 0] - one[..., 2] for one in both]
        assert np.abs(signs[1]).max() > 80  # there is something to agree on
        assert np.corrcoef(signs[0].ravel(), signs[1].ravel())[0, 1] >= 0.98, view.name


def test_the_outline_is_nilearns(bumps):
    _, affine, sequence = bumps
    theirs, axes = nilearn_picture(None, affine, line_opacity=0.7)
    empty = GlassSequence(np.zeros_like(sequence.codes), 0.0, 1.0, sequence.views, "")
    (ours,) = draw_frames(empty, "RdBu_r", 1.0)
    for number, view in enumerate(sequence.views):
        u, v = np.meshgrid(np.arange(0, view.width, 0.5), np.arange(0, view.height, 0.5))
        across = view.across[1] + (u - 0.5) * view.across[2]
        up = view.up[1] + (v - 0.5) * view.up[2]
        both = (
            ours_at(ours, empty, number, u, v),
            theirs_at(theirs, axes[view.name], across, up),
        )
        light = [gaussian_filter(one.mean(axis=-1), 2) for one in both]
        assert np.corrcoef(light[0].ravel(), light[1].ravel())[0, 1] >= 0.95, view.name


def test_frames_are_even_in_height_and_alike_in_size(bumps):
    _, _, sequence = bumps
    plain = next(draw_frames(sequence))
    assert plain.dtype == np.uint8
    assert plain.shape[1:] == (950, 3)
    assert plain.shape[0] % 2 == 0
    full = next(draw_frames(sequence, units="z", titles=["TR 1"], footer=["a", "b"], width_px=700))
    assert full.shape[1] == 700
    assert full.shape[0] % 2 == 0
    # The footer adds two lines at the bottom, with words on them.
    assert (full[-28:] < 128).any()


def test_ground_and_ink_change_sides_in_the_dark(bumps):
    _, _, sequence = bumps
    light, dark = (next(draw_frames(sequence, is_dark=is_dark)) for is_dark in (False, True))
    assert (light[0] == 255).all()
    assert (dark[0] == 0).all()
    assert (light < 60).all(axis=-1).sum() > 1000  # black lines
    assert (dark > 160).all(axis=-1).sum() > 1000


def _cubes():
    """Three cubes of 9 cells a side in a row, a column each."""
    cube = np.argwhere(np.ones((9, 9, 9)))
    places = np.concatenate([cube + np.array((first, 6, 6)) for first in (6, 26, 46)])
    return GlassProjector(VoxelGrid((61, 21, 21), places))


CUBES = _cubes()


def cubes(*rows):
    """Frames with one value a cube."""
    return CUBES.project(np.repeat(np.float32(rows), 9**3, axis=1))


def test_one_limit_holds_for_all_frames():
    weak, strong = draw_frames(cubes([0.25, NAN, 0], [1, NAN, -1]), "RdBu_r", width_px=600)
    table = lut("RdBu_r")
    assert has_colour(strong, table[255])
    assert has_colour(strong, table[0])
    assert has_colour(weak, table[160])  # 0.25 of -1 to 1
    assert not has_colour(weak, table[255])


def has_colour(frame, colour, tolerance=3):
    """Whether a hundred pixels have it."""
    return (np.abs(frame.astype(int) - colour).max(axis=-1) <= tolerance).sum() > 100


def test_titles_belong_to_frames():
    sequence = cubes([0, 0, 0], [0, 0, 0])
    one, two = draw_frames(sequence, titles=["first", "second"])
    is_other = (one != two).any(axis=-1)
    assert is_other.any()
    assert np.nonzero(is_other)[0].max() < 25  # nothing but the line of the title
    with pytest.raises(RenderError, match="1 titles for 2 frames"):
        draw_frames(sequence, titles=["first"])


def test_letters_of_every_script_are_drawn():
    sequence = cubes([0, 0, 0])
    assert next(draw_frames(sequence, titles=["$x$ 你好 שלום"], footer=["µ $"])).any()


@pytest.mark.parametrize("limit", [0.0, -1.0, NAN])
def test_a_limit_is_above_zero(limit):
    sequence = cubes([0, 0, 0])
    with pytest.raises(RenderError, match="above zero"):
        draw_frames(sequence, limit=limit)


def test_a_stage_has_room():
    sequence = cubes([0, 0, 0])
    with pytest.raises(RenderError, match="30 pixels are too few"):
        draw_frames(sequence, width_px=30)


# Colours by hand


def colours(values, **how):
    return code_colours(np.array(values, float), "RdBu_r", 1.0, is_signed=True, **how).tolist()


def test_colours_are_the_maps_own():
    table = lut("RdBu_r").tolist()
    high, low, middle, over, missing = colours([1, -1, 0, 7, NAN])
    assert high == over == [*table[255], 255]
    assert low == [*table[0], 255]
    assert middle == [*table[128], 0]
    assert missing == [*MISSING, round(255 * MISSING_ALPHA)]
    rising = code_colours(np.array([0, 1.0, -3]), "viridis", 1.0, is_signed=False).tolist()
    assert rising == [
        [*lut("viridis")[0], 255],
        [*lut("viridis")[255], 255],
        [*lut("viridis")[0], 255],
    ]


def test_small_signed_values_let_the_glass_show():
    opacity = [one[3] for one in colours([0, CLEAR_SHARE / 2, CLEAR_SHARE, -CLEAR_SHARE, 0.5])]
    assert opacity == [0, 128, 255, 255, 255]


def test_what_is_below_the_threshold_is_left_out_or_fades():
    hidden = [one[3] for one in colours([0.39, -0.39, 0.4, -0.4, NAN], threshold=0.4)]
    assert hidden == [0, 0, 255, 255, round(255 * MISSING_ALPHA)]
    faded = [one[3] for one in colours([0.2, 0.4, -0.2], threshold=0.4, is_faded=True)]
    assert faded == [64, 255, 64]


def test_a_place_that_is_not_modelled_is_slate_on_the_picture():
    frame = next(draw_frames(cubes([1, NAN, 0]), width_px=900))
    slate = [round(MISSING_ALPHA * part + (1 - MISSING_ALPHA) * 255) for part in MISSING]
    assert has_colour(frame, slate)
