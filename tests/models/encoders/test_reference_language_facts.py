"""Six published facts that R2 is built to show, each with its source.

Tolerances were chosen knowing the model's answers: they guard against regressions, they are no
evidence. Every fact is checked with known word onsets and with text per volume alone.
"""

import numpy as np
import pytest

from models.catalog import get_card, load_object
from models.encoders import _word_features
from models.stimulus import Stimulus
from models.transcript.words import Word, place_words, time_text
from models.types import Selection

TR_S = 2.0
START_S = 4.0
AUDITORY, LANGUAGE = "Auditory core and belt", "Language network (temporal)"

# Twenty words each; the last is five sentences of four words.
ONE_SENTENCE = (
    "The bird that lived under the roof of the house that we sold to a doctor has now come back."
)
LIST = (
    "bird roof house doctor back stone cloud paper street candle horse river spoon glove tower "
    "leaf blanket corner pencil salt."
)
FIVE_SENTENCES = (
    "The bird came back. A house was sold. We saw the doctor. The roof is red. It rained on us."
)


@pytest.fixture(autouse=True)
def built_in_frequencies(monkeypatch):
    """Hold what is installed here away from the numbers."""
    monkeypatch.setattr(_word_features, "_has_wordfreq", lambda: False)


@pytest.fixture(params=["onsets", "lines"])
def respond(request):
    """Words with times -> mean response of a system, (n_rows,), and times in s."""
    card = get_card("reference-language")
    model = load_object(card.encoder)(card)
    settings = card.default_settings()

    def respond(words, system, hemisphere="left", n_rows=30):
        placed = place_words(words, TR_S, n_rows)
        stimulus = placed.stimulus("t")
        if request.param == "lines":
            stimulus = Stimulus.from_lines(placed.lines, "t", TR_S)
        selection = Selection(("average",), (system,), hemisphere)
        response = model.readout(model.features([stimulus], settings), selection, settings)[0]
        return response.values.mean(axis=1)

    return respond


def spoken(text):
    return time_text(text, words_a_second=2.5, start_s=START_S)


@pytest.mark.parametrize("text", [ONE_SENTENCE, LIST, FIVE_SENTENCES])
def test_the_texts_have_twenty_words(text):
    assert len(text.split()) == 20


def test_language_areas_prefer_long_sentences_to_short_ones_to_lists(respond):
    """Pallier, Devauchelle & Dehaene 2011; Fedorenko et al. 2010."""
    peaks = [respond(spoken(text), LANGUAGE).max() for text in (ONE_SENTENCE, FIVE_SENTENCES, LIST)]
    assert peaks[0] > 1.1 * peaks[1] > 1.1**2 * peaks[2] > 0


def test_auditory_areas_hardly_tell_them_apart(respond):
    """Within 15 %: early auditory cortex follows the sound (Scott 2000; Okada 2010)."""
    peaks = [respond(spoken(text), AUDITORY).max() for text in (ONE_SENTENCE, FIVE_SENTENCES, LIST)]
    assert np.ptp(peaks) < 0.15 * peaks[0]


def test_language_areas_are_stronger_on_the_left(respond):
    """Lipkin et al. 2022."""
    words = spoken(ONE_SENTENCE)
    left, right = (respond(words, LANGUAGE, side).max() for side in ("left", "right"))
    assert left > 1.5 * right > 0


def test_the_response_has_risen_half_way_three_to_six_seconds_after_speech_begins(respond):
    """SPM's canonical haemodynamic response."""
    course = respond(spoken(ONE_SENTENCE), AUDITORY)
    times_s = (np.arange(len(course)) + 0.5) * TR_S
    above = int(np.argmax(course > course.max() / 2))
    half_s = np.interp(
        course.max() / 2, course[above - 1 : above + 1], times_s[above - 1 : above + 1]
    )
    assert 3 <= half_s - START_S <= 6


def test_silence_is_zero_before_speech_and_returns_after_it(respond):
    """Canonical haemodynamic response: under 5 % of the peak 24 s after the last word."""
    words = spoken(ONE_SENTENCE)
    course = respond(words, AUDITORY)
    assert not course[: int(START_S / TR_S)].any()
    after = int((words[-1].end_s + 24) / TR_S) + 1
    assert after < len(course)
    assert np.abs(course[after:]).max() < 0.05 * course.max()
    assert course.min() < -0.02 * course.max()  # and undershoots on the way


def test_auditory_areas_follow_the_rate_up_to_90_words_a_minute(respond):
    """Binder et al. 1994; Dhankhar et al. 1997. Their fall at 130 (six people) is not modelled."""
    peaks = []
    for rate_wpm in (30, 60, 90, 130):
        gap_s = 60 / rate_wpm
        words = [Word("cat", START_S + gap_s * n, 0.35) for n in range(int(16 / gap_s))]
        peaks.append(respond(words, AUDITORY).max())
    assert peaks[0] < peaks[1] < peaks[2]
    assert peaks[3] < 1.1 * peaks[2]
    assert peaks[2] > 2 * peaks[0]
