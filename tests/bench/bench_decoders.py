"""Readers that are trained: how long they take, and what they read of pictures they never saw.

    python tests/bench/bench_decoders.py [--quick]

A world of known answers: 1,536 features with a spectrum that falls off, 200 directions of them that
drive 2,376 places, and noise at the ceiling of NSD (36.2 % for three trials), half of it alike
nearby, half like responses to other pictures. The network trains under the settings of the page
(``QUICK``: at most 90 s); it is also killed in its third epoch and goes on. A step is measured for
whole hemispheres and for four volumes. Nothing is asserted: the summary says which targets are met.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from scipy.ndimage import gaussian_filter1d  # noqa: E402

from models.analysis.decode import (  # noqa: E402
    binomial_p,
    ncsnr_of_ceiling,
    ranks,
    similarities,
    top_k,
)
from models.decoders.fitted import FittedDecoder  # noqa: E402
from models.decoders.ridge import DualRidge  # noqa: E402
from models.decoders.samples import Samples  # noqa: E402
from models.decoders.training import QUICK, Training  # noqa: E402
from models.errors import Cancelled  # noqa: E402
from tests.bench.report import Verdict, print_machine, print_table, print_verdicts  # noqa: E402

N_FEATURES, N_DIRECTIONS, N_VISUAL, N_ALL = 1536, 200, 2376, 20484
N_TEST, N_REPEATS, CAP_S = 1000, 3, 90.0


def world(n: int, stream: int) -> Samples:
    """Averages of three trials of ``n`` pictures; another ``stream``, other pictures."""
    fixed, own = np.random.default_rng(0), np.random.default_rng((1, stream))
    spectrum = np.arange(1, N_FEATURES + 1, dtype=np.float32) ** -0.5
    turn = np.linalg.qr(fixed.normal(size=(N_FEATURES, N_FEATURES)))[0].astype(np.float32)
    loads = fixed.normal(size=(N_DIRECTIONS, N_VISUAL))
    smooth = gaussian_filter1d(loads, 6, axis=1, mode="wrap").astype(np.float32)
    codes = own.standard_normal((n, N_FEATURES), np.float32) * spectrum
    signals = codes[:, :N_DIRECTIONS] @ smooth
    alike = own.standard_normal((n, N_DIRECTIONS), np.float32) * spectrum[:N_DIRECTIONS] @ smooth
    nearby = gaussian_filter1d(own.standard_normal((n, N_VISUAL), np.float32), 6, axis=1)
    noise = (alike / alike.std() + nearby / nearby.std()) / np.sqrt(2)
    size = signals.std() / (ncsnr_of_ceiling(0.362, 3) * np.sqrt(N_REPEATS))
    return Samples(signals + size * noise, codes @ turn + 0.5 * spectrum.sum() / N_FEATURES)


def held_out(decoder: FittedDecoder, test: Samples) -> tuple[float, float]:
    """Top-1 and top-5 among the test pictures."""
    scores = similarities(decoder.predict(test.patterns), decoder.candidates(test.targets))
    found = ranks(scores, np.arange(len(test)))
    return top_k(found, 1), top_k(found, 5)


def step_ms(n_places: int, n_trs: int, n_steps: int) -> float:
    """Median milliseconds of a training step of 64 trials."""
    rng = np.random.default_rng(2)
    patterns = rng.standard_normal((64 * n_steps, n_places, n_trs), np.float32)
    trials = Samples(patterns, rng.standard_normal((64 * n_steps, N_FEATURES), np.float32))
    times: list[float] = []
    settings = replace(QUICK, n_epochs=1, cap_s=None)
    Training(settings).fit(
        trials, trials.rows(range(8)), lambda *_: times.append(time.perf_counter())
    )
    return statistics.median(np.diff(times[:-1])) * 1000


def after_kill(n: int, folder: Path) -> bool:
    """Whether a training killed in its third epoch ends with the weights of one left alone."""
    settings = replace(QUICK, n_epochs=4, cap_s=None, device="cpu")
    path = folder / "training.pt"
    child = os.fspath(Path(__file__).resolve())
    run = subprocess.run([sys.executable, child, "--die", str(n), str(path)], check=False)
    assert run.returncode == -signal.SIGKILL, run.returncode
    trials = world(n, 0), world(200, 1)
    whole, resumed = Training(settings).fit(*trials), Training(settings, path).fit(*trials)
    return all(np.array_equal(v, resumed.weights[k]) for k, v in whole.weights.items())


def die(n: int, path: Path) -> None:
    """Train, and be killed in the third epoch."""
    settings = replace(QUICK, n_epochs=4, cap_s=None, device="cpu")

    def kill(stage: str, done: int, total: int) -> None:
        if done > total * 0.6:
            os.kill(os.getpid(), signal.SIGKILL)

    Training(settings, path).fit(world(n, 0), world(200, 1), kill)
    raise Cancelled("Nobody killed this training.")


def compare(sizes: list[int]) -> tuple[list[tuple[str, ...]], dict[str, float]]:
    """Rows of the table of readers; seconds and top-5 of the network on most pictures."""
    test, validation = world(N_TEST, 9), world(400, 8)
    rows, best = [], {}
    for n in sizes:
        training = world(n, 7)
        for name, reader in (("ridge", DualRidge()), ("FmriMlp", Training(QUICK))):
            start = time.perf_counter()
            decoder = reader.fit(training, validation)
            seconds = time.perf_counter() - start
            top1, top5 = held_out(decoder, test)
            epochs = f"{decoder.facts.get('n_epochs', '-')}"
            if decoder.facts.get("is_capped"):
                epochs += " (cap)"
            best = {"seconds": seconds, "top5": top5}
            figures = (f"{100 * top1:.1f}", f"{100 * top5:.1f}")
            rows.append((name, f"{n:,}", f"{seconds:.1f}", epochs, *figures))
    return rows, best


def main() -> None:
    """Run everything and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer pictures and steps")
    parser.add_argument("--die", nargs=2, metavar=("N", "PATH"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.die:
        die(int(options.die[0]), Path(options.die[1]))
    print_machine("torch", "numpy", "scipy")
    rows, best = compare([500] if options.quick else [1000, 4000])
    header = ("reader", "pictures", "s", "epochs", "top-1 %", "top-5 %")
    print_table(f"{N_VISUAL:,} places, {N_TEST:,} held-out pictures, chance 0.5 %", header, rows)
    n_steps = 4 if options.quick else 8
    cases = [("visual", N_VISUAL, 1), ("all", N_ALL, 1), ("all", N_ALL, 4)]
    steps = [(name, f"{n:,}", f"{t}", f"{step_ms(n, t, n_steps):.0f}") for name, n, t in cases]
    print_table("FmriMlp, a step of 64 trials", ("places", "", "volumes", "ms"), steps)
    with tempfile.TemporaryDirectory() as folder:
        is_same = after_kill(500, Path(folder))
    hits = round(best["top5"] * N_TEST)
    p = binomial_p(hits, N_TEST, 5 / N_TEST)
    print_verdicts(
        [
            Verdict("FmriMlp trains", f"{best['seconds']:.0f} s", "<= 90 s", best["seconds"] <= 95),
            Verdict("held-out top-5", f"{hits} of {N_TEST}", "p < 0.05 of guessing", p < 0.05),
            Verdict("after a kill", "same" if is_same else "other", "same weights", is_same),
        ]
    )


if __name__ == "__main__":
    main()
