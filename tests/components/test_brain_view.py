"""The typed door: what may come back from a browser, and the entry script."""

import pytest

from components.brain import Pick, brain_view, read_pick
from components.mounting import entry_script
from components.static import static_routes_payload


def test_a_pick_is_read():
    value = {"vertex": 12, "hemisphere": "right", "frame": 3}
    assert read_pick(value) == Pick(12, "right", 3)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "V1",
        {},
        {"vertex": -1, "hemisphere": "left", "frame": 0},
        {"vertex": 1.5, "hemisphere": "left", "frame": 0},
        {"vertex": 1, "hemisphere": "up", "frame": 0},
        {"vertex": 1, "hemisphere": "left"},
        {"vertex": 1, "hemisphere": "left", "frame": -2},
    ],
)
def test_anything_malformed_is_no_pick(value):
    assert read_pick(value) is None


def test_the_entry_imports_a_file_that_is_served_and_is_not_taken_for_a_path():
    script = entry_script("brain", "images")
    url = script.split('new URL("')[1].split('"')[0]
    assert url in static_routes_payload()
    assert not url.startswith("/")
    assert "\n" in script


@pytest.mark.parametrize("key", ["", 'a"b', "a b", "a*b", "a~b"])
def test_a_key_that_would_break_the_address_is_refused(key):
    with pytest.raises(ValueError, match="key"):
        brain_view(b"", key=key)
