"""BERG's three models of pictures: containers, selections, and no picture analysed twice."""

import gc
import socket
import weakref
from pathlib import Path

import numpy as np
import pytest

from models import BERG
from models._berg import pictures as berg_pictures
from models.errors import SelectionError, UnknownRegionError
from tests.berg_samples import HUZE, MOSAIC, THINGS
from tests.models.encoders.published_samples import (
    mosaic_vertices,
    things_regions,
    write_things_subject,
    write_vit,
)

STACK = np.random.default_rng(1).integers(0, 256, (3, 3, 40, 40), np.uint8)
GOLDEN = Path(__file__).parents[1] / "golden_data" / "huze_tiny.npz"
N_SIDE = 163_842
N_VOXELS = 211_339


@pytest.fixture(scope="module")
def shared(berg_home):
    """One that remembers, for tests that only read."""
    return BERG(berg_home)


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN, allow_pickle=False) as arrays:
        return dict(arrays)


def answer(berg, model_id, stimulus=STACK, **named):
    named.setdefault("subject", 1)
    return berg.encode(berg.get_encoding_model(model_id, device="cpu", **named), stimulus)


def mask_of(n_places, chosen, kind=np.array):
    mask = np.zeros(n_places, int)
    mask[chosen] = 1
    return kind(mask.tolist())


# THINGS


@pytest.fixture(scope="module")
def voxels(shared):
    return answer(shared, THINGS)


def test_things_gives_an_array_of_all_voxels(voxels):
    assert type(voxels) is np.ndarray
    assert (voxels.shape, voxels.dtype) == ((3, N_VOXELS), np.float32)
    assert voxels.flags.writeable


@pytest.mark.parametrize("kind", [list, tuple, np.array])
def test_things_columns_follow_the_list_then_the_mask_and_repeat(shared, voxels, kind):
    regions = things_regions("sub-01")
    selection = {"roi": ["V2", "V1", "rTOS"], "voxel_index": mask_of(N_VOXELS, [7, 2], kind)}
    columns = [*regions["V2"], *regions["V1"], 2, 7]
    got = answer(shared, THINGS, selection=selection)
    np.testing.assert_allclose(got, voxels[:, columns], rtol=0, atol=1e-5)
    assert len(columns) > len(set(columns))  # V2 and V1 share five


@pytest.mark.parametrize(
    ("model_id", "mask", "n_places"),
    [
        (THINGS, "voxel_index", N_VOXELS),
        (MOSAIC, "voxel_index", 613),
        (HUZE, "lh_vertices", 2 * N_SIDE),
    ],
)
def test_none_inside_a_selection_means_absent(shared, model_id, mask, n_places):
    for selection in (None, {}, {"roi": None, mask: None}):
        model = shared.get_encoding_model(model_id, subject=1, selection=selection)
        np.testing.assert_array_equal(model._places["sub-01"], np.arange(n_places))


@pytest.mark.parametrize(
    ("model_id", "selection", "words"),
    [
        (THINGS, {"roi": []}, "no voxel"),
        (THINGS, {"roi": ["rTOS"]}, "rTOS"),
        (MOSAIC, {"roi": []}, "No vertex"),
        (HUZE, {"roi": []}, "No vertex"),
        (THINGS, {"voxel_index": np.zeros(N_VOXELS)}, "nothing is selected"),
        (HUZE, {"lh_vertices": np.zeros(N_SIDE)}, "lh_vertices has no 1"),
    ],
)
def test_an_empty_selection_is_an_error_and_never_everything(shared, model_id, selection, words):
    with pytest.raises(SelectionError, match=words):
        shared.get_encoding_model(model_id, subject=1, selection=selection)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint16])
@pytest.mark.parametrize("model_id", [THINGS, MOSAIC, HUZE])
def test_integers_of_any_type_are_0_to_255(shared, model_id, dtype):
    """The pages' own example is int64, which BERG's THINGS model takes for black."""
    named = {HUZE: {"roi": "V1v"}, THINGS: {"roi": ["V1"]}, MOSAIC: None}
    got, expected = (
        flat(answer(shared, model_id, stack, selection=named[model_id]))
        for stack in (STACK.astype(dtype), STACK)
    )
    np.testing.assert_array_equal(got, expected)
    assert np.ptp(expected, axis=0).max() > 0.01  # other pictures, other answers


@pytest.mark.parametrize("model_id", [THINGS, MOSAIC, HUZE])
def test_floats_are_0_to_1_or_0_to_255(shared, model_id):
    named = {HUZE: {"roi": "V1v"}, THINGS: {"roi": ["V1"]}, MOSAIC: None}[model_id]
    expected = flat(answer(shared, model_id, selection=named))
    for stack in (STACK / 255, STACK.astype(np.float32)):
        got = flat(answer(shared, model_id, stack, selection=named))
        # THINGS resizes integers with a rounding that floats do not have
        tolerance = 0.05 if model_id == THINGS else 1e-4
        assert np.abs(got - expected).max() <= tolerance * expected.std()


@pytest.mark.parametrize(("model_id", "n_places"), [(THINGS, 300), (MOSAIC, 613), (HUZE, 120)])
def test_no_picture_gives_no_row(shared, model_id, n_places):
    selection = {THINGS: {"roi": ["V1"]}, HUZE: {"roi": "V1v"}}.get(model_id)
    got = answer(shared, model_id, np.zeros((0, 3, 256, 256), np.uint8), selection=selection)
    assert flat(got).shape == (0, n_places)


def flat(responses):
    """One array of one subject's answer, whatever its container."""
    if isinstance(responses, dict):
        (responses,) = responses["NaturalScenesDataset"].values()
    return np.hstack(responses) if isinstance(responses, tuple) else responses


def test_several_subjects_of_things_come_by_subject(shared, voxels):
    both = answer(shared, THINGS, subject=[2, 1], selection={"roi": ["V1"]})
    assert list(both) == ["sub-02", "sub-01"]
    own = things_regions("sub-01")["V1"]
    np.testing.assert_allclose(both["sub-01"], voxels[:, own], rtol=0, atol=1e-5)
    assert not np.allclose(both["sub-01"], both["sub-02"])


# MOSAIC


@pytest.fixture(scope="module")
def vertices(shared):
    return answer(shared, MOSAIC)["NaturalScenesDataset"]["sub-01"]


def test_mosaic_is_nested_even_for_one_subject(shared, vertices):
    one = answer(shared, MOSAIC)
    assert list(one) == ["NaturalScenesDataset"]
    assert list(one["NaturalScenesDataset"]) == ["sub-01"]
    assert (vertices.shape, vertices.dtype) == ((3, len(mosaic_vertices())), np.float32)
    several = answer(shared, MOSAIC, subject=[1, 2, 8])["NaturalScenesDataset"]
    assert list(several) == ["sub-01", "sub-02", "sub-08"]
    np.testing.assert_array_equal(several["sub-01"], vertices)
    assert not np.allclose(several["sub-08"], vertices)


@pytest.mark.parametrize("kind", [list, np.array])
def test_mosaic_joins_regions_groups_and_mask_rising(shared, vertices, kind):
    model = shared.get_encoding_model(MOSAIC, subject=1)
    area = np.flatnonzero(model.encoder.places("sub-01").is_in_region("L_V1"))
    fifth = np.arange(4, 613, 22)  # of the sample: group = index % 22 + 1
    for selection, columns in (
        ({"roi": ["L_V1"], "glasser_group": None, "voxel_index": mask_of(613, [600, 2], kind)},
         [*area, 2, 600]),
        ({"glasser_group": 5}, fifth),
        ({"glasser_group": kind([5]), "roi": kind(["L_V1"])}, [*area, *fifth]),
    ):  # fmt: skip
        got = answer(shared, MOSAIC, selection=selection)["NaturalScenesDataset"]["sub-01"]
        np.testing.assert_allclose(got, vertices[:, np.unique(columns)], rtol=0, atol=1e-5)


# huze


@pytest.fixture(scope="module")
def cortex(shared, golden):
    return answer(shared, HUZE, golden["s1_sq224_image"])


def test_huze_gives_both_hemispheres_as_berg_does_where_it_is_right(cortex, golden):
    assert type(cortex) is tuple
    left, right = cortex
    assert (left.shape, right.shape) == ((2, N_SIDE), (2, N_SIDE))
    assert (left.dtype, left.flags.writeable, left.flags.c_contiguous) == (np.float32, True, True)
    got = np.hstack(cortex)[:, golden["s1_cols"]]
    np.testing.assert_allclose(got, golden["s1_sq224_all_cols"], rtol=0, atol=2e-5)


@pytest.mark.parametrize("region", ["V1v", "V2v", "mTL-faces"])
def test_huze_region_is_in_stored_order_and_may_be_empty(shared, golden, region):
    left, right = answer(shared, HUZE, golden["s1_sq224_image"], selection={"roi": region})
    stored = golden[f"s1_roi_{region}_global"]
    assert left.shape == (2, np.count_nonzero(stored < N_SIDE))
    got = np.hstack([left, right])
    np.testing.assert_allclose(got, golden[f"s1_roi_{region}_true"], rtol=0, atol=2e-5)
    assert region != "mTL-faces" or got.shape == (2, 0)


def test_huze_region_without_vertices_in_one_hemisphere(shared, golden):
    left, right = answer(shared, HUZE, golden["s1_sq224_image"], selection={"roi": "FFA-2"})
    assert left.shape == (2, 0)
    assert right.shape[1] > 0


def test_huze_knows_the_word_form_area_by_both_names(shared):
    card, file = (answer(shared, HUZE, selection={"roi": name}) for name in ("OVWFA", "OWFA"))
    for side in (0, 1):
        assert card[side].shape[1] > 0
        np.testing.assert_array_equal(card[side], file[side])


def test_huze_list_of_regions_is_their_union_in_the_order_of_the_list(shared, cortex, golden):
    names = ["nsdgeneral", "V1v", "V1d", "V1v"]
    left, right = answer(shared, HUZE, golden["s1_sq224_image"], selection={"roi": names})
    metadata = shared.get_model_metadata(HUZE, 1)["fmri"]
    for got, whole, side in ((left, cortex[0], "lh"), (right, cortex[1], "rh")):
        stored = metadata[f"{side}_fsaverage_rois"]
        columns = list(dict.fromkeys(vertex for name in names for vertex in stored[name]))
        np.testing.assert_allclose(got, whole[:, columns], rtol=0, atol=1e-5)


def test_huze_masks_rise_and_an_absent_one_is_the_whole_hemisphere(shared, cortex, golden):
    mask = mask_of(N_SIDE, [9, 4, N_SIDE - 1], list)
    for selection, columns in (
        ({"lh_vertices": mask, "rh_vertices": None}, ([4, 9, N_SIDE - 1], slice(None))),
        ({"rh_vertices": np.array(mask)}, (slice(None), [4, 9, N_SIDE - 1])),
        ({"roi": None, "lh_vertices": mask, "rh_vertices": mask}, ([4, 9, N_SIDE - 1],) * 2),
    ):
        got = answer(shared, HUZE, golden["s1_sq224_image"], selection=selection)
        for side in (0, 1):
            expected = cortex[side][:, columns[side]]
            np.testing.assert_allclose(got[side], expected, rtol=0, atol=1e-5)


def test_huze_region_wins_over_masks(shared):
    mask = mask_of(N_SIDE, [1])
    both = answer(shared, HUZE, selection={"roi": "V1v", "lh_vertices": mask})
    alone = answer(shared, HUZE, selection={"roi": "V1v"})
    for side in (0, 1):
        np.testing.assert_array_equal(both[side], alone[side])
    with pytest.raises(UnknownRegionError, match="V1v"):
        shared.get_encoding_model(HUZE, subject=1, selection={"roi": "V1w"})


def test_huze_subjects_come_by_subject(shared):
    both = answer(shared, HUZE, subject=[1, 2], selection={"roi": "V1v"})
    assert list(both) == ["sub-01", "sub-02"]
    assert [type(each) for each in both.values()] == [tuple, tuple]


# No picture is analysed twice


@pytest.mark.parametrize("model_id", [THINGS, MOSAIC])
def test_another_region_or_subject_never_runs_the_network_again(berg, model_id):
    regions = {THINGS: ("V1", "hV4"), MOSAIC: ("L_V1", "R_4")}[model_id]
    first = berg.get_encoding_model(model_id, subject=1, selection={"roi": [regions[0]]})
    berg.encode(first, STACK)
    assert first.encoder.n_pictures_seen == len(STACK)
    for subject, region in ((1, regions[1]), (2, regions[0]), ([2, 1], regions[1])):
        model = berg.get_encoding_model(model_id, subject=subject, selection={"roi": [region]})
        assert model.encoder is first.encoder
        berg.encode(model, STACK.astype(np.int64))
    assert first.encoder.n_pictures_seen == len(STACK)
    berg.encode(first, STACK[:, :, ::-1])
    assert first.encoder.n_pictures_seen == 2 * len(STACK)


def test_huze_runs_again_for_another_subject_only(berg):
    first = berg.get_encoding_model(HUZE, subject=1, selection={"roi": "V1v"})
    berg.encode(first, STACK)
    runs = first.encoder.n_pictures_seen
    assert runs == 2 * len(STACK)  # two parts
    berg.encode(berg.get_encoding_model(HUZE, subject=1, selection={"roi": "hV4"}), STACK)
    assert first.encoder.n_pictures_seen == runs
    berg.encode(berg.get_encoding_model(HUZE, subject=2, selection={"roi": "hV4"}), STACK)
    assert first.encoder.n_pictures_seen == 2 * runs


def test_an_empty_region_runs_nothing(berg):
    model = berg.get_encoding_model(HUZE, subject=1, selection={"roi": "mTL-faces"})
    berg.encode(model, STACK)
    assert model.encoder.n_pictures_seen == 0


def test_pictures_are_remembered_by_content_and_order(berg):
    model = berg.get_encoding_model(MOSAIC, subject=1)
    straight = flat(berg.encode(model, STACK))
    turned = flat(berg.encode(model, STACK[::-1]))
    np.testing.assert_allclose(turned, straight[::-1], rtol=0, atol=1e-5)
    assert model.encoder.n_pictures_seen == 2 * len(STACK)


def test_what_is_remembered_is_bounded(berg, monkeypatch):
    model = berg.get_encoding_model(MOSAIC, subject=1)
    berg.encode(model, STACK)
    one = berg._shelf._features.n_bytes
    assert one >= 3 * 8 * 26 * 26 * 4 + STACK.nbytes  # maps and pictures
    berg._shelf._features.budget_bytes = 2 * one
    for shift in range(1, 5):
        berg.encode(model, np.roll(STACK, shift, axis=-1))
        assert berg._shelf._features.n_bytes <= 2 * one
    berg.encode(model, STACK)
    assert model.encoder.n_pictures_seen == 6 * len(STACK)


def test_pictures_in_pieces_are_the_whole(shared, cortex, golden, monkeypatch, berg):
    monkeypatch.setattr(berg_pictures, "_PICTURES_AT_ONCE", 1)
    pieces = answer(berg, HUZE, golden["s1_sq224_image"])
    for side in (0, 1):
        np.testing.assert_allclose(pieces[side], cortex[side], rtol=0, atol=2e-5)
    model = berg.get_encoding_model(MOSAIC, subject=1)
    expected = flat(answer(shared, MOSAIC))
    np.testing.assert_allclose(flat(berg.encode(model, STACK)), expected, rtol=0, atol=1e-5)


def test_weights_go_with_the_last_model_and_at_low_memory_after_each_call(berg):
    model = berg.get_encoding_model(MOSAIC, subject=1)
    held = weakref.ref(model.encoder)
    expected = flat(berg.encode(model, STACK, low_mem_use=True))
    assert held() is None
    np.testing.assert_array_equal(flat(berg.encode(model, STACK)), expected)  # they come back
    held = weakref.ref(model.encoder)
    del model
    gc.collect()
    assert held() is None
    frugal = berg.get_encoding_model(MOSAIC, subject=1, low_mem_use=True)
    held = weakref.ref(frugal.encoder)
    berg.encode(frugal, STACK)
    assert held() is None


def test_progress_is_drawn_only_when_asked(berg, capsys):
    model = berg.get_encoding_model(MOSAIC, subject=1)
    berg.encode(model, STACK)
    assert capsys.readouterr().err == ""
    berg.encode(model, STACK, show_progress=True)
    assert "3/3" in capsys.readouterr().err


@pytest.mark.parametrize("model_id", [THINGS, MOSAIC, HUZE])
def test_no_model_of_pictures_asks_a_network(berg_home, monkeypatch, model_id):
    def refuse(*address):
        raise AssertionError(f"asked {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert flat(answer(BERG(berg_home), model_id)).shape[0] == len(STACK)


def test_a_subject_whose_files_arrive_later_is_answered_and_remembered(tmp_path):
    write_vit(tmp_path)
    write_things_subject(THINGS, tmp_path, "sub-01")
    berg = BERG(tmp_path)
    first = berg.get_encoding_model(THINGS, subject=1, device="cpu", selection={"roi": ["V1"]})
    berg.encode(first, STACK)
    write_things_subject(THINGS, tmp_path, "sub-03")
    late = answer(berg, THINGS, subject=3, selection={"roi": ["V1"]})
    fresh = answer(BERG(tmp_path), THINGS, subject=3, selection={"roi": ["V1"]})
    np.testing.assert_allclose(late, fresh, rtol=0, atol=1e-5)
    assert first.encoder.n_pictures_seen == 2 * len(STACK)
    answer(berg, THINGS, subject=[1, 3], selection={"roi": ["V1"]})
    assert first.encoder.n_pictures_seen == 2 * len(STACK)
