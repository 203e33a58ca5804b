"""The glass brain's projections beside those of nilearn's own figure of the same data."""

import nibabel as nib
import numpy as np
import pytest
from scipy.spatial import cKDTree

from models.drawing.glass import GlassProjector
from tests.models.drawing.glass_samples import project


@pytest.fixture(scope="module")
def parcels():
    """A thousand parcels of grey matter at 2 mm: 1 to 500 left, the others right."""
    from nilearn.datasets import load_mni152_gm_template

    image = load_mni152_gm_template(resolution=2)
    cells = np.argwhere(image.get_fdata() > 0.35)
    positions = nib.affines.apply_affine(image.affine, cells)
    labels = np.zeros(image.shape, np.int16)
    rng = np.random.default_rng(0)
    for first, side in ((1, positions[:, 0] < 0), (501, positions[:, 0] >= 0)):
        points = positions[side]
        seeds = points[rng.choice(len(points), 500, replace=False)]
        labels[tuple(cells[side].T)] = cKDTree(seeds).query(points)[1] + first
    return labels, image.affine


@pytest.fixture(scope="module")
def activity():
    return np.random.default_rng(1).normal(size=(1, 1000)).astype(np.float32)


@pytest.fixture(scope="module")
def nilearn_maps(parcels, activity):
    """What nilearn draws of the same data: per view its map and where that lies, in mm."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from nilearn.plotting import plot_glass_brain

    labels, affine = parcels
    volume = np.append(np.float32(0), activity[0])[labels]
    figure = Figure((9.5, 3.0), dpi=100)
    FigureCanvasAgg(figure)
    display = plot_glass_brain(
        nib.Nifti1Image(volume, affine),
        figure=figure,
        display_mode="lyrz",
        plot_abs=False,
        threshold=1e-6,
        colorbar=False,
    )
    return {
        name: (np.ma.filled(axes.ax.images[0].get_array(), 0.0), axes.ax.images[0].get_extent())
        for name, axes in display.axes.items()
    }


def on_our_cells(view, theirs, extent):
    """Nilearn's map at the middles of our cells."""
    left, right, bottom, top = extent
    across = view.across[1] + view.across[2] * np.arange(view.width)
    up = view.up[1] + view.up[2] * np.arange(view.height)
    column = np.floor((across - left) / (right - left) * theirs.shape[1]).astype(int)
    row = np.floor((top - up) / (top - bottom) * theirs.shape[0]).astype(int)
    padded = np.pad(theirs, 1)  # zero outside
    column = np.clip(column + 1, 0, theirs.shape[1] + 1)
    row = np.clip(row + 1, 0, theirs.shape[0] + 1)
    return padded[np.ix_(row, column)]


def test_maps_are_nilearns(parcels, activity, nilearn_maps, tmp_path):
    labels, affine = parcels
    path = tmp_path / "parcels.nii.gz"
    nib.save(nib.Nifti1Image(labels, affine), path)
    projector = GlassProjector("schaefer1000", atlas_volume=path)
    sequence = projector.project(activity)
    step = (sequence.maximum - sequence.minimum) / 254
    assert [view.name for view in sequence.views] == list(nilearn_maps)
    for number, view in enumerate(sequence.views):
        theirs = on_our_cells(view, *nilearn_maps[view.name])
        ours = np.nan_to_num(sequence.picture(0, number))
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.999
        assert np.abs(ours - theirs).max() <= step / 2 * 1.01
        assert (theirs != 0).sum() > 3000


def test_a_finer_and_turned_volume_gives_the_same_map(parcels, activity, tmp_path):
    """The published atlas has 1 mm voxels, the first index rising to the left."""
    labels, affine = parcels
    first = affine[:3, 3]
    assert (affine[:3, :3] == np.diag([2, 2, 2])).all()
    assert (first % 2 == 0).all()
    index = []
    for axis in range(3):
        mm = first[axis] + np.arange(2 * labels.shape[axis] - 1)
        nearest = np.sign(mm) * np.floor(np.abs(mm) / 2 + 0.5) * 2  # away from the middle
        index.append(np.clip((nearest - first[axis]) // 2, 0, labels.shape[axis] - 1).astype(int))
    fine = labels[np.ix_(*index)][::-1]
    turned = np.diag([-1.0, 1.0, 1.0, 1.0])
    turned[:3, 3] = (first[0] + len(fine) - 1, first[1], first[2])
    path = tmp_path / "fine.nii.gz"
    nib.save(nib.Nifti1Image(fine, turned), path)
    coarse = GlassProjector.from_volume(labels.astype(np.int64), affine).project(activity)
    finer = GlassProjector("schaefer1000", atlas_volume=path).project(activity)
    np.testing.assert_array_equal(finer.codes, coarse.codes)


def test_outline_lies_where_nilearn_puts_it(parcels, nilearn_maps):
    """Its highest and its frontmost point in MNI space: about z = 80 mm, y = 73 mm."""
    sequence = project(parcels_as_int(parcels), np.zeros((1, 1000)))
    for view in sequence.views:
        points = np.concatenate([stroke.points for stroke in view.strokes])
        across = view.across[1] + (points[:, 0] - 0.5) * view.across[2]
        up = view.up[1] + (points[:, 1] - 0.5) * view.up[2]
        if view.name in "lr":
            assert across.max() == pytest.approx(75, abs=6)
            assert across.min() == pytest.approx(-107, abs=6)
        else:
            assert -across.min() == pytest.approx(across.max(), abs=4)
        assert up.max() == pytest.approx(73 if view.name == "z" else 82, abs=8)
        assert (points >= 0).all()
        assert (points[:, 0] <= view.width).all()
        assert (points[:, 1] <= view.height).all()
        assert {stroke.colour for stroke in view.strokes} == {"#000000", "#a6a6a6"}


def parcels_as_int(parcels):
    labels, affine = parcels
    return labels.astype(np.int64), affine
