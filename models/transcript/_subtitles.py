"""SRT and WebVTT."""

from __future__ import annotations

import re
from dataclasses import dataclass

from models.transcript._cues import Cue, plain_caption

__all__ = ["is_srt", "is_vtt", "read_srt", "read_vtt"]

_TIME = r"(-?)(?:(\d{1,6}):)?(\d{1,3}):(\d{1,3})(?:[.,](\d{1,6}))?"
_TIMING = re.compile(rf"^[ \t]*{_TIME}[ \t]*-->[ \t]*{_TIME}[^\n]*$", re.MULTILINE)
_NUMBER = re.compile(r"\n[ \t]*\d+[ \t]*$")
_VTT_SKIPPED = re.compile(r"^(NOTE|STYLE|REGION)\b")
#: At least this share of the captions repeats a line where captions roll.
_ROLLING_SHARE = 0.3
_INLINE_TIME = re.compile(rf"<{_TIME}>")


def is_srt(text: str) -> bool:
    """Whether some line holds two times and an arrow."""
    return bool(_TIMING.search(text))


def is_vtt(text: str) -> bool:
    """Whether the text starts as WebVTT must."""
    return bool(re.match(r"WEBVTT(?=\s|$)", text))


@dataclass(frozen=True)
class _Block:
    """Times and raw text of one caption."""

    start_s: float
    end_s: float
    body: str


def read_srt(text: str) -> tuple[list[Cue], list[str]]:
    """Cues of SubRip subtitles, and notes.

    A cue reaches to the next line of times, so blank lines inside it do no harm. The number above
    the times is left out where the file has such numbers.
    """
    timings = list(_TIMING.finditer(text))
    is_numbered = bool(re.search(r"^[ \t]*\d+\s*\Z", text[: timings[0].start()], re.MULTILINE))
    blocks = []
    for number, timing in enumerate(timings):
        is_last = number + 1 == len(timings)
        body = text[timing.end() : len(text) if is_last else timings[number + 1].start()]
        if is_numbered and not is_last:
            body = _NUMBER.sub("", body.rstrip("\n"))
        blocks.append(_Block(_seconds(timing, 1), _seconds(timing, 6), body.strip()))
    blocks, notes = _without_repeats(blocks)
    return [Cue(block.body, block.start_s, block.end_s) for block in blocks], notes


def read_vtt(text: str) -> tuple[list[Cue], list[str]]:
    """Cues of WebVTT, and notes; times inside a cue (``<00:00:01.500>``) make cues of their own.

    Notes
    -----
    W3C "WebVTT: The Web Video Text Tracks Format". Blocks are parted by empty lines; notes, styles
    and regions are skipped, and so is an identifier above the times.
    """
    blocks: list[_Block] = []
    for part in re.split(r"\n\n+", text):
        body = part.strip("\n")
        timing = _TIMING.search(body)
        if timing is None or _VTT_SKIPPED.match(body):
            continue
        words = body[timing.end() :].strip("\n")
        blocks.append(_Block(_seconds(timing, 1), _seconds(timing, 6), words))
    blocks, notes = _without_repeats(blocks)
    return [cue for block in blocks for cue in _split_inline(block)], notes


def _without_repeats(blocks: list[_Block]) -> tuple[list[_Block], list[str]]:
    """Keep once what rolling captions show twice: the line before stays above the new one."""
    kept: list[_Block] = []
    n_repeats, last_line = 0, ""
    for block in blocks:
        lines = [line for line in block.body.split("\n") if line.strip()]
        plain = [plain_caption(line).strip() for line in lines]
        is_repeat = bool(plain) and plain[0] == last_line
        n_repeats += is_repeat
        last_line = plain[-1] if plain else last_line
        kept.append(_Block(block.start_s, block.end_s, "\n".join(lines[is_repeat:])))
    if n_repeats < max(3, _ROLLING_SHARE * len(blocks)):  # somebody said the same twice
        return blocks, []
    return kept, [f"Lines that rolling captions repeat were taken once ({n_repeats:,})."]


def _split_inline(block: _Block) -> list[Cue]:
    """One cue, or one for each piece between the times inside it."""
    marks = list(_INLINE_TIME.finditer(block.body))
    times = [block.start_s, *(_seconds(mark, 1) for mark in marks), block.end_s]
    starts = [0, *(mark.end() for mark in marks)]
    ends = [*(mark.start() for mark in marks), len(block.body)]
    return [
        Cue(block.body[begin:end], times[number], times[number + 1])
        for number, (begin, end) in enumerate(zip(starts, ends, strict=True))
    ]


def _seconds(match: re.Match[str], first: int) -> float:
    """Seconds of a time whose sign is group ``first``."""
    sign, hours, minutes, seconds, fraction = match.groups()[first - 1 : first + 4]
    value = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    value_s = value + (int(fraction) / 10 ** len(fraction) if fraction else 0.0)
    return -value_s if sign else value_s
