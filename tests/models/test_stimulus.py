"""What a stimulus is: name, digest, frames, and reading many files."""

import hashlib

import numpy as np
import pytest
from PIL import Image

from models import picture_file
from models import stimulus as stimulus_module
from models.errors import StimulusError
from models.stimulus import Stimulus, clean_name, read_many
from tests.models.picture_samples import encode, noise

COLOURS = ["red", "lime", "blue", "white", "black"]


def film(kind="GIF", n_frames=3, size=(20, 10), **options):
    """Animation of flat colours."""
    frames = [Image.new("RGB", size, COLOURS[k % 5]) for k in range(n_frames)]
    return encode(frames[0], kind, save_all=True, append_images=frames[1:], **options)


def test_generated_pixels_come_back_unchanged():
    stimulus = Stimulus.from_pixels(noise(40, 30), "noise")
    np.testing.assert_array_equal(stimulus.pixels(), noise(40, 30))
    assert stimulus.size == (30, 40)
    grey = Stimulus.from_pixels(noise(40, 30)[..., 0], "grey")
    np.testing.assert_array_equal(grey.pixels()[..., 2], noise(40, 30)[..., 0])


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4,), np.uint8),
        np.zeros((0, 4), np.uint8),
        np.zeros((4, 4, 3, 1), np.uint8),
    ],
)
def test_generated_pixels_of_another_shape_or_type_are_refused(pixels):
    with pytest.raises(StimulusError, match="of uint8; got"):
        Stimulus.from_pixels(pixels, "x")


def test_pixels_are_a_fresh_copy():
    stimulus = Stimulus.from_pixels(noise(), "noise")
    stimulus.pixels()[:] = 0
    np.testing.assert_array_equal(stimulus.pixels(), noise())


def test_equality_is_kind_frame_and_bytes_never_the_name():
    one = Stimulus("image", "a", b"data")
    assert one.digest == hashlib.sha256(b"image:0:data").hexdigest()
    assert one == Stimulus("image", "b", b"data", notes=("said",))
    assert hash(one) == hash(Stimulus("image", "b", b"data"))
    assert one != Stimulus("image", "a", b"data", frame=1)
    assert one != Stimulus("transcript", "a", b"data")
    assert one != "a"


def test_a_transcript_has_no_pixels():
    with pytest.raises(StimulusError, match="“talk” is a transcript"):
        Stimulus("transcript", "talk", b"words").pixels()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
        ("a\x00b\x1b[31m\x7f.png", "ab[31m.png"),
        ("two\nlines\tand\u2028more", "two lines and more"),
        ("gpj.\u202egnp", "gpj.gnp"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("broken\ud800", "broken"),
        ("👩\u200d🔬 café 脳.png", "👩\u200d🔬 café 脳.png"),
        (" \n ", "unnamed"),
        ("", "unnamed"),
    ],
)
def test_names_are_one_line_of_plain_text(given, kept):
    assert Stimulus("image", given, b"").name == kept


def test_long_names_are_cut_in_the_middle_and_keep_their_ending():
    name = clean_name("x" * 5000 + ".jpeg")
    assert len(name) == 120
    assert name.startswith("xxxx")
    assert "…" in name
    assert name.endswith("x.jpeg")


@pytest.mark.parametrize(
    ("kind", "options"),
    [("GIF", {"duration": 50}), ("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})],
)
def test_an_animation_becomes_one_stimulus_a_frame(kind, options):
    stimuli = Stimulus.from_bytes(film(kind, **options), "cat.gif")
    assert [s.name for s in stimuli] == [f"cat.gif · frame {k}" for k in (1, 2, 3)]
    assert [s.frame for s in stimuli] == [0, 1, 2]
    assert [tuple(s.pixels()[5, 5]) for s in stimuli] == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    assert {s.size for s in stimuli} == {(20, 10)}
    assert len({s.digest for s in stimuli}) == 3


def test_a_gif_frame_shows_what_earlier_frames_left():
    second = Image.new("P", (20, 10), 0)
    second.putpalette([0, 0, 0, 0, 0, 255])
    second.paste(1, (10, 0, 20, 10))
    second.info["transparency"] = 0
    first = Image.new("RGB", (20, 10), "red")
    data = encode(first, "GIF", save_all=True, append_images=[second], disposal=1)
    pixels = Stimulus.from_bytes(data, "x.gif")[1].pixels()
    assert tuple(pixels[5, 5]) == (255, 0, 0)
    assert tuple(pixels[5, 15]) == (0, 0, 255)


def test_the_cover_of_an_animated_png_is_no_frame():
    data = film("PNG", 4, default_image=True)
    stimuli = Stimulus.from_bytes(data, "x.png")
    assert tuple(stimuli[0].pixels()[0, 0]) == (0, 255, 0)
    assert len(stimuli) == 3


def test_pages_of_different_size_keep_their_size():
    pages = [Image.new("RGB", size) for size in ((20, 10), (7, 9))]
    data = encode(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert [s.size for s in Stimulus.from_bytes(data, "x.tif")] == [(20, 10), (7, 9)]


def test_a_still_keeps_its_original_bytes():
    data = film("GIF", 1)
    (stimulus,) = Stimulus.from_bytes(data, "still.gif")
    assert stimulus.data == data
    assert stimulus.name == "still.gif"


def test_frames_beyond_64_are_left_out_and_said():
    stimuli = Stimulus.from_bytes(film("GIF", 70), "long.gif")
    assert len(stimuli) == 64
    assert stimuli[63].name == "long.gif · frame 64"
    assert stimuli[0].notes == ("Only the first 64 frames are used.",)
    assert Stimulus.from_bytes(film("GIF", 64), "long.gif")[0].notes == ()


def test_frames_of_a_very_large_film_stop_at_the_pixel_budget(monkeypatch):
    monkeypatch.setattr(picture_file, "MAX_FRAMES_PIXELS", 450)
    stimuli = Stimulus.from_bytes(film("GIF", 5), "wide.gif")  # 200 pixels a frame
    assert len(stimuli) == 2
    assert stimuli[0].notes == ("Only the first 2 frames are used.",)


def test_large_frames_are_reduced_and_said():
    stimuli = Stimulus.from_bytes(film("GIF", 2, size=(2000, 500)), "wide.gif")
    assert stimuli[1].size == (1024, 256)
    assert stimuli[1].notes == ("Reduced from 2,000 × 500 pixels to 1,024 on the longer side.",)


def test_a_long_name_leaves_room_for_the_frame():
    stimuli = Stimulus.from_bytes(film(), "x" * 500 + ".gif")
    assert [s.name[-9:] for s in stimuli] == [f"· frame {k}" for k in (1, 2, 3)]
    assert max(len(s.name) for s in stimuli) <= 120


def test_bad_files_cost_a_sentence_and_the_others_stay():
    result = read_many(
        [
            ("one.png", encode(noise(seed=1), "PNG")),
            ("note.txt", b"hello"),
            ("empty.jpg", b""),
            ("two.png", encode(noise(seed=2), "PNG")),
        ]
    )
    assert [s.name for s in result.stimuli] == ["one.png", "two.png"]
    assert len(result.problems) == 2
    assert "note.txt" in result.problems[0]
    assert "empty.jpg" in result.problems[1]


def test_the_same_file_twice_is_kept_once():
    data = encode(noise(), "PNG")
    result = read_many([("a.png", data), ("b.png", data)])
    assert [s.name for s in result.stimuli] == ["a.png"]
    assert result.problems == ("“b.png” is the same file as “a.png”; it is shown once.",)


def test_frames_that_look_alike_all_stay():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue", "red")]
    data = encode(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    assert len(read_many([("x.tif", data)]).stimuli) == 3


def test_over_64_pictures_the_first_stay_and_one_sentence_says_so():
    files = [(f"{k}.png", encode(noise(4, 4, seed=k), "PNG")) for k in range(70)]
    result = read_many(files)
    assert [s.name for s in result.stimuli] == [f"{k}.png" for k in range(64)]
    assert result.problems == (
        "The first 64 pictures were kept and the rest left out: 64 is the most at once.",
    )
    assert read_many(files[:64]).problems == ()


def test_a_film_is_cut_where_the_limit_falls():
    still = ("still.png", encode(noise(), "PNG"))
    result = read_many([still, ("film.gif", film(n_frames=5))], limit=4)
    assert [s.name for s in result.stimuli][1:] == [f"film.gif · frame {k}" for k in (1, 2, 3)]
    assert len(result.problems) == 1


def test_bytes_of_all_pictures_together_are_bounded(monkeypatch):
    files = [(f"{k}.png", encode(noise(seed=k), "PNG")) for k in range(3)]
    room = len(files[0][1]) + len(files[1][1])
    monkeypatch.setattr(stimulus_module, "MAX_TOTAL_BYTES", room)
    result = read_many(files)
    assert len(result.stimuli) == 2
    assert "“2.png” was left out" in result.problems[0]


# Transcripts


def test_a_transcript_keeps_its_lines_times_and_onsets():
    talk = Stimulus.from_lines(
        ["Hello, are", "", "you? \u2014 \U0001f600"], "talk", 1.49, [0, 1, 3, 3.5, 4]
    )
    assert talk.kind == "transcript"
    assert talk.lines == ("Hello, are", "", "you? \u2014 \U0001f600")
    assert talk.tr_s == 1.49
    assert talk.word_onsets_s == (0, 1, 3, 3.5, 4)


def test_the_digest_of_a_transcript_covers_text_onsets_and_tr_but_not_the_name():
    plain = Stimulus.from_lines(["a b", "c"], "x", 1.5)
    assert plain == Stimulus.from_lines(("a b", "c"), "y", 1.5)
    others = [
        Stimulus.from_lines(["a", "b c"], "x", 1.5),
        Stimulus.from_lines(["a b", "c", ""], "x", 1.5),
        Stimulus.from_lines(["a b", "c"], "x", 1.49),
        Stimulus.from_lines(["a b", "c"], "x", 1.5, [0, 1, 2]),
        Stimulus.from_lines(["a b", "c"], "x", 1.5, [0, 1, 2.5]),
    ]
    assert len({plain, *others}) == 6


@pytest.mark.parametrize(
    ("lines", "tr_s", "onsets", "words"),
    [
        ("hello", 1.5, (), "plain string"),
        ([], 1.5, (), "empty"),
        (["a", 3], 1.5, (), "got int"),
        (["a"], 0.0, (), "above 0 s"),
        (["a"], float("nan"), (), "above 0 s"),
        (["a b"], 1.5, (0.0,), "2 words, but 1"),
        (["a b"], 1.5, (1.0, 0.0), "must not fall"),
        (["a b"], 1.5, (0.0, float("inf")), "finite"),
        ([""] * 20_001, 1.5, (), "20,001 lines"),
        (["a" * 10_000_001], 1.5, (), "10,000,001 letters"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_what_is_no_transcript_is_refused(lines, tr_s, onsets, words):
    with pytest.raises(StimulusError, match=words):
        Stimulus.from_lines(lines, "x", tr_s, onsets)


@pytest.mark.parametrize(
    "data", [b"hello", b"[]", b'{"lines": "hello", "tr_s": 1, "word_onsets_s": []}', b"\xff"]
)
def test_bytes_that_are_no_transcript_are_refused_when_read(data):
    with pytest.raises(StimulusError):
        _ = Stimulus("transcript", "talk", data).lines


def test_a_picture_has_no_words():
    with pytest.raises(StimulusError, match="no words"):
        _ = Stimulus.from_pixels(noise(), "noise").lines
