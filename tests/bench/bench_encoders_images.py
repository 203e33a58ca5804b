"""Time and memory of the two published image networks, as ratios, with a verdict on each target.

Run ``python tests/bench/bench_encoders_images.py [FOLDER] [things|mosaic] [--rounds=5]``.
Random weights of the published size (3 GB with what is converted) are written
into FOLDER once and kept there; without it, into a temporary folder.

The baseline (``plain_images.py``) computes in the same process what BERG computes, the way BERG
does; both sides take turns, and medians of the ratios within each round are given. Its loading is
not counted. Opening, first use and memory are those of processes that do nothing else; memory is
the peak, mapped pages counted. ``rate_encoders_images.py`` measures a GPU.
"""

import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import torch

from models.encoders._device import exact_arithmetic
from models.encoders._precision import compare_precisions
from models.encoders.mosaic_cnn8 import MosaicCnn8
from models.encoders.things_vit import ThingsViT
from tests.bench.encoder_runs import child, forget_pages, take_turns
from tests.bench.image_weights import (
    MOSAIC,
    N_VERTICES,
    N_VOXELS,
    REGION_SIZE,
    THINGS,
    write_mosaic,
    write_things,
)
from tests.bench.plain_images import PlainMosaic, PlainThings
from tests.bench.report import (
    Verdict,
    print_machine,
    print_table,
    print_verdicts,
    spread,
)

#: What a fresh process does: import, make ready, first answer.
FIRST = """
import sys, time
def timed(name, run):
    start = time.perf_counter()
    run()
    print(name, time.perf_counter() - start)
timed("import", lambda: __import__("torch"))
import numpy as np
from models.encoders.{module} import {name}
from tests.bench.image_weights import {card}
model = {name}({card}, "cpu", {home!r})
nothing = np.empty((0, 3, {side}, {side}), np.uint8)
stack = np.random.default_rng(0).integers(0, 256, ({n_pictures}, 3, {side}, {side}), np.uint8)
settings = {card}.default_settings().replace(precision={precision!r})
def ask(pictures, places):
    features = model.features_of_array(pictures, subjects=("sub-01",), settings=settings)
    return model.responses(features, "sub-01", places)
timed("ready", lambda: ask(nothing, np.arange(1)))
{then}
"""
ANSWER = 'timed("first", lambda: ask(stack, np.arange({n_places})))'


class Times(dict):
    """Seconds of several things in each round, by name."""

    def __init__(self, n_rounds, **works):
        super().__init__(zip(works, take_turns(*works.values(), n_rounds=n_rounds), strict=True))

    def ratios(self, slow, fast, plus=0.0):
        """Ratio within each round; ``plus`` is added to it."""
        return [a / b + plus for a, b in zip(self[slow], self[fast], strict=True)]

    def total(self, name, *parts):
        """Note the sum of some under a name of its own."""
        self[name] = [sum(row) for row in zip(*(self[part] for part in parts), strict=True)]


class Bench:
    """What one model's bench needs to know."""

    def __init__(self, kind, card, module, home, side, n_places, n_rounds):
        self.kind, self.card, self.module, self.home = kind, card, module, home
        self.side, self.n_places, self.n_rounds = side, n_places, n_rounds
        self.everything = np.arange(n_places)
        self.verdicts = []

    def stack(self, n_pictures):
        shape = (n_pictures, 3, self.side, self.side)
        return np.random.default_rng(0).integers(0, 256, shape, np.uint8)

    def settings(self, precision):
        return self.card.default_settings().replace(precision=precision)

    def fresh(self, n_pictures=0, precision="float32"):
        """Seconds and peak of a process that opens the model and predicts all places."""
        code = FIRST.format(
            module=self.module,
            name=self.kind.__name__,
            card=self.card_name,
            home=str(self.home),
            side=self.side,
            n_pictures=n_pictures,
            precision=precision,
            then=ANSWER.format(n_places=self.n_places) if n_pictures else "",
        )
        return child(code)

    @property
    def card_name(self):
        return "THINGS" if self.card is THINGS else "MOSAIC"

    def judge(self, what, ratios, limit, is_least):
        """Compare a median with its target."""
        value = median(ratios)
        is_met = value >= limit if is_least else value <= limit
        target = f"{'>=' if is_least else '<='} {limit:g}"
        measured = f"{value:.3g} ({min(ratios):.3g}-{max(ratios):.3g})"
        self.verdicts.append(Verdict(what, measured, target, bool(is_met)))

    def files(self, conversion_s=None, conversion_gib=None):
        """First use with conversion, opened warm and cold, memory of whole processes."""
        for folder in self.home.rglob("converted"):
            shutil.rmtree(folder)
        first = self.fresh()
        warm = [self.fresh()["ready"] for _ in range(self.n_rounds)]
        forget_pages(self.home)
        cold = self.fresh(1)
        ready = self.fresh(1)
        rows = [
            ("first use: converted, hashed and ready", f"{first['ready']:.2f} s"),
            ("its peak memory", f"{first['peak']:.2f} GiB"),
            ("opened again, files in the page cache", f"{1000 * median(warm):.0f} ms"),
            ("opened with nothing in the page cache", f"{1000 * cold['ready']:.0f} ms"),
            ("then the first picture, all places", f"{cold['first']:.2f} s"),
            ("the same with all in the page cache", f"{ready['first']:.2f} s"),
            ("importing torch, of which both come after", f"{ready['import']:.2f} s"),
        ]
        print_table("Files", ("", ""), rows)
        self.judge("opened warm, s", warm, 0.1, is_least=False)
        if conversion_s is not None:
            self.judge("converted, s", [first["ready"]], conversion_s, is_least=False)
            self.judge("converted, GiB", [first["peak"]], conversion_gib, is_least=False)

    def memory(self, n_pictures, limit_gib):
        """Peak of a process that predicts all places of one subject."""
        for precision in ("float32", "reduced"):
            peak = self.fresh(n_pictures, precision)["peak"]
            print(f"  {n_pictures} pictures, all places, {precision}: peak {peak:.2f} GiB")
            if precision == "float32":
                self.judge("peak memory, GiB", [peak], limit_gib, is_least=False)

    def precision(self, model, exact, stack):
        """Speed and error of the shorter type that this device would take."""
        settings = self.settings("reduced")

        def encode(chosen):
            features = model.features_of_array(stack, subjects=("sub-01",), settings=chosen)
            return features, model.responses(features, "sub-01", self.everything)

        features, values = encode(settings)
        print(f"  {dict(features.facts)}")
        if features.facts["precision"] == "float32":
            return
        error = compare_precisions(exact, values)
        print(
            f"  on other pictures: least r over rows {error.row_correlation:.6f}, over columns "
            f"{error.column_correlation:.6f}, largest difference {error.largest:.2g} "
            f"(deviation {exact.std():.2g})"
        )
        times = Times(
            self.n_rounds,
            exact=lambda: encode(self.card.default_settings()),
            short=lambda: encode(settings),
        )
        name = features.facts["precision"]
        print(f"  float32 / {name}, all places: {spread(times.ratios('exact', 'short'), 2)} x")


def worst(got, expected):
    """Largest error over the standard deviation of what is expected."""
    return float(np.abs(got - expected).max() / expected.std())


def print_times(title, times, n_pictures):
    """Medians of each thing, and a picture."""
    rows = [
        (
            name.replace("_", " "),
            spread([1000 * s for s in row], 0),
            f"{1000 * median(row) / n_pictures:.1f}",
        )
        for name, row in times.items()
    ]
    print_table(title, ("", "ms, median (range)", "ms a picture"), rows)


def bench_things(home, n_rounds):
    """THINGS ViT-B/32, all voxels and one region."""
    if not (home / "torch").exists():
        write_things(home)
    bench = Bench(ThingsViT, THINGS, "things_vit", home, 256, N_VOXELS, n_rounds)
    print("\n## THINGS ViT-B/32")
    bench.files(conversion_s=3.0, conversion_gib=0.6)
    model = ThingsViT(THINGS, "cpu", home)
    network = model._network([model._readout("sub-01")], torch.float32)
    plain = PlainThings(home, network)

    def encode(stack):
        features = model.features_of_array(stack, subjects=("sub-01",))
        return model.responses(features, "sub-01", bench.everything)

    def bare(prepared):
        with exact_arithmetic():
            for chunk in prepared.split(64):  # as many at once as ours
                for _ in network.layers(chunk):
                    pass

    for n_pictures in (1, 32, 100):
        stack = bench.stack(n_pictures)
        prepared = model._as_input(tuple(stack))
        times = Times(
            n_rounds,
            ours=partial(encode, stack),
            bare_network=partial(bare, prepared),
            as_BERG=lambda stack=stack: plain.responses(
                plain.features(model._as_input(tuple(stack)))
            ),
        )
        print_times(f"{n_pictures} pictures, all voxels", times, n_pictures)
        over_bare = times.ratios("ours", "bare_network")
        if n_pictures >= 32:
            bench.judge(f"ours / bare, {n_pictures} pictures", over_bare, 1.15, is_least=False)
        print(f"as BERG / ours {spread(times.ratios('as_BERG', 'ours'), 2)} x")
    stack = bench.stack(32)
    exact = encode(stack)
    error = worst(exact, plain.responses(plain.features(model._as_input(tuple(stack)))))
    bench.judge("largest error / deviation", [error], 5e-5, is_least=False)
    features = model.features_of_array(stack)
    region = model.voxels_of("sub-01", ["V1"])
    times = Times(
        n_rounds,
        encode=lambda: encode(stack),
        other_region=lambda: model.responses(features, "sub-01", region),
        other_subject=lambda: model.responses(features, "sub-02", bench.everything),
    )
    print_times("Switching, 32 pictures", times, 32)
    judge_switching(bench, times, "encode")
    bench.precision(model, exact, stack)
    bench.memory(100, 1.05)
    print_verdicts(bench.verdicts)


def judge_switching(bench, times, encode, note=""):
    """A change of region and of subject against a full encode."""
    region, subject = times.ratios(encode, "other_region"), times.ratios(encode, "other_subject")
    bench.judge(f"{encode} / other region{note}", region, 50, is_least=True)
    bench.judge(f"{encode} / other subject, all places{note}", subject, 10, is_least=True)


def bench_mosaic(home, n_rounds):
    """MOSAIC CNN8: core, readout of all vertices and of one region."""
    if not (home / "encoding_models").exists():
        write_mosaic(home)
    bench = Bench(MosaicCnn8, MOSAIC, "mosaic_cnn8", home, 224, N_VERTICES, n_rounds)
    print("\n## MOSAIC CNN8")
    bench.files()
    model, plain = MosaicCnn8(MOSAIC, "cpu", home), PlainMosaic(home)
    region = np.arange(REGION_SIZE) * 30
    for n_pictures in (1, 4):
        stack = bench.stack(n_pictures)
        prepared = model._as_input(tuple(stack))
        features = model.features_of_array(stack)
        maps = torch.from_numpy(features.arrays[0])
        times = Times(
            n_rounds,
            core=partial(model.features_of_array, stack),
            core_as_BERG=partial(plain.core, prepared),
            every_vertex=partial(model.responses, features, "sub-01", bench.everything),
            every_vertex_as_BERG=partial(plain.responses, maps),
            other_region=partial(model.responses, features, "sub-01", region),
            other_subject=partial(model.responses, features, "sub-02", bench.everything),
        )
        times.total("encode", "core", "every_vertex")
        times.total("encode_as_BERG", "core_as_BERG", "every_vertex_as_BERG")
        print_times(f"{n_pictures} pictures", times, n_pictures)
        note = f", {n_pictures} pictures"
        bench.judge(f"core{note}", times.ratios("core_as_BERG", "core"), 2.3, is_least=True)
        every = times.ratios("every_vertex_as_BERG", "every_vertex")
        bench.judge(f"all-vertex readout{note}", every, 2, is_least=True)
        one = times.ratios("other_region", "core", plus=1.0)
        bench.judge(f"core and one region / core{note}", one, 1.05, is_least=False)
        judge_switching(bench, times, "encode_as_BERG", note)
        judge_switching(bench, times, "encode", note)
    exact = model.responses(features, "sub-01", bench.everything)
    error = worst(exact, plain.responses(plain.core(prepared)).numpy())
    bench.judge("largest error / deviation", [error], 5e-5, is_least=False)
    bench.precision(model, exact, stack)
    bench.memory(4, 1.1)
    print_verdicts(bench.verdicts)


def main(arguments):
    options = dict(word[2:].split("=") for word in arguments if word.startswith("--"))
    words = [word for word in arguments if not word.startswith("--")]
    wanted = [word for word in words if word in ("things", "mosaic")] or ["things", "mosaic"]
    folders = [word for word in words if word not in ("things", "mosaic")]
    n_rounds = int(options.get("rounds", 5))
    print_machine("torch", "numpy")
    benches = {"things": bench_things, "mosaic": bench_mosaic}
    for name in wanted:
        with tempfile.TemporaryDirectory() as temporary:
            home = Path(folders[0] if folders else temporary).resolve() / name
            home.mkdir(parents=True, exist_ok=True)
            benches[name](home, n_rounds)


if __name__ == "__main__":
    main(sys.argv[1:])
