"""kill -9 at any point of a download or a conversion, then start again.

One child process forks for every file operation there is, kills the fork right before it, checks
what lies on the disk, and goes on with the next operation until a fork lives to the end.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from models.weights import plans
from models.weights.transfer import part_path
from tests.models.weights.malicious import save_object

WATCHED = "open os.rename os.remove os.mkdir os.rmdir os.truncate shutil.rmtree os.listdir"

HARNESS = """
import os, signal, sys
WATCHED = set(sys.argv[2].split())

def lives(work, kill_at, top):
    pid = os.fork()
    if pid == 0:
        count = 0
        def watch(event, arguments):
            nonlocal count
            if event in WATCHED and str(arguments[0]).startswith(top):
                count += 1
                if count == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(watch)
        try:
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(3)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, status
    return not os.WIFSIGNALED(status)
"""

DOWNLOAD = """
from pathlib import Path
from models.weights.remote import HttpRemote, Sources
from models.weights.transfer import Patience, download
import requests, filelock, hashlib

top = Path(sys.argv[1]); data = Path(sys.argv[3]).read_bytes(); url = sys.argv[4]
final = top / "folder" / "f.npy"

def work():
    remote = HttpRemote(url, Sources())
    download(remote, remote.describe(), final, home=top, stage=lambda w, d: None,
             patience=Patience(sleep=lambda s: None))
    assert final.read_bytes() == data

import shutil
def fresh():
    shutil.rmtree(top, ignore_errors=True)
    top.mkdir()

kill_at = 1
while True:
    fresh()
    if lives(work, kill_at, str(top)):
        break
    if final.exists():
        assert final.read_bytes() == data, kill_at  # never half there
    assert lives(work, 0, str(top))  # started again: whole
    assert final.read_bytes() == data
    kill_at += 1
print(kill_at)
"""

CONVERT = """
from pathlib import Path
import numpy as np
from models.weights.convert import converted, find_conversions, open_array, write_rows
import filelock, shutil

top = Path(sys.argv[1])
source = top / "w.npy"
versions = [1]

def build(folder):
    write_rows(folder / "a.npy", (600, 10), "f4", (np.full((100, 10), i) for i in range(6)))
    write_rows(folder / "b.npy", (3,), "f4", [np.full(3, versions[-1])])

def check(place):
    assert open_array(place / "a.npy")[:, 0].tolist() == [i for i in range(6) for _ in range(100)]
    assert open_array(place / "b.npy").shape == (3,)

def work():
    check(converted([source], "c", versions[-1], build, home=top / "home"))

total = 0
for scene in ("first", "source changed", "new version"):
    kill_at = 1
    while True:
        shutil.rmtree(top, ignore_errors=True); top.mkdir(); source.write_bytes(b"original")
        versions[:] = [1]
        if scene != "first":
            work()
            if scene == "source changed":
                source.write_bytes(b"another original")
            else:
                versions.append(2)
        if lives(work, kill_at, str(top)):
            break
        for place, _ in find_conversions(source, top / "home"):
            check(place)
        assert lives(work, 0, str(top))
        kill_at += 1
        total += 1
    names = sorted(p.name for p in (top / "converted").iterdir() if not p.name.endswith(".lock"))
    assert names == [f"w.c-{versions[-1]}"], names
print(total)
"""


def run(script, *arguments):
    command = [sys.executable, "-c", HARNESS + script, *map(str, arguments)]
    out = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert out.returncode == 0, out.stderr[-3000:]
    return int(out.stdout)


def test_download_killed_before_every_file_operation(tmp_path, server):
    data = np.random.default_rng(0).bytes(200_000)
    (tmp_path / "data").write_bytes(data)
    server.files["/f.npy"] = data
    n_points = run(DOWNLOAD, tmp_path / "top", WATCHED, tmp_path / "data", server.url + "/f.npy")
    assert n_points > 10


def test_conversion_killed_before_every_file_operation(tmp_path):
    assert run(CONVERT, tmp_path / "top", WATCHED) > 30


def wait_for_bytes(path: Path, n_bytes: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while not path.exists() or path.stat().st_size < n_bytes:
        assert process.poll() is None, "the fetch ended before it could be killed"
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.005)


@pytest.mark.parametrize("n_bytes", [1, 400_000])
def test_command_killed_while_bytes_come_then_run_again(
    tmp_path, home, s3, faulty_s3, bucket, n_bytes
):
    file, metadata = plans.needed_files(plans.MOSAIC, 1, home=home)
    values = np.random.default_rng(0).standard_normal(100_000)
    data = save_object(tmp_path / "made.npy", {"x": values}).read_bytes()
    s3.put(file.key, data)
    s3.put(metadata.key, data)
    path = f"/{bucket}/{file.key}"
    faulty_s3.faults.add(path, ("slow", 65_536, 0.2))
    command = [sys.executable, "-m", "models", "--home", str(home), "fetch", plans.MOSAIC]
    command += ["--subject", "1", "--yes"]
    environment = {**os.environ, "AWS_ENDPOINT_URL_S3": faulty_s3.url}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    wait_for_bytes(part_path(file.path), n_bytes, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    begun = part_path(file.path).stat().st_size
    assert not file.path.exists()
    assert n_bytes <= begun < len(data)
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert file.path.read_bytes() == data
    assert metadata.path.read_bytes() == data
    assert faulty_s3.ranges(path) == ["", f"bytes={begun}-"]
