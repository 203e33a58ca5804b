"""A transcript as rows that a person edits: pure functions, nothing is changed in place.

A word's time is kept relative to its row, so that rows move with their words. Times of a row are
known for all of its words or for none; words without them share their row by syllables.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from models.errors import StimulusError
from models.stimulus import MAX_TRANSCRIPT_LINES, Stimulus
from models.transcript.words import PlacedWords, Word, place_words, row_of, share_time

__all__ = [
    "Grid",
    "History",
    "Row",
    "change_tr",
    "grid_words",
    "insert_rows",
    "merge_rows",
    "move_word",
    "remove_rows",
    "row_offsets",
    "set_text",
    "shift_rows",
    "shift_time",
    "split_row",
]

#: Steps that can be undone.
MOST_STEPS = 100


@dataclass(frozen=True)
class Row:
    """One volume.

    Parameters
    ----------
    text : str
        ``""`` for silence; white space is one blank.
    offsets_s : tuple of float
        When each word (text between blanks) starts, in s from the start of the row, rising; empty
        where not known.
    """

    text: str = ""
    offsets_s: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", " ".join(self.text.split()))
        if len(self.offsets_s) not in (0, len(self.tokens)):
            raise StimulusError(
                f"{len(self.tokens)} words in a row, but {len(self.offsets_s)} onsets."
            )

    @property
    def tokens(self) -> tuple[str, ...]:
        """Text between blanks."""
        return tuple(self.text.split())


@dataclass(frozen=True)
class Grid:
    """All rows, at least one, and the time from one to the next.

    Parameters
    ----------
    rows : tuple of Row
    tr_s : float
        In s.
    """

    rows: tuple[Row, ...]
    tr_s: float

    def __post_init__(self) -> None:
        if not 0 < len(self.rows) <= MAX_TRANSCRIPT_LINES:
            raise StimulusError(
                f"A transcript has 1 to {MAX_TRANSCRIPT_LINES:,} rows; this would have "
                f"{len(self.rows):,}."
            )
        if not self.tr_s > 0:
            raise StimulusError(f"The time between rows must be above 0 s; got {self.tr_s:g}.")

    @classmethod
    def empty(cls, n_rows: int, tr_s: float) -> Grid:
        """Return silent rows."""
        return cls((Row(),) * n_rows, tr_s)

    @classmethod
    def of(cls, placed: PlacedWords | Stimulus) -> Grid:
        """Rows of placed words or of a transcript stimulus."""
        onsets = iter(placed.word_onsets_s)
        is_known = bool(placed.word_onsets_s)
        rows = []
        for number, line in enumerate(placed.lines):
            start_s = number * placed.tr_s
            offsets = tuple(next(onsets) - start_s for _ in line.split()) if is_known else ()
            rows.append(Row(line, offsets))
        return cls(tuple(rows), placed.tr_s)

    @property
    def has_times(self) -> bool:
        """Whether the time of some word is known."""
        return any(row.offsets_s for row in self.rows)

    def place(self) -> PlacedWords:
        """Lines and onsets, as ``Stimulus.from_lines`` takes them.

        Onsets are given where any is known; then words without one share their row by syllables.
        """
        lines = tuple(row.text for row in self.rows)
        onsets = tuple(word.onset_s for word in grid_words(self)) if self.has_times else ()
        return PlacedWords(lines, self.tr_s, onsets)

    def stimulus(self, name: str) -> Stimulus:
        """Stimulus of :meth:`place`."""
        return self.place().stimulus(name)


def grid_words(grid: Grid) -> tuple[Word, ...]:
    """Words of a grid, text between blanks each, with times known or shared; durations are 0."""
    return tuple(
        Word(token, number * grid.tr_s + offset_s, 0.0)
        for number, row in enumerate(grid.rows)
        for token, offset_s in zip(row.tokens, row_offsets(row, grid.tr_s), strict=True)
    )


def row_offsets(row: Row, tr_s: float) -> tuple[float, ...]:
    """When each word of a row starts, in s from its start: known, or shared by syllables."""
    return row.offsets_s or _shared(row.text, tr_s)


@lru_cache(maxsize=MAX_TRANSCRIPT_LINES)
def _shared(text: str, tr_s: float) -> tuple[float, ...]:
    """Share a row among its words; counting syllables takes most of the time of a step."""
    return share_time(text.split(), 0.0, tr_s)


def set_text(grid: Grid, row: int, text: str) -> Grid:
    """Replace the text of a row.

    Known times stay where the number of words does. Otherwise they stay with the words that are
    the same at both ends of the row, and what is new between these shares the time there by
    syllables; where no word is the same, the new ones share the row.
    """
    old = _row(grid, row)
    tokens = tuple(text.split())
    if not old.offsets_s or len(tokens) == len(old.tokens):
        offsets = old.offsets_s
    else:
        offsets = _kept_offsets(old, tokens, grid.tr_s)
    new = Row(text, offsets)
    return _with_rows(grid, (*grid.rows[:row], new, *grid.rows[row + 1 :]))


def _kept_offsets(old: Row, tokens: tuple[str, ...], tr_s: float) -> tuple[float, ...]:
    """Offsets of new words of a row, where those of the old ones are known; () for none."""
    first = _n_common(old.tokens, tokens)
    rest = min(len(old.tokens), len(tokens)) - first
    last = min(rest, _n_common(old.tokens[::-1], tokens[::-1]))
    if not first + last:
        return ()
    known, end = old.offsets_s, len(old.offsets_s) - last
    middle = tokens[first : len(tokens) - last]
    before = tokens[first - 1 : first] if middle else ()  # shares its time with what follows it
    start_s = known[first - 1] if before else 0.0
    stop_s = known[end] if last else tr_s
    shared = share_time((*before, *middle), start_s, max(0.0, stop_s - start_s))
    return (*known[:first], *shared[len(before) :], *known[end:])


def _n_common(one: Sequence[str], other: Sequence[str]) -> int:
    """Count equal words at the start of two rows."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def insert_rows(grid: Grid, at: int, n_rows: int = 1) -> Grid:
    """Put silent rows before row ``at`` (or after the last); later words are said later."""
    if not 0 <= at <= len(grid.rows) or n_rows < 0:
        raise StimulusError(f"There is no place {at} among {len(grid.rows)} rows.")
    return _with_rows(grid, (*grid.rows[:at], *(Row(),) * n_rows, *grid.rows[at:]))


def remove_rows(grid: Grid, at: int, n_rows: int = 1) -> Grid:
    """Take rows away with their words; later words are said earlier. One row stays at least."""
    _row(grid, at)
    kept = (*grid.rows[:at], *grid.rows[at + n_rows :])
    return _with_rows(grid, kept or (Row(),))


def split_row(grid: Grid, row: int, word: int) -> Grid:
    """Move the words of a row from number ``word`` on to a new row after it.

    Rows after it are said one volume later. Known times: the new row starts with its first word.
    """
    old = _row(grid, row)
    if not 0 <= word <= len(old.tokens):
        raise StimulusError(f"The row has {len(old.tokens)} words; it cannot be split at {word}.")
    offsets = old.offsets_s[word:]
    first = Row(" ".join(old.tokens[:word]), old.offsets_s[:word])
    second = Row(" ".join(old.tokens[word:]), tuple(offset - offsets[0] for offset in offsets))
    return _with_rows(grid, (*grid.rows[:row], first, second, *grid.rows[row + 1 :]))


def merge_rows(grid: Grid, row: int) -> Grid:
    """Join a row with the one after it into one volume; rows after them are said earlier.

    Where both have words, the times are shared by syllables anew: two volumes of speech do not
    fit into one as they are.
    """
    first, second = _row(grid, row), _row(grid, row + 1)
    if first.text and second.text:
        joined = Row(f"{first.text} {second.text}")
    else:
        joined = first if first.text else second
    return _with_rows(grid, (*grid.rows[:row], joined, *grid.rows[row + 2 :]))


def shift_rows(grid: Grid, n_rows: int, first: int = 0) -> Grid:
    """Move row ``first`` and all after it by whole volumes, later or (negative) earlier.

    Raises
    ------
    StimulusError
        A row with words would be lost.
    """
    if n_rows >= 0:
        return insert_rows(grid, first, n_rows)
    first_lost, after_lost = max(0, first + n_rows), max(first, -n_rows)
    if any(row.text for row in grid.rows[first_lost:after_lost]):
        raise StimulusError("There are words in the way; remove them or shift by less.")
    return _with_rows(grid, (*grid.rows[:first_lost], *grid.rows[after_lost:]) or (Row(),))


def shift_time(grid: Grid, seconds: float) -> Grid:
    """Move all words in time, later or (negative) earlier; words change rows where they must.

    Raises
    ------
    StimulusError
        A word would start before 0 s.
    """
    words = [replace(word, onset_s=word.onset_s + seconds) for word in grid_words(grid)]
    return _placed_again(grid, words, grid.tr_s)


def change_tr(grid: Grid, tr_s: float) -> Grid:
    """Cut the same time into volumes of another length; words stay at their times."""
    length_s = len(grid.rows) * grid.tr_s
    if not tr_s > 0:
        raise StimulusError(f"The time between rows must be above 0 s; got {tr_s:g}.")
    n_rows = max(1, math.ceil(length_s / tr_s - 1e-6))
    return _placed_again(grid, grid_words(grid), tr_s, n_rows)


def move_word(grid: Grid, word: int, onset_s: float) -> Grid:
    """Let one word start at another time; it changes row, and place in the row, as it must.

    Parameters
    ----------
    grid : Grid
    word : int
        Number of the word among all, from 0.
    onset_s : float

    Raises
    ------
    StimulusError
        There is no such word, or the time is before 0 s.
    """
    words = list(grid_words(grid))
    if not 0 <= word < len(words):
        raise StimulusError(f"There is no word {word}; there are {len(words)}.")
    words[word] = replace(words[word], onset_s=onset_s)
    return _placed_again(grid, words, grid.tr_s)


def _placed_again(
    grid: Grid, words: Sequence[Word], tr_s: float, n_rows: int | None = None
) -> Grid:
    """Rows of words by their times; never fewer rows than before or than needed."""
    latest_s = max((word.onset_s for word in words), default=0.0)
    n_rows = max(n_rows or len(grid.rows), row_of(latest_s, tr_s) + 1)
    if n_rows > MAX_TRANSCRIPT_LINES:
        raise StimulusError(f"At most {MAX_TRANSCRIPT_LINES:,} rows are taken, not {n_rows:,}.")
    return Grid.of(place_words(words, tr_s, n_rows))


def _row(grid: Grid, row: int) -> Row:
    """Row of a number."""
    if not 0 <= row < len(grid.rows):
        raise StimulusError(f"There is no row {row}; there are {len(grid.rows)}, from 0.")
    return grid.rows[row]


def _with_rows(grid: Grid, rows: tuple[Row, ...]) -> Grid:
    """Return the same grid with other rows."""
    return replace(grid, rows=rows)


@dataclass(frozen=True)
class History:
    """A grid and the steps that led to it.

    Parameters
    ----------
    grid : Grid
        As it is now.
    past, future : tuple of Grid
        Oldest first: before the last steps, and after those that were undone.
    """

    grid: Grid
    past: tuple[Grid, ...] = ()
    future: tuple[Grid, ...] = ()

    def push(self, grid: Grid) -> History:
        """Take a step; what was undone before is forgotten. No step if nothing changed."""
        if grid == self.grid:
            return self
        return History(grid, (*self.past, self.grid)[-MOST_STEPS:])

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self.past)

    @property
    def can_redo(self) -> bool:
        """Whether a step was taken back."""
        return bool(self.future)

    def undo(self) -> History:
        """Take the last step back; the same history where there is none."""
        if not self.past:
            return self
        return History(self.past[-1], self.past[:-1], (self.grid, *self.future))

    def redo(self) -> History:
        """Take an undone step again; the same history where there is none."""
        if not self.future:
            return self
        return History(self.future[0], (*self.past, self.grid), self.future[1:])
