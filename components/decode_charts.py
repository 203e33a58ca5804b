"""How well pictures are found again, drawn with plotly: ranks, curves, regions, confusions.

Backgrounds are transparent and text has no colour of its own, so a figure follows the page's
light or dark theme. Chance is always a dotted grey line, a shuffled control always grey.
"""

from __future__ import annotations

import html
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from models.errors import SpaceMismatchError
from models.types import BoolArray, FloatArray

__all__ = [
    "Curve",
    "accuracy_bars",
    "accuracy_curve",
    "category_table",
    "rank_bins",
    "rank_histogram",
]

#: Found, found among the first five, not found; the middle of a colour-blind-safe set.
FOUND, NEAR, MISSED = "#009E73", "#0072B2", "rgba(128,128,128,0.55)"
CONTROL = "rgba(128,128,128,0.9)"
_GRID = "rgba(128,128,128,0.18)"
_TRANSPARENT = "rgba(0,0,0,0)"
#: Ends of the wider bins of ranks, counted from 1; the first five have a bin each.
_BIN_ENDS = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
N_FIRST = 5


@dataclass(frozen=True, eq=False)
class Curve:
    """Accuracy at several values of one thing, under several seeds.

    Parameters
    ----------
    title : str
        Of the value axis: what is varied, with its unit.
    positions : tuple of float or str
        Values of it; text for things without an order, such as regions.
    accuracy : ndarray of shape (n_seeds, n_positions)
        Share found, 0 to 1; NaN where a cell has not been worked out.
    shuffled : ndarray of shape (n_seeds, n_positions)
        The same with the truth shuffled.
    chance : ndarray of shape (n_positions,)
        What guessing finds.
    """

    title: str
    positions: tuple[float | str, ...]
    accuracy: FloatArray
    shuffled: FloatArray
    chance: FloatArray

    def __post_init__(self) -> None:
        n_positions = len(self.positions)
        shapes = {self.accuracy.shape, self.shuffled.shape}
        if len(shapes) != 1 or self.accuracy.shape[1:] != (n_positions,):
            raise SpaceMismatchError(
                f"{n_positions} positions, but accuracy {self.accuracy.shape} and control "
                f"{self.shuffled.shape}."
            )
        if self.chance.shape != (n_positions,):
            raise SpaceMismatchError(f"{n_positions} positions, but chance {self.chance.shape}.")


def rank_bins(n_gallery: int) -> tuple[tuple[int, int], ...]:
    """First and last rank, counted from 1, of each bar: the first five alone, then wider."""
    single = [(rank, rank) for rank in range(1, min(N_FIRST, n_gallery) + 1)]
    wide = [
        (low + 1, min(high, n_gallery))
        for low, high in itertools.pairwise(_BIN_ENDS)
        if low < n_gallery
    ]
    return (*single, *wide)


def rank_histogram(ranks: FloatArray, n_gallery: int) -> go.Figure:
    """How many patterns found their picture at which place, beside what guessing would give.

    Parameters
    ----------
    ranks : ndarray of shape (n_queries,)
        Zero-based; halves (ties) count for the better place.
    n_gallery : int
        Pictures to choose from.

    Returns
    -------
    plotly Figure
        One bar a bin of :func:`rank_bins`; a line at the number that guessing puts there.
    """
    bins = rank_bins(n_gallery)
    places = np.floor(np.asarray(ranks)) + 1
    counts = [int(np.count_nonzero((places >= low) & (places <= high))) for low, high in bins]
    guessed = [len(places) * (high - low + 1) / n_gallery for low, high in bins]
    labels = [str(low) if low == high else f"{low}–{high}" for low, high in bins]
    figure = go.Figure()
    figure.add_bar(
        x=labels,
        y=counts,
        name="these patterns",
        marker={"color": [_place_colour(low) for low, _ in bins], "line": {"width": 0}},
        hovertemplate="place %{x}: %{y} patterns<extra></extra>",
        showlegend=False,
    )
    figure.add_scatter(
        x=labels,
        y=guessed,
        mode="markers",
        name="guessing",
        marker={
            "symbol": "line-ew-open",
            "size": 22,
            "color": CONTROL,
            "line": {"width": 2, "color": CONTROL},
        },
        hovertemplate="guessing: %{y:.1f} patterns<extra></extra>",
    )
    _calm(figure, "place of the right picture", "patterns")
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_layout(bargap=0.18, height=300, showlegend=True)
    return figure


def _place_colour(place: int) -> str:
    """Colour of a place counted from 1."""
    return FOUND if place == 1 else NEAR if place <= N_FIRST else MISSED


def accuracy_curve(
    curve: Curve, *, what: str, current: float | None = None, is_log: bool = False
) -> go.Figure:
    """Mean over seeds with a band from the worst to the best, shuffled control and chance.

    Parameters
    ----------
    curve : Curve
        Over numbers.
    what : str
        Title of the accuracy axis, e.g. ``"top-5 accuracy"``.
    current : float, optional
        Position of the page's own setting, marked by an upright line.
    is_log : bool
        Logarithmic positions.
    """
    figure = go.Figure()
    known = _known(curve)
    x = [value for value, is_known in zip(curve.positions, known, strict=True) if is_known]
    for values, name, colour, fill in (
        (curve.shuffled[:, known], "shuffled control", CONTROL, "rgba(128,128,128,0.18)"),
        (curve.accuracy[:, known], "these patterns", NEAR, "rgba(0,114,178,0.22)"),
    ):
        _add_band(figure, x, values, fill)
        figure.add_scatter(
            x=x,
            y=_mean(values),
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 2.4},
            marker={"size": 7},
            hovertemplate=f"%{{x}}: %{{y:.0%}}<extra>{name}</extra>",
        )
    _add_chance(figure, x, curve.chance[known])
    if current is not None:
        figure.add_vline(x=current, line={"color": CONTROL, "dash": "dash", "width": 1})
    _calm(figure, curve.title, what)
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    if is_log:
        figure.update_xaxes(type="log", tickvals=x, ticktext=[f"{value:g}" for value in x])
    figure.update_layout(height=320, showlegend=True)
    return figure


def _add_chance(figure: go.Figure, x: Sequence[Any], chance: FloatArray) -> None:
    """Dotted line at what guessing reaches."""
    figure.add_scatter(
        x=x,
        y=chance,
        name="chance",
        mode="lines",
        line={"color": CONTROL, "width": 1.5, "dash": "dot"},
        hovertemplate="chance: %{y:.1%}<extra></extra>",
    )


def accuracy_bars(curve: Curve, *, what: str) -> go.Figure:
    """Bars for things without an order, with whiskers over seeds, control and chance.

    Parameters
    ----------
    curve : Curve
        Over names.
    what : str
        Title of the accuracy axis.
    """
    known = _known(curve)
    x = [
        _plain(str(name)) for name, is_known in zip(curve.positions, known, strict=True) if is_known
    ]
    figure = go.Figure()
    for values, name, colour in (
        (curve.accuracy[:, known], "these patterns", NEAR),
        (curve.shuffled[:, known], "shuffled control", MISSED),
    ):
        mean = _mean(values)
        figure.add_bar(
            x=x,
            y=mean,
            name=name,
            marker={"color": colour, "line": {"width": 0}},
            error_y={
                "type": "data",
                "array": np.nanmax(values, axis=0, initial=-np.inf) - mean,
                "arrayminus": mean - np.nanmin(values, axis=0, initial=np.inf),
                "color": CONTROL,
                "thickness": 1.5,
            },
            hovertemplate=f"%{{x}}: %{{y:.0%}}<extra>{name}</extra>",
        )
    _add_chance(figure, x, curve.chance[known])
    _calm(figure, curve.title, what)
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    figure.update_layout(height=320, showlegend=True, bargap=0.3)
    return figure


def category_table(counts: FloatArray, names: Sequence[str]) -> go.Figure:
    """From which category the best guess came, for patterns of each category.

    Parameters
    ----------
    counts : ndarray of shape (n_categories, n_categories)
        Patterns of a category (row) whose best guess was of a category (column).
    names : sequence of str

    Raises
    ------
    SpaceMismatchError
        Not one name a row and column.
    """
    table = np.asarray(counts, dtype=float)
    if table.shape != (len(names), len(names)):
        raise SpaceMismatchError(f"{len(names)} categories, but counts {table.shape}.")
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    labels = [_plain(name) for name in names]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=labels,
            y=labels,
            zmin=0,
            zmax=1,
            colorscale=[[0, "rgba(0,114,178,0)"], [1, "rgba(0,114,178,1)"]],
            showscale=False,
            text=[[f"{count:g}" if count else "" for count in row] for row in table],
            texttemplate="%{text}",
            xgap=2,
            ygap=2,
            hovertemplate="shown: %{y}<br>best guess: %{x}<br>%{z:.0%}<extra></extra>",
        )
    )
    _calm(figure, "category of the best guess", "category shown")
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False)
    figure.update_layout(height=120 + 34 * len(names), margin_t=12)
    return figure


def _known(curve: Curve) -> BoolArray:
    """Positions that at least one seed has been worked out for."""
    return np.asarray(np.isfinite(curve.accuracy).any(axis=0))


def _add_band(figure: go.Figure, x: Sequence[Any], values: FloatArray, colour: str) -> None:
    """Area from the lowest to the highest seed."""
    if not values.size:
        return
    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    figure.add_scatter(
        x=[*x, *reversed(x)],
        y=[*high, *low[::-1]],
        fill="toself",
        fillcolor=colour,
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        mode="lines",
    )


def _mean(values: FloatArray) -> FloatArray:
    """Mean over the seeds that are there; every column has one."""
    n_seeds = np.isfinite(values).sum(axis=0)
    mean: FloatArray = np.nansum(values, axis=0) / np.maximum(n_seeds, 1)
    return mean


def _calm(figure: go.Figure, x_title: str, y_title: str) -> None:
    """Transparent, few lines, titles."""
    figure.update_layout(
        paper_bgcolor=_TRANSPARENT,
        plot_bgcolor=_TRANSPARENT,
        margin={"l": 8, "r": 12, "t": 34, "b": 8},
        legend={"orientation": "h", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom"},
        dragmode=False,
    )
    for update, title in ((figure.update_xaxes, x_title), (figure.update_yaxes, y_title)):
        update(automargin=True, gridcolor=_GRID, zeroline=False, title={"text": _plain(title)})


def _plain(text: str) -> str:
    """Text that plotly must not read as markup."""
    return html.escape(text, quote=False)
