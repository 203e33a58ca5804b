"""Time and memory of the image reference model.

Run ``python tests/bench/bench_reference_vision.py``.

Single pictures and batches of 16 take turns in the same process, so that the load of other
programs falls on both. Memory is measured in child processes of its own: a bare one, one that
imported streamlit, and the same after predicting 64 pictures. Peak resident memory is given.
"""

import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

N_ROUNDS = 15
BATCH = 16
ANGLES_DEG = (8.4, 12.0)

PREDICT_64 = """
import numpy as np
from models.catalog import get_card
from models.engine import Engine, Request
from models.stimulus import Stimulus
from models.types import Selection
random = np.random.default_rng(0)
pictures = tuple(
    Stimulus.from_pixels(random.integers(0, 256, (400, 600, 3), np.uint8), str(number))
    for number in range(64)
)
settings = get_card("reference-vision").default_settings()
engine = Engine()
for is_minus_average in (False, True):
    chosen = settings.replace(is_minus_average=is_minus_average)
    engine.predict(Request("reference-vision", pictures, Selection(("average",)), chosen))
engine.close()
"""
PRINT_PEAK = """
import resource, sys
try:
    lines = open("/proc/self/status").read().splitlines()
    print(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024)
except OSError:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2)  # bytes on macOS
"""


def peak_mib(code: str) -> float:
    """Peak resident memory of a fresh process that ran ``code``, in MiB."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code + PRINT_PEAK],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


def measure_speed(angle_deg: float) -> None:
    """Print milliseconds a picture, alone and in a batch."""
    import numpy as np

    from models.catalog import get_card
    from models.encoders.reference_vision import ReferenceVision
    from models.stimulus import Stimulus
    from models.types import Selection

    model = ReferenceVision(get_card("reference-vision"))
    settings = model.card.default_settings().replace(visual_angle_deg=angle_deg)
    everything = Selection(("average",))
    random = np.random.default_rng(0)
    pictures = [
        Stimulus.from_pixels(random.integers(0, 256, (256, 256, 3), np.uint8), str(number))
        for number in range(BATCH)
    ]

    def predict(chosen):
        features = model.features(chosen, settings)
        model.readout(features, everything, settings)
        return features

    features = predict(pictures)
    times: dict[str, list[float]] = {"single": [], "batch": [], "single cpu": [], "batch cpu": []}
    readouts = []
    for number in range(N_ROUNDS):
        wall, cpu = time.perf_counter(), time.process_time()
        for picture in pictures:
            predict([picture])
        times["single"].append(time.perf_counter() - wall)
        times["single cpu"].append(time.process_time() - cpu)
        wall, cpu = time.perf_counter(), time.process_time()
        predict(pictures)
        times["batch"].append(time.perf_counter() - wall)
        times["batch cpu"].append(time.process_time() - cpu)
        moved = settings.replace(fixation_x_deg=(number + 1) / 10)
        wall = time.perf_counter()
        model.readout(features, everything, moved)
        readouts.append(time.perf_counter() - wall)
    ms = {name: 1000 * median(values) / BATCH for name, values in times.items()}
    best = {name: 1000 * min(values) / BATCH for name, values in times.items()}
    print(f"visual angle {angle_deg:g} deg, {BATCH} pictures of 256 x 256, {N_ROUNDS} rounds")
    for name in ("single", "batch"):
        print(
            f"  {name:6}  median {ms[name]:6.2f} ms a picture (best {best[name]:.2f}), "
            f"CPU {ms[name + ' cpu']:6.2f} ms a picture"
        )
    print(f"  one by one / batch of {BATCH}: {ms['single'] / ms['batch']:.2f} x")
    print(f"  new fixation, {BATCH} pictures: median {1000 * median(readouts):.1f} ms")


def measure_memory() -> None:
    """Print peak memory above a bare process and above one with streamlit."""
    bare = peak_mib("")
    print(f"peak resident memory: bare Python {bare:.0f} MiB")
    print(f"  64 pictures of 600 x 400 above it: {peak_mib(PREDICT_64) - bare:.0f} MiB")
    if find_spec("streamlit") is None:
        print("  streamlit is not installed: not compared with it")
        return
    base = peak_mib("import streamlit\n")
    above = peak_mib("import streamlit\n" + PREDICT_64) - base
    print(
        f"  process that imported streamlit: {base:.0f} MiB; 64 pictures above it: {above:.0f} MiB"
    )


if __name__ == "__main__":
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"reference-vision on {os.cpu_count()} CPUs, load average {load}")
    for angle_deg in ANGLES_DEG:
        measure_speed(angle_deg)
    measure_memory()
