"""Which token belongs to which volume, and how a long transcript is cut into windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.types import IntArray

__all__ = ["Window", "assign_tokens", "cut_windows", "join_lines", "window_words"]


@dataclass(frozen=True)
class Window:
    """One stretch of tokens that the language model sees at once.

    Parameters
    ----------
    start, stop : int
        Tokens in the window.
    first_used : int
        Tokens from here on take their features from this window; earlier ones are context.
    """

    start: int
    stop: int
    first_used: int


def join_lines(lines: Sequence[str]) -> tuple[str, IntArray]:
    """Put the lines of a transcript into one text.

    Returns
    -------
    text : str
        Each line and a line feed.
    ends : ndarray of shape (n_lines,), int
        Where each line ends in the text, its line feed included; it starts where the one before
        ends.
    """
    ends = np.cumsum([len(line) + 1 for line in lines])
    return "".join(line + "\n" for line in lines), ends


def assign_tokens(offsets: IntArray, ends: IntArray) -> IntArray:
    """Volume of each token: the first one whose letters it overlaps.

    Parameters
    ----------
    offsets : ndarray of shape (n_tokens, 2), int
        First letter of a token, and the one after its last.
    ends : ndarray of shape (n_lines,), int
        From :func:`join_lines`.

    Returns
    -------
    ndarray of shape (n_tokens,), int
        -1 for a token without letters. A line feed that the tokenizer keeps in one piece with
        the line before belongs to that line, so a silent volume may have no token.
    """
    starts = np.concatenate([[0], ends[:-1]])
    owner = np.repeat(np.arange(len(ends)), ends - starts)  # of each letter: linear in the text
    first, after_last = offsets[:, 0], offsets[:, 1]
    nearest = owner[np.minimum(first, len(owner) - 1)]
    # A token (first, last) with last <= first has no letters; one that starts in a volume and
    # ends at or before that volume's start cannot overlap it.
    overlaps = (first < len(owner)) & (after_last > starts[nearest]) & (after_last > 0)
    return np.where(overlaps, nearest, -1)


def cut_windows(n_tokens: int, context: int) -> tuple[Window, ...]:
    """Cut a text into overlapping windows.

    Parameters
    ----------
    n_tokens : int
        At least 1.
    context : int
        Tokens that the language model takes at once, at least 2.

    Returns
    -------
    tuple of Window
        One if everything fits. Else each window starts half a context after the one before, and
        a token takes its features from the first window that holds it: tokens of the first
        window see all that came before, every later one at least half a context.
    """
    step = context // 2
    windows = [Window(0, min(n_tokens, context), 0)]
    while windows[-1].stop < n_tokens:
        start = windows[-1].start + step
        windows.append(Window(start, min(n_tokens, start + context), windows[-1].stop))
    return tuple(windows)


def window_words(windows: Sequence[Window], context: int) -> str:
    """Say how a transcript was cut, for provenance."""
    if len(windows) == 1:
        return f"whole: {windows[0].stop} tokens fit into the context of {context}"
    return (
        f"{windows[-1].stop} tokens in {len(windows)} windows of {context}, each starting "
        f"{context // 2} after the one before; a token's features come from the first window "
        f"that holds it, so beyond the first window it sees at least {context - context // 2} "
        "earlier tokens, not all of them"
    )
