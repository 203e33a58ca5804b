"""The safe form: built once, whole or not there, rebuilt when its source changes."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from models.errors import Cancelled, DiskFullError, HashMismatchError, WeightsError
from models.weights import convert
from models.weights.convert import converted, open_array, write_rows
from models.weights.records import digest_file


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "berg" / "w.npy"
    path.parent.mkdir()
    path.write_bytes(b"original")
    return path


class Build:
    """Writes two files and counts how often."""

    def __init__(self, value=1.0):
        self.n_calls, self.value = 0, value

    def __call__(self, folder: Path) -> None:
        self.n_calls += 1
        np.save(folder / "a.npy", np.full(5, self.value))
        (folder / "more").mkdir()
        write_rows(
            folder / "more" / "b.npy", (4, 2), np.float32, [np.ones((2, 2)), np.ones((2, 2))]
        )


def test_it_is_built_once_beside_the_original(source, home):
    build = Build()
    place = converted([source], "things", 2, build, home=home)
    assert place == source.parent / "converted" / "w.things-2"
    assert converted([source], "things", 2, build, home=home) == place
    assert build.n_calls == 1
    assert open_array(place / "a.npy").tolist() == [1.0] * 5
    assert open_array(place / "more" / "b.npy").shape == (4, 2)
    assert isinstance(open_array(place / "a.npy"), np.memmap)
    assert not home.exists()


def test_it_goes_below_the_top_where_nothing_can_be_written(source, home):
    (source.parent / "converted").write_text("a file where the folder would be")
    build = Build()
    place = converted([source], "things", 2, build, home=home)
    assert place.is_relative_to(home / "converted")
    assert converted([source], "things", 2, build, home=home) == place
    assert build.n_calls == 1
    (other := source.parent.parent / "other").mkdir()
    (other / "w.npy").write_bytes(b"another of the same name")
    (other / "converted").touch()
    assert converted([other / "w.npy"], "things", 2, build, home=home) != place
    with pytest.raises(WeightsError, match="kept"):
        convert.drop_originals(place)


def test_no_place_at_all_is_said(source, home):
    (source.parent / "converted").touch()
    home.touch()
    with pytest.raises(WeightsError, match="set BOLDCAST_HOME"):
        converted([source], "things", 2, Build(), home=home)


def test_another_version_or_another_source_is_built_anew(source, home):
    build = Build()
    first = converted([source], "things", 1, build, home=home)
    second = converted([source], "things", 2, build, home=home)
    assert build.n_calls == 2
    assert not first.exists()  # nobody reads the old form any more
    source.write_bytes(b"another original")
    assert converted([source], "things", 2, Build(7.0), home=home) == second
    assert open_array(second / "a.npy")[0] == 7.0
    assert sorted(p.name for p in second.parent.glob("[!.]*")) == ["w.things-2"]


def test_different_converters_of_one_source_live_side_by_side(source, home):
    one = converted([source], "a", 1, Build(), home=home)
    two = converted([source], "b", 1, Build(), home=home)
    assert one.is_dir()
    assert two.is_dir()
    assert [place for place, _ in convert.find_conversions(source, home)] == [one, two]


def test_a_form_that_lost_a_file_is_built_anew(source, home):
    build = Build()
    place = converted([source], "a", 1, build, home=home)
    (place / "more" / "b.npy").unlink()
    converted([source], "a", 1, build, home=home)
    (place / "a.npy").write_bytes(b"short")
    converted([source], "a", 1, build, home=home)
    (place / "manifest.json").write_text("{")
    converted([source], "a", 1, build, home=home)
    assert build.n_calls == 4


def test_hashes_are_recorded_and_checked_on_request(source, home):
    place = converted([source], "a", 1, Build(), home=home)
    assert convert.sources_sha256(place) == digest_file(source)["sha256"]
    convert.verify_conversion(place)
    data = bytearray((place / "a.npy").read_bytes())
    data[-1] ^= 1
    (place / "a.npy").write_bytes(data)
    with pytest.raises(HashMismatchError, match=r"a\.npy"):
        convert.verify_conversion(place)


def test_several_sources_have_one_hash_that_knows_each(source, home):
    other = source.with_name("x.npy")
    other.write_bytes(b"second")
    place = converted([source, other], "a", 1, Build(), home=home)
    first = convert.sources_sha256(place)
    other.write_bytes(b"third")
    assert convert.sources_sha256(converted([source, other], "a", 1, Build(), home=home)) != first


def test_originals_can_be_dropped_and_the_form_stays_in_use(source, home):
    build = Build()
    place = converted([source], "a", 1, build, home=home)
    assert convert.drop_originals(place) == len(b"original")
    assert not source.exists()
    assert converted([source], "a", 1, build, home=home) == place
    assert build.n_calls == 1
    with pytest.raises(WeightsError, match=r"w\.npy is not at"):
        converted([source], "a", 2, build, home=home)


def test_an_original_of_several_parts_is_kept_until_all_are_converted(source, home):
    def part(name):
        return converted([source], name, 1, Build(), home=home, parts=lambda: ("one", "two"))

    place = part("one")
    with pytest.raises(WeightsError, match=r"w\.npy is kept: two"):
        convert.drop_originals(place)
    other = part("two")
    (other / "a.npy").write_bytes(b"x" * (other / "a.npy").stat().st_size)
    with pytest.raises(HashMismatchError):
        convert.drop_originals(place)
    (other / "manifest.json").unlink()
    assert source.exists()
    part("two")
    assert convert.drop_originals(place) == len(b"original")
    assert part("one") == place
    assert part("two") == other


def test_the_original_is_hashed_once_for_all_parts(source, home, monkeypatch):
    hashed = []
    monkeypatch.setattr(
        convert, "digest_file", lambda path: hashed.append(path.name) or digest_file(path)
    )
    places = [converted([source], name, 1, Build(), home=home) for name in ("one", "two")]
    assert hashed.count("w.npy") == 1
    assert convert.sources_sha256(places[1]) == digest_file(source)["sha256"]
    source.write_bytes(b"changed!")
    os.utime(source, ns=(1, 1))
    place = converted([source], "two", 1, Build(), home=home)
    assert hashed.count("w.npy") == 2
    assert convert.sources_sha256(place) == digest_file(source)["sha256"]


def test_a_part_of_an_older_original_does_not_count(source, home):
    def part(name):
        return converted([source], name, 1, Build(), home=home, parts=lambda: ("one", "two"))

    part("two")
    source.write_bytes(b"another original")
    with pytest.raises(WeightsError, match="is kept: two"):
        convert.drop_originals(part("one"))


def test_originals_of_a_damaged_form_are_kept(source, home):
    place = converted([source], "a", 1, Build(), home=home)
    (place / "a.npy").write_bytes(b"x" * (place / "a.npy").stat().st_size)
    with pytest.raises(HashMismatchError):
        convert.drop_originals(place)
    assert source.exists()


@pytest.mark.parametrize("error", [Cancelled("stop"), WeightsError("bad"), OSError(errno.EIO, "x")])
def test_a_build_that_fails_leaves_nothing(source, home, error):
    def fail(folder):
        (folder / "a.npy").write_bytes(b"half")
        raise error

    with pytest.raises(type(error)):
        converted([source], "a", 1, fail, home=home)
    assert [p.name for p in (source.parent / "converted").iterdir() if p.is_dir()] == []


def test_a_full_disk_is_said(source, home):
    def fail(folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFullError, match="filled up while converting"):
        converted([source], "a", 1, fail, home=home)
    with pytest.raises(DiskFullError, match="are free"):
        converted([source], "a", 1, Build(), home=home, needs_bytes=1 << 60)


def test_a_build_that_writes_nothing_is_a_fault(source, home):
    with pytest.raises(WeightsError, match="wrote nothing"):
        converted([source], "a", 1, lambda folder: None, home=home)


def test_threads_that_ask_at_once_build_once(source, home):
    build = Build()
    places = []

    def ask():
        places.append(converted([source], "a", 1, build, home=home))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert build.n_calls == 1
    assert len(set(places)) == 1


def test_rows_that_do_not_add_up_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="got 4 numbers"):
        write_rows(tmp_path / "a.npy", (3, 2), np.float32, [np.ones((2, 2))])


def test_rows_are_cast_and_kept_in_order(tmp_path):
    rows = np.arange(12.0).reshape(6, 2)
    write_rows(tmp_path / "a.npy", (6, 2), np.float32, (rows[i : i + 4] for i in (0, 4)))
    found = np.load(tmp_path / "a.npy")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, rows)


def test_a_damaged_array_is_named(tmp_path):
    (tmp_path / "a.npy").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match=r"a\.npy cannot be opened"):
        open_array(tmp_path / "a.npy")


def test_conversion_streams(tmp_path):
    """400 MB are converted with less than 64 MiB more at the peak."""
    code = """
import resource, sys
from pathlib import Path
import numpy as np
from models.weights.convert import converted, write_rows
top = Path(sys.argv[1]); source = top / "w.npy"; source.write_bytes(b"x" * 1000)
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
def build(folder):
    blocks = (np.full((1000, 1000), i, np.float32) for i in range(100))
    write_rows(folder / "a.npy", (100_000, 1000), "f4", blocks)
before = peak()
place = converted([source], "a", 1, build)
assert (place / "a.npy").stat().st_size > 400_000_000
print(peak() - before)
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(out.stdout) < 64 * 1024  # KiB
