"""What one visit to one contender measures; every visit uses a browser that never ran before."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.chromium import Tab, cold_tab, poll
from tests.bench.contenders import HEIGHT, WIDTH
from tests.bench.servers import Server

#: Nothing waits longer than this for a first paint.
LIMIT_S = 300.0
PLAY_S = 6
DRIVERS = Path(__file__).with_name("drivers.js")


@dataclass(frozen=True)
class Case:
    """What is shown.

    Parameters
    ----------
    contender : {"plotly", "view_surf", "ours", "ours_parcels", "ours_thousand", "empty"}
    mesh : str
        One of ``geometry.MESHES``.
    n_frames : int
    """

    contender: str
    mesh: str
    n_frames: int

    def url(self, server: Server) -> str:
        """Address of the page that shows it."""
        query = f"contender={self.contender}&mesh={self.mesh}&frames={self.n_frames}"
        return f"{server.url}/?{query}"


@dataclass(frozen=True)
class Paint:
    """First paint of a cold visit (see ``gl_probe.js``)."""

    after_s: float
    canvas: str


@dataclass(frozen=True)
class Traffic:
    """Payload bytes of a visit over the socket and over HTTP, and of two reruns."""

    socket: int
    http: int
    rerun: int
    new_data: int


@dataclass(frozen=True)
class Kept:
    """What survives a rerun with the same data, one with new data, and showing a frame."""

    camera_over_rerun: bool
    frame_over_rerun: bool
    camera_over_new_data: bool
    frame_over_new_data: bool
    is_camera_kept_by_seeking: bool
    is_new_data_shown: bool


@dataclass(frozen=True)
class Drag:
    """What dragging a slider caused: reruns, and bytes sent plus requests made."""

    reruns: int
    sent: int


@dataclass(frozen=True)
class Playing:
    """One visit's frames.

    Parameters
    ----------
    frame_ms : tuple of float
        From asking for a frame until its pixels are ready, one a frame.
    playing_ms : float
        Wall time a drawn picture while the viewer plays by itself.
    script_ms : float
        Main-thread JavaScript a drawn picture while it plays.
    canvas : str
        Drawing buffer and samples while it was measured.
    """

    frame_ms: tuple[float, ...]
    playing_ms: float
    script_ms: float
    canvas: str


@dataclass(frozen=True)
class Memory:
    """Browser memory after everything was shown once, MB (10^6 bytes)."""

    heap_mb: float
    buffers_mb: float
    renderer_mb: float
    gpu_mb: float


def describe(paint: dict[str, Any]) -> str:
    """Drawing buffer in words."""
    return f"{paint['width']}x{paint['height']}, {paint['samples']} samples"


def open_page(tab: Tab, server: Server, case: Case, limit_s: float = LIMIT_S) -> Paint:
    """Go there and wait for the first paint, or for the words of an empty page."""
    tab.page.goto(case.url(server))
    if case.contender == "empty":
        shown = "document.querySelector('.bench-runs') && performance.now()"
        ready_ms = float(tab.page.wait_for_function(shown, polling="raf").json_value())
        return Paint(ready_ms / 1000, "-")
    paint = tab.wait_for_paint(limit_s)
    return Paint(paint["after_s"], describe(paint))


def first_paint(server: Server, case: Case) -> Paint:
    """Seconds from the start of the navigation to the first paint."""
    with cold_tab(with_traffic=False) as tab:
        return open_page(tab, server, case)


def press(tab: Tab, button: str) -> None:
    """Press a Streamlit button and wait until its run has arrived."""
    run = tab.page.locator(".bench-runs")
    before = run.inner_text()
    tab.page.get_by_role("button", name=button, exact=True).click()
    if not poll(tab.page, lambda: run.inner_text() != before, 120):
        raise TimeoutError(f"The page did not rerun after {button!r}.")
    tab.wait_until_quiet()


def state_of(tab: Tab, driver: str) -> dict[str, str]:
    """Camera, frame and first value of a viewer."""
    state: dict[str, str] = tab.page.evaluate(f"benchDrivers.{driver}.state()")
    return state


def turn(tab: Tab, driver: str) -> None:
    """Turn the brain by a drag of the mouse."""
    box = tab.page.evaluate(f"benchDrivers.{driver}.box()")
    middle_x, middle_y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.page.mouse.move(middle_x, middle_y)
    tab.page.wait_for_timeout(500)
    tab.page.mouse.down()
    for step in range(1, 8):
        tab.page.mouse.move(middle_x + 12 * step, middle_y + 6 * step)
        tab.page.wait_for_timeout(150)  # slower than software GL draws
    tab.page.mouse.up()
    tab.page.wait_for_timeout(500)


def seek(tab: Tab, driver: str, frame: int) -> None:
    """Show another frame."""
    tab.page.evaluate(f"benchDrivers.{driver}.show({frame})")
    tab.page.wait_for_timeout(1000)


def traffic(server: Server, case: Case) -> Traffic:
    """Bytes of a visit, of an unchanged rerun and of one with other data."""
    with cold_tab(with_traffic=True) as tab:
        open_page(tab, server, case)
        tab.wait_until_quiet()
        counts = [tab.traffic.socket_received, tab.traffic.http_received]
        for button in ("Rerun", "New data"):
            tab.traffic.reset()
            press(tab, button)
            counts.append(tab.traffic.socket_received)
        return Traffic(*counts)


def kept(server: Server, case: Case, driver: str) -> Kept:
    """Show a frame, turn the brain, rerun; is the visitor where they were?"""
    with cold_tab(with_traffic=False) as tab:
        open_page(tab, server, case)
        tab.page.evaluate(DRIVERS.read_text(encoding="utf-8"))
        fresh = state_of(tab, driver)
        seek(tab, driver, 20)
        turn(tab, driver)
        before = state_of(tab, driver)
        if before["camera"] == fresh["camera"]:
            raise RuntimeError("The drag did not turn the brain.")
        after = []
        for button in ("Rerun", "New data"):
            press(tab, button)
            after.append(state_of(tab, driver))
        seek(tab, driver, 21)
        seen = state_of(tab, driver)
    return Kept(
        *(state[what] == before[what] for state in after for what in ("camera", "frame")),
        is_camera_kept_by_seeking=seen["camera"] == after[-1]["camera"],
        is_new_data_shown=after[1]["first_value"] != before["first_value"],
    )


def playing(
    server: Server, case: Case, driver: str, n_shown: int, options: dict[str, Any]
) -> Playing:
    """Time single frames, then let the viewer play; ``options`` go to the driver."""
    with cold_tab(with_traffic=False) as tab:
        open_page(tab, server, case)
        tab.page.wait_for_timeout(1500)
        tab.page.evaluate(DRIVERS.read_text(encoding="utf-8"))
        prepare = f"options => benchDrivers.{driver}.prepare({WIDTH}, {HEIGHT}, options)"
        canvas = tab.page.evaluate(prepare, options)
        show = f"frame => benchDrivers.{driver}.show(frame)"
        frames = [tab.page.evaluate(show, frame % case.n_frames) for frame in range(1, n_shown + 2)]
        script_s = tab.script_s()
        played = tab.page.evaluate(f"benchDrivers.{driver}.play({PLAY_S})")
        script_ms = 1000 * (tab.script_s() - script_s) / played["drawn"]
        playing_ms = played["wall_ms"] / played["drawn"]
        words = f"{describe(canvas)}, {100 * canvas['covered']:.0f} % brain"
        return Playing(tuple(frames[1:]), playing_ms, script_ms, words)


def playing_as_shipped(server: Server, case: Case) -> tuple[float, str]:
    """Pictures a second of our viewer while it plays by its own rules, and its canvas."""
    with cold_tab(with_traffic=False) as tab:
        open_page(tab, server, case)
        tab.page.wait_for_timeout(1500)
        tab.page.evaluate(DRIVERS.read_text(encoding="utf-8"))
        tab.page.evaluate("benchDrivers.ours.play(2)")  # lets it find its resolution
        played = tab.page.evaluate(f"benchDrivers.ours.play({PLAY_S})")
        return 1000 * played["drawn"] / played["wall_ms"], str(played["canvas"])


def threshold_drag(server: Server, case: Case) -> Drag:
    """Drag the threshold of our viewer from end to end; what reached the server?"""
    with cold_tab(with_traffic=True) as tab:
        open_page(tab, server, case)
        tab.wait_until_quiet()
        run = tab.page.locator(".bench-runs").inner_text()
        slider = tab.page.locator("input[data-part=threshold]")
        box = slider.bounding_box()
        assert box is not None
        tab.traffic.reset()
        middle = box["y"] + box["height"] / 2
        tab.page.mouse.move(box["x"] + 3, middle)
        tab.page.mouse.down()
        for step in range(1, 21):
            tab.page.mouse.move(box["x"] + box["width"] * step / 24, middle)
            tab.page.wait_for_timeout(50)
        tab.page.mouse.up()
        tab.wait_until_quiet()
        if float(slider.input_value()) == 0:
            raise RuntimeError("The drag did not move the threshold.")
        reruns = int(tab.page.locator(".bench-runs").inner_text() != run)
        return Drag(reruns, tab.traffic.socket_sent + tab.traffic.http_requests)


def memory(server: Server, case: Case, driver: str | None) -> Memory:
    """Memory of the page after its first paint and a few frames."""
    with cold_tab(with_traffic=False) as tab:
        open_page(tab, server, case)
        tab.page.wait_for_timeout(2000)
        if driver is not None:
            tab.page.evaluate(DRIVERS.read_text(encoding="utf-8"))
            for frame in range(min(5, case.n_frames)):
                tab.page.evaluate(f"benchDrivers.{driver}.show({frame})")
        tab.page.wait_for_timeout(1000)
        heap_mb, buffers_mb = tab.heap_mb()
        tab.page.wait_for_timeout(500)
        processes = tab.process_mb()
        return Memory(heap_mb, buffers_mb, processes["renderer"], processes["GPU"])


def median_of(runs: list[Playing], name: str) -> float:
    """Median over visits of one of the numbers of ``Playing``."""
    if name == "frame_ms":
        return statistics.median(value for run in runs for value in run.frame_ms)
    return statistics.median(getattr(run, name) for run in runs)
