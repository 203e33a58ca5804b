"""Onto fsaverage5: which vertices are kept, sampled or nearest, by hand."""

import nibabel as nib
import numpy as np
import pytest

from models import projection
from models.errors import SpaceMismatchError
from models.spaces import load_medial_wall, load_mesh, load_sulcal_depth


def test_full_fsaverage_keeps_the_first_vertices_of_each_hemisphere():
    values = np.arange(327684, dtype=np.float32)[None]
    kept = projection.from_fsaverage(values)[0]
    assert kept.shape == (20484,)
    assert kept[[0, 10241, 10242, 20483]].tolist() == [0, 10241, 163842, 174083]
    with pytest.raises(SpaceMismatchError, match="327,684"):
        projection.from_fsaverage(values[:, :-1])


def test_a_volume_of_coordinates_gives_each_vertex_its_own_place():
    # linear interpolation of x, y, z is exact; ten depths average to midway between the surfaces
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = -100, -130, -80
    cells = np.indices((51, 61, 51)).reshape(3, -1).T
    places_mm = nib.affines.apply_affine(affine, cells).reshape(51, 61, 51, 3)
    image = nib.Nifti1Image(places_mm.astype(np.float32), affine)
    sampled = projection.from_volume(image)
    pial, white = load_mesh("fsaverage5", "pial"), load_mesh("fsaverage5", "white")
    midway = [
        (pial.hemisphere(side).positions + white.hemisphere(side).positions) / 2
        for side in ("left", "right")
    ]
    np.testing.assert_allclose(sampled, np.concatenate(midway).T, atol=2e-3)


def test_cortex_outside_a_volume_is_unknown():
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = 4, -130, -80  # the right half of the head only
    sampled = projection.from_volume(nib.Nifti1Image(np.ones((25, 61, 51), np.float32), affine))
    assert np.isnan(sampled[0, :10242]).mean() > 0.9
    assert np.nanmin(sampled[0, 10242:]) == pytest.approx(1)
    assert np.isfinite(sampled[0, 10242:]).mean() > 0.9


def test_fslr_comes_by_the_nearest_vertex_of_the_same_side():
    places = projection.nearest_fslr()
    assert places[:10242].max() < 32492 <= places[10242:].min()
    carried = projection.from_fslr(load_sulcal_depth("fsLR32k")[None])[0]
    is_cortex = ~load_medial_wall("fsaverage5")
    # folds of two averages of different people, made by different groups
    r = np.corrcoef(carried[is_cortex], load_sulcal_depth("fsaverage5")[is_cortex])[0, 1]
    assert r > 0.95
    crossed = np.roll(carried, 10242)
    assert np.corrcoef(crossed[is_cortex], load_sulcal_depth("fsaverage5")[is_cortex])[0, 1] < 0.2
    with pytest.raises(SpaceMismatchError, match="64,984"):
        projection.from_fslr(np.zeros((1, 64983), np.float32))


def test_what_is_approximate_says_so():
    assert projection.FROM_VOLUME.startswith("Approximate")
    assert projection.FROM_FSLR.startswith("Approximate")
    # the distance that the sentence states
    mesh = load_mesh("fsLR32k", "midthickness")
    there = np.concatenate([mesh.left.positions, mesh.right.positions])[projection.nearest_fslr()]
    pial, white = load_mesh("fsaverage5", "pial"), load_mesh("fsaverage5", "white")
    here = np.concatenate(
        [
            (pial.hemisphere(side).positions + white.hemisphere(side).positions) / 2
            for side in ("left", "right")
        ]
    )
    # the origin of MNI305 is at (-0.0429, 1.5496, 1.1840) in MNI152: FreeSurfer's wiki
    matrix = np.array(
        [[0.9975, -0.0073, 0.0176], [0.0146, 1.0009, -0.0024], [-0.013, -0.0093, 0.9971]]
    )
    moved = here @ matrix.T + [-0.0429, 1.5496, 1.1840]
    is_cortex = ~load_medial_wall("fsaverage5")
    distance_mm = np.linalg.norm(there - moved, axis=1)[is_cortex]
    assert f"{np.median(distance_mm):.1f} mm" in projection.FROM_FSLR
