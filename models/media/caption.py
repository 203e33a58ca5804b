"""What stands around the frames of a film: a line above, the small print below."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from models.drawing.colormaps import lut, underlay_greys
from models.drawing.letters import drawable, load_font
from models.drawing.page import footer
from models.drawing.paint import Look
from models.errors import RenderError
from models.export import provenance_lines
from models.types import Response, UInt8Array

__all__ = ["Caption", "Mount", "caption_of"]

_INK, _MUTED, _PAPER = (27, 30, 36), (91, 97, 108), 255
_MARGIN = 8
_LABEL_SIZE, _LABEL_HEIGHT = 15, 28
_SMALL_SIZE, _LINE_HEIGHT = 11, 15
_BAR_WIDTH, _BAR_HEIGHT, _BAR_ROW = 160, 9, 22
_LEAST_WIDTH = 320
_MOST_PIXELS = 4096  # a side


@dataclass(frozen=True)
class Caption:
    """Words and colours that a reader of every frame must have.

    Parameters
    ----------
    footer : str
        Small print under every frame; each line is wrapped.
    labels : tuple of str
        One a frame, above it; empty for none.
    facts : tuple of (key, value)
        Written into the file's own header.
    look : Look, optional
        Colours of the frames.
    units : str
        Of the values.
    has_bar : bool
        Draw a colour bar with limits and unit; not for frames that have their own.
    """

    footer: str
    labels: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    look: Look | None = None
    units: str = ""
    has_bar: bool = True


def caption_of(
    response: Response,
    look: Look,
    *,
    tr_s: float | None = None,
    speed: float | None = 1.0,
    texts: Sequence[str] = (),
    has_bar: bool = True,
) -> Caption:
    """Say everything that must be known to read a film, or a poster, of a response.

    Parameters
    ----------
    response : Response
        Its rows are the frames.
    look : Look
        Colours of the frames.
    tr_s : float, optional
        Time from one row to the next, in s; None where rows are pictures.
    speed : float or None
        How many times faster than in life the film plays; None for a poster.
    texts : sequence of str, optional
        What is said in each row; beside its time.
    has_bar : bool
        As in :class:`Caption`.

    Raises
    ------
    RenderError
        There are texts, but not one a row.
    """
    if texts and len(texts) != response.n_rows:
        raise RenderError(f"{response.n_rows} rows, but {len(texts)} texts.")
    limits = (look.minimum, look.maximum)
    measured = footer(response).split(" · ")
    words = [*measured[:1], response.provenance.version, *measured[1:-1]]
    if tr_s is not None:
        words.append(f"TR {tr_s:g} s")
    is_timed = tr_s is not None and speed is not None
    if is_timed:
        words.append("real time" if speed == 1 else f"{speed:g} × real time")
    words += [f"colours {_number(limits[0])} to {_number(limits[1])}", measured[-1]]
    if look.threshold:
        words.insert(-1, f"|value| from {_number(look.threshold)}")
    facts = list(provenance_lines(response, tr_s=tr_s, limits=limits))
    if is_timed:
        facts.append(("speed", f"{speed:g} x real time"))
    return Caption(
        footer=" · ".join(word for word in words if word) + "\n" + response.provenance.caveat,
        labels=tuple(_label(response, row, texts) for row in range(response.n_rows)),
        facts=tuple(facts),
        look=look,
        units=response.units,
        has_bar=has_bar,
    )


def _label(response: Response, row: int, texts: Sequence[str]) -> str:
    """``TR 12 · 17.88 s · what is said``, or the picture's name."""
    label = " ".join(response.row_labels[row].split())
    if response.row_kind == "seconds":
        label = f"TR {row} · {label} s"
    said = " ".join(texts[row].split()) if texts else ""
    return f"{label} · {said}" if said else label


class Mount:
    """Sets frames of one size between their labels and the small print.

    Parameters
    ----------
    caption : Caption
    height, width : int
        Of the frames, in pixels.

    Raises
    ------
    RenderError
        The finished picture would be too large.

    Notes
    -----
    Height and width come out even, as video needs them. Everything but the label is drawn once.
    """

    def __init__(self, caption: Caption, height: int, width: int) -> None:
        self._labels = caption.labels
        self._shape = (height, width, 3)
        full_width = _even(max(width, _LEAST_WIDTH))
        foot = _draw_foot(caption, full_width)
        top = _LABEL_HEIGHT if caption.labels else 0
        full_height = _even(top + height + foot.shape[0])
        if max(full_height, full_width) > _MOST_PIXELS:
            raise RenderError(
                f"A film is at most {_MOST_PIXELS} pixels wide and high; "
                f"this one would be {full_width} x {full_height}."
            )
        self._blank = np.full((full_height, full_width, 3), _PAPER, np.uint8)
        self._blank[top + height : top + height + foot.shape[0]] = foot
        left = (full_width - width) // 2
        self._place = (slice(top, top + height), slice(left, left + width))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the finished picture, in pixels."""
        return self._blank.shape[0], self._blank.shape[1]

    def compose(self, frame: UInt8Array, index: int) -> UInt8Array:
        """Finish one frame.

        Parameters
        ----------
        frame : ndarray of shape (height, width, 3), uint8
        index : int
            Which label it gets.

        Returns
        -------
        ndarray of shape (*size, 3), uint8
            A fresh array.

        Raises
        ------
        RenderError
            Another shape or type than the first frame's, or no label of this index.
        """
        if frame.shape != self._shape or frame.dtype != np.uint8:
            raise RenderError(
                f"All frames of a film are uint8 of one shape, {self._shape}; "
                f"got {frame.dtype} of {frame.shape}."
            )
        picture = self._blank.copy()
        picture[self._place] = frame
        if self._labels:
            if index >= len(self._labels):
                raise RenderError(f"There are {len(self._labels)} labels, but more frames.")
            picture[:_LABEL_HEIGHT] = self._draw_label(self._labels[index])
        return picture

    def _draw_label(self, text: str) -> UInt8Array:
        """Strip above the frame."""
        strip = Image.new("RGB", (self.size[1], _LABEL_HEIGHT), (_PAPER,) * 3)
        font = load_font(_LABEL_SIZE, "bold")
        text = _shorten(text, self.size[1] - 2 * _MARGIN)
        ImageDraw.Draw(strip).text(
            (_MARGIN, _LABEL_HEIGHT / 2), text, _INK, font, anchor="lm", features=None
        )
        return np.asarray(strip)


def _even(number: int) -> int:
    """Round up to an even number."""
    return number + number % 2


def _number(value: float) -> str:
    """Three digits, with a true minus sign."""
    return f"{value:.3g}".replace("-", "−")


def _shorten(text: str, room: int) -> str:
    """One line that fits, with an ellipsis where it was cut."""
    font, text = load_font(_LABEL_SIZE, "bold"), drawable(" ".join(text.split()))
    if font.getlength(text) <= room:
        return text
    shortest, longest = 0, len(text)
    while shortest < longest:  # the longest beginning that fits
        middle = (shortest + longest + 1) // 2
        if font.getlength(text[:middle] + "…") <= room:
            shortest = middle
        else:
            longest = middle - 1
    return text[:shortest] + "…"


def _wrap(text: str, room: int) -> Iterator[str]:
    """Lines that fit; a word that is too long is cut."""
    font, line = load_font(_SMALL_SIZE), ""
    for word in drawable(text).split():
        longer = f"{line} {word}" if line else word
        if font.getlength(longer) <= room:
            line = longer
            continue
        if line:
            yield line
        while font.getlength(word) > room:
            n_letters = max(1, math.floor(len(word) * room / font.getlength(word)))
            yield word[:n_letters]
            word = word[n_letters:]
        line = word
    if line:
        yield line


def _draw_foot(caption: Caption, width: int) -> UInt8Array:
    """Draw the colour bar and the small print: (height, width, 3)."""
    room = width - 2 * _MARGIN
    lines = [part for line in caption.footer.splitlines() for part in _wrap(line, room)]
    look = caption.look if caption.has_bar else None
    bar_height = 0 if look is None else _BAR_ROW
    height = bar_height + _LINE_HEIGHT * len(lines) + (_MARGIN if lines or bar_height else 0)
    strip = Image.new("RGB", (width, height), (_PAPER,) * 3)
    pen = ImageDraw.Draw(strip)
    if look is not None:
        _draw_bar(strip, look, drawable(caption.units))
    for index, line in enumerate(lines):
        y = bar_height + _LINE_HEIGHT * (index + 0.5)
        pen.text((_MARGIN, y), line, _MUTED, load_font(_SMALL_SIZE), anchor="lm")
    return np.asarray(strip)


def _draw_bar(strip: Image.Image, look: Look, units: str) -> None:
    """Lowest value, gradient, highest value and unit; what grey means, where there is room."""
    pen, font, gap = ImageDraw.Draw(strip), load_font(_SMALL_SIZE), 6
    low, high = _number(look.minimum), f"{_number(look.maximum)}  {units}".rstrip()
    grey = (underlay_greys(look.colormap)[0],) * 3
    key = "not modelled" + (f", or |value| < {_number(look.threshold)}" if look.threshold else "")
    low_width, high_width = font.getlength(low), font.getlength(high)
    whole = low_width + gap + _BAR_WIDTH + gap + high_width
    key_width = 4 * gap + _BAR_HEIGHT + gap + font.getlength(key)
    has_key = whole + key_width <= strip.width - 2 * _MARGIN
    left = max(_MARGIN, (strip.width - whole - has_key * key_width) / 2)
    y, start = _BAR_ROW / 2, round(left + low_width + gap)
    top = round(y - _BAR_HEIGHT / 2)
    pen.text((left, y), low, _INK, font, anchor="lm")
    strip.paste(Image.fromarray(_gradient(look)), (start, top))
    pen.rectangle((start - 1, top - 1, start + _BAR_WIDTH, top + _BAR_HEIGHT), outline=_MUTED)
    pen.text((start + _BAR_WIDTH + gap, y), high, _INK, font, anchor="lm")
    if has_key:
        x = round(left + whole) + 4 * gap
        pen.rectangle((x, top, x + _BAR_HEIGHT, top + _BAR_HEIGHT - 1), fill=grey)
        pen.text((x + _BAR_HEIGHT + gap, y), key, _MUTED, font, anchor="lm")


def _gradient(look: Look) -> UInt8Array:
    """Pixels of the bar; grey where values are hidden."""
    columns = np.linspace(0, 255, _BAR_WIDTH).round().astype(np.int64)
    values = look.minimum + (columns + 0.5) / 256 * (look.maximum - look.minimum)
    is_hidden = (np.abs(values) < look.threshold)[:, None]
    colours = np.where(is_hidden, underlay_greys(look.colormap)[0], lut(look.colormap)[columns])
    repeated = np.broadcast_to(colours.astype(np.uint8), (_BAR_HEIGHT, _BAR_WIDTH, 3))
    return np.ascontiguousarray(repeated)
