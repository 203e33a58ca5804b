import gzip
import hashlib
import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from components.brain.mesh_file import (
    build_mesh_file,
    compress,
    ensure_mesh_file,
    mesh_file_name,
    order_along_curve,
    pack_mesh,
    read_mesh_file,
)
from models.atlases import Atlas, list_atlases, load_atlas
from models.drawing.layout import VIEWS, lay_out
from models.errors import SpaceMismatchError
from models.spaces import (
    HEMISPHERES,
    SHAPES,
    HemisphereMesh,
    Mesh,
    get_space,
    list_spaces,
    load_medial_wall,
    load_sulcal_depth,
)
from models.types import Space
from tests.bench.meshes import build_stand_in_file, subdivide, subdivided_shapes

ROOT = Path(__file__).parents[2]
TINY = Space("tiny", "surface", 3, 3)
CORNERS = np.array([[0, 0, 0], [10, 0, 0], [0, 4, 2]], float)
FACES = np.array([[0, 1, 2]])
DEPTH = np.array([0.0, 2.0, -2.0, 0.0, 1.0, -4.0])
WALL = np.array([False, False, True, False, False, False])


def tiny_mesh(shape="inflated", space=TINY, faces=FACES):
    """Two triangles."""
    left, right = (HemisphereMesh(CORNERS * (s, 1, 1), faces) for s in (-1, 1))
    return Mesh(space, shape, left, right)


def tiny_file(**changes):
    """Mesh file of two triangles."""
    parts = {"sulcal_depth": DEPTH, "is_medial_wall": WALL, "atlases": ()}
    return pack_mesh([tiny_mesh()], **{**parts, **changes})


def in_order(faces):
    """The same triangles, each starting at the same corner, in an order of their own."""
    return faces[np.lexsort(faces.T)]


@pytest.fixture(scope="module", params=list_spaces())
def packed(request):
    """Name of a space and its mesh file, read back."""
    return request.param, read_mesh_file(build_mesh_file(request.param))


def test_the_bytes_of_a_tiny_file_are_as_documented():
    content = tiny_file()
    magic, length = struct.unpack("<4sI", content[:8])
    assert magic == b"BCM1"
    assert (8 + length) % 4 == 0
    header = json.loads(content[8 : 8 + length])
    left = header["hemispheres"][0]
    where = left["positions"]["inflated"]
    payload = content[8 + length :]
    codes = struct.unpack_from("<9h", payload, where["offset"])
    # Longest side 10 mm over 65,534 steps; the origin is the middle of the box.
    assert where["scale"] == pytest.approx(10 / 65534)
    assert where["origin"] == [-5, 2, 1]
    assert codes[:3] == (32767, -13107, -6553)  # (0 + 5, 0 - 2, 0 - 1) mm in steps
    assert codes[3] == -32767
    assert struct.unpack_from("<3H", payload, left["faces"]["offset"]) == (0, 1, 2)
    assert left["faces"]["n"] == 1
    assert left["faces"]["type"] == "u16"
    # The 99th percentile of the sizes [0, 0, 1, 2, 2, 4] is 3.9: 128 + 127 * 2 / 3.9 = 193.
    assert list(payload[left["sulcus"]["offset"] :][:3]) == [128, 193, 63]
    assert list(payload[left["medial_wall"]["offset"] :][:3]) == [0, 0, 1]
    right = header["hemispheres"][1]
    assert list(payload[right["sulcus"]["offset"] :][:3]) == [128, 161, 1]  # -4 is clipped


def offsets_in(entry):
    """All offsets below a header entry."""
    if isinstance(entry, dict):
        for key, value in entry.items():
            if key == "offset":
                yield value
            else:
                yield from offsets_in(value)


def test_every_array_starts_at_a_multiple_of_four(packed):
    _, content = packed
    offsets = [o for side in content.header["hemispheres"] for o in offsets_in(side)]
    assert len(offsets) == len(set(offsets)) >= 20
    assert all(offset % 4 == 0 for offset in offsets)


def test_points_are_ordered_along_a_morton_curve():
    corners = np.array([(x, y, z) for z in (0, 1) for y in (0, 1) for x in (0, 1)], float)
    ordered = corners[order_along_curve(corners)]
    # by hand: x is the highest bit, then y, then z
    assert ordered.tolist() == sorted(corners.tolist())
    far_and_near = np.array([[100.0, 0, 0], [0, 0, 0], [101, 0, 0], [1, 0, 0]])
    assert order_along_curve(far_and_near).tolist() == [1, 3, 0, 2]


def test_neighbouring_faces_are_stored_together(packed):
    _, content = packed
    positions = content.left.positions["inflated"]
    runs = content.left.faces[: 256 * 32].reshape(32, 256, 3)
    widths_mm = np.ptp(positions[runs].mean(axis=2), axis=1).max(axis=1)
    whole_mm = np.ptp(positions, axis=0).max()
    # a run of 256 of 20,480 faces covers 1/80 of the surface: about 1/9 of its length if compact
    assert np.median(widths_mm) < whole_mm / 4


def test_positions_come_back_within_a_hundredth_of_a_millimetre(packed):
    space, content = packed
    for side, entry in zip(HEMISPHERES, content.header["hemispheres"], strict=True):
        assert tuple(content.hemisphere(side).positions) == SHAPES[space]
        for shape in SHAPES[space]:
            expected = lay_out(space, shape).hemisphere(side).positions
            error_mm = np.abs(content.hemisphere(side).positions[shape] - expected).max()
            half_step_mm = entry["positions"][shape]["scale"] / 2
            assert error_mm <= half_step_mm + 1e-4  # float32 of 400 mm is good to 3e-5
            assert half_step_mm < 0.0035
            assert np.allclose(entry["positions"][shape]["minimum"], expected.min(axis=0))
            assert np.allclose(entry["positions"][shape]["maximum"], expected.max(axis=0))


def test_faces_maps_and_atlases_come_back_exactly(packed):
    space, content = packed
    for side in HEMISPHERES:
        part = get_space(space).hemisphere_slice(side)
        one = content.hemisphere(side)
        for stored, shape in ((one.faces, "pial"), (one.flat_faces, "flat")):
            expected = lay_out(space, shape).hemisphere(side).faces
            assert np.array_equal(in_order(stored), in_order(expected))
        assert one.faces.dtype == np.uint16
        assert np.array_equal(one.is_medial_wall, load_medial_wall(space)[part])
        assert tuple(one.atlases) == list_atlases(space)
        for name, labels in one.atlases.items():
            assert np.array_equal(labels, load_atlas(space, name).labels[part])


def test_the_sulcus_map_keeps_its_sign_and_its_zero(packed):
    space, content = packed
    depth = load_sulcal_depth(space)
    step = content.header["sulcus_limit"] / 127
    sulcus = np.concatenate([content.left.sulcus, content.right.sulcus])
    assert (sulcus[depth > step] > 128).all()
    assert (sulcus[depth < -step] < 128).all()
    assert (sulcus[np.abs(depth) < step / 4] == 128).all()
    assert sulcus.min() >= 1


def test_the_header_says_what_the_viewer_needs(packed):
    space, content = packed
    header = content.header
    assert header["space"] == space
    assert header["default_shape"] == "inflated"
    assert header["shapes"] == list(SHAPES[space])
    assert [side["name"] for side in header["hemispheres"]] == ["left", "right"]
    assert [side["n_vertices"] for side in header["hemispheres"]] == [
        get_space(space).n_left,
        get_space(space).n_right,
    ]
    assert header["views"]["left_lateral"] == [0, -1, 0, 0, 0, 1, -1, 0, 0]
    assert header["view_hemispheres"]["dorsal"] == ["left", "right"]
    assert set(header["views"]) == set(header["view_hemispheres"]) == set(VIEWS)
    for name, about in header["atlases"].items():
        atlas = load_atlas(space, name)
        assert about["names"] == list(atlas.names)
        assert about["descriptions"] == dict(atlas.descriptions)
        assert about["groups"] == {group: list(names) for group, names in atlas.groups.items()}


def test_the_same_space_always_gives_the_same_bytes():
    content = build_mesh_file("fsaverage5")
    assert build_mesh_file("fsaverage5") == content
    assert compress(content) == compress(content)
    assert gzip.decompress(compress(content)) == content


def test_the_name_holds_the_hash_of_the_content():
    digest = hashlib.sha256(b"abc").hexdigest()
    assert mesh_file_name("fsaverage5", b"abc") == f"mesh-fsaverage5-{digest[:16]}.bin.gz"


def test_ensure_writes_one_whole_file_and_leaves_it_alone_afterwards(tmp_path):
    folder = tmp_path / "not" / "yet"
    first = ensure_mesh_file("fsaverage5", folder)
    content = gzip.decompress(first.path.read_bytes())
    assert content == build_mesh_file("fsaverage5")
    assert first.n_bytes == len(content)
    assert first.path.name == f"mesh-fsaverage5-{first.sha256[:16]}.bin.gz"
    assert first.sha256 == hashlib.sha256(content).hexdigest()
    written_at = first.path.stat().st_mtime_ns
    assert ensure_mesh_file("fsaverage5", folder) == first
    assert first.path.stat().st_mtime_ns == written_at
    assert [file.name for file in folder.iterdir()] == [first.path.name]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: b"<html>not found</html>",
        lambda data: data[:100_000] + bytes([data[100_000] ^ 255]) + data[100_001:],
        lambda data: gzip.compress(b"something else"),
    ],
    ids=["empty", "half", "html", "flipped byte", "other content"],
)
def test_a_damaged_file_is_rebuilt(tmp_path, damage):
    file = ensure_mesh_file("fsaverage5", tmp_path)
    good = file.path.read_bytes()
    file.path.write_bytes(damage(good))
    assert ensure_mesh_file("fsaverage5", tmp_path) == file
    assert file.path.read_bytes() == good


def test_processes_may_build_the_same_file_at_once(tmp_path):
    code = (
        "import sys; from pathlib import Path; from components.brain.mesh_file import *; "
        "print(ensure_mesh_file('fsaverage5', Path(sys.argv[1])).path)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    builders = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(3)]
    paths = {builder.communicate()[0].decode().strip() for builder in builders}
    assert [builder.returncode for builder in builders] == [0, 0, 0]
    assert [str(path) for path in tmp_path.iterdir()] == list(paths)
    assert gzip.decompress(Path(*paths).read_bytes()) == build_mesh_file("fsaverage5")


def test_a_write_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    def refuse(source, target):
        raise OSError("no")

    monkeypatch.setattr("components.brain.mesh_file.os.replace", refuse)
    with pytest.raises(OSError, match="no"):
        ensure_mesh_file("fsaverage5", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("shapes", "changes", "message"),
    [
        ([tiny_mesh("pial")], {}, "Default shape 'inflated'"),
        ([tiny_mesh(), tiny_mesh("pial", Space("other", "surface", 3, 3))], {}, "other"),
        ([tiny_mesh(), tiny_mesh("pial", faces=FACES[:, ::-1])], {}, "other faces"),
        ([tiny_mesh()], {"sulcal_depth": DEPTH[:5]}, "6 places"),
        ([tiny_mesh()], {"is_medial_wall": WALL[:5]}, "6 places"),
        (
            [tiny_mesh()],
            {
                "atlases": [
                    Atlas(
                        "a",
                        "A",
                        Space("other", "surface", 3, 3),
                        ("x",),
                        np.ones(6),
                        {"g": ("x",)},
                        "",
                    )
                ]
            },
            "other",
        ),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(shapes, changes, message):
    parts = {"sulcal_depth": DEPTH, "is_medial_wall": WALL}
    with pytest.raises(SpaceMismatchError, match=message):
        pack_mesh(shapes, **{**parts, **changes})


def test_a_flat_brain_and_no_flat_sheet_are_both_fine():
    content = read_mesh_file(tiny_file(sulcal_depth=np.zeros(6)))
    assert content.left.sulcus.tolist() == [128, 128, 128]
    assert content.left.flat_faces is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PNG!" + bytes(100), "Not a mesh file"),
        (b"BCM1", "cut short"),
        (tiny_file()[:200], "cut short"),
        (tiny_file()[:-8], "cut short"),
        (tiny_file().replace(b'"version":1', b'"version":7'), "version 7"),
    ],
)
def test_what_is_no_whole_mesh_file_is_refused(content, message):
    with pytest.raises(ValueError, match=message):
        read_mesh_file(content)


def test_subdividing_a_triangle_gives_four_of_a_quarter_the_area():
    faces, positions = subdivide(FACES, 3, CORNERS)
    assert faces.shape == (4, 3)
    assert np.array_equal(positions[:3], CORNERS)
    assert sorted(positions[3:].tolist()) == [[0, 2, 1], [5, 0, 0], [5, 2, 1]]
    a, b, c = (positions[faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    whole = np.cross(CORNERS[1] - CORNERS[0], CORNERS[2] - CORNERS[0])
    assert np.allclose(normals, whole / 4)  # same winding too


def test_fsaverage5_subdivided_twice_has_the_size_of_fsaverage():
    content = read_mesh_file(build_stand_in_file())
    meshes, depth, wall = subdivided_shapes()
    assert [side["n_vertices"] for side in content.header["hemispheres"]] == [163842, 163842]
    assert content.left.faces.dtype == np.uint32
    assert content.left.faces.shape == (327680, 3)
    assert content.left.faces.max() == 163841
    assert np.array_equal(in_order(content.right.faces), in_order(meshes[0].right.faces))
    assert np.abs(content.right.positions["pial"] - meshes[0].right.positions).max() < 0.01
    # Old vertices keep their index and value.
    assert np.array_equal(depth[:10242], load_sulcal_depth("fsaverage5")[:10242])
    assert np.array_equal(wall[163842 : 163842 + 10242], load_medial_wall("fsaverage5")[10242:])
