"""One file over a bad line: continued, tried again, checked, never half there."""

import dataclasses
import hashlib
import os
import threading

import numpy as np
import pytest

from models.errors import Cancelled, DiskFullError, HashMismatchError, OfflineError, WeightsError
from models.weights import transfer
from models.weights.records import read_record
from models.weights.remote import HttpRemote, NotThereError, S3Remote
from models.weights.transfer import Patience, download, part_path

DATA = np.random.default_rng(0).bytes(1_524_288)
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(params=["http", "s3"])
def line(request, sources, server, s3, faulty_s3, bucket):
    """(remote, the server in front, the path of its requests) for both kinds."""
    if request.param == "http":
        server.files["/models/f.npy"] = DATA
        return HttpRemote(f"{sources.torch}/f.npy", sources), server, "/models/f.npy"
    s3.put("a/f.npy", DATA)
    return S3Remote("a/f.npy", sources), faulty_s3, f"/{bucket}/a/f.npy"


def bring(remote, home, patience, stage=lambda word, done: None, **changed):
    expected = dataclasses.replace(remote.describe(), **changed)
    path = home / "a" / "f.npy"
    download(remote, expected, path, home=home, stage=stage, patience=patience)
    return path


def assert_whole(path, home):
    assert path.read_bytes() == DATA
    assert [one.name for one in path.parent.iterdir()] == ["f.npy"]
    record = read_record(path, home)
    assert (record.sha256, record.size) == (SHA256, len(DATA))


def test_file_comes_whole_and_is_recorded(line, home, patience, waits):
    remote, _, _ = line
    said = remote.describe()
    assert said.size == len(DATA)
    path = bring(remote, home, patience)
    assert_whole(path, home)
    record = read_record(path, home)
    assert (record.etag, record.source) == (said.etag, remote.address)
    assert waits == []


def test_s3_states_the_md5_of_an_object_in_one_piece(s3, sources):
    s3.put("a", DATA)
    assert S3Remote("a", sources).describe().md5 == hashlib.md5(DATA).hexdigest()


def test_dropped_connections_are_continued_where_they_broke(line, home, patience, waits):
    remote, front, path = line
    front.faults.add(path, ("drop", 327_680), ("drop", 524_288), "ok")
    assert_whole(bring(remote, home, patience), home)
    assert front.ranges(path) == ["", "bytes=327680-", "bytes=851968-"]
    assert len(waits) == 4  # twice the first wait of 1 s, in naps of half a second


def test_stalled_connections_are_given_up_and_continued(line, home, patience):
    remote, front, path = line
    front.faults.add(path, ("stall", 393_216), "ok")
    assert_whole(bring(remote, home, patience), home)
    assert front.ranges(path) == ["", "bytes=393216-"]


def test_slow_connections_are_waited_for(line, home, patience, waits):
    remote, front, path = line
    front.faults.add(path, ("slow", 65_536, 0.02))
    assert_whole(bring(remote, home, patience), home)
    assert waits == []


@pytest.mark.parametrize("status", [500, 503, 429])
def test_servers_in_trouble_are_asked_again_with_doubling_waits(line, home, waits, status):
    remote, front, path = line
    front.faults.add(path, status, status, "refuse", "ok")
    patience = Patience(attempts=4, first_wait_s=0.1, sleep=waits)
    assert_whole(bring(remote, home, patience), home)
    assert waits == pytest.approx([0.1, 0.2, 0.4])


def test_patience_ends(line, home, patience, waits):
    remote, front, path = line
    front.faults.add(path, ("drop", 65_536), 503, 503, 503, 503, 503, 503)
    with pytest.raises(WeightsError, match=r"answer 503.*Tried 4 times; what came is kept"):
        bring(remote, home, patience)
    final = home / "a" / "f.npy"
    assert not final.exists()
    assert part_path(final).read_bytes() == DATA[:65_536]
    assert sum(waits) == 1 + 2 + 4
    front.faults.by_path.clear()
    assert_whole(bring(remote, home, patience), home)  # the next try goes on from there
    assert front.ranges(path)[-1] == "bytes=65536-"


@pytest.mark.parametrize(("status", "words"), [(404, "is not there"), (403, "not open")])
def test_a_no_is_not_asked_again(line, home, patience, waits, status, words):
    remote, front, path = line
    front.faults.add(path, status)
    with pytest.raises(NotThereError, match=words):
        bring(remote, home, patience)
    assert waits == []
    front.faults.add(f"HEAD {path}", status)
    with pytest.raises(NotThereError, match=words):
        remote.describe()


def test_no_server_at_all_is_offline(home, patience, waits, sources):
    nowhere = dataclasses.replace(sources, s3_endpoint="http://127.0.0.1:9")
    for remote in (HttpRemote("http://127.0.0.1:9/x", sources), S3Remote("x", nowhere)):
        waits.clear()
        with pytest.raises(OfflineError, match="no connection"):
            transfer.try_again(remote.describe, patience, lambda: None)
        assert sum(waits) == 1 + 2 + 4


def test_servers_that_cannot_continue_are_read_from_the_start(server, sources, home, patience):
    server.files["/models/f.npy"] = DATA
    server.faults.add("/models/f.npy", ("drop", 327_680), "no range", "ok")
    remote = HttpRemote(f"{sources.torch}/f.npy", sources)
    assert_whole(bring(remote, home, patience), home)
    assert server.ranges("/models/f.npy") == ["", "bytes=327680-", ""]


def test_a_beginning_of_another_version_is_thrown_away(line, home, patience, s3):
    remote, front, path = line
    other = b"x" * len(DATA)
    front.files[path] = other
    s3.put("a/f.npy", other)
    front.faults.add(path, ("drop", 327_680), 404)
    with pytest.raises(NotThereError):
        bring(remote, home, patience)
    front.files[path] = DATA
    s3.put("a/f.npy", DATA)
    assert_whole(bring(remote, home, patience), home)


def test_a_version_that_changes_in_between_is_never_mixed(line, home, patience, s3):
    remote, front, path = line

    def change(word, done):
        if done >= 327_680 and front.files.get(path) != b"y" * len(DATA):
            front.files[path] = b"y" * len(DATA)
            s3.put("a/f.npy", b"y" * len(DATA))

    front.faults.add(path, ("drop", 327_680), "ok")
    try:
        final = bring(remote, home, patience, change)
    except WeightsError:
        assert not (home / "a" / "f.npy").exists()
    else:
        assert final.read_bytes() in (DATA, b"y" * len(DATA))


def test_hash_of_the_publisher_is_checked_twice_then_refused(server, sources, home, patience):
    server.files["/models/f.npy"] = DATA
    remote = HttpRemote(f"{sources.torch}/f.npy", sources)
    with pytest.raises(HashMismatchError, match="came twice with another hash"):
        bring(remote, home, patience, sha256="d86f8d99")
    assert server.ranges("/models/f.npy") == ["", ""]
    assert [one.name for one in (home / "a").iterdir()] == [".f.npy.part.json"]
    assert_whole(bring(remote, home, patience, sha256=SHA256[:8]), home)


def test_bytes_spoilt_on_the_way_are_noticed_and_fetched_again(line, home, patience):
    remote, front, path = line
    kind = {"md5": hashlib.md5(DATA).hexdigest()}
    spoilt = {"at": 0}

    def spoil(word, done):
        part = part_path(home / "a" / "f.npy")
        if word == "checking" and not spoilt["at"]:
            spoilt["at"] = 1
            with part.open("r+b") as file:
                file.write(b"#")

    assert_whole(bring(remote, home, patience, spoil, **kind), home)
    assert front.ranges(path) == ["", ""]


def test_cancel_keeps_the_beginning(line, home, patience):
    remote, front, path = line

    def stop(word, done):
        if done > 524_288:
            raise Cancelled("stop")

    front.faults.add(path, ("slow", 65_536, 0.01))
    with pytest.raises(Cancelled):
        bring(remote, home, patience, stop)
    begun = part_path(home / "a" / "f.npy").stat().st_size
    assert 524_288 < begun < len(DATA)
    assert_whole(bring(remote, home, patience), home)
    assert front.ranges(path)[-1] == f"bytes={begun}-"


def test_cancel_works_while_waiting_for_the_next_try(line, home, patience):
    remote, front, path = line

    def stop(word, done):
        if word == "waiting":
            raise Cancelled("stop")

    front.faults.add(path, 503)
    with pytest.raises(Cancelled):
        bring(remote, home, patience, stop)


def test_a_full_disk_is_said_and_the_beginning_kept(line, home, patience, monkeypatch):
    remote, front, path = line
    front.faults.add(path, ("drop", 327_680))

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFullError, match="make room and fetch again"):
        bring(remote, home, patience)
    monkeypatch.undo()
    begun = part_path(home / "a" / "f.npy").read_bytes()
    assert begun
    assert DATA.startswith(begun)


def test_an_older_file_stays_until_the_new_one_is_whole(line, home, patience):
    remote, front, path = line
    final = home / "a" / "f.npy"
    final.parent.mkdir(parents=True)
    final.write_bytes(b"old and too short")
    front.faults.add(path, ("drop", 327_680), 404)
    with pytest.raises(NotThereError):
        bring(remote, home, patience)
    assert final.read_bytes() == b"old and too short"
    assert_whole(bring(remote, home, patience), home)


def test_two_at_once_fetch_once(line, home, patience):
    remote, front, path = line
    front.faults.add(path, ("slow", 131_072, 0.05))
    said = remote.describe()
    words = []
    final = home / "a" / "f.npy"

    def one():
        download(
            remote, said, final, home=home, stage=lambda w, d: words.append(w), patience=patience
        )

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_whole(final, home)
    assert front.ranges(path) == [""]
    assert "waiting" in words


def test_an_empty_file_comes_too(server, sources, home, patience):
    server.files["/models/f.npy"] = b""
    path = bring(HttpRemote(f"{sources.torch}/f.npy", sources), home, patience)
    assert path.read_bytes() == b""


def test_a_server_without_a_size_is_refused(server, sources, monkeypatch):
    from models.weights import remote

    answer = type("Answer", (), {"headers": {}, "close": lambda self: None})()
    monkeypatch.setattr(remote.HttpRemote, "_ask", lambda *arguments: answer)
    with pytest.raises(WeightsError, match="does not say how large"):
        HttpRemote(server.url + "/x", sources).describe()
