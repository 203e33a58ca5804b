"""A pen for drawn pictures: coordinates from 0 to 1, colours, soft edges."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from models.types import FloatArray, UInt8Array

__all__ = ["PICTURE_SIDE", "Colour", "Pen", "Point", "hue_colour", "ridge", "shade"]

#: Width and height of drawn pictures in pixels.
PICTURE_SIDE = 256

#: Drawn larger by this factor and averaged, so that edges do not step.
_FINER = 2

Colour = tuple[int, int, int]
Point = tuple[float, float]


def hue_colour(hue: float, saturation: float, value: float) -> Colour:
    """Colour from hue, saturation and value, each 0 to 1 (hue wraps)."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def shade(colour: Colour, factor: float) -> Colour:
    """Colour made darker (below 1) or lighter."""
    red, green, blue = (min(255, round(part * factor)) for part in colour)
    return red, green, blue


class Pen:
    """Draws on a square; x to the right and y downwards, both from 0 to 1.

    Parameters
    ----------
    ground : tuple of int
        Colour of the empty square.
    """

    def __init__(self, ground: Colour) -> None:
        self._side = PICTURE_SIDE * _FINER
        self._picture = Image.new("RGB", (self._side, self._side), ground)
        self._draw = ImageDraw.Draw(self._picture)

    def _at(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self._side, y * self._side) for x, y in points]

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill the area between points."""
        self._draw.polygon(self._at(points), fill=colour)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill an upright rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def oval(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        """Fill an ellipse around (x, y)."""
        self._draw.ellipse(self._at([(x - rx, y - ry), (x + rx, y + ry)]), fill=colour)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """Draw along points; ``width`` as a part of the picture's."""
        self._draw.line(
            self._at(points), fill=colour, width=max(1, round(width * self._side)), joint="curve"
        )

    def arc(
        self,
        x: float,
        y: float,
        r: float,
        start_deg: float,
        end_deg: float,
        width: float,
        c: Colour,
    ) -> None:
        """Draw a part of a circle, clockwise from the right."""
        corners = self._at([(x - r, y - r), (x + r, y + r)])
        wide = max(1, round(width * self._side))
        self._draw.arc(corners, start_deg, end_deg, fill=c, width=wide)

    def text(self, words: str, x: float, y: float, height: float, colour: Colour) -> None:
        """Write around (x, y) in Pillow's own font; ``height`` of a letter's body."""
        font = ImageFont.load_default(round(height * self._side))
        self._draw.text((x * self._side, y * self._side), words, colour, font, anchor="mm")

    def sky(self, top: Colour, bottom: Colour, until: float = 1.0) -> None:
        """Fill from the upper edge down to ``until`` with one colour running into another."""
        n_rows = round(until * self._side)
        mix = np.linspace(0, 1, max(n_rows, 1))[:, None, None]
        rows = np.asarray(top) * (1 - mix) + np.asarray(bottom) * mix
        strip = np.broadcast_to(np.rint(rows).astype(np.uint8), (len(rows), self._side, 3))
        self._picture.paste(Image.fromarray(np.ascontiguousarray(strip)), (0, 0))

    def pixels(self) -> UInt8Array:
        """Return the picture: (PICTURE_SIDE, PICTURE_SIDE, 3) uint8."""
        return np.asarray(self._picture.reduce(_FINER))


def ridge(random: np.random.Generator, level: float, height: float, roughness: float) -> FloatArray:
    """Heights of a mountain line by halving: 129 values around ``level``, 0 to 1 downwards."""
    heights = np.array([level, level]) + random.uniform(-height, height, 2) / 2
    step = height
    while len(heights) < 129:
        middles = (heights[1:] + heights[:-1]) / 2 + random.uniform(-step, step, len(heights) - 1)
        joined = np.empty(2 * len(heights) - 1)
        joined[::2], joined[1::2] = heights, middles
        heights, step = joined, step * roughness
    return heights
