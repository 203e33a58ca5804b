"""Our brain viewer beside ``st.plotly_chart`` and nilearn's ``view_surf``, in headless Chromium.

    python tests/bench/bench_viewer.py [--quick] [--mesh fsaverage5 ...]

All three show the same meshes and the same activity inside Streamlit, in the same run, in turns,
each visit in a browser that never ran before. The rasteriser is software (SwiftShader):
ratios carry over to other machines, milliseconds do not. Nothing here is asserted: the
summary says which targets are met.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench import visits
from tests.bench.chromium import chromium_path
from tests.bench.contenders import our_message
from tests.bench.geometry import MESHES, load_geometry
from tests.bench.report import (
    Verdict,
    print_machine,
    print_table,
    print_verdicts,
    spread,
)
from tests.bench.servers import Server, streamlit_server
from tests.bench.visits import Case

SERVER = "tests/bench/viewer_server.py"
N_FRAMES = 50
#: Volumes of a transcript, with 1,000 parcels each.
N_VOLUMES = 300
T = TypeVar("T")


@dataclass(frozen=True)
class Rounds:
    """How often things are repeated."""

    paint: int
    playing: int
    memory: int
    shown: int


FULL = {
    "fsaverage5": Rounds(paint=7, playing=4, memory=3, shown=15),
    "fsLR32k": Rounds(paint=5, playing=3, memory=2, shown=10),
    "fine": Rounds(paint=3, playing=2, memory=1, shown=4),
}
QUICK = dict.fromkeys(MESHES, Rounds(paint=1, playing=1, memory=1, shown=4))


def in_turns(cases: list[Case], rounds: int, measure: Callable[[Case], T]) -> dict[Case, list[T]]:
    """Measure every case once a round, so that a busy moment meets all of them."""
    found: dict[Case, list[T]] = {case: [] for case in cases}
    for number in range(rounds):
        for case in cases if number % 2 == 0 else reversed(cases):
            found[case].append(measure(case))
            print(".", end="", file=sys.stderr, flush=True)
    return found


def title(case: Case) -> str:
    """Contender and number of frames."""
    if case.contender == "empty":
        return "an empty page (its words)"
    words = {
        "plotly": "plotly Mesh3d",
        "ours_parcels": "ours, 360 parcels",
        "ours_thousand": "ours, 1,000 parcels",
    }
    frames = "1 frame" if case.n_frames == 1 else f"{case.n_frames} frames"
    return f"{words.get(case.contender, case.contender)}, {frames}"


def at_least(what: str, ratio: float, target: float) -> Verdict:
    """Verdict on a ratio where more is better."""
    return Verdict(what, f"{ratio:.1f} x", f">= {target:g} x", ratio >= target)


def yes(is_so: bool) -> str:
    """Word for a table."""
    return "yes" if is_so else "no"


# Bytes --------------------------------------------------------------------------------------


def bench_traffic(server: Server, mesh: str) -> list[Verdict]:
    """Bytes of a first visit and of reruns; also warms the server up for all cases."""
    cases = [Case("plotly", mesh, 1), Case("plotly", mesh, N_FRAMES), Case("view_surf", mesh, 1)]
    cases += [Case("ours", mesh, 1), Case("ours", mesh, N_FRAMES)]
    if mesh == "fsLR32k":
        cases += [Case("ours_parcels", mesh, 1), Case("ours_parcels", mesh, N_FRAMES)]
        cases += [Case("ours_thousand", mesh, 1), Case("ours_thousand", mesh, N_VOLUMES)]
    empty = visits.traffic(server, Case("empty", mesh, 1))
    found = {case: visits.traffic(server, case) for case in cases}
    rows = [("an empty page, all in all", "-", "-", f"{empty.rerun}", "-")]
    rows += [
        (
            title(case),
            f"{(one.socket - empty.socket) / 1e6:.3f}",
            f"{(one.http - empty.http) / 1e6:.3f}",
            f"{one.rerun}",
            f"{(one.new_data - empty.rerun) / 1e6:.3f}",
        )
        for case, one in found.items()
    ]
    header = ("what", "socket MB", "HTTP MB", "unchanged rerun, bytes in all", "new data MB")
    print_table(f"{mesh}: bytes beyond those of an empty page", header, rows)

    def frame_bytes(contender: str, n_frames: int = N_FRAMES) -> float:
        many, one = (found[Case(contender, mesh, n)].socket for n in (n_frames, 1))
        return (many - one) / (n_frames - 1)

    plotly, ours = frame_bytes("plotly"), frame_bytes("ours")
    n_vertices = len(load_geometry(mesh).positions)
    values = value_bytes(our_message(mesh, N_FRAMES, 0)) / N_FRAMES / n_vertices
    measured = f"{values:.3f}, with words {ours / n_vertices:.3f}"
    added = found[Case("ours", mesh, N_FRAMES)].rerun - empty.rerun
    verdicts = [
        Verdict("bytes of values a vertex and frame", measured, "<= 1", round(values, 3) <= 1),
        at_least("frame on the wire under plotly's", plotly / ours, 5),
        Verdict("added to an unchanged rerun", f"{added} bytes", "< 2000 bytes", added < 2000),
    ]
    if mesh == "fsLR32k":
        ratio = plotly / frame_bytes("ours_parcels")
        verdicts.append(at_least("parcel frame on the wire under plotly's", ratio, 100))
        ratio = plotly / frame_bytes("ours_thousand", N_VOLUMES)
        verdicts.append(at_least("frame of 1,000 parcels on the wire under plotly's", ratio, 100))
    return verdicts


def value_bytes(message: bytes) -> int:
    """Size of a message without its header (labels, words, colour maps)."""
    return len(message) - 8 - int.from_bytes(message[4:8], "little")


# First paint --------------------------------------------------------------------------------


def bench_paint(server: Server, mesh: str, rounds: int) -> list[Verdict]:
    """Cold browser, warm server: from the navigation to brain on the canvas."""
    cases = [Case("plotly", mesh, N_FRAMES), Case("view_surf", mesh, 1)]
    cases += [Case("ours", mesh, N_FRAMES), Case("plotly", mesh, 1), Case("ours", mesh, 1)]
    cases.append(Case("empty", mesh, 1))
    found = in_turns(cases, rounds, lambda case: visits.first_paint(server, case))
    seconds = {case: [paint.after_s for paint in paints] for case, paints in found.items()}
    rows = [(title(case), spread(seconds[case], 2), found[case][0].canvas) for case in cases]
    print_table(
        f"{mesh}: navigation to first paint, cold browser, {rounds} rounds in turns",
        ("what", "s, median (range)", "canvas"),
        rows,
    )
    medians = {case: statistics.median(values) for case, values in seconds.items()}
    ratio = medians[cases[0]] / medians[cases[2]]
    single = medians[cases[3]] / medians[cases[4]]
    return [
        at_least(f"first paint before plotly's, {N_FRAMES} frames", ratio, 2.5),
        at_least("first paint before plotly's, 1 frame", single, 2.5),
    ]


# Frames -------------------------------------------------------------------------------------

MODES: dict[str, tuple[str, str, dict[str, object]]] = {
    "plotly, one view": ("plotly", "plotly", {}),
    "ours, one view": ("ours", "ours", {}),
    "ours, one view with region outlines": ("ours", "ours", {"outlines": True}),
    "ours, four views": ("ours", "ours", {"layout": "four"}),
}
PARCEL_MODES: dict[str, tuple[str, str, dict[str, object]]] = {
    "ours, one view, 360 parcels": ("ours_parcels", "ours", {}),
    "ours, one view, 300 volumes of 1,000 parcels": ("ours_thousand", "ours", {}),
}


def bench_playing(server: Server, mesh: str, rounds: Rounds) -> list[Verdict]:
    """Time a frame, with the same canvas, samples and view."""
    modes = dict(MODES)
    if mesh == "fsLR32k":
        modes |= PARCEL_MODES
    if mesh == "fine":  # no atlas, no outlines
        del modes["ours, one view with region outlines"]
    found: dict[str, list[visits.Playing]] = {name: [] for name in modes}
    for number in range(rounds.playing):
        names = list(modes) if number % 2 == 0 else list(reversed(modes))
        for name in names:
            contender, driver, options = modes[name]
            n_frames = N_VOLUMES if contender == "ours_thousand" else N_FRAMES
            case = Case(contender, mesh, n_frames)
            found[name].append(visits.playing(server, case, driver, rounds.shown, options))
            print(".", end="", file=sys.stderr, flush=True)
    rows = [
        (
            name,
            spread([ms for run in runs for ms in run.frame_ms], 0),
            spread([run.playing_ms for run in runs], 0),
            spread([run.script_ms for run in runs], 2),
            runs[0].canvas,
        )
        for name, runs in found.items()
    ]
    header = ("what", "frame ms", "ms a picture, playing", "JavaScript ms a picture", "canvas")
    print_table(f"{mesh}: animating, {rounds.playing} visits each in turns", header, rows)
    plotly, ours = found["plotly, one view"], found["ours, one view"]
    frame = visits.median_of(plotly, "frame_ms") / visits.median_of(ours, "frame_ms")
    played = visits.median_of(plotly, "playing_ms") / visits.median_of(ours, "playing_ms")
    script_ms = visits.median_of(ours, "script_ms")
    return [
        at_least("frame faster than plotly's", frame, 3),
        at_least("picture while playing faster than plotly's", played, 3),
        Verdict("main-thread JavaScript a frame", f"{script_ms:.2f} ms", "<= 1 ms", script_ms <= 1),
    ]


def bench_as_shipped(server: Server, rounds: int) -> list[Verdict]:
    """fsaverage5 on software GL by the viewer's own rules, one view and four."""
    found = [visits.playing_as_shipped(server, Case("ours_four", "fsaverage5", 50))]
    found += [
        visits.playing_as_shipped(server, Case("ours_four", "fsaverage5", 50))
        for _ in range(rounds - 1)
    ]
    rates = [rate for rate, _ in found]
    rows = [("four views", spread(rates), found[-1][1])]
    print_table(
        "fsaverage5: playing as shipped", ("layout", "pictures/s", "canvas while moving"), rows
    )
    rate = statistics.median(rates)
    return [Verdict("pictures a second as shipped", f"{rate:.1f}", ">= 15", rate >= 15)]


# Memory and manners -------------------------------------------------------------------------


def bench_memory(server: Server, mesh: str, rounds: int) -> list[Verdict]:
    """Memory of the browser once everything has been shown."""
    drivers = {"plotly": "plotly", "ours": "ours"}
    cases = [Case("plotly", mesh, N_FRAMES), Case("view_surf", mesh, 1)]
    cases += [Case("ours", mesh, N_FRAMES), Case("empty", mesh, 1)]
    found = in_turns(
        cases, rounds, lambda case: visits.memory(server, case, drivers.get(case.contender))
    )

    def middle(case: Case, name: str) -> float:
        return statistics.median(getattr(one, name) for one in found[case])

    names = ("heap_mb", "buffers_mb", "renderer_mb", "gpu_mb")
    print_table(
        f"{mesh}: browser memory in MB, median of {rounds}",
        ("what", "JS heap", "array buffers", "renderer process", "GPU process"),
        [(title(case), *(f"{middle(case, name):.0f}" for name in names)) for case in cases],
    )
    script = [middle(case, "heap_mb") + middle(case, "buffers_mb") for case in cases]
    process = [middle(case, "renderer_mb") + middle(case, "gpu_mb") for case in cases]
    above = (process[0] - process[3]) / max(process[2] - process[3], 0.1)
    return [
        at_least("heap + array buffers under plotly's", script[0] / script[2], 3),
        at_least("processes above an empty page under plotly's", above, 3),
    ]


def bench_kept(server: Server, mesh: str) -> list[Verdict]:
    """What a visitor keeps over a rerun; what a slider costs the server."""
    found = {
        name: visits.kept(server, Case(name, mesh, N_FRAMES), name) for name in ("plotly", "ours")
    }
    header = ("kept", *found)
    fields = {
        "camera over an unchanged rerun": "camera_over_rerun",
        "frame over an unchanged rerun": "frame_over_rerun",
        "camera over new data": "camera_over_new_data",
        "frame over new data": "frame_over_new_data",
        "camera when another frame is shown": "is_camera_kept_by_seeking",
        "(new data are shown)": "is_new_data_shown",
    }
    rows = [
        (words, *(yes(getattr(one, name)) for one in found.values()))
        for words, name in fields.items()
    ]
    print_table(f"{mesh}: camera and play position", header, rows)
    drag = visits.threshold_drag(server, Case("ours", mesh, N_FRAMES))
    ours = found["ours"]
    kept = [ours.camera_over_rerun, ours.frame_over_rerun]
    kept += [ours.camera_over_new_data, ours.frame_over_new_data]
    return [
        Verdict("camera and frame kept over reruns", yes(all(kept)), "yes", all(kept)),
        Verdict("reruns by dragging the threshold", str(drag.reruns), "0", drag.reruns == 0),
        Verdict("bytes and requests by dragging it", str(drag.sent), "0", drag.sent == 0),
    ]


def bench_mesh(server: Server, mesh: str, rounds: Rounds) -> list[Verdict]:
    """Run everything for one mesh."""
    verdicts = bench_traffic(server, mesh)
    verdicts += bench_paint(server, mesh, rounds.paint)
    verdicts += bench_playing(server, mesh, rounds)
    verdicts += bench_memory(server, mesh, rounds.memory)
    if mesh == "fsaverage5":
        verdicts += bench_as_shipped(server, rounds.playing)
        verdicts += bench_kept(server, mesh)
    return [Verdict(f"{mesh}: {v.what}", v.measured, v.target, v.is_met) for v in verdicts]


def main() -> None:
    """Run everything and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of everything")
    parser.add_argument("--mesh", nargs="*", choices=MESHES, default=MESHES)
    arguments = parser.parse_args()
    print_machine("streamlit", "plotly", "nilearn", "playwright")
    browser = [chromium_path(), "--version"]
    print(subprocess.run(browser, capture_output=True, text=True, check=True).stdout.strip())
    verdicts = []
    for mesh in arguments.mesh:
        with streamlit_server(SERVER) as server:
            verdicts += bench_mesh(server, mesh, (QUICK if arguments.quick else FULL)[mesh])
    print_verdicts(verdicts)


if __name__ == "__main__":
    main()
