from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from app.state import Surroundings, default_state, from_query, to_query, usual_state

AROUND = Surroundings(
    lambda card, subject: ("V1", "V2", "V3", "hV4"), {"wedge": 16.0, "photographs": 8.4}
)


def test_first_visit_shows_the_wedge_at_its_own_visual_angle_and_writes_nothing_to_the_url():
    first = default_state(AROUND)
    assert first.sample == "wedge"
    assert first.settings["visual_angle_deg"] == 16.0
    assert to_query(first, AROUND) == {}


def test_a_link_brings_everything_back():
    first = default_state(AROUND)
    state = replace(
        first,
        regions=("V2", "hV4"),
        hemisphere="left",
        sample="photographs",
        settings=first.settings.replace(
            visual_angle_deg=12.5, fixation_x_deg=-3.2, is_minus_average=True
        ),
    )
    query = to_query(state, AROUND)
    assert query == {
        "regions": "V2,hV4",
        "hemisphere": "left",
        "sample": "photographs",
        "visual_angle_deg": "12.5",
        "fixation_x_deg": "-3.2",
        "is_minus_average": "on",
    }
    assert from_query(query, AROUND) == (state, ())


def test_the_usual_angle_of_another_sample_is_not_written():
    state, _ = from_query({"sample": "photographs"}, AROUND)
    assert state.settings["visual_angle_deg"] == 8.4
    assert to_query(state, AROUND) == {"sample": "photographs"}


def test_every_setting_of_every_model_travels_with_the_link():
    first = default_state(AROUND)
    for setting in first.settings.declared:
        other = setting.choices[-1][0] if setting.choices else setting.minimum
        if isinstance(setting.default, bool):
            other = not setting.default
        changed = replace(first, settings=first.settings.replace(**{setting.name: other}))
        assert changed.settings != first.settings, setting.name
        assert from_query(to_query(changed, AROUND), AROUND) == (changed, ()), setting.name


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"model": "reference-visoin"}, "reference-vision"),
        ({"subject": "someone"}, "someone"),
        ({"hemisphere": "middle"}, "middle"),
        ({"regions": "V1,V9"}, "V9"),
        ({"sample": "cats"}, "cats"),
        ({"visual_angle_deg": "wide"}, "must be a number"),
        ({"visual_angle_deg": "nan"}, "must be a number"),
        ({"visual_angle_deg": "900"}, "between 2 and 30"),
        ({"is_minus_average": "perhaps"}, "either on or off"),
        ({"receptive_field_size": "huge"}, "must be one of"),
    ],
)
def test_what_a_link_gets_wrong_falls_back_with_one_sentence(query, word):
    state, notices = from_query(query, AROUND)
    kept = ("V1",) if "regions" in query else ()
    assert state == replace(default_state(AROUND), regions=kept)
    assert len(notices) == 1
    assert word in notices[0]


def test_a_link_to_own_pictures_says_that_they_are_not_here():
    state, notices = from_query({"pictures": "0123456789ab,ba9876543210"}, AROUND)
    assert state == default_state(AROUND)
    assert len(notices) == 1
    assert notices[0].startswith("2 pictures of this link stayed on the computer")


HUZE = "fmri-nsd_fsaverage-huze"


def some_are_here(card, subject):
    """Subjects 3 and 5 of huze only."""
    if card.id != HUZE or subject in ("", "sub-03", "sub-05"):
        return ""
    return "needs about 2.4 GB"


HERE = Surroundings(AROUND.regions_of, AROUND.samples, some_are_here)


def test_a_model_starts_with_the_first_subject_that_is_here():
    assert default_state(HERE, HUZE).subject == "sub-03"


def test_a_link_to_a_published_model_brings_its_map_and_mesh_back():
    wanted = replace(
        default_state(HERE, HUZE), subject="sub-05", show="correlation", is_full_mesh=True
    )
    query = to_query(wanted, HERE)
    assert query == {"model": HUZE, "subject": "sub-05", "show": "correlation", "mesh": "full"}
    assert from_query(query, HERE) == (wanted, ())


def test_a_link_to_a_subject_that_is_not_here_names_the_one_that_is_shown():
    state, notices = from_query({"model": HUZE, "subject": "sub-01"}, HERE)
    assert state.subject == "sub-03"
    assert notices == (
        "Subject 1 of NSD huze, whole cortex needs about 2.4 GB: fetch it on the Models page. "
        "Subject 3 is shown.",
    )


def test_a_link_to_a_model_that_is_not_here_keeps_the_pictures_and_drops_what_is_the_models():
    nothing = Surroundings(
        AROUND.regions_of,
        AROUND.samples,
        lambda card, subject: "" if card.is_embedded else "needs about 2.4 GB",
    )
    query = {
        "model": HUZE,
        "subject": "sub-02",
        "regions": "V9",
        "show": "x",
        "sample": "photographs",
    }
    state, notices = from_query(query, nothing)
    assert state == usual_state(nothing, "photographs")
    assert notices == (
        "NSD huze, whole cortex needs about 2.4 GB: fetch it on the Models page. "
        "Reference model of early visual cortex (R1) is shown.",
    )


TEXTS = Surroundings(
    lambda card, subject: ("44", "45"),
    {"story": 0.0, "long-silences": 0.0},
    modality="transcript",
    first_sample="story",
)


def test_a_first_visit_to_transcripts_shows_the_first_one_at_the_models_own_tr():
    first = default_state(TEXTS)
    assert (first.model_id, first.sample, first.tr_s) == ("reference-language", "story", 2.0)
    assert to_query(first, TEXTS) == {}
    other = default_state(TEXTS, "fmri-cneuromod_algo2025-text2fmri")
    assert other.tr_s == 1.49  # of the recordings it was fitted to
    assert to_query(other, TEXTS) == {"model": other.model_id}


def test_a_link_to_a_transcript_brings_everything_back():
    first = default_state(TEXTS)
    wanted = replace(
        first,
        sample="long-silences",
        regions=("45",),
        tr_s=1.25,
        settings=first.settings.replace(hrf_peak_s=6.5),
    )
    query = to_query(wanted, TEXTS)
    assert query == {"sample": "long-silences", "regions": "45", "tr": "1.25", "hrf_peak_s": "6.5"}
    assert from_query(query, TEXTS) == (wanted, ())


def test_own_text_is_in_no_link_but_the_link_says_that_there_was_one():
    wanted = replace(default_state(TEXTS), sample="", uploads=("0123456789ab",))
    query = to_query(wanted, TEXTS)
    assert query == {"text": "0123456789ab"}
    state, notices = from_query(query, TEXTS)
    assert state == default_state(TEXTS)
    assert len(notices) == 1
    assert "your own text never travels" in notices[0]


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"sample": "wedge"}, "no built-in transcript called wedge"),
        ({"tr": "soon"}, "must be 0.2 to 20 s"),
        ({"tr": "nan"}, "must be 0.2 to 20 s"),
        ({"tr": "0"}, "must be 0.2 to 20 s"),
        ({"tr": "21"}, "must be 0.2 to 20 s"),
        ({"model": "reference-vision"}, "sees pictures, no words"),
    ],
)
def test_what_a_link_to_a_transcript_gets_wrong_falls_back_with_one_sentence(query, word):
    state, notices = from_query(query, TEXTS)
    assert state == default_state(TEXTS)
    assert len(notices) == 1
    assert word in notices[0]


def page(query: dict[str, str]) -> AppTest:
    def script() -> None:
        from dataclasses import replace

        import streamlit as st

        from app import state
        from app.state import Surroundings

        around = Surroundings(lambda card, subject: ("V1", "V2"), {"wedge": 16.0})
        now, notices = state.load(around)
        st.text(" ".join(notices))
        if st.button("left"):
            now = replace(now, hemisphere="left")
        if st.button("both"):
            now = replace(now, hemisphere="both")
        state.save(now, around)

    test = AppTest.from_function(script)
    for name, value in query.items():
        test.query_params[name] = value
    return test.run()


def test_saving_writes_our_parameters_and_never_touches_the_viewers_own():
    test = page({"view": "abc"})
    test.button[0].click().run()
    assert test.query_params["hemisphere"] == "left"
    assert test.query_params["view"] == "abc"
    test.button[1].click().run()
    assert "hemisphere" not in test.query_params
    assert test.query_params["view"] == "abc"


def test_a_notice_stays_until_something_is_changed():
    test = page({"hemisphere": "middle"})
    assert "middle" in test.text[0].value
    test.run()
    assert "middle" in test.text[0].value
    test.button[0].click().run()
    test.run()
    assert test.text[0].value == ""


def test_kiosk_is_a_mode_of_the_url():
    def script() -> None:
        import streamlit as st

        from app import state

        st.text(state.mode())

    test = AppTest.from_function(script)
    assert test.run().text[0].value == "app"
    test.query_params["mode"] = "kiosk"
    assert test.run().text[0].value == "kiosk"


def test_pictures_are_kept_once_in_the_order_they_came_and_removed_one_by_one():
    def script() -> None:
        import numpy as np
        import streamlit as st

        from app import state
        from models.stimulus import Stimulus

        a, b = (
            Stimulus.from_pixels(np.full((4, 4), level, np.uint8), name)
            for level, name in ((10, "a"), (20, "b"))
        )
        state.add_pictures([a])
        state.add_pictures([b, a])
        st.text([one.name for one in state.pictures()])
        state.remove_picture(a.digest)
        st.text([one.name for one in state.pictures()])
        state.clear_pictures()
        st.text(len(state.pictures()))

    test = AppTest.from_function(script).run()
    assert [text.value for text in test.text] == ["['a', 'b']", "['b']", "0"]


def test_emptying_an_uploader_gives_it_a_new_key():
    def script() -> None:
        import streamlit as st

        from app import state

        first = state.revision("uploader")
        st.text(first == state.revision("uploader"))
        st.text(first == state.revision("uploader", is_next=True))

    test = AppTest.from_function(script).run()
    assert [text.value for text in test.text] == ["True", "False"]
