"""The Python door of the visual field, run as a page by Streamlit's own tester."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from components.field import _as_point, _pack_once, _packed
from components.field.wire import FieldOptions
from models.types import Space
from tests.browser.field_page import Fields, Seen, make_response

SPACE = Space("tiny", "surface", 2, 2)
FIELDS = Fields(
    area=np.array([1, 1, 2, 2], np.int8),
    x_deg=np.array([1.0, 2.0, -1.0, -2.0]),
    y_deg=np.zeros(4),
)
SEEN = Seen(np.zeros((8, 8, 3), np.uint8), (-6, 6, -6, 6), (-4, 4, -4, 4), "")


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ({"x_deg": 1.5, "y_deg": -2}, (1.5, -2.0)),
        ({"x_deg": 0, "y_deg": 0}, (0.0, 0.0)),
        (None, None),
        ("<script>", None),
        ({"x_deg": 1.5}, None),
        ({"x_deg": "1", "y_deg": 1}, None),
        ({"x_deg": True, "y_deg": 1}, None),
        ({"x_deg": float("nan"), "y_deg": 1}, None),
        ({"x_deg": 15.1, "y_deg": 1}, None),
    ],
)
def test_only_a_point_in_range_is_taken_from_the_browser(sent, taken):
    assert _as_point(sent, 15.0) == taken


def test_a_message_is_packed_once_for_the_same_objects():
    response = make_response(np.ones((1, 4), np.float32), SPACE)
    options = FieldOptions(view="brain")
    first = _pack_once(response, FIELDS, [SEEN], (), options, None)
    assert _pack_once(response, FIELDS, [SEEN], (), options, None) is first
    other = Seen(SEEN.pixels, SEEN.extent_deg, SEEN.picture_deg, "Cut to a square.")
    assert _pack_once(response, FIELDS, [other], (), options, None) != first
    louder = FieldOptions(view="brain", limit=9)
    assert b'"limit": 9' in _pack_once(response, FIELDS, [other], (), louder, None)


def test_a_response_that_is_gone_leaves_nothing_behind():
    response = make_response(np.ones((1, 4), np.float32), SPACE)
    _pack_once(response, FIELDS, (), (), FieldOptions(view="brain"), None)
    before = len(_packed)
    del response
    assert len(_packed) == before - 1


def _page() -> None:
    import numpy as np
    import streamlit as st

    from components.field import visual_field
    from models.types import Space
    from tests.browser.field_page import Fields, make_response

    fields = Fields(
        area=np.array([1, 1, 2, 2], np.int8),
        x_deg=np.array([1.0, 2.0, -1.0, -2.0]),
        y_deg=np.zeros(4),
    )
    response = make_response(np.ones((1, 4), np.float32), Space("tiny", "surface", 2, 2))
    moved = visual_field(response, fields, key="field", view_key="brain")
    st.write(f"moved: {moved}")


def test_the_door_mounts_and_returns_none_until_the_cross_is_moved():
    page = AppTest.from_function(_page).run()
    assert not page.exception
    assert page.markdown[0].value == "moved: None"
