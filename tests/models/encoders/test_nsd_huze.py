"""NSD huze: BERG's numbers where BERG is right, and the right ones where it is not.

The golden arrays are answers of BERG's own code on weights that ``tests/seeded_weights.py``
makes again. Subject 1's part 2 has every vertex, subject 2's only those that part 1 has not.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.encoders import _huze_conversion
from models.encoders._huze_checkpoint import part_layout, read_shape
from models.encoders._huze_conversion import read_constants, write_huze
from models.encoders._huze_network import HuzePart, stretch
from models.encoders._huze_parts import HuzeConstants, part_tensors
from models.encoders._pictures import normalise
from models.encoders._tensor_file import TensorFile, write_tensors
from models.encoders.nsd_huze import NsdHuze
from models.errors import (
    Cancelled,
    SelectionError,
    StimulusError,
    UnknownRegionError,
    WeightsError,
)
from models.stimulus import Stimulus
from models.types import Selection, Settings
from models.weights.locations import weights_folder
from models.weights.pickles import read_torch_state
from tests.models.encoders.cards import HUZE_CARD
from tests.seeded_weights import HUZE, N_VERTICES, HuzeSize, huze_part, normal
from tests.seeded_weights import write_huze as write

GOLDEN = Path(__file__).parents[2] / "golden_data" / "huze_tiny.npz"
TOLERANCE = 2e-5
NONE = Settings()
ONE, TWO = Selection(("sub-01",)), Selection(("sub-02",))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return write(tmp_path_factory.mktemp("huze"))


@pytest.fixture(scope="module")
def huze(home):
    return NsdHuze(HUZE_CARD, "cpu", home)


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN, allow_pickle=False) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def pictures(golden):
    return [
        Stimulus.from_pixels(picture.transpose(1, 2, 0), f"picture {number}")
        for number, picture in enumerate(golden["s1_sq224_image"])
    ]


@pytest.fixture(scope="module")
def features(huze, pictures):
    return huze.features(pictures, NONE, subjects=("sub-01", "sub-02"))


@pytest.fixture(scope="module")
def whole(huze, features):
    """Every vertex of both subjects."""
    return huze.readout(features, Selection(("sub-01", "sub-02")), NONE)


def test_every_vertex_is_what_berg_gives(whole, golden):
    got = whole[0].values[:, golden["s1_cols"]]
    np.testing.assert_allclose(got, golden["s1_sq224_all_cols"], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("region", ["V1v", "V2v"])
def test_a_region_is_what_the_checkpoint_predicts(huze, features, golden, region):
    (response,) = huze.readout(features, replace(ONE, regions=(region,)), NONE)
    vertices = golden[f"s1_roi_{region}_global"]
    np.testing.assert_array_equal(huze.region_vertices("sub-01", region), vertices)
    got = response.values[:, np.searchsorted(response.column_indices, vertices)]
    np.testing.assert_allclose(got, golden[f"s1_roi_{region}_true"], rtol=0, atol=TOLERANCE)


def test_bergs_answer_outside_part_1_is_not_repeated(golden):
    assert np.abs(golden["s1_roi_V2v_berg"] - golden["s1_roi_V2v_true"]).max() > 0.1


def test_a_part_that_holds_the_complement_is_read_by_rank(home, whole, pictures, tmp_path):
    folder = weights_folder(HUZE_CARD, home)
    state = read_torch_state(folder / "subj02_part2.pth")
    shape = read_shape(state, "subj02")
    is_first = np.zeros(N_VERTICES, bool)
    is_first[torch.load(folder / "part1_voxel_indices.pt", weights_only=False)["subj02"]] = True
    tensors = part_tensors(state, "subj02", np.arange(shape.n_voxels), HuzeConstants())
    facts = {"layers": "0,1,2,3", "n_heads": "2"}
    write_tensors(tmp_path / "part.safetensors", tensors, facts)
    part = HuzePart(TensorFile(tmp_path / "part.safetensors"), torch.device("cpu"))
    with torch.inference_mode():
        pixels = [stretch(picture.pixels().transpose(2, 0, 1)) for picture in pictures]
        maps = part.features(torch.from_numpy(normalise(pixels)))
        by_rank = np.empty((len(pictures), shape.n_voxels), np.float32)
        by_rank[:, part.places] = part.read_out(maps)
    np.testing.assert_allclose(whole[1].values[:, ~is_first], by_rank, rtol=0, atol=1e-6)
    assert whole[1].provenance.settings["part_2_holds"] == "the vertices that part 1 has not"
    assert whole[0].provenance.settings["part_2_holds"] == "every vertex"


@pytest.mark.parametrize("number", [0, 1], ids=["whole", "complement"])
def test_a_selection_is_a_slice_of_the_whole(huze, features, whole, number):
    subject = ONE.subjects if number == 0 else TWO.subjects
    some = tuple(range(0, N_VERTICES, 997))
    for selection in (
        Selection(subject, ("V1v",)),
        Selection(subject, ("V2v", "EBA"), "left"),
        Selection(subject, (), "right"),
        Selection(subject, (), "both", some),
        Selection(subject, ("nsdgeneral",), "both", tuple(range(100_000, 300_000))),
    ):
        (part,) = huze.readout(features, selection, NONE)
        assert 0 < len(part.column_indices) < N_VERTICES
        expected = whole[number].values[:, part.column_indices]
        np.testing.assert_allclose(part.values, expected, rtol=0, atol=1e-6)


def test_a_picture_does_not_depend_on_its_batch(huze, pictures, features):
    alone = [huze.features([picture], NONE, subjects=("sub-01",)) for picture in pictures]
    for together, one, two in zip(features.arrays, *(f.arrays for f in alone), strict=False):
        np.testing.assert_allclose(np.concatenate([one, two]), together, rtol=0, atol=2e-5)


def test_the_same_question_gets_the_same_answer(huze, pictures, features):
    again = huze.features(pictures, NONE, subjects=("sub-01",))
    for first, second in zip(features.arrays[:2], again.arrays, strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_new_region_never_runs_a_network(huze, features):
    before = huze.n_pictures_seen
    for region in ("V1v", "V1d", "hV4"):
        huze.readout(features, replace(ONE, regions=(region,)), NONE)
    assert huze.n_pictures_seen == before


def test_a_subject_runs_both_its_parts_on_every_picture(huze, pictures):
    before = huze.n_pictures_seen
    huze.features(pictures, NONE, subjects=("sub-02",))
    assert huze.n_pictures_seen == before + 2 * len(pictures)


def test_features_of_one_subject_are_not_read_as_anothers(huze, pictures):
    features = huze.features(pictures[:1], NONE, subjects=("sub-01",))
    assert features.subjects == ("sub-01",)
    with pytest.raises(SelectionError, match="network of its own"):
        huze.readout(features, TWO, NONE)


def test_a_part_that_predicts_nothing_of_the_selection_is_not_run(huze, pictures, whole):
    inside = replace(ONE, regions=("V1v",))  # all of it lies in part 1
    before = huze.n_pictures_seen
    features = huze.features_for(pictures, inside)
    assert huze.n_pictures_seen == before + len(pictures)
    (response,) = huze.readout(features, inside, NONE)
    expected = whole[0].values[:, response.column_indices]
    np.testing.assert_allclose(response.values, expected, rtol=0, atol=1e-6)
    assert response.row_labels == ("picture 0", "picture 1")
    with pytest.raises(SelectionError, match="without part 2"):
        huze.readout(features, replace(ONE, regions=("V2v",)), NONE)
    both = huze.features_for(pictures, replace(ONE, regions=("V2v",)))
    assert [len(maps) for maps in both.arrays] == [len(pictures)] * 2


def test_no_picture_gives_no_row(huze):
    features = huze.features_of_array(np.zeros((0, 3, 8, 8), np.uint8))
    (response,) = huze.readout(features, ONE, NONE)
    assert response.values.shape == (0, N_VERTICES)


def test_both_names_of_the_word_form_area_are_the_same(huze):
    both = [huze.region_vertices("sub-01", name) for name in ("OVWFA", "OWFA")]
    np.testing.assert_array_equal(*both)


def test_several_regions_are_a_union(huze):
    chosen = huze.select_vertices("sub-01", replace(ONE, regions=("V1v", "V1d")))
    parts = [huze.region_vertices("sub-01", name) for name in ("V1v", "V1d")]
    np.testing.assert_array_equal(chosen, np.unique(np.concatenate(parts)))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"regions": ("V1w",)}, UnknownRegionError, "V1v"),
        ({"regions": ("mTL-faces",)}, SelectionError, "no vertex in mTL-faces"),
        ({"regions": ("FFA-2",), "hemisphere": "left"}, SelectionError, "no vertex in FFA-2"),
        ({"indices": (N_VERTICES,)}, SelectionError, "no vertex 327684"),
        ({"subjects": ("sub-09",)}, SelectionError, "no subject"),
    ],
)
def test_what_is_not_there_is_named(huze, features, change, error, words):
    with pytest.raises(error, match=words):
        huze.readout(features, replace(ONE, **change), NONE)


def test_pictures_of_any_size_are_stretched_to_the_networks(huze):
    rng = np.random.default_rng(0)
    wide = rng.integers(0, 256, (1, 3, 90, 200), np.uint8)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(wide).float() / 255, size=(224, 224), mode="bilinear"
    )
    mean, deviation = (
        torch.tensor(values).view(1, 3, 1, 1)
        for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    seen = torch.from_numpy(normalise([stretch(wide[0])]))
    torch.testing.assert_close(seen, (expected - mean) / deviation, rtol=0, atol=0)
    of_floats = stretch((wide[0] / np.float32(255)).astype(np.float32))
    np.testing.assert_array_equal(of_floats, stretch(wide[0]))
    seen = huze.preview(Stimulus.from_pixels(wide[0].transpose(1, 2, 0), "wide"), NONE)
    assert seen.pixels.shape == (224, 224, 3)
    expected = np.rint(255 * expected[0].numpy()).transpose(1, 2, 0)
    assert np.abs(seen.pixels - expected).max() <= 1


def test_transcripts_and_nothing_are_refused(huze):
    with pytest.raises(StimulusError, match="looks at pictures"):
        huze.features([Stimulus.from_lines(["a"], "words", 1.5)], NONE)
    with pytest.raises(StimulusError, match="at least one"):
        huze.features([], NONE)


def test_work_reports_and_can_be_stopped(huze, pictures):
    seen = []
    huze.features(pictures, NONE, lambda *progress: seen.append(progress))
    assert {stage for stage, _, _ in seen} == {
        "looking at pictures (subject sub-01, part 1 of 2)",
        "looking at pictures (subject sub-01, part 2 of 2)",
    }

    def stop(*progress):
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        huze.features(pictures, NONE, stop)


def test_provenance_says_what_no_tensor_says(whole):
    settings = whole[0].provenance.settings
    assert settings["lora_scale"] == 0.2
    assert settings["retina_sigma"] == 0.01
    assert settings["constants_from"] == "upstream defaults"
    assert len(whole[0].provenance.weights_sha256) == 64


# The files


@pytest.mark.parametrize(
    ("n_first", "n_second", "layout"),
    [(3000, N_VERTICES, "whole"), (3000, N_VERTICES - 3000, "complement")],
)
def test_the_layout_is_told_from_the_rows(n_first, n_second, layout):
    assert part_layout(n_first, n_second) == layout


@pytest.mark.parametrize("n_second", [N_VERTICES - 2999, N_VERTICES + 1, 10])
def test_any_other_layout_is_refused(n_second):
    with pytest.raises(WeightsError, match=f"{n_second:,} rows"):
        part_layout(3000, n_second)


SMALL = HuzeSize("small", 64, 2, (0, 1), 4, 20)


def write_pair(folder, index, n_first=20, n_second=30, **changes):
    """A subject's two small parts with a given index file."""
    for part, n_rows in (("1", n_first), ("2", n_second)):
        coordinates = normal(f"coordinates {part}", (n_rows, 3))
        state = huze_part(f"small/{part}", "subj01", SMALL, coordinates)
        torch.save(state | changes, folder / f"subj01_part{part}.pth")
    torch.save({"subj01": index}, folder / "part1_voxel_indices.pt")


@pytest.mark.parametrize(
    ("index", "words"),
    [
        (np.arange(19), "lists 19 vertices"),
        (np.zeros(20, int), "names a vertex twice"),
        (np.arange(20) + N_VERTICES - 10, "not on fsaverage"),
        (np.arange(20) - 1, "not on fsaverage"),
    ],
    ids=["too few", "twice", "too high", "negative"],
)
def test_an_index_that_does_not_fit_part_1_is_refused(tmp_path, monkeypatch, index, words):
    monkeypatch.setattr(_huze_conversion, "part_layout", lambda *n_rows: "complement")
    write_pair(tmp_path, index)
    with pytest.raises(WeightsError, match=words):
        write_huze(tmp_path, "subj01", HuzeConstants(), tmp_path)


def test_parts_of_an_unknown_layout_are_refused(tmp_path):
    write_pair(tmp_path, np.arange(20))
    with pytest.raises(WeightsError, match="20 and 30 rows"):
        write_huze(tmp_path, "subj01", HuzeConstants(), tmp_path)
    with pytest.raises(WeightsError, match="no subj02, only"):
        write_huze(tmp_path, "subj02", HuzeConstants(), tmp_path)


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("model.conv_blocks.blocks_dict.0.reduce.weight", (4,), "no known variant"),
        ("model.backbone.vision_model.register_tokens", (1, 4, 64), "no known variant"),
        ("model.conv_blocks.blocks_dict.0.block.0.0.weight", (64, 64, 3, 3), "should be"),
        ("model.voxel_outs_weight.subj01.bias", (3,), "should be"),
        ("model.backbone.vision_model.cls_token", (1, 1, 60), "no huze part"),
    ],
)
def test_a_part_of_another_variant_is_refused(name, shape, words):
    state = huze_part("small/1", "subj01", SMALL, normal("coordinates 1", (20, 3)))
    state[name] = torch.zeros(shape)
    with pytest.raises(WeightsError, match=words):
        read_shape(state, "subj01")


def test_a_missing_tensor_is_named():
    state = huze_part("small/1", "subj01", SMALL, normal("coordinates 1", (20, 3)))
    del state["model.backbone.vision_model.pos_embed"]
    with pytest.raises(WeightsError, match="pos_embed"):
        part_tensors(state, "subj01", np.arange(20), HuzeConstants())


def test_missing_files_are_named(tmp_path):
    empty = NsdHuze(HUZE_CARD, "cpu", tmp_path)
    with pytest.raises(WeightsError, match=r"subj01_part1\.pth"):
        empty.features_of_array(np.zeros((1, 3, 8, 8), np.uint8))
    with pytest.raises(WeightsError, match=r"metadata_subject-01\.npy"):
        empty.regions("sub-01")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("config.json", '{"lora_scale": 0.5, "sigma": 0.02}', (0.5, 0.02, "config.json")),
        (
            "config.yaml",
            "MODEL:\n  BACKBONE:\n    LORA:\n      SCALE: 0.4\n      RANK: 4\n"
            "  RETINA_MAPPER:\n    CONSTANT_SIGMA: 0.03\n",
            (0.4, 0.03, "config.yaml"),
        ),
        ("config.json", "{}", (0.2, 0.01, "config.json, the rest upstream defaults")),
        (None, "", (0.2, 0.01, "upstream defaults")),
    ],
)
def test_constants_come_from_a_config_beside_the_weights(tmp_path, name, text, expected):
    if name:
        (tmp_path / name).write_text(text)
    assert read_constants(tmp_path) == HuzeConstants(*expected)


def test_a_damaged_config_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(WeightsError, match="no JSON"):
        read_constants(tmp_path)


def test_another_lora_scale_makes_another_conversion(home, pictures, whole):
    config = home / HUZE / "encoding_models_weights" / "config.json"
    config.write_text(json.dumps({"lora_scale": 0.0}))
    try:
        other = NsdHuze(HUZE_CARD, "cpu", home)
        (response,) = other.readout(other.features(pictures, NONE), ONE, NONE)
    finally:
        config.unlink()
    assert response.provenance.settings["lora_scale"] == 0.0
    assert np.abs(response.values - whole[0].values).max() > 0.01
