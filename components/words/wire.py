"""The editor's message, and what the browser sends back; pure.

The message is laid out as in ``components/message.py``: texts in the header, when each word starts
as float32 in the payload. ``frontend/rows.js`` is the twin of the reader.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.message import assemble

__all__ = ["STEPS", "RowEdit", "pack_words", "read_edits"]

#: What can be done with the rows.
STEPS = (
    "text",
    "insert",
    "remove",
    "split",
    "merge",
    "earlier",
    "later",
    "word",
    "undo",
    "redo",
)
#: More at once are not sent by a person.
MOST_EDITS = 1000
LONGEST_TEXT = 100_000


@dataclass(frozen=True)
class RowEdit:
    """One step of the person.

    Parameters
    ----------
    number : int
        Counts the steps with one text, from 1.
    step : str
        One of :data:`STEPS`.
    row : int
        Row that it is done with, from 0; for "insert" the number of rows, too.
    text : str
        For "text": what the row says now.
    word : int
        For "split": words of the row that stay in it. For "word": its number among all, from 0.
    onset_s : float
        For "word": when it starts now, in s from the start of the first row.
    """

    number: int
    step: str
    row: int = 0
    text: str = ""
    word: int = 0
    onset_s: float = 0.0


def pack_words(
    texts: Sequence[str],
    offsets_s: Sequence[Sequence[float]],
    *,
    tr_s: float,
    revision: str,
    n_taken: int = 0,
    can_undo: bool = False,
    can_redo: bool = False,
) -> bytes:
    """Message for :func:`components.words.transcript_editor`.

    Parameters
    ----------
    texts : sequence of str
        What is said in each volume, words with one blank between them.
    offsets_s : sequence of sequences of float
        When each word starts, in s from the start of its row; one a word.
    tr_s : float
        Time from one row to the next, in s.
    revision : str
        Another one for another text; stays while the person edits.
    n_taken : int
        Number of the last edit of this revision that is in these rows (or was refused).
    can_undo, can_redo : bool

    Raises
    ------
    ValueError
        Not one time a word.
    """
    if len(texts) != len(offsets_s):
        raise ValueError(f"Times of {len(offsets_s)} rows for {len(texts)} texts.")
    for number, (text, offsets) in enumerate(zip(texts, offsets_s, strict=True)):
        if len(text.split()) != len(offsets):
            raise ValueError(
                f"Row {number} has {len(offsets)} times for {len(text.split())} words."
            )
    times = np.fromiter((one for row in offsets_s for one in row), "<f4")
    header = {
        "texts": list(texts),
        "n_words": [len(row) for row in offsets_s],
        "tr_s": tr_s,
        "revision": revision,
        "n_taken": n_taken,
        "can_undo": can_undo,
        "can_redo": can_redo,
    }
    return assemble(header, times.tobytes())


def read_edits(value: object) -> tuple[str, tuple[RowEdit, ...]]:
    """Check what came from the browser, which is not to be trusted.

    Returns
    -------
    str
        Revision of the text that was edited; "" for anything malformed.
    tuple of RowEdit
        In the order in which they were made; none at or after the first malformed one.
    """
    if not isinstance(value, Mapping):
        return "", ()
    revision, given = value.get("revision"), value.get("edits")
    if not isinstance(revision, str) or not isinstance(given, list):
        return "", ()
    edits: list[RowEdit] = []
    for one in given[:MOST_EDITS]:
        found = _read_edit(one)
        if found is None or (edits and found.number <= edits[-1].number):
            break
        edits.append(found)
    return revision, tuple(edits)


def _read_edit(value: object) -> RowEdit | None:
    """One edit; None for anything malformed."""
    if not isinstance(value, Mapping) or value.get("step") not in STEPS:
        return None
    number, row, word = (_count(value.get(name, 0)) for name in ("number", "row", "word"))
    text, onset_s = value.get("text", ""), _seconds(value.get("onset_s", 0.0))
    if number is None or row is None or word is None or onset_s is None:
        return None
    if not isinstance(text, str) or len(text) > LONGEST_TEXT:
        return None
    return RowEdit(number, str(value["step"]), row, text, word, onset_s)


def _count(value: Any) -> int | None:
    """Whole number from 0; None for anything else."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if is_count else None


def _seconds(value: Any) -> float | None:
    """Finite number from 0; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None
