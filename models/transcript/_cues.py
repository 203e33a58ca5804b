"""Cues: text with times, as every format gives it, and how their words get times."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.errors import StimulusError
from models.transcript.words import (
    LONGEST_SYLLABLE_S,
    Word,
    limit_durations,
    share_time,
    split_words,
    syllables,
)

__all__ = ["LONGEST_TIME_S", "Cue", "clean_captions", "cues_to_words", "plain_caption"]

#: Later than this no word may start; 8 h is more than any scan.
LONGEST_TIME_S = 8 * 3600.0
#: Speech that starts later than this gets a note: the file may count from a tape's hour.
_LATE_START_S = 60.0

_TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,200}>|<\d[\d:.]{0,20}>|\{[\\a-zA-Z][^{}\n]{0,200}\}")
_SOUND = re.compile(r"\[[^\[\]]{0,200}\]|[♪♫♬]|^\s*\([^()]{0,200}\)\s*$", re.MULTILINE)
_SPEAKER = re.compile(r"^[ \t]*[-–—]?[ \t]*[A-Z][A-Z .'’-]{1,30}[A-Z.]:(?=\s)", re.MULTILINE)
_DASH = re.compile(r"^[ \t]*[-–—][ \t]*", re.MULTILINE)


@dataclass(frozen=True)
class Cue:
    """A word or more with the times that a file gives.

    Parameters
    ----------
    text : str
        One or many lines.
    start_s, end_s : float, optional
        None where the file does not say.
    """

    text: str
    start_s: float | None
    end_s: float | None = None


def clean_captions(cues: Sequence[Cue]) -> tuple[list[Cue], list[str]]:
    """Leave what is spoken of captions made for viewers.

    Markup goes, and so do descriptions of sounds in square brackets, music signs, names of
    speakers in capitals and dashes at the start of a line.

    Returns
    -------
    cues : list of Cue
    notes : list of str
        One sentence for each kind of text that was left out.
    """
    cleaned: list[Cue] = []
    n_sounds = n_speakers = 0
    for cue in cues:
        text, more = _SOUND.subn(" ", plain_caption(cue.text))
        n_sounds += more
        text, more = _SPEAKER.subn(" ", text)
        n_speakers += more
        cleaned.append(replace(cue, text=_DASH.sub("", text)))
    found = ((n_sounds, "Descriptions of sounds or music"), (n_speakers, "Names of speakers"))
    return cleaned, [f"{words} were left out ({count:,})." for count, words in found if count]


def plain_caption(text: str) -> str:
    """Text of a caption without markup."""
    return html.unescape(_TAG.sub("", text))


def cues_to_words(cues: Sequence[Cue]) -> tuple[tuple[Word, ...], list[str]]:
    """Give every word of some cues a time.

    Parameters
    ----------
    cues : sequence of Cue
        In the order of the file.

    Returns
    -------
    words : tuple of Word
        Rising onsets. Words of a cue are spread over it by their syllables; cues without a time
        share the gap between their neighbours; no word lasts beyond the next onset.
    notes : list of str
        What was done, one sentence each.

    Raises
    ------
    StimulusError
        Times that cannot be: negative, not a number, later than 8 h.
    """
    notes: list[str] = []
    spoken = [cue for cue in cues if split_words(cue.text)]
    _check_times(spoken)
    timed = _fill_gaps(spoken, notes)
    ordered = sorted(timed, key=_start)
    if ordered != timed:
        notes.append("Times were not in order; they were sorted.")
    _note_overlaps(ordered, notes)
    words: list[Word] = []
    n_spread = 0
    for number, cue in enumerate(ordered):
        following_s = _start(ordered[number + 1]) if number + 1 < len(ordered) else math.inf
        found = _spread(cue, following_s)
        n_spread += len(found) > 1
        words.extend(found)
    if n_spread:
        notes.append(
            "The file gives times of lines, not of words: words were spread over their line by "
            "syllables."
        )
    words.sort(key=lambda word: word.onset_s)
    if words and words[0].onset_s > _LATE_START_S:
        notes.append(
            f"Nothing is said before {words[0].onset_s:,.0f} s; shift the words if the file "
            "counts from an earlier time."
        )
    return limit_durations(words), notes


def _start(cue: Cue) -> float:
    """Start of a cue that has one."""
    assert cue.start_s is not None
    return cue.start_s


def _check_times(cues: Sequence[Cue]) -> None:
    """Refuse times that cannot be."""
    for cue in cues:
        excerpt = " ".join(cue.text.split())[:40]
        for time_s in (cue.start_s, cue.end_s):
            if time_s is not None and not math.isfinite(time_s):
                raise StimulusError(f"The time of “{excerpt}” is not a number.")
        if cue.start_s is not None and cue.start_s < 0:
            raise StimulusError(
                f"“{excerpt}” starts at {cue.start_s:g} s; shift the times so that none is "
                "negative."
            )
        if cue.start_s is not None and cue.start_s > LONGEST_TIME_S:
            raise StimulusError(
                f"“{excerpt}” starts after {cue.start_s / 3600:,.1f} hours; at most "
                f"{LONGEST_TIME_S / 3600:g} are taken. Are the times in milliseconds?"
            )


def _fill_gaps(cues: Sequence[Cue], notes: list[str]) -> list[Cue]:
    """Let cues without a start share the gap between their neighbours by syllables."""
    filled = list(cues)
    missing = [number for number, cue in enumerate(cues) if cue.start_s is None]
    if not missing:
        return filled
    if len(missing) == len(cues):
        raise StimulusError("No word of this file has a time.")
    first = 0
    while first < len(filled):
        if filled[first].start_s is not None:
            first += 1
            continue
        last = first
        while last < len(filled) and filled[last].start_s is None:
            last += 1
        begin_s, end_s = _gap(filled, first, last)
        texts = [filled[number].text for number in range(first, last)]
        onsets = share_time(["".join(text.split()) for text in texts], begin_s, end_s - begin_s)
        for number, onset_s in zip(range(first, last), onsets, strict=True):
            filled[number] = replace(filled[number], start_s=onset_s, end_s=None)
        first = last
    notes.append(
        f"{len(missing):,} words without a time share the gap between their neighbours."
        if len(missing) > 1
        else "One word without a time was put into the gap between its neighbours."
    )
    return filled


def _gap(cues: Sequence[Cue], first: int, last: int) -> tuple[float, float]:
    """Time that cues ``first`` to ``last - 1``, which have none, can share."""
    needed_s = sum(_usual_length_s(cue.text) for cue in cues[first:last])
    if first == 0:
        end_s = _start(cues[last])
        return max(0.0, end_s - needed_s), end_s
    before = cues[first - 1]
    begin_s = (
        _start(before) + _usual_length_s(before.text) if before.end_s is None else before.end_s
    )
    begin_s = max(begin_s, _start(before))
    if last == len(cues):
        return begin_s, begin_s + needed_s
    end_s = _start(cues[last])
    return min(begin_s, max(end_s, _start(before))), max(end_s, begin_s)


def _usual_length_s(text: str) -> float:
    """Time that text takes at the longest usual syllables."""
    return sum(map(syllables, split_words(text))) * LONGEST_SYLLABLE_S


def _note_overlaps(cues: Sequence[Cue], notes: list[str]) -> None:
    """Say how many cues start before an earlier one has ended."""
    n_overlaps, end_s = 0, -math.inf
    for cue in cues:
        n_overlaps += _start(cue) < end_s - 0.01
        end_s = max(end_s, _start(cue) if cue.end_s is None else cue.end_s)
    if n_overlaps:
        notes.append(f"Lines overlap in time ({n_overlaps:,}); their words are mixed by onset.")


def _spread(cue: Cue, following_s: float) -> list[Word]:
    """Words of one cue; ``following_s`` is when the next one starts."""
    texts = split_words(cue.text)
    start_s = _start(cue)
    usual_s = _usual_length_s(cue.text)
    if cue.end_s is not None and cue.end_s > start_s:
        length_s = cue.end_s - start_s
    else:  # no end, or one that cannot be
        length_s = min(usual_s, max(following_s - start_s, 0.0)) or usual_s
    if len(texts) == 1:
        return [Word(texts[0], start_s, length_s)]
    onsets = share_time(texts, start_s, length_s)
    ends = [*onsets[1:], start_s + length_s]
    return [
        Word(text, onset_s, min(end_s - onset_s, syllables(text) * LONGEST_SYLLABLE_S))
        for text, onset_s, end_s in zip(texts, onsets, ends, strict=True)
    ]
