"""Six named features of words in time, and the haemodynamic response they are seen through."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np

from models.transcript.words import Word, ends_sentence
from models.types import BoolArray, FloatArray, IntArray

__all__ = [
    "FEATURES",
    "FUNCTION_WORDS",
    "STEP_S",
    "Sentence",
    "feature_courses",
    "frequency_source",
    "haemodynamic_response",
    "is_function_word",
    "rarity",
    "sample_volumes",
    "sentences_of",
]

#: Names of the features, in the order of all arrays.
FEATURES = ("speech", "rate", "content", "rarity", "structure", "discourse")

#: Step of the time grid, in s.
STEP_S = 0.1

RATE_WINDOW_S = 2.0
LONGEST_SENTENCE = 12  # words; structure grows no more beyond
SENTENCE_GAP_S = 2.0
LIST_SHARE = 0.1  # a "sentence" with a smaller share of function words is a list
CANONICAL_PEAK_S = 5.0

_BLOCK = 256  # steps; with a memory of 2 s a power falls to 3e-6 in one block, far from underflow

#: English words with a grammatical job: articles, pronouns, auxiliaries, prepositions,
#: conjunctions, and a few adverbs as frequent as they are. A closed class, so a list will do.
_FUNCTION_WORD_LINES = """
    a an the this that these those some any each every either neither both all no none such same
    i me my mine myself we us our ours ourselves you your yours yourself he him his himself she her
    hers herself it its itself they them their theirs themselves one ones who whom whose which what
    somebody someone something anybody anyone anything nobody nothing everybody everyone everything
    am is are was were be been being do does did doing done have has had having will would shall
    should can could may might must ought cannot
    isn aren wasn weren don doesn didn haven hasn hadn won wouldn shan shouldn couldn mustn ain
    and or but nor so yet if then than because although though unless until while whereas whether
    since as of to in on at by for from with without within into onto over under above below about
    across after against along among around before behind beneath beside between beyond down
    during except inside near off out outside past through throughout toward towards up upon via
    not here there where when why how very too just also only even ever never else more most less
    few many much other another own again
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORD_LINES.split())


@dataclass(frozen=True)
class Sentence:
    """One run of words up to closing punctuation or a long gap.

    Parameters
    ----------
    first, stop : int
        Words ``first`` to ``stop - 1``.
    is_list : bool
        Hardly any function word: not built like a sentence.
    """

    first: int
    stop: int
    is_list: bool

    @property
    def structure(self) -> float:
        """Size of the sentence on a logarithmic scale, 0 to 1; 0 for a list.

        Notes
        -----
        After Pallier, Devauchelle & Dehaene 2011 (PNAS, doi:10.1073/pnas.1018711108), where the
        response grew with the logarithm of constituents of up to 12 words. Taking the whole
        sentence for the constituent is our simplification.
        """
        if self.is_list:
            return 0.0
        n_words = min(self.stop - self.first, LONGEST_SENTENCE)
        return math.log2(1 + n_words) / math.log2(1 + LONGEST_SENTENCE)


def _core(word: str) -> str:
    """Lower-case word without punctuation around it; ``don't`` becomes ``don``."""
    lower = word.lower().replace("’", "'")
    letters = [place for place, letter in enumerate(lower) if letter.isalnum()]
    core = lower[letters[0] : letters[-1] + 1] if letters else ""
    head, _, _ = core.partition("'")
    return head or core


def is_function_word(word: str) -> bool:
    """Whether a word, or what stands before its apostrophe, is an English function word."""
    return _core(word) in FUNCTION_WORDS


def _bare(word: str) -> str:
    """Lower-case letters, digits and inner apostrophes of a word."""
    return "".join(
        letter for letter in word.lower().replace("’", "'") if letter.isalnum() or letter == "'"
    ).strip("'")


@lru_cache(maxsize=1)
def _has_wordfreq() -> bool:
    """Whether the optional package is installed; looked for once."""
    return find_spec("wordfreq") is not None


def frequency_source() -> str:
    """Where word frequencies come from, for provenance."""
    if not _has_wordfreq():
        return "built-in rule: function words are common, longer words are rarer"
    return f"wordfreq {version('wordfreq')}, English"


@lru_cache(maxsize=2)
def _zipf(has_package: bool) -> Callable[[str], float]:
    """Zipf frequency of a word: log10 of its count in a billion words."""
    if not has_package:
        return _rule_zipf
    from wordfreq import zipf_frequency

    def look_up(word: str) -> float:
        return float(zipf_frequency(word, "en"))

    return look_up


def _rule_zipf(word: str) -> float:
    """Zipf frequency by word length; shorter words are more common in every language."""
    if is_function_word(word):
        return 7.5
    return min(max(6.2 - 0.28 * sum(map(str.isalnum, word)), 1.5), 6.0)


def rarity(word: str) -> float:
    """How rare a word is: 0 for the most common ones, 1 below 1.5 on the Zipf scale.

    Parameters
    ----------
    word : str

    Returns
    -------
    float
        (6.5 - Zipf frequency) / 5 within 0 and 1, from ``wordfreq`` if it is installed, else by a
        rule; :func:`frequency_source` says which. A word that ``wordfreq`` does not know counts
        as Zipf 1.
    """
    return _rarity(_bare(word), _has_wordfreq())


@lru_cache(maxsize=50_000)
def _rarity(word: str, has_package: bool) -> float:
    """Rarity of a plain word; cached."""
    zipf = max(_zipf(has_package)(word), 1.0)
    return min(max((6.5 - zipf) / 5, 0.0), 1.0)


def sentences_of(words: Sequence[Word]) -> tuple[Sentence, ...]:
    """Cut words into sentences.

    A sentence ends after . ! ? ; … (or their forms in other scripts) and before a gap of 2 s or
    more. It is a list where fewer than a tenth of its words are function words.
    """
    found = []
    first = 0
    for place, word in enumerate(words):
        is_last = place + 1 == len(words)
        gap_s = 0.0 if is_last else words[place + 1].onset_s - word.end_s
        if is_last or ends_sentence(word.text) or gap_s >= SENTENCE_GAP_S:
            part = words[first : place + 1]
            n_function = sum(is_function_word(word.text) for word in part)
            found.append(Sentence(first, place + 1, n_function < LIST_SHARE * len(part)))
            first = place + 1
    return tuple(found)


def feature_courses(
    words: Sequence[Word], length_s: float, saturation_wpm: float, memory_s: float
) -> FloatArray:
    """Features of words on a grid of 0.1 s.

    Parameters
    ----------
    words : sequence of Word
        Rising onsets; no word lasts beyond the next onset.
    length_s : float
        Length of the scan; words after it are left out.
    saturation_wpm : float
        Words a minute at which the rate feature reaches 1.
    memory_s : float
        Time constant of the discourse feature.

    Returns
    -------
    ndarray of shape (6, n_steps), float64
        speech: 1 while a word lasts. rate: words a minute in a window of 2 s around now, over
        ``saturation_wpm``, at most 1. content: 1 during words that are no function words. rarity:
        :func:`rarity` of the word. structure: :attr:`Sentence.structure` of its sentence.
        discourse: leaky memory of structured speech, during speech.

    Notes
    -----
    rate: Dhankhar et al. 1997 (J Neurophysiol 77:476-483) found the auditory response to rise up
    to 90 words a minute; their fall at 130 (six people) is not modelled.
    """
    n_steps = max(1, math.ceil(length_s / STEP_S - 1e-6))
    owner = _paint(words, n_steps)
    is_speech = owner >= 0
    centres_s = (np.arange(n_steps) + 0.5) * STEP_S
    onsets = np.array([word.onset_s for word in words])
    before, after = (
        np.searchsorted(onsets, centres_s + shift)
        for shift in (-RATE_WINDOW_S / 2, RATE_WINDOW_S / 2)
    )
    rate_wpm = (after - before) * (60 / RATE_WINDOW_S)
    structure = np.zeros(len(words))
    for sentence in sentences_of(words):
        structure[sentence.first : sentence.stop] = sentence.structure
    of_word = np.array(
        [
            [not is_function_word(word.text) for word in words],
            [rarity(word.text) for word in words],
            structure,
        ],
        float,
    ).reshape(3, len(words))
    content, rare, structured = (
        np.where(is_speech, np.append(row, 0.0)[owner], 0.0) for row in of_word
    )
    discourse = _leaky(structured > 0, memory_s) * is_speech
    return np.stack(
        [is_speech, np.minimum(rate_wpm / saturation_wpm, 1), content, rare, structured, discourse]
    ).astype(float)


def _paint(words: Sequence[Word], n_steps: int) -> IntArray:
    """Which word is being said in each step; -1 for none. A word takes one step at least."""
    onsets = np.array([word.onset_s for word in words])
    ends = np.array([word.end_s for word in words])
    first = np.rint(onsets / STEP_S).astype(int)
    stop = np.maximum(first + 1, np.rint(ends / STEP_S).astype(int))
    first, stop = np.minimum(first, n_steps), np.minimum(stop, n_steps)
    owner = np.full(n_steps, -1)
    lengths = stop - first
    # step numbers of all words, one after the other
    steps = np.arange(lengths.sum()) + np.repeat(first - np.cumsum(lengths) + lengths, lengths)
    owner[steps] = np.repeat(np.arange(len(words)), lengths)
    return owner


def _leaky(is_structured: BoolArray, memory_s: float) -> FloatArray:
    """x[i] = a x[i - 1] + (1 - a) u[i] with a = exp(-step / memory); a block at a time."""
    decay = math.exp(-STEP_S / memory_s)
    powers = decay ** np.arange(1, _BLOCK + 1)
    memory = np.zeros(len(is_structured))
    before = 0.0
    for start in range(0, len(memory), _BLOCK):
        part = is_structured[start : start + _BLOCK]
        fading = powers[: len(part)]
        # the sum of u[j] a^(i - j) up to i, as one running sum
        block = (1 - decay) * np.cumsum(part / fading) * fading + before * fading
        memory[start : start + _BLOCK] = block
        before = block[-1]
    return memory


@lru_cache(maxsize=32)
def haemodynamic_response(peak_s: float = CANONICAL_PEAK_S) -> FloatArray:
    """SPM's canonical response to one step, sampled every 0.1 s; cached.

    Parameters
    ----------
    peak_s : float
        When it peaks; 5 s is SPM's own, others stretch it in time as a whole.

    Returns
    -------
    ndarray of shape (n_steps,), float64
        Sum 1; 32 s long at 5 s. Read-only.

    Notes
    -----
    Difference of two gamma densities of shapes 6 and 16 with ratio 0.167, on the same time points
    as ``nilearn.glm.first_level.spm_hrf(0.1, oversampling=1)``, which the tests compare with. It
    is written out here because importing that module takes seconds.
    """
    stretch = peak_s / CANONICAL_PEAK_S
    length_s = 32.0
    times_s = np.linspace(0, length_s, round(length_s * stretch / STEP_S)) - STEP_S
    times_s = np.maximum(times_s, 0)
    response: FloatArray = np.exp(-times_s) * (
        times_s**5 / math.factorial(5) - 0.167 * times_s**15 / math.factorial(15)
    )
    response /= response.sum()
    response.flags.writeable = False
    return response


def sample_volumes(
    courses: FloatArray, response: FloatArray, n_rows: int, tr_s: float
) -> FloatArray:
    """See courses through a haemodynamic response, in the middle of each volume.

    Parameters
    ----------
    courses : ndarray of shape (n_features, n_steps), float
    response : ndarray of shape (n_response,), float
    n_rows : int
    tr_s : float
        In s.

    Returns
    -------
    ndarray of shape (n_rows, n_features), float64
    """
    n_steps = courses.shape[1]
    middles = ((np.arange(n_rows) + 0.5) * tr_s / STEP_S + 1e-6).astype(int)
    places = np.minimum(middles, n_steps - 1)
    return np.stack([np.convolve(course, response)[places] for course in courses], axis=1)
