"""Decoding a simulated brain: speeds of the page's steps, and accuracy where the truth is known.

    python tests/bench/bench_decode.py [--quick]

Speeds are medians of several runs in one process. Accuracy is that of the synthetic world of
``tests/models/analysis/synthetic_world.py`` at full size, beside figures measured elsewhere in a
world of the same description. Nothing is asserted: the summary says which targets are met.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from models.analysis.decode import identification_scores, prepare_gallery
from models.analysis.measurement import Measurement, measure, mesh_noise
from models.analysis.sweeps import (
    Condition,
    Experiment,
    gallery_conditions,
    grid_conditions,
    repeat_conditions,
    summarise,
    sweep,
)
from models.decode_gallery import gallery
from models.decoders import image_features
from models.projection import from_volume
from models.types import FloatArray
from tests.bench.report import Verdict, print_machine, print_table, print_verdicts, spread
from tests.models.analysis.synthetic_world import experiment, neighbours, world

IDENTIFICATION_TARGET_MS, SWEEP_TARGET_S, NOISE_TARGET_S = 60.0, 6.0, 0.5
SINGLE_TARGET_MS = 15.0
NOISES, REPEATS = (0.25, 0.5, 1.0, 2.0), (1, 2, 3, 5, 10, 20)


def timed(work: Callable[[], object], n_runs: int) -> list[float]:
    """Seconds of several runs, the first left out."""
    work()
    seconds = []
    for _ in range(n_runs):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds


def random_rows(n_rows: int, n_places: int, seed: int) -> FloatArray:
    """Patterns without meaning."""
    return np.random.default_rng(seed).standard_normal((n_rows, n_places), np.float32)


def identification(n_runs: int) -> list[Verdict]:
    """100 patterns among 1,000 pictures on the whole cortex; one pattern on a part of it."""
    whole, queries = random_rows(1000, 20484, 0), random_rows(100, 20484, 1)
    part, one = whole[:, :2376].copy(), queries[:1, :2376].copy()
    prepared = prepare_gallery(whole)
    rows = []
    seconds = {}
    for name, work in (
        ("100 x 1,000 x 20,484, from nothing", lambda: identification_scores(queries, whole)),
        ("100 x 1,000 x 20,484, gallery prepared", lambda: prepared.scores(queries)),
        ("1 x 1,000 x 2,376, from nothing", lambda: identification_scores(one, part)),
    ):
        seconds[name] = [1000 * value for value in timed(work, n_runs)]
        rows.append((name, spread(seconds[name])))
    print_table("Identification", ("what", "ms"), rows)
    first, second, third = (statistics.median(values) for values in seconds.values())
    target = f"<= {IDENTIFICATION_TARGET_MS:.0f} ms"
    return [
        Verdict("identification", f"{first:.0f} ms", target, first <= IDENTIFICATION_TARGET_MS),
        Verdict(
            "the same, prepared", f"{second:.0f} ms", target, second <= IDENTIFICATION_TARGET_MS
        ),
        Verdict("single pattern", f"{third:.1f} ms", "< 15 ms", third < SINGLE_TARGET_MS),
    ]


def sweeps(n_runs: int) -> list[Verdict]:
    """24 cells of noise and repeats, 200 patterns among 1,000 pictures."""
    cells = grid_conditions(Measurement(), NOISES, REPEATS)
    part = experiment()
    big = random_rows(1000, 20484, 0)
    smooth = mesh_noise()
    others = random_rows(400, 20484, 2)
    whole = Experiment(big, big, np.arange(200), neighbours=smooth, directions=others)
    rows, verdicts = [], []
    for name, run, numbers in (("2,376 vertices", part, (1, 5)), ("20,484 vertices", whole, (1,))):
        for n_seeds in numbers:
            seeds = range(n_seeds)
            taken = timed(lambda run=run, seeds=seeds: list(sweep(run, cells, seeds)), n_runs)
            rows.append((name, str(n_seeds), str(24 * n_seeds), spread(taken, 2)))
            if n_seeds == 1:
                median = statistics.median(taken)
                is_met = median <= SWEEP_TARGET_S
                verdicts.append(Verdict(f"24 cells, {name}", f"{median:.2f} s", "<= 6 s", is_met))
    print_table("Sweep of noise and repeats", ("where", "seeds", "cells", "s"), rows)
    return verdicts


def drawing(n_runs: int, has_networks: bool) -> list[Verdict]:
    """Noise, pictures and features."""
    signals, others = world()
    one = Measurement()
    smooth, whole = neighbours(), mesh_noise()
    white = random_rows(200, whole.n_white, 3)
    part_s = timed(
        lambda: measure(signals, one, neighbours=smooth, directions=others, rows=range(200)), n_runs
    )
    whole_s = timed(lambda: whole.smooth(white), n_runs)
    gallery.cache_clear()
    start = time.perf_counter()
    stimuli = gallery().stimuli
    drawn_s = time.perf_counter() - start
    bank_s = timed(lambda: image_features.filter_bank_features(stimuli), 1)
    affine = np.diag([2.0, 2, 2, 1])
    affine[:3, 3] = -98, -134, -72
    image = nib.Nifti1Image(np.zeros((99, 117, 95), np.float32), affine)
    volume_s = timed(lambda: from_volume(image), n_runs)
    rows = [
        ("200 measured patterns, 2,376 vertices", spread(part_s, 2)),
        ("200 smooth maps, 20,484 vertices", spread(whole_s, 2)),
        (f"{len(stimuli)} built-in pictures drawn, once", f"{drawn_s:.2f}"),
        (f"filter bank of {len(stimuli)} pictures", spread(bank_s, 2)),
        ("one MNI volume at 2 mm to fsaverage5", spread(volume_s, 2)),
        *(dinov2_rows() if has_networks else ()),
    ]
    print_table("Drawing", ("what", "s"), rows)
    median = statistics.median(part_s)
    return [Verdict("200 noisy patterns", f"{median:.2f} s", "<= 0.5 s", median <= NOISE_TARGET_S)]


def dinov2_rows() -> list[tuple[str, str]]:
    """Seconds a picture of DINOv2 with random weights, which cost as much as the real ones."""
    import torch
    from transformers import Dinov2Config, Dinov2Model

    rows = []
    stimuli = gallery().stimuli[:16]
    for size in ("small", "base"):
        _, width, depth, _ = image_features.DINOV2[size]
        config = Dinov2Config(
            hidden_size=width,
            num_hidden_layers=depth,
            num_attention_heads=width // 64,
            image_size=518,
            patch_size=14,
        )
        torch.manual_seed(0)
        with tempfile.TemporaryDirectory() as folder:
            Dinov2Model(config).save_pretrained(folder)
            run = image_features._Runner(Path(folder), size, "auto")
            run(stimuli[:8])
            start = time.perf_counter()
            run(stimuli[:8])
            run(stimuli[8:])
            each = (time.perf_counter() - start) / 16
        rows.append((f"DINOv2-{size}, random weights, one picture", f"{each:.3f}"))
    return rows


def accuracy() -> None:
    """Top-1 and top-5 in the synthetic world beside published figures, 5 seeds."""
    base = Measurement(captured=1.0)
    half = Measurement(n_repeats=3, captured=0.5)
    captured = [
        Condition(replace(half, captured=share)) for share in (1, 0.7, 0.5, 0.3, 0.15, 0.05)
    ]
    groups = (
        ("repeats 1, 3, 10", repeat_conditions(base, (1, 3, 10)), (34, 80, 99.5), (49, 92, 100)),
        ("captured 100 ... 5 %, 3 repeats", captured, (81, 63, 42, 20, 5, 0), ()),
        (
            "gallery 10, 20, 50 ... 1,000; half captured",
            gallery_conditions(half, 1000),
            (70, None, None, 64, None, None, 43),
            (),
        ),
    )
    rows = []
    for name, conditions, top1, top5 in groups:
        cells = list(sweep(experiment(), conditions))
        for k, known in ((1, top1), (5, top5)):
            found = " ".join(f"{100 * point.mean:.0f}" for point in summarise(cells, k))
            told = " ".join("-" if value is None else f"{value:g}" for value in known)
            rows.append((name, f"top-{k}", found, told))
        control = summarise(cells, 5)
        shuffled = " ".join(f"{100 * point.control_mean:.1f}" for point in control)
        rows.append((name, "top-5, shuffled", shuffled, "chance"))
    print_table("Accuracy, % of 200 patterns", ("curve", "", "here", "published"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer runs, no DINOv2")
    is_quick = parser.parse_args().quick
    n_runs = 3 if is_quick else 9
    print_machine("numpy", "scipy", "torch")
    verdicts = (
        identification(n_runs) + sweeps(min(n_runs, 3)) + drawing(min(n_runs, 3), not is_quick)
    )
    accuracy()
    print_verdicts(verdicts)


if __name__ == "__main__":
    main()
