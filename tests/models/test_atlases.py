import numpy as np
import pytest

from models.atlases import Atlas, list_atlases, load_atlas
from models.errors import SelectionError, SpaceMismatchError, UnknownRegionError
from models.retinotopy import load_receptive_fields
from models.spaces import (
    ANATOMICAL_SHAPE,
    HEMISPHERES,
    get_space,
    list_spaces,
    load_medial_wall,
    load_mesh,
    load_sulcal_depth,
)
from models.types import Space

EVERY_ATLAS = [(space, name) for space in list_spaces() for name in list_atlases(space)]


def tiny(**changes):
    """An atlas of two regions on four places."""
    parts = {
        "name": "tiny",
        "title": "Tiny",
        "space": Space("tiny", "surface", 2, 2),
        "names": ("A1", "B2"),
        "labels": np.array([1, 2, 0, 1]),
        "groups": {"All": ("A1", "B2")},
        "citation": "",
    }
    return Atlas(**{**parts, **changes})


@pytest.mark.parametrize(("space", "name"), EVERY_ATLAS)
def test_every_region_is_present_on_both_sides_and_off_the_medial_wall(space, name):
    atlas = load_atlas(space, name)
    assert atlas.space is get_space(space)
    wall = load_medial_wall(space)
    for region in atlas.names:
        left, right = atlas.mask(region, "left"), atlas.mask(region, "right")
        assert left.any(), region
        assert right.any(), region
        assert np.array_equal(left | right, atlas.mask(region))
        assert not left[atlas.space.n_left :].any()
        assert not right[: atlas.space.n_left].any()
        assert not (wall & (left | right)).any(), region


def test_the_retinotopic_atlas_is_the_template():
    atlas = load_atlas("fsaverage5", "retinotopy")
    assert atlas.names == ("V1", "V2", "V3", "hV4")
    assert np.array_equal(atlas.labels, load_receptive_fields().area)
    assert set(atlas.descriptions) == set(atlas.names)


def test_mmp_parcels_are_the_same_areas_a_place_each():
    parcels, vertices = load_atlas("mmp360", "mmp"), load_atlas("fsLR32k", "mmp")
    assert parcels.space.kind == "parcels"
    assert parcels.names == vertices.names
    assert parcels.groups == vertices.groups
    # the viewer takes label k of a left vertex to place k - 1, of a right one to 180 + k - 1
    assert np.array_equal(parcels.labels, [*range(1, 181), *range(1, 181)])


def test_mmp_has_180_areas_a_hemisphere_that_cover_the_cortex():
    atlas = load_atlas("fsLR32k", "mmp")
    assert len(atlas.names) == 180  # Glasser et al. 2016
    assert np.array_equal(atlas.labels == 0, load_medial_wall("fsLR32k"))
    assert len(atlas.groups) == 22  # the paper's regions
    assert atlas.groups["Primary visual"] == ("V1",)
    assert atlas.descriptions["FFC"] == "Fusiform face complex."
    assert "L_V1" not in atlas.names


# Rough places known from anatomy, RAS in mm, |x| for both sides; 15 mm is a generous radius.
@pytest.mark.parametrize(
    ("region", "place"),
    [
        ("V1", (12, -82, 3)),  # calcarine sulcus
        ("A1", (48, -22, 6)),  # Heschl's gyrus
        ("4", (35, -22, 55)),  # precentral gyrus
        ("FFC", (40, -54, -18)),  # lateral fusiform gyrus
        ("MT", (46, -70, 6)),  # behind the inferior temporal sulcus
        ("44", (52, 14, 18)),  # pars opercularis
    ],
)
@pytest.mark.parametrize("hemisphere", HEMISPHERES)
def test_mmp_areas_are_where_anatomy_has_them(region, place, hemisphere):
    atlas = load_atlas("fsLR32k", "mmp")
    mask = atlas.mask(region, hemisphere)[atlas.space.hemisphere_slice(hemisphere)]
    centre = load_mesh("fsLR32k", "midthickness").hemisphere(hemisphere).positions[mask].mean(0)
    side = -1 if hemisphere == "left" else 1
    assert np.linalg.norm(centre * (side, 1, 1) - place) < 15


def test_yeo_networks_are_the_seven_and_lie_where_their_names_say():
    atlas = load_atlas("fsLR32k", "yeo7")
    assert atlas.names == (
        "Visual",
        "Somatomotor",
        "Dorsal Attention",
        "Ventral Attention",
        "Limbic",
        "Frontoparietal",
        "Default",
    )
    assert set(atlas.descriptions) == set(atlas.names)
    mmp = load_atlas("fsLR32k", "mmp")
    for area, network in [("V1", "Visual"), ("4", "Somatomotor"), ("LIPv", "Dorsal Attention"),
                          ("FOP4", "Ventral Attention"), ("OFC", "Limbic"),
                          ("p9-46v", "Frontoparietal"), ("7m", "Default")]:  # fmt: skip
        inside = atlas.mask(network)[mmp.mask(area)]
        assert inside.mean() > 0.8, area


@pytest.mark.parametrize(("space", "name"), [("fsaverage5", "retinotopy"), ("fsLR32k", "mmp")])
@pytest.mark.parametrize("hemisphere", HEMISPHERES)
def test_v1_is_posterior_and_medial(space, name, hemisphere):
    atlas = load_atlas(space, name)
    part = atlas.space.hemisphere_slice(hemisphere)
    v1 = atlas.mask("V1")[part]
    anatomy = load_mesh(space, ANATOMICAL_SHAPE[space]).hemisphere(hemisphere).positions
    x, y, z = anatomy.T
    assert (y[v1] < np.quantile(y, 0.25)).all()
    assert np.median(np.abs(x[v1])) < np.quantile(np.abs(x), 0.35)
    assert -25 < z[v1].mean() < 20


@pytest.mark.parametrize("hemisphere", HEMISPHERES)
def test_the_horizontal_meridian_of_v1_runs_in_the_calcarine_sulcus(hemisphere):
    # Holmes 1918; Hinds et al. 2008: V1's middle is in the fundus, its borders on the lips.
    fields = load_receptive_fields()
    part = get_space("fsaverage5").hemisphere_slice(hemisphere)
    is_v1 = (fields.area[part] == 1) & (fields.eccentricity_deg[part] > 2)
    angle = np.abs(fields.polar_angle_rad[part])
    sulc = load_sulcal_depth("fsaverage5")[part]
    assert sulc[is_v1 & (angle < np.pi / 8)].mean() > 0.3
    assert sulc[is_v1 & (angle > 3 * np.pi / 8)].mean() < -0.3


def test_mmp_v1_is_deeper_in_the_fold_than_its_neighbour_v2():
    atlas = load_atlas("fsLR32k", "mmp")
    sulc = load_sulcal_depth("fsLR32k")
    for side in HEMISPHERES:
        assert sulc[atlas.mask("V1", side)].mean() > sulc[atlas.mask("V2", side)].mean()


def test_an_unknown_region_is_met_with_near_matches():
    atlas = load_atlas("fsLR32k", "mmp")
    with pytest.raises(UnknownRegionError, match=r"'ffc'.*FFC"):
        atlas.mask("ffc")
    with pytest.raises(UnknownRegionError, match="no name is like it"):
        tiny().mask("zzzzzz")


def test_a_hemisphere_is_left_right_or_both():
    with pytest.raises(SelectionError, match="'middle'"):
        tiny().mask("A1", "middle")


def test_a_mask_is_by_region_and_side():
    assert tiny().mask("A1").tolist() == [True, False, False, True]
    assert tiny().mask("A1", "left").tolist() == [True, False, False, False]
    assert tiny().region_at(1) == "B2"
    assert tiny().region_at(2) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": np.array([1, 2, 0])}, "4 places"),
        ({"labels": np.array([1, 3, 0, 1])}, r"0\.\.2"),
        ({"labels": np.array([1, -1, 0, 1])}, r"0\.\.2"),
        ({"groups": {"All": ("A1",)}}, "once"),
        ({"groups": {"All": ("A1", "B2"), "More": ("A1",)}}, "once"),
        ({"descriptions": {"C3": "?"}}, "does not have"),
    ],
)
def test_an_atlas_that_does_not_fit_cannot_exist(changes, message):
    with pytest.raises(SpaceMismatchError, match=message):
        tiny(**changes)


def test_an_atlas_is_asked_for_in_its_own_space():
    with pytest.raises(SpaceMismatchError, match="mmp lives on fsLR32k"):
        load_atlas("fsaverage5", "mmp")
    with pytest.raises(SelectionError, match=r"schaefer.*mmp, yeo7"):
        load_atlas("fsLR32k", "schaefer")
    with pytest.raises(SpaceMismatchError, match="Unknown space"):
        list_atlases("mars")


def test_labels_cannot_be_written():
    with pytest.raises(ValueError, match="read-only"):
        load_atlas("fsaverage5", "retinotopy").labels[0] = 1
