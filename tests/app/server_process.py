"""The app under its one launch command, in a process of its own that cannot reach the network."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

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
