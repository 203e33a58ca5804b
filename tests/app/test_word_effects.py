"""Which words did it, on the transcripts page: cost first, then bars, then the table."""

import csv
import io
import threading

import numpy as np
import pytest

from app import transcript_cache, word_cache
from app.word_cache import Found, Question
from components.message import decode_message
from models.analysis.words import LeftOut, leave_out, predictor
from models.catalog import get_card, load_object
from models.encoders._word_features import CANONICAL_PEAK_S, STEP_S, haemodynamic_response
from models.errors import StimulusError
from models.types import Selection
from tests.app.test_transcripts import (
    R2,
    answer_of,
    edit,
    engine,
    open_page,
    paste,
    step,
    widget,
    words,
)

__all__ = ["engine"]  # fixture

pytestmark = pytest.mark.usefixtures("engine")

REGION = "Language network (temporal)"
TEXT = "A dog ran. It was old."


def courses(test):
    """Header and payload of the courses on the page."""
    (one,) = [x for x in test.get("bidi_component") if "courses" in x.proto.component_name]
    return decode_message(one.proto.bytes)


def work_of(test, name="words-run"):
    return test.session_state[f"boldcast:memory:{name}"][1]


def press(test, label):
    """Press a button, and wait for what it began."""
    widget(test.button, label).click().run()
    if label == "Leave them out":
        work_of(test).wait(60)
        test.run()
    assert not test.exception
    return test


@pytest.fixture
def asked():
    """A page with a short text on which the question has been opened."""
    test = press(paste(open_page(), TEXT), "Which words did it?")
    work_of(test, "words-cost").wait(60)
    return test.run()


def test_the_cost_is_said_before_anything_runs(asked):
    # 6 words and the whole, in its own order and in 3 random ones
    assert "28 predictions of about" in words(asked)
    assert "boldcast:memory:words-run" not in asked.session_state
    assert courses(asked)[0]["effects"] is None


def test_bars_are_what_the_library_finds_and_the_table_holds_them(asked):
    widget(asked.selectbox, "Which words did it, for").set_value(REGION).run()
    press(asked, "Leave them out")
    answer = answer_of(asked)
    card = get_card(R2)
    predict = predictor(
        load_object(card.encoder)(card), Selection(("average",), (REGION,)), answer.settings
    )
    expected = leave_out(predict, answer.stimuli[0], "word", n_shuffles=3)
    header, payload = courses(asked)
    bars = header["effects"]
    place = bars["values"]
    values = np.frombuffer(payload, "<f4", place["length"] // 4, place["offset"])
    np.testing.assert_allclose(values, expected.effects, rtol=1e-6)
    assert bars["names"] == ["A", "dog", "ran.", "It", "was", "old."]
    assert (bars["line"], bars["n_shuffles"]) == (REGION, 3)
    assert "with it minus without it" in words(asked)
    text = word_cache.csv(answer, work_of(asked).result()).decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(io.StringIO("\n".join(lines))))
    np.testing.assert_allclose([float(row["effect"]) for row in rows], expected.effects)
    assert f"# region: {REGION}" in text
    assert "not measured" in text


def test_whole_volumes_can_be_left_out_and_another_question_is_asked_anew(asked):
    press(asked, "Leave them out")
    asked.button_group(key="words-unit").set_value("volume").run()
    n_volumes = sum(bool(text) for text in answer_of(asked).texts)
    assert f"{4 * (n_volumes + 1)} predictions" in words(asked)
    press(asked, "Leave them out")
    assert courses(asked)[0]["effects"]["names"] == [t for t in answer_of(asked).texts if t]


def test_bars_of_another_text_are_not_shown(asked):
    press(asked, "Leave them out")
    assert courses(asked)[0]["effects"] is not None
    paste(asked, "Something else entirely.")
    assert courses(asked)[0]["effects"] is None


def test_work_is_followed_one_by_one_and_can_be_stopped(asked, monkeypatch):
    gate, started, asked_for = threading.Event(), threading.Event(), []

    def slow(model, selection, settings, report):
        usual = predictor(model, selection, settings, report)

        def predict(stimuli):
            asked_for.extend(stimuli)
            if len(asked_for) == 3:
                started.set()
                gate.wait(30)
            return usual(stimuli)

        return predict

    monkeypatch.setattr(word_cache, "predictor", slow)
    widget(asked.button, "Leave them out").click().run()
    assert started.wait(30)
    work = work_of(asked)
    assert (work.done, work.total) == (2, 28)
    widget(asked.button, "Cancel").click().run()
    gate.set()
    work.wait(30)
    assert len(asked_for) == 3  # stopped within the prediction that ran
    asked.run()
    assert "Stopped, as you asked." in words(asked)
    assert widget(asked.button, "Leave them out")


def test_a_model_that_refuses_costs_a_sentence(asked, monkeypatch):
    def refuse(*given, **more):
        raise StimulusError("Nothing is modelled there.")

    monkeypatch.setattr(word_cache, "leave_out", refuse)
    press(asked, "Leave them out")
    assert "Nothing is modelled there." in words(asked)


def test_a_silent_text_is_not_asked_about():
    test = edit(paste(open_page(), "Hello"), step("text", 0, text=""))
    assert "Once there are words" in words(test)


def test_the_guide_starts_at_the_model_s_own_peak():
    delay = word_cache.delay_of(answer_of(open_page(hrf_peak_s="6")))
    assert delay.peak_s == 6.0
    assert "6 s is the peak of this model's response to a word" in delay.source
    response = haemodynamic_response(CANONICAL_PEAK_S)
    strong = np.flatnonzero(response >= response.max() / 2) * STEP_S
    assert delay.from_s / 6 == pytest.approx(strong[0] / CANONICAL_PEAK_S, abs=0.03)
    assert delay.to_s / 6 == pytest.approx(strong[-1] / CANONICAL_PEAK_S, abs=0.03)


def test_an_area_on_the_brain_means_the_line_of_its_system():
    lines = {line["name"]: line for line in courses(open_page())[0]["lines"]}
    assert "A5" in lines["Superior temporal (speech)"]["parts"]
    assert "44" in lines["Language network (frontal)"]["parts"]
    assert lines["Default network (narrative)"]["is_low"]


def test_words_that_stand_out_are_named_once_with_their_median_lag(asked):
    changes = np.zeros((5, 9))
    changes[range(5), [4, 3, 4, 6, 1]] = [0.1, -3.0, 2.0, 2.5, 0.2]
    left_out = LeftOut(
        "word",
        ("a", "b", "c", "c", "d"),
        np.arange(5),
        np.arange(5.0),
        changes,
        changes[:, :0],
        "z",
    )
    answer = answer_of(asked)
    found = Found(Question(answer.id, REGION, "word", 0), left_out)
    assert word_cache.strongest(found) == ("b", "c")
    # volumes 3, 6 and 4 of 2 s after onsets of 1, 3 and 2 s: 5, 9 and 6 s
    assert word_cache.lag_s(answer, found) == 6.0


def test_the_region_of_a_line_that_was_pressed_is_asked_about(asked):
    names = transcript_cache.course_names(answer_of(asked))
    asked.session_state[f"words-region:{names}"] = names[3]
    asked.run()
    assert widget(asked.selectbox, "Which words did it, for").value == names[3]
