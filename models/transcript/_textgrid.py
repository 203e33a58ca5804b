"""Praat TextGrids, in the long and the short text form.

Source: the Praat manual, "TextGrid file formats": of the text, only free-standing numbers, texts in
double quotes (a quote inside is doubled) and flags in angle brackets count, so both forms are one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from models.errors import StimulusError
from models.transcript._cues import Cue

__all__ = ["is_textgrid", "read_textgrid"]

_TOKEN = re.compile(
    r'"((?:[^"]|"")*)"|(?<!\S)(-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)(?!\S)|(<exists>|<absent>)'
)
_COMMENT = re.compile(r"(?m)^[ \t]*!.*$")
_WORD_TIER = re.compile(r"(?:^|[^a-z])(?:words?|ort|mots?|wort|w(?:o|ö)rter|orthography|tokens?)\b")
_PART_TIER = re.compile(r"phone|phoneme|segment|syll|(?:^|[^a-z])(?:mau|kan|phon|ipa)\b")

#: Labels of aligners for silence, breath and noise.
_SILENCES = frozenset(
    {"", "sp", "sil", "silence", "spn", "<sil>", "<p:>", "<p>", "<eps>", "#", "_"}
    | {"{lg}", "{br}", "{ls}", "{ns}", "{sl}", "{sp}", "{cg}", "br", "lg", "ls", "ns"}
    | {"sentence_start", "sentence_end"}
)


@dataclass(frozen=True)
class _Tier:
    """Labels of one tier, in time."""

    name: str
    cues: tuple[Cue, ...]

    @property
    def share_of_single_words(self) -> float:
        """How many of the labels hold one word."""
        return sum(len(cue.text.split()) == 1 for cue in self.cues) / max(len(self.cues), 1)


def is_textgrid(text: str) -> bool:
    """Whether the text is a TextGrid that Praat wrote as text."""
    head = text[:400]
    return "ooTextFile" in head and "TextGrid" in head


def read_textgrid(text: str) -> tuple[list[Cue], list[str]]:
    """Words of a TextGrid, and notes.

    Tiers named after words are taken, all of them (one a speaker). Without such a name, of the
    interval tiers that are not named after sounds or syllables: the one with the most labels of a
    single word, if most of its labels are, else the one with the most labels, whose labels are
    then spread.

    Raises
    ------
    StimulusError
        The file breaks off, or no tier has a label.
    """
    tiers = [tier for tier in _read_tiers(text) if tier.cues]
    chosen = [tier for tier in tiers if _WORD_TIER.search(tier.name.lower())]
    if not chosen:
        whole = [tier for tier in tiers if not _PART_TIER.search(tier.name.lower())] or tiers
        if not whole:
            raise StimulusError("No interval tier of this TextGrid has a label.")
        singles = [tier for tier in whole if tier.share_of_single_words > 0.5]
        chosen = [max(singles or whole, key=lambda tier: len(tier.cues))]
    cues = [cue for tier in chosen for cue in tier.cues]
    if len(chosen) > 1:  # speakers take turns: order in the file is no order in time
        cues.sort(key=lambda cue: cue.start_s or 0.0)
    names = ", ".join(f"“{tier.name}”" for tier in chosen)
    if len(tiers) == 1:
        return cues, []
    word = "Tier" if len(chosen) == 1 else "Tiers"
    return cues, [f"{word} {names} of {len(tiers)} tiers with labels: the words were taken there."]


def _read_tiers(text: str) -> Iterator[_Tier]:
    """Interval tiers, without labels that stand for silence."""
    tokens = _tokens(text)
    try:
        next(tokens), next(tokens)  # what kind of file, what kind of object
        next(tokens), next(tokens)  # start and end
        if next(tokens) == "<absent>":
            return
        for _ in range(_count(next(tokens))):
            kind, name = str(next(tokens)), str(next(tokens))
            next(tokens), next(tokens)
            n_labels = _count(next(tokens))
            if kind == "IntervalTier":
                yield _Tier(name, tuple(_intervals(tokens, n_labels)))
            else:  # points have no length: they mark sounds or beats, not words
                for _ in range(n_labels):
                    next(tokens), next(tokens)
    except (StopIteration, ValueError, RuntimeError) as problem:
        raise StimulusError("This TextGrid breaks off or is damaged.") from problem


def _intervals(tokens: Iterator[str | float], n_labels: int) -> list[Cue]:
    """Labels of one tier."""
    found = []
    for _ in range(n_labels):
        start_s, end_s, label = float(next(tokens)), float(next(tokens)), str(next(tokens))
        plain = label.strip()
        if plain.lower() not in _SILENCES:
            found.append(Cue(plain, start_s, end_s))
    return found


def _tokens(text: str) -> Iterator[str | float]:
    """Yield what counts of the text: quoted texts, numbers, flags."""
    for match in _TOKEN.finditer(_COMMENT.sub("", text)):
        quoted, number, flag = match.groups()
        if number is not None:
            yield float(number)
        else:
            yield flag if quoted is None else quoted.replace('""', '"')


def _count(token: str | float) -> int:
    """Whole number of things that follow."""
    count = float(token)
    if count < 0 or count != int(count):
        raise ValueError(f"{count} is no count.")
    return int(count)
