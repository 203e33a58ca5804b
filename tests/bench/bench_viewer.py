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

from tests.bench import visits  # noqa: E402
from tests.bench.chromium import chromium_path  # noqa: E402
from tests.bench.geometry import MESHES, load_geometry  # noqa: E402
from tests.bench.report import (  # noqa: E402
    Verdict,
    print_machine,
    print_table,
    print_verdicts,
    spread,
)
from tests.bench.servers import Server, streamlit_server  # noqa: E402
from tests.bench.visits import Case  # noqa: E402

SERVER = "tests/bench/viewer_server.py"
N_FRAMES = 50
LIMIT_S = 300.0
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
    words = {"plotly": "plotly Mesh3d", "ours_parcels": "ours, 360 parcels"}
    frames = "1 frame" if case.n_frames == 1 else f"{case.n_frames} frames"
    return f"{words.get(case.contender, case.contender)}, {frames}"


def bench_traffic(server: Server, mesh: str) -> list[Verdict]:
    """Bytes of a first visit and of reruns; also warms the server up for all cases."""
    cases = [Case("plotly", mesh, N_FRAMES), Case("view_surf", mesh, 1), Case("ours", mesh, 50)]
    cases += [Case("plotly", mesh, 1), Case("ours", mesh, 1)]
    if mesh == "fsLR32k":
        cases.append(Case("ours_parcels", mesh, N_FRAMES))
    empty = visits.traffic(server, Case("empty", mesh, 1), LIMIT_S)
    found = {case: visits.traffic(server, case, LIMIT_S) for case in cases}
    rows = [
        (
            title(case),
            f"{(one.socket - empty.socket) / 1e6:.3f}",
            f"{(one.http - empty.http) / 1e6:.3f}",
            f"{one.rerun / 1000:.2f}",
            f"{(one.new_data - empty.rerun) / 1e6:.3f}",
        )
        for case, one in found.items()
    ]
    header = ("what", "socket MB", "HTTP MB", "unchanged rerun kB", "new data MB")
    print_table(f"{mesh}: bytes beyond an empty page", header, rows)
    n_vertices = len(load_geometry(mesh).positions)

    def frame_bytes(contender: str) -> float:
        many = found[Case(contender, mesh, N_FRAMES)].socket
        one = found.get(Case(contender, mesh, 1))
        rest = one.socket if one else empty.socket
        return (many - rest) / (N_FRAMES - (1 if one else 0))

    plotly, ours = frame_bytes("plotly"), frame_bytes("ours")
    verdicts = [
        Verdict(f"{mesh}: bytes a vertex and frame", f"{ours / n_vertices:.3f}", "<= 1.0",
                ours <= n_vertices * 1.001),
        at_least(f"{mesh}: frame smaller than plotly's", plotly / ours, 5),
        Verdict(f"{mesh}: unchanged rerun", f"{found[Case('ours', mesh, 50)].rerun} bytes",
                "< 2000", found[Case("ours", mesh, 50)].rerun < 2000),
    ]
    if mesh == "fsLR32k":
        parcels = frame_bytes("ours_parcels")
        verdicts.append(at_least(f"{mesh}: parcel frame under plotly's", plotly / parcels, 100))
    return verdicts


def at_least(what: str, ratio: float, target: float) -> Verdict:
    """Verdict on a ratio where more is better."""
    return Verdict(what, f"{ratio:.1f} x", f">= {target:g} x", ratio >= target)
