"""Time and memory of the two published image networks, as ratios.

Run ``python tests/bench/bench_encoders_images.py [ROUNDS]`` (3 by default).

The weights are random and of the published size, in a temporary folder (2.5 GB with what is
converted). The baseline computes in the same process what BERG computes, the way BERG does:
THINGS joins the features of all layers, standardises them in double precision and then takes
the components; CNN8 has its batch norms apart, divides all masks by their lengths in every
batch, reads out all vertices at once and slices. Both sides take turns, so that other
programs' load falls on both; medians of ratios are given, first of the time on the clock, then
in brackets of processor time, which a busy machine disturbs less. Loading is excluded from both
sides unless a line says otherwise. Memory is the peak of a process of its own, mapped pages
counted.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch.nn import functional  # noqa: E402

from models.encoders._device import exact_arithmetic  # noqa: E402
from models.encoders.mosaic_cnn8 import CHECKPOINT, MosaicCnn8  # noqa: E402
from models.encoders.things_vit import ThingsViT  # noqa: E402
from models.weights.locations import weights_folder  # noqa: E402
from models.weights.pickles import read_numpy_dict, read_torch_state  # noqa: E402
from tests.bench.image_weights import (  # noqa: E402
    MOSAIC,
    N_VERTICES,
    N_VOXELS,
    REGION_SIZE,
    THINGS,
    write_mosaic,
    write_things,
)

PEAK = """
import sys
sys.path.insert(0, {root!r})
import numpy as np
from models.encoders.{module} import {name}
from tests.bench.image_weights import {card}
model = {name}({card}, "cpu", {home!r})
stack = np.random.default_rng(0).integers(0, 256, ({n_pictures}, 3, 256, 256), np.uint8)
features = model.features_of_array(stack, subjects=("sub-01",))
model.responses(features, "sub-01", np.arange({n_columns}))
lines = open("/proc/self/status").read().splitlines()
print(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024**2)
"""


def timed(run):
    """Seconds that a call takes, and its result."""
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def compare(n_rounds, **runs):
    """Run all in turn, after one unmeasured round; (clock, processor) seconds by name."""
    seconds = {name: [] for name in runs}
    for number in range(n_rounds + 1):
        for name, run in runs.items():
            start = time.process_time()
            spent, _ = timed(run)
            if number:
                seconds[name].append((spent, time.process_time() - start))
    return seconds


def ratio(seconds, slow, fast, plus=0.0):
    """Median of the ratios within each round, clock and (processor), in words."""
    pairs = list(zip(seconds[slow], seconds[fast], strict=True))
    clock, processor = (median(a[kind] / b[kind] for a, b in pairs) + plus for kind in (0, 1))
    return f"{clock:.2f} ({processor:.2f})"


def show(name, seconds):
    """One line of medians in seconds."""
    words = ", ".join(
        f"{key} {median(clock for clock, _ in each):.3f}" for key, each in seconds.items()
    )
    print(f"  {name}: {words} s")


def peak_gib(home, module, name, card, n_pictures, n_columns):
    """Peak resident memory of a process that predicts once, in GiB."""
    code = PEAK.format(
        root=str(ROOT),
        home=str(home),
        module=module,
        name=name,
        card=card,
        n_pictures=n_pictures,
        n_columns=n_columns,
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def worst(got, expected):
    """Largest error over the standard deviation of what is expected."""
    return float(np.abs(got - expected).max() / expected.std())


def bench_things(home, n_rounds):
    """THINGS ViT-B/32, all voxels and one region."""
    print("THINGS ViT-B/32")
    random = np.random.default_rng(0)
    spent, readout = timed(lambda: ThingsViT(THINGS, "cpu", home)._readout("sub-01"))
    print(f"  first opening of a readout (conversion and hashes included): {spent:.2f} s")
    opened = [timed(lambda: ThingsViT(THINGS, "cpu", home)._readout("sub-01"))[0] for _ in "123"]
    print(f"  opening it again: {median(opened):.4f} s")
    model = ThingsViT(THINGS, "cpu", home)
    network = model._network([readout])
    weights = read_numpy_dict(weights_folder(THINGS, home) / "weights_sub-01.npy")
    weights = {part: dict(each) for part, each in weights.items()}
    for part in weights.values():
        part.update({key: np.array(each) for key, each in part.items()})
    everything = np.arange(N_VOXELS)

    def encode(stack):
        features = model.features_of_array(stack, subjects=("sub-01",))
        return model.responses(features, "sub-01", everything)

    def bare(prepared):
        with exact_arithmetic():
            for _ in network.layers(prepared):
                pass

    def as_berg(stack):
        scaler, pca, regression = (weights[f"{part}_param"] for part in ("scaler", "pca", "reg"))
        with exact_arithmetic():
            layers = list(network.layers(model._as_input(tuple(stack))))
            features = torch.cat([layer.flatten(1) for layer in layers], 1).numpy()
        standardised = (features - scaler["mean_"]) / scaler["scale_"]
        scores = (standardised - pca["mean_"]) @ pca["components_"].T
        coefficients = regression["coef_"][list(range(N_VOXELS))]
        return scores.astype(np.float32) @ coefficients.T + regression["intercept_"]

    for n_pictures in (1, 32, 64):
        stack = random.integers(0, 256, (n_pictures, 3, 256, 256), np.uint8)
        prepared = model._as_input(tuple(stack))
        seconds = compare(
            n_rounds,
            ours=lambda stack=stack: encode(stack),
            bare=lambda prepared=prepared: bare(prepared),
            berg=lambda stack=stack: as_berg(stack),
        )
        show(f"{n_pictures} pictures, all voxels", seconds)
        print(
            f"    ours / bare network {ratio(seconds, 'ours', 'bare')}, "
            f"as BERG / ours {ratio(seconds, 'berg', 'ours')}"
        )
    print(f"  largest error / std of the response: {worst(encode(stack), as_berg(stack)):.1e}")
    features = model.features_of_array(stack)
    region = model.voxels_of("sub-01", ["V1"])
    seconds = compare(
        n_rounds,
        encode=lambda: encode(stack),
        region=lambda: model.responses(features, "sub-01", region),
        subject=lambda: model.responses(features, "sub-02", everything),
    )
    show("switching, 64 pictures", seconds)
    print(
        f"    full encode / other region {ratio(seconds, 'encode', 'region')}, "
        f"/ other subject, all voxels {ratio(seconds, 'encode', 'subject')}"
    )
    gib = peak_gib(home, "things_vit", "ThingsViT", "THINGS", 100, N_VOXELS)
    print(f"  peak memory, 100 pictures, all voxels: {gib:.2f} GiB")


def bench_mosaic(home, n_rounds):
    """MOSAIC CNN8: core, readout of all vertices and of one region."""
    print("MOSAIC CNN8")
    spent, model = timed(lambda: open_mosaic(home))
    print(f"  first opening (conversion and hashes included): {spent:.2f} s")
    print(f"  opening again: {median(timed(lambda: open_mosaic(home))[0] for _ in '123'):.4f} s")
    state = read_torch_state(weights_folder(MOSAIC, home) / CHECKPOINT)
    state = {key: each.clone() for key, each in state.items() if "sub-02" not in key}
    everything, region = np.arange(N_VERTICES), np.arange(REGION_SIZE) * 30
    for n_pictures in (1, 4):
        stack = np.random.default_rng(0).integers(0, 256, (n_pictures, 3, 224, 224), np.uint8)
        prepared = model._as_input(tuple(stack))
        features = model.features_of_array(stack)
        maps = torch.from_numpy(features.arrays[0])
        seconds = compare(
            n_rounds,
            core=lambda stack=stack: model.features_of_array(stack),
            core_as_berg=lambda prepared=prepared: core_as_berg(state, prepared),
            every_vertex=lambda f=features: model.responses(f, "sub-01", everything),
            every_vertex_as_berg=lambda maps=maps: head_as_berg(state, maps),
            one_region=lambda f=features: model.responses(f, "sub-01", region),
            other_subject=lambda f=features: model.responses(f, "sub-02", everything),
        )
        show(f"{n_pictures} pictures", seconds)
        both = zip(seconds["core"], seconds["every_vertex"], strict=True)
        seconds["encode"] = [(a[0] + b[0], a[1] + b[1]) for a, b in both]
        print(
            f"    as BERG / ours: core {ratio(seconds, 'core_as_berg', 'core')}, all "
            f"vertices {ratio(seconds, 'every_vertex_as_berg', 'every_vertex')}\n"
            f"    core and one region / core {ratio(seconds, 'one_region', 'core', 1.0)}\n"
            f"    full encode / other region {ratio(seconds, 'encode', 'one_region')}, "
            f"/ other subject, all vertices {ratio(seconds, 'encode', 'other_subject')}"
        )
    got = model.responses(features, "sub-01", everything)
    expected = head_as_berg(state, core_as_berg(state, prepared)).numpy()
    print(f"  largest error / std of the response: {worst(got, expected):.1e}")
    gib = peak_gib(home, "mosaic_cnn8", "MosaicCnn8", "MOSAIC", 4, N_VERTICES)
    print(f"  peak memory, 4 pictures, all vertices of one subject: {gib:.2f} GiB")


def open_mosaic(home):
    """A model with its core and two readouts open."""
    model = MosaicCnn8(MOSAIC, "cpu", home)
    model._once("core", model._load_core)
    for subject in ("sub-01", "sub-02"):
        model._head(subject)
    return model


def core_as_berg(state, maps):
    """Convolution, batch norm and ReLU one after the other."""
    with exact_arithmetic():
        for number in range(1, 9):
            block = f"module.core.block{number}."
            weight = state[f"{block}0.weight"]
            padding = 1 if number == 1 else weight.shape[-1] // 2
            names = ("running_mean", "running_var", "weight", "bias")
            norm = [state[f"{block}1.{name}"] for name in names]
            maps = functional.conv2d(maps, weight, padding=padding)
            maps = functional.batch_norm(maps, *norm, eps=1e-5).relu()
            if number % 2 == 0:
                maps = functional.avg_pool2d(maps, 2, stride=1 if number == 8 else 2)
        return maps


def head_as_berg(state, maps):
    """All masks divided by their length, then all channels of all vertices, then the sum."""
    head = "module.subject_readouts.sub-01_NSD."
    with exact_arithmetic():
        masks = state[f"{head}spatial"].flatten(1)
        masks = masks / (masks.pow(2).sum(1, keepdim=True).sqrt() + 1e-6)
        channels = torch.einsum("ncp,vp->ncv", maps.flatten(2), masks)
        weights = state[f"{head}_features"].T
        return (channels * weights).sum(1) + state[f"{head}bias"]


if __name__ == "__main__":
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{os.cpu_count()} CPUs, {torch.get_num_threads()} threads, load average {load}")
    with tempfile.TemporaryDirectory() as folder:
        write_things(Path(folder))
        bench_things(Path(folder), rounds)
    with tempfile.TemporaryDirectory() as folder:
        write_mosaic(Path(folder))
        bench_mosaic(Path(folder), rounds)
