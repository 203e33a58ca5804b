"""Published models on the images page: greyed or chosen, links, subjects, maps of their files."""

import threading

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import cache, outputs_cache, readiness
from components.message import decode_message, decode_values
from models.catalog import get_card, list_cards
from models.engine import Engine
from tests.fakes_published import HUZE, MOSAIC, THINGS, load_fake, put_files, set_home

R1 = "reference-vision"


@pytest.fixture
def home(tmp_path, monkeypatch):
    set_home(monkeypatch, tmp_path)
    readiness.forget()
    yield tmp_path
    readiness.forget()


@pytest.fixture
def engine(home, monkeypatch):
    """An engine of this test's own; ``breaks`` says what published fakes cannot read."""
    one = Engine(load=lambda card: load_fake(card, one.breaks))
    one.breaks = ""
    monkeypatch.setattr(cache, "engine", lambda: one)
    yield one
    one.close()


def page() -> None:
    from app.views import images

    images.render()


def open_page(**query: str) -> AppTest:
    test = AppTest.from_function(page, default_timeout=60)
    for name, value in query.items():
        test.query_params[name] = value
    return rested(test.run())


def rested(test: AppTest) -> AppTest:
    """The page once its answer is there."""
    job = test.session_state["boldcast:memory:job"]
    job.wait(60)
    test.run()
    assert not test.exception, test.exception[0].message
    return test


def button(test: AppTest, key: str):
    return next(one for one in test.button if one.key == key)


def choose(test: AppTest, key: str) -> AppTest:
    return rested(button(test, key).click().run())


def words(test: AppTest) -> str:
    kinds = (test.markdown, test.caption, test.text, test.warning, test.error, test.info)
    return (
        "\n".join(element.value for kind in kinds for element in kind)
        .replace("\\", "")
        .replace("\u2060", "")
    )


def state_of(test: AppTest):
    return test.session_state["boldcast:state"]


def answer_of(test: AppTest):
    return test.session_state["boldcast:memory:answer"]


def shown(test: AppTest):
    """Header and values of what the viewer got last."""
    (viewer,) = [
        one for one in test.get("bidi_component") if one.proto.component_name.endswith("images")
    ]
    header, payload = decode_message(viewer.proto.bytes)
    return header, decode_values(header, payload)


@pytest.mark.usefixtures("engine")
class TestNothingFetched:
    def test_published_models_are_greyed_with_the_reason_and_a_way_to_fetch_them(self):
        test = open_page()
        for card in list_cards("image"):
            entry = button(test, f"model:{card.id}")
            assert entry.disabled == (not card.is_embedded), card.id
            assert entry.label.startswith(card.title)
            assert ("needs about" in entry.label) == (not card.is_embedded)
        assert "2.4 GB" in button(test, f"model:{HUZE}").label
        links = test.get("page_link")
        assert [link.proto.page for link in links] == ["models"]

    def test_models_of_transcripts_are_not_on_the_page_of_pictures(self):
        keys = {one.key for one in open_page().button}
        assert "model:fmri-cneuromod_algo2025-text2fmri" not in keys

    @pytest.mark.parametrize("model_id", [HUZE, MOSAIC, THINGS])
    def test_a_link_to_a_model_that_is_not_here_says_what_it_needs(self, model_id):
        test = open_page(model=model_id, subject="sub-03", regions="V1v", show="correlation")
        title = get_card(model_id).title
        assert len(test.info) == 1
        sentence = test.info[0].value.replace("\\", "")
        assert sentence.startswith(f"{title} needs about")
        assert "fetch it on the Models page" in sentence
        assert state_of(test).model_id == R1
        assert state_of(test).regions == ()
        assert len(test.get("page_link")) == 2  # under the sentence, and in the picker
        assert "model" not in test.query_params

    def test_a_link_to_a_model_of_transcripts_says_so(self):
        test = open_page(model="fmri-cneuromod_algo2025-text2fmri")
        assert "reads transcripts, not pictures" in words(test)
        assert state_of(test).model_id == R1

    def test_the_first_page_reads_no_map_and_offers_none(self, engine):
        test = open_page()
        assert [box.label for box in test.selectbox if box.label == "Show"] == []
        assert engine.counters()["models"] == 1  # R1, which the page shows


def test_a_fetched_model_is_chosen_and_its_missing_subjects_are_greyed(engine, home):
    put_files(home, HUZE, 1, 3)
    test = choose(open_page(sample="photographs"), f"model:{HUZE}")
    assert state_of(test).model_id == HUZE
    assert test.query_params["model"] == HUZE
    entries = {n: button(test, f"subject:{HUZE}:sub-0{n}") for n in range(1, 9)}
    assert [n for n, entry in entries.items() if not entry.disabled] == [1, 3]
    assert "needs about" in entries[2].label
    assert answer_of(test).response.values.shape[1] == 327_684
    assert "PREDICTION - NSD huze" in words(test)
    assert "Stretched to a square" in words(test)  # what the model sees


def test_the_first_subject_that_is_here_is_the_one_to_start_with(engine, home):
    put_files(home, HUZE, 5)
    test = choose(open_page(sample="photographs"), f"model:{HUZE}")
    assert state_of(test).subject == "sub-05"


def test_a_link_to_a_subject_that_is_not_here_shows_one_that_is(engine, home):
    put_files(home, HUZE, 2)
    test = open_page(model=HUZE, subject="sub-04", sample="photographs")
    assert state_of(test).subject == "sub-02"
    sentence = test.info[0].value.replace("\\", "")
    assert sentence.startswith("Subject 4 of NSD huze, whole cortex needs about")
    assert "Subject 2 is shown" in sentence


def test_files_that_go_away_lead_back_to_the_embedded_model(engine, home):
    put_files(home, HUZE, 1)
    test = open_page(model=HUZE, sample="photographs")
    assert state_of(test).model_id == HUZE
    for path in home.rglob("subj01_*.pth"):
        path.unlink()
    readiness.forget()
    rested(test.run())
    assert state_of(test).model_id == R1
    assert "needs about" in test.info[0].value


def test_another_subject_brings_its_own_regions_and_drops_those_it_lacks(engine, home):
    put_files(home, HUZE, 1, 2)
    test = open_page(model=HUZE, regions="FFA-2,early", sample="photographs")
    assert test.multiselect[0].value == ["FFA-2", "early"]
    assert "FFA-2 · Faces" in test.multiselect[0].options
    test = choose(test, f"subject:{HUZE}:sub-02")
    assert test.multiselect[0].value == ["early"]
    assert not any("FFA-2" in option for option in test.multiselect[0].options)
    assert "Subject 2 has no FFA-2, so it is no longer chosen." in words(test)
    assert test.query_params["regions"] == "early"
    assert answer_of(test).response.values.shape[1] == 200 + 158


def test_huze_is_drawn_on_fsaverage5_and_counted_on_all_vertices(engine, home):
    put_files(home, HUZE, 1)
    test = open_page(model=HUZE, sample="photographs")
    header, values = shown(test)
    assert header["space"] == "fsaverage5"
    assert "fsaverage drawn on fsaverage5" in header["footer"]
    answer = answer_of(test)
    assert values.shape == (len(answer.stimuli), 20_484)
    step = (header["maximum"] - header["minimum"]) / 254
    own = answer.response.values[:, np.r_[0:10_242, 163_842:174_084]]
    assert np.abs(values - own).max() <= step
    rows = {(row.region, row.hemisphere): row for row in outputs_cache.region_rows(answer, 0)}
    assert rows["nsdgeneral", "left"].n_modelled == 20_000  # 10,242 of them are drawn
    first = answer.response.values[0, 0]
    assert rows["nsdgeneral", "left"].mean == pytest.approx(first + 19_999 / 2)
    names = header["own_labels"]["names"]
    assert "V1v (early, nsdgeneral)" in names
    assert header["summary"]["names"][0] == "V1v left"


def test_a_click_on_the_drawn_mesh_is_read_off_its_own_vertex(engine, home):
    put_files(home, HUZE, 1)
    answer = answer_of(open_page(model=HUZE, sample="photographs"))
    card = answer.card
    assert outputs_cache.place_at(card, 3, is_full=False) == 3
    assert outputs_cache.place_at(card, 10_242 + 7, is_full=False) == 163_849
    assert outputs_cache.place_at(card, 20_484, is_full=False) is None
    name = outputs_cache.place_name(card, "sub-01", 163_849)
    assert name == "V1v (in early, nsdgeneral), right, vertex 163849"
    course = outputs_cache.course_at(answer, 163_849)
    np.testing.assert_array_equal(course, answer.response.values[:, 163_849])
    assert outputs_cache.map_values(card, "sub-01", 5)[0][:2] == ("Held-out correlation", 0.75)


def test_things_is_drawn_in_three_planes_without_hemispheres(engine, home):
    put_files(home, THINGS, 1)
    test = open_page(model=THINGS, sample="photographs", hemisphere="left")
    header, values = shown_planes(test)
    assert header["kind"] == "voxels"
    assert values.shape[1] == 211_339
    assert [one.label for one in test.segmented_control if one.label == "Hemisphere"] == []
    assert state_of(test).hemisphere == "both"
    rows = outputs_cache.region_rows(answer_of(test), 0)
    assert [(row.region, row.hemisphere, row.n_modelled) for row in rows] == [
        ("V1", "both", 40),
        ("lFFA", "left", 20),
        ("rFFA", "right", 10),
    ]
    labels = {one.label for one in test.get("download_button")}
    assert not any("GIFTI" in label for label in labels)


def shown_planes(test: AppTest):
    (viewer,) = [
        one for one in test.get("bidi_component") if one.proto.component_name.endswith("planes")
    ]
    header, payload = decode_message(viewer.proto.bytes)
    return header, decode_values(header, payload)


def pick_map(test: AppTest, overlay_id: str) -> AppTest:
    box = next(one for one in test.selectbox if one.label == "Show")
    return rested(box.set_value(overlay_id).run())


@pytest.mark.parametrize("model_id", [HUZE, MOSAIC])
def test_a_map_of_the_files_takes_the_place_of_the_prediction_and_says_so(engine, home, model_id):
    put_files(home, model_id, 1)
    test = pick_map(open_page(model=model_id, sample="photographs"), "correlation")
    header, values = shown(test)
    assert values.shape[0] == 1
    assert header["badge"] == "Held-out correlation - not a prediction"
    assert header["colormap"] == "magma"
    assert header["units"] == "correlation (Pearson r)"
    assert header["closing"].endswith("it is not a prediction.")
    assert header["missing"] == "no value"
    assert "prediction, not measured" not in header["footer"]
    assert np.isnan(values[0, 10:20]).all()
    assert values[0, 0] == pytest.approx(0.75, abs=0.01)
    assert "Held-out correlation: not a prediction." in words(test)
    assert test.query_params["show"] == "correlation"
    back = pick_map(test, "")
    assert shown(back)[0]["badge"].startswith("PREDICTION")
    assert "show" not in back.query_params


def test_an_angle_has_a_cyclic_map_that_ends_where_it_starts(engine, home):
    put_files(home, HUZE, 1)
    test = open_page(model=HUZE, sample="photographs", show="prf_polarangle")
    header, _ = shown(test)
    assert header["colormap"] == "twilight"
    assert [one["name"] for one in header["colormaps"]] == ["twilight"]
    assert header["limit"] == 360


def test_a_link_to_a_map_that_is_not_there_shows_the_prediction_and_says_so(engine, home):
    put_files(home, HUZE, 1)
    test = open_page(model=HUZE, sample="photographs", show="<b>nothing")
    assert "There is no map called <b>nothing here" in words(test)
    assert shown(test)[0]["badge"].startswith("PREDICTION")
    assert "show" not in test.query_params


def test_how_well_a_region_is_predicted_stands_beside_its_value(engine, home):
    put_files(home, HUZE, 1)
    test = open_page(model=HUZE, sample="photographs", regions="V1v")
    accuracy = outputs_cache.region_accuracy(answer_of(test))
    # V1v left: 50 vertices, the first 10 at 0.75, the next 10 unknown, 30 at 0.25.
    assert accuracy["held-out r"]["V1v", "left"] == pytest.approx((10 * 0.75 + 30 * 0.25) / 40)
    assert accuracy["held-out r"]["V1v", "right"] == 0.25
    kind = next(group for group in test.segmented_control if group.label == "Region values")
    kind.set_value("Table").run()
    table = test.dataframe[0].value
    assert table["Held-out r"].tolist() == pytest.approx([0.375, 0.25])


def test_maps_are_read_once_and_again_when_files_change(engine, home):
    put_files(home, HUZE, 1)
    test = open_page(model=HUZE, sample="photographs")
    model = engine.model(HUZE)
    before = model.n_map_readings
    test.run()
    assert model.n_map_readings == before
    next(home.rglob("metadata_subject-01.npy")).write_bytes(b"another")
    readiness.forget()
    test.run()
    assert model.n_map_readings == before + 1


@pytest.mark.parametrize("what", ["regions", "maps"])
def test_a_damaged_file_is_a_sentence_and_a_way_out(engine, home, what):
    put_files(home, HUZE, 1)
    engine.breaks = what
    test = AppTest.from_function(page, default_timeout=60)
    test.query_params["model"] = HUZE
    test.query_params["sample"] = "photographs"
    test.run()
    assert not test.exception
    assert "metadata.npy is damaged" in words(test)
    if what == "maps":
        assert rested(test).session_state["boldcast:memory:answer"].card.id == HUZE
        return
    button = next(one for one in test.button if one.label == "Show the built-in model")
    assert state_of(rested(button.click().run())).model_id == R1


def test_a_link_with_regions_to_a_damaged_file_shows_the_embedded_model(engine, home):
    put_files(home, HUZE, 1)
    engine.breaks = "regions"
    test = open_page(model=HUZE, regions="early", sample="photographs")
    assert "metadata.npy is damaged: fetch it again. Reference model" in words(test)
    assert state_of(test).model_id == R1


def test_switching_models_while_the_other_one_answers_shows_no_foreign_regions(engine, home):
    put_files(home, HUZE, 1)
    test = open_page(sample="photographs", regions="V2")
    model = engine.model(HUZE)
    gate, features = threading.Event(), model.features

    def wait(*arguments, **named):
        gate.wait(60)
        return features(*arguments, **named)

    model.features = wait
    button(test, f"model:{HUZE}").click().run()
    assert not test.exception
    assert answer_of(test).card.id == R1  # still on show
    gate.set()
    rested(test.run())
    assert answer_of(test).card.id == HUZE
