"""Files that cannot be used: one clear sentence each, and never another error."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile, WebPImagePlugin

from models.errors import StimulusError
from models.stimulus import Stimulus
from tests.models.picture_samples import encode, every_kind, huge, noise, patches, png_chunk


def refusal(data, name="cat.png"):
    """Sentence that refuses a file."""
    with pytest.raises(StimulusError) as caught:
        Stimulus.from_bytes(data, name)
    return str(caught.value)


def box(brand):
    """First box of a file of the ISO base media family."""
    return b"\0\0\0\x18ftyp" + brand + b"\0" * 40


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "“cat.png” is empty (0 bytes). Save or download it again."),
        (
            b"hello, world",
            "“cat.png” is not a picture that can be read here. "
            "Use PNG, JPEG, WebP, BMP, TIFF or GIF.",
        ),
        (
            b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
            "“cat.png” is an SVG drawing, which has no pixels of its own. "
            "Export it as PNG and try again.",
        ),
        (
            b"%PDF-1.7\n",
            "“cat.png” is a PDF document. Export the page as PNG or take a screenshot, "
            "and try again.",
        ),
        (
            box(b"heic"),
            "“cat.png” is an HEIC photograph. Export or share it as JPEG and try again.",
        ),
        (box(b"avif"), "“cat.png” is an AVIF picture. Save it as PNG or JPEG and try again."),
        (box(b"isom"), "“cat.png” is a film. Take a still picture from it and try again."),
        (
            b"\x1a\x45\xdf\xa3webm",
            "“cat.png” is a film. Take a still picture from it and try again.",
        ),
        (
            b"<!DOCTYPE html><title>cat</title>",
            "“cat.png” is a web page, not a picture. Save the picture itself and try again.",
        ),
    ],
)
def test_what_is_no_picture_is_named(data, sentence):
    assert refusal(data) == sentence


def test_a_name_ending_does_not_make_a_picture_nor_unmake_one():
    assert "not a picture" in refusal(b"MZ\x90\0", "cat.jpg")
    assert len(Stimulus.from_bytes(encode(noise(), "JPEG"), "cat.png")) == 1


def test_200_mb_are_refused_before_anything_is_read():
    assert refusal(bytes(200_000_000)) == (
        "“cat.png” has 200 MB; files up to 50 MB can be read. "
        "Save the picture smaller, or as JPEG, and try again."
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
def test_20000_by_20000_pixels_are_refused_from_the_header(kind, monkeypatch):
    def decoded(*_):
        raise AssertionError("decoded before the size was checked")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    monkeypatch.setattr(WebPImagePlugin._webp, "WebPAnimDecoder", decoded)
    most = {"JPEG": 128, "WEBP": 32}.get(kind, 64)
    if kind == "WEBP":  # its header ends at 16,383
        sentence = refusal(huge(kind, 16_000, 16_000))
        assert "has 16,000 × 16,000 pixels, 256 megapixels" in sentence
    else:
        sentence = refusal(huge(kind))
        assert "has 20,000 × 20,000 pixels, 400 megapixels" in sentence
    assert sentence.endswith(f"up to {most} megapixels can be read. Make it smaller and try again.")


def test_a_progressive_jpeg_has_the_lower_limit():
    data = bytearray(encode(patches(), "JPEG", progressive=True))
    frame = data.index(b"\xff\xc2")
    data[frame + 5 : frame + 9] = (9000).to_bytes(2, "big") + (9000).to_bytes(2, "big")
    assert "up to 64 megapixels" in refusal(bytes(data))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_truncated_files_are_refused(kind, part):
    data = encode(noise(200, 200), kind)
    sentence = refusal(data[: int(len(data) * part)])
    assert sentence.startswith("“cat.png” is damaged or cut short")
    assert sentence.endswith("Download it again, or save it anew as PNG.")


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG"])
def test_a_film_cut_inside_a_frame_is_refused(kind):
    second = Image.fromarray(noise(60, 60, seed=1))
    data = encode(noise(60, 60), kind, save_all=True, append_images=[second])
    sentence = refusal(data[: int(len(data) * 0.75)])
    assert "damaged or cut short" in sentence


def test_text_that_unpacks_to_much_more_is_refused():
    bomb = png_chunk(b"zTXt", b"note\0\0" + zlib.compress(bytes(5_000_000)))
    data = encode(noise(), "PNG")
    assert "damaged" in refusal(data[:33] + bomb + data[33:])


def test_a_name_with_html_stays_text_in_the_sentence():
    assert refusal(b"", "<b onclick=x>.png").startswith("“<b onclick=x>.png” is empty")


def mutated(data, rng):
    """Cut, flip bits of, overwrite the header of, or splice into a file."""
    changed = bytearray(data)
    way = rng.integers(4)
    if way == 0:
        return data[: rng.integers(len(data))]
    if way == 1:
        for _ in range(rng.integers(1, 6)):
            changed[rng.integers(len(data))] ^= 1 << rng.integers(8)
    elif way == 2:
        for _ in range(rng.integers(1, 4)):
            place = rng.integers(min(len(data), 120))
            changed[place] = rng.choice([0, 1, 127, 128, 255])
    else:
        start = rng.integers(len(data))
        changed[start : start + rng.integers(1, 20)] = rng.bytes(int(rng.integers(0, 40)))
    return bytes(changed)


# Pillow warns of odd tags and goes on; here as in the app that is no error
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("name", sorted(every_kind()))
def test_damaged_files_decode_or_are_refused_and_nothing_else(name):
    data = every_kind()[name]
    rng = np.random.default_rng(sorted(every_kind()).index(name))
    sentences = []
    for _ in range(120):
        try:
            for stimulus in Stimulus.from_bytes(mutated(data, rng), name):
                pixels = stimulus.pixels()
                assert pixels.dtype == np.uint8
                assert pixels.shape[2:] == (3,)
                assert max(stimulus.size) > 0
        except StimulusError as problem:
            sentences.append(str(problem))
    assert sentences
    assert all(sentence.startswith(f"“{name}” ") for sentence in sentences)


@pytest.mark.parametrize(
    "error",
    [
        OSError,
        SyntaxError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AssertionError,
        EOFError,
        OverflowError,
        ZeroDivisionError,
        MemoryError,
        struct.error,
        zlib.error,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ],
)
def test_whatever_pillow_raises_becomes_one_sentence(error, monkeypatch):
    def fail(*_):
        raise error("odd")

    stimulus = Stimulus("image", "cat.png", encode(noise(), "PNG"))
    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(StimulusError, match="damaged or cut short"):
        stimulus.pixels()
