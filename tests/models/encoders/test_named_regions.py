import numpy as np

from models.encoders._named_regions import huze_regions, things_regions
from models.spaces import FSAVERAGE, get_space

VOXELS = get_space("things-voxels-sub-02")


def test_regions_of_nsd_overlap_stand_under_headings_and_empty_ones_are_left_out():
    places = {
        "nsdgeneral": np.arange(100),
        "V1v": np.array([5, 3, 163_842]),
        "FFA-2": np.array([], np.int64),
        "OWFA": np.array([7]),
        "new-area": np.array([8]),
    }
    regions = huze_regions(places, "metadata_subject-01.npy")
    assert regions.space is FSAVERAGE
    assert regions.names == ("V1v", "OWFA", "nsdgeneral", "new-area")
    assert regions.groups["Early visual cortex"] == ("V1v",)
    assert regions.groups["Other regions of the file"] == ("new-area",)
    assert "Faces" not in regions.groups
    assert regions.regions_at(5) == ("V1v", "nsdgeneral")  # the smallest first
    assert regions.region_at(5) == "V1v"
    assert np.flatnonzero(regions.mask("V1v", "right")).tolist() == [163_842]
    assert regions.descriptions["OWFA"] == "Occipital word form area."
    assert regions.side_of("V1v") == "both"


def test_regions_of_things_name_their_side_and_voxels_do_not():
    places = {name: np.array([number]) for number, name in enumerate(["V1", "lFFA", "rSTS", "IT"])}
    regions = things_regions(places | {"LO1_prf": np.array([9])}, VOXELS, "file")
    assert not regions.is_split_by_hemisphere
    sides = {name: regions.side_of(name) for name in regions.names}
    assert sides == {"V1": "both", "lFFA": "left", "rSTS": "right", "IT": "both", "LO1_prf": "both"}
    assert regions.groups["Faces"] == ("lFFA", "rSTS")
