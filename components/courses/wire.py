"""What travels to the browser for courses: values, lines, words, the delay, left-out words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from components.charts import LINE_COLORS, LINE_DASHES
from components.message import Sections, assemble
from models.errors import SpaceMismatchError
from models.types import FloatArray, Response

__all__ = ["Delay", "Effects", "Line", "Words", "pack_courses"]

#: A bar without a number of its own, e.g. where no order was shuffled.
_NONE: tuple[float, ...] = ()


@dataclass(frozen=True)
class Line:
    """One course.

    Parameters
    ----------
    name : str
        Region, network or system, as it is said on the page's bus.
    label : str
        What is written; default the name.
    is_low_confidence : bool
        Whether the model itself warns of it.
    parts : tuple of str
        Names of smaller regions inside it: who points at one of them means this line.
    """

    name: str
    label: str = ""
    is_low_confidence: bool = False
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Words:
    """What is said, in order.

    Parameters
    ----------
    texts : tuple of str
    onsets_s : tuple of float
        Rising, in s.
    """

    texts: tuple[str, ...] = ()
    onsets_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class Delay:
    """How much earlier the words were that a response is mostly about.

    Parameters
    ----------
    peak_s : float
        Where the guide stands at first, in s.
    from_s, to_s : float
        Where the response to a word is half of its peak, before and after; in s.
    source : str
        Where the numbers come from, one sentence.
    """

    peak_s: float = 5.0
    from_s: float = 3.0
    to_s: float = 8.0
    source: str = ""


@dataclass(frozen=True, eq=False)
class Effects:
    """What leaving each word, or each volume's words, out changes.

    Parameters
    ----------
    title : str
        Of the axis.
    names : tuple of str
    onsets_s : ndarray of shape (n_units,)
    widths_s : ndarray of shape (n_units,)
        Room of each on the time axis, in s.
    values : ndarray of shape (n_units,)
        In the response's units; positive: the response is larger with the word.
    baseline : ndarray of shape (n_units, n_shuffles)
        The same of the same words at other places.
    line : str
        Name of the line that they are about.
    label : str
        The same in words.
    one : str
        What each bar leaves out, in words.
    """

    title: str
    names: tuple[str, ...]
    onsets_s: FloatArray
    widths_s: FloatArray
    values: FloatArray
    baseline: FloatArray
    line: str = ""
    label: str = ""
    one: str = "word"


@dataclass
class _Numbers:
    """Sections of float32, each named in the header."""

    sections: Sections = field(default_factory=Sections)

    def add(self, values: FloatArray | Sequence[float]) -> dict[str, int]:
        """Append numbers; say where they are."""
        return self.sections.add(np.asarray(values, "<f4").tobytes())


def pack_courses(
    response: Response,
    values: FloatArray,
    lines: Sequence[Line],
    *,
    tr_s: float,
    row_texts: Sequence[str],
    words: Words,
    delay: Delay,
    effects: Effects | None = None,
    script_url: str = "",
) -> bytes:
    """Message for ``courses_view``.

    Parameters
    ----------
    response : Response
        Whose courses they are: its onsets, units and badge are written.
    values : ndarray of shape (n_rows, n_lines)
        In the response's units; NaN leaves a gap.
    lines : sequence of Line
        One a column.
    tr_s : float
        Time from one row to the next, in s.
    row_texts : sequence of str
        What is said in each row.
    words : Words
    delay : Delay
    effects : Effects, optional
        Bars under the words.
    script_url : str
        Where the page gets plotly.js from.

    Raises
    ------
    SpaceMismatchError
        Shape, lines and rows do not fit each other.
    """
    table = np.asarray(values, dtype=float)
    n_rows = response.n_rows
    if table.shape != (n_rows, len(lines)) or len(row_texts) != n_rows:
        raise SpaceMismatchError(
            f"{n_rows} rows, {len(row_texts)} texts and {len(lines)} lines, "
            f"but values {table.shape}."
        )
    numbers = _Numbers()
    header = {
        "n_rows": n_rows,
        "tr_s": float(tr_s),
        "first_s": float(response.row_labels[0]),
        "units": response.units,
        "badge": response.provenance.badge,
        "lines": [_line(line, table[:, index], index) for index, line in enumerate(lines)],
        "values": numbers.add(np.where(np.isfinite(table), table, np.nan).T.copy()),
        "row_texts": list(row_texts),
        "words": list(words.texts),
        "onsets": numbers.add(words.onsets_s),
        "delay": {
            "peak": delay.peak_s,
            "from": delay.from_s,
            "to": delay.to_s,
            "source": delay.source,
        },
        "effects": _effects(effects, numbers) if effects is not None else None,
        "script": script_url,
    }
    return assemble(header, numbers.sections.payload())


def _line(line: Line, values: FloatArray, index: int) -> dict[str, Any]:
    """How one line is drawn and named: hue and dash as in every other chart."""
    return {
        "name": line.name,
        "label": line.label or line.name,
        "color": LINE_COLORS[index % len(LINE_COLORS)],
        "dash": LINE_DASHES[index // len(LINE_COLORS) % len(LINE_DASHES)],
        "is_low": line.is_low_confidence,
        "is_modelled": bool(np.isfinite(values).any()),
        "parts": list(line.parts),
    }


def _effects(effects: Effects, numbers: _Numbers) -> Mapping[str, Any]:
    """Bars: value, and mean and range of its baseline."""
    has_baseline = effects.baseline.ndim == 2 and effects.baseline.shape[1] > 0
    baseline = effects.baseline if has_baseline else None
    return {
        "title": effects.title,
        "line": effects.line,
        "label": effects.label or effects.line,
        "one": effects.one,
        "names": list(effects.names),
        "n_shuffles": 0 if baseline is None else baseline.shape[1],
        "onsets": numbers.add(effects.onsets_s),
        "widths": numbers.add(effects.widths_s),
        "values": numbers.add(effects.values),
        "means": numbers.add(_NONE if baseline is None else baseline.mean(axis=1)),
        "lows": numbers.add(_NONE if baseline is None else baseline.min(axis=1)),
        "highs": numbers.add(_NONE if baseline is None else baseline.max(axis=1)),
    }
