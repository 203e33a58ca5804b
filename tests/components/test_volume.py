"""The message of the volume viewer and its typed door."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from components.message import decode_message, decode_values
from components.mounting import entry_script
from components.static import static_routes_payload
from components.volume import VoxelPick, pack_volume, read_pick, volume_view
from components.volume.wire import decode_runs, decode_voxels, encode_runs, pack_voxels
from models.errors import SpaceMismatchError
from models.types import Provenance, Response, Space
from models.voxel_grid import AxisWords, VoxelGrid

COMPONENTS = Path(__file__).parents[2] / "components"
PROVENANCE = Provenance("m", "A model", "1", "0" * 64, "sub-01", "Only a guess.", "GUESS")
SPACE = Space("tiny-voxels", "volume", 5, 0)
PLACES = np.array([[0, 0, 1], [0, 0, 2], [1, 2, 0], [1, 2, 1], [3, 1, 2]])
AXES = AxisWords(("left", "anterior", "superior"))
GRID = VoxelGrid((4, 3, 3), PLACES, AXES, "Told from regions.")
NODE = shutil.which("node")


@dataclass(frozen=True)
class TinyRegions:
    """Two regions that overlap in voxel 2, and an empty one."""

    names: tuple[str, ...] = ("V1", "lFFA", "rTOS")

    def mask(self, region):
        voxels = {"V1": [0, 1, 2], "lFFA": [2, 3], "rTOS": []}[region]
        return np.isin(np.arange(5), voxels)


def response(values, columns=None, is_signed=True):
    labels = tuple(f"picture {i}" for i in range(len(values)))
    values = np.asarray(values, "f4")
    return Response(values, SPACE, labels, "z", is_signed, PROVENANCE, columns)


VALUES = np.float32([[1, 3, 5, -9, np.nan], [0.5, np.nan, -2, 0, 1]])


@pytest.mark.parametrize(
    ("numbers", "pairs"),
    [
        ([], []),
        ([4], [4, 1]),
        ([0, 1, 2, 7, 8, 3], [0, 3, 7, 2, 3, 1]),
        ([5, 4, 3], [5, 1, 4, 1, 3, 1]),
    ],
)
def test_runs_are_first_numbers_and_lengths(numbers, pairs):
    encoded = encode_runs(np.array(numbers, int))
    assert np.frombuffer(encoded, "<u4").tolist() == pairs
    assert decode_runs(encoded).tolist() == numbers


def test_values_places_columns_and_regions_come_back():
    header, payload = decode_message(message := pack_voxels(response(VALUES), GRID, TinyRegions()))
    decoded = decode_values(header, payload)
    np.testing.assert_array_equal(np.isnan(decoded), np.isnan(VALUES))
    assert np.nanmax(np.abs(decoded - VALUES)) <= 14 / 254 / 2 * 1.001
    places, columns, regions = decode_voxels(message)
    np.testing.assert_array_equal(places, PLACES)
    assert columns.tolist() == [0, 1, 2, 3, 4]
    assert {name: voxels.tolist() for name, voxels in regions.items()} == {
        "V1": [0, 1, 2],
        "lFFA": [2, 3],
        "rTOS": [],
    }


def test_a_selection_sends_its_own_values_only():
    part = response(VALUES[:, [1, 3]], np.array([1, 3]))
    header, payload = decode_message(message := pack_voxels(part, GRID, TinyRegions()))
    assert decode_values(header, payload).shape == (2, 2)
    assert payload[:4] == bytes([254, 0, 255, 190])  # 3 and -9 of -9 to 3, NaN, 0 (190.5)
    places, columns, _ = decode_voxels(message)
    assert len(places) == 5
    assert columns.tolist() == [1, 3]


def test_one_byte_a_value_and_few_for_a_whole_brain():
    shape = (30, 40, 20)
    every = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1).reshape(-1, 3)
    space = Space("box", "volume", len(every), 0)
    labels = ("a", "b", "c")
    values = np.ones((3, len(every)), "f4")
    for places in (every, every[np.lexsort(every.T)]):  # k fastest, i fastest
        grid = VoxelGrid(shape, places)
        whole = Response(values, space, labels, "z", True, PROVENANCE)
        header, payload = decode_message(message := pack_voxels(whole, grid))
        assert len(payload) == 3 * len(every) + 8 + 8  # one run of cells, one of columns
        np.testing.assert_array_equal(decode_voxels(message)[0], places)
    assert header["strides"] == [1, 30, 1200]


def test_the_order_of_voxels_is_free():
    shuffled = np.array([3, 0, 4, 1, 2])
    grid = VoxelGrid((4, 3, 3), PLACES[shuffled])
    places, _, _ = decode_voxels(pack_voxels(response(VALUES), grid))
    np.testing.assert_array_equal(places, PLACES[shuffled])


def test_the_header_says_how_it_is_cut_and_what_that_rests_on():
    header, _ = decode_message(pack_voxels(response(VALUES), GRID))
    assert header["box"] == [[0, 3], [0, 2], [0, 2]]
    assert [plane["title"] for plane in header["planes"]] == ["sagittal", "coronal", "axial"]
    assert [plane["is_across_flipped"] for plane in header["planes"]] == [False, True, True]
    assert header["claim"] == ("Voxel indices only, no common space; directions inferred.")
    assert header["note"].startswith("Told from regions. ")
    assert header["note"].endswith("each is drawn as a cube.")
    assert header["footer"] == "A model · sub-01 · tiny-voxels · z · prediction, not measured"
    assert (header["badge"], header["units"], header["kind"]) == ("GUESS", "z", "voxels")


def test_without_directions_it_says_so():
    header, _ = decode_message(pack_voxels(response(VALUES), VoxelGrid((4, 3, 3), PLACES)))
    assert header["claim"] == "Voxel indices only, no common space; directions unknown."
    assert {plane["left"] + plane["right"] for plane in header["planes"]} == {""}


def test_it_starts_at_the_largest_value_of_the_first_frame():
    header, _ = decode_message(pack_voxels(response(VALUES), GRID))
    assert header["start"] == [1, 2, 1]  # -9 in voxel 3
    part = response(VALUES[:, [0, 1]], np.array([0, 4]))
    assert decode_message(pack_voxels(part, GRID))[0]["start"] == [3, 1, 2]
    unknown = response(np.full((1, 5), np.nan))
    assert decode_message(pack_voxels(unknown, GRID))[0]["start"] == [1, 2, 0]


def test_region_means_leave_out_nan_and_voxels_that_were_not_asked_for():
    header, _ = decode_message(pack_voxels(response(VALUES), GRID, TinyRegions()))
    assert header["summary"]["names"] == ["V1", "lFFA", "rTOS"]
    # V1: (1 + 3 + 5) / 3, lFFA: (5 - 9) / 2; then (0.5 - 2) / 2 and (-2 + 0) / 2
    assert header["summary"]["rows"] == [[[0, 3.0], [1, -2.0]], [[1, -1.0], [0, -0.75]]]
    part = response(VALUES[:, [1, 3]], np.array([1, 3]))
    header, _ = decode_message(pack_voxels(part, GRID, TinyRegions()))
    assert header["summary"]["rows"] == [[[1, -9.0], [0, 3.0]], [[1, 0.0]]]


def test_a_grid_of_another_brain_is_refused():
    with pytest.raises(SpaceMismatchError, match="4 voxels for 5 places"):
        pack_voxels(response(VALUES), VoxelGrid((4, 3, 3), PLACES[:4]))


def test_options_reach_the_viewer():
    pictures = [np.zeros((4, 4, 3), np.uint8)] * 2
    header, _ = decode_message(
        pack_volume(
            response(VALUES),
            GRID,
            TinyRegions(),
            outlined=["V1"],
            low_confidence=["lFFA"],
            thumbnails=pictures,
            layout="both",
            height_px=500,
            frame_rate_hz=0.5,
            is_autoplaying=True,
            is_holding=True,
            is_kiosk=True,
            limit=4.0,
            footer="Noise ceiling",
        )
    )
    assert (header["layout"], header["height"], header["limit"]) == ("both", 500, 4.0)
    assert (header["autoplay"], header["hold"], header["kiosk"]) == (True, True, True)
    assert (header["regions"], header["low_confidence"]) == (["V1"], ["lFFA"])
    assert (header["footer"], header["frame_rate_hz"]) == ("Noise ceiling", 0.5)
    assert header["thumbnails"]["count"] == 2


def test_a_pick_is_read():
    assert read_pick({"place": 211_338, "frame": 3}) == VoxelPick(211_338, 3)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "V1",
        {},
        {"place": -1, "frame": 0},
        {"place": 1.5, "frame": 0},
        {"place": True, "frame": 0},
        {"place": 1},
        {"place": 1, "frame": -2},
    ],
)
def test_anything_malformed_is_no_pick(value):
    assert read_pick(value) is None


def test_the_entry_imports_a_file_that_is_served():
    url = entry_script("volume", "images").split('new URL("')[1].split('"')[0]
    assert url in static_routes_payload()


def test_a_key_that_would_break_the_address_is_refused():
    with pytest.raises(ValueError, match="key"):
        volume_view(b"", key="a~b")


if NODE:

    @pytest.mark.parametrize("encoding", ["u8", "f16"])
    @pytest.mark.parametrize("columns", [[0, 1, 2, 3, 4], [1, 3]], ids=["all", "some"])
    def test_the_browsers_code_finds_the_same_numbers_in_the_same_voxels(
        encoding, columns, tmp_path
    ):
        part = response(VALUES[:, columns], np.array(columns))
        message = pack_voxels(part, GRID, TinyRegions(), encoding=encoding)
        path = tmp_path / "message.bin"
        path.write_bytes(message)
        wire, grid = (
            json.dumps((COMPONENTS / file).as_uri())
            for file in ("shared/wire.js", "volume/frontend/grid.js")
        )
        script = f"""
          import {{ readFileSync }} from "node:fs";
          import * as wire from {wire};
          import {{ Grid }} from {grid};
          const {{ header, payload }} = wire.decodeMessage(readFileSync({json.dumps(str(path))}));
          const codes = wire.frameCodes(header, payload);
          const grid = new Grid(header, payload);
          const places = [...grid.cells.keys()];
          const value = (place, frame) => {{
            const column = grid.columnOf(place);
            return column < 0 ? NaN : wire.decodeValue(header, codes, frame, column);
          }};
          console.log(JSON.stringify({{
            indices: places.map((place) => grid.indicesOf(place)),
            found: places.map((place) => grid.placeOf(grid.indicesOf(place))),
            values: [0, 1].map((frame) => places.map((place) => value(place, frame))),
            regions: places.map((place) => grid.regionsAt(place)),
          }}));
        """
        done = subprocess.run(
            [NODE, "--input-type=module", "-e", script], capture_output=True, text=True, check=True
        )
        answer = json.loads(done.stdout)
        assert answer["indices"] == PLACES.tolist()
        assert answer["found"] == [0, 1, 2, 3, 4]
        assert answer["regions"] == [["V1"], ["V1"], ["lFFA", "V1"], ["lFFA"], []]
        header, payload = decode_message(message)
        expected = np.full((2, 5), np.nan)
        expected[:, columns] = decode_values(header, payload)
        browser = np.array(answer["values"], dtype=float)  # JSON writes NaN as null
        np.testing.assert_allclose(browser, expected, rtol=1e-6, atol=1e-6)
