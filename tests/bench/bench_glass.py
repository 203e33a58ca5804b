"""The glass brain: a frame on the server beside nilearn's ``plot_glass_brain``, and in a browser.

    python tests/bench/bench_glass.py [--quick]

Server: 300 volumes, of 1,000 parcels and of the vertices of two surfaces and the voxels of a
grid; one thread. nilearn draws the same parcels in turns with us, in the same run. Browser:
headless Chromium with software GL, the script of each frame while it plays. Nothing is asserted:
the summary says which targets are met.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy.spatial import cKDTree

sys.path.insert(0, str(Path(__file__).parents[2]))

from components.glass import pack_glass
from models.drawing.glass import GlassProjector, GlassSequence
from models.drawing.glass_frames import draw_frames
from models.types import FloatArray, IntArray, Provenance, Response, Space
from models.voxel_grid import VoxelGrid
from tests.bench.chromium import FLAGS, chromium_path
from tests.bench.report import Verdict, print_machine, print_table, print_verdicts, spread
from tests.browser.glass_page import GlassPage, glass_server

N_FRAMES, N_PARCELS, LIMIT = 300, 1000, 3.0
FRAME_TARGET_MS, SCRIPT_TARGET_MS, RATIO_TARGET = 15.0, 8.0, 30.0


def parcels() -> tuple[IntArray, FloatArray]:
    """As many parcels of grey matter at 1 mm as the Schaefer atlas has, and their affine."""
    from nilearn.datasets import load_mni152_gm_template

    image = load_mni152_gm_template(resolution=1)
    cells = np.argwhere(image.get_fdata() > 0.35)
    positions = nib.affines.apply_affine(image.affine, cells)
    seeds = positions[np.random.default_rng(0).choice(len(positions), N_PARCELS, replace=False)]
    labels = np.zeros(image.shape, np.int64)
    labels[tuple(cells.T)] = cKDTree(seeds).query(positions)[1] + 1
    return labels, image.affine


def voxels() -> VoxelGrid:
    """A grid of about as many voxels as a subject of THINGS has."""
    shape = (64, 78, 62)
    share = (np.stack(np.indices(shape), -1) + 0.5) / shape * 2 - 1
    return VoxelGrid(shape, np.argwhere((share**2).sum(-1) < 1.15))


def response_of(values: FloatArray) -> Response:
    """A response without a model."""
    space = Space("bench", "parcels", values.shape[1], 0)
    labels = tuple(f"{1.49 * number:.2f}" for number in range(len(values)))
    words = Provenance("bench", "Bench", "1", "0" * 64, "average", "A bench.", "BENCH")
    return Response(values, space, labels, "z", True, words, None, "seconds")


def timed_ms(work: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def bench_server(name: str, projector: GlassProjector, n_frames: int) -> tuple[list[str], float]:
    """Row of the table of one kind of places, and the median ms of a drawn frame."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(n_frames, projector.n_places)).astype(np.float32)
    sequences: list[GlassSequence] = []
    project_ms = timed_ms(lambda: sequences.append(projector.project(values))) / n_frames
    sequence = sequences[0]
    messages: list[bytes] = []
    pack_ms = timed_ms(lambda: messages.append(pack_glass(response_of(values), sequence)))
    frames = draw_frames(sequence, limit=LIMIT, units="z", titles=[""] * n_frames)
    first_ms = timed_ms(lambda: next(frames))
    drawn = [timed_ms(lambda: next(frames)) for _ in range(min(n_frames - 1, 100))]
    row = [
        f"{name} ({projector.n_places:,})",
        f"{project_ms:.2f}",
        f"{first_ms:.0f}",
        spread(drawn),
        f"{project_ms + statistics.median(drawn):.1f}",
        f"{len(messages[0]) / 1e6:.2f}",
        f"{len(messages[0]) / n_frames / 1e3:.1f}",
        f"{pack_ms:.0f}",
    ]
    return row, project_ms + statistics.median(drawn)


def bench_nilearn(labels: IntArray, affine: FloatArray, rounds: int) -> tuple[float, float]:
    """Median ms of nilearn's frame and of ours, in turns, from values to pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from nilearn.plotting import plot_glass_brain

    projector = GlassProjector.from_volume(labels, affine)
    values = np.random.default_rng(2).normal(size=(rounds + 1, N_PARCELS)).astype(np.float32)

    def theirs(row: FloatArray) -> None:
        figure = Figure((9.5, 3.0), dpi=100)
        canvas = FigureCanvasAgg(figure)
        volume = np.append(np.float32(0), row)[labels]
        plot_glass_brain(
            nib.Nifti1Image(volume, affine),
            figure=figure,
            display_mode="lyrz",
            plot_abs=False,
            colorbar=False,
            threshold=1e-6,
            vmin=-LIMIT,
            vmax=LIMIT,
        )
        canvas.draw()

    def ours(row: FloatArray) -> None:
        # With the outline, which a film draws once for all frames.
        next(draw_frames(projector.project(row[None]), limit=LIMIT))

    found: dict[str, list[float]] = {"theirs": [], "ours": []}
    for number, row in enumerate(values):
        their_ms, our_ms = timed_ms(lambda r=row: theirs(r)), timed_ms(lambda r=row: ours(r))
        if number:  # the first call of either imports and reads
            found["theirs"].append(their_ms)
            found["ours"].append(our_ms)
    return statistics.median(found["theirs"]), statistics.median(found["ours"])


def bench_browser(message: bytes, seconds: float) -> dict[str, float]:
    """Play in Chromium: script of a frame in ms, and frames a second."""
    from playwright.sync_api import sync_playwright

    server = glass_server()
    server.add("first.bin", message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
        page = GlassPage(browser.new_page(viewport={"width": 1280, "height": 720}))
        page.open(server.url)
        page.run("viewer.stats.ticks = viewer.stats.moves = 0; viewer.setPlaying(true)")
        page.page.wait_for_timeout(seconds * 1000)
        found = page.run(
            """(() => {
              const { stats } = viewer;
              const middle = (ring, n) => [...ring.slice(0, Math.min(n, ring.length))]
                .sort((a, b) => a - b);
              const script = middle(stats.jsMilliseconds, stats.ticks);
              const intervals = middle(stats.intervals, stats.moves);
              return { script: script[script.length >> 1],
                worst: script[Math.floor(script.length * 0.99)],
                interval: intervals[intervals.length >> 1], frames: stats.ticks };
            })()"""
        )
        browser.close()
    server.close()
    return dict(found)


def verdicts_of(
    costs: dict[str, float], theirs_ms: float, browser: dict[str, float]
) -> list[Verdict]:
    """Judge the targets."""
    target = f"<= {FRAME_TARGET_MS:g} ms"
    film, script = theirs_ms / costs["parcels"], browser["script"]
    return [
        *(
            Verdict(f"server, {name}", f"{ms:.1f} ms", target, ms <= FRAME_TARGET_MS)
            for name, ms in costs.items()
        ),
        Verdict("nilearn / ours", f"{film:.0f} x", f">= {RATIO_TARGET:g} x", film >= RATIO_TARGET),
        Verdict(
            "browser script a frame",
            f"{script:.2f} ms",
            f"<= {SCRIPT_TARGET_MS:g} ms",
            script <= SCRIPT_TARGET_MS,
        ),
    ]


def print_parcels(
    theirs_ms: float, alone_ms: float, film_ms: float, browser: dict[str, float]
) -> None:
    """Print what a frame of parcels costs."""
    rows = [
        ("nilearn plot_glass_brain, one frame", f"{theirs_ms:.0f}"),
        ("ours, one frame alone (draws its outline)", f"{alone_ms:.1f}"),
        ("ours, a frame of a film", f"{film_ms:.1f}"),
        ("browser: script of a frame", f"{browser['script']:.2f}"),
        ("browser: script, 99th percentile", f"{browser['worst']:.2f}"),
        ("browser: between two frames", f"{browser['interval']:.1f}"),
    ]
    print_table("1,000 parcels, medians", ("what", "ms"), rows)


def main() -> None:
    """Run everything and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer frames and rounds")
    quick = parser.parse_args().quick
    print_machine("nilearn", "matplotlib", "pillow", "playwright")
    n_frames = 30 if quick else N_FRAMES
    labels, affine = parcels()
    projector = GlassProjector.from_volume(labels, affine)
    cases = {
        "parcels": projector,
        "fsaverage5": GlassProjector("fsaverage5"),
        "fsLR32k": GlassProjector("fsLR32k"),
        "voxels": GlassProjector(voxels()),
    }
    rows, costs = [], {}
    for name, one in cases.items():
        row, costs[name] = bench_server(name, one, n_frames)
        rows.append(row)
    header = ("places", "project", "first", "draw", "a frame", "MB sent", "kB a frame", "pack ms")
    print_table(f"{n_frames} frames of 950 pixels, ms a frame", header, rows)
    theirs_ms, alone_ms = bench_nilearn(labels, affine, 2 if quick else 7)
    values = np.random.default_rng(1).normal(size=(n_frames, N_PARCELS)).astype(np.float32)
    message = pack_glass(response_of(values), projector.project(values), frame_rate_hz=4.0)
    browser = bench_browser(message, 3.0 if quick else 8.0)
    print_parcels(theirs_ms, alone_ms, costs["parcels"], browser)
    print_verdicts(verdicts_of(costs, theirs_ms, browser))


if __name__ == "__main__":
    main()
