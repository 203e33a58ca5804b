"""The one launch command, in a process of its own."""

import gzip
import re
import subprocess
import sys
import time
import tomllib

import pytest

import app
from components.static import entry_url, plotly_script, plotly_url, static_url
from tests.app.server_process import ROOT, Server


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


def test_plotly_is_served_for_good_as_the_package_has_it(server):
    server.wait_until_warm()
    status, headers, body = server.get(plotly_url())
    assert status == 200
    assert headers["content-type"].startswith("text/javascript")
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert gzip.decompress(body) == plotly_script()[0]
    assert server.get(plotly_url().replace("plotly.min", "other"))[0] == 404


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


def preloads(headers):
    """Path below the root -> parameters, of each link of a page's header."""
    links = re.findall(r"<([^>]+)>; ([^,]+)", headers["link"])
    return {path.removeprefix("/"): parameters for path, parameters in links}


def test_the_page_names_what_the_viewer_will_fetch(server, mesh_name):
    _, headers, _ = server.get("")
    links = preloads(headers)
    for component in ("brain", "field"):
        assert links[entry_url(component)].startswith("rel=modulepreload")
    # as fetch() asks for it: without crossorigin the browser would fetch it a second time
    assert links[f"boldcast/mesh/{mesh_name}"].startswith("rel=preload; as=fetch; crossorigin")
    assert any(re.fullmatch(r"static/js/BidiComponent\..*\.js", path) for path in links)
    assert {server.get(path)[0] for path in links} == {200}


def test_the_transcripts_page_names_its_own_mesh_soon_after_the_warm_up(server):
    server.wait_until_warm()
    while not (found := list((server.home / "cache").glob("mesh-fsLR32k-*.bin.gz"))):
        time.sleep(0.05)
    (path,) = found
    while f"boldcast/mesh/{path.name}" not in (links := preloads(server.get("transcripts")[1])):
        time.sleep(0.05)  # it is known once it is read
    assert {entry_url(name) for name in ("brain", "glass", "courses", "words")} < set(links)
    assert not any("fsaverage5" in link for link in links)
    assert {server.get(link)[0] for link in links} == {200}


def test_only_pages_name_it(server):
    server.wait_until_warm()
    for path in ("boldcast/health", static_url("brain", "main.js")):
        assert "link" not in server.get(path)[1]


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
        links = preloads(one.get("brain/")[1])
        assert {path.partition("/")[0] for path in links} == {"brain"}
        assert one.get(f"brain/{static_url('brain', 'main.js')}")[0] == 200
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
