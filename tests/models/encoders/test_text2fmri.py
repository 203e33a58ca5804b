"""Text2fMRI: BERG's numbers, always (volumes, parcels), long transcripts in stated windows."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.analysis.words import estimate_cost, leave_out, predictor
from models.encoders import _language_body, text2fmri
from models.encoders._precision import PrecisionError
from models.encoders._text_words import assign_tokens, join_lines
from models.encoders.text2fmri import Text2FMRI
from models.errors import (
    Cancelled,
    SelectionError,
    StimulusError,
    UnknownRegionError,
    WeightsError,
)
from models.stimulus import Stimulus
from models.types import Selection
from models.weights.locations import find_hub_file
from tests.models.encoders.cards import TEXT_CARD
from tests.seeded_weights import TINY_VARIANT, write_text

GOLDEN = Path(__file__).parents[2] / "golden_data" / "text2fmri_tiny.npz"
TOLERANCE = 2e-5
SETTINGS = TEXT_CARD.default_settings()
ONE = Selection(("sub-01",))
EVERYBODY = Selection(tuple(subject for subject, _ in TEXT_CARD.subjects))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return write_text(tmp_path_factory.mktemp("text"))


@pytest.fixture(scope="module")
def model(home):
    return Text2FMRI(TEXT_CARD, TINY_VARIANT, "cpu", home)


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN, allow_pickle=False) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def transcript(golden):
    return Stimulus.from_lines([str(line) for line in golden["texts"]], "golden", 1.49)


@pytest.fixture(scope="module")
def features(model, transcript):
    return model.features([transcript], SETTINGS)


def a_long_transcript(n_lines=40):
    words = ("the", "cat", "sat", "on", "a", "mat", "and", "then", "what", "is", "it")
    draw = np.random.default_rng(3)
    lines = [" ".join(draw.choice(words, draw.integers(0, 5))) for _ in range(n_lines)]
    return Stimulus.from_lines(lines, "long", 1.49)


def test_features_are_bergs(features, golden):
    np.testing.assert_allclose(
        features.arrays[0], golden["tiny_s1_features"], rtol=0, atol=TOLERANCE
    )


@pytest.mark.parametrize("subject", [1, 5])
def test_every_parcel_is_what_berg_gives(model, features, golden, subject):
    (response,) = model.readout(features, Selection((f"sub-0{subject}",)), SETTINGS)
    expected = golden[f"tiny_s{subject}_all"]
    np.testing.assert_allclose(response.values, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", ["roi", "vox", "union", "roistr"])
def test_selected_parcels_are_what_berg_gives(model, features, golden, name):
    parcels = tuple(golden[f"idx_{name}"].tolist())
    (response,) = model.readout(features, replace(ONE, indices=parcels), SETTINGS)
    np.testing.assert_allclose(response.values, golden[f"tiny_s1_{name}"], rtol=0, atol=TOLERANCE)


def test_a_network_is_its_parcels_in_any_case(model, golden):
    for name in ("Vis", "vis"):
        parcels = model.select_parcels(replace(ONE, regions=(name,)))
        np.testing.assert_array_equal(parcels, golden["idx_roistr"])


def test_one_volume_keeps_its_axis(model, golden):
    features = model.features([Stimulus.from_lines(["Hello"], "one", 1.49)], SETTINGS)
    (response,) = model.readout(features, Selection(("sub-02",)), SETTINGS)
    assert response.values.shape == (1, 1000)
    np.testing.assert_allclose(response.values[0], golden["one_tr"], rtol=0, atol=TOLERANCE)
    (response,) = model.readout(features, replace(ONE, indices=(7,)), SETTINGS)
    assert response.values.shape == (1, 1)


def test_rows_are_onsets_in_seconds(model, features):
    (response,) = model.readout(features, ONE, SETTINGS)
    assert response.row_kind == "seconds"
    assert response.row_labels[:3] == ("0.00", "1.49", "2.98")


def test_silent_volumes_follow_the_offset_rule(features, golden):
    silent = [number for number, line in enumerate(golden["texts"]) if not line]
    assert silent == [2, 3, 6]
    assert not features.arrays[0][silent].any()


def test_a_first_silent_volume_has_its_own_line_feed(model):
    features = model.features([Stimulus.from_lines(["", "hello"], "x", 1.49)], SETTINGS)
    assert features.arrays[0][0].any()


@pytest.mark.parametrize("hemisphere", ["both", "left", "right"])
def test_a_selection_is_a_slice_of_the_whole(model, features, hemisphere):
    (whole,) = model.readout(features, ONE, SETTINGS)
    for selection in (
        Selection(("sub-01",), ("Vis", "Default"), hemisphere),
        Selection(("sub-01",), (), hemisphere, tuple(range(0, 1000, 7))),
        Selection(("sub-01",), ("Cont",), hemisphere, tuple(range(200, 900))),
    ):
        (part,) = model.readout(features, selection, SETTINGS)
        assert 0 < len(part.column_indices) < 1000
        expected = whole.values[:, part.column_indices]
        np.testing.assert_allclose(part.values, expected, rtol=0, atol=2e-6)


def test_a_new_subject_or_network_never_runs_the_language_model(model, transcript):
    features = model.features([transcript], SETTINGS)
    before = model.n_backbone_runs
    responses = model.readout(features, EVERYBODY, SETTINGS)
    assert [response.provenance.subject for response in responses] == list(EVERYBODY.subjects)
    assert len({response.values.tobytes() for response in responses}) == 4
    model.readout(features, replace(ONE, regions=("Vis",)), SETTINGS)
    assert model.n_backbone_runs == before


def test_the_same_question_gets_the_same_answer(model, transcript, features):
    again = model.features([transcript], SETTINGS)
    np.testing.assert_array_equal(again.arrays[0], features.arrays[0])
    first, second = (model.readout(features, ONE, SETTINGS)[0].values for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_provenance_states_what_was_done(model, features):
    (response,) = model.readout(features, ONE, SETTINGS)
    settings = response.provenance.settings
    assert settings["scale_norm_offset"] == 1.0
    assert settings["variant"] == TINY_VARIANT
    assert settings["transcript"] == "whole: 27 tokens fit into the context of 64"
    assert (settings["tr_s"], settings["trained_tr_s"]) == (1.49, 1.49)
    assert len(response.provenance.weights_sha256) == 64


# Long transcripts


def test_a_long_transcript_is_read_in_windows_by_the_stated_rule(model):
    long = a_long_transcript()
    features = model.features([long], SETTINGS)
    text, ends = join_lines(long.lines)
    ids, offsets = model._reader.tokens(text)
    n_tokens = len(ids)
    assert n_tokens > 2 * 64
    volume = assign_tokens(offsets, ends)
    body = model._reader.body("float32")
    states = torch.full((n_tokens, 48), torch.nan)
    with torch.inference_mode():
        for start in range(0, n_tokens, 32):  # by hand: half a context on, the first one counts
            window = torch.cat(list(body.hidden_states(ids[start : start + 64], 4, lambda *_: 0)))
            fresh = torch.isnan(states[start : start + 64, 0])
            states[start : start + 64][fresh] = window[fresh]
    for number in range(len(long.lines)):
        own = states[torch.from_numpy(volume == number)]
        expected = own.mean(0).numpy() if len(own) else np.zeros(48)
        np.testing.assert_allclose(features.arrays[0][number], expected, rtol=0, atol=1e-5)
    words = features.facts["transcript"]
    assert f"{n_tokens} tokens in " in words
    assert "at least 32 earlier tokens" in words


def test_no_volume_of_a_long_transcript_is_silently_zero(model):
    long = a_long_transcript(90)
    features = model.features([long], SETTINGS)
    text, ends = join_lines(long.lines)
    _, offsets = model._reader.tokens(text)
    has_token = np.isin(np.arange(90), assign_tokens(offsets, ends))
    np.testing.assert_array_equal(features.arrays[0].any(1), has_token)
    assert has_token[-20:].any()


def test_thousands_of_volumes_never_meet_the_model_at_once(model, monkeypatch):
    body, lengths = model._reader.body("float32"), []
    whole = body.hidden_states

    def watched(ids, *rest):
        lengths.append(len(ids))
        return whole(ids, *rest)

    monkeypatch.setattr(body, "hidden_states", watched)
    features = model.features([a_long_transcript(3000)], SETTINGS)
    assert features.arrays[0].shape == (3000, 48)
    assert len(lengths) > 100
    assert max(lengths) <= 64  # the context


def test_cutting_a_window_for_memory_changes_nothing(model, transcript, features, monkeypatch):
    monkeypatch.setattr(_language_body, "_CHUNK", 5)
    again = model.features([transcript], SETTINGS)
    np.testing.assert_allclose(again.arrays[0], features.arrays[0], rtol=0, atol=1e-5)


# Precision


REDUCED = SETTINGS.replace(precision="reduced")


def fixed(*numbers):
    """Stand-in for the comparison, always of the same outcome."""
    return lambda exact, short, speedup: PrecisionError(*numbers)


def records(home):
    return sorted((home / "records" / "precision").glob("*.json"))


@pytest.fixture
def fresh(home, monkeypatch):
    """A model that has measured nothing, over files that nothing was measured of.

    Its 16-bit type is bfloat16 on every machine.
    """
    monkeypatch.setattr(text2fmri, "shorter_types", lambda device: ("bfloat16",))
    for path in records(home):
        path.unlink()
    return Text2FMRI(TEXT_CARD, TINY_VARIANT, "cpu", home)


def test_16_bits_are_used_when_their_measured_error_is_small(
    fresh, home, transcript, features, monkeypatch
):
    compare = text2fmri.compare_precisions
    monkeypatch.setattr(
        text2fmri, "compare_precisions", lambda *answers, speedup: compare(*answers, speedup=2.0)
    )
    short = fresh.features([transcript], REDUCED)
    assert short.facts["precision"] == "bfloat16"
    assert "least r over rows 0.9999" in short.facts["bfloat16_against_float32"]
    assert 0 < np.abs(short.arrays[0] - features.arrays[0]).max() < 0.2
    (response,) = fresh.readout(short, ONE, REDUCED)
    settings = response.provenance.settings
    assert settings["precision"] == "bfloat16"
    assert settings["bfloat16_against_float32"].endswith("; used")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ((0.9998, 0.999, 0.5, 2.0), "outside the bound, so float32 is used"),
        ((0.99995, 0.994, 0.5, 2.0), "outside the bound, so float32 is used"),
        ((float("nan"), 0.999, 0.5, 2.0), "outside the bound, so float32 is used"),
        ((0.99995, 0.999, 0.5, 0.9), "not faster here, so float32 is used"),
    ],
    ids=["rows", "columns", "nothing to compare", "slower"],
)
def test_float32_is_used_when_16_bits_are_worse(
    fresh, transcript, features, monkeypatch, outcome, words
):
    monkeypatch.setattr(text2fmri, "compare_precisions", fixed(*outcome))
    asked = fresh.features([transcript], REDUCED)
    np.testing.assert_array_equal(asked.arrays[0], features.arrays[0])
    assert asked.facts["precision"] == "float32"
    assert words in asked.facts["bfloat16_against_float32"]


def test_the_next_16_bit_type_is_tried_where_the_first_overflows(
    fresh, home, transcript, monkeypatch
):
    monkeypatch.setattr(text2fmri, "shorter_types", lambda device: ("float16", "bfloat16"))
    compare, overflows = text2fmri.compare_precisions, iter([True, False])

    def first_fails(exact, short, speedup):
        short = np.full_like(short, np.nan) if next(overflows) else short
        return compare(exact, short, speedup=2.0)

    monkeypatch.setattr(text2fmri, "compare_precisions", first_fails)
    facts = fresh.features([transcript], REDUCED).facts
    assert facts["precision"] == "bfloat16"
    assert "outside the bound" in facts["float16_against_float32"]
    assert facts["bfloat16_against_float32"].endswith("; used")
    assert len(records(home)) == 2


def test_the_error_is_measured_once_for_the_same_files(fresh, home, transcript, monkeypatch):
    monkeypatch.setattr(text2fmri, "compare_precisions", fixed(0.99995, 0.999, 0.25, 3.0))
    fresh.features([transcript], REDUCED)
    n_probe = fresh.n_backbone_runs - 1  # in both precisions, and the transcript itself
    assert n_probe >= 2
    (path,) = records(home)
    assert json.loads(path.read_text())["error"]["largest"] == 0.25
    monkeypatch.setattr(text2fmri, "compare_precisions", fixed(0, 0, 0, 0))
    second = Text2FMRI(TEXT_CARD, TINY_VARIANT, "cpu", home)
    again = second.features([transcript], REDUCED)
    assert second.n_backbone_runs == 1
    assert again.facts["precision"] == "bfloat16"
    assert "largest difference 0.25" in again.facts["bfloat16_against_float32"]


def test_other_weights_are_measured_anew(fresh, home, transcript, monkeypatch):
    monkeypatch.setattr(text2fmri, "compare_precisions", fixed(0.99995, 0.999, 0.25, 3.0))
    fresh.features([transcript], REDUCED)
    other = Text2FMRI(TEXT_CARD, TINY_VARIANT, "cpu", home)
    monkeypatch.setattr(other, "_weights_sha256", lambda: "0" * 64)
    other.features([transcript], REDUCED)
    assert other.n_backbone_runs > 1
    assert len(records(home)) == 2


def test_a_probe_can_be_stopped_and_is_then_not_kept(fresh, home, transcript):
    def stop(stage, done, total):
        if stage == "trying bfloat16 on a fixed text" and done == 1:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        fresh.features([transcript], REDUCED, stop)
    assert not records(home)


# Refusals


def test_anything_but_one_transcript_is_refused(model, transcript):
    picture = Stimulus.from_pixels(np.zeros((4, 4), np.uint8), "picture")
    for stimuli in ([], [transcript, transcript]):
        with pytest.raises(StimulusError, match="one transcript at a time"):
            model.features(stimuli, SETTINGS)
    with pytest.raises(StimulusError, match="no words"):
        model.features([picture], SETTINGS)
    with pytest.raises(StimulusError, match="sees no picture"):
        model.preview(transcript, SETTINGS)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"regions": ("Viz",)}, UnknownRegionError, "Vis"),
        ({"indices": (1000,)}, SelectionError, "no parcel 1000"),
        ({"indices": ()}, SelectionError, "no parcel in the selection"),
        ({"subjects": ("sub-04",)}, SelectionError, "no subject"),
    ],
)
def test_what_is_not_there_is_named(model, features, change, error, words):
    with pytest.raises(error, match=words):
        model.readout(features, replace(ONE, **change), SETTINGS)


def test_work_reports_every_layer_and_can_be_stopped(model, transcript):
    seen = []
    model.features([transcript], SETTINGS, lambda *progress: seen.append(progress))
    assert ("reading the words", 5, 5) in seen

    def stop(stage, done, total):
        if stage == "reading the words":
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        model.features([transcript], SETTINGS, stop)
    assert not any(layer._forward_hooks for layer in model._reader.body("float32")._layers())


def test_the_settings_name_the_variant_where_none_was_named_before(home, transcript, features):
    model = Text2FMRI(TEXT_CARD, "", "cpu", home)
    settings = SETTINGS.replace(variant=TINY_VARIANT)
    found = model.features([transcript], settings)
    np.testing.assert_array_equal(found.arrays[0], features.arrays[0])
    (response,) = model.readout(found, ONE, settings)
    assert response.provenance.settings["variant"] == TINY_VARIANT
    fixed = Text2FMRI(TEXT_CARD, TINY_VARIANT, "cpu", home)
    assert model.sha256_under(settings) == fixed.features_sha256()
    assert model.n_backbone_runs == 1
    model.close()
    assert model.n_backbone_runs == 0  # nothing is open any more
    with pytest.raises(WeightsError, match="no repository of the hub"):
        model.features([transcript], SETTINGS.replace(variant="no-repository"))
    with pytest.raises(WeightsError, match=r"config\.json of someone/else is not here"):
        model.features([transcript], SETTINGS.replace(variant="someone/else"))


def test_a_frugal_model_lets_the_language_model_go(home, transcript, features):
    model = Text2FMRI(TEXT_CARD, TINY_VARIANT, "cpu", home)
    found = model.features([transcript], SETTINGS.replace(is_frugal=True))
    np.testing.assert_array_equal(found.arrays[0], features.arrays[0])
    assert not model._reader._bodies


def test_missing_files_and_the_command_that_fetches_them_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    words = r"config\.json of synthetic/Text2fMRI-tiny is not here: python -m models fetch fmri-"
    with pytest.raises(WeightsError, match=words):
        Text2FMRI(TEXT_CARD, TINY_VARIANT, "cpu", tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"transformer_dim": 256}, "should be"),
        ({"num_transformer_layers": 1}, "no known variant"),
        ({"num_transformer_layers": 3}, "should be"),
        ({"num_transformer_heads": 8}, "inv_freq should be"),
        ({"num_rois": 400}, "should be"),
        ({"tr": "fast"}, "tr should be float"),
    ],
)
def test_a_config_that_does_not_fit_the_weights_is_refused(home, change, words):
    path = find_hub_file(TINY_VARIANT, "config.json", home)
    kept = path.read_text()
    path.write_text(json.dumps({**json.loads(kept), **change}))
    try:
        with pytest.raises(WeightsError, match=words):
            Text2FMRI(TEXT_CARD, TINY_VARIANT, "cpu", home)
    finally:
        path.write_text(kept)


def test_a_language_model_of_another_width_is_refused(home, transcript, monkeypatch):
    model = Text2FMRI(TEXT_CARD, TINY_VARIANT, "cpu", home)
    config = replace(model.config, extractor_LLM_feature_size=64)
    monkeypatch.setattr(model._reader, "config", config)
    with pytest.raises(WeightsError, match="needs 64 features"):
        model.features([transcript], SETTINGS)


# Which words did it -------------------------------------------------------------------------


def test_leaving_a_volume_out_is_predicting_without_its_words(model):
    lines = ["the cat", "sat on", "a mat", "and then"]
    selection = Selection(("sub-01",), ("Vis",))

    def course(*said):
        stimulus = Stimulus.from_lines(said, "said", 1.49)
        (response,) = model.readout(model.features([stimulus], SETTINGS), selection, SETTINGS)
        return response.values.mean(axis=1, dtype=np.float64)

    predict = predictor(model, selection, SETTINGS)
    stimulus = Stimulus.from_lines(lines, "said", 1.49)
    found = leave_out(predict, stimulus, "volume", only=[2], n_shuffles=1)
    assert found.names == ("a mat",)
    expected = course(*lines) - course("the cat", "sat on", "", "and then")
    np.testing.assert_allclose(found.changes[0], expected, atol=1e-6)
    assert np.abs(found.changes).max() > 1e-4
    assert found.baseline.shape == (1, 1)


def test_what_leaving_words_out_costs_can_be_said_before(model):
    cost = estimate_cost(
        predictor(model, ONE, SETTINGS), Stimulus.from_lines(["the cat", "sat"], "said", 1.49)
    )
    assert cost.n_predictions == (3 + 1) * 2  # three words and the whole, and in another order
    assert cost.seconds_each > 0
