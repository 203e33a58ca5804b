import numpy as np

from components.brain.own_labels import own_labels
from components.brain.wire import decode_message, pack_response
from models.atlases import RegionMasks
from models.types import Provenance, Response, Space

SPACE = Space("toy", "surface", 4, 4)
REGIONS = RegionMasks(
    "toy",
    "Toy",
    SPACE,
    {"general": np.arange(1, 6), "V1": np.array([1, 2]), "face": np.array([2, 5])},
)
EVERYWHERE = np.arange(8)


def words(labels):
    return ["" if label == 0 else labels.names[label - 1] for label in labels.labels]


def test_a_place_is_named_by_all_of_its_regions_the_smallest_first():
    assert words(own_labels(REGIONS, EVERYWHERE)) == [
        *("", "V1 (general)", "V1 (face, general)", "general", "general", "face (general)", "", ""),
    ]


def test_only_drawn_places_have_labels():
    labels = own_labels(REGIONS, np.array([2, 5, 7]))
    assert labels.labels.dtype == np.uint16
    assert words(labels) == ["V1 (face, general)", "face (general)", ""]


def test_a_drawn_place_that_shows_nothing_is_in_no_region():
    assert words(own_labels(REGIONS, np.array([-1, 5, -1]))) == ["", "face (general)", ""]


def outline(labels):
    """What a place is on which side of: 0 outside every outlined region."""
    return [0 if label == 0 else labels.outlines[label - 1] for label in labels.labels]


def test_outlines_run_where_membership_of_the_chosen_regions_changes():
    chosen = outline(own_labels(REGIONS, EVERYWHERE, ("general",)))
    assert chosen == [0, 1, 1, 1, 1, 1, 0, 0]  # one outline around it, none inside
    both = outline(own_labels(REGIONS, EVERYWHERE, ("V1", "face")))
    assert both[3] == both[0] == 0
    assert len({both[1], both[2], both[5], 0}) == 4


def test_without_a_choice_every_border_is_outlined():
    every = outline(own_labels(REGIONS, EVERYWHERE))
    assert len({every[1], every[2], every[3], every[5], 0}) == 5
    assert every[3] == every[4]


def test_the_name_changes_with_labels_and_outlines_only():
    name = own_labels(REGIONS, EVERYWHERE).name
    assert own_labels(REGIONS, EVERYWHERE).name == name
    assert own_labels(REGIONS, EVERYWHERE, ("V1",)).name != name
    assert own_labels(REGIONS, EVERYWHERE[:5]).name != name


def test_no_regions_at_all_give_no_labels():
    none = own_labels(RegionMasks("none", "None", SPACE, {}), EVERYWHERE)
    assert none.names == ()
    assert not none.labels.any()


def test_places_that_are_all_in_some_region_still_start_at_label_one():
    labels = own_labels(REGIONS, np.array([1, 3]))
    assert labels.labels.min() == 1
    assert words(labels) == ["V1 (general)", "general"]


def test_labels_and_their_words_travel_in_the_message():
    response = Response(
        np.zeros((1, 8), np.float32),
        SPACE,
        ("a",),
        "u",
        True,
        Provenance("m", "M", "1", "", "s", "caveat", "badge"),
    )
    labels = own_labels(REGIONS, EVERYWHERE)
    summary = {"names": ["V1 left"], "rows": [[[0, 0.5]]]}
    header, payload = decode_message(
        pack_response(response, mesh_url="m", own_labels=labels, summary=summary)
    )
    place = header["own_labels"]
    codes = np.frombuffer(payload[place["offset"] : place["offset"] + place["length"]], "<u2")
    np.testing.assert_array_equal(codes, labels.labels)
    assert place["names"] == list(labels.names)
    assert place["outlines"] == list(labels.outlines)
    assert header["atlas"] == labels.name
    assert header["summary"] == summary
