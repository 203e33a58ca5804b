"""MOSAIC CNN8 on small random weights in the published layout."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from models.atlases import load_atlas
from models.catalog import PUBLISHED
from models.encoders import _cnn8
from models.encoders._cnn8 import Core, Head, convert_core, convert_head
from models.encoders._device import exact_arithmetic
from models.encoders._mosaic_places import MosaicPlaces
from models.encoders._precision import compare_precisions
from models.encoders.base import Features
from models.encoders.mosaic_cnn8 import CHECKPOINT, MosaicCnn8
from models.errors import (
    Cancelled,
    SelectionError,
    StimulusError,
    UnknownRegionError,
    WeightsError,
)
from models.spaces import FSLR32K, cortical_grayordinates, load_medial_wall
from models.stimulus import Stimulus
from models.types import Selection
from models.weights import convert, pickles
from tests.models.encoders.published_samples import (
    N_CHANNELS,
    Watch,
    mosaic_state,
    mosaic_vertices,
    write_mosaic,
)

GOLDEN = Path(__file__).parents[2] / "golden_data/image_networks.npz"
CARD = next(card for card in PUBLISHED if "mosaic" in card.id)
SETTINGS = CARD.default_settings()
CPU = torch.device("cpu")
STACK = np.random.default_rng(0).integers(0, 256, (3, 3, 60, 50), np.uint8)
PICTURES = [
    Stimulus.from_pixels(pixels.transpose(1, 2, 0), f"{number}")
    for number, pixels in enumerate(STACK)
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mosaic")
    write_mosaic(CARD, folder)
    return folder


@pytest.fixture(scope="module")
def model(home):
    return MosaicCnn8(CARD, "cpu", home)


@pytest.fixture(scope="module")
def features(model):
    return model.features(PICTURES, SETTINGS)


@pytest.fixture(scope="module")
def whole(model, features):
    return model.readout(features, Selection(("sub-01",)), SETTINGS)[0]


def maps_by_the_book(state, pictures):
    """The core step by step in double precision, nothing folded."""
    maps = pictures.double()
    for number in range(1, 9):
        block = f"module.core.block{number}."
        weight = state[f"{block}0.weight"].double()
        maps = functional.conv2d(maps, weight, padding=1 if number == 1 else weight.shape[-1] // 2)
        mean, variance, gain, shift = (
            state[f"{block}1.{name}"].double()
            for name in ("running_mean", "running_var", "weight", "bias")
        )
        maps = functional.batch_norm(maps, mean, variance, gain, shift, eps=1e-5).relu()
        if number % 2 == 0:
            maps = functional.avg_pool2d(maps, 2, stride=1 if number == 8 else 2)
    return maps


def responses_by_the_book(state, subject, maps):
    """All vertices of one subject in double precision."""
    head = f"module.subject_readouts.{subject}_NSD."
    masks = state[f"{head}spatial"].double()
    masks = masks / (masks.flatten(1).norm(dim=1)[:, None, None] + 1e-6)
    weights = state[f"{head}_features"].double()
    product = torch.einsum("nchw,vhw,vc->nv", maps, masks, weights)
    return (product + state[f"{head}bias"].double()).numpy()


def test_core_and_readout_are_those_of_bergs_code(tmp_path):
    with np.load(GOLDEN) as golden:
        state = {
            key.removeprefix("cnn8_sd/"): torch.from_numpy(golden[key])
            for key in golden.files
            if key.startswith("cnn8_sd/")
        }
        picture, expected = torch.from_numpy(golden["cnn8_x"]), golden["cnn8_y"]
    convert_core(state, tmp_path)
    convert_head(state, "sub-01", tmp_path)
    for is_winograd in (True, False):
        with exact_arithmetic():
            maps = Core(tmp_path, CPU, is_winograd=is_winograd)(picture)
            responses = Head(tmp_path)(maps, np.arange(24))
        assert maps.shape == (1, 8, 26, 26)
        assert float(np.abs(responses - expected).max()) <= 2e-5


def test_responses_are_those_of_the_published_chain(model, features):
    state = mosaic_state(("sub-01", "sub-02"))
    maps = maps_by_the_book(state, model._as_input(PICTURES))
    assert float(np.abs(features.arrays[0] - maps.numpy()).max()) < 1e-5 * float(maps.std())
    for subject in ("sub-01", "sub-02"):
        expected = responses_by_the_book(state, subject, maps)
        got = model.responses(features, subject, np.arange(len(mosaic_vertices())))
        assert float(np.abs(got - expected).max()) < 5e-5 * expected.std()


def test_columns_are_vertices_of_fslr32k(whole):
    assert whole.space == FSLR32K
    columns = whole.column_indices
    np.testing.assert_array_equal(columns, cortical_grayordinates()[mosaic_vertices()])
    assert not load_medial_wall("fsLR32k")[columns].any()
    n_left = int((mosaic_vertices() < 29_696).sum())  # the HCP's count of left grayordinates
    assert (columns < FSLR32K.n_left).sum() == n_left


def test_a_selection_is_a_slice_of_the_whole(model, features, whole):
    some = tuple(whole.column_indices[::3].tolist())
    for regions, hemisphere, indices in (
        (("V1",), "both", None),
        (("V1",), "left", None),
        (("L_V1", "R_4"), "both", None),
        ((), "right", None),
        (("V1", "4"), "both", some),
        ((), "both", some),
    ):
        chosen = Selection(("sub-01",), regions, hemisphere, indices)
        (part,) = model.readout(features, chosen, SETTINGS)
        assert 0 < part.values.shape[1] < whole.values.shape[1]
        np.testing.assert_allclose(
            part.values, whole.dense()[:, part.column_indices], rtol=0, atol=1e-5
        )


def test_regions_are_those_of_the_atlas(model, features):
    atlas = load_atlas("fsLR32k", "mmp")
    left, right, both = (
        set(model.readout(features, chosen, SETTINGS)[0].column_indices.tolist())
        for chosen in (
            Selection(("sub-01",), ("L_V1",)),
            Selection(("sub-01",), ("V1",), "right"),
            Selection(("sub-01",), ("V1",)),
        )
    )
    modelled = set(cortical_grayordinates()[mosaic_vertices()].tolist())
    assert left == modelled & set(np.flatnonzero(atlas.mask("V1", "left")).tolist())
    assert left | right == both
    assert not left & right


def test_a_picture_does_not_depend_on_its_batch(model, features):
    for stimuli in (PICTURES[::-1], PICTURES[1:2]):
        again = model.features(stimuli, SETTINGS)
        rows = [int(name) for name in again.row_labels]
        np.testing.assert_array_equal(again.arrays[0], features.arrays[0][rows])


def test_the_same_question_gets_the_same_answer(home, model, features, whole):
    again = MosaicCnn8(CARD, "cpu", home)
    (response,) = again.readout(
        again.features(PICTURES, SETTINGS), Selection(("sub-01",)), SETTINGS
    )
    np.testing.assert_array_equal(response.values, whole.values)


def test_subjects_share_one_pass_of_the_core(home):
    model = MosaicCnn8(CARD, "cpu", home)
    features = model.features(PICTURES, SETTINGS)
    assert model.n_pictures_seen == len(PICTURES)
    assert not [key for key in model._loaded if key[0] == "head"]  # no readout is opened yet
    chosen = Selection(("sub-01", "sub-08"), ("V1",))
    first, last = model.readout(features, chosen, SETTINGS)
    model.readout(features, Selection(("sub-02",), ("4",)), SETTINGS)
    assert model.n_pictures_seen == len(PICTURES)
    assert not np.allclose(first.values, last.values)
    assert (first.provenance.subject, last.provenance.subject) == ("sub-01", "sub-08")


def test_threads_do_not_share_buffers(model, features):
    with ThreadPoolExecutor(4) as threads:
        several = list(threads.map(lambda _: model.features(PICTURES, SETTINGS), range(4)))
    for again in several:
        np.testing.assert_array_equal(again.arrays[0], features.arrays[0])


def test_only_the_chosen_rows_are_read_and_computed(model, monkeypatch):
    head = Head(model._converted("sub-01"))
    sizes = []
    for part in (head._features, head._masks, head._bias):
        rows = part.rows
        monkeypatch.setattr(
            part, "rows", lambda chosen, rows=rows: sizes.append(len(chosen)) or rows(chosen)
        )
    maps = torch.ones(2, N_CHANNELS, 26, 26)
    with Watch() as watch:
        values = head(maps, np.array([3, 600]))
    assert sizes == [2, 2, 2]
    assert values.shape == (2, 2)
    assert (2, 26 * 26) in watch.shapes
    assert max(shape[0] for shape in watch.shapes if shape) == 26 * 26  # of the maps


def test_a_readout_that_a_device_keeps_gives_the_same(model, features):
    folder, maps = model._converted("sub-01"), torch.from_numpy(features.arrays[0])
    for vertices in (np.arange(613), np.array([600, 3, 3])):
        kept, mapped = (Head(folder, CPU, is_kept)(maps, vertices) for is_kept in (True, False))
        np.testing.assert_array_equal(kept, mapped)


def test_memory_does_not_grow_with_vertices_times_channels(model, features, monkeypatch):
    monkeypatch.setattr(_cnn8, "_VERTICES_AT_ONCE", 100)
    n_vertices, n_pixels = len(mosaic_vertices()), 26 * 26
    everything = np.arange(n_vertices)
    with Watch() as watch:
        model.responses(features, "sub-01", everything)
    assert watch.largest == 100 * n_pixels
    largest = []
    for stimuli in (PICTURES[:1], PICTURES):
        with Watch() as watch:
            model.features(stimuli, SETTINGS)
        largest.append(max(int(np.prod(shape[1:])) for shape in watch.shapes if len(shape) > 3))
        assert watch.largest <= 8 * 64 * 448 * 2  # a strip of tiles, or a padded picture
    assert largest[0] == largest[1]


def test_a_readout_in_pieces_is_the_whole(model, features, whole, monkeypatch):
    monkeypatch.setattr(_cnn8, "_VERTICES_AT_ONCE", 64)
    pieces = model.responses(features, "sub-01", np.arange(len(mosaic_vertices())))
    np.testing.assert_allclose(pieces, whole.values, rtol=0, atol=1e-5)


def test_bergs_selection_joins_regions_groups_and_mask(model):
    places = model.places("sub-01")
    n_vertices = places.n_vertices
    mask = np.zeros(n_vertices, int)
    mask[[600, 2]] = 1
    area = np.flatnonzero(places.is_in_region("L_V1"))
    third, fifth = np.arange(2, n_vertices, 22), np.arange(4, n_vertices, 22)
    assert area.size
    for got, expected in (
        (places.vertices_of(["L_V1"], None, None), area),
        (places.vertices_of("L_V1"), area),
        (places.vertices_of(None, 3), third),
        (places.vertices_of(None, np.int64(3)), third),
        (places.vertices_of(None, [5, 3, 3]), np.union1d(third, fifth)),
        (places.vertices_of(None, None, mask.tolist()), [2, 600]),
        (places.vertices_of(["L_V1"], 3, mask), [*area, *third, 2, 600]),
        (places.vertices_of(), np.arange(n_vertices)),
    ):
        np.testing.assert_array_equal(got, np.unique(expected))


@pytest.mark.parametrize(
    "selection",
    [
        {"roi": []},
        {"glasser_group": []},
        {"roi": ["V1x"]},
        {"glasser_group": 23},
        {"glasser_group": 0},
        {"glasser_group": True},
        {"glasser_group": ["V1"]},
        {"voxel_index": np.zeros(613)},
        {"voxel_index": np.ones(612)},
    ],
)
def test_bergs_selections_that_cannot_be_used(model, selection):
    with pytest.raises(SelectionError):
        model.places("sub-01").vertices_of(**selection)


def test_unknown_names_are_refused(model, features):
    with pytest.raises(UnknownRegionError, match="V1"):
        model.readout(features, Selection(("sub-01",), ("V1a",)), SETTINGS)
    for chosen in (
        Selection(("sub-01",), indices=(FSLR32K.n_places,)),
        Selection(("sub-01",), ("L_V1",), "right"),
        Selection(("sub-09",)),
    ):
        with pytest.raises(SelectionError):
            model.readout(features, chosen, SETTINGS)


def test_metadata_of_every_layout():
    vertices, groups = mosaic_vertices(), np.arange(len(mosaic_vertices())) % 22 + 1
    new = {"vertex_mapping_all": vertices, "glasser_group_id": groups}
    regions = {"L_V1": vertices[5:300], "R_V1": vertices[300:], "L_V2": vertices[:6]}
    for metadata in (
        new,
        {"encoding_models": new},
        {"encoding_models": {"vertex_mapping_all": vertices}, "fmri": {"glasser_group_id": groups}},
        {"roi": regions, "glasser_group_id": groups},
        {"fmri": {"roi": regions}, "encoding_models": {"glasser_group_id": groups}},
    ):
        places = MosaicPlaces.from_metadata(metadata, "sub-01.npy")
        np.testing.assert_array_equal(places.grayordinates, vertices)
        np.testing.assert_array_equal(places.groups, groups)
    without = MosaicPlaces.from_metadata({"vertex_mapping_all": vertices}, "sub-01.npy")
    with pytest.raises(UnknownRegionError):
        without.is_in_group(1)


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"roi": {}},
        {"vertex_mapping_all": np.array([1.5])},
        {"vertex_mapping_all": np.array([3, 2])},
        {"vertex_mapping_all": np.array([3, 59_412])},
        {"vertex_mapping_all": np.array([-1, 5])},
        {"vertex_mapping_all": np.array([3, 5]), "glasser_group_id": np.array([1])},
    ],
)
def test_metadata_that_cannot_be_used(metadata):
    with pytest.raises(WeightsError):
        MosaicPlaces.from_metadata(metadata, "sub-01.npy")


def test_metadata_of_another_model_are_refused(tmp_path):
    write_mosaic(CARD, tmp_path, ("sub-01",))
    (path,) = tmp_path.rglob("sub-01.npy")
    np.save(path, {"vertex_mapping_all": np.arange(100)}, allow_pickle=True)
    with pytest.raises(WeightsError, match="100 vertices"):
        MosaicCnn8(CARD, "cpu", tmp_path).places("sub-01")


def test_arrays_of_any_integer_type_give_what_stimuli_give(model, features):
    for stack in (STACK.astype(np.int64), STACK / 255):
        np.testing.assert_array_equal(model.features_of_array(stack).arrays[0], features.arrays[0])


def test_no_picture_gives_no_row(model):
    features = model.features_of_array(np.zeros((0, 3, 256, 256), np.uint8))
    assert model.responses(features, "sub-01", np.arange(7)).shape == (0, 7)
    with pytest.raises(StimulusError):
        model.features([], SETTINGS)


def test_work_stops_between_pictures(model):
    before = model.n_pictures_seen

    def stop(stage, done, total):
        if done == 1:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        model.features(PICTURES, SETTINGS, stop)
    assert model.n_pictures_seen == before + 1
    with pytest.raises(StimulusError):
        model.features([Stimulus("transcript", "words", b"hello")], SETTINGS)


def test_conversion_runs_once_and_the_original_may_go(home, tmp_path, monkeypatch, whole):
    shutil.copytree(home, tmp_path / "home", ignore=shutil.ignore_patterns("converted"))
    model = MosaicCnn8(CARD, "cpu", tmp_path / "home")
    model.readout(model.features(PICTURES[:1], SETTINGS), Selection(("sub-01",)), SETTINGS)
    (path,) = (tmp_path / "home").rglob(CHECKPOINT)
    path.unlink()

    def refuse(path):
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr(pickles, "read_torch_state", refuse)
    again = MosaicCnn8(CARD, "cpu", tmp_path / "home")
    (response,) = again.readout(
        again.features(PICTURES, SETTINGS), Selection(("sub-01",)), SETTINGS
    )
    np.testing.assert_array_equal(response.values, whole.values)
    with pytest.raises(WeightsError, match=CHECKPOINT):
        again.readout(again.features(PICTURES, SETTINGS), Selection(("sub-02",)), SETTINGS)


def test_dropping_the_original_converts_every_readout_first(home, tmp_path, features):
    shutil.copytree(home, tmp_path / "home", ignore=shutil.ignore_patterns("converted"))
    model = MosaicCnn8(CARD, "cpu", tmp_path / "home")
    (path,) = (tmp_path / "home").rglob(CHECKPOINT)
    size = path.stat().st_size
    folder = model._converted("sub-01")
    for refused in (folder, model._converted("core")):
        with pytest.raises(WeightsError, match="is kept: cnn8-"):
            convert.drop_originals(refused)
    assert model.drop_originals() == size
    assert not path.exists()
    again = MosaicCnn8(CARD, "cpu", tmp_path / "home")
    for subject in ("sub-01", "sub-02", "sub-08"):
        vertices = np.arange(40)
        np.testing.assert_array_equal(
            again.responses(again.features(PICTURES, SETTINGS), subject, vertices),
            MosaicCnn8(CARD, "cpu", home).responses(features, subject, vertices),
        )
    assert again.drop_originals() == 0


def test_a_shorter_type_stays_within_the_bound_and_is_measured_once(
    home, monkeypatch, features, whole
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_fp16": True})
    model = MosaicCnn8(CARD, "cpu", home)
    reduced = SETTINGS.replace(precision="reduced")
    short = model.features(PICTURES, reduced)
    (response,) = model.readout(short, Selection(("sub-01",)), reduced)
    facts = response.provenance.settings
    assert facts["precision"] == "float16"
    assert facts["float16_against_float32"].endswith("used")
    assert model.n_pictures_seen == len(PICTURES)
    assert (model._converted("core") / "precision").is_dir()
    error = compare_precisions(whole.values, response.values)
    assert error.row_correlation >= 0.9999
    assert error.column_correlation >= 0.995
    assert error.largest > 0
    exact = model.features(PICTURES, SETTINGS)
    np.testing.assert_array_equal(exact.arrays[0], features.arrays[0])
    assert exact.facts["precision"] == "float32"

    def refuse(*arguments):
        raise AssertionError("measured again")

    monkeypatch.setattr(MosaicCnn8, "_answer", refuse)
    again = MosaicCnn8(CARD, "cpu", home).features(PICTURES, reduced)
    np.testing.assert_array_equal(again.arrays[0], short.arrays[0])
    assert again.facts == short.facts


def test_a_processor_without_a_matrix_unit_stays_exact(home, monkeypatch, features):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    reduced = MosaicCnn8(CARD, "cpu", home).features(
        PICTURES, SETTINGS.replace(precision="reduced")
    )
    np.testing.assert_array_equal(reduced.arrays[0], features.arrays[0])
    assert reduced.facts["precision"] == "float32"
    assert "faster" in reduced.facts["precision_note"]


def test_numbers_too_large_for_the_shorter_type_are_computed_exactly(model, whole):
    exact = model.features(PICTURES, SETTINGS)
    scale = np.float32(1e5 / exact.arrays[0].max())  # beyond float16
    large = Features((exact.arrays[0] * scale,), exact.row_labels, SETTINGS)
    half = replace(large, facts={"precision": "float16"})
    vertices = np.arange(len(mosaic_vertices()))
    values = model.responses(half, "sub-01", vertices)
    np.testing.assert_array_equal(values, model.responses(large, "sub-01", vertices))


def test_masks_are_stored_with_length_one(model):
    folder = model._converted("sub-01")
    lengths = np.linalg.norm(np.load(folder / "masks.npy"), axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-5)


def test_absent_and_unfitting_files_are_told(tmp_path):
    model = MosaicCnn8(CARD, "cpu", tmp_path)
    with pytest.raises(WeightsError, match=rf"{CHECKPOINT} .* --subject 1"):
        model.features(PICTURES, SETTINGS)
    state = mosaic_state(("sub-01",))
    with pytest.raises(WeightsError, match="sub-02"):
        convert_head(state, "sub-02", tmp_path)
    state["module.core.block3.1.weight"] = torch.ones(3)
    with pytest.raises(WeightsError, match="Block 3"):
        convert_core(state, tmp_path)
    state["module.subject_readouts.sub-01_NSD.bias"] = torch.ones(3)
    with pytest.raises(WeightsError, match="sub-01"):
        convert_head(state, "sub-01", tmp_path)


def test_preview_is_what_enters_the_network(model):
    preview = model.preview(PICTURES[0], SETTINGS)
    assert preview.pixels.shape == (224, 224, 3)
    assert preview.extent_deg == preview.picture_deg == (-4.2, 4.2, -4.2, 4.2)
    assert preview.note.endswith(".")
