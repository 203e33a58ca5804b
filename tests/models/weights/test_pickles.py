"""The restricted readers: right numbers from good files, nothing run from bad ones."""

import collections
import contextlib
import pickle
import struct
import subprocess
import sys

import numpy as np
import pytest
import torch

from models.errors import UnsafePickleError, WeightsError
from models.weights.pickles import read_index_file, read_numpy_dict, read_torch_state
from tests.models.weights import malicious


def a_nested_dict():
    rng = np.random.default_rng(5)
    large = rng.standard_normal((300, 200)).astype(np.float32)
    return {
        "scaler": {"mean_": rng.standard_normal(20000), "n": 3, "name": "größe", "none": None},
        "coef": large,
        "coef_again": large,
        "columns_first": np.asfortranarray(rng.standard_normal((150, 100))),
        "big_endian": np.arange(9, dtype=">i4"),
        "flags": np.array([True, False]),
        "words": np.array(["V1", "hV4"]),
        "objects": np.array([["a", 1], [None, 2.5]], dtype=object),
        "scalar": np.float32(0.25),
        "count": np.int64(1) << 40,
        "empty": np.zeros((0, 3), np.int64),
        "list": [1, -2, (True, False, (1, 2, 3, 4)), 70000, 2.5, 1 << 80],
        "set": {1, 2},
        "frozen": frozenset({"a"}),
        "ordered": collections.OrderedDict(b=1, a=2),
        "bytes": b"\x00\xff",
        "nothing": [{}, [], (), ""],
    }


def assert_same(found, expected):
    if isinstance(expected, np.ndarray):
        assert isinstance(found, np.ndarray)
        # Views keep the file's byte order, where numpy swaps a copy.
        assert found.dtype.newbyteorder("=") == expected.dtype.newbyteorder("=")
        np.testing.assert_array_equal(found, expected)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            assert_same(found[key], expected[key])
    else:
        assert type(found) is type(expected)
        assert found == expected


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_dictionary_is_read_as_numpy_reads_it(tmp_path, protocol):
    path = malicious.save_object(tmp_path / "a.npy", a_nested_dict(), protocol)
    found, expected = read_numpy_dict(path), np.load(path, allow_pickle=True).item()
    assert_same(found, expected)


def test_np_save_is_read(tmp_path):
    np.save(tmp_path / "a.npy", a_nested_dict(), allow_pickle=True)
    assert_same(read_numpy_dict(tmp_path / "a.npy"), a_nested_dict())


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_large_arrays_are_read_only_views_of_the_file(tmp_path, protocol):
    path = malicious.save_object(tmp_path / "a.npy", a_nested_dict(), protocol)
    coef = read_numpy_dict(path)["coef"]
    assert not coef.flags.owndata
    assert not coef.flags.writeable
    with path.open("r+b") as file:  # the file shines through: nothing was copied
        start = path.read_bytes().index(coef[0, :4].tobytes())
        file.seek(start)
        file.write(struct.pack("<f", 41.5))
    assert coef[0, 0] == 41.5


def test_reading_a_large_file_takes_no_memory_for_its_arrays(tmp_path):
    """210 MB of arrays: less than 20 MB more at the peak while indexing them."""
    arrays = {str(number): np.zeros((70, 100_000), np.float64) for number in range(4)}
    malicious.save_object(tmp_path / "a.npy", arrays)
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from models.weights.pickles import read_numpy_dict\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak(); value = read_numpy_dict(Path(sys.argv[1]))\n"
        "value['3'][69, 99_999]; print(peak() - before)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.npy")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(out.stdout) < 20 * 1024  # KiB


def test_large_bytes_inside_a_frame_give_the_same_numbers(tmp_path):
    values = np.random.default_rng(0).standard_normal((200, 101))
    pickled = malicious.large_bytes_inside_a_frame(values)
    assert_same(pickle.loads(pickled), {"a": values})  # noqa: S301 - made here; a valid pickle
    assert_same(
        read_numpy_dict(malicious.save_raw(tmp_path / "a.npy", pickled)),
        {"a": values},
    )


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "attack",
    [malicious.CallsSystem, malicious.Nested, malicious.FillsItself],
    ids=lambda a: a.__name__,
)
def test_code_is_refused_and_not_run(tmp_path, attack, protocol):
    mark = tmp_path / "ran"
    path = malicious.save_object(tmp_path / "a.npy", {"x": attack(mark)}, protocol)
    with pytest.raises(UnsafePickleError, match=r"a\.npy asks for"):
        read_numpy_dict(path)
    assert not mark.exists()


def test_the_attack_works_where_nothing_guards(tmp_path):
    """The fixture is a real attack: plain numpy runs it."""
    path = malicious.save_object(tmp_path / "a.npy", {"x": malicious.CallsSystem(tmp_path / "ran")})
    np.load(path, allow_pickle=True)
    assert (tmp_path / "ran").exists()


def test_array_of_another_class_is_refused(tmp_path):
    path = malicious.save_object(tmp_path / "a.npy", {"x": malicious.ArrayOfAnotherClass()})
    with pytest.raises(UnsafePickleError):
        read_numpy_dict(path)


@pytest.mark.parametrize(
    ("shape", "data", "dtype"),
    [
        ((10**6, 10**6), b"\0" * 16, "f4"),
        ((5,), b"\0" * 16, "f4"),
        ((3,), b"\0" * 16, "f4"),
        ((-4,), b"\0" * 16, "f4"),
        ((-2, -2), b"\0" * 16, "f4"),
        ((4.0,), b"\0" * 16, "f4"),
        ((True, 4), b"\0" * 16, "f4"),
        ([4], b"\0" * 16, "f4"),
        ((1,) * 40 + (4,), b"\0" * 16, "f4"),
        ((2**200,), b"\0" * 16, "f4"),
        ((10**9,), b"", "S0"),
        ((10**9,), [], "O"),
        ((2,), ["one"], "O"),
        ((2,), b"\0" * 16, "O"),
        ((2,), b"\0" * 16, "M8[s]"),
        ((2,), b"\0" * 16, [("a", "f4"), ("b", "f4")]),
        ((2,), "\0" * 16, "f8"),
    ],
    ids=str,
)
def test_shapes_that_do_not_fit_their_bytes_are_refused(tmp_path, shape, data, dtype):
    attack = malicious.ClaimsShape(shape, data, dtype)
    path = malicious.save_object(tmp_path / "a.npy", {"x": attack})
    with pytest.raises(WeightsError, match=r"a\.npy"):
        read_numpy_dict(path)


def a_list_in_itself():
    values: list = []
    values.append(values)
    return values


def an_array_in_itself():
    array = np.empty(1, dtype=object)
    array[0] = array
    return array


@pytest.mark.parametrize("make", [a_list_in_itself, an_array_in_itself])
def test_what_contains_itself_is_refused(tmp_path, make):
    path = malicious.save_object(tmp_path / "a.npy", {"x": make()})
    with pytest.raises(UnsafePickleError):
        read_numpy_dict(path)


def test_shared_containers_cost_no_more_than_they_are(tmp_path):
    value = ["x"]
    for _ in range(25):  # 2**25 leaves if every branch were walked
        value = [value, value]
    path = malicious.save_object(tmp_path / "a.npy", {"x": value})
    found = read_numpy_dict(path)["x"]
    assert found[0] is found[1]


RAW = {
    "protocol 1": pickle.dumps({"a": 1}, 1),
    "protocol 0": pickle.dumps({"a": 1}, 0),
    "bare name": b"\x80\x04\x8c\x05numpy\x8c\x07ndarray\x93.",
    "name in the result": b"\x80\x04}\x8c\x01a\x8c\x05numpy\x8c\x07ndarray\x93s.",
    "mark in the result": b"\x80\x04(.",
    "nothing": b"\x80\x04.",
    "value missing": b"\x80\x04}\x8c\x01as.",
    "persistent id": b"\x80\x04\x8c\x01aQ.",
    "extension": b"\x80\x02\x82\x01.",
    "new object": b"\x80\x04)\x81.",
    "out-of-band buffer": b"\x80\x05\x97.",
    "memo of nothing": b"\x80\x04h\x07.",
    "dict as a key": b"\x80\x04}}K\x01s.",
    "deep key": b"\x80\x04}" + b")" + b"\x85" * 100_000 + b"K\x01s.",
    "deep list": b"\x80\x04" + b"]" * 100_000 + b"a" * 99_999 + b".",
    "call of text": b"\x80\x04\x8c\x01a)R.",
    "build on a dict": b"\x80\x04}}b.",
    "list as a name": b"\x80\x04]]\x93.",
    "endless name": b"\x80\x02c" + b"a" * 5000,
    "promise of 2**60 bytes": b"\x80\x04\x8e" + struct.pack("<Q", 2**60),
    "promise of 2**60 letters": b"\x80\x04\x8d" + struct.pack("<Q", 2**60),
    "not text": b"\x80\x04\x8c\x02\xff\xff.",
    "not a pickle": b"hello world",
}


@pytest.mark.parametrize("pickled", RAW.values(), ids=RAW.keys())
def test_odd_pickles_end_in_our_error(tmp_path, pickled):
    with pytest.raises(WeightsError, match=r"a\.npy"):
        read_numpy_dict(malicious.save_raw(tmp_path / "a.npy", pickled))


def test_a_file_cut_at_any_byte_ends_in_our_error(tmp_path):
    whole = malicious.save_object(tmp_path / "a.npy", {"a": np.arange(9.0), "b": ["x", 1.5]})
    data = whole.read_bytes()
    for length in range(len(data)):
        (tmp_path / "cut.npy").write_bytes(data[:length])
        with pytest.raises(WeightsError, match=r"cut\.npy"):
            read_numpy_dict(tmp_path / "cut.npy")


def test_a_file_with_any_byte_changed_never_ends_in_a_foreign_error(tmp_path):
    """Damage may go unnoticed here (hashes catch it), but never as another exception."""
    path = malicious.save_object(tmp_path / "a.npy", {"a": np.arange(3.0), "b": ["x", {1: 2}]})
    data = path.read_bytes()
    rng = np.random.default_rng(2)
    for place in range(len(data)):
        for byte in rng.integers(0, 256, 6):
            changed = bytearray(data)
            changed[place] = byte
            path.write_bytes(changed)
            with contextlib.suppress(WeightsError):
                read_numpy_dict(path)


def test_absent_empty_and_plain_arrays_are_named(tmp_path):
    with pytest.raises(WeightsError, match=r"b\.npy is not at"):
        read_numpy_dict(tmp_path / "b.npy")
    (tmp_path / "c.npy").touch()
    with pytest.raises(WeightsError, match=r"c\.npy is empty"):
        read_numpy_dict(tmp_path / "c.npy")
    np.save(tmp_path / "d.npy", np.arange(3.0))
    with pytest.raises(WeightsError, match="array of <f8, not a dictionary"):
        read_numpy_dict(tmp_path / "d.npy")
    malicious.save_object(tmp_path / "e.npy", [1, 2])
    with pytest.raises(WeightsError, match="no dictionary"):
        read_numpy_dict(tmp_path / "e.npy")


# -- torch ----------------------------------------------------------------------------------


def a_state():
    generator = torch.Generator().manual_seed(3)
    weight = torch.randn(200, 300, generator=generator)
    return {
        "w": weight,
        "half": weight[:3].to(torch.bfloat16),
        "transposed": weight.T,
        "count": torch.tensor(1000),
        "empty": torch.zeros(0, 3),
    }


@pytest.mark.parametrize("is_zip", [True, False])
def test_torch_state_is_read(tmp_path, is_zip):
    path = tmp_path / "a.pth"
    torch.save(a_state(), path, _use_new_zipfile_serialization=is_zip)
    found = read_torch_state(path)
    assert list(found) == list(a_state())
    for key, tensor in a_state().items():
        assert found[key].dtype == tensor.dtype
        assert torch.equal(found[key], tensor)


def test_torch_state_is_mapped(tmp_path):
    path = tmp_path / "a.pth"
    torch.save(a_state(), path)
    found = read_torch_state(path)
    start = path.read_bytes().index(a_state()["w"].numpy()[0, :4].tobytes())
    with path.open("r+b") as file:
        file.seek(start)
        file.write(struct.pack("<f", 41.5))
    assert found["w"][0, 0] == 41.5


@pytest.mark.parametrize("is_zip", [True, False])
def test_torch_file_with_code_is_refused_and_not_run(tmp_path, is_zip):
    mark = tmp_path / "ran"
    torch.save(
        {"w": torch.zeros(2), "x": malicious.Nested(mark)},
        tmp_path / "a.pth",
        _use_new_zipfile_serialization=is_zip,
    )
    with pytest.raises(UnsafePickleError, match=r"a\.pth asks for more than tensors"):
        read_torch_state(tmp_path / "a.pth")
    assert not mark.exists()


@pytest.mark.parametrize("is_zip", [True, False])
def test_torch_file_cut_short_ends_in_our_error(tmp_path, is_zip):
    path = tmp_path / "a.pth"
    torch.save(a_state(), path, _use_new_zipfile_serialization=is_zip)
    data = path.read_bytes()
    for length in [0, 1, 2, 100, len(data) // 2, len(data) - 1]:
        path.write_bytes(data[:length])
        with pytest.raises(WeightsError, match=r"a\.pth"):
            read_torch_state(path)


def test_torch_files_of_other_things_are_refused(tmp_path):
    path = tmp_path / "a.pth"
    for value in [{}, torch.zeros(2), {"a": 1}, {"a": {"b": torch.zeros(1)}}, {1: torch.zeros(1)}]:
        torch.save(value, path)
        with pytest.raises(WeightsError, match=r"a\.pth holds"):
            read_torch_state(path)
    path.write_bytes(b"hello world, this is no checkpoint")
    with pytest.raises(WeightsError, match=r"a\.pth"):
        read_torch_state(path)
    with pytest.raises(WeightsError, match=r"b\.pth is not at"):
        read_torch_state(tmp_path / "b.pth")


def test_torch_tensor_larger_than_its_record_is_refused(tmp_path):
    """The pickle promises 90 numbers where 30 are stored: the neighbour would shine through."""
    path = tmp_path / "a.pth"
    torch.save({"a": torch.zeros(90), "b": torch.ones(90), "c": torch.ones(200)}, path)
    longer = path.read_bytes()
    torch.save({"a": torch.zeros(30), "b": torch.ones(90), "c": torch.ones(200)}, path)
    shorter = path.read_bytes()
    find = lambda data: (data.index(b"\x80\x02}"), data.index(b".PK"))  # noqa: E731
    old, new = find(shorter), find(longer)
    assert old[1] - old[0] == new[1] - new[0]
    forged = shorter[: old[0]] + longer[new[0] : new[1]] + shorter[old[1] :]
    path.write_bytes(forged)
    with pytest.raises(WeightsError, match=r"a\.pth is damaged"):
        read_torch_state(path)


# -- index files ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [lambda v: v, lambda v: v.astype(np.int32), torch.from_numpy, lambda v: v.tolist()],
    ids=["int64", "int32", "tensor", "list"],
)
def test_index_file_is_read(tmp_path, make):
    values = {"subj01": np.arange(3, 30000), "subj02": np.array([5, 2, 9])}
    path = tmp_path / "part1_voxel_indices.pt"
    torch.save({key: make(value) for key, value in values.items()}, path)
    found = read_index_file(path)
    assert_same(found, values)


def test_index_file_with_code_is_refused_and_not_run(tmp_path):
    mark = tmp_path / "ran"
    path = tmp_path / "i.pt"
    for value in [
        {"subj01": np.arange(3), "x": malicious.CallsSystem(mark)},
        {"subj01": torch.arange(3), "x": malicious.CallsSystem(mark)},
        {"subj01": torch.arange(3), "subj02": np.arange(3)},
    ]:
        torch.save(value, path)
        with pytest.raises(UnsafePickleError):
            read_index_file(path)
    assert not mark.exists()


def test_index_file_of_other_things_is_refused(tmp_path):
    path = tmp_path / "i.pt"
    for value in [{"a": np.zeros(3)}, {"a": np.zeros((2, 2), int)}, [1, 2], {"a": "text"}]:
        torch.save(value, path)
        with pytest.raises(WeightsError, match=r"i\.pt"):
            read_index_file(path)
    path.write_bytes(b"PK\x03\x04 and nothing more")
    with pytest.raises(WeightsError, match="cut short"):
        read_index_file(path)
    with pytest.raises(WeightsError, match=r"j\.pt is not at"):
        read_index_file(tmp_path / "j.pt")


def test_reader_never_imports_what_a_file_names(tmp_path):
    path = malicious.save_raw(tmp_path / "a.npy", b"\x80\x02cantigravity\nfly\n)R.")
    with pytest.raises(UnsafePickleError, match=r"antigravity\.fly"):
        read_numpy_dict(path)
    assert "antigravity" not in sys.modules
