"""The letters of pictures: matplotlib's own font, for pages and films."""

from __future__ import annotations

from functools import lru_cache

from PIL import ImageFont

__all__ = ["FONT", "drawable", "load_font"]

#: Family that comes with matplotlib.
FONT = "DejaVu Sans"


@lru_cache(maxsize=8)
def load_font(size: int, weight: str = "normal") -> ImageFont.FreeTypeFont:
    """Font of a height in pixels; ``"normal"`` or ``"bold"``; cached."""
    from matplotlib.font_manager import FontProperties, findfont

    return ImageFont.truetype(findfont(FontProperties(family=FONT, weight=weight)), size)


@lru_cache(maxsize=1)
def _known_letters() -> frozenset[int]:
    """Code points that can be drawn."""
    from matplotlib.font_manager import findfont, get_font

    return frozenset({ord("\n"), *get_font(findfont(FONT)).get_charmap()})


def drawable(text: str) -> str:
    """Text with a box for each letter that the font does not have."""
    known = _known_letters()
    return "".join(letter if ord(letter) in known else "□" for letter in text)
