"""The printed page around drawn cortices: titles, sides, colour bar, footer and metadata.

Panels are pixels already; this module places them side by side at one scale and writes
everything a reader must know around them. matplotlib is imported on first use and never
through pyplot, so pages can be composed in several threads.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.drawing.colormaps import lut, underlay_greys
from models.drawing.letters import FONT, drawable, load_font
from models.drawing.paint import Look
from models.types import Response, UInt8Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["MARGIN_MM", "Tile", "compose_page", "footer"]

MARGIN_MM = 5.0
_MM_PER_INCH = 25.4
_POINTS_PER_MM = 72 / _MM_PER_INCH
_INK, _MUTED, _PAPER, _LINE = "#1b1e24", "#5b616c", "#ffffff", "#c9ccd2"
_TITLE_PT, _LABEL_PT, _SMALL_PT = 9.5, 7.5, 6.5
_LINE_MM = 3.2  # of the smallest print
_GAP_MM = 3.0
_TILE_TITLE_MM = 5.0
_HEAD_MM = 9.0
_BAR_MM = 15.0
_BAR_HEIGHT_MM = 2.6
_NARROWEST_BAR_MM = 45.0
_KEY_GAP_MM, _KEY_LINE_MM = 8.0, 4.5
_MEASURE = 100  # pixels: large enough for smooth widths


@dataclass(frozen=True, eq=False)
class Tile:
    """One drawn view.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3), uint8
        sRGB, top row first, on a white ground.
    title : str
        Name of the view.
    left_side, right_side : str
        Letters of the directions at the left and right edge; empty for none.
    """

    pixels: UInt8Array
    title: str
    left_side: str = ""
    right_side: str = ""


@dataclass(frozen=True)
class _Box:
    """Where something goes: mm from the page's left and bottom edges."""

    left: float
    bottom: float
    width: float
    height: float


def footer(response: Response) -> str:
    """``model · subject · space · unit · prediction, not measured``."""
    origin = response.provenance
    words = (origin.model_title, origin.subject, response.space.name, response.units)
    return " · ".join([*words, "prediction, not measured"])


def compose_page(
    tiles: tuple[tuple[Tile, ...], ...],
    response: Response,
    row: int,
    look: Look,
    width_mm: float,
    dpi: int,
) -> bytes:
    """Put drawn views on a page.

    Parameters
    ----------
    tiles : tuple of tuples of Tile
        Rows of the page, top first; all drawn at the same mm per pixel and at ``dpi``.
    response : Response
        Gives unit and provenance.
    row : int
        Row of the response that is shown.
    look : Look
        Colours of the bar.
    width_mm : float
        Width of the page. Its height follows from the tiles.
    dpi : int
        Dots an inch.

    Returns
    -------
    bytes
        PNG; the text chunk ``Provenance`` holds the provenance as JSON.
    """
    notes = _notes(response, width_mm)
    footer_mm = _LINE_MM * len(notes) + MARGIN_MM
    heights = [max(t.pixels.shape[0] for t in line) * _MM_PER_INCH / dpi for line in tiles]
    tiles_mm = sum(heights) + len(tiles) * (_TILE_TITLE_MM + _GAP_MM)
    below = _badge_below(response, row, width_mm)
    head_mm = _HEAD_MM + (2 + _LINE_MM * len(below) if below else 0)
    room_mm = width_mm - 2 * MARGIN_MM - _key_mm(_key_words(look))
    is_key_below = room_mm < _NARROWEST_BAR_MM
    foot_mm = footer_mm + (_KEY_LINE_MM if is_key_below else 0)
    height_mm = MARGIN_MM + head_mm + tiles_mm + _BAR_MM + foot_mm
    figure = _new_figure(width_mm, height_mm, dpi)
    _draw_head(figure, response, row, below)
    top = height_mm - MARGIN_MM - head_mm
    for line, line_mm in zip(tiles, heights, strict=True):
        _draw_line(figure, line, top, line_mm)
        top -= _TILE_TITLE_MM + line_mm + _GAP_MM
    _draw_bar(figure, foot_mm + 0.55 * _BAR_MM, response, look, is_key_below)
    _draw_notes(figure, notes)
    return _png(figure, response, row)


def _new_figure(width_mm: float, height_mm: float, dpi: int) -> Figure:
    """Return a blank page."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = (width_mm / _MM_PER_INCH, height_mm / _MM_PER_INCH)
    figure = Figure(figsize=size, dpi=dpi, facecolor=_PAPER)
    FigureCanvasAgg(figure)
    return figure


def _write(
    figure: Figure, x_mm: float, y_mm: float, text: str, size: float = _LABEL_PT, **how: Any
) -> None:
    """Text at a place of the page; dollar signs are dollar signs."""
    width, height = figure.get_size_inches() * _MM_PER_INCH
    how = {"color": _INK, "family": FONT, "parse_math": False, **how}
    figure.text(x_mm / width, y_mm / height, drawable(text), fontsize=size, **how)


def _width_mm(text: str, size: float, weight: str = "normal") -> float:
    """Width of a line of text on paper, with the 3 % that hinting to pixels may add."""
    # Measured with Pillow: much faster than outlines.
    letters = load_font(_MEASURE, weight).getlength(drawable(text)) / _MEASURE
    return 1.03 * letters * size / _POINTS_PER_MM


def _wrap(text: str, room_mm: float, size: float) -> list[str]:
    """Break text between words into lines that fit."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _width_mm(longer, size) <= room_mm:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _shorten(text: str, room_mm: float, size: float, weight: str) -> str:
    """One line that fits, with an ellipsis where it was cut."""
    text = " ".join(text.split())
    if _width_mm(text, size, weight) <= room_mm:
        return text
    while text and _width_mm(text + "…", size, weight) > room_mm:
        text = text[:-1]
    return text + "…"


def _badge_below(response: Response, row: int, width_mm: float) -> list[str]:
    """Lines of the badge if it stands below the name, none if it fits beside it."""
    badge, room = response.provenance.badge, width_mm - 2 * MARGIN_MM
    name_mm = _width_mm(_name(response, row), _TITLE_PT, "bold")
    if name_mm + _width_mm(badge, _SMALL_PT) + 6 <= room:
        return []
    return _wrap(badge, room - 3, _SMALL_PT)


def _name(response: Response, row: int) -> str:
    """Label of the row, on one line."""
    label = " ".join(response.row_labels[row].split())
    return f"{label} s" if response.row_kind == "seconds" else label


def _draw_head(figure: Figure, response: Response, row: int, below: list[str]) -> None:
    """Write the name of the picture, and the badge beside it or below."""
    width, height = figure.get_size_inches() * _MM_PER_INCH
    y = height - MARGIN_MM - 2.2
    name = _shorten(_name(response, row), width - 2 * MARGIN_MM, _TITLE_PT, "bold")
    _write(figure, MARGIN_MM, y, name, _TITLE_PT, weight="bold", va="center")
    frame = {"boxstyle": "round,pad=0.45", "fc": "#eef0f3", "ec": _LINE, "lw": 0.5}
    how = {"color": _MUTED, "bbox": frame}
    if below:
        lines = "\n".join(below)
        _write(figure, MARGIN_MM + 1.2, y - 4.2, lines, _SMALL_PT, va="top", **how)
    elif response.provenance.badge:
        how |= {"ha": "right", "va": "center"}
        x = width - MARGIN_MM - 1.2
        _write(figure, x, y, response.provenance.badge, _SMALL_PT, **how)


def _draw_line(figure: Figure, line: tuple[Tile, ...], top_mm: float, line_mm: float) -> None:
    """One line of tiles with equal gaps, each centred under its title."""
    mm = _MM_PER_INCH / figure.dpi
    width = float(figure.get_size_inches()[0]) * _MM_PER_INCH
    free = width - 2 * MARGIN_MM - sum(tile.pixels.shape[1] for tile in line) * mm
    left = MARGIN_MM + free / (2 * len(line))
    for tile in line:
        tile_height, tile_width = (n * mm for n in tile.pixels.shape[:2])
        middle = left + tile_width / 2
        _write(figure, middle, top_mm - 2.5, tile.title, ha="center", va="center")
        bottom = top_mm - _TILE_TITLE_MM - (line_mm + tile_height) / 2
        figure.figimage(tile.pixels, round(left / mm), round(bottom / mm))
        for x, letter in (
            (left - 1.6, tile.left_side),
            (left + tile_width + 1.6, tile.right_side),
        ):
            how = {"ha": "center", "va": "center", "color": _MUTED}
            _write(figure, x, bottom + tile_height / 2, letter, _SMALL_PT, **how)
        left += tile_width + free / len(line)


def _key_words(look: Look) -> str:
    """Say what grey means."""
    return "not modelled" + (f", or |value| < {look.threshold:.3g}" if look.threshold else "")


def _key_mm(words: str) -> float:
    """Width of the key with the free space before it."""
    return _KEY_GAP_MM + 2 * _BAR_HEIGHT_MM + 1.5 + _width_mm(words, _SMALL_PT)


def _draw_bar(
    figure: Figure, bottom_mm: float, response: Response, look: Look, is_key_below: bool
) -> None:
    """Colour bar with unit, limits and clip marks, and beside or below it what grey means."""
    width = float(figure.get_size_inches()[0]) * _MM_PER_INCH
    key_mm = _key_mm(_key_words(look))
    room = width - 2 * MARGIN_MM - 4  # for the outer halves of the first and last number
    bar_mm = min(70.0, room if is_key_below else room - key_mm)
    left = (width - bar_mm) / 2
    x, y = (width - key_mm - _KEY_GAP_MM) / 2 + _KEY_GAP_MM, bottom_mm - 2 * _KEY_LINE_MM
    if not is_key_below:
        left = min(left, width - MARGIN_MM - key_mm - bar_mm)
        x, y = left + bar_mm + _KEY_GAP_MM, bottom_mm
    _draw_scale(figure, _Box(left, bottom_mm, bar_mm, _BAR_HEIGHT_MM), response, look)
    above = bottom_mm + _BAR_HEIGHT_MM + 1.2
    _write(figure, left + bar_mm / 2, above, response.units, _LABEL_PT, ha="center", va="bottom")
    _draw_key(figure, x, y, look)


def _draw_scale(figure: Figure, box: _Box, response: Response, look: Look) -> None:
    """Gradient with ticks at both limits and in the middle, which is zero if symmetric."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    width, height = figure.get_size_inches() * _MM_PER_INCH
    levels = np.linspace(look.minimum, look.maximum, 256)
    is_hidden = (np.abs(levels) < look.threshold)[:, None]
    table = np.where(is_hidden, underlay_greys(look.colormap)[0], lut(look.colormap)) / 255
    known = response.values[~np.isnan(response.values)]
    is_under = bool(known.min(initial=look.minimum) < look.minimum)
    is_over = bool(known.max(initial=look.maximum) > look.maximum)
    bar = figure.colorbar(
        ScalarMappable(
            Normalize(look.minimum, look.maximum),
            ListedColormap(table).with_extremes(under=table[0], over=table[-1]),
        ),
        cax=figure.add_axes(
            (box.left / width, box.bottom / height, box.width / width, box.height / height)
        ),
        orientation="horizontal",
        extend=(("neither", "max"), ("min", "both"))[is_under][is_over],
        extendfrac=0.035,
        ticks=[look.minimum, (look.minimum + look.maximum) / 2, look.maximum],
        format=lambda value, _: f"{value:.3g}".replace("-", "−"),
    )
    bar.ax.tick_params(labelsize=_SMALL_PT, length=2, width=0.5, color=_MUTED, labelcolor=_INK)
    bar.ax.tick_params(labelfontfamily=FONT)
    bar.outline.set(linewidth=0.4, edgecolor=_MUTED)


def _draw_key(figure: Figure, left_mm: float, bottom_mm: float, look: Look) -> None:
    """Two grey squares, gyrus and sulcus, and their meaning."""
    from matplotlib.patches import Rectangle

    width, height = figure.get_size_inches() * _MM_PER_INCH
    size = (_BAR_HEIGHT_MM / width, _BAR_HEIGHT_MM / height)
    for index, grey in enumerate(underlay_greys(look.colormap)):
        corner = ((left_mm + index * _BAR_HEIGHT_MM) / width, bottom_mm / height)
        colour = (grey / 255,) * 3
        figure.add_artist(Rectangle(corner, *size, transform=figure.transFigure, fc=colour, lw=0))
    x, y = left_mm + 2 * _BAR_HEIGHT_MM + 1.5, bottom_mm + _BAR_HEIGHT_MM / 2
    _write(figure, x, y, _key_words(look), _SMALL_PT, va="center", color=_MUTED)


def _notes(response: Response, width_mm: float) -> list[str]:
    """Lines of small print: the footer, then the caveat."""
    texts = (footer(response), response.provenance.caveat)
    return [line for text in texts for line in _wrap(text, width_mm - 2 * MARGIN_MM, _SMALL_PT)]


def _draw_notes(figure: Figure, lines: list[str]) -> None:
    """Small print at the bottom, under a thin line."""
    from matplotlib.lines import Line2D

    width, height = figure.get_size_inches() * _MM_PER_INCH
    top = MARGIN_MM + _LINE_MM * len(lines)
    ends = ([MARGIN_MM / width, 1 - MARGIN_MM / width], [top / height] * 2)
    figure.add_artist(Line2D(*ends, transform=figure.transFigure, color=_LINE, linewidth=0.5))
    for index, line in enumerate(lines):
        y = top - _LINE_MM * (index + 0.75)
        _write(figure, MARGIN_MM, y, line, _SMALL_PT, color=_MUTED, va="center")


def _png(figure: Figure, response: Response, row: int) -> bytes:
    """Draw and encode; text chunks say what it is."""
    text = {
        "Software": "Boldcast",
        "Title": f"Predicted brain activity: {response.row_labels[row]}",
        "Description": footer(response),
        "Comment": response.provenance.caveat,
        # ASCII, so that it is a plain text chunk that every reader understands.
        "Provenance": json.dumps(response.provenance.as_dict(), sort_keys=True),
    }
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=figure.dpi, facecolor=_PAPER, metadata=text)
    return buffer.getvalue()
