"""Region bars and courses over pictures or seconds, drawn with plotly.

Backgrounds are transparent and text has no colour of its own, so a figure follows the page's
light or dark theme. The hues are a colour-blind-safe set (after Okabe & Ito 2008), darkened where
needed to stand out from white as well as from near-black. The value axis carries the response's
unit word for word.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np
import plotly.graph_objects as go

from models.errors import SpaceMismatchError
from models.types import FloatArray

__all__ = ["RegionRowLike", "course", "region_bars", "region_courses"]

#: Left and right hemisphere, and a row that pools both.
HEMISPHERE_COLORS = {"left": "#0072B2", "right": "#C87A00", "both": "#0072B2"}
#: One a line; repeated with another dash when there are more lines.
LINE_COLORS = ("#0072B2", "#C87A00", "#009E73", "#C2599B", "#2F9BD6", "#D55E00", "#7D7D7D")
LINE_DASHES = ("solid", "dash", "dot")

_ZERO_LINE = "rgba(128,128,128,0.9)"
_GRID = "rgba(128,128,128,0.18)"
_LOW_CONFIDENCE = "low confidence"
_NOT_MODELLED = "not modelled"
_LONGEST_LABEL = 18
_MOST_TICKS = 12


class RegionRowLike(Protocol):
    """One region of one hemisphere, as ``models.analysis.roi`` computes it."""

    @property
    def region(self) -> str:
        """Name in the atlas."""

    @property
    def hemisphere(self) -> str:
        """``"left"``, ``"right"`` or ``"both"``."""

    @property
    def mean(self) -> float:
        """Mean over the modelled vertices; NaN where there are none."""

    @property
    def n_vertices(self) -> int:
        """Vertices of the region."""

    @property
    def n_modelled(self) -> int:
        """Those with a value."""

    @property
    def is_low_confidence(self) -> bool:
        """Whether the model itself warns of this region."""


def region_bars(
    rows: Sequence[RegionRowLike],
    units: str,
    *,
    badge: str = "",
    limits: tuple[float, float] | None = None,
    max_regions: int = 40,
    notes: Mapping[str, str] | None = None,
    place_word: str = "vertices",
) -> go.Figure:
    """Horizontal bars of region means, largest first, hemispheres side by side.

    Parameters
    ----------
    rows : sequence of RegionRowLike
        One a region and hemisphere, of one picture or volume; means in ``units``.
    units : str
        Title of the value axis, word for word.
    badge : str
        Short caveat written under the bars.
    limits : tuple of float, optional
        Ends of the value axis, to hold it still over pictures.
    max_regions : int
        How many regions are drawn; a line below says how many were left out.
    notes : Mapping of str to str, optional
        Words beside the name of a region, e.g. how well it is predicted.
    place_word : str
        What a region consists of.

    Returns
    -------
    plotly Figure
        Regions are sorted by the mean of their hemispheres' means; those without a value come
        last and say "not modelled". Low-confidence regions are hatched and say so.
    """
    order = _by_value(rows)
    shown = order[:max_regions]
    figure = go.Figure()
    for hemisphere in ("left", "right", "both"):
        side = {row.region: row for row in rows if row.hemisphere == hemisphere}
        if side:
            figure.add_trace(_hemisphere_trace(hemisphere, side, shown, units, place_word))
    for trace in tuple(figure.data):
        figure.add_trace(_legend_entry(trace))
    _calm(figure, units, badge, value_axis="x")
    figure.update_yaxes(
        type="category",
        categoryorder="array",
        categoryarray=[_plain(region) for region in shown],
        autorange="reversed",
        tickvals=[_plain(region) for region in shown],
        ticktext=[
            _region_label(region, rows, (notes or {}).get(region, ""), is_short=len(shown) > 12)
            for region in shown
        ],
        showgrid=False,
    )
    if limits is not None:
        figure.update_xaxes(range=list(limits))
    figure.update_layout(barmode="group", bargap=0.35, bargroupgap=0.06)
    for region in shown:
        _say_not_modelled(figure, region, rows)
    if len(order) > len(shown):
        _add_note(figure, f"{len(shown)} of {len(order)} regions shown", line=2 if badge else 1)
    figure.update_layout(height=130 + (46 if len(shown) <= 12 else 26) * max(len(shown), 2))
    return figure


def course(
    values: FloatArray,
    row_labels: Sequence[str],
    units: str,
    *,
    name: str,
    row_kind: Literal["picture", "seconds"] = "picture",
    current_row: int | None = None,
    badge: str = "",
) -> go.Figure:
    """Course of one vertex or region over pictures or seconds.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        In ``units``; NaN leaves a gap.
    row_labels : sequence of str
        Names of the pictures, or onsets in seconds; shown as plain text.
    units : str
        Title of the value axis, word for word.
    name : str
        What was pinned.
    row_kind : {"picture", "seconds"}
        What the labels are.
    current_row : int, optional
        Row to mark with an upright line.
    badge : str
        Short caveat written under the plot.

    Raises
    ------
    SpaceMismatchError
        Values and labels differ in number.
    """
    return region_courses(
        np.asarray(values)[:, None],
        [name],
        row_labels,
        units,
        row_kind=row_kind,
        current_row=current_row,
        badge=badge,
    )


def region_courses(
    values: FloatArray,
    regions: Sequence[str],
    row_labels: Sequence[str],
    units: str,
    *,
    low_confidence: Sequence[str] = (),
    row_kind: Literal["picture", "seconds"] = "picture",
    current_row: int | None = None,
    badge: str = "",
) -> go.Figure:
    """Courses of several regions over pictures or seconds, one line each.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_regions)
        In ``units``; NaN leaves a gap, a region without any value is listed as not modelled.
    regions : sequence of str
        Names of the columns.
    row_labels, units, row_kind, current_row, badge
        As for :func:`course`.
    low_confidence : sequence of str
        Regions drawn thin and named so.

    Raises
    ------
    SpaceMismatchError
        Shape, regions and labels do not fit each other.
    """
    table = np.asarray(values, dtype=float)
    if table.shape != (len(row_labels), len(regions)):
        raise SpaceMismatchError(
            f"{len(row_labels)} labels and {len(regions)} regions, but values {table.shape}."
        )
    positions = _row_positions(row_labels, row_kind)
    figure = go.Figure()
    for index, region in enumerate(regions):
        is_low = region in low_confidence
        figure.add_trace(
            go.Scatter(
                x=positions,
                y=[_or_none(value) for value in table[:, index]],
                name=_line_name(region, table[:, index], is_low),
                mode="lines+markers",
                connectgaps=False,
                line={
                    "color": LINE_COLORS[index % len(LINE_COLORS)],
                    "dash": LINE_DASHES[index // len(LINE_COLORS) % len(LINE_DASHES)],
                    "width": 1.2 if is_low else 2.4,
                },
                marker={"size": 7, "symbol": "circle-open" if is_low else "circle"},
                customdata=[_plain(label) for label in row_labels],
                hovertemplate=f"%{{customdata}}<br>%{{y:.4g}} {_plain(units)}",
            )
        )
    _calm(figure, units, badge, value_axis="y")
    _label_rows(figure, positions, row_labels, row_kind)
    if current_row is not None:
        figure.add_vline(x=positions[current_row], line={"color": _ZERO_LINE, "dash": "dot"})
    # One line needs no legend, but keeps its name.
    figure.update_layout(showlegend=True, height=320, hovermode="closest")
    return figure


def _by_value(rows: Sequence[RegionRowLike]) -> list[str]:
    """Region names, largest mean of hemispheres first, those without a value last."""

    def strength(region: str) -> float:
        means = [row.mean for row in rows if row.region == region and np.isfinite(row.mean)]
        return float(np.mean(means)) if means else -np.inf

    return sorted(dict.fromkeys(row.region for row in rows), key=strength, reverse=True)


def _hemisphere_trace(
    hemisphere: str,
    side: dict[str, RegionRowLike],
    regions: Sequence[str],
    units: str,
    place_word: str,
) -> go.Bar:
    """Bars of one hemisphere, in the order of ``regions``."""
    present = [side[region] for region in regions if region in side]
    return go.Bar(
        orientation="h",
        name={"left": "Left", "right": "Right", "both": "Both hemispheres"}[hemisphere],
        y=[_plain(row.region) for row in present],
        x=[_or_none(row.mean) for row in present],
        marker={
            "color": HEMISPHERE_COLORS[hemisphere],
            "line": {"width": 0},
            "pattern": {
                "shape": ["/" if row.is_low_confidence else "" for row in present],
                "fillmode": "replace",
                "size": 6,
                "solidity": 0.45,
            },
        },
        offsetgroup=hemisphere,
        showlegend=False,
        customdata=[_bar_words(row, place_word) for row in present],
        hovertemplate=(
            f"%{{y}}, {hemisphere}: %{{x:.4g}} {_plain(units)}<br>%{{customdata}}<extra></extra>"
        ),
    )


def _legend_entry(trace: go.Bar) -> go.Bar:
    """Plain swatch of a hemisphere: plotly's own would copy the hatching of the first bar."""
    return go.Bar(
        orientation="h",
        name=trace.name,
        y=trace.y[:1],
        x=[None],
        marker={"color": trace.marker.color, "line": {"width": 0}},
        offsetgroup=trace.offsetgroup,
        hoverinfo="skip",
    )


def _bar_words(row: RegionRowLike, place_word: str) -> str:
    """Second line of a bar's hover text."""
    words = f"{row.n_modelled} of {row.n_vertices} {place_word} modelled"
    return f"{words}, {_LOW_CONFIDENCE}" if row.is_low_confidence else words


def _region_label(region: str, rows: Sequence[RegionRowLike], note: str, *, is_short: bool) -> str:
    """Region name with its number of modelled places, a note and, if so, the warning."""
    mine = [row for row in rows if row.region == region]
    n_modelled = sum(row.n_modelled for row in mine)
    name = _plain(region)
    if any(row.is_low_confidence for row in mine):
        name = f"{name} ({_LOW_CONFIDENCE})"
    count = f"n = {n_modelled:,}" + (f" · {_plain(note)}" if note else "")
    if is_short:
        return f"{name}, {count}"
    return f'{name}<br><span style="font-size: 11px">{count}</span>'


def _say_not_modelled(figure: go.Figure, region: str, rows: Sequence[RegionRowLike]) -> None:
    """Write at the zero line which hemispheres of a region have no value."""
    mine = [row for row in rows if row.region == region]
    absent = [row.hemisphere for row in mine if not np.isfinite(row.mean)]
    if not absent:
        return
    is_all = len(absent) == len(mine)
    figure.add_annotation(
        x=0,
        y=_plain(region),
        xanchor="left",
        xshift=6,
        # The left hemisphere's bar is the upper one of a pair.
        yshift=0 if is_all else (10 if absent == ["left"] else -10),
        text=_NOT_MODELLED if is_all else f"{absent[0]}: {_NOT_MODELLED}",
        showarrow=False,
        opacity=0.7,
        font={"size": 12},
    )


def _calm(figure: go.Figure, units: str, badge: str, *, value_axis: Literal["x", "y"]) -> None:
    """Transparent, few lines, a zero line that is seen, the unit on the value axis."""
    figure.update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 8, "r": 12, "t": 36, "b": 84 if badge else 56},
        legend={"orientation": "h", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom"},
        dragmode=False,
    )
    figure.update_xaxes(automargin=True, gridcolor=_GRID, zeroline=False)
    figure.update_yaxes(automargin=True, gridcolor=_GRID, zeroline=False)
    update = figure.update_xaxes if value_axis == "x" else figure.update_yaxes
    update(
        title={"text": _plain(units)},
        zeroline=True,
        zerolinecolor=_ZERO_LINE,
        zerolinewidth=1.5,
        rangemode="tozero",
    )
    if badge:
        _add_note(figure, badge, line=1)


def _add_note(figure: go.Figure, text: str, *, line: int) -> None:
    """Small line below the plot."""
    figure.add_annotation(
        text=_plain(text),
        xref="paper",
        yref="paper",
        x=1,  # from the right edge, so that a narrow page keeps room for it under the labels
        y=0,
        xanchor="right",
        yanchor="top",
        yshift=-42 - 16 * line,
        showarrow=False,
        opacity=0.75,
        font={"size": 11},
    )


def _row_positions(
    row_labels: Sequence[str], row_kind: Literal["picture", "seconds"]
) -> list[float]:
    """Place of each row on the axis: its number, or its onset."""
    if row_kind == "seconds":
        return [float(label) for label in row_labels]
    return [float(number) for number in range(1, len(row_labels) + 1)]


def _label_rows(
    figure: go.Figure,
    positions: Sequence[float],
    row_labels: Sequence[str],
    row_kind: Literal["picture", "seconds"],
) -> None:
    """Name the rows below the axis, thinned so that they can be read."""
    if row_kind == "seconds":
        figure.update_xaxes(title={"text": "time (s)"})
        return
    step = -(-len(positions) // _MOST_TICKS)
    figure.update_xaxes(
        title={"text": "picture"},
        tickvals=list(positions[::step]),
        ticktext=[_plain(_shorten(label)) for label in row_labels[::step]],
    )


def _line_name(region: str, values: FloatArray, is_low_confidence: bool) -> str:
    """Legend entry of a line."""
    remarks = [_NOT_MODELLED] * (not np.isfinite(values).any())
    remarks += [_LOW_CONFIDENCE] * is_low_confidence
    return _plain(region) + (f" ({', '.join(remarks)})" if remarks else "")


def _shorten(label: str) -> str:
    """Cut a long name in its middle, where names differ least."""
    if len(label) <= _LONGEST_LABEL:
        return label
    half = _LONGEST_LABEL // 2
    return f"{label[:half]}…{label[1 - half :]}"


def _or_none(value: Any) -> float | None:
    """Value for JSON: NaN and infinities become a gap."""
    return float(value) if np.isfinite(value) else None


def _plain(text: str) -> str:
    """Text that plotly must not read as markup."""
    return html.escape(text, quote=False)
