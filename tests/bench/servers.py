"""A Streamlit server as a child process, on a free port, always ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Opens no browser on the machine.
HEADLESS = ("--server.headless", "true")


@dataclass(frozen=True)
class Server:
    """A running server: where it answers and which process it is."""

    url: str
    pid: int
    healthy_s: float
    served_s: float
    log: Path

    def rss_mb(self) -> float:
        """Resident memory of the server process, in MB (10^6 bytes)."""
        return process_memory_mb(self.pid)[0]


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def process_memory_mb(pid: int) -> tuple[float, float]:
    """Resident and proportional memory of one process, in MB (10^6 bytes)."""
    sizes_kb = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value, *_ = line.split()
        sizes_kb[name] = int(value)
    return sizes_kb["Rss:"] * 1024 / 1e6, sizes_kb["Pss:"] * 1024 / 1e6


def answers(url: str) -> bool:
    """Whether a GET of ``url`` gives 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def wait_until(url: str, process: subprocess.Popen[bytes], log: Path, limit_s: float) -> None:
    """Poll ``url`` every 10 ms; raise with the log where the process ends or time runs out."""
    deadline = time.perf_counter() + limit_s
    while not answers(url):
        if process.poll() is not None or time.perf_counter() > deadline:
            raise RuntimeError(f"The server does not answer at {url}:\n{log.read_text()[-4000:]}")
        time.sleep(0.01)


@contextmanager
def streamlit_server(
    script: str,
    *,
    options: Sequence[str] = HEADLESS,
    environment: Mapping[str, str] | None = None,
    limit_s: float = 120.0,
) -> Iterator[Server]:
    """Run ``python -m streamlit run script`` from the repository's root until the block ends.

    Parameters
    ----------
    script : str
        Path relative to the root, or absolute.
    options : sequence of str
        Beside the port; everything else is what ``.streamlit/config.toml`` says.
    environment : mapping, optional
        Added to this process's environment.
    limit_s : float
        Give up when the server is not healthy by then.
    """
    port = free_port()
    command = [
        *(sys.executable, "-m", "streamlit", "run", script),
        *("--server.port", str(port)),
        *options,
    ]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "server.log"
        start = time.perf_counter()
        with log.open("wb") as sink:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "DISPLAY": "", **(environment or {})},
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(f"{url}/_stcore/health", process, log, limit_s)
            healthy_s = time.perf_counter() - start
            wait_until(f"{url}/", process, log, limit_s)
            served_s = time.perf_counter() - start
            yield Server(url, process.pid, healthy_s, served_s, log)
        finally:
            end_process_group(process)


def end_process_group(process: subprocess.Popen[bytes]) -> None:
    """Ask the child and its children to stop; insist after five seconds."""
    for stop in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, stop)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                continue
