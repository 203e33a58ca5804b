"""What is here, what is good, how large it is, and how to be rid of it."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from models.catalog import get_card
from models.errors import (
    HashMismatchError,
    ModelNotFoundError,
    OfflineError,
    SelectionError,
    WeightsError,
)
from models.weights import convert, files, locations, plans, records
from models.weights.lock import hold
from models.weights.transfer import part_path
from tests.models.weights import malicious


def put_things(home, *subjects):
    """Write a small THINGS download; return its files."""
    needed = plans.needed_files(plans.THINGS, subjects, home=home)
    for file in needed:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        if file.path.suffix == ".pth":
            torch.save({"w": torch.zeros(100)}, file.path)
        else:
            malicious.save_object(file.path, {"x": np.zeros(2000)})
    return needed


def test_needed_files_lie_where_berg_puts_them(home):
    names = {
        plans.THINGS: ["weights_sub-02.npy", "metadata_sub-02.npy", "vit_b_32-d86f8d99.pth"],
        plans.HUZE: [
            "subj02_part1.pth",
            "subj02_part2.pth",
            "part1_voxel_indices.pt",
            "metadata_subject-02.npy",
            "config.json",
            "config.yaml",
        ],
        plans.MOSAIC: [
            "model-CNN8_framework-multihead_subjects-NSD_vertices-all.pth",
            "sub-02.npy",
        ],
    }
    for model_id, expected in names.items():
        needed = plans.needed_files(model_id, 2, home=home)
        assert sorted(file.path.name for file in needed) == sorted(expected)
        for file in needed:
            if file.kind == "s3":
                assert file.path == home / file.key
    nsd = plans.needed_files(plans.MOSAIC, 2, home=home)[-1]
    assert nsd.key.endswith("/metadata/NSD/sub-02.npy")


@pytest.mark.parametrize("subjects", [3, "3", "03", "sub-03", "subj03", "S3", ["3"], [3, "sub-03"]])
def test_subjects_are_understood_as_people_write_them(subjects):
    assert plans.subject_numbers(plans.HUZE, subjects) == (3,)


def test_all_subjects_and_wrong_ones():
    assert plans.subject_numbers(plans.TEXT) == (1, 2, 3, 5)
    assert plans.subject_numbers(plans.TEXT, "ALL") == (1, 2, 3, 5)
    for wrong in (4, "sub-0", "x", [1, 9]):
        with pytest.raises(SelectionError, match="this model has"):
            plans.subject_numbers(plans.TEXT, wrong)
    with pytest.raises(ModelNotFoundError, match="no files to fetch"):
        plans.needed_files("fmri-x-y")


def test_the_embedded_model_needs_nothing(home):
    from models.catalog import CATALOG

    card = get_card(CATALOG[0].id)
    assert card.is_embedded
    assert plans.needed_files(card, home=home) == ()


def test_state_says_what_is_missing_and_how_much(home):
    state = files.state(plans.THINGS, [1, 2], home=home)
    assert not state.is_ready
    assert state.missing_bytes == 353_000_000 + 2 * 700_000_000
    assert state.words.startswith("needs about 1.75 GB (vit_b_32")
    begun = part_path(state.missing[0].path)
    begun.parent.mkdir(parents=True)
    begun.write_bytes(bytes(3_000_000))
    assert files.state(plans.THINGS, [1, 2], home=home).missing_bytes == 1_750_000_000
    needed = put_things(home, 1)
    state = files.state(plans.THINGS, 1, home=home)
    assert (state.is_ready, state.words, state.missing_bytes) == (True, "ready", 0)
    assert state.present_bytes == sum(file.path.stat().st_size for file in needed)


def test_a_checkpoint_of_torch_is_used_where_it_is(home, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    checkpoint = locations.torch_checkpoints() / plans.VIT_CHECKPOINT
    checkpoint.parent.mkdir(parents=True)
    torch.save({"w": torch.zeros(3)}, checkpoint)
    assert plans.needed_files(plans.THINGS, 1, home=home)[0].path == checkpoint
    put_things(home, 1)
    files.remove(plans.THINGS, home=home)
    assert checkpoint.is_file()  # another program's cache is never touched


def test_a_missing_file_is_one_sentence_with_its_command(home):
    with pytest.raises(OfflineError) as caught:
        files.require(plans.HUZE, ["subj02", 1], home=home)
    assert str(caught.value) == (
        "part1_voxel_indices.pt is missing: run "
        "`python -m models fetch fmri-nsd_fsaverage-huze --subject 2 1`."
    )
    command = files.fetch_command(plans.TEXT, 1, variant="a/b")
    assert command.endswith("text2fmri --subject 1 --variant a/b")
    put_things(home, 1)
    assert files.require(plans.THINGS, 1, home=home) == plans.needed_files(
        plans.THINGS, 1, home=home
    )


def verdicts(home, *subjects):
    return [check.verdict for check in files.verify(plans.THINGS, subjects, home=home)]


def test_verify_records_first_and_compares_afterwards(home):
    put_things(home, 1)
    assert verdicts(home, 1, 2) == ["recorded"] * 3 + ["missing"] * 2
    assert verdicts(home, 1) == ["good"] * 3


@pytest.mark.parametrize("is_known", [True, False])
def test_verify_finds_truncated_and_changed_files_and_keeps_them(home, is_known):
    _checkpoint, weights, _metadata = (file.path for file in put_things(home, 1))
    if is_known:
        files.verify(plans.THINGS, 1, home=home)
    weights.write_bytes(weights.read_bytes()[:-100])
    assert verdicts(home, 1)[1] == "damaged"
    assert weights.is_file()
    assert verdicts(home, 1)[0] == "good"
    assert verdicts(home, 1)[2] == "good"


def test_verify_finds_a_changed_bit_behind_an_unchanged_time_stamp(home):
    weights = put_things(home, 1)[1].path
    files.verify(plans.THINGS, 1, home=home)
    stamp = weights.stat().st_mtime_ns
    data = bytearray(weights.read_bytes())
    data[-500] ^= 1
    weights.write_bytes(data)
    os.utime(weights, ns=(stamp, stamp))
    records.check_record(weights, home)  # the quick look trusts size and stamp
    check = files.verify(plans.THINGS, 1, home=home)[1]
    assert check.verdict == "damaged"
    assert "was recorded" in check.words


def test_a_changed_bit_under_a_new_time_stamp_is_noticed_by_the_quick_look(home):
    weights = put_things(home, 1)[1].path
    first = records.check_record(weights, home)
    weights.touch()
    assert records.check_record(weights, home).sha256 == first.sha256
    data = bytearray(weights.read_bytes())
    data[-500] ^= 1
    weights.write_bytes(data)
    with pytest.raises(HashMismatchError, match="Fetch it again"):
        records.check_record(weights, home)


def test_verify_refuses_code(home, tmp_path):
    weights = put_things(home, 1)[1].path
    malicious.save_object(weights, {"x": malicious.CallsSystem(tmp_path / "ran")})
    check = files.verify(plans.THINGS, 1, home=home)[1]
    assert check.verdict == "damaged"
    assert "nothing was run" in check.words
    assert not (tmp_path / "ran").exists()


def convert_weights(path, home):
    return convert.converted(
        [path], "things", 1, lambda folder: np.save(folder / "a.npy", np.zeros(10)), home=home
    )


def test_verify_looks_at_conversions_too(home):
    weights = put_things(home, 1)[1].path
    place = convert_weights(weights, home)
    assert verdicts(home, 1) == ["recorded", "recorded", "good", "recorded"]
    (place / "a.npy").write_bytes(bytes((place / "a.npy").stat().st_size))
    assert verdicts(home, 1) == ["good", "good", "damaged", "good"]


def test_a_model_whose_original_was_dropped_is_ready(home):
    weights = put_things(home, 1)[1].path
    convert.drop_originals(convert_weights(weights, home))
    assert not weights.exists()
    assert files.state(plans.THINGS, 1, home=home).is_ready
    assert verdicts(home, 1) == ["recorded", "good", "recorded"]


def test_remove_keeps_what_other_subjects_share(home):
    checkpoint, *_ = put_things(home, 1, 2)
    weights = [file.path for file in plans.needed_files(plans.THINGS, [1, 2], home=home)]
    place = convert_weights(weights[1], home)
    files.verify(plans.THINGS, [1, 2], home=home)
    expected = sum(p.stat().st_size for p in weights[1:3])
    expected += sum(p.stat().st_size for p in place.iterdir())
    assert files.remove(plans.THINGS, 1, home=home) == expected
    assert checkpoint.path.is_file()
    assert not place.exists()
    assert files.state(plans.THINGS, 2, home=home).is_ready
    assert records.read_record(weights[1], home) is None
    files.remove(plans.THINGS, 2, home=home)
    assert not checkpoint.path.exists()
    left = [p for p in home.rglob("*") if p.is_file() and not p.name.endswith(".lock")]
    assert left == []


def test_remove_takes_beginnings_and_blobs_behind_links(home):
    begun = part_path(plans.needed_files(plans.HUZE, 1, home=home)[3].path)
    begun.parent.mkdir(parents=True)
    begun.write_bytes(bytes(500))
    assert files.remove(plans.HUZE, 1, home=home) == 500
    cache = (
        locations.weights_folder(plans.TEXT, home) / "models--ShreyDixit--Text2fMRI-Qwen-2.5-0.5B"
    )
    (cache / "blobs").mkdir(parents=True)
    (cache / "blobs" / "abc").write_bytes(bytes(70))
    (cache / "snapshots" / "c1").mkdir(parents=True)
    (cache / "snapshots" / "c1" / "model.pt").symlink_to("../../blobs/abc")
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text("c1")
    assert files.remove(plans.TEXT, home=home) == 70
    assert not (cache / "blobs" / "abc").exists()


def test_disk_use_tells_originals_conversions_and_beginnings_apart(home):
    checkpoint, weights, metadata = (file.path for file in put_things(home, 1))
    place = convert_weights(weights, home)
    part_path(weights).write_bytes(bytes(77))
    uses = {use.model_id: use for use in files.disk_use(home)}
    use = uses[plans.THINGS]
    assert use.originals == weights.stat().st_size + metadata.stat().st_size
    assert use.converted == sum(p.stat().st_size for p in place.iterdir())
    assert use.unfinished == 77
    assert use.total == use.originals + use.converted + 77
    assert uses["shared by models"].originals == checkpoint.stat().st_size
    assert uses[plans.HUZE].total == 0


def test_sizes_are_said_in_units_of_1000():
    words = [files.size_words(n) for n in (0, 999, 1000, 2_500_000, 1_984_000_000)]
    assert words == ["0 B", "999 B", "1.00 kB", "2.50 MB", "1.98 GB"]


def test_records_of_files_elsewhere_are_kept_apart(home, tmp_path):
    one, two = tmp_path / "a" / "w.npy", tmp_path / "b" / "w.npy"
    for path, data in ((one, b"one"), (two, b"two")):
        path.parent.mkdir()
        path.write_bytes(data)
        records.check_record(path, home)
    assert records.known_sha256(one, home) != records.known_sha256(two, home)
    assert not list(tmp_path.glob("[ab]/*.json"))  # nothing is written beside them


def test_a_spoilt_record_counts_as_none(home, tmp_path):
    path = tmp_path / "w.npy"
    path.write_bytes(b"one")
    first = records.check_record(path, home)
    for text in ("", "{", "[]", '{"sha256": "x"}'):
        (record_path,) = (home / "records" / "elsewhere").glob("*.json")
        record_path.write_text(text)
        assert records.read_record(path, home) is None
        assert records.check_record(path, home) == first


def test_the_lock_lets_one_in_at_a_time(home):
    inside, most, told = [], [], []

    def work(_):
        with hold(home / "x.lock", lambda: told.append(1)):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.25)
            inside.pop()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    assert max(most) == 1
    assert told


def test_a_waiting_process_can_be_cancelled(home):
    def stop():
        raise WeightsError("stop")

    with (
        hold(home / "x.lock"),
        pytest.raises(WeightsError, match="stop"),
        hold(home / "x.lock", stop),
    ):
        pass
