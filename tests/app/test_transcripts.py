"""The transcripts page on the embedded language model."""

import csv
import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import cache, outputs_cache, transcript_cache
from components.message import decode_message, decode_values
from components.words import RowEdit
from models.catalog import get_card
from models.encoders.reference_language import ReferenceLanguage
from models.engine import Engine
from models.transcript.examples import get_example
from models.types import Selection

R2 = "reference-language"
TEXT2FMRI = "fmri-cneuromod_algo2025-text2fmri"

#: "Hello there." from 1.0 s, its words by syllables: Hel-lo 1.0 to 1.67, there 1.67 to 2;
#: "General" from 4.5 s.
SRT = """1
00:00:01,000 --> 00:00:02,000
Hello there.

2
00:00:04,500 --> 00:00:05,000
General
"""


@pytest.fixture
def engine(monkeypatch):
    one = Engine()
    monkeypatch.setattr(cache, "engine", lambda: one)
    yield one
    one.close()


pytestmark = pytest.mark.usefixtures("engine")


def page() -> None:
    import streamlit as st

    from app.views import transcript_grid, transcripts

    if "test:edits" in st.session_state:  # as the editor's callback does, before the page
        transcript_grid.take_edits(*st.session_state.pop("test:edits"))
    transcripts.render()


def open_page(**query: str) -> AppTest:
    test = AppTest.from_function(page, default_timeout=60)
    for name, value in query.items():
        test.query_params[name] = value
    return rested(test.run())


def rested(test: AppTest) -> AppTest:
    """The page once its answer is there."""
    test.session_state["boldcast:memory:transcript-job"].wait(60)
    test.run()
    assert not test.exception, test.exception[0].message
    return test


def words(test: AppTest) -> str:
    kinds = (test.markdown, test.caption, test.text, test.warning, test.error, test.info)
    text = "\n".join(element.value for kind in kinds for element in kind)
    return text.replace("\\", "").replace("\u2060", "")


def draft_of(test: AppTest):
    return test.session_state["boldcast:memory:transcript"]


def answer_of(test: AppTest):
    return test.session_state["boldcast:memory:transcript-answer"]


def state_of(test: AppTest):
    return test.session_state["boldcast:state:transcript"]


def widget(kind, label: str):
    return next(one for one in kind if one.label == label)


def paste(test: AppTest, text: str) -> AppTest:
    test.text_area[0].set_value(text)
    return rested(widget(test.button, "Use this text").click().run())


def press(test: AppTest, label: str) -> AppTest:
    return rested(widget(test.button, label).click().run())


def sent(test: AppTest, component: str):
    """Header and payload of what a component got last."""
    (one,) = [one for one in test.get("bidi_component") if component in one.proto.component_name]
    return decode_message(one.proto.bytes)


def shown(test: AppTest):
    """Header and values of what the viewer got last."""
    header, payload = sent(test, "boldcast_brain")
    return header, decode_values(header, payload)


def rows(test: AppTest):
    """Header of what the editor got last."""
    return sent(test, "boldcast_words")[0]


def edit(test: AppTest, *steps: RowEdit) -> AppTest:
    """Do steps in the editor; their numbers go on from those before."""
    header = rows(test)
    numbered = [replace(one, number=header["n_taken"] + n) for n, one in enumerate(steps, start=1)]
    test.session_state["test:edits"] = (header["revision"], numbered)
    return rested(test.run())


def step(name: str, row: int = 0, **more) -> RowEdit:
    return RowEdit(0, name, row, **more)


def test_a_first_visit_plays_the_story_on_the_cortex_with_its_words():
    test = open_page()
    assert "A spoken story" in words(test)
    assert "REFERENCE R2" in words(test)
    assert not test.error
    assert not test.query_params
    header, values = shown(test)
    assert (header["kind"], header["space"], header["n_parcels"]) == ("parcels", "fsLR32k", 360)
    assert header["autoplay"]
    assert header["frame_rate_hz"] == 0.5  # real time at 2 s
    assert header["row_kind"] == "seconds"
    # speech starts at 6 s; the response to it is half as strong as it gets some seconds later
    assert 8 <= 2 * header["start_frame"] <= 14
    assert header["n_frames"] == 66  # the volume in which the 130 s end, too
    assert header["row_labels"][:3] == ["0.00", "2.00", "4.00"]
    said = " ".join(" ".join(header["row_texts"]).split())
    assert said == " ".join(word.text for word in get_example("story").transcript.words)
    assert values.shape == (66, 360)
    assert np.isfinite(values[0]).sum() == 66  # modelled areas; the others stay grey


def test_what_is_drawn_and_kept_is_what_the_library_predicts():
    test = open_page(sample="list-and-sentences", structure_strength="2")
    card = get_card(R2)
    example = get_example("list-and-sentences")
    stimulus = example.transcript.stimulus(2.0, example.silence_after_s)
    model = ReferenceLanguage(card)
    settings = card.default_settings().replace(structure_strength=2.0)
    features = model.features([stimulus], settings)
    (expected,) = model.readout(features, Selection(("average",)), settings)
    np.testing.assert_array_equal(answer_of(test).response.values, expected.values)
    header, values = shown(test)
    step = (header["maximum"] - header["minimum"]) / 254
    held = values[:, expected.column_indices]
    assert np.abs(held - expected.values).max() <= step


def test_a_link_brings_example_times_regions_and_settings():
    query = {"sample": "long-silences", "tr": "1.5", "regions": "44,45", "hrf_peak_s": "6"}
    test = open_page(**query)
    assert draft_of(test).example == "long-silences"
    assert draft_of(test).tr_s == 1.5
    assert answer_of(test).response.values.shape[1] == 4  # two areas, two hemispheres
    assert answer_of(test).settings["hrf_peak_s"] == 6.0
    assert {name: test.query_params[name] for name in query} == query


def test_a_link_to_own_text_says_that_it_stayed_where_it_was():
    test = open_page(text="0123456789ab")
    assert "your own text never travels" in words(test)
    assert draft_of(test).example == "story"


def test_pasted_subtitles_go_to_the_volumes_in_which_their_words_start():
    test = paste(open_page(), SRT)
    draft = draft_of(test)
    assert draft.name == "Pasted text"
    # 2 s each: Hello 1.0 and there. 1.67 in the first, General 4.5 in the third; then 12 s more
    assert draft.texts[:4] == ("Hello there.", "", "General", "")
    assert len(draft.texts) == 9
    assert set(draft.texts[3:]) == {""}
    assert "never stored" in words(test)
    assert state_of(test).sample == ""
    assert "text" in test.query_params
    assert "Hello" not in str(dict(test.query_params))
    assert shown(test)[0]["row_texts"] == list(draft.texts)


def test_a_file_that_cannot_be_read_costs_a_sentence_and_the_text_stays():
    test = open_page()
    kind = "application/octet-stream"
    test.file_uploader[0].set_value(("broken.srt", b"no times here", kind)).run()
    assert "the name ends in .srt" in words(test)
    assert draft_of(test).example == "story"
    press(test, "Dismiss")
    assert not test.warning


def test_an_opened_table_brings_its_own_volumes():
    table = b"text_per_tr\twords_per_tr\tonsets_per_tr\tdurations_per_tr\n" + b"".join(
        line
        for line in (
            b"one two\t['one', 'two']\t[0.1, 0.9]\t[0.3, 0.3]\n",
            b"\t[]\t[]\t[]\n",
            b"three\t['three']\t[3.1]\t[0.3]\n",
        )
    )
    test = open_page()
    test.file_uploader[0].set_value(("words.tsv", table, "text/tab-separated-values")).run()
    rested(test)
    assert draft_of(test).texts == ("one two", "", "three")
    assert draft_of(test).tr_s == pytest.approx(1.49)
    assert widget(test.number_input, "Time between volumes, TR (s)").value == 1.49


def test_a_name_is_shown_letter_by_letter():
    test = open_page()
    name = "<img src=x onerror=alert(1)>.txt"
    test.file_uploader[0].set_value((name, b"Once upon a time.", "text/plain")).run()
    rested(test)
    assert any(r"\<img" in element.value for element in test.markdown)
    assert not any("<img" in element.value.replace(r"\<", "") for element in test.markdown)


def test_another_time_between_volumes_keeps_words_at_their_times():
    test = paste(open_page(), SRT)
    widget(test.number_input, "Time between volumes, TR (s)").set_value(1.0).run()
    rested(test)
    assert draft_of(test).texts[:6] == ("", "Hello there.", "", "", "General", "")
    assert test.query_params["tr"] == "1"
    assert answer_of(test).response.row_labels[:3] == ("0.00", "1.00", "2.00")


def test_volumes_are_inserted_split_merged_moved_and_undone():
    test = paste(open_page(), SRT)
    before = draft_of(test).texts
    edit(test, step("insert", 0))
    assert draft_of(test).texts == ("", *before)
    edit(test, step("split", 1, word=1))
    assert draft_of(test).texts[:4] == ("", "Hello", "there.", "")
    edit(test, step("merge", 1))
    assert draft_of(test).texts[:3] == ("", "Hello there.", "")
    edit(test, step("earlier", 1))
    assert draft_of(test).texts == before
    edit(test, step("earlier", 3))
    assert "There are words in the way" in words(test)
    edit(test, step("earlier", 2))
    assert "There are words in the way" not in words(test)
    assert draft_of(test).texts[:3] == ("Hello there.", "General", "")
    assert (rows(test)["can_undo"], rows(test)["can_redo"]) == (True, False)
    edit(test, step("undo"), step("undo"))  # two that came in one run
    assert draft_of(test).texts == ("", *before)
    assert rows(test)["can_redo"]
    edit(test, step("redo"))
    assert draft_of(test).texts == before
    assert shown(test)[0]["row_texts"] == list(before) == rows(test)["texts"]


def test_what_is_typed_is_predicted_and_can_be_undone():
    test = open_page()
    before = draft_of(test).texts
    edit(test, step("text", 0, text="Now  listen"))
    draft = draft_of(test)
    assert draft.texts == ("Now listen", *before[1:])
    assert draft.name == "A spoken story, edited"
    assert "sample" not in test.query_params
    assert "text" in test.query_params
    assert widget(test.selectbox, "Transcript").value == ""
    assert answer_of(test).texts == draft.texts
    edit(test, step("undo"))
    assert draft_of(test).texts == before


def test_a_word_that_is_dragged_changes_its_volume():
    test = paste(open_page(), SRT)  # Hello 1.0, there. 1.67, General 4.5
    edit(test, step("word", word=1, onset_s=2.5))
    assert draft_of(test).texts[:3] == ("Hello", "there.", "General")
    header, payload = sent(test, "boldcast_words")
    assert header["n_words"][:3] == [1, 1, 1]
    np.testing.assert_allclose(np.frombuffer(payload, "<f4"), [1.0, 0.5, 0.5])
    assert answer_of(test).texts == draft_of(test).texts


def test_edits_that_come_twice_or_of_another_text_change_nothing():
    test = paste(open_page(), SRT)
    revision = rows(test)["revision"]
    for given in ((1, 2), (1, 2), (2, 3)):  # what was not answered yet is sent again
        edits = [RowEdit(number, "insert", 0) for number in given]
        test.session_state["test:edits"] = (revision, edits)
        rested(test.run())
    assert draft_of(test).texts[:5] == ("", "", "", "Hello there.", "")
    assert rows(test)["n_taken"] == 3
    assert rows(test)["revision"] == revision
    widget(test.selectbox, "Transcript").set_value("long-silences").run()
    before = draft_of(rested(test)).texts
    assert rows(test)["revision"] != revision
    test.session_state["test:edits"] = (revision, [RowEdit(4, "remove", 0)])
    assert draft_of(rested(test.run())).texts == before


def test_the_last_row_cannot_be_merged_and_the_page_says_so():
    test = paste(open_page(), SRT)
    edit(test, step("merge", 8), step("insert", 9))
    assert "There is no row 9" in words(test)
    assert len(draft_of(test).texts) == 10  # what came after it was done
    assert rows(test)["n_taken"] == 2


def test_another_example_replaces_what_was_edited():
    test = paste(open_page(), SRT)
    widget(test.selectbox, "Transcript").set_value("fast-and-slow").run()
    rested(test)
    assert draft_of(test).example == "fast-and-slow"
    assert test.query_params["sample"] == "fast-and-slow"
    assert "text" not in test.query_params
    assert widget(test.selectbox, "Transcript").options == [
        transcript_cache.examples()[one].title for one in transcript_cache.examples()
    ]


def test_courses_are_means_of_systems_and_the_words_stand_below():
    test = open_page()
    answer = answer_of(test)
    names = transcript_cache.course_names(answer)
    assert names[0] == "Auditory core and belt"
    assert len(names) == 5
    values = transcript_cache.courses(answer, names)
    regions = cache.regions_of(answer.card, "average")
    inside = regions.mask(names[0])[answer.response.column_indices]
    expected = answer.response.values[:, inside].astype(float).mean(axis=1)
    np.testing.assert_allclose(values[:, 0], expected)


def test_the_table_of_volumes_has_number_seconds_text_and_regions():
    test = open_page(regions="44", hemisphere="left", sample="long-silences")
    answer = answer_of(test)
    lines = transcript_cache.volume_csv(answer).decode().splitlines()
    rows = list(csv.DictReader(io.StringIO("\n".join(x for x in lines if x[0] != "#"))))
    assert [row["text"] for row in rows] == list(answer.texts)
    assert [float(row["seconds"]) for row in rows[:3]] == [0.0, 2.0, 4.0]
    np.testing.assert_allclose(
        [float(row["44 left"]) for row in rows], answer.response.values[:, 0], rtol=1e-6
    )
    assert [row["tr"] for row in rows[:2]] == ["1", "2"]  # as on the page
    with zipfile.ZipFile(io.BytesIO(transcript_cache.bundle(answer))) as everything:
        kinds = [name.rpartition("_")[2] for name in everything.namelist()]
    assert kinds == [
        "README.txt",
        "regions.csv",
        "values.npz",
        "volumes.csv",
        "values.ptseries.nii",
    ]
    archive = np.load(io.BytesIO(outputs_cache.npz(answer)))
    assert archive["texts"].tolist() == list(answer.texts)
    assert archive["tr_s"] == 2.0


def test_browsers_without_webgl_get_a_plain_picture():
    answer = answer_of(open_page())
    assert cache.plain_still(answer.id).startswith(b"\x89PNG")


def test_a_vertex_stands_for_its_parcel():
    answer = answer_of(open_page())
    header, _ = shown(open_page())
    assert header["atlas"] == "mmp"
    place = int(answer.response.column_indices[0])
    name = outputs_cache.place_name(answer.card, "average", place)
    assert name.endswith(f"left, parcel {place}")


def test_models_that_need_files_are_greyed_and_pictures_models_are_not_here():
    test = open_page()
    entries = {one.key: one for one in test.button if one.key and one.key.startswith("model:")}
    assert set(entries) == {f"model:{R2}", f"model:{TEXT2FMRI}"}
    assert entries[f"model:{TEXT2FMRI}"].disabled
    assert "needs about" in entries[f"model:{TEXT2FMRI}"].label


def test_a_link_to_a_model_of_pictures_says_so():
    test = open_page(model="reference-vision")
    assert "sees pictures, no words" in words(test)
    assert state_of(test).model_id == R2
