"""R1 as a piece of software: geometry, settings, limits of its input, provenance."""

import hashlib
import tracemalloc

import numpy as np
import pytest

from models.catalog import get_card
from models.encoders import _vision_parameters, reference_vision
from models.encoders._vision_energy import Canvas, filter_bank, normalised_energy, place
from models.encoders.reference_vision import (
    ReferenceVision,
    receptive_field_sizes,
    select_vertices,
)
from models.errors import Cancelled, SelectionError, StimulusError, UnknownRegionError
from models.retinotopy import load_receptive_fields, template_parameters_path
from models.stimulus import Stimulus
from models.types import Selection
from tests.models.encoders.conftest import AVERAGE
from tests.stimuli import aperture, as_stimulus, grating, grid, noise, uniform

REFERENCE = tuple(as_stimulus(noise(64, 8.4, seed), f"noise {seed}") for seed in range(3))


def settings_of(model, **values):
    return model.card.default_settings().replace(**values)


def random_picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def energy_of(pixels, angle_deg=8.4):
    return normalised_energy(place(pixels, Canvas(angle_deg)), filter_bank(angle_deg))


# Where the picture is


@pytest.mark.parametrize(
    ("angle_deg", "n_vertices"), [(6.0, 427), (8.4, 517), (12.0, 627), (20.0, 778)]
)
def test_vertices_inside_a_square_picture_are_as_many_as_specified(respond, angle_deg, n_vertices):
    values = respond([as_stimulus(uniform(8, 200))], visual_angle_deg=angle_deg)
    assert values.shape == (1, 1293)
    assert np.isfinite(values).sum() == n_vertices


def test_above_and_below_a_wide_picture_is_outside_it(respond, fields):
    wide, square = respond([as_stimulus(random_picture(40, 120)), as_stimulus(uniform(9, 9))])
    half_height_deg = 8.4 / 3 / 2
    is_seen = np.isfinite(wide)
    # A symmetric field whose centre is outside has at most half of itself inside.
    assert np.all(np.abs(fields.y_deg[is_seen]) < half_height_deg + 0.1)
    is_central = np.abs(fields.y_deg) < 0.3
    np.testing.assert_array_equal(is_seen[is_central], np.isfinite(square)[is_central])


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (2, 3), (3, 20_000)])
def test_pictures_of_any_shape_are_finite_or_outside(model, shape):
    stimulus = as_stimulus(random_picture(*shape))
    settings = settings_of(model)
    features = model.features([stimulus], settings)
    assert np.isfinite(features.arrays[0]).all()
    values = model.readout(features, AVERAGE, settings)[0].values
    assert not np.isinf(values).any()
    assert np.nanmin(values, initial=0) >= 0
    assert model.preview(stimulus, settings).pixels.shape == (150, 150, 3)


@pytest.mark.parametrize("level", [127, 128])
@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (600, 600)])
def test_mid_grey_gives_exactly_zero(respond, level, shape):
    values = respond([as_stimulus(np.full(shape, level, np.uint8))])
    assert not values[np.isfinite(values)].any()


def test_a_bright_picture_drives_its_border_only(respond, fields):
    values = respond([as_stimulus(uniform(50, 255))], visual_angle_deg=12.0)[0]
    centre = (fields.eccentricity_deg < 1) & (fields.area == 1)
    near_border = np.isfinite(values) & (np.abs(fields.x_deg) > 5.5) & (fields.area == 1)
    assert values[centre].max() < 0.2 * values[near_border].mean()


@pytest.mark.parametrize("turn", [np.fliplr, np.flipud, np.rot90, np.transpose])
def test_energy_turns_with_the_picture(turn):
    """No band is displaced: this fails if coarse grids are sampled off their cells' centres."""
    picture = random_picture(102, 102, seed=1)[..., 0]
    plain = energy_of(np.repeat(picture[..., None], 3, 2))
    turned = energy_of(np.repeat(turn(picture)[..., None], 3, 2))
    expected = np.stack([turn(band) for band in plain])
    np.testing.assert_allclose(turned, expected, atol=2e-6)


def test_a_full_contrast_grating_has_energy_two_thirds_in_its_band():
    """E = 1 by normalisation, so E / (0.5 + E) = .67, less the floor of .005."""
    energy = energy_of(np.repeat(_as_uint8(grating(102, 8.4, 1.5))[..., None], 3, 2))
    middle = energy[2, 32:42, 32:42].mean()
    assert middle == pytest.approx((1 - 0.005) / 1.5, abs=0.02)


def test_picture_is_area_averaged_luma_of_the_coded_values():
    canvas = Canvas(12.0)  # 144 picture pixels in 192
    pixels = random_picture(720, 720)
    luma = (pixels / 255) @ (0.2126, 0.7152, 0.0722)
    expected = 2 * luma.reshape(144, 5, 144, 5).mean((1, 3)) - 1
    contrast = place(pixels, canvas)
    np.testing.assert_allclose(contrast[24:168, 24:168], expected, atol=1e-6)
    assert not contrast[:24].any()
    assert not contrast[:, 168:].any()


def _as_uint8(luminance):
    return np.rint(luminance * 255).astype(np.uint8)


# Where the eyes are


def test_looking_beside_a_patch_equals_moving_the_patch(respond):
    """Only places matter, relative to the eyes; frequency weights move with the eyes too."""
    x, y = grid(144, 12.0)
    texture = grating(144, 12.0, 1.5)
    centred = aperture(texture, np.hypot(x, y) < 1.5)
    # 16 pixels of 1/12 deg to the right: whole samples of every filter's grid.
    moved = np.roll(centred, 16, axis=1)
    fixated = respond([as_stimulus(centred)], visual_angle_deg=12.0, fixation_x_deg=-16 / 12)
    shifted = respond([as_stimulus(moved)], visual_angle_deg=12.0)
    both = np.isfinite(fixated) & np.isfinite(shifted)
    assert both.sum() > 400
    # The tails of the coarsest filter wrap around the canvas: .005 at the far border.
    np.testing.assert_allclose(fixated[both], shifted[both], atol=0.01)


def test_fixation_above_the_picture_sends_it_to_the_lower_field(respond, fields):
    stimulus = as_stimulus(noise(100, 8.4, 1))
    values = respond([stimulus], fixation_y_deg=4.0)[0]
    assert np.mean(fields.y_deg[np.isfinite(values)]) < -1
    values = respond([stimulus], fixation_x_deg=4.0)[0]
    assert np.mean(fields.x_deg[np.isfinite(values)]) < -1


def test_a_picture_out_of_sight_is_outside_everywhere(respond):
    values = respond(
        [as_stimulus(random_picture(9, 9))],
        visual_angle_deg=2.0,
        fixation_x_deg=15.0,
        fixation_y_deg=-15.0,
    )
    assert np.isfinite(values).sum() < 20


# Second-order contrast and the average picture


def test_less_second_order_contrast_gives_more_response_to_even_texture(respond):
    """With c = 0 nothing is taken off: sum W x^2 instead of the variance."""
    stimulus = [as_stimulus(grating(102, 8.4, 1.5))]
    responses = [respond(stimulus, second_order_contrast=c)[0] for c in (0.0, 0.5, 1.0)]
    inside = np.isfinite(responses[0])
    assert np.all(responses[0][inside] > responses[1][inside])
    assert np.all(responses[1][inside] > responses[2][inside])


@pytest.fixture
def own_reference(monkeypatch):
    monkeypatch.setattr(reference_vision, "reference_pictures", lambda: REFERENCE)


def test_minus_average_is_the_difference_from_the_mean_of_the_reference(
    model, respond, own_reference
):
    stimuli = [as_stimulus(random_picture(60, 60, seed)) for seed in range(2)]
    expected = respond(stimuli) - respond(REFERENCE).mean(0)
    settings = settings_of(model, is_minus_average=True)
    (response,) = model.readout(model.features(stimuli, settings), AVERAGE, settings)
    np.testing.assert_allclose(response.values, expected, atol=1e-6)
    assert response.is_signed
    assert response.units == "difference from the average picture (model units)"


def test_the_average_ignores_pictures_that_do_not_reach_a_vertex(model, respond, monkeypatch):
    wide, square = as_stimulus(random_picture(40, 120)), REFERENCE[0]
    monkeypatch.setattr(reference_vision, "reference_pictures", lambda: (wide, square))
    settings = settings_of(model, is_minus_average=True)
    (response,) = model.readout(model.features([square], settings), AVERAGE, settings)
    seen_wide = np.isfinite(respond([wide])[0])
    plain = respond([square])[0]
    only_square = np.isfinite(plain) & ~seen_wide
    assert only_square.sum() > 100
    assert not response.values[0, only_square].any()
    assert response.values[0, seen_wide].any()


def test_the_average_picture_minus_the_average_is_zero(model, own_reference):
    settings = settings_of(model, is_minus_average=True, fixation_x_deg=1.0)
    (response,) = model.readout(model.features(REFERENCE, settings), AVERAGE, settings)
    inside = np.isfinite(response.values[0])
    np.testing.assert_allclose(response.values[:, inside].mean(0), 0, atol=1e-6)


def test_the_reference_is_analysed_once_a_visual_angle(own_reference):
    model = ReferenceVision(get_card("reference-vision"))
    stages = []

    def run(**values):
        settings = settings_of(model, is_minus_average=True, **values)
        features = model.features(REFERENCE[:1], settings)
        model.readout(features, AVERAGE, settings, lambda *progress: stages.append(progress))

    run()
    assert stages == [("measuring contrast", 0, 3), ("measuring contrast", 3, 3)]
    run(second_order_contrast=0.5)
    run(fixation_x_deg=1.0)
    assert len(stages) == 2
    run(visual_angle_deg=5.0)
    assert len(stages) == 4


def test_the_average_can_be_cancelled(own_reference):
    model = ReferenceVision(get_card("reference-vision"))
    settings = settings_of(model, is_minus_average=True)
    features = model.features(REFERENCE[:1], settings)
    with pytest.raises(Cancelled):
        model.readout(features, AVERAGE, settings, stop_at(1))
    (response,) = model.readout(features, AVERAGE, settings)  # nothing half done was kept
    assert np.isfinite(response.values).any()


def test_photographs_differ_more_once_the_average_is_taken_off(model):
    """The built-in set; the raw response saturates, so photographs look alike."""
    photographs = reference_vision.reference_pictures()[:6]
    plain = settings_of(model)
    minus = settings_of(model, is_minus_average=True)
    features = model.features(photographs, plain)
    (raw,) = model.readout(features, AVERAGE, plain)
    (difference,) = model.readout(features, AVERAGE, minus)
    inside = np.isfinite(raw.values).all(0)

    def likeness(values):
        between = np.corrcoef(values[:, inside])
        return between[np.triu_indices(len(between), 1)].mean()

    assert likeness(raw.values) > 0.5
    assert likeness(difference.values) < 0.2


# Selection


def test_regions_hemisphere_and_indices_restrict_each_other(fields):
    v1_left = select_vertices(Selection(("average",), regions=("V1",), hemisphere="left"))
    expected = fields.vertices[(fields.area == 1) & fields.is_left]
    np.testing.assert_array_equal(v1_left, expected)
    some = (*expected[:3].tolist(), 0, int(fields.vertices[-1]))
    both = select_vertices(Selection(("average",), ("V1",), "left", indices=some))
    np.testing.assert_array_equal(both, np.intersect1d(expected, some))


@pytest.mark.parametrize(
    ("selection", "error", "words"),
    [
        (Selection(("average",), ("V4",)), UnknownRegionError, "hV4"),
        (Selection(("average",), ("FFA",)), UnknownRegionError, "V1, V2, V3, hV4"),
        (Selection(("average",), indices=(20484,)), SelectionError, "20484 vertices"),
        (Selection(("average",), indices=()), SelectionError, "No modelled vertex"),
        (Selection(("subj01",)), SelectionError, "no subject 'subj01'"),
    ],
)
def test_a_wrong_selection_is_told_apart(model, selection, error, words):
    settings = settings_of(model)
    features = model.features([as_stimulus(uniform(4, 0))], settings)
    with pytest.raises(error, match=words):
        model.readout(features, selection, settings)


# Input, progress, memory


def test_a_transcript_and_an_empty_list_are_refused(model):
    with pytest.raises(StimulusError, match="looks at pictures"):
        model.features([Stimulus("transcript", "words", b"hello")], settings_of(model))
    with pytest.raises(StimulusError, match="at least one"):
        model.features([], settings_of(model))


def stop_at(n_reports):
    """A report that asks to stop at its n-th call."""
    seen = []

    def report(stage, done, total):
        seen.append(stage)
        if len(seen) >= n_reports:
            raise Cancelled("Stopped, as you asked.")

    return report


def test_features_report_each_batch_and_stop_between_two(model):
    stimuli = [as_stimulus(random_picture(8, 8))] * 33
    progress = []
    model.features(stimuli, settings_of(model), lambda *now: progress.append(now[1:]))
    assert progress == [(0, 33), (16, 33), (32, 33), (33, 33)]
    with pytest.raises(Cancelled):
        model.features(stimuli, settings_of(model), stop_at(2))


def test_memory_of_64_pictures_is_bounded(model):
    stimuli = [as_stimulus(random_picture(256, 256))] * 64
    settings = settings_of(model)
    tracemalloc.start()
    features = model.features(stimuli, settings)
    model.readout(features, AVERAGE, settings)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert features.n_bytes < 6e6
    assert peak_bytes < 60e6


def test_a_large_picture_is_never_copied_as_floats():
    pixels = np.zeros((3000, 4000, 3), np.uint8)
    tracemalloc.start()
    place(pixels, Canvas(8.4))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < pixels.nbytes


# What comes with the numbers


def test_response_says_where_it_comes_from(model):
    settings = settings_of(model, visual_angle_deg=5.0)
    selection = Selection(("average",), ("V2",))
    features = model.features([as_stimulus(uniform(4, 0), "black")], settings)
    (response,) = model.readout(features, selection, settings)
    origin = response.provenance
    assert response.row_labels == ("black",)
    assert response.units == "relative response (model units)"
    assert not response.is_signed
    assert origin.badge == "REFERENCE R1 - early visual cortex, model units"
    assert origin.caveat.startswith("Reference model: published equations; no weights trained")
    assert origin.settings["visual_angle_deg"] == 5.0
    assert origin.selection["regions"] == ["V2"]
    assert (origin.subject, origin.version) == ("average", "R1 parameters 1")
    assert len(origin.weights_sha256) == 64


def test_provenance_names_the_reference_pictures(model, own_reference):
    settings = settings_of(model, is_minus_average=True)
    (response,) = model.readout(model.features(REFERENCE[:1], settings), AVERAGE, settings)
    joint = hashlib.sha256("".join(picture.digest for picture in REFERENCE).encode())
    assert response.provenance.settings["reference_pictures_sha256"] == joint.hexdigest()


@pytest.mark.parametrize(
    ("name", "value"),
    [("AREA_PARAMETERS", {}), ("SEMI_SATURATION", 0.4), ("MARGIN_DEG", 1.0)],
)
def test_the_parameters_hash_changes_with_a_number(monkeypatch, name, value):
    before = _vision_parameters.parameters_sha256()
    monkeypatch.setattr(_vision_parameters, name, value)
    assert _vision_parameters.parameters_sha256() != before


def test_the_parameters_hash_changes_with_the_template(monkeypatch, tmp_path):
    before = _vision_parameters.parameters_sha256()
    other = tmp_path / "template.json"
    other.write_bytes(template_parameters_path().read_bytes() + b"\n")
    monkeypatch.setattr(_vision_parameters, "template_parameters_path", lambda: other)
    assert _vision_parameters.parameters_sha256() != before


def test_the_parameter_table_is_the_published_one():
    """Table of the sources: n, c, gain; slope and intercept of both size lines."""
    table = {
        code: (p.exponent, p.second_order_contrast, p.gain, *p.kay2013, *p.wandell2015)
        for code, p in _vision_parameters.AREA_PARAMETERS.items()
    }
    assert table == {
        1: (0.18, 0.93, 1.00, 0.16, 0.5, 0.16883, 0.02179),
        2: (0.13, 0.99, 0.79, 0.18, 0.5, 0.16912, 0.14739),
        3: (0.12, 0.99, 0.71, 0.25, 0.5, 0.26397, 0.34221),
        4: (0.115, 0.95, 1.23, 0.36, 0.5, 0.52963, 0.44501),
    }
    assert pytest.approx(1.142, abs=5e-4) == _vision_parameters.FREQUENCY_SD_OCTAVES


# What the model sees


def test_preview_shows_the_grey_picture_and_its_margins_about_fixation(model):
    pixels = np.zeros((60, 120, 3), np.uint8)
    pixels[:, 60:] = 255
    settings = settings_of(model, visual_angle_deg=12.0, fixation_x_deg=1.0, fixation_y_deg=-2.0)
    preview = model.preview(as_stimulus(pixels), settings)
    assert preview.extent_deg == (-9.0, 7.0, -6.0, 10.0)
    assert preview.picture_deg == (-7.0, 5.0, -1.0, 5.0)
    rows = slice(60, 132)
    assert preview.pixels.shape == (192, 192, 3)
    assert not preview.pixels[rows, 24:95].any()  # the two middle columns are blended
    assert (preview.pixels[rows, 97:168] == 255).all()
    assert (preview.pixels[:60] == 128).all()
    assert (preview.pixels[rows, :24] == 128).all()
    assert preview.note.startswith("Luminance only, 12.0° wide and 6.0° high")


@pytest.mark.parametrize(
    ("table", "size_at_5_deg"),
    [("kay2013", 0.5 + 0.16 * 5), ("wandell2015", 0.02179 + 0.16883 * 5)],
)
def test_sizes_of_receptive_fields_follow_the_chosen_table(table, size_at_5_deg):
    settings = get_card("reference-vision").default_settings()
    sizes = receptive_field_sizes(settings.replace(receptive_field_size=table))
    fields = load_receptive_fields()
    assert np.isnan(sizes[fields.area == 0]).all()
    v1 = np.flatnonzero(fields.area == 1)
    nearest = v1[np.abs(fields.eccentricity_deg[v1] - 5).argmin()]
    slope = 0.16 if table == "kay2013" else 0.16883
    expected = size_at_5_deg + slope * (fields.eccentricity_deg[nearest] - 5)
    assert sizes[nearest] == pytest.approx(expected, abs=1e-4)
