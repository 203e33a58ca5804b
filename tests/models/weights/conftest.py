import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from models.weights.remote import Sources
from models.weights.transfer import Patience
from tests.models.weights.stand_in import StandIn

BUCKET = "brain-encoding-response-generator"


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch, tmp_path):
    """No file of the user is seen, no setting of the user counts."""
    names = ["BOLDCAST_HOME", "TORCH_HOME", "HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME"]
    names += ["NILEARN_DATA", "NILEARN_SHARED_DATA", "HF_HUB_OFFLINE", "HF_ENDPOINT"]
    names += ["AWS_ENDPOINT_URL_S3", "BOLDCAST_TORCH_URL", "BOLDCAST_ATLAS_URL", "AWS_CA_BUNDLE"]
    for name in [*names, "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def server():
    stand_in = StandIn()
    yield stand_in
    stand_in.close()


class Waits(list):
    """Stands in for ``time.sleep`` and notes the seconds."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def waits():
    return Waits()


@pytest.fixture
def patience(waits):
    return Patience(attempts=4, sleep=waits)


class S3:
    """A real S3 server on this machine, with BERG's bucket."""

    def __init__(self, port: int) -> None:
        import boto3

        self.address = ("127.0.0.1", port)
        self.url = f"http://127.0.0.1:{port}"
        session = boto3.session.Session("test", "test", region_name="us-west-2")
        self.client = session.client("s3", endpoint_url=self.url)

    def reset(self) -> None:
        urllib.request.urlopen(f"{self.url}/moto-api/reset", data=b"").close()
        where = {"LocationConstraint": "us-west-2"}
        self.client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=data, ACL="public-read")


@pytest.fixture(scope="session")
def _s3_process():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None, "moto_server ended at once"
                assert time.monotonic() < deadline, "moto_server does not answer"
                time.sleep(0.1)
        yield S3(port)
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def s3(_s3_process):
    _s3_process.reset()
    return _s3_process


@pytest.fixture
def faulty_s3(s3):
    """The S3 server behind one that misbehaves on request."""
    stand_in = StandIn(upstream=s3.address)
    yield stand_in
    stand_in.close()


@pytest.fixture
def sources(faulty_s3, server):
    return Sources(
        s3_endpoint=faulty_s3.url,
        hub=server.url,
        torch=server.url + "/models",
        atlas=server.url + "/atlas/",
        connect_s=2.0,
        read_s=0.5,
    )


@pytest.fixture
def bucket():
    return BUCKET
