"""Pictures of a projected sequence: outline, letters, colours and colour bar.

What does not change is drawn once; a frame is a look-up of colours and an enlargement a view.
matplotlib draws the lines, never through pyplot, so films can be made in several threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from models.drawing.colormaps import default_colormap, lut
from models.drawing.glass import GlassSequence, GlassView
from models.errors import RenderError
from models.types import FloatArray, UInt8Array

__all__ = ["code_colours", "draw_frames"]

_DOTS_PER_INCH = 100
_MARGIN_PX, _GAP_PX = 12, 10
_HEAD_PX, _LINE_PX, _BAR_PX = 24, 15, 42
_BAR_HEIGHT_PX, _WIDEST_BAR_PX = 10, 320
_REFERENCE_SCALE = 1.45  # pixels a mm at which lines have nilearn's own width
_LINE_ALPHA = 0.7  # as in nilearn
#: What is not modelled, and how dense it is drawn: the viewers' slate, as if behind glass.
MISSING, MISSING_ALPHA = (121, 129, 142), 0.35
#: Signed values below this share of the limit let the glass show.
CLEAR_SHARE = 0.12
_FONT = "DejaVu Sans"  # comes with matplotlib


def code_colours(
    values: FloatArray,
    colormap: str,
    limit: float,
    *,
    is_signed: bool,
    threshold: float = 0.0,
    is_faded: bool = False,
) -> UInt8Array:
    """Colour and opacity of values.

    Parameters
    ----------
    values : ndarray of shape (n,), float
    colormap : str
        One of ``models.drawing.colormaps.COLORMAPS``.
    limit : float
        Value of the last colour; of the first one, too, with a minus, where values are signed.
    is_signed : bool
        Zero is the middle of the map, and values near it let the glass show.
    threshold : float
        Smaller sizes are left out.
    is_faded : bool
        Let them fade instead, with the square of their size.

    Returns
    -------
    ndarray of shape (n, 4), uint8
        sRGB and opacity. NaN: not modelled, slate.

    Raises
    ------
    RenderError
        No such map, or no positive limit.
    """
    if not limit > 0:
        raise RenderError(f"A colour limit is above zero; got {limit:g}.")
    is_known = np.isfinite(values)
    known = np.where(is_known, values, 0.0)
    share = 0.5 + 0.5 * known / limit if is_signed else known / limit
    colours = np.empty((len(known), 4), np.float64)
    colours[:, :3] = lut(colormap)[np.clip(np.floor(share * 256), 0, 255).astype(int)]
    size = np.abs(known) if is_signed else known
    opacity = np.ones(len(known))
    if is_signed:
        opacity = np.clip(size / (CLEAR_SHARE * limit), 0, 1)
    if threshold > 0:
        part = np.clip(size / threshold, 0, 1) ** 2 if is_faded else (size >= threshold) * 1.0
        opacity = np.minimum(opacity, part) if is_faded else opacity * part
    colours[:, 3] = 255 * opacity
    colours[~is_known] = (*MISSING, 255 * MISSING_ALPHA)
    rounded: UInt8Array = np.rint(colours).astype(np.uint8)
    return rounded


def draw_frames(
    sequence: GlassSequence,
    colormap: str = "",
    limit: float | None = None,
    *,
    is_signed: bool = True,
    threshold: float = 0.0,
    is_faded: bool = False,
    width_px: int = 950,
    is_dark: bool = False,
    has_outline: bool = True,
    units: str = "",
    titles: Sequence[str] = (),
    footer: Sequence[str] = (),
) -> Iterator[UInt8Array]:
    """Draw one frame after the other.

    Parameters
    ----------
    sequence : GlassSequence
    colormap : str
        Default: the usual one for the sign.
    limit : float, optional
        Colour limit of all frames; default the largest size in the sequence.
    is_signed, threshold, is_faded
        As in :func:`code_colours`.
    width_px : int
        Of a frame; its height follows.
    is_dark : bool
        Black ground.
    has_outline : bool
        Draw the lines of the brain.
    units : str
        Draw a colour bar with these words; "" for none.
    titles : sequence of str
        One a frame, above the brains.
    footer : sequence of str
        Lines below everything.

    Yields
    ------
    ndarray of shape (height, width_px, 3), uint8
        sRGB.

    Raises
    ------
    RenderError
        No such map, a limit of zero or less, or not one title a frame.
    """
    if titles and len(titles) != sequence.n_frames:
        raise RenderError(f"{len(titles)} titles for {sequence.n_frames} frames.")
    colormap = colormap or default_colormap(is_signed)
    if limit is None:
        limit = max(abs(sequence.minimum), abs(sequence.maximum))
    table = code_colours(
        sequence.table(),
        colormap,
        limit,
        is_signed=is_signed,
        threshold=threshold,
        is_faded=is_faded,
    )
    stage = _Stage(sequence.views, width_px, is_dark, bool(titles), bool(units), len(footer))
    bar = _Bar(colormap, limit, is_signed, units) if units else None
    base = stage.base(bar, footer)
    lines = stage.lines() if has_outline else Image.new("RGBA", base.size)
    opacity = table[:, 3:] / 255
    seen = np.rint(table[:, :3] * opacity + np.array(stage.ground) * (1 - opacity))
    return (
        stage.frame(sequence, number, seen.astype(np.uint8), base, lines, title)
        for number, title in zip(range(sequence.n_frames), titles or repeat(""), strict=False)
    )


@dataclass(frozen=True)
class _Bar:
    """What the colour bar says."""

    colormap: str
    limit: float
    is_signed: bool
    units: str


@dataclass(frozen=True)
class _Box:
    """Where a view stands, in pixels."""

    left: int
    top: int
    width: int
    height: int


class _Stage:
    """Places of everything on a frame."""

    def __init__(
        self,
        views: Sequence[GlassView],
        width: int,
        is_dark: bool,
        has_title: bool,
        has_bar: bool,
        n_lines: int,
    ) -> None:
        self.views, self.is_dark, self.width = views, is_dark, width
        self.ground, self.ink = ((0, 0, 0), "#e8e8e8") if is_dark else ((255,) * 3, "#16181d")
        gaps = _GAP_PX * (len(views) - 1)
        self.scale = (width - 2 * _MARGIN_PX - gaps) / sum(view.width for view in views)
        if not self.scale > 0:
            raise RenderError(f"{width} pixels are too few for {len(views)} views.")
        self.top = (_LINE_PX + 6 if has_title else 4) + _HEAD_PX
        tallest = max(view.height for view in views) * self.scale
        self.bar_top = round(self.top + tallest + 8)
        self.foot_top = self.bar_top + (_BAR_PX if has_bar else 0)
        # Films need an even number of lines.
        self.height = -(-(self.foot_top + n_lines * _LINE_PX + 6) // 2) * 2
        self.boxes = []
        left = float(_MARGIN_PX)
        for view in views:
            top = self.top + (tallest - view.height * self.scale) / 2
            size = round(view.width * self.scale), round(view.height * self.scale)
            self.boxes.append(_Box(round(left), round(top), *size))
            left += view.width * self.scale + _GAP_PX

    def frame(
        self,
        sequence: GlassSequence,
        number: int,
        table: UInt8Array,
        base: Image.Image,
        lines: Image.Image,
        title: str,
    ) -> UInt8Array:
        """One frame."""
        page = base.copy()
        start = 0
        for view, box in zip(self.views, self.boxes, strict=True):
            cells = np.full((view.height * view.width, 3), self.ground, np.uint8)
            cells[view.cells] = table[sequence.codes[number, start : start + view.cells.size]]
            start += view.cells.size
            small = Image.fromarray(cells.reshape(view.height, view.width, 3))
            picture = small.resize((box.width, box.height), Image.Resampling.BILINEAR)
            page.paste(picture, (box.left, box.top))
        page.paste(lines, (0, 0), lines)
        if title:
            place = (self.width // 2, _LINE_PX)
            ImageDraw.Draw(page).text(place, title, self.ink, _font(13), anchor="ms")
        return np.asarray(page)

    def base(self, bar: _Bar | None, footer: Sequence[str]) -> Image.Image:
        """Ground, words, colour bar; RGB."""
        page = Image.new("RGB", (self.width, self.height), self.ground)
        pen = ImageDraw.Draw(page)
        for view, box in zip(self.views, self.boxes, strict=True):
            y, right = self.top - 8, box.left + box.width - 2
            middle = box.left + box.width // 2
            pen.text((middle, y), view.title, self.ink, _font(11), anchor="ms")
            pen.text((box.left + 2, y), view.left, self.ink, _font(14, is_bold=True), anchor="ls")
            pen.text((right, y), view.right, self.ink, _font(14, is_bold=True), anchor="rs")
        for number, text in enumerate(footer):
            y = self.foot_top + (number + 1) * _LINE_PX - 4
            pen.text((_MARGIN_PX, y), text, self.ink, _font(10), anchor="ls")
        if bar is not None:
            self._draw_bar(page, pen, bar)
        return page

    def lines(self) -> Image.Image:
        """Outlines; RGBA."""
        figure = _blank_figure(self.width, self.height)
        for view, box in zip(self.views, self.boxes, strict=True):
            self._draw_outline(figure, view, box)
        figure.canvas.draw()
        return Image.fromarray(np.asarray(figure.canvas.buffer_rgba()).copy())

    def _draw_outline(self, figure: Any, view: GlassView, box: _Box) -> None:
        """Strokes of one view."""
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path
        from matplotlib.transforms import Affine2D

        across, down = box.width / view.width, box.height / view.height
        to_pixels = Affine2D.from_values(across, 0, 0, -down, box.left, self.height - box.top)
        mm = abs(view.across[2]) if view.across[0] in "xyz" else 2.0
        weight = min(max(self.scale / mm / _REFERENCE_SCALE, 0.5), 2.0)
        for stroke in view.strokes:
            figure.add_artist(
                PathPatch(
                    Path(stroke.points, stroke.codes),
                    edgecolor=_inverted(stroke.colour) if self.is_dark else stroke.colour,
                    linewidth=stroke.width_pt * weight,
                    facecolor="none",
                    alpha=_LINE_ALPHA,
                    capstyle="round",
                    transform=to_pixels,
                )
            )

    def _draw_bar(self, page: Image.Image, pen: ImageDraw.ImageDraw, bar: _Bar) -> None:
        """Colour bar with its numbers and what grey means."""
        width = min(_WIDEST_BAR_PX, self.width // 3)
        table = lut(bar.colormap)[np.arange(width) * 256 // width]
        strip = np.ascontiguousarray(np.broadcast_to(table, (_BAR_HEIGHT_PX, width, 3)))
        page.paste(Image.fromarray(strip), (_MARGIN_PX, self.bar_top))
        low = -bar.limit if bar.is_signed else 0.0
        y = self.bar_top + _BAR_HEIGHT_PX + 14
        for value, share, anchor in (
            (low, 0.0, "ls"),
            ((low + bar.limit) / 2, 0.5, "ms"),
            (bar.limit, 1.0, "rs"),
        ):
            place = (_MARGIN_PX + round(share * width), y)
            number = f"{value:.3g}".replace("-", "−")
            pen.text(place, number, self.ink, _font(11), anchor=anchor)
        x, y = _MARGIN_PX + width + 16, self.bar_top + _BAR_HEIGHT_PX
        pen.text((x, y), bar.units, self.ink, _font(11), anchor="ls")
        x += round(_font(11).getlength(bar.units)) + 20
        pen.rectangle((x, y - 9, x + 9, y), fill=_mixed(MISSING, self.ground, MISSING_ALPHA))
        pen.text((x + 16, y), "not modelled", self.ink, _font(11), anchor="ls")


def _blank_figure(width: int, height: int) -> Any:
    """Return a transparent page of pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    inches = width / _DOTS_PER_INCH, height / _DOTS_PER_INCH
    figure = Figure(figsize=inches, dpi=_DOTS_PER_INCH, facecolor="none")
    FigureCanvasAgg(figure)
    return figure


def _mixed(
    over: tuple[int, int, int], under: tuple[int, int, int], opacity: float
) -> tuple[int, int, int]:
    """Colour seen through another."""
    red, green, blue = (
        round(opacity * a + (1 - opacity) * b) for a, b in zip(over, under, strict=True)
    )
    return red, green, blue


def _inverted(colour: str) -> str:
    """Return the opposite of a colour."""
    return f"#{0xFFFFFF ^ int(colour[1:], 16):06x}"


@lru_cache(maxsize=8)
def _font(size_px: int, is_bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return matplotlib's own font."""
    from matplotlib.font_manager import FontProperties, findfont

    weight = "bold" if is_bold else "normal"
    return ImageFont.truetype(findfont(FontProperties(family=_FONT, weight=weight)), size_px)
