"""What embedded encoders of transcripts owe beyond test_encoders."""

import numpy as np
import pytest

from models.catalog import CATALOG, load_object
from models.engine import Request
from models.errors import StimulusError
from models.stimulus import Stimulus
from models.types import Selection
from tests.contract.test_encoders import other_value

LINES = (
    "",
    "The keeper climbed the iron stairs,",
    "cleaned the great lamp,",
    "and wrote one line",
    "in the book.",
    "",
    "Calm sea, no ships.",
    *[""] * 8,
)
TRANSCRIPT = Stimulus.from_lines(LINES, "keeper", 1.49)


@pytest.fixture(
    scope="module",
    params=[card for card in CATALOG if card.modality == "transcript" and card.is_embedded],
    ids=lambda card: card.id,
)
def encoder(request):
    return load_object(request.param.encoder)(request.param)


@pytest.fixture
def regions(encoder):
    return encoder.regions_of(encoder.card.subjects[0][0])


def whole(encoder):
    """Every place of the first subject."""
    return Selection((encoder.card.subjects[0][0],))


def predict(encoder, stimulus=TRANSCRIPT, selection=None, **values):
    settings = encoder.card.default_settings().replace(**values)
    features = encoder.features([stimulus], settings)
    return encoder.readout(features, selection or whole(encoder), settings)[0]


def test_response_has_a_row_a_volume_with_its_onset(encoder):
    response = predict(encoder)
    assert response.values.shape == (len(LINES), len(response.column_indices))
    assert response.values.dtype == np.float32
    assert response.row_kind == "seconds"
    onsets = np.array(response.row_labels, float)
    np.testing.assert_allclose(onsets, 1.49 * np.arange(len(LINES)), atol=0.005)
    assert response.space.name == encoder.card.space
    assert (response.units, response.is_signed) == (encoder.card.units, encoder.card.is_signed)
    assert np.isfinite(response.values).all()


def test_one_volume_is_one_row(encoder):
    assert predict(encoder, Stimulus.from_lines(["Hello."], "t", 2.0)).n_rows == 1


def test_the_same_question_gets_the_same_answer_and_another_text_another(encoder):
    first, second = predict(encoder), predict(encoder)
    np.testing.assert_array_equal(first.values, second.values)
    other = Stimulus.from_lines((*LINES[1:], "End."), "keeper", 1.49)
    assert not np.array_equal(predict(encoder, other).values, first.values)


def test_features_have_a_row_a_volume_and_stay_as_they_are(encoder, regions):
    settings = encoder.card.default_settings()
    features = encoder.features([TRANSCRIPT], settings)
    before = [array.copy() for array in features.arrays]
    for region in regions.names[:2]:
        encoder.readout(features, Selection(whole(encoder).subjects, (region,)), settings)
    for array, copy in zip(features.arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)
        assert len(array) == len(LINES)


def test_every_setting_in_turn_changes_the_key_and_the_answer(encoder):
    settings = encoder.card.default_settings()
    plain = predict(encoder)
    features = encoder.features([TRANSCRIPT], settings).arrays
    asked = Request(encoder.card.id, (TRANSCRIPT,), whole(encoder), settings)
    for setting in encoder.card.settings:
        changed = settings.replace(**{setting.name: other_value(setting)})
        answer = predict(encoder, **{setting.name: other_value(setting)})
        assert not np.array_equal(plain.values, answer.values), setting.name
        other = Request(encoder.card.id, (TRANSCRIPT,), whole(encoder), changed)
        assert other.key != asked.key, setting.name
        is_new = other.features_key != asked.features_key
        assert is_new == (setting.changes == "features"), setting.name
        again = encoder.features([TRANSCRIPT], changed).arrays
        is_equal = all(np.array_equal(a, b) for a, b in zip(features, again, strict=True))
        assert is_equal == (setting.changes == "readout"), setting.name


def test_provenance_says_the_repetition_time(encoder):
    assert predict(encoder).provenance.settings["tr_s"] == 1.49


def test_what_is_no_single_transcript_is_refused(encoder):
    settings = encoder.card.default_settings()
    for stimuli in ([], [TRANSCRIPT, TRANSCRIPT], [Stimulus("transcript", "words", b"hello")]):
        with pytest.raises(StimulusError):
            encoder.features(stimuli, settings)
    with pytest.raises(StimulusError):
        encoder.preview(TRANSCRIPT, settings)
