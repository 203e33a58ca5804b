"""Courses: what travels to the browser, and what may come back."""

import numpy as np
import pytest

from components.charts import LINE_COLORS, LINE_DASHES
from components.courses import (
    Delay,
    Effects,
    Line,
    Words,
    courses_view,
    pack_courses,
    read_region,
)
from components.message import decode_message
from components.static import is_plotly, plotly_script, plotly_url, static_routes_payload
from models.errors import SpaceMismatchError
from models.types import Provenance, Response, Space

RESPONSE = Response(
    np.zeros((3, 3)),
    Space("tiny", "parcels", 2, 1),
    ("4.00", "5.50", "7.00"),
    "z",
    True,
    Provenance("m", "Model", "1", "0" * 64, "s", "c", "BADGE"),
    row_kind="seconds",
)
VALUES = np.array([[1.0, 0.25], [np.nan, 0.5], [3.0, np.inf]])
LINES = (Line("V1", "V1 left", parts=("V1v",)), Line("V2", is_low_confidence=True))


def pack(values=VALUES, lines=LINES, row_texts=("a", "", "b"), **more):
    options = {
        "tr_s": 1.5,
        "row_texts": row_texts,
        "words": Words(("a", "<b>"), (4.5, 7.25)),
        "delay": Delay(5.0, 2.9, 8.1, "So it is."),
        **more,
    }
    return pack_courses(RESPONSE, values, lines, **options)


def numbers(header, payload, place):
    """Numbers of one section."""
    return np.frombuffer(payload, "<f4", place["length"] // 4, place["offset"])


def test_values_travel_line_by_line_and_gaps_stay_gaps():
    header, payload = decode_message(pack())
    values = numbers(header, payload, header["values"]).reshape(2, 3)
    np.testing.assert_array_equal(values, [[1, np.nan, 3], [0.25, 0.5, np.nan]])
    assert (header["n_rows"], header["tr_s"], header["first_s"]) == (3, 1.5, 4.0)
    assert (header["units"], header["badge"]) == ("z", "BADGE")
    assert header["row_texts"] == ["a", "", "b"]
    assert header["words"] == ["a", "<b>"]
    np.testing.assert_array_equal(numbers(header, payload, header["onsets"]), [4.5, 7.25])
    assert header["delay"] == {"peak": 5.0, "from": 2.9, "to": 8.1, "source": "So it is."}
    assert header["effects"] is None


def test_lines_have_the_hues_of_other_charts_and_say_what_they_are():
    first, second = decode_message(pack())[0]["lines"]
    assert (first["name"], first["label"], first["parts"]) == ("V1", "V1 left", ["V1v"])
    assert (second["label"], second["is_low"]) == ("V2", True)
    many = [Line(f"R{number}") for number in range(8)]
    lines = decode_message(pack(np.full((3, 8), np.nan), many))[0]["lines"]
    assert [line["color"] for line in lines[:7]] == list(LINE_COLORS)
    assert (lines[7]["color"], lines[7]["dash"]) == (LINE_COLORS[0], LINE_DASHES[1])
    assert not any(line["is_modelled"] for line in lines)


@pytest.mark.parametrize(
    ("baseline", "means", "lows"),
    [([[1, 3], [2, 2]], [2, 2], [1, 2]), (np.empty((2, 0)), [], [])],
)
def test_bars_carry_the_mean_and_range_of_their_baseline(baseline, means, lows):
    effects = Effects(
        "change",
        ("a", "b"),
        np.array([4.5, 7.25]),
        np.array([0.5, 0.5]),
        np.array([1.0, -2.0]),
        np.array(baseline, float),
        "V1",
    )
    header, payload = decode_message(pack(effects=effects))
    bars = header["effects"]
    np.testing.assert_array_equal(numbers(header, payload, bars["values"]), [1, -2])
    np.testing.assert_array_equal(numbers(header, payload, bars["means"]), means)
    np.testing.assert_array_equal(numbers(header, payload, bars["lows"]), lows)
    assert (bars["line"], bars["n_shuffles"]) == ("V1", len(np.array(baseline).T))


def test_the_same_courses_make_the_same_message_and_others_another():
    assert pack() == pack()
    assert decode_message(pack())[0]["id"] != decode_message(pack(tr_s=2.0))[0]["id"]


@pytest.mark.parametrize("wrong", [{"values": VALUES[:2]}, {"lines": LINES[:1]}, {"row_texts": ()}])
def test_what_does_not_fit_is_refused(wrong):
    with pytest.raises(SpaceMismatchError, match="but values"):
        pack(**wrong)


@pytest.mark.parametrize(
    ("value", "region"),
    [({"region": "V1"}, "V1"), ({"region": ""}, ""), ({"region": 3}, None), (None, None)],
)
def test_only_a_name_is_taken_from_the_browser(value, region):
    assert read_region(value) == region


def test_a_key_that_would_break_the_markup_is_refused():
    with pytest.raises(ValueError, match="letters, digits"):
        courses_view(b"", key="courses", view_key='"><script>')


def test_plotly_comes_from_the_installed_package_apart_from_our_own_files():
    url = plotly_url()
    content, kind = plotly_script()
    assert content.startswith(b"/**\n* plotly.js v")
    assert kind.startswith("text/javascript")
    assert is_plotly(url)
    assert not is_plotly(url.replace("/plotly.min.js", "0/plotly.min.js"))
    assert url not in static_routes_payload()
