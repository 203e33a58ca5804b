"""Maps of synthetic metadata in the published layout: units, unknown values, places, sources."""

import numpy as np
import pytest

from models.encoders._maps import huze_overlays, mosaic_overlays, things_overlays
from models.errors import WeightsError
from models.spaces import FSAVERAGE, FSLR32K, cortical_grayordinates, get_space
from models.weights.pickles import read_numpy_dict

NAN = np.nan
VOXELS = get_space("things-voxels-sub-01")


def stored(folder, content):
    """The dictionary as it comes back from a published file."""
    path = folder / "metadata.npy"
    np.save(path, content, allow_pickle=True)
    return read_numpy_dict(path)


def side(first, rest=0.25, dtype=np.float32):
    """One hemisphere's map: a few chosen values, then one and the same."""
    values = np.full(FSAVERAGE.n_left, rest, dtype)
    values[: len(first)] = first
    return values


def by_id(overlays):
    return {overlay.id: overlay for overlay in overlays}


def test_huze_maps_are_joined_left_before_right_and_say_where_they_are_from(tmp_path):
    content = {
        "encoding_models": {
            "lh_correlation_nsdcore": side([0.5, -0.1]),
            "rh_correlation_nsdcore": side([0.75]),
            "lh_correlation_nsdsynthetic": side([0.1]),
            "rh_correlation_nsdsynthetic": side([0.2]),
        },
        "fmri": {"lh_ncsnr": side([1.5]), "rh_ncsnr": side([2.5])},
    }
    found = by_id(huze_overlays(stored(tmp_path, content), "metadata_subject-01.npy"))
    assert set(found) == {"correlation_nsdcore", "correlation_nsdsynthetic", "ncsnr"}
    core = found["correlation_nsdcore"]
    assert core.values.shape == (327_684,)
    assert core.values[[0, 1, 163_842]].tolist() == pytest.approx([0.5, -0.1, 0.75])
    assert core.is_accuracy
    assert not found["correlation_nsdsynthetic"].is_accuracy
    assert core.source == "metadata_subject-01.npy: encoding_models, correlation_nsdcore"
    assert "515" in core.description
    assert "286" in found["correlation_nsdsynthetic"].description
    assert found["ncsnr"].units == "signal SD / noise SD"
    assert found["ncsnr"].values[163_842] == 2.5
    assert not core.values.flags.writeable


def test_what_a_quantity_cannot_be_is_unknown_and_not_a_value(tmp_path):
    content = {
        "encoding_models": {
            "lh_correlation_nsdcore": side([-99, 2, NAN, np.inf, 1]),
            "rh_correlation_nsdcore": side([]),
            "lh_r2_nsdcore": side([-3, 1.5]),
            "rh_r2_nsdcore": side([]),
        },
        "fmri": {"lh_ncsnr": side([-1, 0]), "rh_ncsnr": side([])},
    }
    found = by_id(huze_overlays(stored(tmp_path, content), "file"))
    correlation = found["correlation_nsdcore"].values
    assert np.isnan(correlation[:4]).all()
    assert correlation[4] == 1
    assert found["r2_nsdcore"].values[0] == -3  # worse than the mean, which can be
    assert np.isnan(found["r2_nsdcore"].values[1])
    assert np.isnan(found["ncsnr"].values[0])
    assert found["ncsnr"].values[1] == 0


@pytest.mark.parametrize(("largest", "unit"), [(0.9, "share of variance (0 to 1)"), (64.0, "%")])
def test_percent_is_told_from_the_values(tmp_path, largest, unit):
    content = {
        "encoding_models": {
            "lh_noise_ceiling_nsdcore": side([largest, 0.1], dtype=np.float64),
            "rh_noise_ceiling_nsdcore": side([]),
        }
    }
    (ceiling,) = huze_overlays(stored(tmp_path, content), "file")
    assert ceiling.units.startswith(unit)
    assert ("In percent" in ceiling.description) == (unit == "%")
    assert ceiling.values[0] == np.float32(largest)


def test_absent_one_sided_and_empty_maps_are_left_out(tmp_path):
    content = {
        "encoding_models": {
            "lh_correlation_nsdcore": side([0.5]),
            "lh_r2_nsdcore": side([], rest=NAN),
            "rh_r2_nsdcore": side([], rest=NAN),
        },
        "fmri": {"lh_fsaverage_rois": {}},
    }
    assert huze_overlays(stored(tmp_path, content), "file") == ()
    assert huze_overlays({}, "file") == ()
    assert things_overlays({"roi": {}}, VOXELS, "file") == ()
    assert mosaic_overlays({}, "file") == ()


def test_a_map_of_another_shape_is_refused_by_name(tmp_path):
    content = {
        "encoding_models": {
            "lh_correlation_nsdcore": np.zeros(10_242, np.float32),
            "rh_correlation_nsdcore": side([]),
        }
    }
    with pytest.raises(WeightsError, match=r"file: lh_correlation_nsdcore.*163,842"):
        huze_overlays(stored(tmp_path, content), "file")
    with pytest.raises(WeightsError, match="correlation_results"):
        things_overlays({"encoding_model": {"correlation_results": ["a"]}}, VOXELS, "file")


def voxels(first, rest=0.0):
    values = np.full(VOXELS.n_places, rest, np.float64)
    values[: len(first)] = first
    return values


def test_things_maps_and_their_units(tmp_path):
    content = {
        "encoding_model": {
            "train_stimuli": np.array(["a.jpg"]),
            "correlation_results": voxels([0.4, NAN]),
            "noise_ceiling_testset": voxels([55.0, 3.0]),
            "noise_ceiling_singletrial": voxels([12.0]),
        }
    }
    found = by_id(things_overlays(stored(tmp_path, content), VOXELS, "metadata_sub-01.npy"))
    assert set(found) == {
        *("correlation", "noise_ceiling_testset", "noise_ceiling_singletrial"),
    }
    assert found["correlation"].units == "correlation (Pearson r)"
    assert found["noise_ceiling_testset"].units == "% of variance"
    assert [one.id for one in found.values() if one.is_accuracy] == [
        *("correlation", "noise_ceiling_testset"),
    ]
    assert np.isnan(found["correlation"].values[1])


@pytest.mark.parametrize("is_swapped", [False, True])
def test_the_larger_reliability_is_the_corrected_one(tmp_path, is_swapped):
    # Spearman-Brown: r_full = 2 r / (1 + r), larger than r for r in (0, 1).
    half, full = voxels([], 0.5), voxels([], 2 / 3)
    names = ("splithalf_corrected", "splithalf_uncorrected")
    content = {
        "encoding_model": dict(zip(names[::-1] if is_swapped else names, (full, half), strict=True))
    }
    found = by_id(things_overlays(stored(tmp_path, content), VOXELS, "file"))
    assert found["splithalf_corrected"].values[0] == pytest.approx(2 / 3)
    assert found["splithalf_uncorrected"].values[0] == pytest.approx(0.5)
    assert names[is_swapped] in found["splithalf_corrected"].description


def test_prf_maps_are_unknown_where_the_fit_explains_nothing(tmp_path):
    content = {
        "prf": {
            "prf_rsquared": voxels([0.5, 0.0, NAN, 0.2, 0.1]),
            "prf_polarangle": voxels([350.0, 10.0, 20.0, 360.5, 0.0]),
            "prf_eccentricity": voxels([3.0, 0.0, 2.0, -1.0, 0.0]),
            "prf_size": voxels([1.0, 0.0, 1.0, 2.0, 500.0]),
        }
    }
    found = by_id(things_overlays(stored(tmp_path, content), VOXELS, "file"))
    angle = found["prf_polarangle"]
    np.testing.assert_array_equal(angle.values[:5], np.float32([350, NAN, NAN, NAN, 0]))
    np.testing.assert_array_equal(
        found["prf_eccentricity"].values[:5], np.float32([3, NAN, NAN, NAN, 0])
    )
    np.testing.assert_array_equal(found["prf_size"].values[:5], np.float32([1, NAN, NAN, 2, NAN]))
    assert (angle.minimum, angle.maximum, angle.units, angle.colormap) == (0, 360, "°", "twilight")
    assert np.isnan(found["prf_size"].values[5:]).all()  # no fit: all zeros in the file
    assert found["prf_rsquared"].values[1] == 0


@pytest.mark.parametrize("part", [None, "encoding_models", "fmri"])
def test_mosaic_ceilings_lie_on_the_cortex_of_fslr32k(tmp_path, part):
    ceiling = np.arange(91_282, dtype=np.float32) / 91_282
    ceiling[7] = NAN
    held = {"noise_ceiling": {"test_n-avg_noiseceiling": ceiling}}
    found = mosaic_overlays(stored(tmp_path, {part: held} if part else held), "sub-01.npy")
    (overlay,) = found
    places = cortical_grayordinates()
    assert overlay.values.shape == (FSLR32K.n_places,)
    assert overlay.values[places[1000]] == ceiling[1000]
    assert np.isnan(overlay.values[places[7]])
    is_wall = np.ones(FSLR32K.n_places, bool)
    is_wall[places] = False
    assert np.isnan(overlay.values[is_wall]).all()
    assert overlay.is_accuracy
    assert overlay.units == "share of variance (0 to 1)"


def test_mosaic_tells_pictures_and_repeats_apart(tmp_path):
    sets = [f"{p}_{r}_noiseceiling" for p in ("test", "artificial") for r in ("n-avg", "n-1")]
    content = {"noise_ceiling": {name: np.full(91_282, 0.5, np.float32) for name in sets}}
    found = mosaic_overlays(stored(tmp_path, content), "file")
    assert [one.id for one in found] == [
        "noise_ceiling_test_n-avg",
        "noise_ceiling_test_n-1",
        "noise_ceiling_artificial_n-avg",
        "noise_ceiling_artificial_n-1",
    ]
    assert [one.is_accuracy for one in found] == [True, False, False, False]
    assert len({one.title for one in found}) == 4
