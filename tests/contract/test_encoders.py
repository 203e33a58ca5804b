"""What every encoder owes: shape, determinism, independence of batch and selection, settings.

Answers of published models may differ in the last bits where the sums are taken in another order;
the embedded model and the fake give the same bits.
"""

import numpy as np
import pytest

from models.atlases import Regions
from models.catalog import VARIANT
from models.encoders.base import Overlay
from models.engine import Request
from models.errors import Cancelled, SelectionError, StimulusError, UnknownRegionError
from models.spaces import get_space
from models.stimulus import Stimulus
from models.types import Selection
from models.voxel_grid import VoxelGrid
from tests.contract.conftest import PICTURES, TRANSCRIPT
from tests.seeded_weights import TINY_VARIANT


def whole(encoder):
    """Every place of the first subject."""
    return Selection((encoder.card.subjects[0][0],))


def stimuli_of(encoder, number=None):
    """Something that the model takes."""
    return PICTURES[:number] if encoder.card.modality == "image" else (TRANSCRIPT,)


def look(encoder, stimuli, settings, selection=None):
    """Features, of the selection's subjects where each has a network of its own."""
    subjects = (selection or whole(encoder)).subjects
    own = subjects if encoder.card.has_backbone_per_subject else ()
    return encoder.features(stimuli, settings, subjects=own)


def predict(encoder, stimuli, selection=None, **values):
    settings = encoder.card.default_settings().replace(**values)
    features = look(encoder, stimuli, settings, selection)
    return encoder.readout(features, selection or whole(encoder), settings)[0]


def is_close(encoder, one, other):
    """Equal, or nearly so for a published model: 5e-5 of the spread of its answers."""
    if encoder.card.is_embedded:
        np.testing.assert_array_equal(one, other)
        return
    np.testing.assert_allclose(one, other, rtol=0, atol=5e-5 * np.nanstd(other))


def largest_regions(encoder, number):
    """Names of regions, the one with most places first."""
    regions = encoder.regions_of(encoder.card.subjects[0][0])
    return sorted(regions.names, key=lambda name: -regions.mask(name).sum())[:number]


def sides_of(encoder):
    is_split = encoder.regions_of(encoder.card.subjects[0][0]).is_split_by_hemisphere
    return ("both", "left", "right") if is_split else ("both",)


def other_value(setting):
    """An allowed value that is not the default."""
    if isinstance(setting.default, bool):
        return not setting.default
    if isinstance(setting.default, str):
        others = [name for name, _ in setting.choices] or [TINY_VARIANT]
        return next(name for name in others if name != setting.default)
    step = setting.step or 1
    if setting.maximum is None or setting.default + 10 * step <= setting.maximum:
        return setting.default + 10 * step
    return setting.default - 10 * step


def test_response_has_a_row_a_stimulus_and_columns_inside_the_space(encoder):
    stimuli = stimuli_of(encoder)
    response = predict(encoder, stimuli)
    is_picture = encoder.card.modality == "image"
    n_rows = len(stimuli) if is_picture else len(TRANSCRIPT.lines)
    assert response.values.shape == (n_rows, len(response.column_indices))
    assert response.values.dtype == np.float32
    assert response.row_kind == ("picture" if is_picture else "seconds")
    if is_picture:
        assert response.row_labels == tuple(picture.name for picture in PICTURES)
    assert response.space.name == encoder.card.space
    assert response.units == encoder.card.units
    assert response.is_signed == encoder.card.is_signed
    assert np.isfinite(response.values).any()
    assert not np.isinf(response.values).any()


def test_one_response_a_subject(encoder):
    settings = encoder.card.default_settings()
    selection = Selection(tuple(subject for subject, _ in encoder.card.subjects))
    features = look(encoder, stimuli_of(encoder, 1), settings, selection)
    responses = encoder.readout(features, selection, settings)
    assert tuple(one.provenance.subject for one in responses) == selection.subjects


def test_response_names_its_origin(encoder):
    origin = predict(encoder, stimuli_of(encoder, 1)).provenance
    card = encoder.card
    assert (origin.model_id, origin.model_title) == (card.id, card.title)
    assert (origin.badge, origin.caveat) == (card.badge, card.caveat)
    assert len(origin.weights_sha256) == 64
    assert origin.version
    usual = card.default_settings().as_dict()
    if VARIANT in usual:
        usual[VARIANT] = encoder.variant  # the one that it was made for
    assert origin.settings.items() >= usual.items()


def test_the_same_question_gets_the_same_answer(encoder):
    stimuli = stimuli_of(encoder)
    first, second = predict(encoder, stimuli), predict(encoder, stimuli)
    np.testing.assert_array_equal(first.values, second.values)


def test_different_pictures_get_different_answers(picture_encoder):
    values = predict(picture_encoder, PICTURES).values
    inside = np.isfinite(values).all(0)
    assert len(np.unique(values[:, inside], axis=0)) == len(PICTURES)


def test_a_picture_does_not_depend_on_its_batch(picture_encoder):
    together = predict(picture_encoder, PICTURES).values
    alone = np.concatenate([predict(picture_encoder, [picture]).values for picture in PICTURES])
    backwards = predict(picture_encoder, PICTURES[::-1]).values[::-1]
    atol = 1e-6 if picture_encoder.card.is_embedded else 5e-5 * together.std()
    np.testing.assert_allclose(alone, together, rtol=1e-5, atol=atol)
    np.testing.assert_allclose(backwards, together, rtol=1e-5, atol=atol)


def test_a_selection_is_a_slice_of_the_whole(encoder):
    stimuli = stimuli_of(encoder, 2)
    everything = predict(encoder, stimuli)
    subject = encoder.card.subjects[0][0]
    some = tuple(everything.column_indices[::3].tolist())
    first, second, third = largest_regions(encoder, 3)
    for side in sides_of(encoder):
        for chosen in (
            Selection((subject,), (first,), side),
            Selection((subject,), (second, third), side),
            Selection((subject,), (), side, some),
            Selection((subject,), (first,), side, some),
        ):
            part = predict(encoder, stimuli, chosen)
            assert 0 < part.values.shape[1] < everything.values.shape[1]
            is_close(encoder, part.values, everything.dense()[:, part.column_indices])


def test_hemispheres_are_disjoint_and_complete(encoder):
    subject = encoder.card.subjects[0][0]
    stimuli = stimuli_of(encoder, 1)
    whole_response = predict(encoder, stimuli)
    parts = [
        predict(encoder, stimuli, Selection((subject,), (), side)).column_indices
        for side in sides_of(encoder)
        if side != "both"
    ]
    if parts:
        left, right = parts
        assert left.max() < whole_response.space.n_left <= right.min()
        np.testing.assert_array_equal(np.concatenate([left, right]), whole_response.column_indices)
    else:
        with pytest.raises(SelectionError):
            predict(encoder, stimuli, Selection((subject,), (), "left"))


def test_regions_are_those_of_the_space_and_select_what_their_masks_say(encoder):
    subject = encoder.card.subjects[0][0]
    regions = encoder.regions_of(subject)
    assert isinstance(regions, Regions)
    assert regions.space is get_space(encoder.card.space)
    assert sorted(name for names in regions.groups.values() for name in names) == sorted(
        regions.names
    )
    (name,) = largest_regions(encoder, 1)
    stimuli = stimuli_of(encoder, 1)
    modelled = predict(encoder, stimuli).column_indices
    columns = predict(encoder, stimuli, Selection((subject,), (name,))).column_indices
    np.testing.assert_array_equal(columns, modelled[regions.mask(name)[modelled]])


def test_maps_of_the_files_have_one_value_a_place_and_are_no_predictions(encoder):
    subject = encoder.card.subjects[0][0]
    overlays = encoder.overlays(subject)
    assert len({overlay.id for overlay in overlays}) == len(overlays)
    for overlay in overlays:
        assert isinstance(overlay, Overlay)
        assert overlay.values.shape == (get_space(encoder.card.space).n_places,)
        assert overlay.description.endswith(".")
        assert overlay.units
        assert overlay.source
        assert overlay.short or not overlay.is_accuracy


def test_voxels_come_with_their_grid_and_nothing_else_does(encoder):
    space = get_space(encoder.card.space)
    grid = encoder.grid(encoder.card.subjects[0][0])
    if space.kind == "volume":
        assert isinstance(grid, VoxelGrid)
        assert grid.n_places == space.n_places
    else:
        assert grid is None


def test_features_are_shared_by_all_selections(picture_encoder):
    encoder = picture_encoder
    settings = encoder.card.default_settings()
    features = look(encoder, PICTURES[:2], settings)
    before = [array.copy() for array in features.arrays]
    for region in largest_regions(encoder, 2):
        encoder.readout(features, Selection(whole(encoder).subjects, (region,)), settings)
    for array, copy in zip(features.arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)
    assert all(len(array) == 2 for array in features.arrays)
    assert features.n_bytes > 0


def test_every_setting_in_turn_changes_the_key(encoder):
    settings = encoder.card.default_settings()
    stimuli = stimuli_of(encoder)
    asked = Request(encoder.card.id, stimuli, whole(encoder), settings)
    for setting in encoder.card.settings:
        changed = settings.replace(**{setting.name: other_value(setting)})
        other = Request(encoder.card.id, stimuli, whole(encoder), changed)
        assert other.key != asked.key, setting.name
        is_new_feature = other.features_key != asked.features_key
        assert is_new_feature == (setting.changes == "features"), setting.name


def test_every_setting_in_turn_changes_the_answer(picture_encoder):
    plain = predict(picture_encoder, PICTURES[:2])
    for setting in picture_encoder.card.settings:
        answer = predict(picture_encoder, PICTURES[:2], **{setting.name: other_value(setting)})
        assert not np.array_equal(plain.values, answer.values, equal_nan=True), setting.name


def test_readout_settings_leave_the_features_alone(picture_encoder):
    settings = picture_encoder.card.default_settings()
    plain = look(picture_encoder, PICTURES[:1], settings).arrays
    for setting in picture_encoder.card.settings:
        changed = settings.replace(**{setting.name: other_value(setting)})
        other = look(picture_encoder, PICTURES[:1], changed).arrays
        is_equal = all(np.array_equal(a, b) for a, b in zip(plain, other, strict=True))
        assert is_equal == (setting.changes == "readout"), setting.name


def test_work_reports_and_can_be_stopped(encoder):
    settings = encoder.card.default_settings()
    stimuli = stimuli_of(encoder)
    seen = []
    encoder.features(stimuli, settings, lambda *progress: seen.append(progress))
    assert seen
    assert all(stage and 0 <= done <= total for stage, done, total in seen)

    def stop(stage, done, total):
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        encoder.features(stimuli, settings, stop)


def test_wrong_kinds_and_names_are_refused(encoder):
    settings = encoder.card.default_settings()
    wrong = TRANSCRIPT if encoder.card.modality == "image" else PICTURES[0]
    with pytest.raises(StimulusError):
        encoder.features([wrong], settings)
    features = look(encoder, stimuli_of(encoder, 1), settings)
    subjects = whole(encoder).subjects
    with pytest.raises(UnknownRegionError):
        encoder.readout(features, Selection(subjects, ("no such region",)), settings)
    with pytest.raises(SelectionError):
        encoder.readout(features, Selection(subjects, indices=(10**9,)), settings)
    for ask in (
        lambda: encoder.readout(features, Selection(("nobody",)), settings),
        lambda: encoder.regions_of("nobody"),
        lambda: encoder.overlays("nobody"),
        lambda: encoder.grid("nobody"),
    ):
        with pytest.raises(SelectionError):
            ask()


def test_words_that_are_no_transcript_are_refused(picture_encoder):
    settings = picture_encoder.card.default_settings()
    with pytest.raises(StimulusError):
        picture_encoder.features([Stimulus("transcript", "words", b"hello")], settings)


def test_preview_is_a_picture_with_extents_that_hold_it(picture_encoder):
    preview = picture_encoder.preview(PICTURES[0], picture_encoder.card.default_settings())
    assert preview.pixels.dtype == np.uint8
    assert preview.pixels.ndim == 3
    assert preview.pixels.shape[2] == 3
    left, right, bottom, top = preview.extent_deg
    inner_left, inner_right, inner_bottom, inner_top = preview.picture_deg
    assert left <= inner_left < inner_right <= right
    assert bottom <= inner_bottom < inner_top <= top
    assert preview.note.endswith(".")
