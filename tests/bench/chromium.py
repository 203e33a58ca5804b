"""A cold headless Chromium with software GL, and what the bench reads out of it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, CDPSession, Page, sync_playwright

from tests.bench.servers import process_memory_mb

FLAGS = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    # One renderer, so that its memory is the page's.
    "--disable-features=SpareRendererForSitePerProcess",
)
VIEWPORT = {"width": 1440, "height": 900}
PROBE = Path(__file__).with_name("gl_probe.js")
Painted = dict[str, Any]


def chromium_path() -> str:
    """The browser: ``BOLDCAST_CHROMIUM`` or the one on the path."""
    path = os.environ.get("BOLDCAST_CHROMIUM") or shutil.which("chromium")
    if path is None:
        raise SystemExit("The viewer bench needs Chromium: apt-get install chromium.")
    return path


@dataclass
class Traffic:
    """Payload bytes since the last reset, as the browser's network log counts them."""

    socket_received: int = 0
    socket_sent: int = 0
    http_received: int = 0
    http_requests: int = 0

    def reset(self) -> None:
        """Start counting anew."""
        self.socket_received = self.socket_sent = self.http_received = self.http_requests = 0


@dataclass
class Tab:
    """One page of one cold browser."""

    page: Page
    session: CDPSession
    browser_session: CDPSession
    painted: list[Painted]
    traffic: Traffic

    def wait_for_paint(self, limit_s: float) -> Painted:
        """Wait for the first paint of a mesh (see ``gl_probe.js``), with its ``after_s``.

        Raises
        ------
        TimeoutError
            Nothing was painted in time.
        """
        deadline = time.perf_counter() + limit_s
        while not self.painted:
            if time.perf_counter() > deadline:
                raise TimeoutError(f"No mesh was painted within {limit_s:g} s.")
            self.page.wait_for_timeout(20)
        started_ms = self.page.evaluate("performance.timeOrigin")
        return {**self.painted[0], "after_s": (self.painted[0]["at_ms"] - started_ms) / 1000}

    def wait_until_quiet(self, limit_s: float = 30.0) -> None:
        """Wait until a second passes without network traffic."""
        deadline = time.perf_counter() + limit_s
        before = None
        while before != (now := vars(self.traffic).copy()) and time.perf_counter() < deadline:
            before = now
            self.page.wait_for_timeout(1000)

    def script_s(self) -> float:
        """Main-thread JavaScript of the page so far."""
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        return float(next(m["value"] for m in metrics if m["name"] == "ScriptDuration"))

    def heap_mb(self) -> tuple[float, float]:
        """JavaScript heap and array buffers after a collection, in MB (10^6 bytes)."""
        self.session.send("HeapProfiler.collectGarbage")
        usage = self.session.send("Runtime.getHeapUsage")
        return usage["usedSize"] / 1e6, usage["backingStorageSize"] / 1e6

    def process_mb(self) -> dict[str, float]:
        """Proportional memory (PSS) by process type, in MB (10^6 bytes)."""
        found: dict[str, float] = {}
        for process in self.browser_session.send("SystemInfo.getProcessInfo")["processInfo"]:
            kind = str(process["type"])
            if kind in ("renderer", "GPU"):
                found[kind] = found.get(kind, 0.0) + process_memory_mb(int(process["id"]))[1]
        return found


def count_traffic(session: CDPSession, traffic: Traffic) -> None:
    """Let the browser's network log add to ``traffic``."""

    def payload_bytes(event: dict[str, Any]) -> int:
        frame = event["response"]
        return len(b64decode(frame["payloadData"])) if frame["opcode"] == 2 else 0

    def received(event: dict[str, Any]) -> None:
        traffic.socket_received += payload_bytes(event)

    def sent(event: dict[str, Any]) -> None:
        traffic.socket_sent += payload_bytes(event)

    def finished(event: dict[str, Any]) -> None:
        traffic.http_received += int(event["encodedDataLength"])

    def requested(_event: dict[str, Any]) -> None:
        traffic.http_requests += 1

    session.on("Network.webSocketFrameReceived", received)
    session.on("Network.webSocketFrameSent", sent)
    session.on("Network.requestWillBeSent", requested)
    session.on("Network.loadingFinished", finished)
    session.send("Network.enable")


@contextmanager
def cold_tab(*, with_traffic: bool) -> Iterator[Tab]:
    """Open a browser that never ran before; gone with its profile when the block ends.

    ``with_traffic`` copies every network payload out of the browser, which costs time: use
    it in other visits than those that are timed.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, sync_playwright() as p:
        context = p.chromium.launch_persistent_context(
            profile,
            executable_path=chromium_path(),
            headless=True,
            args=list(FLAGS),
            viewport=VIEWPORT,
            device_scale_factor=1,
        )
        try:
            yield watch(context, with_traffic)
        finally:
            context.close()


def watch(context: BrowserContext, with_traffic: bool) -> Tab:
    """Arm the probes of a new browser."""
    painted: list[Painted] = []
    context.expose_binding("benchPainted", lambda _source, paint: painted.append(paint))
    context.add_init_script(path=PROBE)
    page = context.pages[0]
    session = context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    assert context.browser is not None
    traffic = Traffic()
    if with_traffic:
        count_traffic(session, traffic)
    return Tab(page, session, context.browser.new_browser_cdp_session(), painted, traffic)


def poll(page: Page, condition: Callable[[], bool], limit_s: float) -> bool:
    """Whether ``condition`` comes true in time; the page lives on meanwhile."""
    deadline = time.perf_counter() + limit_s
    while not condition():
        if time.perf_counter() > deadline:
            return False
        page.wait_for_timeout(50)
    return True
