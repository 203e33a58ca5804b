"""Words with times, and how they come to volumes.

A word is text between blanks. Text that is written without blanks (Chinese, Japanese) is cut by one
rule: a run of Han characters after every second one, a run of hiragana or katakana not at all.
That is no dictionary; it only keeps a paragraph from counting as one word.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from models.errors import StimulusError
from models.stimulus import MAX_TRANSCRIPT_LINES, Stimulus

__all__ = [
    "LONGEST_SYLLABLE_S",
    "PlacedWords",
    "Word",
    "ends_sentence",
    "limit_durations",
    "place_words",
    "share_time",
    "split_words",
    "syllables",
    "time_text",
    "words_of",
]

#: A word whose end is not known lasts at most this long for each of its syllables.
LONGEST_SYLLABLE_S = 0.25

#: An onset this little before the start of a volume is taken to be in that volume: 4.47 s is the
#: start of volume 3 at 1.49 s, though 3 x 1.49 is a little more in binary.
_TIME_TOLERANCE = 1e-6

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f々〆"
_HIRAGANA = "\u3041-\u309f"
_KATAKANA = "\u30a1-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_HANGUL = "\uac00-\ud7a3"
_UNSPACED = re.compile(
    f"[{_HAN}]{{1,2}}|[{_HIRAGANA}]+|[{_KATAKANA}]+|[^{_HAN}{_HIRAGANA}{_KATAKANA}]+"
)
_IS_UNSPACED = re.compile(f"[{_HAN}{_HIRAGANA}{_KATAKANA}]")

_ONE_EACH = re.compile(f"[{_HAN}{_HIRAGANA}{_KATAKANA}{_HANGUL}0-9]")
_LATIN_VOWELS = re.compile("[aeiouyæœøı]+")
_OTHER_VOWELS = re.compile("[аеиоуыэюяєіαεηιουω]")
# A last e that is not spoken (make, takes, walked), but not that of table, wanted or houses.
_SILENT_E = re.compile("[^aeiouyl]e$|[aeiouy]le$|[^aeiouysxzcgh]es$|[^aeiouytd]ed$")

_SENTENCE_END = re.compile(r"[.!?;…。！？；｡؟۔।][\"'”’»›)\]」』）]*$")
_SHORTENED = re.compile(r"^\W*(?:mr|mrs|ms|dr|st|vs|prof|e\.g|i\.e|etc|[a-z])\.\W*$", re.IGNORECASE)
_CLAUSE_END = re.compile(r"[,:,、،–—-][\"'”’»›)\]」』）]*$")
_KEPT_MARKS = "\u200c\u200d"  # they shape Persian and Indic words and hold emoji together


@dataclass(frozen=True)
class Word:
    """One word.

    Parameters
    ----------
    text : str
        Without white space; punctuation belongs to it.
    onset_s, duration_s : float
        In s from the start of the first volume.
    """

    text: str
    onset_s: float
    duration_s: float

    @property
    def end_s(self) -> float:
        """When it ends, in s."""
        return self.onset_s + self.duration_s


@dataclass(frozen=True)
class PlacedWords:
    """Words as volumes: the arguments of ``Stimulus.from_lines``.

    Parameters
    ----------
    lines : tuple of str
        What starts in each volume; ``""`` where nothing does.
    tr_s : float
        Time from one volume to the next, in s.
    word_onsets_s : tuple of float
        When each word of the lines starts, in s; empty if not known.
    """

    lines: tuple[str, ...]
    tr_s: float
    word_onsets_s: tuple[float, ...] = ()

    def stimulus(self, name: str) -> Stimulus:
        """Make a stimulus of it.

        Raises
        ------
        StimulusError
            There is no volume, or too much text.
        """
        return Stimulus.from_lines(self.lines, name, self.tr_s, self.word_onsets_s)


def syllables(word: str) -> int:
    """Count the spoken syllables of a word by rule; at least 1.

    Parameters
    ----------
    word : str
        In any script.

    Returns
    -------
    int
        Latin: groups of vowels, without the silent e of English; Cyrillic and Greek: vowels; Han,
        kana, Hangul and digits: one each; scripts that leave vowels unwritten: half the letters.

    Notes
    -----
    Our own rule, for sharing time only; it errs on words such as "business" or "area".
    """
    lower = unicodedata.normalize("NFKC", word).lower()
    one_each = len(_ONE_EACH.findall(lower))
    rest = _ONE_EACH.sub("", lower)
    plain = "".join(letter for letter in unicodedata.normalize("NFD", rest) if letter.isalpha())
    if not plain:
        return max(1, one_each)
    latin = len(_LATIN_VOWELS.findall(plain))
    written = "".join(letter for letter in rest if letter.isalpha())
    if latin > 1 and _SILENT_E.search(written):  # an accent says that the e is spoken
        latin -= 1
    spoken = latin + len(_OTHER_VOWELS.findall(plain))
    return max(1, one_each + (spoken or math.ceil(len(plain) / 2) * (not plain.isascii())))


def split_words(text: str) -> tuple[str, ...]:
    """Cut text into words.

    Parameters
    ----------
    text : str
        One or many lines.

    Returns
    -------
    tuple of str
        Text between blanks; what is written without blanks is cut by the rule at the top of this
        module. Punctuation that stands alone joins the word before, an opening mark the one after.
        Control characters and direction marks are dropped; the order is that of reading, in
        right-to-left scripts too.
    """
    plain = "".join(
        letter
        for letter in text
        if letter.isspace()
        or letter in _KEPT_MARKS
        or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co")
    )
    pieces = [piece for token in plain.split() for piece in _cut_unspaced(token)]
    return tuple(text for text, _ in _attach((piece, 0.0) for piece in pieces))


def _cut_unspaced(token: str) -> list[str]:
    """Pieces of a token; the token itself where its script has blanks."""
    if not _IS_UNSPACED.search(token):
        return [token]
    found: list[str] = []
    for piece in _UNSPACED.findall(token):
        found.extend([piece] if _is_spoken(piece) else piece)  # marks one by one: 。「
    return found


def _is_spoken(token: str) -> bool:
    """Whether a token has a letter or a digit."""
    return any(letter.isalnum() for letter in token)


def _opens(token: str) -> bool:
    """Whether a token holds opening marks only."""
    return all(unicodedata.category(letter) in ("Ps", "Pi") or letter in "¿¡" for letter in token)


def _attach(tokens: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """Join tokens without a letter to a neighbour; each token comes with its onset."""
    words: list[tuple[str, float]] = []
    opening = ""
    for text, onset_s in tokens:
        if _is_spoken(text):
            words.append((opening + text, onset_s))
            opening = ""
        elif words and not _opens(text):
            words[-1] = (words[-1][0] + text, words[-1][1])
        else:
            opening += text
    return words


def ends_sentence(word: str) -> bool:
    """Whether a word closes a sentence: it ends in . ! ? ; … or a form of them in another script.

    Common shortened titles (Mr., Dr.) and single initials do not.
    """
    return bool(_SENTENCE_END.search(word)) and not _SHORTENED.match(word)


def share_time(texts: Sequence[str], start_s: float, length_s: float) -> tuple[float, ...]:
    """Share a stretch of time among words by their syllables.

    Parameters
    ----------
    texts : sequence of str
        A token without a letter or digit takes no time.
    start_s, length_s : float

    Returns
    -------
    tuple of float
        Onset of each, in s; the first is ``start_s``.
    """
    counts = [syllables(text) if _is_spoken(text) else 0 for text in texts]
    each_s = length_s / max(sum(counts), 1)
    onsets, done = [], 0
    for count in counts:
        onsets.append(start_s + done * each_s)
        done += count
    return tuple(onsets)


def time_text(
    text: str, words_a_second: float = 2.5, pause_s: float = 0.35, start_s: float = 0.0
) -> tuple[Word, ...]:
    """Give plain text times, as a calm speaker would take.

    Parameters
    ----------
    text : str
        A blank line between paragraphs is a pause of its own.
    words_a_second : float
        Mean over all words, pauses not counted; long words take longer.
    pause_s : float
        After a sentence; half of it after a comma, colon or dash, twice as long after a paragraph.
    start_s : float
        Onset of the first word.

    Returns
    -------
    tuple of Word
        None for text without words.

    Raises
    ------
    StimulusError
        A rate that is not above 0, or a negative pause.
    """
    if not (math.isfinite(words_a_second) and words_a_second > 0 and pause_s >= 0):
        raise StimulusError(
            f"Text is timed at more than 0 words a second with pauses of 0 s or more; got "
            f"{words_a_second:g} and {pause_s:g}."
        )
    paragraphs = [split_words(part) for part in re.split(r"\n\s*\n", text)]
    counts = [syllables(word) for words in paragraphs for word in words]
    if not counts:
        return ()
    syllable_s = len(counts) / sum(counts) / words_a_second
    timed: list[Word] = []
    now_s = start_s
    for words in paragraphs:
        for word in words:
            length_s = syllables(word) * syllable_s
            timed.append(Word(word, now_s, min(length_s, syllables(word) * LONGEST_SYLLABLE_S)))
            now_s += length_s + pause_s * _pause_after(word)
        now_s += 2 * pause_s * bool(words)
    return tuple(timed)


def _pause_after(word: str) -> float:
    """Pause that a word's punctuation asks for, as a share of the longest one."""
    if ends_sentence(word):
        return 1.0
    return 0.5 if _CLAUSE_END.search(word) else 0.0


def words_of(stimulus: Stimulus) -> tuple[Word, ...]:
    """Words of a transcript, in order.

    Parameters
    ----------
    stimulus : Stimulus
        A transcript.

    Returns
    -------
    tuple of Word
        Without known onsets, the words of a volume share it by their syllables. A word lasts at
        most ``LONGEST_SYLLABLE_S`` a syllable and never beyond the next onset.

    Raises
    ------
    StimulusError
        The stimulus is a picture.
    """
    tokens: list[tuple[str, float]] = []
    if stimulus.word_onsets_s:
        texts = [text for line in stimulus.lines for text in line.split()]
        tokens = list(zip(texts, stimulus.word_onsets_s, strict=True))
    else:
        for row, line in enumerate(stimulus.lines):
            texts = [piece for token in line.split() for piece in _cut_unspaced(token)]
            onsets = share_time(texts, row * stimulus.tr_s, stimulus.tr_s)
            tokens.extend(zip(texts, onsets, strict=True))
    return limit_durations(
        Word(text, onset_s, syllables(text) * LONGEST_SYLLABLE_S)
        for text, onset_s in _attach(tokens)
    )


def limit_durations(words: Iterable[Word]) -> tuple[Word, ...]:
    """Let no word last beyond the onset of the next one; words in rising order."""
    given = list(words)
    ends_s = [*(word.onset_s for word in given[1:]), math.inf][: len(given)]
    return tuple(
        word if word.end_s <= end_s else replace(word, duration_s=max(0.0, end_s - word.onset_s))
        for word, end_s in zip(given, ends_s, strict=True)
    )


def place_words(words: Sequence[Word], tr_s: float, n_rows: int | None = None) -> PlacedWords:
    """Put words into volumes: each goes to the volume in which it starts.

    Parameters
    ----------
    words : sequence of Word
        In any order.
    tr_s : float
        Time from one volume to the next, in s.
    n_rows : int, optional
        Volumes; default as many as the last word needs, at least 1.

    Returns
    -------
    PlacedWords
        Volumes in which no word starts stay ``""``.

    Raises
    ------
    StimulusError
        A repetition time that is not above 0, a word before the first volume or after the last,
        or too many volumes.
    """
    if not (math.isfinite(tr_s) and tr_s > 0):
        raise StimulusError(f"The time between volumes must be above 0 s; got {tr_s}.")
    ordered = sorted(words, key=lambda word: word.onset_s)
    last_s = ordered[-1].onset_s if ordered else 0.0
    if ordered and not (ordered[0].onset_s >= 0 and math.isfinite(last_s)):
        raise StimulusError(
            f"“{ordered[0].text}” starts at {ordered[0].onset_s:g} s, before the first volume."
        )
    needed = row_of(last_s, tr_s) + 1
    n_rows = needed if n_rows is None else n_rows
    if n_rows > MAX_TRANSCRIPT_LINES or needed > MAX_TRANSCRIPT_LINES:
        raise StimulusError(
            f"At {tr_s:g} s each, {max(needed, n_rows):,} volumes would be needed; at most "
            f"{MAX_TRANSCRIPT_LINES:,} are taken."
        )
    if ordered and needed > n_rows:
        raise StimulusError(
            f"“{ordered[-1].text}” starts at {last_s:g} s, after the last of {n_rows} volumes."
        )
    rows: list[list[str]] = [[] for _ in range(n_rows)]
    for word in ordered:
        rows[row_of(word.onset_s, tr_s)].append(word.text)
    onsets = tuple(word.onset_s for word in ordered)
    return PlacedWords(tuple(" ".join(row) for row in rows), tr_s, onsets)


def row_of(onset_s: float, tr_s: float) -> int:
    """Volume in which a time lies, from 0."""
    return math.floor(onset_s / tr_s + _TIME_TOLERANCE)
