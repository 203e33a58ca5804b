"""What is measured of Text2fMRI; see ``bench_encoders_huze_text.py``."""

import torch

from models.catalog import PUBLISHED
from models.encoders._precision import compare_precisions
from models.encoders._text_words import assign_tokens, join_lines
from models.encoders.text2fmri import Text2FMRI
from models.stimulus import Stimulus
from models.types import Selection
from models.weights.locations import find_hub_file
from tests.bench.encoder_runs import (
    a_transcript,
    child,
    forget_pages,
    ratio,
    ratio_words,
    seconds,
    shares,
    take_turns,
)
from tests.bench.plain_encoders import plain_text_features
from tests.bench.report import Verdict, print_table
from tests.seeded_weights import FULL_TEXT, TEXT, write_text

ID = "fmri-cneuromod_algo2025-text2fmri"
CARD = next(card for card in PUBLISHED if card.id == ID)
VARIANT = "bench/Text2fMRI-full"
N_VOLUMES, TR_S = 200, 1.49
ONE, TWO, REGION = Selection(("sub-01",)), Selection(("sub-02",)), Selection(("sub-01",), ("Vis",))

START = f"""
import sys, time
start = time.perf_counter()
from models.catalog import PUBLISHED
from models.encoders.text2fmri import Text2FMRI
from models.stimulus import Stimulus
from models.types import Selection
from tests.bench.encoder_runs import a_transcript
card = next(card for card in PUBLISHED if card.id == "{ID}")
"""
OPEN = f"""
import sys, time
import torch
from pathlib import Path
from models.encoders._tensor_file import TensorFile
from models.encoders._text_head import TextHead, read_config
from models.weights.locations import find_hub_file
from tests.seeded_weights import FULL_TEXT
start = time.perf_counter()
config = read_config(find_hub_file("{VARIANT}", "config.json", sys.argv[1]))
TextHead(find_hub_file("{VARIANT}", "model.pt", sys.argv[1]), config, torch.device("cpu"))
TensorFile(find_hub_file(FULL_TEXT.llm, "model.safetensors", sys.argv[1]))
print("opened", time.perf_counter() - start)
"""
PREDICT = (
    START
    + f"""
model = Text2FMRI(card, "{VARIANT}", "cpu", sys.argv[1])
model._reader.body("float32")
model._reader.tokens("")
print("ready", time.perf_counter() - start)
settings = card.default_settings().replace(precision=sys.argv[2])
lines = a_transcript(int(sys.argv[3]))
start = time.perf_counter()
features = model.features([Stimulus.from_lines(lines, "x", {TR_S})], settings)
model.readout(features, Selection(("sub-01",)), settings)
print("predicted", time.perf_counter() - start)
"""
)


class Case:
    """Our model, the bare language model, and the baseline, on the same text."""

    def __init__(self, home):
        from transformers import AutoModel

        self.lines = a_transcript(N_VOLUMES)
        self.transcript = Stimulus.from_lines(self.lines, "bench", TR_S)
        self.model = Text2FMRI(CARD, VARIANT, "cpu", home)
        self.settings = CARD.default_settings()
        text, ends = join_lines(self.lines)
        self.ids, offsets = self.model._reader.tokens(text)
        volume = torch.from_numpy(assign_tokens(offsets, ends))
        folder = find_hub_file(FULL_TEXT.llm, "config.json", home).parent
        self.bare = AutoModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
        self.plain = plain_text_features(folder, self.ids, volume, N_VOLUMES, torch.float16)

    def run_bare(self):
        with torch.inference_mode():
            self.bare(self.ids[None], use_cache=False)

    def run(self, precision):
        chosen = self.settings.replace(precision=precision)
        return self.model.features([self.transcript], chosen)

    def readout(self, features, selection):
        return self.model.readout(features, selection, self.settings)[0].values


def bench_text(home):
    """Print the tables and return the verdicts."""
    if find_hub_file(VARIANT, "model.pt", home) is None:
        write_text(home, FULL_TEXT, VARIANT)
    verdicts = _fresh_processes(home)
    case = Case(home)
    exact, short = case.run("float32"), case.run("reduced")
    bare, ours, reduced, plain = take_turns(
        case.run_bare, lambda: case.run("float32"), lambda: case.run("reduced"), case.plain
    )
    fresh = iter([case.run("float32") for _ in range(4)])
    subject, region = take_turns(
        lambda: case.readout(next(fresh), TWO), lambda: case.readout(exact, REGION)
    )
    kind = short.facts["precision"]
    rows = [
        ("bare language model, float32", seconds(bare), ratio_words(bare, ours)),
        ("float16 with logits, as BERG", seconds(plain), ratio_words(plain, ours)),
        ("ours, float32", seconds(ours), ""),
        (f"ours, {kind}", seconds(reduced), ratio_words(reduced, ours)),
        ("another subject, all parcels", seconds(subject), ""),
        ("another network (Vis)", seconds(region), ""),
    ]
    title = f"text, {N_VOLUMES} volumes, {len(case.ids)} tokens, medians in s"
    print_table(title, ("what", "time", "time / ours in float32"), rows)
    both = [case.readout(features, ONE) for features in (exact, short)]
    error = compare_precisions(*both)
    print(f"{kind} on this transcript: {error.words}")
    by = f"{ratio(plain, reduced):.2f} x with {kind}"
    verdicts += [
        Verdict("float32 / the bare body's time", ratio_words(ours, bare), "<= 1.05 x",
                ratio(ours, bare) <= 1.05),
        Verdict("float16 with logits / ours", f"{ratio_words(plain, ours)}; {by}", ">= 5 x",
                ratio(plain, ours) >= 5),
        Verdict(f"float32 / {kind}", ratio_words(ours, reduced), ">= 1.7 x, in bound",
                ratio(ours, reduced) >= 1.7 and error.is_within_bound),
        Verdict("encode / change of subject", f"{ratio(ours, subject):.0f} x", ">= 10 x",
                ratio(ours, subject) >= 10),
        Verdict("encode / change of network", f"{ratio(ours, region):.0f} x", ">= 50 x",
                ratio(ours, region) >= 50),
    ]  # fmt: skip
    if ratio(plain, ours) < 5:
        print(f"where the baseline spends its time: {shares(case.plain)}")
        print(f"where ours does, float32: {shares(lambda: case.run('float32'))}")
        print(f"where ours does, {kind}: {shares(lambda: case.run('reduced'))}")
    return verdicts


def _fresh_processes(home):
    """Opening, first prediction and peak memory of processes that do nothing else."""
    forget_pages(home / TEXT)
    cold = child(OPEN, home)["opened"]
    warm = min(child(OPEN, home)["opened"] for _ in range(3))
    child(PREDICT, home, "reduced", 1)  # its error is measured once and kept
    rows, peaks = [], []
    for precision, n_volumes in (("float32", 1), ("float32", N_VOLUMES), ("reduced", N_VOLUMES)):
        run = child(PREDICT, home, precision, n_volumes)
        peaks.append(run["peak"])
        rows.append(
            (f"{n_volumes}, {precision}", f"{run['ready']:.2f}", f"{run['predicted']:.2f}",
             f"{run['peak']:.2f}")
        )  # fmt: skip
    header = ("volumes", "ready, imports included, s", "predicted, s", "peak, GiB")
    print_table("text, fresh processes, warm files", header, rows)
    print(f"files opened cold / warm: {1000 * cold:.0f} / {1000 * warm:.0f} ms")
    return [
        Verdict("peak, 200 volumes", f"{max(peaks):.2f} GiB", "<= 0.8 GiB", max(peaks) <= 0.8),
        Verdict("files opened, warm", f"{warm:.3f} s", "<= 0.1 s", warm <= 0.1),
    ]
