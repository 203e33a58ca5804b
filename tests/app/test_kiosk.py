"""The kiosk on a fake model."""

import pytest
from streamlit.testing.v1 import AppTest

from app.views import kiosk
from models.errors import StimulusError

pytestmark = pytest.mark.usefixtures("engine")


def page() -> None:
    from app.views import kiosk

    kiosk.render()


def open_page() -> AppTest:
    test = AppTest.from_function(page, default_timeout=60).run()
    assert not test.exception, test.exception[0].message
    return test


def test_the_loop_runs_without_an_upload_or_a_menu():
    test = open_page()
    assert "Rotating wedge" in test.title[0].value
    assert not test.file_uploader
    assert not test.selectbox
    assert not test.button
    assert kiosk.DISCLAIMER in test.markdown[0].value


def test_a_touched_picture_is_shown(monkeypatch):
    chosen = {}
    monkeypatch.setattr(kiosk, "touch_tiles", lambda tiles, **more: chosen.update(more))
    test = open_page()
    assert chosen["chosen"] == chosen["home"] == "wedge"
    test.session_state["boldcast:memory:kiosk"] = "photographs:0"
    test.run()
    assert not test.exception
    assert chosen["chosen"] == "photographs:0"
    assert "Astronaut" in test.title[0].value


def test_a_failure_is_a_sentence(model):
    model.error = StimulusError("This picture is too strange.")
    test = open_page()
    assert len(test.error) == 1
