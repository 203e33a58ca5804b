"""Time between volumes and speech rate on the transcripts page: who decides, and what follows."""

import pytest

from app import cache
from app.readiness import Readiness
from models.catalog import load_object
from models.engine import Engine
from tests.app.test_transcripts import (
    R2,
    SRT,
    TEXT2FMRI,
    draft_of,
    edit,
    open_page,
    paste,
    press,
    rested,
    state_of,
    step,
    widget,
    words,
)
from tests.app.test_transcripts_parcels import FakeText

#: Volumes of 1.49 s, as this table's columns say by their names.
VOLUMES = (
    b"text_per_tr\twords_per_tr\tonsets_per_tr\tdurations_per_tr\n"
    b"one two\t['one', 'two']\t[0.1, 0.9]\t[0.3, 0.3]\n"
    b"three\t['three']\t[1.6]\t[0.3]\n"
)
KIND = "application/octet-stream"
TR = "Time between volumes, TR (s)"


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    """The embedded model, and a stand-in for Text2fMRI whose files are here."""

    def load(card):
        return FakeText(card) if card.id == TEXT2FMRI else load_object(card.encoder)(card)

    one = Engine(load=load)
    monkeypatch.setattr(cache, "engine", lambda: one)
    monkeypatch.setattr(cache, "readiness_of", lambda card: Readiness(dict(card.subjects).keys()))
    monkeypatch.setattr(cache, "find_atlas_file", lambda name: None)
    cache._has_parcel_volume.clear()
    cache._regions.clear()
    yield
    one.close()
    cache._has_parcel_volume.clear()
    cache._regions.clear()


def to_model(test, model):
    press_key = f"model:{model}"
    next(one for one in test.button if one.key == press_key).click().run()
    return rested(test)


def tr_of(test):
    """Time between volumes, which field, text, state and answer must agree on."""
    times = {
        widget(test.number_input, TR).value,
        draft_of(test).tr_s,
        state_of(test).tr_s,
        test.session_state["boldcast:memory:transcript-answer"].tr_s,
    }
    (tr_s,) = times
    return tr_s


def test_each_model_brings_its_usual_time_until_the_visitor_sets_one():
    test = open_page()
    assert tr_of(test) == 2.0
    assert tr_of(to_model(test, TEXT2FMRI)) == 1.49
    assert "tr" not in test.query_params
    assert tr_of(to_model(test, R2)) == 2.0
    widget(test.number_input, TR).set_value(1.49).run()
    assert tr_of(rested(test)) == 1.49
    to_model(test, TEXT2FMRI)
    assert tr_of(to_model(test, R2)) == 1.49  # though it was once the usual time of a model
    assert test.query_params["tr"] == "1.49"


def test_words_stay_at_their_times_when_the_model_changes():
    test = paste(open_page(), SRT)  # Hello 1.0, there. 1.67, General 4.5 s
    edit(test, step("text", 8, text="end"))  # rows that were edited are cut anew, too
    to_model(test, TEXT2FMRI)
    texts = draft_of(test).texts
    assert texts[:4] == ("Hello", "there.", "", "General")
    assert texts[10] == "end"  # 16 s
    edit(test, step("undo"))  # takes the other time back, and it stays as it was
    assert tr_of(test) == 2.0
    assert draft_of(test).texts[8] == "end"


def test_a_file_that_names_its_time_keeps_it_with_every_model_and_the_next_text_does_not():
    test = open_page()
    test.file_uploader[0].set_value(("words.tsv", VOLUMES, KIND)).run()
    assert tr_of(rested(test)) == pytest.approx(1.49)
    to_model(test, TEXT2FMRI)
    assert tr_of(to_model(test, R2)) == pytest.approx(1.49)
    assert draft_of(test).texts == ("one two", "three")
    assert tr_of(paste(test, SRT)) == 2.0


def test_a_time_in_a_link_is_the_visitors():
    test = open_page(tr="1.5")
    assert tr_of(test) == 1.5
    assert tr_of(to_model(test, TEXT2FMRI)) == 1.5
    widget(test.selectbox, "Transcript").set_value("long-silences").run()
    assert tr_of(rested(test)) == 1.5


def test_plain_text_can_be_spoken_faster_afterwards():
    """Eight words of one syllable; a pause of p follows a sentence, p/2 a comma."""
    test = paste(open_page(), "One two, three four. Five six seven eight.")

    def onsets():
        return [word.onset_s for word in draft_of(test).origin.words]

    # 2.5 words a second, 0.35 s: seven has two syllables, so a syllable lasts 8/9 x 0.4 s
    beat = 0.4 * 8 / 9
    assert onsets()[:3] == pytest.approx([0, beat, 2 * beat + 0.175])
    assert onsets()[4] == pytest.approx(4 * beat + 0.175 + 0.35)
    sliders = {one.label: one for one in test.slider if "retime" in one.key}
    sliders["Words a second"].set_value(5.0).run()
    rested(test)
    assert onsets()[4] == pytest.approx(2 * beat + 0.175 + 0.35)
    sliders = {one.label: one for one in test.slider if "retime" in one.key}
    sliders["Pause after a sentence (s)"].set_value(1.0).run()
    rested(test)
    assert onsets()[4] == pytest.approx(2 * beat + 0.5 + 1.0)
    assert test.get("popover")
    edit(test, step("text", 0, text="Other words"))
    assert not [one for one in test.slider if "retime" in one.key]  # rows are the visitor's now


def test_text_with_times_is_not_spoken_anew():
    test = paste(open_page(), SRT)
    assert not [one for one in test.slider if "retime" in one.key]
    assert "words a second" not in words(test)
    press(test, "Use this text")  # of nothing: a sentence, and the text stays
    assert draft_of(test).texts[0] == "Hello there."
