"""The animated glass brain: sign and side as in the data, one scale, real time, plain refusals."""

import io
import json
import sys

import nibabel as nib
import numpy as np
import pytest

from models.drawing.glass_animation import write_glass_brain_animation
from models.errors import Cancelled, RenderError
from tests.models.media_samples import read_gif, read_video

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
    frames, durations, _ = read_gif(io.BytesIO(out.read_bytes()))
    assert durations == [1500] * len(values)
    return frames.astype(int)


def coloured(frame):
    """Red and blue pixels of the brains; the colour bar below them is left out."""
    inside = frame[: int(frame.shape[0] * 0.75)]
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


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_film_plays_in_real_time(atlas, tmp_path, kind):
    out = tmp_path / f"film.{kind}"
    write_glass_brain_animation(np.ones((3, 2), np.float32), atlas, out, **WORDS)
    frames, starts_s, _ = read_video(out)
    assert len(frames) == 3
    np.testing.assert_allclose(starts_s, [0, 1.5, 3.0])


def test_header_holds_facts_limits_and_time(atlas, tmp_path):
    out = tmp_path / "film.gif"
    values = np.array([[0.5, -2]], np.float32)
    write_glass_brain_animation(values, atlas, out, **WORDS, facts=(("model", "tiny"),))
    _, _, info = read_gif(io.BytesIO(out.read_bytes()))
    told = json.loads(info["comment"])
    assert told == {"model": "tiny", "tr": "1.5 s", "limits": "-2 to 2"}


def test_cancel_leaves_no_file(atlas, tmp_path):
    def report(stage, done, total):
        raise Cancelled("stop")

    out = tmp_path / "film.gif"
    with pytest.raises(Cancelled):
        write_glass_brain_animation(np.ones((2, 2)), atlas, out, **WORDS, report=report)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("values", "name", "words"),
    [
        ([[1, 1]], "film.avi", r"ends in \.gif, \.mp4 or \.webm"),
        ([[1, 1]], "film.mp4", "needs the package imageio-ffmpeg"),
        ([[1, 1]], "nowhere/film.gif", "no folder"),
        ([[np.nan, np.nan]], "film.gif", "no value"),
        (np.zeros((0, 2)), "film.gif", "no value"),
        ([[1]], "film.gif", "label 2 .* there are 1 parcels"),
    ],
)
def test_what_cannot_be_drawn_is_said(atlas, tmp_path, monkeypatch, values, name, words):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(RenderError, match=words):
        write_glass_brain_animation(np.array(values, np.float32), atlas, tmp_path / name, **WORDS)
    assert not (tmp_path / name).exists()
