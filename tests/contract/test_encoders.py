"""What every encoder owes: shape, determinism, independence of batch and selection, settings."""

import numpy as np
import pytest

from models.engine import Request
from models.errors import Cancelled, SelectionError, StimulusError, UnknownRegionError
from models.stimulus import Stimulus
from models.types import Selection
from tests.contract.conftest import PICTURES


def whole(encoder):
    """Every place of the first subject."""
    return Selection((encoder.card.subjects[0][0],))


def predict(encoder, stimuli, selection=None, **values):
    settings = encoder.card.default_settings().replace(**values)
    features = encoder.features(stimuli, settings)
    return encoder.readout(features, selection or whole(encoder), settings)[0]


def other_value(setting):
    """An allowed value that is not the default."""
    if isinstance(setting.default, bool):
        return not setting.default
    if isinstance(setting.default, str):
        return next(name for name, _ in setting.choices if name != setting.default)
    step = setting.step or 1
    if setting.maximum is None or setting.default + 10 * step <= setting.maximum:
        return setting.default + 10 * step
    return setting.default - 10 * step


def test_response_has_a_row_a_picture_and_columns_inside_the_space(encoder):
    response = predict(encoder, PICTURES)
    assert response.values.shape == (len(PICTURES), len(response.column_indices))
    assert response.values.dtype == np.float32
    assert response.row_labels == tuple(picture.name for picture in PICTURES)
    assert response.space.name == encoder.card.space
    assert response.units == encoder.card.units
    assert response.is_signed == encoder.card.is_signed
    assert np.isfinite(response.values).any()
    assert not np.isinf(response.values).any()


def test_one_response_a_subject(encoder):
    settings = encoder.card.default_settings()
    subjects = tuple(subject for subject, _ in encoder.card.subjects)
    responses = encoder.readout(
        encoder.features(PICTURES[:1], settings), Selection(subjects), settings
    )
    assert tuple(response.provenance.subject for response in responses) == subjects


def test_response_names_its_origin(encoder):
    origin = predict(encoder, PICTURES[:1]).provenance
    card = encoder.card
    assert (origin.model_id, origin.model_title) == (card.id, card.title)
    assert (origin.badge, origin.caveat) == (card.badge, card.caveat)
    assert len(origin.weights_sha256) == 64
    assert origin.version
    assert origin.settings.items() >= card.default_settings().as_dict().items()


def test_the_same_question_gets_the_same_answer(encoder):
    first, second = predict(encoder, PICTURES), predict(encoder, PICTURES)
    np.testing.assert_array_equal(first.values, second.values)


def test_different_pictures_get_different_answers(encoder):
    values = predict(encoder, PICTURES).values
    inside = np.isfinite(values).all(0)
    assert len(np.unique(values[:, inside], axis=0)) == len(PICTURES)


def test_a_picture_does_not_depend_on_its_batch(encoder):
    together = predict(encoder, PICTURES).values
    alone = np.concatenate([predict(encoder, [picture]).values for picture in PICTURES])
    backwards = predict(encoder, PICTURES[::-1]).values[::-1]
    np.testing.assert_allclose(alone, together, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(backwards, together, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("hemisphere", ["both", "left", "right"])
def test_a_selection_is_a_slice_of_the_whole(encoder, hemisphere):
    everything = predict(encoder, PICTURES[:2])
    subject = encoder.card.subjects[0][0]
    some = tuple(everything.column_indices[::3].tolist())
    for chosen in (
        Selection((subject,), ("V1",), hemisphere),
        Selection((subject,), ("V2", "hV4"), hemisphere),
        Selection((subject,), (), hemisphere, some),
        Selection((subject,), ("V1",), hemisphere, some),
    ):
        part = predict(encoder, PICTURES[:2], chosen)
        assert 0 < part.values.shape[1] < everything.values.shape[1]
        np.testing.assert_array_equal(
            part.values, everything.dense()[:, part.column_indices], strict=True
        )


def test_hemispheres_are_disjoint_and_complete(encoder):
    subject = encoder.card.subjects[0][0]
    left, right = (
        predict(encoder, PICTURES[:1], Selection((subject,), (), side)).column_indices
        for side in ("left", "right")
    )
    n_left = predict(encoder, PICTURES[:1]).space.n_left
    assert left.max() < n_left <= right.min()
    both = predict(encoder, PICTURES[:1]).column_indices
    np.testing.assert_array_equal(np.concatenate([left, right]), both)


def test_features_are_shared_by_all_selections(encoder):
    settings = encoder.card.default_settings()
    features = encoder.features(PICTURES[:2], settings)
    before = [array.copy() for array in features.arrays]
    for region in ("V1", "V2"):
        encoder.readout(features, Selection(whole(encoder).subjects, (region,)), settings)
    for array, copy in zip(features.arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)
    assert all(len(array) == 2 for array in features.arrays)
    assert features.n_bytes > 0


def test_every_setting_in_turn_changes_the_key_and_the_answer(encoder):
    settings = encoder.card.default_settings()
    plain = predict(encoder, PICTURES[:2])
    asked = Request(encoder.card.id, PICTURES, whole(encoder), settings)
    for setting in encoder.card.settings:
        changed = {setting.name: other_value(setting)}
        answer = predict(encoder, PICTURES[:2], **changed)
        assert not np.array_equal(plain.values, answer.values, equal_nan=True), setting.name
        other = Request(encoder.card.id, PICTURES, whole(encoder), settings.replace(**changed))
        assert other.key != asked.key, setting.name
        is_new_feature = other.features_key != asked.features_key
        assert is_new_feature == (setting.changes == "features"), setting.name


def test_readout_settings_leave_the_features_alone(encoder):
    settings = encoder.card.default_settings()
    plain = encoder.features(PICTURES[:1], settings).arrays
    for setting in encoder.card.settings:
        changed = settings.replace(**{setting.name: other_value(setting)})
        other = encoder.features(PICTURES[:1], changed).arrays
        is_equal = all(np.array_equal(a, b) for a, b in zip(plain, other, strict=True))
        assert is_equal == (setting.changes == "readout"), setting.name


def test_work_reports_and_can_be_stopped(encoder):
    settings = encoder.card.default_settings()
    seen = []
    encoder.features(PICTURES, settings, lambda *progress: seen.append(progress))
    assert seen
    assert all(stage and 0 <= done <= total for stage, done, total in seen)

    def stop(stage, done, total):
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        encoder.features(PICTURES, settings, stop)


def test_wrong_kinds_and_names_are_refused(encoder):
    settings = encoder.card.default_settings()
    with pytest.raises(StimulusError):
        encoder.features([Stimulus("transcript", "words", b"hello")], settings)
    features = encoder.features(PICTURES[:1], settings)
    subjects = whole(encoder).subjects
    with pytest.raises(UnknownRegionError):
        encoder.readout(features, Selection(subjects, ("no such region",)), settings)
    with pytest.raises(SelectionError):
        encoder.readout(features, Selection(subjects, indices=(10**9,)), settings)
    with pytest.raises(SelectionError):
        encoder.readout(features, Selection(("nobody",)), settings)


def test_preview_is_a_picture_with_extents_that_hold_it(encoder):
    preview = encoder.preview(PICTURES[0], encoder.card.default_settings())
    assert preview.pixels.dtype == np.uint8
    assert preview.pixels.ndim == 3
    assert preview.pixels.shape[2] == 3
    left, right, bottom, top = preview.extent_deg
    inner_left, inner_right, inner_bottom, inner_top = preview.picture_deg
    assert left <= inner_left < inner_right <= right
    assert bottom <= inner_bottom < inner_top <= top
    assert preview.note.endswith(".")
