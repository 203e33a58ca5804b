"""The animated glass brain: sign and side as in the data, one scale, real time, plain refusals."""

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from models.drawing import glass_animation
from models.drawing.glass_animation import write_glass_brain_animation
from models.errors import RenderError

WORDS = {"frame_s": 1.5, "caption": "PREDICTION - not measured"}


@pytest.fixture(scope="module")
def atlas(tmp_path_factory):
    """Parcel 1 in the left half of MNI space, parcel 2 in the right one."""
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = (-90, -126, -72)
    volume = np.zeros((45, 54, 45), np.int16)
    volume[8:16, 20:36, 14:28] = 1  # x of -58 to -30 mm
    volume[30:38, 20:36, 14:28] = 2
    path = tmp_path_factory.mktemp("atlas") / "parcels.nii.gz"
    nib.save(nib.Nifti1Image(volume, affine), path)
    return path


def draw(values, atlas, tmp_path):
    """Frames as (n_frames, height, width, 3) integers."""
    out = tmp_path / "frames.gif"
    write_glass_brain_animation(np.array(values, np.float32), atlas, out, **WORDS)
    with Image.open(out) as animation:
        frames = []
        for number in range(animation.n_frames):
            animation.seek(number)
            frames.append(np.asarray(animation.convert("RGB"), np.int64))
            assert animation.info["duration"] == 1500
    return np.stack(frames)


def coloured(frame):
    """Red and blue pixels of the brains; the colour bar at the right edge is left out."""
    inside = frame[:, : int(frame.shape[1] * 0.85)]
    red, blue = inside[..., 0], inside[..., 2]
    return red - blue > 50, blue - red > 50


def test_colour_tells_the_sign_and_the_view_the_side(atlas, tmp_path):
    left, right = draw([[1, np.nan], [np.nan, -1]], atlas, tmp_path)
    red, blue = coloured(left)
    assert red.sum() > 500
    assert not blue.any()
    assert np.flatnonzero(red.any(0))[0] < 0.3 * left.shape[1]  # the left view is the first
    red, blue = coloured(right)
    assert blue.sum() > 500
    assert not red.any()
    assert np.flatnonzero(blue.any(0))[0] > 0.3 * right.shape[1]


def test_all_frames_share_one_scale(atlas, tmp_path):
    weak, strong = draw([[0.1, np.nan], [1, np.nan]], atlas, tmp_path)
    assert coloured(weak)[0].sum() < 0.1 * coloured(strong)[0].sum()


def test_film_plays_in_real_time(atlas, tmp_path, monkeypatch):
    written = []

    class Writer:
        def __init__(self, path, fps):
            written.append(fps)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

        def append_data(self, frame):
            written.append(frame.shape)

    monkeypatch.setattr(glass_animation, "find_spec", lambda name: object())
    monkeypatch.setattr("imageio.v2.get_writer", Writer)
    out = tmp_path / "film.mp4"
    write_glass_brain_animation(np.ones((2, 2), np.float32), atlas, out, **WORDS)
    assert written == [pytest.approx(1 / 1.5), (280, 900, 3), (280, 900, 3)]


@pytest.mark.parametrize(
    ("values", "name", "words"),
    [
        ([[1, 1]], "film.avi", r"ends in .gif or .mp4"),
        ([[1, 1]], "film.mp4", "needs the package imageio-ffmpeg"),
        ([[1, 1]], "nowhere/film.gif", "no folder"),
        ([[np.nan, np.nan]], "film.gif", "no value"),
        (np.zeros((0, 2)), "film.gif", "no value"),
        ([[1]], "film.gif", "label 2; there are 1 parcels"),
    ],
)
def test_what_cannot_be_drawn_is_said(atlas, tmp_path, monkeypatch, values, name, words):
    monkeypatch.setattr(glass_animation, "find_spec", lambda name: None)
    with pytest.raises(RenderError, match=words):
        write_glass_brain_animation(np.array(values, np.float32), atlas, tmp_path / name, **WORDS)
    assert not (tmp_path / name).exists()
