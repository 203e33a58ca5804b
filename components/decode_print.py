"""The story of one pattern as a PNG to take along; everything that must be known is on it."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from components.decode_cards import Guess, Share
from models.drawing.letters import drawable, load_font
from models.types import UInt8Array

__all__ = ["story_png"]

WIDTH_PX = 1600
_MARGIN, _GAP = 40, 24
_INK, _MUTED, _LINE, _RIGHT, _BAR = "#1b1e24", "#5b616c", "#c9ccd2", "#007a58", "#0072b2"
_TITLE, _TEXT, _SMALL = 34, 24, 19
_SHOWN, _BRAIN, _CARD = 250, 330, 158
_PICTURE = _CARD - 16


def story_png(
    shown: tuple[str, UInt8Array] | None,
    brain: UInt8Array | None,
    guesses: Sequence[Guess],
    *,
    title: str,
    verdict: str,
    shares: Sequence[Share],
    notes: Sequence[str],
    facts: str,
) -> bytes:
    """Draw picture, pattern, guesses and how often they are right.

    Parameters
    ----------
    shown, brain, guesses, verdict
        As in :func:`components.decode_cards.story_html`.
    title : str
        Who made the pattern and who reads it.
    shares : sequence of Share
        How often it is right, over all patterns.
    notes : sequence of str
        Caveats, seeds, hash of the gallery; below everything.
    facts : str
        JSON, for the text chunk ``Provenance``.

    Returns
    -------
    bytes
        PNG, ``WIDTH_PX`` wide, on white.
    """
    share_lines = [
        f"{one.title}: {one.hits} of {one.n} ({one.low:.0%} to {one.high:.0%}), guessing "
        f"{one.chance:.2%}: {one.verdict}"
        for one in shares
    ]
    lines = [line for note in notes for line in _wrap(note, WIDTH_PX - 2 * _MARGIN, _SMALL)]
    top = _MARGIN + 2 * (_TITLE + 12) + _GAP
    below = top + max(_BRAIN, _CARD + 130) + _GAP
    height = below + len(share_lines) * (_TEXT + 10) + _GAP + len(lines) * (_SMALL + 7) + _MARGIN
    page = Image.new("RGB", (WIDTH_PX, height), "white")
    pen = ImageDraw.Draw(page)
    _write(pen, _MARGIN, _MARGIN, title, _TEXT, _MUTED)
    _write(pen, _MARGIN, _MARGIN + _TITLE + 12, verdict, _TITLE, _INK, "bold")
    left = _MARGIN
    if shown is not None:
        _paste(page, shown[1], (left, top, _SHOWN))
        _write(pen, left, top + _SHOWN + 8, f"Shown: {shown[0]}", _SMALL, _MUTED, room=_SHOWN)
        left += _SHOWN + _GAP
    if brain is not None:
        _paste(page, brain, (left, top, _BRAIN))
        left += _BRAIN + _GAP
    for place, guess in enumerate(guesses, 1):
        _card(page, pen, left, top, place, guess, guesses[0].score)
        left += _CARD + 12
    y = below
    for line in share_lines:
        _write(pen, _MARGIN, y, line, _TEXT, _INK)
        y += _TEXT + 10
    y += _GAP
    for line in lines:
        _write(pen, _MARGIN, y, line, _SMALL, _MUTED)
        y += _SMALL + 7
    text = PngInfo()
    text.add_itxt("Provenance", facts)
    buffer = io.BytesIO()
    page.save(buffer, "PNG", pnginfo=text)
    return buffer.getvalue()


def _card(
    page: Image.Image,
    pen: ImageDraw.ImageDraw,
    left: int,
    top: int,
    place: int,
    guess: Guess,
    best: float,
) -> None:
    """One guess: frame, picture, name, bar, score."""
    frame = _RIGHT if guess.is_true else _LINE
    box = (left, top, left + _CARD, top + _CARD + 108)
    pen.rounded_rectangle(box, 12, outline=frame, width=5 if guess.is_true else 2)
    _paste(page, guess.picture, (left + 8, top + 8, _PICTURE))
    _write(pen, left + 10, top + _CARD, f"{place}. {guess.name}", _SMALL, _INK, room=_PICTURE)
    y = top + _CARD + 32
    pen.rectangle((left + 10, y, left + _PICTURE, y + 10), fill=_LINE)
    share = min(1.0, max(0.0, guess.score / max(best, 1e-9)))
    width = round((_PICTURE - 10) * share)
    if width:
        colour = _RIGHT if guess.is_true else _BAR
        pen.rectangle((left + 10, y, left + 10 + width, y + 10), fill=colour)
    words = f"r = {guess.score:.2f}"
    _write(pen, left + 10, y + 18, words, _SMALL, _MUTED)
    if guess.is_true:
        _write(pen, left + 10, y + 44, "the right one", _SMALL, _RIGHT, "bold")


def _paste(page: Image.Image, picture: UInt8Array, place: tuple[int, int, int]) -> None:
    """Put a picture, as large as fits, into the middle of a square."""
    left, top, side = place
    image = Image.fromarray(np.ascontiguousarray(picture)).convert("RGBA")
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    image = image.resize(size, Image.Resampling.LANCZOS)
    corner = (left + (side - image.width) // 2, top + (side - image.height) // 2)
    page.paste(image, corner, image)


def _write(
    pen: ImageDraw.ImageDraw,
    x: int,
    y: int,
    text: str,
    size: int,
    colour: str,
    weight: str = "normal",
    room: int = WIDTH_PX - 2 * _MARGIN,
) -> None:
    """One line, cut where it does not fit."""
    font, text = load_font(size, weight), drawable(" ".join(text.split()))
    if font.getlength(text) > room:
        while text and font.getlength(text + "…") > room:
            text = text[:-1]
        text += "…"
    pen.text((x, y), text, colour, font)


def _wrap(text: str, room: int, size: int) -> list[str]:
    """Break text between words into lines that fit."""
    font, lines = load_font(size), [""]
    for word in drawable(text).split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
