"""NIfTI and CIFTI: every value at its place, TR, unit and provenance in the header."""

import gzip
import json
import warnings

import nibabel as nib
import numpy as np
import pytest

from models.atlases import load_atlas
from models.errors import Cancelled, RenderError, SpaceMismatchError
from models.export_images import MOST_VOLUMES, cifti, nifti_parcels, nifti_voxels
from models.spaces import FSAVERAGE5, FSLR32K, MMP360, load_medial_wall
from models.types import Space
from models.voxel_grid import VoxelGrid
from tests.models.samples import a_response

THREE = Space("three", "parcels", 2, 1)
VOXELS = Space("voxels", "volume", 3, 0)
NAN = np.nan

# 1 mm voxels from x = -20 mm to the right, y = -30, z = 10.
AFFINE = np.array([[1.0, 0, 0, -20], [0, 1, 0, -30], [0, 0, 1, 10], [0, 0, 0, 1]])


@pytest.fixture
def atlas(tmp_path):
    """Three boxes of several voxels each, none at the edge of the volume."""
    labels = np.zeros((20, 22, 24), np.int16)
    labels[4:8, 4:8, 4:8] = 1
    labels[10:14, 4:10, 4:8] = 2
    labels[4:8, 12:18, 8:16] = 3
    return write_labels(tmp_path, labels)


def write_labels(folder, labels):
    path = folder / "parcels.nii.gz"
    nib.save(nib.Nifti1Image(labels, AFFINE), path)
    return path


def courses(values, space=THREE, **changes):
    """Response over time, 1.49 s a row."""
    n_rows = len(values)
    labels = tuple(f"{1.49 * row:g}" for row in range(n_rows))
    return a_response(values, space, row_labels=labels, row_kind="seconds", **changes)


def read_nifti(content):
    return nib.Nifti1Image.from_bytes(gzip.decompress(content))


def value_at(image, x, y, z):
    """Values over time at a place in mm, and whether a voxel's middle lies there."""
    index = np.linalg.inv(image.affine) @ (x, y, z, 1)
    np.testing.assert_allclose(index[:3], np.rint(index[:3]), atol=1e-6)
    return image.get_fdata()[tuple(np.rint(index[:3]).astype(int))]


def test_parcels_lie_where_the_atlas_has_them(atlas):
    image = read_nifti(nifti_parcels(courses([[1, 2, 3], [-1, NAN, 0.5]]), atlas, tr_s=1.49))
    np.testing.assert_array_equal(value_at(image, -20 + 6, -30 + 4, 10 + 6), [1, -1])
    np.testing.assert_array_equal(value_at(image, -20 + 12, -30 + 8, 10 + 4), [2, NAN])
    np.testing.assert_array_equal(value_at(image, -20 + 4, -30 + 16, 10 + 14), [3, 0.5])
    assert np.isnan(value_at(image, -20 + 10, -30 + 14, 10 + 10)).all()  # between the boxes


def test_parcels_come_cut_to_their_box_with_every_second_voxel(atlas):
    image = read_nifti(nifti_parcels(courses([[1, 2, 3]]), atlas, tr_s=1.49))
    # From voxel 4 to 12, 4 to 16 and 4 to 14.
    assert image.shape == (5, 7, 6, 1)
    counts = [int((image.get_fdata() == label).sum()) for label in (1, 2, 3)]
    assert counts == [2 * 2 * 2, 2 * 3 * 2, 2 * 3 * 4]


def test_parcel_of_one_odd_voxel_is_not_lost(tmp_path):
    labels = np.zeros((9, 9, 9), np.uint8)
    labels[2, 2, 2], labels[3, 5, 7], labels[6, 6, 6] = 1, 2, 3
    image = read_nifti(nifti_parcels(courses([[1, 2, 3]]), write_labels(tmp_path, labels)))
    assert image.header.get_zooms()[:3] == (1, 1, 1)
    np.testing.assert_array_equal(value_at(image, -20 + 3, -30 + 5, 10 + 7), [2])


def test_header_holds_time_unit_and_provenance(atlas):
    image = read_nifti(nifti_parcels(courses([[1, 2, 3]] * 2), atlas, tr_s=1.49))
    header = image.header
    assert header.get_zooms() == pytest.approx((2, 2, 2, 1.49))
    assert header.get_xyzt_units() == ("mm", "sec")
    assert (int(header["sform_code"]), int(header["qform_code"])) == (4, 4)
    np.testing.assert_allclose(image.get_qform(), image.get_sform())
    assert bytes(header["descrip"]).rstrip(b"\0") == b"Boldcast: prediction, not measured"
    (extension,) = header.extensions
    facts = json.loads(extension.get_content())
    assert facts["what"] == "Boldcast: prediction, not measured"
    assert facts["model"] == "Reference model (R1) [reference-vision]"
    assert facts["version"] == "R1 parameters 1"
    assert facts["subject"] == "Average brain"
    assert facts["unit"] == "relative response (model units)"
    assert facts["tr"] == "1.49 s"
    assert facts["limits"] == "0 to 3"
    assert facts["voxels"] == "atlas: parcels.nii.gz"
    assert json.loads(facts["rows"]) == ["0", "1.49"]


def test_columns_that_are_not_there_are_nan(atlas):
    response = courses([[7]], columns=[1])
    image = read_nifti(nifti_parcels(response, atlas, tr_s=1.49))
    assert np.isnan(value_at(image, -20 + 6, -30 + 4, 10 + 6)).all()
    np.testing.assert_array_equal(value_at(image, -20 + 12, -30 + 8, 10 + 4), [7])


def test_equal_responses_give_equal_volumes(atlas):
    one, other = (nifti_parcels(courses([[1, 2, 3]]), atlas, tr_s=1.49) for _ in range(2))
    assert one == other


def test_pictures_have_no_time(atlas):
    image = read_nifti(nifti_parcels(a_response([[1, 2, 3]] * 2, THREE), atlas))
    assert image.header.get_xyzt_units() == ("mm", "unknown")
    assert image.header["pixdim"][4] == 0


def test_volumes_are_read_by_nilearn_from_disk(atlas, tmp_path):
    from nilearn.image import load_img, mean_img

    path = tmp_path / "series.nii.gz"
    path.write_bytes(nifti_parcels(courses([[1, 2, 3], [3, 2, 1]]), atlas, tr_s=1.49))
    assert load_img(path).shape[3] == 2
    mean = np.asarray(mean_img(path, copy_header=True).dataobj)
    assert set(np.unique(mean[mean > 0])) == {2}


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (a_response([[0] * 8]), "toy holds surface"),
        (a_response([[0, 0]], Space("two", "parcels", 1, 1)), "parcels 1 to 2"),
        (a_response(np.zeros((MOST_VOLUMES + 1, 3)), THREE), "32,767 volumes"),
    ],
)
def test_what_does_not_fit_the_atlas_is_refused(atlas, response, words):
    with pytest.raises(SpaceMismatchError, match=words):
        nifti_parcels(response, atlas, tr_s=1)


@pytest.mark.parametrize("content", [b"", b"no volume at all" * 100])
def test_damaged_atlas_is_said(tmp_path, content):
    path = tmp_path / "parcels.nii.gz"
    path.write_bytes(content)
    with pytest.raises(RenderError, match=r"parcels\.nii\.gz is no volume"):
        nifti_parcels(courses([[1, 2, 3]]), path, tr_s=1)


def test_writing_volumes_tells_and_stops(atlas):
    told = []

    def report(stage, done, total):
        told.append((stage, done, total))
        if done == 2:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        nifti_parcels(courses([[1, 2, 3]] * 5), atlas, tr_s=1, report=report)
    assert told == [("writing the volumes", done, 5) for done in range(3)]


# Voxels

GRID = VoxelGrid((3, 4, 5), np.array([[0, 1, 2], [2, 3, 4], [1, 0, 0]]))


def test_voxels_lie_in_their_cells():
    response = courses([[1, 2, 3], [4, NAN, 6]], VOXELS)
    values = read_nifti(nifti_voxels(response, GRID, tr_s=2)).get_fdata()
    expected = np.full((3, 4, 5, 2), NAN)
    expected[0, 1, 2], expected[2, 3, 4], expected[1, 0, 0] = [1, 4], [2, NAN], [3, 6]
    np.testing.assert_array_equal(values, expected)


def test_voxels_without_a_space_claim_none():
    header = read_nifti(nifti_voxels(courses([[1, 2, 3]], VOXELS), GRID, tr_s=2)).header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (0, 0)
    assert header.get_xyzt_units() == ("unknown", "sec")
    assert b"voxel indices, no scanner space" in bytes(header["descrip"])
    told = json.loads(header.extensions[0].get_content())["voxels"]
    assert "no scanner space" in told
    assert GRID.basis in told


def test_voxels_with_a_known_affine_lie_there():
    affine = np.array([[0, -2.0, 0, 5], [2, 0, 0, 6], [0, 0, 2.5, 7], [0, 0, 0, 1]])
    image = read_nifti(nifti_voxels(courses([[1, 2, 3]], VOXELS), GRID, affine=affine, tr_s=2))
    np.testing.assert_allclose(image.affine, affine)
    assert image.header.get_zooms() == pytest.approx((2, 2, 2.5, 2))
    assert image.header.get_xyzt_units() == ("mm", "sec")


@pytest.mark.parametrize("space", [THREE, Space("four", "volume", 4, 0)])
def test_another_grid_is_refused(space):
    with pytest.raises(SpaceMismatchError, match="grid has 3 voxels"):
        nifti_voxels(a_response(np.zeros((1, space.n_places)), space), GRID)


# CIFTI


def read_cifti(files, ending):
    ((name, content),) = files.items()
    assert name == f"boldcast_reference-vision_Average-brain_values.{ending}.nii"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return nib.Cifti2Image.from_bytes(content)


def surface_values(n_rows):
    """A number for each vertex and row; NaN on the medial wall."""
    values = np.arange(FSLR32K.n_places) + 1e5 * np.arange(n_rows)[:, None]
    return np.where(load_medial_wall("fsLR32k"), NAN, values)


def test_dense_series_has_each_vertex_under_its_structure():
    response = courses(surface_values(3), FSLR32K)
    image = read_cifti(cifti(response, tr_s=1.49), "dtseries")
    assert image.nifti_header.get_intent()[0] == "ConnDenseSeries"
    data, time, brain = image.get_fdata(), image.header.get_axis(0), image.header.get_axis(1)
    assert data.shape == (3, 59_412)
    np.testing.assert_allclose(time.time, [0, 1.49, 2.98])
    assert time.unit == "SECOND"
    sides = {str(name): (part, model) for name, part, model in brain.iter_structures()}
    assert list(sides) == ["CIFTI_STRUCTURE_CORTEX_LEFT", "CIFTI_STRUCTURE_CORTEX_RIGHT"]
    left, right = sides.values()
    assert (len(left[1]), len(right[1])) == (29_696, 29_716)
    np.testing.assert_array_equal(data[0, left[0]], left[1].vertex)
    np.testing.assert_array_equal(data[2, right[0]], right[1].vertex + 32_492 + 2e5)
    assert brain.nvertices == dict.fromkeys(sides, 32_492)
    assert image.get_data_dtype() == np.float32


def test_parcel_series_has_each_area_with_its_vertices():
    values = np.arange(360.0)[None] + [[0], [1000]]
    image = read_cifti(cifti(courses(values, MMP360), tr_s=2.0), "ptseries")
    assert image.nifti_header.get_intent()[0] == "ConnParcelSries"
    np.testing.assert_array_equal(image.get_fdata(), values)
    areas, atlas = image.header.get_axis(1), load_atlas("fsLR32k", "mmp")
    assert areas.name[0] == "L_V1"
    assert areas.name[180] == "R_V1"
    assert len(set(areas.name)) == 360
    (vertices,) = areas["R_MST"][1].values()
    expected = np.flatnonzero(atlas.mask("MST", "right")) - FSLR32K.n_left
    np.testing.assert_array_equal(np.sort(vertices), expected)


def test_pictures_become_named_maps():
    response = a_response(np.zeros((2, 360)), MMP360, row_labels=("cat.png", "dög.png"))
    image = read_cifti(cifti(response), "pscalar")
    assert image.header.get_axis(0).name.tolist() == ["cat.png", "dög.png"]
    dense = read_cifti(cifti(a_response(surface_values(1), FSLR32K)), "dscalar")
    assert dense.nifti_header.get_intent()[0] == "ConnDenseScalar"


def test_cifti_carries_provenance_and_places_without_a_column_are_nan():
    response = courses([[5]], MMP360, columns=[181])
    image = read_cifti(cifti(response, tr_s=2.0), "ptseries")
    facts = image.header.matrix.metadata
    assert facts["description"] == "Boldcast: prediction, not measured"
    assert facts["unit"] == "relative response (model units)"
    assert facts["tr"] == "2 s"
    assert facts["limits"] == "0 to 5"
    assert json.loads(facts["settings"]) == {"visual_angle_deg": 8.4}
    values = image.get_fdata()[0]
    assert values[181] == 5
    assert np.isnan(np.delete(values, 181)).all()


def test_values_on_the_medial_wall_are_not_dropped_in_silence():
    with pytest.raises(SpaceMismatchError, match="medial wall"):
        cifti(a_response(np.zeros((1, FSLR32K.n_places)), FSLR32K))


def test_other_spaces_have_no_cifti():
    with pytest.raises(SpaceMismatchError, match="fsLR32k or mmp360; the response is on fsavera"):
        cifti(a_response(np.zeros((1, FSAVERAGE5.n_places)), FSAVERAGE5))
