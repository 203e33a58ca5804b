"""Films: every frame, real time, the footer, plain refusals, nothing left behind."""

import io
import itertools
import json
import os
import subprocess
import sys
import tempfile
import weakref

import numpy as np
import pytest
from PIL import Image

from models.drawing.paint import Look
from models.errors import Cancelled, RenderError, ResourceError
from models.media import Caption, animate, caption_of, poster_png, video, write_animation
from models.media.gif import choose_palette, gif_delays_cs, gif_step
from models.media.video import exact_rate
from tests.models.media_samples import FACTS, a_frame, read_gif, read_video, smooth_frames
from tests.models.samples import a_provenance, a_response

PLAIN = Caption("")


def a_caption(n_frames):
    """Labels and a footer."""
    return Caption("Model · prediction, not measured", tuple(f"TR {i}" for i in range(n_frames)))


# Time


@pytest.mark.parametrize(
    ("rate_hz", "delays_cs"),
    [
        (1 / 1.49, [149, 149, 149]),
        (3, [33, 34, 33, 33, 34]),  # ends at 33.3, 66.7, 100, 133.3, 166.7
        (30, [3, 4, 3, 3, 4]),
        (1 / 1.495, [150, 149, 150, 149]),  # ends at 149.5, 299, 448.5, 598, halves upwards
        (48, [2, 2, 2, 2, 2, 3, 2]),  # ends at 2.08, 4.17, 6.25, 8.33, 10.4, 12.5, 14.6
        (50, [2, 2, 2]),
    ],
)
def test_gif_delays_add_up_to_the_true_time(rate_hz, delays_cs):
    assert list(itertools.islice(gif_delays_cs(rate_hz), len(delays_cs))) == delays_cs


@pytest.mark.parametrize(("rate_hz", "step"), [(0.67, 1), (50, 1), (50.1, 2), (100, 2), (240, 5)])
def test_gif_shows_no_frame_shorter_than_browsers_do(rate_hz, step):
    assert gif_step(rate_hz) == step


def test_gif_has_every_frame_for_its_time():
    frames = [a_frame(index) for index in range(5)]
    shown, durations, info = read_gif(io.BytesIO(animate(frames, 3, "gif", PLAIN)))
    assert durations == [330, 340, 330, 330, 340]
    assert info["loop"] == 0
    for index, frame in enumerate(frames):
        np.testing.assert_array_equal(shown[index], frame)  # few colours: nothing is lost


def test_gif_keeps_frames_that_are_equal():
    frames = [a_frame(0), a_frame(0), a_frame(1), a_frame(1), a_frame(0)]
    shown, durations, _ = read_gif(io.BytesIO(animate(frames, 2, "gif", PLAIN)))
    assert durations == [500] * 5
    np.testing.assert_array_equal(shown, frames)


def test_gif_that_is_too_fast_leaves_out_frames_not_time():
    frames = [a_frame(index) for index in range(10)]
    shown, durations, _ = read_gif(io.BytesIO(animate(frames, 100, "gif", PLAIN)))
    np.testing.assert_array_equal(shown, frames[::2])
    assert durations == [20] * 5


def test_gif_of_thousands_of_colours_stays_near_them():
    frames = list(smooth_frames(12))
    colours = np.unique(np.concatenate(frames).reshape(-1, 3), axis=0)
    assert len(colours) > 500
    shown, _, _ = read_gif(io.BytesIO(animate(frames, 2, "gif", PLAIN)))
    error = np.abs(shown[:, :60].astype(int) - np.stack(frames))
    assert error.mean() < 3
    assert error.max() <= 24


def test_the_ground_keeps_its_colour_among_thousands():
    frames = list(smooth_frames(3))
    for frame in frames:
        frame[:, :40] = 255
    shown, _, _ = read_gif(io.BytesIO(animate(frames, 2, "gif", PLAIN)))
    assert (shown[:, :, :40] == 255).all()


def test_gif_finds_colours_of_the_bar_that_come_late():
    frames = [np.full((20, 320, 3), 247, np.uint8)] * 20
    late = frames[0].copy()
    late[5:15, 5:15] = (103, 0, 31)  # the last entry of RdBu_r
    look = Caption("", look=Look("RdBu_r", -1, 1), has_bar=False)
    shown, _, _ = read_gif(io.BytesIO(animate([*frames, late], 2, "gif", look)))
    assert np.abs(shown[20, 10, 10].astype(int) - (103, 0, 31)).max() <= 4


def test_palette_is_exact_where_it_can_be():
    sample = np.arange(255 * 3, dtype=np.uint8).reshape(15, 17, 3)
    expected = np.unique(sample.reshape(-1, 3), axis=0)
    found, is_exact = choose_palette([sample, sample])
    assert is_exact
    np.testing.assert_array_equal(np.unique(found, axis=0), expected)
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    ("rate_hz", "ratio"), [(1 / 1.49, "100/149"), (0.5, "1/2"), (3 / 1.49, "300/149"), (25, "25")]
)
def test_rates_are_exact_ratios(rate_hz, ratio):
    assert str(exact_rate(rate_hz)) == ratio


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_film_has_every_frame_at_its_time(kind, tmp_path):
    frames = [a_frame(index) for index in range(12)]
    path = tmp_path / f"film.{kind}"
    write_animation(iter(frames), 1 / 1.49, path, PLAIN)
    shown, starts_s, _ = read_video(path)
    assert shown.shape == (12, 40, 330, 3)
    np.testing.assert_allclose(starts_s, 1.49 * np.arange(12), atol=0.0006)  # WebM counts ms
    for index, frame in enumerate(frames):
        middle = shown[index, 12:20, 24 + 8 * index : 40 + 8 * index].astype(int)
        assert np.abs(middle.mean(axis=(0, 1)) - frame[16, 30 + 8 * index]).max() <= 6
        assert shown[index, 32:].min() >= 250


def test_odd_sizes_become_even(tmp_path):
    path = tmp_path / "film.mp4"
    write_animation([a_frame(0, 41, 333)] * 2, 2, path, PLAIN)
    assert read_video(path)[0].shape == (2, 42, 334, 3)


# Words


def test_every_frame_carries_the_footer_and_its_own_label():
    caption = caption_of(a_response(np.zeros((3, 8))), Look("viridis", 0, 2))
    shown, _, _ = read_gif(io.BytesIO(animate([a_frame(0)] * 3, 1, "gif", caption)))
    assert shown.shape[1] > 28 + 40 + 22 + 15
    foot = shown[:, 28 + 40 + 22 :]
    np.testing.assert_array_equal(foot, np.broadcast_to(foot[0], foot.shape))
    assert (foot[0].min(axis=2) < 150).sum() > 200  # ink
    labels = shown[:, :28]
    assert all((label.min(axis=2) < 100).sum() > 50 for label in labels)
    assert (labels[0] != labels[1]).any()
    assert (labels[1] != labels[2]).any()


def test_colour_bar_shows_the_map_between_its_limits():
    caption = Caption("", look=Look("viridis", 0, 2, threshold=1), units="z")
    with Image.open(io.BytesIO(poster_png(a_frame(0), caption))) as picture:
        rows = np.asarray(picture)[40:62]
    assert (rows == (253, 231, 36)).all(axis=2).sum() >= 5  # viridis' last entry
    assert not (rows == (68, 1, 84)).all(axis=2).any()  # its first is below the threshold
    assert (rows == 204).all(axis=2).sum() > 300  # grey, as of what is not modelled


def test_caption_says_what_must_be_known():
    response = a_response(
        [[0] * 8, [1] * 8], row_labels=("0", "1.49"), row_kind="seconds", is_signed=True
    )
    look = Look("RdBu_r", -1.5, 1.5, threshold=0.25)
    caption = caption_of(response, look, tr_s=1.49, speed=3, texts=["hello\nthere", ""])
    first, second = caption.footer.split("\n")
    assert first == (
        "Reference model (R1) · R1 parameters 1 · Average brain · toy · "
        "relative response (model units) · TR 1.49 s · 3 × real time · colours −1.5 to 1.5 · "
        "|value| from 0.25 · prediction, not measured"
    )
    assert second == "Not a prediction for any individual."
    assert caption.labels == ("Volume 1 · 0 s · hello there", "Volume 2 · 1.49 s")
    facts = dict(caption.facts)
    assert facts["tr"] == "1.49 s"
    assert facts["limits"] == "-1.5 to 1.5"
    assert facts["what"] == "Boldcast: prediction, not measured"
    assert facts["subject"] == "Average brain"


def test_caption_of_pictures_has_names_and_no_time():
    caption = caption_of(a_response([[0] * 8]), Look("viridis", 0, 1))
    assert caption.labels == ("picture 0",)
    assert "TR" not in caption.footer
    assert "tr" not in dict(caption.facts)


def test_real_time_is_said():
    response = a_response([[0] * 8], row_labels=("0",), row_kind="seconds")
    assert "real time" in caption_of(response, Look("viridis", 0, 1), tr_s=2).footer


def test_texts_must_be_one_a_row():
    with pytest.raises(RenderError, match="1 rows, but 2 texts"):
        caption_of(a_response([[0] * 8]), Look("viridis", 0, 1), texts=["a", "b"])


def test_long_words_and_letters_without_a_shape_fit(tmp_path):
    caption = Caption("x" * 500 + " 漢字", ("漢字 " * 200,))
    with Image.open(io.BytesIO(poster_png(a_frame(0), caption))) as picture:
        assert picture.width == 330
        pixels = np.asarray(picture)
    assert pixels[:, :6].min() == 255  # nothing runs over the edges
    assert pixels[:, -6:].min() == 255


def test_gif_comment_holds_the_facts():
    content = animate([a_frame(0)], 1, "gif", Caption("", facts=FACTS))
    _, _, info = read_gif(io.BytesIO(content))
    assert json.loads(info["comment"]) == dict(FACTS)


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_film_comment_holds_the_facts_however_long(kind, tmp_path):
    path, long = tmp_path / f"film.{kind}", "7, " * 60_000
    write_animation([a_frame(0)], 1, path, Caption("", facts=(*FACTS, ("selection", long))))
    _, _, words = read_video(path)
    told = words.stdout.decode().replace("\\\n", "\n").replace("\\", "")
    assert "model: Reference model (R1) [reference-vision]" in told
    assert '{"a=b;#": "än"}' in told
    assert long in told


def test_poster_is_a_png_that_says_where_it_comes_from():
    caption = caption_of(
        a_response([[0] * 8], provenance=a_provenance(subject="Zoë")), Look("viridis", 0, 1)
    )
    content = poster_png(a_frame(2), caption)
    with Image.open(io.BytesIO(content)) as picture:
        text, pixels = picture.text, np.asarray(picture)
    assert json.loads(text["Provenance"])["subject"] == "Zoë"
    assert text["Description"].endswith("prediction, not measured")
    np.testing.assert_array_equal(pixels[28:68], a_frame(2))


# Refusals


@pytest.mark.parametrize("kind", ["gif", "mp4"])
@pytest.mark.parametrize(
    ("frames", "caption", "words"),
    [
        ([], PLAIN, "no frame"),
        ([a_frame(0), a_frame(0, 50)], PLAIN, r"one shape, \(40, 330, 3\)"),
        ([a_frame(0).astype(float)], PLAIN, "uint8"),
        ([a_frame(0)[..., 0]], PLAIN, r"\(height, width, 3\)"),
        ([a_frame(0)] * 2, a_caption(3), "3 labels, but 2 frames"),
        ([a_frame(0)] * 3, a_caption(2), "2 labels, but more frames"),
        ([np.zeros((20, 5000, 3), np.uint8)], PLAIN, "at most 4096 pixels"),
    ],
)
def test_frames_that_are_no_film_are_refused(frames, caption, words, kind):
    with pytest.raises(RenderError, match=words):
        animate(frames, 1, kind, caption)


@pytest.mark.parametrize("rate_hz", [0, -1, 1e-3, 1000, float("nan"), float("inf")])
def test_rates_that_cannot_be_shown_are_refused(rate_hz):
    with pytest.raises(RenderError, match=r"0\.01 to 240 frames a second"):
        animate([a_frame(0)], rate_hz, "gif", PLAIN)


def test_unknown_kinds_and_endings_are_refused(tmp_path):
    with pytest.raises(RenderError, match="gif, mp4 or webm"):
        animate([a_frame(0)], 1, "avi", PLAIN)
    with pytest.raises(RenderError, match=r"ends in \.gif, \.mp4 or \.webm; got film\.avi"):
        write_animation([a_frame(0)], 1, tmp_path / "film.avi", PLAIN)
    with pytest.raises(RenderError, match="no folder"):
        write_animation([a_frame(0)], 1, tmp_path / "nowhere" / "film.gif", PLAIN)


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(RenderError, match=r"\.webm needs the package imageio-ffmpeg"):
        animate([a_frame(0)], 1, "webm", PLAIN)


def test_missing_program_is_named(monkeypatch):
    def nothing():
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", nothing)
    with pytest.raises(RenderError, match="finds none here"):
        animate([a_frame(0)], 1, "mp4", PLAIN)


@pytest.mark.parametrize("name", ["/nowhere/ffmpeg", "/"])
def test_program_that_cannot_be_started_is_said(monkeypatch, name):
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", lambda: name)
    with pytest.raises(RenderError, match="could not be started"):
        animate([a_frame(0)], 1, "mp4", PLAIN)


def test_missing_encoder_is_named(monkeypatch):
    monkeypatch.setitem(video.VIDEO_KINDS, "mp4", ("libnothing", ()))
    with pytest.raises(RenderError, match=r"cannot write \.mp4 \(it has no libnothing\)"):
        animate([a_frame(i) for i in range(200)], 1, "mp4", PLAIN)


@pytest.mark.parametrize("kind", ["gif", "mp4", "webm"])
def test_full_disk_is_one_sentence(kind, tmp_path):
    path = tmp_path / f"film.{kind}"
    # Where the unfinished film goes, writes fail as on a full disk.
    (tmp_path / f".{path.name}.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises(ResourceError, match=r"^The disk is full: the film was not written\.$"):
        write_animation(smooth_frames(50, 400, 400), 1, path, PLAIN)
    assert list(tmp_path.iterdir()) == []


# Stopping and memory


@pytest.mark.parametrize("kind", ["gif", "mp4"])
def test_cancel_stops_soon_and_leaves_nothing_behind(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    path, drawn, started = tmp_path / f"film.{kind}", [], []
    path.write_bytes(b"the film before")

    def frames():
        for index in range(1000):
            drawn.append(index)
            yield a_frame(index % 6)

    def report(stage, done, total):
        if done == 20:
            raise Cancelled("stop")

    class Watched(subprocess.Popen):
        def __init__(self, *words, **how):
            super().__init__(*words, **how)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    with pytest.raises(Cancelled):
        write_animation(frames(), 5, path, PLAIN, report)
    assert len(drawn) == 21
    assert path.read_bytes() == b"the film before"
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == [path.name]
    assert list((tmp_path / "temporary").iterdir()) == []
    assert len(started) == (kind == "mp4")
    assert all(process.poll() is not None for process in started)


def test_progress_counts_the_frames():
    told = []
    animate([a_frame(0)] * 3, 5, "gif", a_caption(3), lambda *words: told.append(words))
    assert told == [("drawing the film", done, 3) for done in range(4)]


@pytest.mark.parametrize("kind", ["gif", "mp4"])
def test_frames_are_let_go_of(kind, tmp_path):
    alive, most = 0, 0

    def gone():
        nonlocal alive
        alive -= 1

    def frames():
        nonlocal alive, most
        for index in range(300):
            frame = a_frame(index % 6)
            weakref.finalize(frame, gone)
            alive += 1
            yield frame
            most = max(most, alive)
            del frame

    write_animation(frames(), 10, tmp_path / f"film.{kind}", PLAIN)
    assert alive == 0
    assert most <= 2
