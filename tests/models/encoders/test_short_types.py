"""A shorter number type is used where it is faster and close enough, and measured once."""

import json
import math

import numpy as np
import pytest
import torch

from models.encoders import _short_types
from models.encoders._short_types import (
    Probe,
    choose_type,
    probe_pictures,
    shorter_types,
    type_of,
)

CPU, CUDA, MPS = (torch.device(name) for name in ("cpu", "cuda:0", "mps"))
HALF, BRAIN, SINGLE = torch.float16, torch.bfloat16, torch.float32
EXACT = np.random.default_rng(0).standard_normal((12, 400)).astype(np.float32)


class Answer:
    """Responses that are off by a given share of their spread in each type; notes its calls."""

    def __init__(self, n_probes=1, **spreads):
        self.n_probes, self.spreads, self.asked = n_probes, spreads, []

    def __call__(self, dtype):
        name = str(dtype).removeprefix("torch.")
        self.asked.append(name)
        noise = np.random.default_rng(1).standard_normal(EXACT.shape)
        return [(EXACT + self.spreads.get(name, 0) * noise).astype(np.float32)] * self.n_probes


@pytest.fixture
def probe(tmp_path):
    return Probe(tmp_path / "precision.json", "cpu")


@pytest.mark.parametrize(
    ("capability", "expected"),
    [
        ((6, 1), ()),
        ((7, 0), (HALF,)),
        ((7, 5), (HALF,)),
        ((8, 0), (HALF, BRAIN)),
        ((9, 0), (HALF, BRAIN)),
        ((10, 0), (HALF, BRAIN)),
    ],
)
def test_types_of_a_gpu_follow_its_generation(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    for needs_matrix_unit in (False, True):
        assert shorter_types(CUDA, needs_matrix_unit) == expected


@pytest.mark.parametrize(
    ("units", "any_network", "only_with_matrix_unit"),
    [
        ((), (), ()),
        (("avx2", "avx512_f"), (), ()),
        (("avx512_f", "avx512_fp16"), (), ()),
        (("avx512_f", "avx512_bf16"), (BRAIN,), ()),
        (("avx512_bf16", "amx_bf16"), (BRAIN,), (BRAIN,)),
        (("amx_bf16", "amx_fp16"), (HALF, BRAIN), (HALF, BRAIN)),
    ],
)
def test_types_of_a_processor_follow_its_units(
    monkeypatch, units, any_network, only_with_matrix_unit
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(units, True))
    assert shorter_types(CPU) == any_network
    assert shorter_types(CPU, needs_matrix_unit=True) == only_with_matrix_unit
    assert shorter_types(MPS) == ()


def test_float32_is_not_measured_against_itself(probe):
    answer = Answer()
    chosen = choose_type("float32", (HALF,), [probe], answer)
    assert (chosen.dtype, chosen.facts) == (SINGLE, {"precision": "float32"})
    assert not answer.asked
    assert not probe.path.exists()


def test_a_device_without_a_faster_type_says_so(probe):
    chosen = choose_type("fast", (), [], Answer())
    assert chosen.dtype == SINGLE
    assert "no shorter type is known to be faster" in chosen.facts["precision_note"]


def test_the_first_type_within_the_bound_is_used(probe):
    answer = Answer(float16=0.001, bfloat16=0.001)
    chosen = choose_type("fast", (HALF, BRAIN), [probe], answer)
    assert chosen.dtype == HALF
    assert chosen.facts["precision"] == "float16"
    assert answer.asked == ["float32", "float16"]
    centred = EXACT - EXACT.mean(0)
    short = Answer(float16=0.001)(HALF)[0]
    least = min(
        np.corrcoef(a, b)[0, 1] for a, b in zip(centred, short - short.mean(0), strict=True)
    )
    words = chosen.facts["float16_against_float32"]
    assert f"on 12 fixed pictures: least r over rows {least:.6f}" in words
    assert words.endswith("used")
    assert "not used" not in words


def test_what_is_outside_the_bound_is_passed_over(probe):
    answer = Answer(float16=0.1, bfloat16=0.001)  # r = 1 / sqrt(1.01) is below 0.9999
    chosen = choose_type("fast", (HALF, BRAIN), [probe], answer)
    assert chosen.dtype == BRAIN
    assert "outside the bound, not used" in chosen.facts["float16_against_float32"]
    assert answer.asked == ["float32", "float16", "bfloat16"]
    chosen = choose_type("fast", (HALF,), [probe], answer)
    assert chosen.dtype == SINGLE
    assert chosen.facts["precision"] == "float32"
    assert type_of(chosen.facts) == SINGLE


@pytest.mark.parametrize("wrong", [np.inf, np.nan])
def test_numbers_that_overflow_are_never_good(probe, wrong):
    def answer(dtype):
        answers = EXACT.copy()
        if dtype == HALF:
            answers[3, 7] = wrong
        return [answers]

    chosen = choose_type("fast", (HALF, BRAIN), [probe], answer)
    assert chosen.dtype == BRAIN
    assert probe.read(HALF).largest == math.inf
    assert choose_type("fast", (HALF,), [probe], answer).dtype == SINGLE


def test_it_is_measured_once_and_kept(probe):
    first = choose_type("fast", (HALF, BRAIN), [probe], Answer(float16=0.1, bfloat16=0.001))
    again = Answer()
    second = choose_type("fast", (HALF, BRAIN), [Probe(probe.path, "cpu")], again)
    assert (second.dtype, second.facts) == (first.dtype, first.facts)
    assert not again.asked
    assert len(json.loads(probe.path.read_text())) == 2


@pytest.mark.parametrize("change", ["place", "torch", "pictures", "damage"])
def test_what_is_kept_of_another_place_does_not_count(probe, monkeypatch, change):
    choose_type("fast", (HALF,), [probe], Answer())
    if change == "place":
        probe = Probe(probe.path, "a GPU")
    elif change == "torch":
        monkeypatch.setattr(torch, "__version__", "3.0.0+cu140")
    elif change == "pictures":
        monkeypatch.setattr(_short_types, "_PROBE_VERSION", 2)
    else:
        probe.path.write_text('{"float16": ')
    answer = Answer()
    choose_type("fast", (HALF,), [probe], answer)
    assert answer.asked == ["float32", "float16"]


def test_all_files_must_be_within_the_bound(tmp_path):
    probes = [Probe(tmp_path / f"{number}.json", "cpu") for number in (1, 2)]
    choose_type("fast", (HALF,), probes[:1], Answer())

    def answer(dtype):
        good, bad = Answer(float16=0.001), Answer(float16=0.1)
        return [*good(dtype), *bad(dtype)]

    assert choose_type("fast", (HALF,), probes[:1], Answer()).dtype == HALF
    assert choose_type("fast", (HALF,), probes, answer).dtype == SINGLE


def test_a_folder_that_cannot_be_written_only_forgets(tmp_path):
    (tmp_path / "file").write_text("in the way")
    probe, answer = Probe(tmp_path / "file" / "precision.json", "cpu"), Answer()
    for _ in range(2):
        assert choose_type("fast", (HALF,), [probe], answer).dtype == HALF
    assert answer.asked == ["float32", "float16"] * 2


def test_the_pictures_are_fixed_and_all_different():
    pictures = probe_pictures()
    assert (pictures.shape, pictures.dtype) == ((12, 3, 256, 256), np.uint8)
    assert not pictures.flags.writeable
    assert len(np.unique(pictures.reshape(12, -1), axis=0)) == 12
    probe_pictures.cache_clear()
    np.testing.assert_array_equal(probe_pictures(), pictures)
