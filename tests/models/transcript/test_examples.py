"""The built-in transcripts show what their descriptions say."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from models.catalog import get_card, load_object
from models.encoders import _word_features
from models.encoders._word_features import is_function_word, sentences_of
from models.errors import StimulusError
from models.transcript.examples import get_example, list_examples
from models.types import Selection

FOLDER = Path(__file__).parents[3] / "assets" / "transcripts"


@pytest.fixture
def response(monkeypatch):
    """Example and system -> mean response of the left hemisphere, a value a volume of 2 s."""
    monkeypatch.setattr(_word_features, "_has_wordfreq", lambda: False)
    card = get_card("reference-language")
    model = load_object(card.encoder)(card)
    settings = card.default_settings()

    def respond(name, system):
        example = get_example(name)
        stimulus = example.transcript.stimulus(2.0, example.silence_after_s)
        selection = Selection(("average",), (system,), "left")
        features = model.features([stimulus], settings)
        return model.readout(features, selection, settings)[0].values.mean(axis=1)

    return respond


def words_between(name, start_s, stop_s):
    words = get_example(name).transcript.words
    return tuple(word for word in words if start_s <= word.onset_s < stop_s)


def test_every_file_is_listed_and_says_its_licence():
    assert {example.id for example in list_examples()} == {path.stem for path in FOLDER.iterdir()}
    for path in FOLDER.iterdir():
        assert "MIT" in json.loads(path.read_text(encoding="utf-8"))["licence"]
    with pytest.raises(StimulusError, match="story"):
        get_example("stories")


@pytest.mark.parametrize("example", list_examples(), ids=lambda example: example.id)
def test_words_rise_in_time_and_leave_room_for_the_response(example):
    words = example.transcript.words
    ends = [word.end_s for word in words[:-1]]
    onsets = [word.onset_s for word in words[1:]]
    assert all(end <= onset + 1e-9 for end, onset in zip(ends, onsets, strict=True))
    assert example.silence_after_s > 15
    placed = example.transcript.place(1.49, example.silence_after_s)
    assert len(placed.lines) * 1.49 == pytest.approx(example.length_s, abs=1.5)
    assert example.description.endswith(".")


def test_the_list_has_the_sentences_words_and_is_a_list(response):
    sentences, words = (words_between("list-and-sentences", *span) for span in ((0, 40), (40, 90)))
    plain = {word.text.lower().strip(".,") for word in sentences}
    assert {word.text for word in words} <= plain
    assert not any(is_function_word(word.text) for word in words)
    assert [sentence.is_list for sentence in sentences_of(words)] == [True]
    auditory = response("list-and-sentences", "Auditory core and belt")
    language = response("list-and-sentences", "Language network (temporal)")
    split = 23  # 46 s
    assert auditory[:split].max() == pytest.approx(auditory[split:].max(), rel=0.15)
    assert language[:split].max() > 1.5 * language[split:].max()


def test_silences_are_long_enough_to_come_back_to_zero(response):
    words = get_example("long-silences").transcript.words
    gaps = [later.onset_s - word.end_s for word, later in pairwise(words)]
    assert sum(gap > 20 for gap in gaps) == 3
    course = response("long-silences", "Auditory core and belt")
    before_third = int(68 / 2)
    assert abs(course[before_third]) < 0.05 * course.max()
    assert course.min() < -0.05 * course.max()


def test_fast_and_slow_say_the_same(response):
    slow, fast = (words_between("fast-and-slow", *span) for span in ((0, 70), (70, 108)))
    assert [word.text for word in slow] == [word.text for word in fast]
    auditory = response("fast-and-slow", "Auditory core and belt")
    assert auditory[37:].max() > 1.5 * auditory[:37].max()


def test_the_story_builds_up_the_default_network(response):
    course = response("story", "Default network (narrative)")
    assert course[42:50].mean() > course[8:16].mean() + 0.05
    assert np.diff(course[10:50:8]).min() > -0.03
