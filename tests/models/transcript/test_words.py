"""Words and volumes, against cases counted by hand."""

import numpy as np
import pytest

from models.errors import StimulusError
from models.stimulus import Stimulus
from models.transcript.words import (
    Word,
    ends_sentence,
    limit_durations,
    place_words,
    share_time,
    split_words,
    syllables,
    time_text,
    words_of,
)


@pytest.mark.parametrize(
    ("word", "n"),
    # counted aloud
    [
        ("the", 1),
        ("cat", 1),
        ("make", 1),
        ("table", 2),
        ("whole", 1),
        ("walked", 1),
        ("wanted", 2),
        ("takes", 1),
        ("houses", 2),
        ("little", 2),
        ("beautiful", 3),
        ("banana,", 3),
        ("don't", 1),
        ("hmm", 1),
        ("café", 2),
        ("Haus", 1),
        ("привет", 2),
        ("καλημέρα", 4),
        ("東京", 2),
        ("ありがとう", 5),
        ("안녕하세요", 5),
        ("25", 2),
        ("!", 1),
    ],
)
def test_syllables_equal_a_count_by_ear(word, n):
    assert syllables(word) == n


def test_scripts_that_leave_vowels_out_count_half_their_letters():
    assert syllables("مرحبا") == 3
    assert syllables("שלום") == 2


def test_words_are_text_between_blanks_and_marks_join_a_neighbour():
    assert split_words("  One\ttwo,\n three . ") == ("One", "two,", "three.")
    assert split_words("Bonjour ! « Oui » — dit-il .") == ("Bonjour!", "«Oui»—", "dit-il.")
    assert split_words("¡ Hola") == ("¡Hola",)
    assert split_words("... ?!") == ()


def test_text_without_blanks_is_cut_by_the_stated_rule():
    """Han after every second character of a run, kana runs whole, marks with the word before."""
    assert split_words("我们去北京大学。") == ("我们", "去北", "京大", "学。")
    assert split_words("東京タワーへ行きました。「そうですか」") == (
        "東京",
        "タワー",
        "へ",
        "行",
        "きました。",
        "「そうですか」",
    )
    assert split_words("한국어는 띄어 쓴다.") == ("한국어는", "띄어", "쓴다.")


def test_right_to_left_text_keeps_its_order_of_reading_without_direction_marks():
    assert split_words("\u202bשלום עולם!\u202c") == ("שלום", "עולם!")
    assert split_words("\ufeffمرحبا\u200f بالعالم") == ("مرحبا", "بالعالم")
    assert split_words("می\u200cروم") == ("می\u200cروم",)  # this mark shapes the word


@pytest.mark.parametrize(
    "word", ["end.", "end!", "end?", "end;", "end…", 'end."', "end.)", "了。", "吗？", "انتهى؟"]
)
def test_closing_marks_end_a_sentence(word):
    assert ends_sentence(word)


@pytest.mark.parametrize("word", ["end", "end,", "end:", "Mr.", "Dr.", "J.", "e.g.", "3.5"])
def test_other_marks_and_shortened_titles_do_not(word):
    assert not ends_sentence(word)


def test_plain_text_takes_the_rate_that_was_asked_for():
    """Ten words at 2.5 a second take 4 s when nothing pauses."""
    words = time_text("one " * 9 + "one")
    assert len(words) == 10
    np.testing.assert_allclose([word.onset_s for word in words], np.arange(10) * 0.4)


def test_long_words_take_longer_at_the_same_mean_rate():
    """1 + 3 syllables at 2 words a second: 1 s in all, a quarter and three quarters."""
    first, second, third = time_text("cat banana cat", words_a_second=1)
    assert second.onset_s - first.onset_s == pytest.approx(3 / 5)
    assert third.onset_s - second.onset_s == pytest.approx(9 / 5)


def test_speakers_pause_at_punctuation():
    words = time_text("one. two, three\n\nfour", words_a_second=1, pause_s=0.4, start_s=3)
    gaps = np.diff([word.onset_s for word in words])
    np.testing.assert_allclose(gaps, [1.4, 1.2, 1.8])
    assert words[0].onset_s == 3


def test_a_wrapped_line_is_no_pause():
    assert time_text("one\ntwo") == time_text("one two")


@pytest.mark.parametrize(("rate", "pause"), [(0, 0.3), (-1, 0.3), (float("nan"), 0.3), (2, -1)])
def test_rates_that_cannot_be_are_refused(rate, pause):
    with pytest.raises(StimulusError, match="words a second"):
        time_text("one two", rate, pause)


def test_time_is_shared_by_syllables():
    """cat = 1, banana = 3, a dash none: 2 s make .5 s a syllable."""
    assert share_time(["cat", "-", "banana"], 10.0, 2.0) == (10.0, 10.5, 10.5)


def test_unknown_onsets_share_their_volume():
    words = words_of(Stimulus.from_lines(["", "cat banana", "dog"], "t", 2.0))
    assert [(word.text, word.onset_s) for word in words] == [
        ("cat", 2.0),
        ("banana", 2.5),
        ("dog", 4.0),
    ]
    assert [word.duration_s for word in words] == [0.25, 0.75, 0.25]


def test_known_onsets_are_kept_and_no_word_lasts_beyond_the_next():
    stimulus = Stimulus.from_lines(["banana cat .", "dog"], "t", 1.0, [0.1, 0.3, 0.4, 1.5])
    words = words_of(stimulus)
    assert [word.text for word in words] == ["banana", "cat.", "dog"]
    np.testing.assert_allclose([word.onset_s for word in words], [0.1, 0.3, 1.5])
    np.testing.assert_allclose([word.duration_s for word in words], [0.2, 0.25, 0.25])


def test_words_of_a_picture_are_refused():
    with pytest.raises(StimulusError, match="picture"):
        words_of(Stimulus("image", "cat.png", b"x"))


def test_words_go_to_the_volume_in_which_they_start():
    """By hand, TR 1.49 s: volumes start at 0, 1.49, 2.98, 4.47."""
    words = [Word("a", 0.0, 1), Word("b", 1.48, 5), Word("c", 1.49, 1), Word("d", 4.47, 1)]
    placed = place_words(words, 1.49)
    assert placed.lines == ("a b", "c", "", "d")
    assert placed.word_onsets_s == (0.0, 1.48, 1.49, 4.47)
    assert placed.stimulus("t").lines == placed.lines


@pytest.mark.parametrize("tr_s", [1.49, 0.1, 0.7, 2.0, 1 / 3])
def test_an_onset_at_the_start_of_a_volume_belongs_to_it(tr_s):
    words = [Word("w", row * tr_s, 0.1) for row in range(500)]
    assert place_words(words, tr_s).lines == ("w",) * 500


def test_out_of_order_words_are_sorted_and_rows_can_be_asked_for():
    placed = place_words([Word("late", 3.0, 1), Word("early", 1.0, 1)], 2.0, 4)
    assert placed.lines == ("early", "late", "", "")
    assert place_words([], 2.0).lines == ("",)


def test_words_outside_the_volumes_are_refused():
    with pytest.raises(StimulusError, match="after the last of 2 volumes"):
        place_words([Word("late", 4.0, 1)], 2.0, 2)
    with pytest.raises(StimulusError, match="before the first"):
        place_words([Word("early", -0.1, 1)], 2.0)
    with pytest.raises(StimulusError, match="at most 20,000"):
        place_words([Word("late", 1e6, 1)], 1.0)
    with pytest.raises(StimulusError, match="above 0 s"):
        place_words([Word("a", 0, 1)], 0.0)


def test_ten_thousand_volumes_are_placed():
    words = [Word("word", row * 1.49 + 0.2, 0.3) for row in range(10_000)]
    stimulus = place_words(words, 1.49).stimulus("long")
    assert len(stimulus.lines) == 10_000
    assert len(words_of(stimulus)) == 10_000


def test_durations_are_cut_at_the_next_onset():
    words = limit_durations([Word("a", 0, 5), Word("b", 1, 0.5), Word("c", 1, 9)])
    assert [word.duration_s for word in words] == [1, 0, 9]
