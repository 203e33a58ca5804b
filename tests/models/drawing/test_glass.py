"""The glass brain's projections, by hand in small volumes and by coordinates on surfaces."""

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from models.atlases import load_atlas
from models.drawing.glass import NAN_CODE, GlassProjector, default_limit, load_projector
from models.errors import RenderError, SpaceMismatchError
from models.spaces import ANATOMICAL_SHAPE, FSAVERAGE5, FSLR32K, SCHAEFER1000, get_space, load_mesh
from models.types import Provenance, Response, Space
from models.voxel_grid import AxisWords, VoxelGrid
from tests.models.drawing.glass_samples import at, project, shown, voxels

NAN = np.nan
PROVENANCE = Provenance("m", "A model", "1", "0" * 64, "sub-01", "Only a guess.", "GUESS")


def close(found, expected, tolerance=0.02):
    assert set(found) == set(expected)
    for place, value in expected.items():
        assert found[place] == pytest.approx(value, abs=tolerance, nan_ok=True), place


def test_largest_size_along_the_line_of_sight_wins_and_keeps_its_sign():
    empty = voxels()
    # Three voxels behind each other along y, a fourth beside them.
    behind = [at(empty, -20, y, 10) for y in (-50, -10, 30)]
    brain = voxels(*behind, at(empty, -40, -10, 10))
    sequence = project(brain, [[1, -3, 2, 0.5], [1, 3, -2, -0.5], [-2, 1, -1, 0]])
    close(shown(sequence, "y", 0), {(-20, 10): -3, (-40, 10): 0.5})
    close(shown(sequence, "y", 1), {(-20, 10): 3, (-40, 10): -0.5})
    close(shown(sequence, "y", 2), {(-20, 10): -2, (-40, 10): 0})
    close(shown(sequence, "z", 0), {(-20, -50): 1, (-20, -10): -3, (-20, 30): 2, (-40, -10): 0.5})
    # Seen from the left, the fourth hides none: 3 is larger.
    close(shown(sequence, "l", 0), {(-50, 10): 1, (-10, 10): -3, (30, 10): 2})


def test_each_hemisphere_is_seen_alone_from_its_side_and_the_middle_belongs_to_the_right():
    empty = voxels()
    brain = voxels(at(empty, -20, 10, 10), at(empty, 0, 10, 10), at(empty, 20, 10, 30))
    sequence = project(brain, [[-1, 2, 3]], "lrx")
    close(shown(sequence, "l"), {(10, 10): -1})
    close(shown(sequence, "r"), {(10, 10): 2, (10, 30): 3})
    close(shown(sequence, "x"), {(10, 10): 2, (10, 30): 3})


def test_views_are_turned_as_in_nilearn():
    """From the left the front is on the left; else right and front are on the right; up is up."""
    empty = voxels()
    brain = voxels(at(empty, -40, 50, 30), at(empty, 40, 50, 30))
    sequence = project(brain, [[1, 1]])
    middles = {}
    for number, view in enumerate(sequence.views):
        picture = sequence.picture(0, number)
        rows, columns = np.nonzero(np.isfinite(picture))
        middles[view.name] = columns.max() / view.width, rows.max() / view.height
        assert picture.shape == (view.height, view.width)
    assert middles["l"][0] < 0.35
    assert middles["r"][0] > 0.65
    assert middles["y"][0] > 0.65  # right is on the right
    assert middles["z"][1] < 0.35  # the front is on top
    assert max(middles[name][1] for name in "lry") < 0.5
    assert [(view.left, view.right) for view in sequence.views] == [
        ("A", "P"),
        ("L", "R"),
        ("P", "A"),
        ("L", "R"),
    ]


def test_what_is_not_modelled_is_neither_zero_nor_outside():
    empty = voxels()
    brain = voxels(*[at(empty, -20, 10, z) for z in (-10, 10, 30)], at(empty, -40, 10, 10))
    sequence = project(brain, [[NAN, NAN, 0, -1], [NAN, NAN, NAN, NAN], [2, np.inf, 0, NAN]])
    close(shown(sequence, "y", 0), {(-20, -10): NAN, (-20, 10): NAN, (-20, 30): 0, (-40, 10): -1})
    close(shown(sequence, "l", 0), {(10, -10): NAN, (10, 10): -1, (10, 30): 0})
    assert (sequence.codes[1] == NAN_CODE).all()
    close(shown(sequence, "l", 2), {(10, -10): 2, (10, 10): NAN, (10, 30): 0})
    assert (sequence.minimum, sequence.maximum) == (-1, 2)


def test_values_come_back_to_half_a_step():
    rng = np.random.default_rng(3)
    labels, affine = voxels()
    labels[5:30, 5:40, 5:30] = np.arange(25 * 35 * 25).reshape(25, 35, 25) + 1
    values = rng.normal(size=(3, 25 * 35 * 25)).astype(np.float32)
    sequence = project((labels, affine), values, "z")
    depth = values.reshape(3, 25, 35, 25)
    largest = np.take_along_axis(depth, np.abs(depth).argmax(axis=3)[..., None], axis=3)[..., 0]
    step = (sequence.maximum - sequence.minimum) / 254
    for frame in range(3):
        found = shown(sequence, "z", frame)
        expected = {
            (-80 + 4 * (i + 5), -110 + 4 * (j + 5)): float(largest[frame, i, j])
            for i in range(25)
            for j in range(35)
        }
        close(found, expected, step / 2 * 1.001)


def test_places_behind_a_cell_are_known():
    empty = voxels()
    brain = voxels(*[at(empty, -20, y, 10) for y in (-50, -10, 30)], at(empty, -40, -10, 10))
    sequence = project(brain, np.zeros((1, 4)), "yz")
    columns, counts = sequence.rays.by_cell()
    found = {tuple(part.tolist()) for part in np.split(columns, np.cumsum(counts)[:-1])}
    assert found == {(0, 1, 2), (3,), (0,), (1,), (2,)}  # from behind, then from above
    assert counts.tolist().count(3) == 1


def test_a_part_of_the_places_and_a_response_give_the_same():
    empty = voxels()
    brain = voxels(*[at(empty, -20, y, 10) for y in (-50, -10, 30)])
    projector = GlassProjector.from_volume(*brain)
    whole = projector.project(np.float32([[NAN, 1, -2]]))
    part = projector.project(np.float32([[1, -2]]), np.array([1, 2]))
    np.testing.assert_array_equal(whole.codes, part.codes)
    space = Space("three", "parcels", 3, 0)
    response = Response(
        np.float32([[1, -2]]), space, ("a",), "z", True, PROVENANCE, np.array([1, 2])
    )
    np.testing.assert_array_equal(projector.project_response(response).codes, whole.codes)
    other = Response(np.ones((1, 4)), Space("four", "parcels", 4, 0), ("a",), "z", True, PROVENANCE)
    with pytest.raises(SpaceMismatchError, match="four has 4 places; the glass brain 3"):
        projector.project_response(other)


@pytest.mark.parametrize("values", [np.ones(3), np.ones((1, 4))])
def test_other_columns_are_refused(values):
    empty = voxels()
    projector = GlassProjector.from_volume(*voxels(*[at(empty, -20, y, 10) for y in (-50, 10, 30)]))
    with pytest.raises(SpaceMismatchError, match="for 3 places"):
        projector.project(values)
    with pytest.raises(SpaceMismatchError, match="outside the 3 places"):
        projector.project(np.ones((1, 2)), np.array([1, 3]))


def test_constant_empty_and_unknown_frames_have_a_range():
    empty = voxels()
    projector = GlassProjector.from_volume(*voxels(at(empty, -20, 10, 10), at(empty, 20, 10, 10)))
    assert projector.project(np.zeros((0, 2))).n_frames == 0
    unknown = projector.project(np.full((1, 2), NAN))
    assert (unknown.codes == NAN_CODE).all()
    same = projector.project(np.full((1, 2), 5.0))
    assert np.unique(same.values(0)).tolist() == [5.0]


def test_limit_is_a_percentile_of_all_sizes():
    assert default_limit(np.arange(-100, 101.0)) == pytest.approx(99, abs=0.5)
    assert default_limit(np.zeros((2, 2))) == 1.0
    assert default_limit(np.array([NAN])) == 1.0


@pytest.mark.parametrize("views", ["", "lw"])
def test_unknown_views_are_refused(views):
    with pytest.raises(RenderError, match="letters of lrxyz"):
        GlassProjector("fsaverage5", views=views)


def test_a_hemisphere_without_places_has_an_empty_view_beside_others_only():
    empty = voxels()
    brain = voxels(at(empty, 20, 10, 10))
    sequence = project(brain, [[1]], "lr")
    assert [view.cells.size for view in sequence.views] == [0, 1]
    with pytest.raises(RenderError, match="no place to draw"):
        project(brain, [[1]], "l")


# Volumes of parcels that are not as they should be


def test_parcels_without_their_volume_are_refused():
    with pytest.raises(RenderError, match="schaefer1000 has no coordinates here"):
        GlassProjector(SCHAEFER1000)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.full((5, 5, 5), 1001, np.int16), "label 1001"),
        (np.full((5, 5, 5), -1, np.int16), "there are 1000 parcels"),
        (np.zeros((5, 5, 5), np.int16), "no place to draw"),
        (np.ones((5, 5, 5, 2), np.int16), "in 4 dimensions"),
    ],
)
def test_a_volume_that_does_not_fit_is_refused(labels, words, tmp_path):
    path = tmp_path / "odd.nii.gz"
    nib.save(nib.Nifti1Image(labels, np.eye(4)), path)
    with pytest.raises(RenderError, match=words):
        GlassProjector("schaefer1000", atlas_volume=path)


def test_a_damaged_volume_is_refused(tmp_path):
    path = tmp_path / "cut.nii.gz"
    path.write_bytes(b"no volume")
    with pytest.raises(RenderError, match=r"cut.nii.gz is not a readable volume"):
        GlassProjector("schaefer1000", atlas_volume=path)


# Surfaces


@pytest.fixture(scope="module")
def fsaverage5():
    return load_projector("fsaverage5")


def test_lines_of_sight_are_worked_out_once(fsaverage5):
    assert load_projector("fsaverage5") is fsaverage5


def test_a_surface_has_no_holes(fsaverage5):
    sequence = fsaverage5.project(np.ones((1, FSAVERAGE5.n_places)))
    for number, view in enumerate(sequence.views):
        is_seen = np.isfinite(sequence.picture(0, number))
        holes = ndimage.binary_fill_holes(is_seen) & ~is_seen
        # Between the hemispheres there is air.
        assert holes.sum() <= (0 if view.name in "lr" else 0.01 * is_seen.sum())
        assert is_seen.sum() > 3000


def test_a_vertex_is_seen_where_its_coordinates_say(fsaverage5):
    mesh = load_mesh("fsaverage5", ANATOMICAL_SHAPE["fsaverage5"])
    positions = np.concatenate([mesh.left.positions, mesh.right.positions])
    rng = np.random.default_rng(5)
    for vertex in rng.choice(len(positions), 20, replace=False):
        values = np.zeros((1, len(positions)), np.float32)
        values[0, vertex] = 1
        sequence = fsaverage5.project(values)
        x, y, z = positions[vertex]
        side = "l" if vertex < FSAVERAGE5.n_left else "r"
        for name, expected in ((side, (y, z)), ("y", (x, z)), ("z", (x, y))):
            lit = np.array([place for place, value in shown(sequence, name).items() if value > 0.5])
            # All of it within the triangles around the vertex, and near it on average.
            assert np.abs(lit - expected).max() < 8
            assert np.linalg.norm(lit.mean(axis=0) - expected) < 3
        other = "r" if side == "l" else "l"
        assert max(shown(sequence, other).values()) < 0.5


def test_full_fsaverage_shows_the_vertices_of_fsaverage5(fsaverage5):
    whole = get_space("fsaverage")
    values = np.full((1, whole.n_places), 9.0, np.float32)
    part = np.random.default_rng(2).normal(size=(1, FSAVERAGE5.n_places)).astype(np.float32)
    values[:, : FSAVERAGE5.n_left] = part[:, : FSAVERAGE5.n_left]
    first = whole.n_left
    values[:, first : first + FSAVERAGE5.n_right] = part[:, FSAVERAGE5.n_left :]
    projector = GlassProjector("fsaverage")
    assert "only the vertices of fsaverage5" in projector.basis
    found, expected = projector.project(values), fsaverage5.project(part)
    step = (found.maximum - found.minimum) / 254
    np.testing.assert_allclose(found.values(0), expected.values(0), atol=step)


def test_areas_of_the_hcp_lie_where_they_are_known_to_be():
    """Primary auditory cortex near (-42, -24, 8) and (46, -19, 7) in MNI space; Morosan 2001."""
    names = load_atlas("fsLR32k", "mmp").names
    values = np.zeros((2, 360), np.float32)
    values[0, names.index("A1")] = values[1, 180 + names.index("A1")] = 1
    sequence = GlassProjector("mmp360").project(values)
    for frame, (x, y, z) in enumerate([(-42, -24, 8), (46, -19, 7)]):
        for name, expected in (("lr"[frame], (y, z)), ("y", (x, z)), ("z", (x, y))):
            lit = [place for place, value in shown(sequence, name, frame).items() if value > 0.5]
            assert np.linalg.norm(np.mean(lit, axis=0) - expected) < 8
        assert max(shown(sequence, "rl"[frame], frame).values()) < 0.5
    assert "fsLR32k coordinates of the midthickness surface" in sequence.basis


def test_parcels_on_any_surface_can_be_drawn():
    columns = np.where(np.arange(FSLR32K.n_places) < FSLR32K.n_left, 0, 1)
    columns[:100] = -1
    sequence = GlassProjector.from_vertices("fsLR32k", columns).project(np.float32([[1, -1]]))
    assert set(shown(sequence, "l").values()) == {1.0}
    assert set(shown(sequence, "r").values()) == {-1.0}


# Voxels without a common space

AXES = AxisWords(("left", "anterior", "superior"))


@pytest.mark.parametrize("axes", [AXES, None])
def test_a_grid_has_the_rim_of_its_own_mask(axes):
    places = np.array([[1, 1, 1], [1, 2, 1], [2, 2, 1], [2, 2, 3]])
    sequence = GlassProjector(VoxelGrid((4, 4, 5), places, axes, "Told from regions.")).project(
        np.float32([[1, -2, 3, 4]])
    )
    assert sequence.basis == "Told from regions."
    assert len(sequence.views) == 3
    for number, view in enumerate(sequence.views):
        is_inside = np.isfinite(sequence.picture(0, number))
        (stroke,) = view.strokes
        ends = stroke.points.reshape(-1, 2, 2)
        assert (np.abs(ends[:, 0] - ends[:, 1]).sum(axis=1) == 1).all()
        padded = np.pad(is_inside, 1).astype(int)
        n_edges = np.abs(np.diff(padded, axis=0)).sum() + np.abs(np.diff(padded, axis=1)).sum()
        assert len(ends) == n_edges
        for (x0, y0), (x1, y1) in ends.astype(int):
            if x0 == x1:  # between (row, x - 1) and (row, x)
                beside = is_inside[min(y0, y1), [x0 - 1, x0]]
            else:
                beside = is_inside[[y0 - 1, y0], min(x0, x1)]
            assert beside.sum() == 1


def test_a_grid_is_drawn_with_left_on_the_left():
    places = np.array([[1, 1, 1], [3, 2, 1], [3, 2, 3]])  # the first index rises to the left
    sequence = GlassProjector(VoxelGrid((4, 4, 5), places, AXES)).project(np.float32([[1, -2, 3]]))
    sagittal, coronal, axial = (sequence.picture(0, number)[1:-1, 1:-1] for number in range(3))
    np.testing.assert_allclose(sagittal, [[NAN, 3], [NAN, NAN], [1, -2]], atol=0.02)
    np.testing.assert_allclose(coronal, [[3, NAN, NAN], [NAN] * 3, [-2, NAN, 1]], atol=0.02)
    np.testing.assert_allclose(axial, [[3, NAN, NAN], [NAN, NAN, 1]], atol=0.02)
    assert [(view.left, view.right) for view in sequence.views[1:]] == [("L", "R"), ("L", "R")]
    assert sequence.views[1].across == ("i", 4.0, -1.0)
    assert sequence.views[1].up == ("k", 4.0, -1.0)


def test_a_grid_without_voxels_is_refused():
    with pytest.raises(RenderError, match="no voxel"):
        GlassProjector(VoxelGrid((1, 1, 1), np.empty((0, 3), int)))
