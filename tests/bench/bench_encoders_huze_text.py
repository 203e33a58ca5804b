"""Time, memory and agreement of NSD huze and Text2fMRI on full-size random weights.

Run ``python tests/bench/bench_encoders_huze_text.py [FOLDER] [huze|text]``. The weights (about
4 GB) are written into FOLDER once and kept there; without it, into a temporary folder.

Ours and the baseline (``plain_encoders.py``, written the way published code computes) take turns
in the same process, so that the load of other programs falls on both; ratios are medians of pairs.
The baseline's loading is not counted, ours is. Memory is peak resident memory of processes that
do nothing else, mapped pages included.
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

N_ROUNDS = 3
N_VOLUMES = 200
HALF_TOKENS = 400

START = """
import sys, time
import numpy as np
from models.catalog import PUBLISHED
from models.types import Selection
home, card_id = sys.argv[1], sys.argv[2]
card = next(card for card in PUBLISHED if card.id == card_id)
settings = card.default_settings()
one = Selection(("sub-01",))
"""
HUZE_CODE = """
from models.encoders.nsd_huze import NsdHuze
start = time.perf_counter()
model = NsdHuze(card, "cpu", home)
pictures = [np.random.default_rng(k).integers(0, 256, (3, 224, 224), np.uint8) for k in range({n})]
features = model.features_of_pictures(pictures, settings)
model.readout(features, one, settings)
print("seconds", time.perf_counter() - start)
"""
TEXT_CODE = """
from models.encoders.text2fmri import Text2FMRI
from models.stimulus import Stimulus
settings = settings.replace(precision="{precision}")
lines = [line for line in np.load(home + "/lines.npy")]
model = Text2FMRI(card, "bench/Text2fMRI-full", "cpu", home)
features = model.features([Stimulus.from_lines([str(x) for x in lines], "x", 1.49)], settings)
model.readout(features, one, settings)
"""
PEAK = """
lines = open("/proc/self/status").read().splitlines()
print("peak", next(int(x.split()[1]) for x in lines if x.startswith("VmHWM")) / 1024**2)
"""


def child(home, card_id, code):
    """Numbers that a fresh process printed, by name."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", START + code + PEAK, str(home), card_id],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    words = [line.split() for line in done.stdout.splitlines()]
    return {name: float(number) for name, number in words}


def take_turns(*works):
    """Seconds of each work in each round."""
    for work in works:
        work()
    times = [[] for _ in works]
    for _ in range(N_ROUNDS):
        for own, work in zip(times, works, strict=True):
            start = time.perf_counter()
            work()
            own.append(time.perf_counter() - start)
    return times


def ratio(slow, fast):
    """Median of the pairs' ratios, and the pairs."""
    pairs = [a / b for a, b in zip(slow, fast, strict=True)]
    return f"{median(pairs):.2f} x ({', '.join(f'{pair:.2f}' for pair in pairs)})"


def bench_huze(home):
    import numpy as np
    import torch

    from models.catalog import PUBLISHED
    from models.encoders._huze_network import normalise
    from models.encoders.nsd_huze import NsdHuze
    from models.types import Selection, Settings
    from models.weights.pickles import read_torch_state
    from tests.bench.plain_encoders import PlainHuzePart
    from tests.seeded_weights import FULL_HUZE, HUZE, write_huze

    card_id = "fmri-nsd_fsaverage-huze"
    card = next(card for card in PUBLISHED if card.id == card_id)
    weights = home / HUZE / "encoding_models_weights"
    if not (weights / "part1_voxel_indices.pt").exists():
        write_huze(home, FULL_HUZE, (1,))
    settings, one = Settings(), Selection(("sub-01",))
    start = time.perf_counter()
    NsdHuze(card, "cpu", home)._subject("sub-01")
    print(f"huze: converted or found in {time.perf_counter() - start:.1f} s")
    start = time.perf_counter()
    NsdHuze(card, "cpu", home)._subject("sub-01")
    print(f"  opened in {1000 * (time.perf_counter() - start):.1f} ms")
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, (3, 224, 224), np.uint8) for _ in range(4)]
    pixels = normalise(np.stack(pictures))
    states = [read_torch_state(weights / f"subj01_part{part}.pth") for part in (1, 2)]
    for state in states:  # the baseline's loading is not counted
        state.update({name: tensor.clone() for name, tensor in state.items()})
    plain = [PlainHuzePart(state, "subj01") for state in states]
    index = torch.load(weights / "part1_voxel_indices.pt", weights_only=False)["subj01"]
    found = {}

    def run_plain():
        with torch.inference_mode():
            first, second = (part.readout(part.maps(pixels)).numpy() for part in plain)
        second[:, index] = first
        found["plain"] = second

    def run_ours():
        model = NsdHuze(card, "cpu", home)
        features = model.features_of_pictures(pictures, settings)
        found["model"], found["features"] = model, features
        found["ours"] = model.readout(features, one, settings)[0].values

    slow, fast = take_turns(run_plain, run_ours)
    print(f"  4 pictures, all vertices: baseline / ours {ratio(slow, fast)}; ours {fast} s")
    error, spread = np.abs(found["ours"] - found["plain"]).max(), found["plain"].std()
    print(f"  largest difference {error:.2g}, {error / spread:.2g} of the deviation {spread:.3g}")
    with torch.inference_mode():
        maps = plain[1].maps(pixels)
    model, features = found["model"], found["features"]
    part = model._subject("sub-01").parts[1]

    def plain_readout():
        with torch.inference_mode():
            plain[1].readout(maps)

    slow, fast = take_turns(plain_readout, lambda: part.read_out(features.arrays[1]))
    print(f"  readout of part 2: baseline / ours {ratio(slow, fast)}")
    region = Selection(("sub-01",), ("nsdgeneral",))
    encode, switch = take_turns(run_ours, lambda: model.readout(features, region, settings))
    print(f"  full encode / change of region {ratio(encode, switch)}; {switch} s")
    for n_pictures in (1, 4, 16):
        seen = child(home, card_id, HUZE_CODE.format(n=n_pictures))
        print(
            f"  {n_pictures} pictures, fresh process: {seen['seconds']:.2f} s "
            f"({seen['seconds'] / n_pictures:.2f} a picture), peak {seen['peak']:.2f} GiB"
        )


def a_transcript():
    """Random lines of six words."""
    import numpy as np

    words = ("cat", "sat", "mat", "the", "what", "really", "you", "awake", "here", "is")
    draw = np.random.default_rng(0)
    return [" ".join(draw.choice(words, 6)) for _ in range(N_VOLUMES)]


def bench_text(home):
    import numpy as np
    import torch
    from transformers import AutoModel

    from models.catalog import PUBLISHED
    from models.encoders._precision import compare_precisions
    from models.encoders._text_words import assign_tokens, join_lines
    from models.encoders.text2fmri import Text2FMRI
    from models.stimulus import Stimulus
    from models.types import Selection
    from models.weights.locations import find_hub_file
    from tests.bench.plain_encoders import plain_text_features
    from tests.seeded_weights import FULL_TEXT, write_text

    card_id = "fmri-cneuromod_algo2025-text2fmri"
    card = next(card for card in PUBLISHED if card.id == card_id)
    variant = "bench/Text2fMRI-full"
    if find_hub_file(variant, "model.pt", home) is None:
        write_text(home, FULL_TEXT, variant)
    lines = a_transcript()
    np.save(home / "lines.npy", np.array(lines))
    settings, one = card.default_settings(), Selection(("sub-01",))
    transcript = Stimulus.from_lines(lines, "bench", 1.49)
    model = Text2FMRI(card, variant, "cpu", home)
    text, ends = join_lines(lines)
    ids, offsets = model._tokens(text)
    volume = torch.from_numpy(assign_tokens(offsets, ends))
    print(f"text: {N_VOLUMES} volumes, {len(ids)} tokens")
    folder = find_hub_file(FULL_TEXT.llm, "config.json", home).parent
    found = {"body": AutoModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True)}

    def run_body():
        with torch.inference_mode():
            found["body"](ids[None], use_cache=False)

    def run(precision):
        chosen = settings.replace(precision=precision)
        found[precision] = model.features([transcript], chosen)

    run("bfloat16")  # the measurement of its error is made once
    bare, exact, short = take_turns(run_body, lambda: run("float32"), lambda: run("bfloat16"))
    print(f"  float32 / the bare body's own time {ratio(exact, bare)}; {exact} s")
    print(f"  float32 / bfloat16 {ratio(exact, short)}")
    del found["body"]
    print(f"  {found['bfloat16'].facts['bfloat16_against_float32']}")
    answers = [
        model.readout(found[precision], one, settings)[0].values
        for precision in ("float32", "bfloat16")
    ]
    print(f"  on this transcript: {compare_precisions(*answers).words}")
    two = Selection(("sub-02",))
    encode, switch = take_turns(
        lambda: run("float32"), lambda: model.readout(found["float32"], two, settings)
    )
    print(f"  encode / change of subject {ratio(encode, switch)}; {switch} s")
    few, n_few = ids[:HALF_TOKENS], int(volume[HALF_TOKENS - 1]) + 1
    half = plain_text_features(folder, few, volume[:HALF_TOKENS], n_few, torch.float16)
    start = time.perf_counter()
    half()
    slow = time.perf_counter() - start
    some = Stimulus.from_lines(lines[:n_few], "few", 1.49)
    start = time.perf_counter()
    model.features([some], settings)
    fast = time.perf_counter() - start
    print(f"  {HALF_TOKENS} tokens, once: float16 with logits / float32 {slow / fast:.1f} x")
    for precision in ("float32", "bfloat16"):
        peak = child(home, card_id, TEXT_CODE.format(precision=precision))["peak"]
        print(f"  {precision}, fresh process: peak {peak:.2f} GiB")


if __name__ == "__main__":
    chosen = [word for word in sys.argv[1:] if word in ("huze", "text")] or ["huze", "text"]
    folders = [word for word in sys.argv[1:] if word not in chosen]
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{os.cpu_count()} CPUs, load average {load}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(folders[0] if folders else temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if "huze" in chosen:
            bench_huze(folder)
        if "text" in chosen:
            bench_text(folder)
