"""Uploaded responses: every accepted form by its numbers, every bad file by its sentence."""

import gzip
import io

import nibabel as nib
import numpy as np
import pytest

from models import projection
from models.errors import ParameterError
from models.response_files import check_hemispheres, read_patterns, swap_hemispheres
from models.spaces import cortical_grayordinates


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).standard_normal((3, 20484)).astype(np.float32) * 4 + 1


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def gii(rows, structure=""):
    image = nib.GiftiImage()
    for row in rows:
        meta = {"AnatomicalStructurePrimary": structure} if structure else {}
        image.add_gifti_data_array(
            nib.gifti.GiftiDataArray(
                np.asarray(row, np.float32), datatype="NIFTI_TYPE_FLOAT32", meta=meta
            )
        )
    return image.to_bytes()


def cifti(values, kind="scalar", n_vertices=32492):
    """Grayordinates of the cortex, and some voxels of the brain stem that are no cortex."""
    places = cortical_grayordinates()
    left, right = places[places < 32492], places[places >= 32492] - 32492
    axis = nib.cifti2.BrainModelAxis.from_surface(left, n_vertices, "CortexLeft")
    axis += nib.cifti2.BrainModelAxis.from_surface(right, n_vertices, "CortexRight")
    axis += nib.cifti2.BrainModelAxis(
        "BrainStem", voxel=np.array([[1, 2, 3]]), affine=np.eye(4), volume_shape=(9, 9, 9)
    )
    columns = np.concatenate([values, np.full((len(values), 1), 99, np.float32)], axis=1)
    names = [f"map {number}" for number in range(len(values))]
    first = nib.cifti2.ScalarAxis(names)
    if kind == "series":
        first = nib.cifti2.SeriesAxis(0, 2, len(values))
    return nib.Cifti2Image(columns.astype(np.float32), (first, axis)).to_bytes()


@pytest.mark.parametrize(
    ("shape", "n"), [((20484,), 1), ((1, 20484), 1), ((3, 20484), 3), ((2, 10242), 1)]
)
def test_arrays_come_in_as_they_are(rows, shape, n):
    result = read_patterns([("brain.npy", npy(rows[:n].reshape(shape)))])
    np.testing.assert_array_equal(result.values, rows[:n])
    assert result.names == (("brain.npy",) if n == 1 else tuple(f"brain.npy · {k}" for k in "123"))
    assert result.problems == ()


def test_other_number_types_become_single_precision(rows):
    whole = np.rint(rows[:1] * 1000)
    for dtype in (np.float64, np.int16, ">f4", np.float16):
        result = read_patterns([("a.npy", npy(whole.astype(dtype)))])
        np.testing.assert_allclose(result.values, whole.astype(dtype).astype(np.float32))


@pytest.mark.parametrize("n_vertices", [10242, 163842])
def test_a_pair_of_hemispheres_left_first_whatever_the_order(rows, n_vertices):
    both = np.random.default_rng(1).standard_normal((2, 2, n_vertices)).astype(np.float32)
    files = [("sub-1_hemi-R.func.gii", gii(both[1])), ("sub-1_hemi-L.func.gii", gii(both[0]))]
    result = read_patterns(files)
    np.testing.assert_array_equal(result.values[:, :10242], both[0][:, :10242])
    np.testing.assert_array_equal(result.values[:, 10242:], both[1][:, :10242])
    assert len(result.names) == 2
    assert "hemi-L" in result.names[0].split("+")[0]
    assert (projection.FROM_FSAVERAGE in result.notes) == (n_vertices > 10242)


def test_what_the_file_says_of_its_side_comes_before_its_name(rows):
    files = [
        ("lh.gii", gii(rows[:1, :10242], "CortexRight")),
        ("rh.gii.gz", gzip.compress(gii(rows[:1, 10242:], "CortexLeft"))),
    ]
    result = read_patterns(files)
    np.testing.assert_array_equal(result.values, swap_hemispheres(rows[:1]))


def test_a_volume_is_sampled_and_called_approximate():
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = -100, -130, -80
    numbers = np.random.default_rng(2).standard_normal((51, 61, 51, 2)).astype(np.float32)
    image = nib.Nifti1Image(numbers, affine)
    expected = projection.from_volume(image)
    for data in (image.to_bytes(), gzip.compress(image.to_bytes())):
        result = read_patterns([("beta.nii.gz", data)])
        np.testing.assert_array_equal(result.values, expected)
        assert projection.FROM_VOLUME in result.notes
    one = read_patterns([("one.nii", nib.Nifti2Image(numbers[..., 0], affine).to_bytes())])
    np.testing.assert_array_equal(one.values, expected[:1])


@pytest.mark.parametrize("kind", ["scalar", "series"])
def test_grayordinates_of_the_cortex_are_resampled(kind):
    values = np.random.default_rng(3).standard_normal((2, 59412)).astype(np.float32)
    result = read_patterns([("x.dscalar.nii", cifti(values, kind))])
    dense = np.full((2, 64984), np.nan, np.float32)
    dense[:, cortical_grayordinates()] = values
    np.testing.assert_array_equal(result.values, dense[:, projection.nearest_fslr()])
    assert projection.FROM_FSLR in result.notes
    assert any("hold no number" in note for note in result.notes)


def test_what_is_not_measured_stays_unknown_and_is_counted(rows):
    holed = rows.copy()
    holed[:, :150] = 0
    holed[:, 200:230] = np.nan
    result = read_patterns([("a.npy", npy(holed))])
    assert np.isnan(result.values[:, :150]).all()
    assert np.isnan(result.values).sum() == 3 * 180
    assert any("150 vertices are exactly 0" in note for note in result.notes)
    assert any("30 vertices hold no number" in note for note in result.notes)


def test_scale_is_told(rows):
    z = (rows - rows.mean(1, keepdims=True)) / rows.std(1, keepdims=True)
    assert "over vertices" in read_patterns([("z.npy", npy(z))]).notes[0]
    many = np.random.default_rng(4).standard_normal((40, 20484)).astype(np.float32)
    many = many * np.linspace(1, 2, 40)[:, None]  # so that rows are not z-scored
    many = (many - many.mean(0)) / many.std(0, ddof=1)
    assert "over patterns" in read_patterns([("z.npy", npy(many))]).notes[0]
    (note,) = read_patterns([("raw.npy", npy(rows + 900))]).notes
    assert "not z-scored" in note
    assert "raw intensity" in note
    (note,) = read_patterns([("beta.npy", npy(rows))]).notes
    assert note.endswith("not z-scored.")
    half = rows.copy()
    half[:, 10242:] = np.nan
    notes = read_patterns([("half.npy", npy(half))]).notes
    assert any("right hemisphere is empty" in note for note in notes)


def with_npy_shape(shape):
    """A header that claims more than follows."""
    good = npy(np.zeros(4, np.float32))
    return good.replace(b"(4,)", shape)


BAD = {
    "empty": (b"", "empty"),
    "text": (b"not a brain at all" * 40, "none of .npy"),
    "length": (npy(np.ones(20483)), "shape (20483,)"),
    "turned": (npy(np.ones((20484, 3))), "patterns are rows"),
    "no rows": (npy(np.ones((0, 20484))), "(0, 20484)"),
    "objects": (npy(np.array([None] * 20484)), "real numbers"),
    "complex": (npy(np.ones(20484, complex)), "real numbers"),
    "cut": (npy(np.ones(20484))[:-5], "cut short"),
    "giant claim": (with_npy_shape(b"(999999999999,)"), "cut short"),
    "bad header": (b"\x93NUMPY\x01\x00\x08\x00{'a': 1", "cut short"),
    "archive": (b"PK\x03\x04" + bytes(100), "numpy.save"),
    "constant": (npy(np.full(20484, 3.0)), "same everywhere"),
    "zeros": (npy(np.zeros(20484)), "same everywhere"),
    "nan": (npy(np.full(20484, np.nan)), "empty or the same"),
    "infinite": (npy(np.r_[np.inf, np.ones(20483)]), "infinite"),
    "too large": (npy(np.r_[1e300, np.ones(20483)]), "infinite"),
    "gzip cut": (gzip.compress(npy(np.ones(20484)))[:-9], "cut short"),
    "gii cut": (gii(np.ones((1, 10242)))[:900], "cut short"),
    "gii size": (gii(np.ones((1, 2562)), "CortexLeft"), "2,562 vertices"),
    "gii side": (gii(np.ones((1, 10242))), "which"),
    "gii lone": (gii(np.ones((1, 10242)), "CortexLeft"), "right one"),
    "gii surface": (gii([np.ones((10242, 3))]), "a surface"),
    "gii nothing": (gii([]), "no data"),
    "gii elsewhere": (
        gii(np.ones((1, 10242)), "CortexLeft")
        .replace(b"GZipBase64Binary", b"ExternalFileBinary")
        .replace(b'ExternalFileName=""', b'ExternalFileName="/etc/hostname"'),
        "cut short",
    ),
    "gii letters": (gii(np.ones((1, 10242))).replace(b"UTF-8", b"UTe-8"), "cut short"),
    "cifti header": (cifti(np.ones((1, 59412))).replace(b"NamedMap", b"NamedMop"), "cut short"),
    "flat volume": (nib.Nifti1Image(np.ones((5, 5, 1), np.float32), np.eye(4)).to_bytes(), "axes"),
    "volume cut": (nib.Nifti1Image(np.ones((9, 9, 9)), np.eye(4)).to_bytes()[:900], "cut short"),
    "elsewhere": (
        nib.Nifti1Image(np.ones((9, 9, 9), np.float32), np.eye(4)).to_bytes(),
        "empty or the same",
    ),
    "cifti mesh": (cifti(np.ones((1, 59412)), n_vertices=40000), "40,000 vertices"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_costs_one_sentence_and_not_the_others(rows, case):
    data, words = BAD[case]
    result = read_patterns([("bad.bin", data), ("good.npy", npy(rows[0]))])
    np.testing.assert_array_equal(result.values, rows[:1])
    assert result.names == ("good.npy",)
    (problem,) = result.problems
    assert words in problem
    assert "bad.bin" in problem


def test_areas_are_not_vertices_and_a_pair_must_agree(rows):
    axis = nib.cifti2.ScalarAxis(["a", "b"])
    areas = nib.Cifti2Image(np.ones((2, 2), np.float32), (axis, axis)).to_bytes()
    assert "not dense" in read_patterns([("x.nii", areas)]).problems[0]
    files = [("lh.gii", gii(rows[:1, :10242])), ("rh.gii", gii(rows[:2, 10242:]))]
    result = read_patterns(files)
    assert "1 patterns" in result.problems[0]
    assert result.values.shape == (0, 20484)
    assert result.names == ()


def test_swapped_hemispheres_show_when_the_truth_is_known():
    truth = np.array([0.0, 1, 0, 2, 0, 1, 0, 3])
    wrong = np.array([9.0, 20, 14, 2, 30, 11, 25, 17])
    found = check_hemispheres(wrong, truth)
    # 7 of 7 that differ are better: p = 1 / 128
    assert found.is_swapped
    assert (found.n_better, found.n_worse) == (7, 0)
    assert found.p == pytest.approx(1 / 128)
    assert "came first" in found.sentence
    right = check_hemispheres(truth, wrong)
    assert not right.is_swapped
    assert "looks right" in right.sentence
    few = check_hemispheres(wrong[:3], truth[:3])
    assert not few.is_swapped
    assert "too few" in few.sentence
    assert "too few" in check_hemispheres(truth, truth).sentence


def test_swapping_exchanges_the_halves(rows):
    swapped = swap_hemispheres(rows)
    np.testing.assert_array_equal(swapped[:, :10242], rows[:, 10242:])
    np.testing.assert_array_equal(swap_hemispheres(swapped), rows)
    with pytest.raises(ParameterError, match="20484"):
        swap_hemispheres(rows[:, 1:])
    with pytest.raises(ParameterError, match="as many"):
        check_hemispheres(np.zeros(3), np.zeros(4))
