"""Structure of the figures, and their numbers against hand values."""

from dataclasses import dataclass

import numpy as np
import pytest

from components.charts import course, region_bars, region_courses
from models.analysis.roi import RegionRow
from models.errors import SpaceMismatchError

UNITS = "relative response (model units)"
BADGE = "REFERENCE R1 - early visual cortex, model units"


@dataclass(frozen=True)
class Row:
    region: str
    hemisphere: str
    mean: float
    n_vertices: int
    n_modelled: int
    is_low_confidence: bool = False


# V2's hemispheres average 0.6, V1's 0.4, hV4's -0.1; FFA has no value.
ROWS = (
    Row("V1", "left", 0.3, 210, 90),
    Row("V1", "right", 0.5, 220, 95),
    Row("V2", "left", 0.7, 180, 70),
    Row("V2", "right", 0.5, 190, 75),
    Row("hV4", "left", -0.1, 60, 30, True),
    Row("hV4", "right", -0.1, 55, 25, True),
    Row("FFA", "left", float("nan"), 40, 0),
    Row("FFA", "right", float("nan"), 44, 0),
)


def texts(figure):
    return [annotation.text for annotation in figure.layout.annotations]


def bars(figure):
    """Traces that carry values; the others are swatches of the legend."""
    return [trace for trace in figure.data if trace.showlegend is False]


def test_regions_are_sorted_by_the_mean_of_their_hemispheres_with_the_unmodelled_last():
    figure = region_bars(ROWS, UNITS)
    assert list(figure.layout.yaxis.categoryarray) == ["V2", "V1", "hV4", "FFA"]
    assert figure.layout.yaxis.autorange == "reversed"  # so the first is on top


def test_both_hemispheres_stand_side_by_side_with_their_own_values():
    left, right = bars(region_bars(ROWS, UNITS))
    assert (left.name, right.name) == ("Left", "Right")
    assert dict(zip(left.y, left.x, strict=True)) == {
        "V2": 0.7,
        "V1": 0.3,
        "hV4": -0.1,
        "FFA": None,
    }
    assert dict(zip(right.y, right.x, strict=True))["V1"] == 0.5
    assert left.marker.color != right.marker.color


def test_rows_of_the_analysis_are_drawn_as_they_come():
    row = RegionRow("V1", "left", "cat", 0.4, 0.1, 0.2, 0.6, 210, 90)
    (left,) = bars(region_bars([row], UNITS))
    assert left.x == (0.4,)
    assert left.customdata == ("90 of 210 vertices modelled",)


def test_a_pooled_row_gives_one_trace():
    (both,) = bars(region_bars([Row("V1", "both", 0.4, 430, 185)], UNITS))
    assert both.name == "Both hemispheres"


def test_value_axis_has_the_unit_word_for_word_and_a_zero_line():
    for axis in (
        region_bars(ROWS, UNITS).layout.xaxis,
        course(np.ones(2), ["a", "b"], UNITS, name="V1").layout.yaxis,
    ):
        assert axis.title.text == UNITS
        assert axis.zeroline is True
        assert axis.zerolinewidth > 1
        assert axis.rangemode == "tozero"


def test_labels_carry_the_number_of_modelled_vertices():
    labels = region_bars(ROWS, UNITS).layout.yaxis.ticktext
    counts = ["n = 145", "n = 185", "n = 55", "n = 0"]
    assert all(f">{count}<" in label for count, label in zip(counts, labels, strict=True))
    left = region_bars(ROWS, UNITS).data[0]
    assert left.customdata[1] == "90 of 210 vertices modelled"


def test_low_confidence_is_hatched_and_said():
    figure = region_bars(ROWS, UNITS)
    left = figure.data[0]
    assert dict(zip(left.y, left.marker.pattern.shape, strict=True)) == {
        "V2": "",
        "V1": "",
        "hV4": "/",
        "FFA": "",
    }
    assert "low confidence" in figure.layout.yaxis.ticktext[2]
    assert "low confidence" in left.customdata[2]


def test_a_region_without_values_says_not_modelled_once():
    assert texts(region_bars(ROWS, UNITS)) == ["not modelled"]


def test_one_unmodelled_hemisphere_is_named():
    rows = [Row("V1", "left", 1.0, 9, 9), Row("V1", "right", float("nan"), 9, 0)]
    assert texts(region_bars(rows, UNITS)) == ["right: not modelled"]


def test_badge_stands_under_every_kind_of_figure():
    values = np.ones((2, 1))
    for figure in (
        region_bars(ROWS[:2], UNITS, badge=BADGE),
        course(values[:, 0], ["a", "b"], UNITS, name="V1", badge=BADGE),
        region_courses(values, ["V1"], ["a", "b"], UNITS, badge=BADGE),
    ):
        assert BADGE in texts(figure)


def test_no_figure_speaks_of_percent_bold_or_paints_its_background():
    figure = region_bars(ROWS, UNITS, badge=BADGE)
    assert "BOLD" not in figure.to_json()
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"


def test_regions_beyond_the_limit_are_counted():
    rows = [Row(f"R{i}", "left", float(i), 5, 5) for i in range(50)]
    figure = region_bars(rows, UNITS, max_regions=40)
    assert len(figure.data[0].y) == 40
    assert figure.data[0].y[0] == "R49"
    assert "40 of 50 regions shown" in texts(figure)


def test_axis_limits_can_be_held():
    assert region_bars(ROWS, UNITS, limits=(-1, 2)).layout.xaxis.range == (-1, 2)


def test_course_keeps_values_names_and_gaps():
    figure = course(
        np.array([0.25, np.nan, -0.5], np.float32), ["cat", "dog", "house"], UNITS, name="V1 left"
    )
    (line,) = figure.data
    assert line.y == (0.25, None, -0.5)
    assert line.x == (1, 2, 3)
    assert line.connectgaps is False
    assert line.name == "V1 left"
    assert figure.layout.xaxis.ticktext == ("cat", "dog", "house")
    assert figure.layout.xaxis.title.text == "picture"


def test_seconds_stand_at_their_onsets():
    figure = course(np.ones(3), ["0.0", "1.5", "3.0"], UNITS, name="V1", row_kind="seconds")
    assert figure.data[0].x == (0, 1.5, 3)
    assert figure.layout.xaxis.title.text == "time (s)"


def test_current_row_is_marked():
    figure = course(
        np.ones(3), ["0", "2", "4"], UNITS, name="V1", row_kind="seconds", current_row=2
    )
    assert figure.layout.shapes[0].x0 == figure.layout.shapes[0].x1 == 4


def test_region_courses_draw_one_line_a_region_and_state_what_is_missing():
    values = np.array([[1.0, 0.5, np.nan], [2.0, 0.25, np.nan]])
    figure = region_courses(values, ["V1", "hV4", "FFA"], ["a", "b"], UNITS, low_confidence=["hV4"])
    assert [line.y for line in figure.data] == [(1.0, 2.0), (0.5, 0.25), (None, None)]
    assert [line.name for line in figure.data] == [
        "V1",
        "hV4 (low confidence)",
        "FFA (not modelled)",
    ]
    assert len({line.line.color for line in figure.data}) == 3


def test_more_lines_than_hues_differ_by_dash():
    figure = region_courses(np.ones((2, 16)), [f"R{i}" for i in range(16)], ["a", "b"], UNITS)
    assert len({(line.line.color, line.line.dash) for line in figure.data}) == 16


def test_many_pictures_are_thinned_and_long_names_shortened():
    labels = [f"holiday photograph number {i:03d}.jpeg" for i in range(64)]
    axis = course(np.ones(64), labels, UNITS, name="V1").layout.xaxis
    assert len(axis.ticktext) <= 12
    assert axis.ticktext[0] == "holiday p…000.jpeg"


def test_a_visitors_name_is_never_markup():
    figure = course(np.ones(1), ["<img src=x>"], UNITS, name="<b>V1</b>")
    assert figure.layout.xaxis.ticktext == ("&lt;img src=x&gt;",)
    assert figure.data[0].customdata == ("&lt;img src=x&gt;",)
    assert figure.data[0].name == "&lt;b&gt;V1&lt;/b&gt;"


def test_values_that_do_not_fit_the_labels_are_refused():
    with pytest.raises(SpaceMismatchError, match="2 labels and 1 regions"):
        region_courses(np.ones((3, 1)), ["V1"], ["a", "b"], UNITS)


def test_the_legend_is_plain_even_where_the_first_bar_is_hatched():
    figure = region_bars([Row("hV4", "left", 0.6, 90, 40, True), *ROWS], UNITS)
    swatches = [trace for trace in figure.data if trace.showlegend is not False]
    assert [(trace.name, trace.x) for trace in swatches] == [("Left", (None,)), ("Right", (None,))]
    assert all(trace.marker.pattern.shape is None for trace in swatches)
    assert [trace.marker.color for trace in swatches] == [t.marker.color for t in bars(figure)]
