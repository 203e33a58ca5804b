"""The message of the glass brain and its door."""

import json
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest

from components.glass import glass_view, pack_glass
from components.glass.wire import decode_glass
from components.message import decode_message
from components.static import entry_url, static_routes_payload
from models.atlases import load_atlas
from models.drawing.colormaps import lut
from models.drawing.glass import GlassProjector, load_projector
from models.drawing.glass_frames import code_colours
from models.errors import SpaceMismatchError
from models.spaces import get_space, load_mesh
from models.types import Provenance, Response, Space
from models.voxel_grid import AxisWords, VoxelGrid

COMPONENTS = Path(__file__).parents[2] / "components"
PROVENANCE = Provenance("m", "A model", "1", "0" * 64, "sub-01", "Only a guess.", "GUESS")
SPACE = Space("tiny-voxels", "volume", 4, 0)
PLACES = np.array([[0, 0, 1], [0, 2, 2], [1, 2, 0], [3, 1, 2]])
GRID = VoxelGrid((4, 3, 3), PLACES, AxisWords(("left", "anterior", "superior")), "Told so.")
PROJECTOR = GlassProjector(GRID)
VALUES = np.float32([[1, 3, np.nan, -9], [0.5, np.nan, -2, 0]])
NODE = shutil.which("node")


def response(values=VALUES, space=SPACE):
    labels = tuple(f"{1.5 * i:g}" for i in range(len(values)))
    return Response(values, space, labels, "z", True, PROVENANCE, None, "seconds")


RESPONSE = response()
SEQUENCE = PROJECTOR.project_response(RESPONSE)


def test_codes_and_cells_come_back():
    header, codes, cells = decode_glass(pack_glass(RESPONSE, SEQUENCE))
    np.testing.assert_array_equal(codes, SEQUENCE.codes)
    for found, view in zip(cells, SEQUENCE.views, strict=True):
        np.testing.assert_array_equal(found, view.cells)
    assert (header["minimum"], header["maximum"]) == (-9, 3)
    assert header["limit"] == pytest.approx(np.percentile([1, 3, 9, 0.5, 2, 0], 99))
    assert header["note"] == "Told so."
    assert "line of sight" in header["claim"]
    assert not header["is_mm"]


def test_what_a_viewer_must_say_is_in_the_header():
    header, _ = decode_message(pack_glass(RESPONSE, SEQUENCE, frame_rate_hz=0.5, height_px=300))
    assert header["footer"] == "A model · sub-01 · tiny-voxels · z · prediction, not measured"
    assert (header["badge"], header["units"], header["row_kind"]) == ("GUESS", "z", "seconds")
    assert (header["frame_rate_hz"], header["height"]) == (0.5, 300)
    assert [(view["left"], view["right"]) for view in header["views"]] == [
        ("P", "A"),
        ("L", "R"),
        ("L", "R"),
    ]


def test_an_outline_is_path_data_of_svg():
    values = np.zeros((1, 20484), np.float32)
    projector = GlassProjector("fsaverage5")
    message = pack_glass(
        response(values, Space("fsaverage5", "surface", 10242, 10242)), projector.project(values)
    )
    header, _ = decode_message(message)
    assert header["is_mm"]
    for view in header["views"]:
        paths = [stroke["path"] for stroke in view["strokes"]]
        assert len(paths) > 10
        number = r"-?\d+(\.\d+)?"
        for path in paths:
            assert re.fullmatch(rf"([MLQC]{number}( {number})*)+", path)
            assert path.startswith("M")
    assert len(json.dumps(header["views"])) < 60_000


def test_places_of_a_linked_mesh_travel_with_it():
    header, packed = decode_message(pack_glass(RESPONSE, SEQUENCE, linked="fsaverage5"))
    marks = header["marks"]
    section = zlib.decompress(packed)[marks["offset"] : marks["offset"] + marks["length"]]
    places = np.frombuffer(section, "<i2").reshape(-1, 3) * marks["scale"]
    mesh = load_mesh("fsaverage5", "pial")
    expected = np.concatenate([mesh.left.positions, mesh.right.positions])
    np.testing.assert_allclose(places, expected, atol=0.051)
    assert (marks["n_left"], marks["axes"]) == (10242, "xyz")
    header, _ = decode_message(pack_glass(RESPONSE, SEQUENCE, linked=GRID))
    assert (header["marks"]["axes"], header["marks"]["scale"]) == ("ijk", 1)


def test_every_place_has_a_name_or_none():
    with pytest.raises(SpaceMismatchError, match="3 names for 4 places of tiny-voxels"):
        pack_glass(RESPONSE, SEQUENCE, names=["a", "b", "c"])


def test_another_number_of_frames_is_refused():
    with pytest.raises(SpaceMismatchError, match="2 projected frames of a response of 1 rows"):
        pack_glass(response(VALUES[:1]), SEQUENCE)


def test_the_same_message_has_the_same_id():
    ids = [decode_message(pack_glass(RESPONSE, SEQUENCE))[0]["id"] for _ in range(2)]
    assert ids[0] == ids[1]
    other = PROJECTOR.project(VALUES * [[1], [-1]])
    assert decode_message(pack_glass(RESPONSE, other))[0]["id"] != ids[0]


@pytest.mark.parametrize("keys", [("a b", ""), ("", ""), ("a", "b<")])
def test_keys_that_would_break_the_address_are_refused(keys):
    with pytest.raises(ValueError, match="key has letters"):
        glass_view(pack_glass(RESPONSE, SEQUENCE), key=keys[0], view_key=keys[1])


def test_browser_files_come_in_one():
    content, kind = static_routes_payload()[entry_url("glass")]
    assert kind.startswith("text/javascript")
    assert b"mountGlass" in content
    assert b"\nimport " not in content


if NODE:

    def run_node(script):
        done = subprocess.run(
            [NODE, "--input-type=module", "-e", script], capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    def test_the_browsers_code_finds_the_same_codes_in_the_same_cells(tmp_path):
        path = tmp_path / "message.bin"
        path.write_bytes(pack_glass(RESPONSE, SEQUENCE, linked=GRID))
        module = json.dumps((COMPONENTS / "glass/frontend/sequence.js").as_uri())
        answer = run_node(
            f"""
            import {{ readFileSync }} from "node:fs";
            import {{ decodeGlass, markIn }} from {module};
            const {{ codes, views, marks }} = await decodeGlass(
              new Uint8Array(readFileSync({json.dumps(str(path))})));
            console.log(JSON.stringify({{
              codes: [...codes],
              views: views.map(({{ cells, start, at }}) => [[...cells], start, [...at]]),
              marks: views.map((view) => markIn(view, marks, 3)),
              none: markIn(views[0], marks, 4),
            }}));
            """
        )
        assert answer["codes"] == SEQUENCE.codes.ravel().tolist()
        assert answer["none"] is None
        for number, view in enumerate(SEQUENCE.views):
            cells, start, at = answer["views"][number]
            assert cells == view.cells.tolist()
            assert start == SEQUENCE.view_slice(number).start
            assert [at[cell] for cell in cells] == list(range(len(cells)))
            assert sum(one >= 0 for one in at) == len(cells)
            # The fourth voxel has the largest value of the first frame: it is seen in every view.
            mark = answer["marks"][number]
            picture = SEQUENCE.picture(0, number)
            assert picture[int(mark["y"]), int(mark["x"])] == pytest.approx(-9, abs=0.03)

    def test_the_place_that_is_seen_is_named(tmp_path):
        path = tmp_path / "message.bin"
        path.write_bytes(pack_glass(RESPONSE, SEQUENCE, names=["a", "b", "c", "d"]))
        module = json.dumps((COMPONENTS / "glass/frontend/sequence.js").as_uri())
        found = run_node(
            f"""
            import {{ readFileSync }} from "node:fs";
            import {{ decodeGlass, placeBehind }} from {module};
            const sequence = await decodeGlass(
              new Uint8Array(readFileSync({json.dumps(str(path))})));
            const names = [0, 1].map((frame) => sequence.views.map(({{ cells, start }}) =>
              [...cells].map((_, n) => sequence.header.names[
                placeBehind(sequence, start + n, frame)] ?? "")));
            console.log(JSON.stringify(names));
            """
        )
        for frame in range(2):
            for number, view in enumerate(SEQUENCE.views):
                values = SEQUENCE.values(frame)[SEQUENCE.view_slice(number)]
                names = found[frame][number]
                for name, value in zip(names, values, strict=True):
                    if not name:
                        assert np.isnan(value)
                    else:
                        own = VALUES[frame, "abcd".index(name)]
                        assert own == pytest.approx(value, abs=0.03)
                assert len(names) == view.cells.size

    @pytest.mark.parametrize(
        "state",
        [
            {"limit": 2.0, "threshold": 0, "fade": False},
            {"limit": 5.0, "threshold": 1.5, "fade": False},
            {"limit": 5.0, "threshold": 3, "fade": True},
        ],
    )
    @pytest.mark.parametrize("is_signed", [True, False])
    def test_the_browser_and_the_server_use_the_same_colours(state, is_signed):
        name = "RdBu_r" if is_signed else "magma"
        module = json.dumps((COMPONENTS / "glass/frontend/colors.js").as_uri())
        header = {"minimum": -4.0, "maximum": 6.0, "is_signed": is_signed}
        table = run_node(
            f"""
            import {{ palette }} from {module};
            const colors = palette({json.dumps(header)}, {lut(name).ravel().tolist()},
              {json.dumps(state)});
            const bytes = new Uint8Array(colors.buffer);
            console.log(JSON.stringify([...bytes]));
            """
        )
        found = np.array(table).reshape(-1, 4)
        values = np.linspace(-4, 6, len(found))
        expected = code_colours(
            values,
            name,
            state["limit"],
            is_signed=is_signed,
            threshold=state["threshold"],
            is_faded=state["fade"],
        )
        is_same = np.abs(found - expected.astype(int)).max(axis=1) <= 1
        assert is_same.mean() > 0.995  # rounding may fall on the other side of an edge


def test_each_vertex_of_the_linked_mesh_names_the_parcel_it_is_drawn_for():
    values = np.zeros((1, 360), np.float32)
    parcels = response(values, get_space("mmp360"))
    sequence = load_projector("mmp360").project_response(parcels)
    names = [str(place) for place in range(360)]
    message = pack_glass(parcels, sequence, linked="fsLR32k", names=names)
    header, packed = decode_message(message)
    place = header["marks"]["named"]
    section = zlib.decompress(packed)[place["offset"] : place["offset"] + place["length"]]
    owners = np.frombuffer(section, "<u2")
    atlas = load_atlas("fsLR32k", "mmp")
    left, right = (atlas.mask("A1", side) for side in ("left", "right"))
    number = atlas.names.index("A1")
    assert set(owners[left]) == {number}
    assert set(owners[right]) == {180 + number}
    assert set(owners[~np.any([atlas.mask(name) for name in atlas.names], axis=0)]) == {65535}
    with pytest.raises(SpaceMismatchError, match="mmp360 is not drawn on fsaverage5"):
        pack_glass(parcels, sequence, linked="fsaverage5", names=names)
