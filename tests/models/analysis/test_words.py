"""Leave-one-out, against models whose answers are known by hand."""

import numpy as np
import pytest

from models.analysis import words as leaving
from models.analysis.words import estimate_cost, leave_out, predictor, unit_names
from models.catalog import get_card, load_object
from models.errors import Cancelled, StimulusError
from models.stimulus import Stimulus
from models.transcript.words import place_words, time_text
from models.types import Provenance, Response, Selection, Space

SPACE = Space("tiny", "parcels", 2, 1)
LINES = ("One two", "", "three.", "Four five six.")


class Letters:
    """Response of a volume: its letters, times a weight of the volume; the third place is NaN."""

    def __init__(self, weights=(1, 1, 1, 1)):
        self.weights = weights
        self.batches = []

    def __call__(self, stimuli):
        self.batches.append(list(stimuli))
        return [self.respond(stimulus) for stimulus in stimuli]

    def respond(self, stimulus):
        letters = [sum(map(str.isalpha, line)) for line in stimulus.lines]
        course = np.array(letters) * np.array(self.weights)
        return Response(
            np.stack([course, 3 * course, np.full(len(course), np.nan)], axis=1),
            SPACE,
            tuple(str(row) for row in range(len(course))),
            "letters",
            False,
            Provenance("m", "M", "1", "0" * 64, "s", "c", "b"),
            row_kind="seconds",
        )

    @property
    def asked(self):
        return [stimulus.lines for batch in self.batches for stimulus in batch]


@pytest.fixture
def stimulus():
    return Stimulus.from_lines(LINES, "t", 2.0)


def test_a_word_s_effect_is_what_the_response_loses(stimulus):
    """Mean of 1 x and 3 x the letters is 2 x; the place that is not modelled does not count."""
    found = leave_out(Letters(), stimulus, n_shuffles=0)
    assert found.names == ("One", "two", "three.", "Four", "five", "six.")
    np.testing.assert_array_equal(found.effects, [6, 6, 10, 8, 8, 6])
    np.testing.assert_array_equal(found.changes[2], [0, 0, 10, 0])
    assert found.units == "letters"
    assert found.baseline.shape == (6, 0)
    np.testing.assert_allclose(found.onsets_s, [0, 1, 4, 6, 6 + 2 / 3, 6 + 4 / 3])


def test_the_sign_of_the_largest_change_is_kept(stimulus):
    found = leave_out(Letters((-1, 1, 1, 1)), stimulus, n_shuffles=0)
    np.testing.assert_array_equal(found.effects, [-6, -6, 10, 8, 8, 6])


def test_all_words_of_a_volume_are_left_out_together(stimulus):
    found = leave_out(Letters(), stimulus, "volume", n_shuffles=0)
    assert found.names == ("One two", "three.", "Four five six.")
    np.testing.assert_array_equal(found.numbers, [0, 2, 3])
    np.testing.assert_array_equal(found.effects, [12, 10, 22])
    np.testing.assert_array_equal(found.onsets_s, [0, 4, 6])


def test_only_some_are_left_out_where_asked(stimulus):
    predict = Letters()
    found = leave_out(predict, stimulus, only=[2, 4], n_shuffles=0)
    assert found.names == ("three.", "five")
    np.testing.assert_array_equal(found.numbers, [2, 4])
    assert len(predict.asked) == 3


def test_words_that_matter_anywhere_equal_their_baseline(stimulus):
    found = leave_out(Letters(), stimulus, n_shuffles=3)
    assert found.baseline.shape == (6, 3)
    np.testing.assert_array_equal(found.baseline, np.repeat(found.effects[:, None], 3, axis=1))


def test_words_that_matter_by_place_differ_from_their_baseline():
    """Volumes weigh 1 and 10: a word of three letters counts 6 in one and 60 in the other."""
    stimulus = Stimulus.from_lines(["abc def", "ghi"], "t", 2.0)
    found = leave_out(Letters((1, 10)), stimulus, n_shuffles=200)
    np.testing.assert_array_equal(found.effects, [6, 6, 60])
    assert set(np.unique(found.baseline)) == {6, 60}
    # a third of the places is in the second volume; 600 draws
    assert (found.baseline == 60).mean(axis=1) == pytest.approx([1 / 3] * 3, abs=0.12)


def test_shuffled_volumes_keep_their_words_together(stimulus):
    predict = Letters()
    leave_out(predict, stimulus, "volume", n_shuffles=5)
    for lines in predict.asked[4::4]:  # the whole of each order
        assert sorted(lines) == sorted(LINES)
        assert lines[1] == ""


def test_baselines_are_the_same_every_time(stimulus):
    first, second = (leave_out(Letters((1, 2, 3, 4)), stimulus, n_shuffles=2) for _ in range(2))
    np.testing.assert_array_equal(first.baseline, second.baseline)
    other = leave_out(Letters((1, 2, 3, 4)), stimulus, n_shuffles=2, seed=1)
    assert not np.array_equal(first.baseline, other.baseline)


def test_the_others_stay_where_they_are_and_sentences_stay_apart(stimulus):
    predict = Letters()
    leave_out(predict, stimulus, n_shuffles=0)
    whole = predict.batches[0][0]
    assert whole.lines == LINES
    for variant in predict.batches[0][1:]:
        assert set(variant.word_onsets_s) < set(whole.word_onsets_s)
    assert predict.asked[3] == ("One two.", "", "", "Four five six.")  # “three.” left out
    assert predict.asked[6] == ("One two", "", "three.", "Four five.")


def test_known_onsets_are_kept():
    onsets = [0.1, 0.2, 1.9, 2.5]
    predict = Letters((1, 1))
    leave_out(predict, Stimulus.from_lines(["a b c", "d"], "t", 2.0, onsets), n_shuffles=0)
    np.testing.assert_allclose(predict.batches[0][2].word_onsets_s, [0.1, 1.9, 2.5])


def test_work_goes_in_batches_reports_and_can_be_stopped(monkeypatch, stimulus):
    monkeypatch.setattr(leaving, "BATCH", 4)
    predict, seen = Letters(), []
    leave_out(predict, stimulus, n_shuffles=1, report=lambda *step: seen.append(step))
    assert [len(batch) for batch in predict.batches] == [4, 4, 4, 2]
    assert [done for _, done, _ in seen] == [0, 4, 8, 12, 14]
    assert {total for *_, total in seen} == {14}

    stopped = Letters()

    def stop(stage, done, total):
        if done:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        leave_out(stopped, stimulus, report=stop)
    assert len(stopped.batches) == 1


def test_the_cost_is_the_number_of_predictions_that_are_made(monkeypatch, stimulus):
    clock = iter([10.0, 10.125, 10.5, 11.0])  # the second one ends what is timed: 0.5 s for two
    monkeypatch.setattr(leaving.time, "perf_counter", lambda: next(clock))
    cost = estimate_cost(Letters(), stimulus, "word", n_shuffles=2)
    predict = Letters()
    leave_out(predict, stimulus, "word", n_shuffles=2)
    assert cost.n_predictions == len(predict.asked) == 21
    assert cost.seconds == pytest.approx(5.25)
    assert cost.words == "21 predictions of about 0.25 s each: about 5 s."


def test_the_cost_is_said_in_fitting_words():
    assert leaving.Cost(10, 0.01).words.endswith("less than a second.")
    assert leaving.Cost(1000, 3.0).words == "1,000 predictions of about 3 s each: about 50 min."


def test_without_words_there_is_nothing_to_leave_out():
    silence = Stimulus.from_lines(["", ""], "t", 2.0)
    with pytest.raises(StimulusError, match="0 units can be left out"):
        leave_out(Letters((1, 1)), silence)
    with pytest.raises(StimulusError, match="no word to leave out"):
        estimate_cost(Letters((1, 1)), silence)
    with pytest.raises(StimulusError, match="6 units can be left out"):
        leave_out(Letters(), Stimulus.from_lines(LINES, "t", 2.0), only=[6])
    assert unit_names(silence, "word") == ()


def test_a_single_word_can_be_left_out():
    found = leave_out(Letters((1,)), Stimulus.from_lines(["Hi."], "t", 2.0), n_shuffles=1)
    np.testing.assert_array_equal(found.effects, [4])


def test_the_language_model_tells_which_words_did_it():
    """A word of a sentence does more for language areas than the same word of a list."""
    card = get_card("reference-language")
    model = load_object(card.encoder)(card)
    selection = Selection(("average",), ("Language network (temporal)",), "left")
    words = (
        *time_text("The doctor came back to us.", start_s=2),
        *time_text("stone doctor cloud paper horse river.", start_s=32),
    )
    stimulus = place_words(words, 2.0, 30).stimulus("t")
    predict = predictor(model, selection, card.default_settings())
    found = leave_out(predict, stimulus, n_shuffles=2)
    doctors = [number for number, name in enumerate(found.names) if name == "doctor"]
    in_sentence, in_list = found.effects[doctors]
    assert in_sentence > 1.5 * in_list > 0
    assert found.changes[doctors[1]][:15].max() < 1e-6  # nothing before it is said
    assert np.isfinite(found.baseline).all()
