"""Features on disk: found by another process, damaged ones ignored, bounded, never in the way."""

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.encoders.base import Features
from models.errors import SettingError
from models.feature_files import FeatureFiles
from models.types import Settings
from tests.models.engine_samples import GREYS, SETTINGS, House, Pictures
from tests.models.test_engine_features import SceneFeatures, Scenes, directly, names

ROW = Features(
    (np.arange(6, dtype=np.float32).reshape(1, 2, 3), np.array([[2.5]], np.float64)),
    (),
    Settings(),
    ("sub-01", "sub-02"),
    {"device": "processor", "n": 3, "is_cut": True, "share": 0.25},
)


@pytest.fixture
def files(tmp_path):
    return FeatureFiles(tmp_path / "cache", 10**6)


def on_disk(files):
    return sorted(path for path in files.folder.rglob("*") if path.is_file())


def test_features_come_back_as_they_were(files):
    files.write("key", ROW)
    again = FeatureFiles(files.folder, 10**6).read("key", Features, SETTINGS)
    for array, expected in zip(again.arrays, ROW.arrays, strict=True):
        np.testing.assert_array_equal(array, expected, strict=True)
        assert array.flags.writeable
    assert (again.subjects, again.facts, again.row_labels) == (ROW.subjects, ROW.facts, ())
    assert again.settings == SETTINGS
    assert again.fits(replace(ROW, settings=SETTINGS))


def test_fields_of_a_subclass_come_back_too(files):
    row = SceneFeatures(ROW.arrays, (), Settings(), weights=("sub-01",))
    files.write("key", row)
    again = files.read("key", SceneFeatures, Settings())
    assert type(again) is SceneFeatures
    assert again.fits(row)
    assert again.weights == ("sub-01",)


def test_another_key_is_another_file(files):
    files.write("key", ROW)
    assert files.read("other key", Features, SETTINGS) is None
    (path,) = on_disk(files)
    assert path.suffix == ".safetensors"


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: b"\xff" * len(data),
        lambda data: flip(data, len(data) - 1),  # a number
        lambda data: flip(data, data.index(b"processor")),  # a fact
        lambda data: data.replace(b'"F64"', b'"I64"'),
        lambda data: data + b"more",
        lambda data: data.replace(b"sha256", b"sha255"),
    ],
    ids=["cut", "half", "empty", "noise", "number", "fact", "type", "longer", "no hash"],
)
def test_a_damaged_file_is_as_if_it_were_not_there(files, damage):
    files.write("key", ROW)
    (path,) = on_disk(files)
    damaged = damage(path.read_bytes())
    assert damaged != path.read_bytes()
    path.write_bytes(damaged)
    assert files.read("key", Features, SETTINGS) is None
    assert on_disk(files) == []
    files.write("key", ROW)
    assert files.read("key", Features, SETTINGS) is not None


def test_a_file_under_a_wrong_name_is_not_believed(files):
    files.write("key", ROW)
    (path,) = on_disk(files)
    wrong = files._path("other")
    wrong.parent.mkdir(exist_ok=True)
    path.rename(wrong)
    assert files.read("other", Features, SETTINGS) is None


def test_the_longest_unused_files_go_when_the_limit_is_reached(files):
    files.write("0", ROW)
    (first,) = on_disk(files)
    size = first.stat().st_size
    small = FeatureFiles(files.folder, 4 * size + size // 2)
    for number in range(1, 4):
        small.write(f"{number}", ROW)
    for age, number in enumerate((0, 2, 3, 1)):  # in this order they were used
        os.utime(small._path(f"{number}"), ns=(age * 10**9, age * 10**9))
    small.read("0", Features, SETTINGS)  # now 2 is the longest unused
    small.write("4", ROW)
    left = [n for n in range(5) if small._path(f"{n}").exists()]
    assert left == [0, 1, 3, 4]
    assert sum(path.stat().st_size for path in on_disk(small)) <= small.limit_bytes


def test_what_lay_there_before_counts_too(files):
    for number in range(6):
        files.write(f"{number}", ROW)
    size = on_disk(files)[0].stat().st_size
    narrow = FeatureFiles(files.folder, 3 * size)
    narrow.write("new", ROW)
    assert narrow._path("new").exists()
    assert len(on_disk(files)) <= 3


def test_what_is_larger_than_the_limit_is_not_written(files):
    small = FeatureFiles(files.folder, 100)
    small.write("key", ROW)
    assert on_disk(files) == []
    assert not small.is_off


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_full_or_closed_disk_turns_writing_off_and_nothing_else(files, monkeypatch, code):
    files.write("before", ROW)

    def refuse(self, data):
        self.touch()  # begun, and then no room
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", refuse)
        files.write("key", ROW)
    assert files.is_off
    assert len(on_disk(files)) == 1  # nothing half-written is left
    files.write("key", ROW)
    assert len(on_disk(files)) == 1
    assert files.read("before", Features, SETTINGS) is not None


def test_a_folder_that_cannot_be_made_is_no_obstacle(tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    files = FeatureFiles(tmp_path / "cache" / "features", 10**6)
    files.write("key", ROW)
    assert files.is_off
    assert files.read("key", Features, SETTINGS) is None


def test_files_are_kept_only_where_somebody_asks(tmp_path):
    assert FeatureFiles.find(home=tmp_path, environment={}) is None
    said = {"BOLDCAST_FEATURE_FILES": "2 GB"}
    found = FeatureFiles.find(home=tmp_path / "not yet", environment=said)
    assert found.folder == tmp_path / "not yet" / "cache" / "features"
    assert found.limit_bytes == 2 * 10**9
    assert FeatureFiles.find("5 MB", tmp_path, environment=said).limit_bytes == 5 * 10**6
    assert FeatureFiles.find("1%", tmp_path, environment={}).limit_bytes > 0
    with pytest.raises(SettingError):
        FeatureFiles.find(home=tmp_path, environment={"BOLDCAST_FEATURE_FILES": "yes"})


# With the engine


def house_with(monkeypatch, files, name="scenes", model=None):
    return House(monkeypatch, {name: model or Scenes()}, files=files)


def test_another_process_runs_only_what_is_new(files, monkeypatch):
    one = house_with(monkeypatch, files)
    one.predict("scenes", GREYS[:3])
    one.close()
    other = house_with(monkeypatch, FeatureFiles(files.folder, 10**6))
    answer = other.predict("scenes", [GREYS[4], GREYS[2], GREYS[0]])
    model = other.models["scenes"]
    assert model.looked_at == [names(4)]
    assert model.seen[-1].pictures == (GREYS[4], GREYS[2], GREYS[0])
    assert model.seen[-1].weights == ("sub-01",)
    expected = directly(Scenes, other, "scenes", [GREYS[4], GREYS[2], GREYS[0]])
    np.testing.assert_array_equal(answer.values, expected.values)
    assert answer.row_labels == expected.row_labels
    counters = other.engine.counters()
    assert (counters["features_files_read"], counters["features_files_written"]) == (2, 1)
    other.close()


@pytest.mark.parametrize("change", ["weights", "version", "settings", "device", "unknown weights"])
def test_what_the_features_depend_on_is_in_the_key(files, monkeypatch, change):
    one = house_with(monkeypatch, files)
    one.predict("scenes", GREYS[:2])
    one.close()
    model = Scenes()
    other = house_with(monkeypatch, files, model=model)
    settings = {"visual_angle_deg": 5.0} if change == "settings" else {}
    if change == "weights":
        model.sha256 = "1" * 64
    elif change == "unknown weights":
        model.sha256 = ""
    elif change == "device":
        model.device = "cuda:0"
    elif change == "version":
        model.card = replace(model.card, version="another")
    other.predict("scenes", GREYS[:2], **settings)
    assert model.looked_at == [names(0, 1)]
    assert len(on_disk(files)) == (2 if change == "unknown weights" else 4)
    other.close()


def test_a_damaged_file_costs_a_run_and_is_written_again(files, monkeypatch):
    one = house_with(monkeypatch, files)
    one.predict("scenes", GREYS[:2])
    one.close()
    on_disk(files)[0].write_bytes(b"no features")
    other = house_with(monkeypatch, files)
    answer = other.predict("scenes", GREYS[:2])
    assert len(other.models["scenes"].looked_at[0]) == 1
    np.testing.assert_array_equal(
        answer.values, directly(Scenes, other, "scenes", GREYS[:2]).values
    )
    assert len(on_disk(files)) == 2
    other.close()


def test_a_full_disk_is_no_obstacle_to_an_answer(files, monkeypatch):
    def refuse(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    house = house_with(monkeypatch, files)
    assert house.predict("scenes", GREYS[:2]).n_rows == 2
    assert house.predict("scenes", GREYS[:3]).n_rows == 3
    assert house.models["scenes"].looked_at == [names(0, 1), names(2)]  # memory still remembers
    house.close()


def test_features_that_depend_on_each_other_are_kept_as_one(files, monkeypatch):
    def together():
        model = Pictures()
        model.has_independent_rows = False
        return model

    one = house_with(monkeypatch, files, "plain", together())
    one.predict("plain", GREYS[:3])
    one.close()
    other = house_with(monkeypatch, files, "plain", together())
    answer = other.predict("plain", GREYS[:3], regions=("V1",))
    assert other.models["plain"].looked_at == []
    assert answer.row_labels == tuple(names(0, 1, 2))
    other.predict("plain", GREYS[:2])
    assert other.models["plain"].looked_at == [names(0, 1)]
    other.close()


def test_the_key_is_readable(files, monkeypatch):
    house = house_with(monkeypatch, files)
    house.predict("scenes", GREYS[:1])
    data = on_disk(files)[0].read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    key = json.loads(json.loads(header["__metadata__"]["note"])["key"])
    assert key["model"] == "scenes"
    assert key["digests"] == [GREYS[0].digest]
    assert key["weights_sha256"] == "0" * 64
    house.close()
