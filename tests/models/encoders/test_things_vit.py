"""THINGS ViT-B/32 on small random weights in the published layout."""

import shutil

import numpy as np
import pytest
import torch

from models.catalog import PUBLISHED
from models.encoders import things_vit
from models.encoders._precision import compare_precisions
from models.encoders._short_types import NumberType
from models.encoders._things import Readout, convert_readout
from models.encoders._vit import VisionTransformer
from models.encoders.things_vit import ThingsViT, voxel_space
from models.errors import (
    Cancelled,
    SelectionError,
    SettingError,
    StimulusError,
    UnknownRegionError,
    WeightsError,
)
from models.stimulus import Stimulus
from models.types import Selection
from models.weights import pickles
from tests.models.encoders.published_samples import (
    N_COMPONENTS,
    N_LAYERS,
    N_VOXELS,
    WIDTH,
    Watch,
    things_regions,
    things_weights,
    vit_state,
    write_things_subject,
    write_vit,
)

CARD = next(card for card in PUBLISHED if "things" in card.id)
SETTINGS = CARD.default_settings()
STACK = np.random.default_rng(0).integers(0, 256, (5, 3, 60, 50), np.uint8)
PICTURES = [
    Stimulus.from_pixels(pixels.transpose(1, 2, 0), f"{number}")
    for number, pixels in enumerate(STACK)
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("things")
    write_vit(folder)
    for subject in ("sub-01", "sub-02"):
        write_things_subject(CARD, folder, subject)
    return folder


@pytest.fixture(scope="module")
def model(home):
    return ThingsViT(CARD, "cpu", home)


@pytest.fixture(scope="module")
def features(model):
    return model.features(PICTURES, SETTINGS)


@pytest.fixture(scope="module")
def whole(model, features):
    return model.readout(features, Selection(("sub-01",)), SETTINGS)[0]


def by_the_book(model, subject):
    """The published chain in double precision, every step in full."""
    weights = things_weights(subject)
    scaler, pca, regression = (weights[f"{part}_param"] for part in ("scaler", "pca", "reg"))
    prepared = model._as_input(PICTURES)
    layers = list(VisionTransformer(vit_state(), torch.device("cpu")).layers(prepared))
    tokens = torch.cat([layer.flatten(1) for layer in layers], 1).double().numpy()
    standardised = (tokens - scaler["mean_"]) / scaler["scale_"]
    scores = (standardised - pca["mean_"]) @ pca["components_"].astype(np.float64).T
    return scores @ regression["coef_"].astype(np.float64).T + regression["intercept_"]


def test_responses_are_those_of_the_published_chain(model, whole):
    expected = by_the_book(model, "sub-01")
    assert float(np.abs(whole.values - expected).max()) < 5e-5 * expected.std()
    assert whole.space == voxel_space("sub-01")
    assert (whole.space.n_places, whole.space.kind) == (211_339, "volume")
    np.testing.assert_array_equal(whole.column_indices, np.arange(N_VOXELS))


def test_each_subject_has_its_own_readout(model, features):
    first, second = model.readout(features, Selection(("sub-01", "sub-02")), SETTINGS)
    expected = by_the_book(model, "sub-02")
    assert float(np.abs(second.values - expected).max()) < 5e-5 * expected.std()
    assert not np.allclose(first.values, second.values)
    assert [each.provenance.subject for each in (first, second)] == ["sub-01", "sub-02"]
    assert [each.space.name[-6:] for each in (first, second)] == ["sub-01", "sub-02"]


def test_a_selection_is_a_slice_of_the_whole(model, features, whole):
    indices = tuple(range(0, N_VOXELS, 1000))
    for chosen in (
        Selection(("sub-01",), ("V1",)),
        Selection(("sub-01",), ("V1", "V2", "rTOS")),
        Selection(("sub-01",), (), "both", indices),
        Selection(("sub-01",), ("V1",), "both", tuple(things_regions("sub-01")["V1"][3:9])),
    ):
        (part,) = model.readout(features, chosen, SETTINGS)
        assert 0 < part.values.shape[1] < N_VOXELS
        np.testing.assert_allclose(
            part.values, whole.values[:, part.column_indices], rtol=0, atol=1e-5
        )
    joined = model.readout(features, Selection(("sub-01",), ("V1", "V2")), SETTINGS)[0]
    regions = things_regions("sub-01")
    np.testing.assert_array_equal(joined.column_indices, np.union1d(regions["V1"], regions["V2"]))


def test_a_picture_does_not_depend_on_its_batch(monkeypatch, model, features):
    monkeypatch.setattr(things_vit, "_BATCH", 2)
    for stimuli in (PICTURES, PICTURES[::-1], PICTURES[2:3]):
        again = model.features(stimuli, SETTINGS)
        rows = [int(name) for name in again.row_labels]
        np.testing.assert_allclose(again.arrays[0], features.arrays[0][rows], rtol=0, atol=1e-5)


def test_the_same_question_gets_the_same_answer(model, home, features, whole):
    again = ThingsViT(CARD, "cpu", home).features(PICTURES, SETTINGS)
    np.testing.assert_array_equal(again.arrays[0], features.arrays[0])
    (response,) = model.readout(again, Selection(("sub-01",)), SETTINGS)
    np.testing.assert_array_equal(response.values, whole.values)


def test_the_network_does_not_run_for_another_region_or_subject(model):
    features = model.features(PICTURES[:2], SETTINGS)
    before = model.n_pictures_seen
    for region in ("V1", "hV4"):
        model.readout(features, Selection(("sub-01", "sub-02"), (region,)), SETTINGS)
    assert model.n_pictures_seen == before
    model.features(PICTURES[:2], SETTINGS)
    assert model.n_pictures_seen == before + 2


def test_files_that_arrive_later_are_read_out_rightly(home, tmp_path):
    shutil.copytree(home, tmp_path / "home", ignore=shutil.ignore_patterns("converted"))
    model = ThingsViT(CARD, "cpu", tmp_path / "home")
    features = model.features(PICTURES[:2], SETTINGS)
    voxels = np.arange(100)
    with pytest.raises(WeightsError, match=r"fetch fmri-things_fmri_1-vit_b_32 --subject 3"):
        model.responses(features, "sub-03", voxels)
    write_things_subject(CARD, tmp_path / "home", "sub-03")
    late = model.responses(features, "sub-03", voxels)
    fresh = model.responses(model.features(PICTURES[:2], SETTINGS), "sub-03", voxels)
    np.testing.assert_array_equal(late, fresh)


def test_the_numbers_of_all_layers_are_never_together(monkeypatch, model):
    monkeypatch.setattr(things_vit, "_BATCH", 2)
    n_features = N_LAYERS * 50 * WIDTH
    largest = []
    for stimuli in (PICTURES[:2], PICTURES):
        with Watch() as watch:
            features = model.features(stimuli, SETTINGS, subjects=("sub-01",))
        largest.append(watch.largest)
        assert not any(n_features in shape for shape in watch.shapes)
        assert features.arrays[0].shape == (len(stimuli), N_COMPONENTS)
    assert largest[0] == largest[1]


def test_only_the_chosen_rows_are_read(monkeypatch, model, features):
    sizes = []
    read = Readout(model._converted("sub-01"), torch.device("cpu"))
    rows = read._coefficients.rows
    monkeypatch.setattr(
        read._coefficients, "rows", lambda chosen: sizes.append(len(chosen)) or rows(chosen)
    )
    scores = torch.from_numpy(features.arrays[0])
    values = read.voxels(scores, np.array([7, 3, 211_338, 3]))
    assert sizes == [4]
    np.testing.assert_array_equal(values[:, 1], values[:, 3])


def test_a_readout_that_a_device_keeps_gives_the_same(model, features):
    folder, cpu = model._converted("sub-01"), torch.device("cpu")
    kept, mapped = (Readout(folder, cpu, is_kept) for is_kept in (True, False))
    tokens, voxels = torch.randn(2, 50, WIDTH), np.array([7, 3, 211_338, 3])
    assert torch.equal(kept.project(1, tokens), mapped.project(1, tokens))
    scores = torch.from_numpy(features.arrays[0])
    np.testing.assert_array_equal(kept.voxels(scores, voxels), mapped.voxels(scores, voxels))
    assert kept.held.host > mapped.held.host


def test_bergs_order_keeps_the_list_and_its_repeats(model):
    regions = things_regions("sub-01")
    mask = np.zeros(N_VOXELS, int)
    mask[[5, 2]] = 1
    np.testing.assert_array_equal(
        model.voxels_of("sub-01", ["V2", "V1"], mask.tolist()),
        [*regions["V2"], *regions["V1"], 2, 5],
    )
    np.testing.assert_array_equal(model.voxels_of("sub-01", ["rTOS"], mask), [2, 5])
    np.testing.assert_array_equal(model.voxels_of("sub-01"), np.arange(N_VOXELS))


@pytest.mark.parametrize("roi", [[], ["rTOS"]])
def test_an_empty_selection_is_an_error_and_never_everything(model, features, roi):
    with pytest.raises(SelectionError, match=r"rTOS|no voxel"):
        model.voxels_of("sub-01", roi)
    with pytest.raises(SelectionError, match="rTOS"):
        model.readout(features, Selection(("sub-01",), ("rTOS",)), SETTINGS)


def test_metadata_are_only_needed_where_a_region_is_named(home, tmp_path, features):
    without = shutil.ignore_patterns("metadata_*")
    shutil.copytree(home, tmp_path / "home", ignore=without)
    model = ThingsViT(CARD, "cpu", tmp_path / "home")
    some = Selection(("sub-01",), indices=(5, 9))
    assert model.readout(features, some, SETTINGS)[0].values.shape == (len(PICTURES), 2)
    np.testing.assert_array_equal(model.voxels_of("sub-01"), np.arange(N_VOXELS))
    with pytest.raises(WeightsError, match=r"metadata_sub-01.npy .* --subject 1"):
        model.voxels_of("sub-01", ["V1"])


def test_unknown_names_are_refused(model, features):
    with pytest.raises(UnknownRegionError, match="lFFA"):
        model.voxels_of("sub-01", ["FFA"])
    with pytest.raises(UnknownRegionError, match="lSTS"):
        model.readout(features, Selection(("sub-01",), ("lSTS",)), SETTINGS)
    for chosen in (
        Selection(("sub-01",), indices=(N_VOXELS,)),
        Selection(("sub-01",), hemisphere="left"),
        Selection(("sub-04",)),
    ):
        with pytest.raises(SelectionError):
            model.readout(features, chosen, SETTINGS)


def test_arrays_of_any_integer_type_give_what_stimuli_give(model, features):
    for stack in (STACK, STACK.astype(np.int64), STACK.astype(np.int32)):
        np.testing.assert_array_equal(model.features_of_array(stack).arrays[0], features.arrays[0])


def test_no_picture_gives_no_row(model):
    features = model.features_of_array(np.zeros((0, 3, 256, 256), np.uint8))
    assert model.responses(features, "sub-01", np.arange(7)).shape == (0, 7)
    with pytest.raises(StimulusError):
        model.features([], SETTINGS)


def test_work_reports_and_can_be_stopped(model):
    seen = []
    model.features(PICTURES, SETTINGS, lambda *progress: seen.append(progress))
    assert all(stage and 0 <= done <= total for stage, done, total in seen)
    assert len(seen) >= N_LAYERS

    def stop(stage, done, total):
        if len(seen) > 2:
            raise Cancelled("Stopped.")
        seen.append(done)

    seen.clear()
    before = model.n_pictures_seen
    with pytest.raises(Cancelled):
        model.features(PICTURES, SETTINGS, stop)
    assert model.n_pictures_seen == before + len(PICTURES)  # stopped within the first batch
    with pytest.raises(StimulusError):
        model.features([Stimulus("transcript", "words", b"hello")], SETTINGS)


def test_response_names_its_origin(whole):
    origin = whole.provenance
    assert (origin.model_id, origin.version) == (CARD.id, CARD.version)
    assert len(origin.weights_sha256) == 64
    assert origin.settings["precision"] == "float32"
    assert (whole.units, whole.is_signed) == (CARD.units, True)
    assert whole.row_labels == ("0", "1", "2", "3", "4")


def test_preview_is_what_enters_the_network(model):
    preview = model.preview(PICTURES[0], SETTINGS)
    assert preview.pixels.shape == (224, 224, 3)
    assert preview.extent_deg == preview.picture_deg == (-4.375, 4.375, -4.375, 4.375)
    assert preview.note.endswith(".")


def test_conversion_runs_once_and_the_original_may_go(home, tmp_path, monkeypatch, whole):
    shutil.copytree(home, tmp_path / "home", ignore=shutil.ignore_patterns("converted"))
    model = ThingsViT(CARD, "cpu", tmp_path / "home")
    voxels = np.arange(50)
    model.responses(model.features(PICTURES, SETTINGS), "sub-01", voxels)
    for path in (tmp_path / "home").rglob("weights_sub-0*.npy"):
        path.unlink()

    def refuse(path):
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr(pickles, "read_numpy_dict", refuse)
    again = ThingsViT(CARD, "cpu", tmp_path / "home")
    values = again.responses(again.features(PICTURES, SETTINGS), "sub-01", voxels)
    np.testing.assert_array_equal(values, whole.values[:, :50])


def test_dropping_originals_keeps_all_subjects_at_hand(home, tmp_path, whole):
    shutil.copytree(home, tmp_path / "home", ignore=shutil.ignore_patterns("converted"))
    model = ThingsViT(CARD, "cpu", tmp_path / "home")
    originals = list((tmp_path / "home").rglob("weights_sub-0*.npy"))
    size = sum(path.stat().st_size for path in originals)
    assert model.drop_originals() == size
    assert not any(path.exists() for path in originals)
    again = ThingsViT(CARD, "cpu", tmp_path / "home")
    features = again.features(PICTURES, SETTINGS)
    assert features.scored == ("sub-01", "sub-02")
    values = again.responses(features, "sub-01", np.arange(50))
    np.testing.assert_array_equal(values, whole.values[:, :50])


def test_a_shorter_type_stays_within_the_bound_and_is_measured_once(home, monkeypatch, whole):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    model = ThingsViT(CARD, "cpu", home)
    reduced = SETTINGS.replace(precision="reduced")
    features = model.features(PICTURES, reduced)
    (response,) = model.readout(features, Selection(("sub-01",)), reduced)
    facts = response.provenance.settings
    assert facts["precision"] == "bfloat16"
    assert facts["bfloat16_against_float32"].endswith("used")
    assert model.n_pictures_seen == len(PICTURES)
    for subject in ("sub-01", "sub-02"):
        assert (model._converted(subject) / "precision").is_dir()
    error = compare_precisions(whole.values, response.values)
    assert error.row_correlation >= 0.9999
    assert error.column_correlation >= 0.995
    assert error.largest > 0

    def refuse(*arguments):
        raise AssertionError("measured again")

    monkeypatch.setattr(ThingsViT, "_answers", refuse)
    again = ThingsViT(CARD, "cpu", home).features(PICTURES, reduced)
    np.testing.assert_array_equal(again.arrays[0], features.arrays[0])
    assert again.facts == features.facts


def test_a_subject_that_comes_later_is_measured_by_itself(home, tmp_path, monkeypatch):
    shutil.copytree(home, tmp_path / "home", ignore=shutil.ignore_patterns("converted"))
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    model = ThingsViT(CARD, "cpu", tmp_path / "home")
    reduced = SETTINGS.replace(precision="reduced")
    features = model.features(PICTURES[:1], reduced, subjects=("sub-01",))
    seen = []
    answers = ThingsViT._answers
    monkeypatch.setattr(
        ThingsViT, "_answers", lambda self, *rest: seen.append(rest[0]) or answers(self, *rest)
    )
    (response,) = model.readout(features, Selection(("sub-02",)), reduced)
    assert set(seen) == {("sub-02",)}
    assert response.provenance.settings["precision"] == "bfloat16"


def test_numbers_too_large_for_the_shorter_type_are_computed_exactly(model, monkeypatch, features):
    score = ThingsViT._score

    def overflow(self, prepared, subjects, dtype, watch):
        scores = score(self, prepared, subjects, torch.float32, watch)
        return scores if dtype == torch.float32 else [np.full_like(scores[0], np.inf), *scores[1:]]

    monkeypatch.setattr(ThingsViT, "_score", overflow)
    short = NumberType(torch.float16, {"precision": "float16"})
    monkeypatch.setattr(ThingsViT, "_choose_type", lambda *arguments: short)
    again = model.features(PICTURES, SETTINGS)
    np.testing.assert_array_equal(again.arrays[0], features.arrays[0])


def test_absent_files_are_named_with_the_command_that_fetches_them(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "nothing"))
    model = ThingsViT(CARD, "cpu", tmp_path)
    with pytest.raises(WeightsError, match=r"weights_sub-01.npy .* --subject 1"):
        model.features(PICTURES, SETTINGS)
    write_things_subject(CARD, tmp_path, "sub-02")
    with pytest.raises(WeightsError, match=r"vit_b_32-d86f8d99.pth .* fetch"):
        model.features(PICTURES, SETTINGS)
    with pytest.raises(SettingError):
        ThingsViT(CARD, "abacus", tmp_path).features(PICTURES, SETTINGS)


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("scaler", "scale_", np.zeros(N_LAYERS * 50 * WIDTH)),
        ("scaler", "scale_", np.ones(7)),
        ("scaler", "mean_", None),
        ("pca", "components_", np.zeros((8, 7), np.float32)),
        ("pca", "whiten", True),
        ("reg", "coef_", np.zeros((100, 9), np.float32)),
        ("reg", "intercept_", np.zeros(100, np.float32)),
        ("reg", "intercept_", np.array(["a"])),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path, part, name, value):
    weights = things_weights("sub-01")
    weights[f"{part}_param"][name] = value
    with pytest.raises(WeightsError):
        convert_readout(weights, N_LAYERS, tmp_path)


def test_weights_in_double_precision_and_column_order_are_read_too(tmp_path):
    plain, other = things_weights("sub-01"), things_weights("sub-01")
    for part, name in (("pca", "components_"), ("reg", "coef_")):
        stored = other[f"{part}_param"][name].astype(np.float64)
        other[f"{part}_param"][name] = np.asfortranarray(stored)
    for name, weights in (("plain", plain), ("other", other)):
        (tmp_path / name).mkdir()
        convert_readout(weights, N_LAYERS, tmp_path / name)
    for file in ("components.npy", "coefficients.npy", "centre.npy", "intercept.npy"):
        np.testing.assert_array_equal(
            np.load(tmp_path / "plain" / file), np.load(tmp_path / "other" / file)
        )
