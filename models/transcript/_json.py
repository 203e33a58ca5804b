"""JSON of speech recognisers (Whisper and its kin), and of this program."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from models.errors import StimulusError
from models.transcript._cues import Cue

__all__ = ["own_rows", "parse_json", "read_json"]

_TEXT_KEYS = ("punctuated_word", "word", "text", "value")
_START_KEYS = ("start", "onset", "start_time", "startTime", "ts", "from")
_END_KEYS = ("end", "offset", "end_time", "endTime", "end_ts", "to")
# Words come before what holds them: OpenAI's own service lists both side by side.
_LIST_KEYS = ("words", "word_segments", "segments", "chunks", "transcription", "utterances")
#: A word of this many units on average is counted in milliseconds.
_LONGEST_MEAN_WORD = 20.0


def parse_json(text: str) -> Any:
    """Content of a JSON text; None if it is none."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def own_rows(content: Any) -> tuple[list[str], float, list[float]] | None:
    """Lines, repetition time in s and word onsets in s of this program's own form; else None."""
    if not isinstance(content, dict) or not {"lines", "tr_s"} <= set(content):
        return None
    return content["lines"], content["tr_s"], content.get("word_onsets_s", [])


def read_json(content: Any) -> tuple[list[Cue], list[str]]:
    """Words, or lines where there are no words, and notes.

    Notes
    -----
    Understood: ``segments`` with ``words`` or without (Whisper, WhisperX), ``words`` alone,
    ``chunks`` with ``timestamp`` (Transformers), ``transcription`` with ``offsets`` in
    milliseconds (whisper.cpp), ``results.channels[0].alternatives[0].words`` (Deepgram), a bare
    list of such entries. Whole numbers of which a word takes more than 20 are milliseconds.

    Raises
    ------
    StimulusError
        There is no list of words or lines with times.
    """
    entries = list(_entries(content))
    cues = [cue for entry in entries if (cue := _cue(entry)) is not None]
    if not cues or all(cue.start_s is None for cue in cues):
        raise StimulusError("This JSON file has no list of words or segments with times.")
    notes = []
    if _counts_milliseconds(cues):
        cues = [Cue(cue.text, _scaled(cue.start_s), _scaled(cue.end_s)) for cue in cues]
        notes.append("Times were taken to be in milliseconds.")
    return _joined(cues), notes


def _entries(content: Any) -> Iterator[Mapping[str, Any]]:
    """Entries with text, the finest there are: words where a segment has them."""
    if isinstance(content, list):
        for item in content:
            if isinstance(item, dict):
                words = item.get("words")
                if isinstance(words, list) and words:
                    yield from _entries(words)
                else:
                    yield item
        return
    if not isinstance(content, dict):
        return
    for key in _LIST_KEYS:
        found = list(_entries(content[key])) if isinstance(content.get(key), list) else []
        if found:
            yield from found
            return
    inner = content.get("results") or content.get("channels") or content.get("alternatives")
    if isinstance(inner, list) and inner:
        inner = inner[0]
    if inner is not None:
        yield from _entries(inner)


def _cue(entry: Mapping[str, Any]) -> Cue | None:
    """One entry; None without text."""
    text = next((entry[key] for key in _TEXT_KEYS if isinstance(entry.get(key), str)), None)
    if text is None or not text.strip():
        return None
    span: Sequence[Any] = entry.get("timestamp") or entry.get("timestamps") or ()
    if isinstance(span, list | tuple) and len(span) == 2:
        return Cue(text, _seconds(span[0]), _seconds(span[1]))
    offsets = entry.get("offsets")
    if isinstance(offsets, dict):  # whisper.cpp counts milliseconds here
        return Cue(
            text, _scaled(_seconds(offsets.get("from"))), _scaled(_seconds(offsets.get("to")))
        )
    times = [
        next((_seconds(entry[key]) for key in keys if entry.get(key) is not None), None)
        for keys in (_START_KEYS, _END_KEYS)
    ]
    return Cue(text, times[0], times[1])


def _seconds(value: Any) -> float | None:
    """Read a number, or text such as "1.300s"; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    try:
        return float(str(value).removesuffix("s"))
    except ValueError:
        return None


def _scaled(value_ms: float | None) -> float | None:
    """Seconds of milliseconds."""
    return None if value_ms is None else value_ms / 1000


def _counts_milliseconds(cues: Sequence[Cue]) -> bool:
    """Whether all times are whole and a word takes too many of them to be seconds."""
    known = [
        (cue.start_s, cue.end_s, len(cue.text.split()))
        for cue in cues
        if cue.start_s is not None and cue.end_s is not None
    ]
    if not known or any(start % 1 or end % 1 for start, end, _ in known):
        return False
    n_words = sum(words for *_, words in known)
    return sum(end - start for start, end, _ in known) / n_words > _LONGEST_MEAN_WORD


def _joined(cues: Sequence[Cue]) -> list[Cue]:
    """Put pieces of words together: where words come with a blank before, others go on."""
    if sum(cue.text[0].isspace() for cue in cues) < len(cues) / 2:
        return list(cues)
    joined: list[Cue] = []
    for cue in cues:
        is_piece = bool(joined) and not cue.text[0].isspace() and cue.start_s is not None
        if is_piece and len(joined[-1].text.split()) == 1 and joined[-1].end_s == cue.start_s:
            joined[-1] = Cue(joined[-1].text + cue.text, joined[-1].start_s, cue.end_s)
        else:
            joined.append(cue)
    return joined
