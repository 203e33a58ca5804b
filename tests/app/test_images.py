"""The images page on a fake model: empty, happy and failing states."""

import io
import re

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from app import cache
from models.errors import StimulusError

pytestmark = pytest.mark.usefixtures("engine")


def page() -> None:
    from app.views import images

    images.render()


def open_page(**query: str) -> AppTest:
    test = AppTest.from_function(page, default_timeout=60)
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception, test.exception[0].message
    return test


def png(level: int, size: tuple[int, int] = (32, 24)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (level, 10, 200)).save(buffer, "PNG")
    return buffer.getvalue()


def upload(test: AppTest, *files: tuple[str, bytes]) -> AppTest:
    kinds = [(name, data, "application/octet-stream") for name, data in files]
    test.file_uploader[0].set_value(kinds).run()
    assert not test.exception, test.exception[0].message
    return test


def words(test: AppTest) -> str:
    """Everything written on the page."""
    kinds = (test.markdown, test.caption, test.text, test.warning, test.error, test.info)
    return "\n".join(element.value for kind in kinds for element in kind)


def test_a_first_visit_shows_the_wedge_and_one_hint():
    test = open_page()
    assert "Drop a photograph" in words(test)
    assert "REFERENCE R1" in words(test)
    assert "hV4" in words(test)
    assert not test.error
    assert not test.query_params


def test_an_uploaded_picture_replaces_the_wedge_and_goes_into_the_link():
    test = upload(open_page(), ("cat.png", png(1)))
    assert "Your picture" in words(test)
    assert "cat.png" in [text.value for text in test.text]
    assert re.fullmatch(r"[0-9a-f]{12}", str(test.query_params["pictures"]))


def test_a_second_upload_keeps_the_first_and_a_bad_file_costs_one_sentence():
    test = upload(open_page(), ("one.png", png(1)), ("bad.png", b"not a picture"))
    assert len(test.warning) == 1
    assert "bad" in test.warning[0].value
    upload(test, ("two.png", png(2)))
    names = [text.value for text in test.text]
    assert "one.png" in names
    assert "two.png" in names
    assert "Your 2 pictures" in words(test)
    assert not test.warning


def test_one_picture_is_removed_and_the_last_one_brings_the_wedge_back():
    test = upload(open_page(), ("one.png", png(1)), ("two.png", png(2)))
    remove = [button for button in test.button if button.key and button.key.startswith("remove:")]
    remove[0].click().run()
    names = [text.value for text in test.text]
    assert "one.png" not in names
    assert "two.png" in names
    next(button for button in test.button if button.label == "Remove all").click().run()
    assert "Drop a photograph" in words(test)
    assert "pictures" not in test.query_params


def test_a_name_is_shown_letter_by_letter():
    test = upload(open_page(), ("<img src=x onerror=alert(1)>.png", png(1)))
    assert any("<img" in text.value for text in test.text)
    assert not any("<img" in element.value for element in test.markdown)


def test_a_link_brings_its_settings_and_regions():
    test = open_page(regions="V2", hemisphere="left", visual_angle_deg="12.5")
    assert test.multiselect[0].value == ["V2"]
    angle = next(one for one in test.slider if one.label == "Visual angle")
    assert angle.value == 12.5
    assert test.query_params["regions"] == "V2"


def test_a_link_to_a_lost_upload_says_so():
    test = open_page(pictures="0123456789ab")
    assert "stayed on the computer" in test.info[0].value.replace("\\", "")


def test_a_model_that_fails_gives_a_sentence_and_a_second_try(model):
    model.error = StimulusError("This picture is too strange.")
    test = open_page()
    assert "too strange" in test.error[0].value.replace("\\", "")
    model.error = None
    next(button for button in test.button if button.label == "Try again").click().run()
    assert not test.error
    assert "REFERENCE R1" in words(test)


def test_a_long_prediction_shows_its_stage_and_can_be_cancelled(model):
    model.gate.clear()
    test = open_page()
    next(button for button in test.button if button.label == "Cancel").click().run()
    model.gate.set()
    test.session_state["boldcast:memory:job"].wait(30)
    test.run()
    assert "Stopped" in words(test)
    assert "Change anything to start again" in words(test)


def test_the_same_question_is_not_computed_again(model):
    test = open_page()
    before = model.calls["readout"]
    test.run()
    assert model.calls["readout"] == before


def test_another_region_runs_no_features_again(model):
    test = open_page()
    before = model.calls["features"]
    test.multiselect[0].set_value(["V1"]).run()
    assert not test.exception
    assert model.calls["features"] == before
    assert test.query_params["regions"] == "V1"


def test_the_table_has_the_numbers_of_both_sides():
    test = open_page()
    kind = next(group for group in test.segmented_control if group.label == "Region values")
    kind.set_value("Table").run()
    assert not test.exception
    table = test.dataframe[0].value
    assert list(table["Side"]) == ["left", "right"] * 4
    assert table["Region"].iloc[-1] == "hV4 (low confidence)"


def test_dragging_the_cross_moves_the_widgets_and_the_link():
    def script() -> None:
        import streamlit as st

        from app.views import field, images

        st.button("drag", on_click=field.move_fixation, args=("reference-vision", 1.5, -2.0))
        images.render()

    test = AppTest.from_function(script, default_timeout=60).run()
    test.button[0].click().run()
    assert not test.exception
    assert [box.value for box in test.number_input] == [1.5, -2.0]
    assert test.query_params["fixation_x_deg"] == "1.5"
    assert test.query_params["fixation_y_deg"] == "-2"


def test_browsers_without_webgl_get_a_plain_picture_of_what_a_page_shows():
    test = open_page()
    answer = test.session_state["boldcast:memory:answer"]
    content = cache.plain_still(answer.id)
    assert content.startswith(b"\x89PNG")
    assert f"boldcast/still/{answer.id}.png".encode() in cache.message(answer, sample="wedge")
    assert cache.plain_still("0" * 24) is None
