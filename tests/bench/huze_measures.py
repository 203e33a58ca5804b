"""What is measured of NSD huze; see ``bench_encoders_huze_text.py``."""

import shutil

import numpy as np
import torch

from models.catalog import PUBLISHED
from models.encoders._device import exact_arithmetic
from models.encoders.nsd_huze import NsdHuze
from models.types import Selection, Settings
from models.weights.pickles import read_torch_state
from tests.bench.encoder_runs import (
    child,
    forget_pages,
    ratio,
    ratio_words,
    seconds,
    shares,
    take_turns,
    timed,
)
from tests.bench.plain_encoders import PlainHuzePart
from tests.bench.report import Verdict, print_table
from tests.seeded_weights import FULL_HUZE, HUZE, write_huze

ID = "fmri-nsd_fsaverage-huze"
CARD = next(card for card in PUBLISHED if card.id == ID)
ONE, SETTINGS = Selection(("sub-01",)), Settings()
INSIDE, REGION = (Selection(("sub-01",), (name,)) for name in ("V1v", "nsdgeneral"))

BARE = "import numpy, torch, models.encoders._huze_conversion, models.encoders._huze_person"
START = f"""
import sys, time
start = time.perf_counter()
import numpy as np
from models.catalog import PUBLISHED
from models.encoders.nsd_huze import NsdHuze
from models.types import Selection, Settings
card = next(card for card in PUBLISHED if card.id == "{ID}")
model = NsdHuze(card, "cpu", sys.argv[1])
"""
CONVERT = START + 'model._person("sub-01")\n'
OPEN = f"""
import sys, time
{BARE}
from pathlib import Path
from models.encoders._huze_conversion import convert_subject
from models.encoders._huze_person import HuzePerson
folder = Path(sys.argv[1]) / "{HUZE}" / "encoding_models_weights"
start = time.perf_counter()
HuzePerson(convert_subject(folder, "sub-01", sys.argv[1]), torch.device("cpu"))
print("opened", time.perf_counter() - start)
"""
PREDICT = (
    START
    + """
person = model._person("sub-01")
print("ready", time.perf_counter() - start)
n = int(sys.argv[2])
pictures = np.random.default_rng(0).integers(0, 256, (n, 3, 224, 224), np.uint8)
start = time.perf_counter()
features = model.features_of_array(pictures)
model.readout(features, Selection(("sub-01",)), Settings())
print("predicted", time.perf_counter() - start)
"""
)


class Case:
    """Our model and the baseline on the same weights and pictures."""

    def __init__(self, home):
        self.home = home
        self.weights = home / HUZE / "encoding_models_weights"
        if not (self.weights / "part1_voxel_indices.pt").exists():
            write_huze(home, FULL_HUZE, (1,))
        self.pictures = np.random.default_rng(0).integers(0, 256, (4, 3, 224, 224), np.uint8)
        self.model = NsdHuze(CARD, "cpu", home)

    def prepare(self):
        """Load the baseline; its loading is not counted."""
        states = [read_torch_state(self.weights / f"subj01_part{part}.pth") for part in (1, 2)]
        for state in states:
            state.update({name: tensor.clone() for name, tensor in state.items()})
        self.plain = [PlainHuzePart(state, "subj01") for state in states]
        index = self.weights / "part1_voxel_indices.pt"
        self.first = torch.load(index, weights_only=False)["subj01"]
        self.pixels = self.model._as_input(list(self.pictures))
        with exact_arithmetic():
            self.plain_maps = [part.maps(self.pixels) for part in self.plain]
        self.features = self.model.features_of_array(self.pictures)

    def plain_encode(self):
        with exact_arithmetic():
            return self._plain_join([part.maps(self.pixels) for part in self.plain])

    def plain_readout(self):
        with exact_arithmetic():
            return self._plain_join(self.plain_maps)

    def _plain_join(self, maps):
        first, second = (
            part.readout(own).numpy() for part, own in zip(self.plain, maps, strict=True)
        )
        second[:, self.first] = first
        return second

    def encode(self, n_pictures=4):
        features = self.model.features_of_array(self.pictures[:n_pictures])
        return self.model.readout(features, ONE, SETTINGS)[0].values

    def encode_region(self):
        features = self.model.features_for(self.pictures, INSIDE)
        return self.model.readout(features, INSIDE, SETTINGS)[0].values

    def readout(self, selection=ONE):
        return self.model.readout(self.features, selection, SETTINGS)[0].values


def bench_huze(home):
    """Print the tables and return the verdicts."""
    case = Case(home)
    verdicts = _files(case) + _fresh_processes(case)
    case.prepare()
    plain, ours = take_turns(case.plain_encode, case.encode)
    plain_readout, readout, region = take_turns(
        case.plain_readout, case.readout, lambda: case.readout(REGION)
    )
    single, inside = take_turns(lambda: case.encode(1), case.encode_region)
    rows = [
        ("4 pictures, all vertices", seconds(plain), seconds(ours), ratio_words(plain, ours)),
        ("readout of all vertices", seconds(plain_readout), seconds(readout),
         ratio_words(plain_readout, readout)),
        ("1 picture, all vertices", "", seconds(single), ""),
        ("4 pictures, one region inside part 1 (V1v)", "", seconds(inside), ""),
        ("change of region (nsdgeneral)", "", seconds(region), ""),
    ]  # fmt: skip
    print_table("huze, medians in s", ("what", "baseline", "ours", "baseline / ours"), rows)
    expected = case.plain_encode()
    error = float(np.abs(case.encode() - expected).max() / expected.std())
    switch = ratio(ours, region)
    verdicts += [
        Verdict("4 pictures, baseline / ours", ratio_words(plain, ours), ">= 3 x",
                ratio(plain, ours) >= 3),
        Verdict("readout, baseline / ours", ratio_words(plain_readout, readout), ">= 40 x",
                ratio(plain_readout, readout) >= 40),
        Verdict("full encode / change of region", f"{switch:.0f} x", ">= 50 x", switch >= 50),
        Verdict("largest error / std of the response", f"{error:.1e}", "<= 5e-5", error <= 5e-5),
    ]  # fmt: skip
    if ratio(plain, ours) < 3:
        print(f"where ours spends its time: {shares(case.encode)}")
    if ratio(plain_readout, readout) < 40:
        print(f"where our readout spends its time: {shares(case.readout)}")
    return verdicts


def _files(case):
    """Conversion, and opening what it wrote."""
    shutil.rmtree(case.weights / "converted", ignore_errors=True)
    bare = child(BARE)["peak"]
    spent = []
    peak = 0.0

    def convert():
        nonlocal peak
        peak = child(CONVERT, case.home)["peak"]

    spent.append(timed(convert))
    forget_pages(case.weights / "converted")
    cold = child(OPEN, case.home)["opened"]
    warm = min(child(OPEN, case.home)["opened"] for _ in range(3))
    n_bytes = [path.stat().st_size for path in case.weights.rglob("*") if path.is_file()]
    print_table(
        "huze, files",
        ("what", "measured"),
        [
            ("converted, both parts, with hashes and process start", f"{spent[0]:.1f} s"),
            ("memory of the conversion above a bare process", f"{peak - bare:.2f} GiB"),
            ("opened, cold / warm", f"{1000 * cold:.0f} / {1000 * warm:.0f} ms"),
            ("on disk, published and converted", f"{sum(n_bytes) / 1e9:.2f} GB"),
        ],
    )
    return [
        Verdict("conversion above a bare process", f"{peak - bare:.2f} GiB", "<= 0.4 GiB",
                peak - bare <= 0.4),
        Verdict("files opened, warm", f"{warm:.3f} s", "<= 0.1 s", warm <= 0.1),
    ]  # fmt: skip


def _fresh_processes(case):
    """First prediction and peak memory of processes that do nothing else."""
    seen = {n: child(PREDICT, case.home, n) for n in (1, 4, 16)}
    rows = [
        (f"{n}", f"{run['ready']:.2f}", f"{run['predicted']:.2f}", f"{run['predicted'] / n:.2f}",
         f"{run['peak']:.2f}")
        for n, run in seen.items()
    ]  # fmt: skip
    header = ("pictures", "ready, imports included, s", "predicted, s", "a picture, s", "peak, GiB")
    print_table("huze, fresh processes, warm files, all vertices", header, rows)
    first, four, sixteen = seen[1]["predicted"], seen[4]["peak"], seen[16]["peak"]
    return [
        Verdict("first picture from warm files", f"{first:.2f} s", "<= 2.5 s", first <= 2.5),
        Verdict("peak at 4 pictures", f"{four:.2f} GiB", "<= 1.9 GiB", four <= 1.9),
        Verdict("peak at 16 pictures", f"{sixteen:.2f} GiB", "<= 2.3 GiB", sixteen <= 2.3),
    ]
