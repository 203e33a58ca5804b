"""Metadata in BERG's shape, with what the models' pages promise of it."""

import numpy as np
import pytest

from models import BERG
from models.errors import OfflineError, SelectionError
from tests.berg_samples import HUZE, MOSAIC, TEXT, THINGS, save_metadata
from tests.models.encoders.published_samples import mosaic_vertices, things_regions

NETWORKS = ["Cont", "Default", "DorsAttn", "Limbic", "SalVentAttn", "SomMot", "Vis"]


def test_one_subject_is_a_dictionary_several_are_by_subject(berg):
    one = berg.get_model_metadata(THINGS, subject=2)
    np.testing.assert_array_equal(one["roi"]["V1"], things_regions("sub-02")["V1"])
    both = berg.get_model_metadata(model_id=THINGS, subject=[1, 2])
    assert list(both) == ["sub-01", "sub-02"]
    np.testing.assert_array_equal(both["sub-02"]["roi"]["V1"], one["roi"]["V1"])
    assert "lh_fsaverage_rois" in berg.get_model_metadata(HUZE, 1)["fmri"]


def test_text_shares_its_metadata(berg):
    for named in ({}, {"subject": 1}, {"subject": "all"}):
        masks = berg.get_model_metadata(TEXT, **named)["roi_masks"]
        assert sorted(masks) == NETWORKS
        assert np.sum(list(masks.values()), axis=0).tolist() == [1] * 1000


def test_a_subject_is_needed_elsewhere(berg):
    with pytest.raises(SelectionError, match="subject is one of"):
        berg.get_model_metadata(THINGS)


def test_arrays_may_be_written_into_and_outlive_the_file(tmp_path):
    content = {"fmri": {"voxel_coords": np.arange(30_000).reshape(-1, 3)}}
    save_metadata(THINGS, tmp_path, "metadata_sub-01.npy", content)
    metadata = BERG(tmp_path).get_model_metadata(THINGS, 1)
    next(tmp_path.rglob("metadata_sub-01.npy")).unlink()
    array = metadata["fmri"]["voxel_coords"]
    array += 1
    assert array[-1, -1] == 30_000


VERTICES = mosaic_vertices()
GROUPS = np.arange(len(VERTICES)) % 22 + 1
NEWER = {"vertex_mapping_all": VERTICES, "glasser_group_id": GROUPS, "roi": {"L_V1": VERTICES[:9]}}
OLDER = {
    "encoding_models": {"vertex_mapping_all": VERTICES.astype(np.int32), "note": "kept"},
    "fmri": {"glasser_group_id": GROUPS, "roi": {"L_V1": VERTICES[:9]}},
}
WITHOUT = {"roi": {"L_V1": VERTICES[:300], "R_V1": VERTICES[300:]}, "glasser_group_id": GROUPS}


@pytest.mark.parametrize("stored", [NEWER, OLDER, WITHOUT], ids=["newer", "older", "regions only"])
def test_mosaics_mapping_is_where_the_page_lists_it_and_where_its_example_looks(tmp_path, stored):
    save_metadata(MOSAIC, tmp_path, "NSD/sub-01.npy", stored)
    metadata = BERG(tmp_path).get_model_metadata(MOSAIC, 1)
    for part in (metadata, metadata["encoding_models"]):
        np.testing.assert_array_equal(part["vertex_mapping_all"], VERTICES)
        np.testing.assert_array_equal(part["glasser_group_id"], GROUPS)
    assert "L_V1" in metadata["roi"]
    if stored is OLDER:
        assert metadata["encoding_models"]["note"] == "kept"


@pytest.mark.parametrize("is_swapped", [False, True])
def test_things_corrected_reliability_is_the_larger_one(tmp_path, is_swapped):
    raw = np.array([0.2, 0.5, -0.3, np.nan, 0.0])
    corrected = 2 * raw / (1 + raw)  # Spearman and Brown
    names = ["splithalf_uncorrected", "splithalf_corrected"]
    arrays = [corrected, raw] if is_swapped else [raw, corrected]
    content = {"encoding_model": dict(zip(names, arrays, strict=True))}
    save_metadata(THINGS, tmp_path, "metadata_sub-01.npy", content)
    held = BERG(tmp_path).get_model_metadata(THINGS, 1)["encoding_model"]
    np.testing.assert_array_equal(held["splithalf_corrected"], corrected)
    np.testing.assert_array_equal(held["splithalf_uncorrected"], raw)


def test_networks_in_lower_case_get_the_pages_spelling(tmp_path):
    masks = {name.lower(): np.zeros(1000, int) for name in NETWORKS}
    save_metadata(TEXT, tmp_path, "metadata.npy", {"roi_masks": masks})
    assert sorted(BERG(tmp_path).get_model_metadata(TEXT, 1)["roi_masks"]) == NETWORKS


def test_an_absent_file_is_named_with_its_command(tmp_path):
    with pytest.raises(OfflineError, match=r"sub-08\.npy is missing.*fetch .*verticesAll"):
        BERG(tmp_path).get_model_metadata(MOSAIC, 8)
