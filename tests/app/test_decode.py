"""The page Decode on the reference model: what a visitor does and what it says."""

import io

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from app import cache, decode_cache, decode_training
from app.decode_link import DecodeState
from app.decode_worlds import pictures_of
from models.engine import Engine
from models.spaces import FSAVERAGE5

SMALL = DecodeState(n_pictures=20)


@pytest.fixture(scope="module", autouse=True)
def engine():
    """One engine of these tests' own behind the cache."""
    one = Engine()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "engine", lambda: one)
        yield one
    one.close()


def page() -> None:
    from app.views import decode

    decode.render()


def memory(test: AppTest, name: str):
    """What the page keeps under a name, or None."""
    key = f"boldcast:memory:{name}"
    return test.session_state[key] if key in test.session_state else None  # noqa: SIM401


def settled(test: AppTest) -> AppTest:
    """Run until nothing is under way any more."""
    for name in ("decode-work", "decode-training"):
        work = memory(test, name)
        if work is not None:
            work.wait(60)
    test.run()
    assert not test.exception, test.exception[0].message
    return test


def open_page(**query: str) -> AppTest:
    test = AppTest.from_function(page, default_timeout=60)
    for name, value in {"size": "20", **query}.items():
        test.query_params[name] = value
    return settled(test.run())


def words(test: AppTest) -> str:
    """Everything written on the page, without the escapes of Markdown."""
    kinds = (test.markdown, test.caption, test.text, test.warning, test.error, test.info)
    written = [element.value for kind in kinds for element in kind]
    written += [element.proto.body for element in test.get("html")]
    return "\n".join(written).replace("\\", "").replace("\u2060", "")


def button(test: AppTest, label: str):
    return next(one for one in test.button if one.label == label)


def control(test: AppTest, label: str):
    return next(one for one in test.segmented_control if one.label == label)


def test_a_first_visit_tells_the_story_of_a_picture_that_was_found():
    test = AppTest.from_function(page, default_timeout=60)
    said = words(settled(test.run()))
    assert "it guesses which picture caused it" in said
    assert "same family, partly independent" in said
    assert "Found: the right picture is number 1 of 100" in said
    assert "Shown: Faces 7" in said
    assert "Chosen to start with because the first settings find it" in said
    assert "Confident match" in said
    assert "Assumption: single-trial signal-to-noise" in said
    assert "the right picture was among the five best guesses" in said
    assert not test.query_params
    assert not test.error


def test_tiles_say_what_was_counted():
    said = words(open_page())
    top_1, top_5 = decode_cache.shares(decode_cache.start(SMALL).result())
    assert f"{top_1.hits} of 20" in said
    assert f"{top_5.hits} of 20" in said
    assert "guessing 25 %" in said


def test_a_circular_pair_has_a_red_badge_and_no_setting_without_noise():
    test = open_page(reader="reference-vision~average", noise="0")
    said = words(test)
    assert ":red-badge[" in said
    assert "circular: shows noise only" in said
    slider = next(one for one in test.slider if one.label == "Scanner noise")
    assert slider.min > 0
    assert slider.value >= slider.min
    assert float(test.query_params["noise"]) > 0


def test_a_picture_that_is_taken_out_is_not_found_and_the_link_knows():
    test = open_page()
    test.toggle[0].set_value(True)
    said = words(settled(test.run()))
    assert "The right picture is not in the gallery" in said
    assert test.query_params["out"] == ["on"] or test.query_params["out"] == "on"


def test_a_link_brings_sliders_regions_and_the_picture_back():
    name = pictures_of(SMALL).names[7]
    test = open_page(shown=name, repeats="3", missed="20", places="V1,V3", seed="5")
    assert f"Shown: {name}" in words(test)
    values = {one.label: one.value for one in test.slider}
    assert values["Repeats averaged"] == 3
    assert values["Part of the brain the model misses"] == 20
    assert [one.value for one in test.checkbox] == [True, False, True, False]
    assert test.number_input[0].value == 5


def test_next_picture_and_measure_again_change_the_link():
    test = open_page()
    button(test, "Measure again").click()
    settled(test.run())
    assert test.query_params["seed"] in ("1", ["1"])
    before = test.selectbox[0].value
    button(test, "Next").click()
    said = words(settled(test.run()))
    assert test.selectbox[0].value != before
    assert "Chosen to start with" not in said


def test_a_link_to_files_says_that_they_stayed():
    said = words(open_page(pattern="uploaded"))
    assert "stayed on the computer" in said


def patterns(n: int) -> bytes:
    """Patterns of the first pictures of the small gallery, as a file."""
    reading = decode_cache.start(SMALL).result()
    values = np.full((n, FSAVERAGE5.n_places), np.nan, np.float32)
    values[:, reading.columns] = reading.patterns[:n]
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def test_uploaded_patterns_are_ranked_and_only_with_truth_they_are_scored():
    test = open_page()
    control(test, "Where patterns come from").set_value("uploaded")
    test.run()
    assert "Drop a file of patterns" in words(test)
    test.file_uploader[0].set_value([("mine.npy", patterns(6), "application/octet-stream")])
    said = words(settled(test.run()))
    assert "Nothing is known of how your patterns were made" in said
    assert "no truth was given" in said
    assert "How often is it right" not in said
    assert "the right way round" in said
    test.text_area[0].set_value("\n".join(pictures_of(SMALL).names[:6]))
    said = words(settled(test.run()))
    assert "How often is it right? 6 patterns" in said
    assert "6 of 6 names are pictures of the gallery" in said


def test_a_file_that_is_no_pattern_costs_a_sentence():
    test = open_page()
    control(test, "Where patterns come from").set_value("uploaded")
    test.run()
    test.file_uploader[0].set_value([("notes.txt", b"words", "text/plain")])
    test.run()
    assert not test.exception
    assert "notes.txt" in test.warning[0].value.replace("\\", "")


def test_pictures_of_ones_own_become_the_gallery_and_few_are_warned_of():
    test = open_page()
    control(test, "Gallery").set_value("own")
    test.run()
    assert "Drop two pictures or more" in words(test)
    random = np.random.default_rng(0)
    files = []
    for number in range(4):
        pixels = random.integers(0, 256, (3 + number, 3, 3), np.uint8).repeat(24, 0).repeat(24, 1)
        pixels = pixels[:72]
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        files.append((f"own {number}.png", buffer.getvalue(), "image/png"))
    twin = io.BytesIO()
    Image.fromarray(np.clip(pixels.astype(int) + 1, 0, 255).astype(np.uint8)).save(twin, "PNG")
    files.append(("twin.png", twin.getvalue(), "image/png"))
    test.file_uploader[0].set_value(files)
    said = words(settled(settled(test.run())))
    assert "of 5" in said
    assert "Fewer than 20 pictures" in said
    assert "own 3.png and twin.png are nearly the same picture" in said


def test_a_decoder_is_trained_when_asked_and_says_what_it_learnt_from(monkeypatch):
    monkeypatch.setattr(
        decode_training, "everything", lambda: pictures_of(DecodeState(n_pictures=100))
    )
    monkeypatch.setattr(decode_training, "N_PATTERNS", 150)
    test = open_page(method="ridge")
    assert "not in the gallery" in words(test)
    button(test, "Train the decoder").click()
    said = words(settled(test.run()))
    assert "Ridge regression: learnt from" in said
    assert "trained on this simulation" in said
    assert "How often is it right? 20 patterns" in said
    assert "cosine " in said


def test_curves_come_by_themselves_and_can_be_of_the_first_guess():
    test = open_page()
    work, _ = memory(test, "decode-curves")
    work.wait(60)
    settled(test.run())
    assert "How it fades" in words(test)
    assert len(test.get("plotly_chart")) == 5
