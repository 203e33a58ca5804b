"""Files with what is said: decide the format, read the words and their times.

The format is decided by content first: SRT, WebVTT, Praat TextGrid, CSV and TSV, JSON of speech
recognisers, plain text. A name that promises one of them while the content is something else is
refused, so that a damaged file is not taken for prose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from models.errors import StimulusError
from models.stimulus import MAX_TRANSCRIPT_LETTERS, Stimulus, clean_name
from models.transcript import _json, _subtitles, _tables, _textgrid
from models.transcript._cues import Cue, clean_captions, cues_to_words
from models.transcript._decode import decode
from models.transcript.words import PlacedWords, Word, place_words, row_of, time_text, words_of

__all__ = ["MAX_FILE_BYTES", "Transcript", "read_transcript"]

#: Larger files are refused before they are read.
MAX_FILE_BYTES = 50 * 1000**2

_PROMISES = {
    "srt": "lines of times such as 00:00:01,000 --> 00:00:02,500",
    "vtt": "the first line WEBVTT",
    "textgrid": "a TextGrid that Praat saved as text",
    "json": "valid JSON",
    "csv": "columns with words and their onsets, e.g. “word” and “onset”",
    "tsv": "columns with words and their onsets, e.g. “word” and “onset”",
}
_CUT_NOTE = (
    "Chinese and Japanese have no blanks: Han characters were cut after every second one of a run."
)


@dataclass(frozen=True)
class Transcript:
    """Words of a file or of a text that was typed.

    Parameters
    ----------
    words : tuple of Word
        At least one, in rising order of onset.
    name : str
        The file's name, cleaned.
    notes : tuple of str
        What was done on reading, one sentence each.
    tr_s : float, optional
        Time from one volume to the next that the file was made for; None where it does not say.
    n_rows : int, optional
        Volumes that the file has, silent ones at the end included; None where it does not say.
    has_times : bool
        False: the times were made up, for plain text.
    """

    words: tuple[Word, ...]
    name: str
    notes: tuple[str, ...] = ()
    tr_s: float | None = None
    n_rows: int | None = None
    has_times: bool = True

    @property
    def end_s(self) -> float:
        """When the last word ends, in s."""
        return max(word.end_s for word in self.words)

    def place(self, tr_s: float, silence_after_s: float = 0.0) -> PlacedWords:
        """Put the words into volumes.

        Parameters
        ----------
        tr_s : float
            Time from one volume to the next, in s.
        silence_after_s : float
            Kept after the last word at least, so that the response to it is seen.

        Raises
        ------
        StimulusError
            As :func:`models.transcript.words.place_words`.
        """
        last_s = self.end_s + silence_after_s if silence_after_s else self.words[-1].onset_s
        if not (math.isfinite(tr_s) and tr_s > 0):
            return place_words(self.words, tr_s)  # which says what is wrong
        own_s = (self.n_rows or 0) * (self.tr_s or 0.0)
        n_rows = max(row_of(last_s, tr_s) + 1, math.ceil(own_s / tr_s - 1e-6))
        return place_words(self.words, tr_s, n_rows)

    def stimulus(self, tr_s: float, silence_after_s: float = 0.0) -> Stimulus:
        """Stimulus of :meth:`place`."""
        return self.place(tr_s, silence_after_s).stimulus(self.name)


def read_transcript(
    data: bytes, name: str, words_a_second: float = 2.5, pause_s: float = 0.35
) -> Transcript:
    """Read a file with words.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name; used where the content does not tell the format, and for messages.
    words_a_second, pause_s : float
        For plain text, see :func:`models.transcript.words.time_text`.

    Returns
    -------
    Transcript

    Raises
    ------
    StimulusError
        No text, no words, a damaged file, or times that cannot be; one sentence.
    """
    label = clean_name(name)
    if len(data) > MAX_FILE_BYTES:
        raise StimulusError(
            f"“{label}” has {len(data) / 1e6:,.0f} MB; at most {MAX_FILE_BYTES / 1e6:.0f} "
            "are taken."
        )
    text, notes = decode(data, label)
    if len(text) > MAX_TRANSCRIPT_LETTERS:
        raise StimulusError(
            f"“{label}” has {len(text):,} letters; at most {MAX_TRANSCRIPT_LETTERS:,} are taken."
        )
    if not text.strip():
        raise StimulusError(f"“{label}” is empty.")
    try:
        found = _read(text, label, words_a_second, pause_s)
    except StimulusError as problem:
        raise StimulusError(f"“{label}”: {problem}") from problem
    if not found.words:
        raise StimulusError(f"“{label}” has no words.")
    return Transcript(
        found.words, label, (*notes, *found.notes), found.tr_s, found.n_rows, found.has_times
    )


def _read(text: str, label: str, words_a_second: float, pause_s: float) -> Transcript:
    """Words of a text in whatever format it is."""
    if _textgrid.is_textgrid(text):
        return _from_cues(*_textgrid.read_textgrid(text), label)
    if _subtitles.is_vtt(text):
        return _from_captions(*_subtitles.read_vtt(text), label)
    content = _json.parse_json(text)
    if content is not None:
        return _from_json(content, label)
    if _subtitles.is_srt(text):
        return _from_captions(*_subtitles.read_srt(text), label)
    table = _tables.read_table(text)
    if table is not None:
        return _from_table(table, label)
    ending = label.rpartition(".")[2].lower()
    if ending in _PROMISES and "." in label:
        raise StimulusError(f"the name ends in .{ending}, but {_PROMISES[ending]} is not there.")
    words = time_text(text, words_a_second, pause_s)
    notes = [f"Timed by syllables at {words_a_second:g} words a second; the text has no times."]
    return Transcript(words, label, (*notes, *_cut_notes(text)), has_times=False)


def _from_cues(cues: Sequence[Cue], notes: Sequence[str], label: str) -> Transcript:
    """Transcript of cues with times."""
    words, more = cues_to_words(cues)
    texts = " ".join(cue.text for cue in cues)
    return Transcript(words, label, (*notes, *more, *_cut_notes(texts)))


def _from_captions(cues: Sequence[Cue], notes: Sequence[str], label: str) -> Transcript:
    """Transcript of captions made for viewers."""
    cleaned, more = clean_captions(cues)
    return _from_cues(cleaned, (*notes, *more), label)


def _from_table(table: _tables.Table, label: str) -> Transcript:
    """Transcript of a table."""
    if not _tables.is_volume_table(table):
        return _from_cues(_tables.read_timed_rows(table), (), label)
    volumes = _tables.read_volumes(table)
    found = _from_cues(volumes.cues, volumes.notes, label)
    return Transcript(found.words, label, found.notes, volumes.tr_s, volumes.n_rows)


def _from_json(content: object, label: str) -> Transcript:
    """Transcript of JSON."""
    own = _json.own_rows(content)
    if own is None:
        return _from_cues(*_json.read_json(content), label)
    try:
        stimulus = Stimulus.from_lines(own[0], label, own[1], own[2])
    except (TypeError, ValueError) as problem:
        raise StimulusError("its lines, tr_s and word_onsets_s do not fit each other.") from problem
    return Transcript(
        words_of(stimulus),
        label,
        (),
        stimulus.tr_s,
        len(stimulus.lines),
        bool(stimulus.word_onsets_s),
    )


def _cut_notes(text: str) -> tuple[str, ...]:
    """Say that text without blanks was cut, where it was."""
    is_cut = any(
        "\u3040" <= letter <= "\u30ff" or "\u3400" <= letter <= "\u9fff" for letter in text
    )
    return (_CUT_NOTE,) if is_cut else ()
