"""The one launch command, in a process of its own."""

import gzip
import json
import os
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import app
from components.static import static_url

ROOT = Path(__file__).parents[2]

#: Loaded by the child before anything else: writes down every address that is not this machine.
GUARD = """
import os, socket

def note(what):
    with open(os.environ["NETWORK_LOG"], "a") as log:
        log.write(f"{what}\\n")

def is_local(address):
    host = address[0] if isinstance(address, tuple) else ""
    return host in ("localhost", "127.0.0.1", "::1", "0.0.0.0", "::", "")

def guarded(name):
    original = getattr(socket.socket, name)
    def call(self, address, *rest):
        if not is_local(address):
            note(f"{name} {address}")
            raise OSError("no network in this test")
        return original(self, address, *rest)
    setattr(socket.socket, name, call)

guarded("connect")
guarded("connect_ex")
original_getaddrinfo = socket.getaddrinfo

def getaddrinfo(host, *rest, **more):
    if not is_local((host or "",)):
        note(f"getaddrinfo {host}")
        raise OSError("no network in this test")
    return original_getaddrinfo(host, *rest, **more)

socket.getaddrinfo = getaddrinfo
"""


class Server:
    """The app under its one launch command."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        (folder / "sitecustomize.py").write_text(GUARD)
        self.network_log = folder / "network.log"
        self.network_log.touch()
        self.home = folder / "home"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        environment = os.environ | {
            "PYTHONPATH": str(folder),
            "NETWORK_LOG": str(self.network_log),
            "BOLDCAST_HOME": str(self.home),
            "HOME": str(folder),
        }
        command = [sys.executable, "-m", "streamlit", "run", "app/server.py"]
        self.log = (folder / "server.log").open("w+")
        self.process = subprocess.Popen(
            [*command, "--server.headless=true", f"--server.port={self.port}", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers in lower case, body as sent."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/{path}", headers={"Accept-Encoding": "gzip"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return answer.status, headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, {}, error.read()

    def wait_until_warm(self, prefix: str = "") -> dict[str, object]:
        """Health as soon as the warm-up is over."""
        while True:
            assert self.process.poll() is None, self.output()
            try:
                health = json.loads(self.get(f"{prefix}boldcast/health")[2])
            except urllib.error.URLError:
                health = {}
            if health.get("is_warm"):
                return health
            time.sleep(0.1)

    def output(self) -> str:
        """Everything printed so far."""
        self.log.seek(0)
        return self.log.read()

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    one = Server(tmp_path_factory.mktemp("server"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def mesh_name(server):
    server.wait_until_warm()
    (path,) = (server.home / "cache").glob("mesh-fsaverage5-*.bin.gz")
    return path.name


def test_health_says_ok_and_the_version(server):
    health = server.wait_until_warm()
    assert health == {"status": "ok", "version": app.VERSION, "is_warm": True}


def test_the_version_is_the_projects():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == app.VERSION


def test_the_warm_up_stops_at_nothing(server):
    server.wait_until_warm()
    assert "warm-up stopped" not in server.output()
    assert "Traceback" not in server.output()


def test_metrics_are_plain_counters(server):
    server.wait_until_warm()
    lines = server.get("boldcast/metrics")[2].decode().splitlines()
    counters = {name: int(value) for name, value in (line.split() for line in lines)}
    assert counters["boldcast_is_warm"] == 1
    assert counters["boldcast_engine_jobs"] == 0
    assert counters["boldcast_engine_responses_bytes"] > 0


def test_a_module_is_served_for_good_with_its_type(server):
    server.wait_until_warm()
    status, headers, body = server.get(static_url("kiosk", "main.js"))
    assert status == 200
    assert headers["content-type"].startswith("text/javascript")
    assert "immutable" in headers["cache-control"]
    assert headers["content-encoding"] == "gzip"
    source = ROOT / "components/kiosk/frontend/main.js"
    assert gzip.decompress(body) == source.read_bytes()


def test_a_mesh_is_served_as_it_lies_in_the_cache(server, mesh_name):
    status, headers, body = server.get(f"boldcast/mesh/{mesh_name}")
    assert status == 200
    assert headers["content-type"] == "application/octet-stream"
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert headers["content-encoding"] == "gzip"
    assert body == (server.home / "cache" / mesh_name).read_bytes()
    assert gzip.decompress(body)[:4] == b"BCM1"


@pytest.mark.parametrize(
    "path",
    [
        "boldcast/mesh/mesh-fsaverage5-0000000000000000.bin.gz",
        "boldcast/mesh/..%2f..%2fetc%2fpasswd",
        "boldcast/static/0000000000000000/kiosk/frontend/main.js",
        "boldcast/static/../../app/server.py",
    ],
)
def test_unknown_names_are_not_found(server, path):
    server.wait_until_warm()
    status, _, body = server.get(path)
    assert status in (400, 404)
    assert b"root:" not in body


def test_the_embedded_default_never_reaches_for_the_network(server):
    server.wait_until_warm()
    assert server.get("")[0] == 200
    assert server.network_log.read_text() == ""


def test_everything_works_below_a_base_path_and_with_a_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "home").write_text("a file where a folder should be")
    one = Server(tmp_path, "--server.baseUrlPath=brain")
    try:
        one.wait_until_warm("brain/")
        assert one.get("brain/" + static_url("kiosk", "main.js"))[0] == 200
        assert one.get(static_url("kiosk", "main.js"))[0] == 404
        counters = one.get("brain/boldcast/metrics")[2].decode()
        assert "boldcast_mesh_bytes 0" not in counters
        assert "cannot be used" in one.output()
    finally:
        one.stop()


def test_the_hidden_option_against_collections_after_every_run_is_honoured():
    code = (
        "from streamlit import config;"
        "names = ['runner.postScriptGC', 'browser.gatherUsageStats'];"
        "print(*[config.get_option(name) for name in names])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert printed.stdout.split() == ["False", "False"]
