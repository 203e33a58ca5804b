"""CSV and TSV: a word, line or volume a row."""

from __future__ import annotations

import ast
import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from models.errors import StimulusError
from models.transcript._cues import Cue

__all__ = ["Table", "Volumes", "is_volume_table", "read_table", "read_timed_rows", "read_volumes"]

_DELIMITERS = "\t,;|"
_WORD_NAMES = (
    "word",
    "words",
    "text",
    "token",
    "transcript",
    "label",
    "orthography",
    "mot",
    "wort",
)
_ONSET_NAMES = ("onset", "start", "starttime", "begin", "tmin", "xmin", "t0", "time", "from")
_END_NAMES = ("end", "offset", "stop", "endtime", "tmax", "xmax", "t1", "to")
_LENGTH_NAMES = ("duration", "dur", "length")
_UNIT = re.compile(r"[\s_]*[(\[]?\b(ms|msec|milliseconds|s|sec|secs|seconds)[)\]]?$")

#: Repetition time of the Courtois NeuroMod scans that have such tables.
_CNEUROMOD_TR_S = 1.49
#: A repetition time found from the onsets is taken for that one when it is this near.
_NEAR = 0.03


@dataclass(frozen=True)
class Table:
    """Cells of a file.

    Parameters
    ----------
    header : tuple of str
        Names of the columns; empty where there are none.
    rows : tuple of tuple of str
        As wide as each row of the file is; rows without any text are left out.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, names: Sequence[str]) -> tuple[int, float] | None:
        """Place of the first column of such a name, and its unit in s; None without one."""
        plain = [_plain_name(name) for name in self.header]
        for wanted in names:
            for place, (name, unit_s) in enumerate(plain):
                if name == wanted:
                    return place, unit_s
        return None

    def cell(self, row: tuple[str, ...], place: int) -> str:
        """One cell; empty where the row is too short."""
        return row[place].strip() if place < len(row) else ""


def read_table(text: str) -> Table | None:
    """Cells of a text that is a table of words with times; None if it is not.

    A table has a header with a column of words and one of times, or no header but in nearly every
    row one text and one or two times.
    """
    first = next((line for line in text.split("\n") if line.strip()), "")
    for delimiter in sorted(_DELIMITERS, key=first.count, reverse=True):
        if delimiter not in first:
            continue
        cells = _read_cells(text, delimiter)
        if not cells:
            continue
        named = Table(tuple(cells[0]), tuple(cells[1:]))
        if is_volume_table(named) or (named.column(_WORD_NAMES) and named.column(_ONSET_NAMES)):
            return named
        bare = Table((), tuple(cells))
        if _bare_columns(bare) is not None:
            return bare
    return None


def _read_cells(text: str, delimiter: str) -> list[tuple[str, ...]]:
    """Rows that hold some text; none where the text cannot be a table."""
    try:
        rows = [tuple(row) for row in csv.reader(io.StringIO(text, ""), delimiter=delimiter)]
        if delimiter == "\t" and any("\n" in cell for row in rows for cell in row):
            # a lone quotation mark in a table that does not quote its cells
            plain = csv.reader(io.StringIO(text, ""), delimiter=delimiter, quoting=csv.QUOTE_NONE)
            rows = [tuple(row) for row in plain]
    except csv.Error:
        return []
    return [row for row in rows if any(cell.strip() for cell in row)]


def _plain_name(name: str) -> tuple[str, float]:
    """Name of a column without its unit, and the unit in s."""
    lower = re.sub(r"[\s_]+", " ", name.strip().lower())
    unit = _UNIT.search(lower)
    bare = lower[: unit.start()] if unit and unit.start() > 0 else lower
    is_ms = unit is not None and unit.group(1).startswith("m")
    return re.sub(r"[^a-z0-9]", "", bare), 1e-3 if is_ms else 1.0


def is_volume_table(table: Table) -> bool:
    """Whether each row is a volume with lists of words and onsets."""
    names = {name.strip().lower() for name in table.header}
    return {"words_per_tr", "onsets_per_tr"} <= names


def read_timed_rows(table: Table) -> list[Cue]:
    """One cue a row, a word or more each.

    Raises
    ------
    StimulusError
        A cell that should hold a time holds something else.
    """
    if not table.header:
        return _read_bare_rows(table)
    word, onset = table.column(_WORD_NAMES), table.column(_ONSET_NAMES)
    assert word is not None  # read_table made sure
    assert onset is not None
    end, length = table.column(_END_NAMES), table.column(_LENGTH_NAMES)
    cues = []
    for number, row in enumerate(table.rows):
        start_s = _time(table.cell(row, onset[0]), onset[1], number)
        end_s = _time(table.cell(row, end[0]), end[1], number) if end else None
        if end_s is None and length and start_s is not None:
            length_s = _time(table.cell(row, length[0]), length[1], number)
            end_s = None if length_s is None else start_s + length_s
        cues.append(Cue(table.cell(row, word[0]), start_s, end_s))
    return cues


def _time(cell: str, unit_s: float, number: int) -> float | None:
    """Seconds of a cell; None for an empty one."""
    if cell.lower() in ("", "nan", "na", "n/a", "none", "null"):
        return None
    value = _number(cell)
    if value is None:
        raise StimulusError(f"Row {number + 1} of the table has “{cell[:40]}” instead of a time.")
    return value * unit_s


def _number(cell: str) -> float | None:
    """Read a number, also with a decimal comma; None if it is none."""
    try:
        return float(cell.strip().replace(",", ".") if cell.count(",") == 1 else cell)
    except ValueError:
        return None


def _bare_columns(table: Table) -> tuple[int, int, int | None] | None:
    """Places of the word, the onset and the end in a table without a header."""
    rows = [row for row in table.rows[:200] if len(row) > 1]
    if not rows or len(rows) < 0.9 * len(table.rows[:200]):
        return None
    numbers, texts = [], []
    for place in range(min(map(len, rows))):
        filled = [row[place] for row in rows if row[place].strip()]
        n_numbers = sum(_number(cell) is not None for cell in filled)
        if filled and n_numbers > 0.8 * len(filled) and len(filled) > 0.5 * len(rows):
            numbers.append(place)  # words that could not be aligned have no times
        elif filled and n_numbers < 0.2 * len(filled):
            texts.append(place)
    if not numbers or not texts:
        return None
    return texts[0], numbers[0], numbers[1] if len(numbers) > 1 else None


def _read_bare_rows(table: Table) -> list[Cue]:
    """Rows of a table without a header: word, onset, perhaps end or duration."""
    places = _bare_columns(table)
    assert places is not None  # read_table made sure
    word, onset, other = places
    found = []
    for number, row in enumerate(table.rows):
        start_s = _time(table.cell(row, onset), 1.0, number)
        second = _time(table.cell(row, other), 1.0, number) if other is not None else None
        found.append(Cue(table.cell(row, word), start_s, second))
    known = [cue for cue in found if cue.start_s is not None and cue.end_s is not None]
    is_end = all((cue.end_s or 0) >= (cue.start_s or 0) for cue in known)
    if is_end:
        return found
    return [  # the second number is a duration
        Cue(cue.text, cue.start_s, cue.start_s + cue.end_s)
        if cue.start_s is not None and cue.end_s is not None
        else cue
        for cue in found
    ]


@dataclass(frozen=True)
class Volumes:
    """What a table with a volume a row says.

    Parameters
    ----------
    cues : tuple of Cue
        One a word.
    n_rows : int
        Volumes, silent ones at the end included.
    tr_s : float
        Repetition time, in s.
    notes : tuple of str
    """

    cues: tuple[Cue, ...]
    n_rows: int
    tr_s: float
    notes: tuple[str, ...]


def read_volumes(table: Table) -> Volumes:
    """Words of a table whose cells hold lists (Algonauts 2025, Courtois NeuroMod).

    Notes
    -----
    Columns ``text_per_tr`` (as spoken, with punctuation; empty in silence), ``words_per_tr``,
    ``onsets_per_tr`` and ``durations_per_tr``: Python lists, onsets in s from the start of the
    film. Lists are read as literals; nothing in them is run. Where ``text_per_tr`` has as many
    words as the list, its words are taken, because they keep their punctuation.

    Raises
    ------
    StimulusError
        A cell is no list, or lists of a row differ in length.
    """
    places = {name.strip().lower(): place for place, name in enumerate(table.header)}
    cues: list[Cue] = []
    row_of_cue: list[int] = []

    def cell(row: tuple[str, ...], name: str) -> str:
        return table.cell(row, places[name]) if name in places else ""

    for number, row in enumerate(table.rows):
        words = _texts(cell(row, "words_per_tr"), number)
        onsets = _times(cell(row, "onsets_per_tr"), number)
        lengths = _times(cell(row, "durations_per_tr"), number) or [None] * len(words)
        if not len(words) == len(onsets) == len(lengths):
            raise StimulusError(
                f"Row {number + 1} has {len(words)} words, {len(onsets)} onsets and "
                f"{len(lengths)} durations."
            )
        spoken = cell(row, "text_per_tr").split()
        if [_letters(word) for word in spoken] == [_letters(word) for word in words]:
            words = spoken
        for word, onset_s, length_s in zip(words, onsets, lengths, strict=True):
            end_s = onset_s + length_s if onset_s is not None and length_s else None
            cues.append(Cue(word, onset_s, end_s))
            row_of_cue.append(number)
    tr_s, notes = _volume_length(cues, row_of_cue)
    return Volumes(tuple(cues), len(table.rows), tr_s, notes)


def _letters(word: str) -> str:
    """Letters and digits of a word, in lower case."""
    return "".join(letter for letter in word.lower() if letter.isalnum())


def _list(cell: str, number: int) -> Sequence[object]:
    """List in a cell; none for an empty cell."""
    if cell.lower() in ("", "nan", "na", "none"):
        return []
    try:
        found = ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as problem:
        raise StimulusError(
            f"Row {number + 1} of the table has “{cell[:40]}” instead of a list."
        ) from problem
    if not isinstance(found, list | tuple):
        raise StimulusError(f"Row {number + 1} of the table has “{cell[:40]}” instead of a list.")
    return found


def _texts(cell: str, number: int) -> list[str]:
    """Words of a list."""
    return [str(entry) for entry in _list(cell, number)]


def _times(cell: str, number: int) -> list[float | None]:
    """Read a list of times in s; None for an entry that says nothing."""
    found: list[float | None] = []
    for entry in _list(cell, number):
        if entry is not None and (isinstance(entry, bool) or not isinstance(entry, int | float)):
            raise StimulusError(f"Row {number + 1} of the table has {entry!r} instead of a time.")
        found.append(None if entry is None else float(entry))
    return found


def _volume_length(cues: Sequence[Cue], row_of_cue: Sequence[int]) -> tuple[float, tuple[str, ...]]:
    """Repetition time that the onsets agree with, in s."""
    ratios = sorted(
        cue.start_s / (row + 0.5)
        for cue, row in zip(cues, row_of_cue, strict=True)
        if cue.start_s is not None and math.isfinite(cue.start_s) and row >= 10
    )
    found_s = ratios[len(ratios) // 2] if ratios else _CNEUROMOD_TR_S
    if abs(found_s / _CNEUROMOD_TR_S - 1) < _NEAR:
        return _CNEUROMOD_TR_S, ()
    if found_s <= 0:
        raise StimulusError("The onsets of this table do not rise with its rows.")
    found_s = round(found_s, 2)
    return found_s, (f"From the onsets, a volume of this table lasts about {found_s:g} s.",)
