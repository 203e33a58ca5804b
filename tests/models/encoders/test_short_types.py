"""A shorter number type is used where it is faster and close enough, and measured once."""

import numpy as np
import pytest
import torch

from models.encoders import _short_types
from models.encoders._short_types import (
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
def choose(tmp_path):
    """Choose as in a new process, on the same files."""

    def call(candidates, answer, place="cpu", n_files=1, is_reduced=True):
        folders = [tmp_path / f"weights {number}" / "precision" for number in range(n_files)]
        return choose_type(is_reduced, candidates, folders, place, answer)

    return call


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


def test_float32_is_not_measured_against_itself(choose, tmp_path):
    answer = Answer()
    chosen = choose((HALF,), answer, is_reduced=False)
    assert (chosen.dtype, chosen.facts) == (SINGLE, {"precision": "float32"})
    assert not answer.asked
    assert not list(tmp_path.iterdir())


def test_a_device_without_a_faster_type_says_so(choose):
    chosen = choose((), Answer())
    assert chosen.dtype == SINGLE
    assert "no shorter type is known to be faster" in chosen.facts["precision_note"]


def test_the_first_type_within_the_bound_is_used(choose):
    answer = Answer(float16=0.001, bfloat16=0.001)
    chosen = choose((HALF, BRAIN), answer)
    assert chosen.dtype == HALF
    assert chosen.facts["precision"] == "float16"
    assert answer.asked == ["float32", "float16"]
    short = Answer(float16=0.001)(HALF)[0]
    pairs = zip(EXACT - EXACT.mean(0), short - short.mean(0), strict=True)
    least = min(np.corrcoef(a, b)[0, 1] for a, b in pairs)
    words = chosen.facts["float16_against_float32"]
    assert f"least r over rows {least:.6f}" in words
    assert words.endswith("; used")


def test_what_is_outside_the_bound_is_passed_over(choose):
    answer = Answer(float16=0.1, bfloat16=0.001)  # r = 1 / sqrt(1.01) is below 0.9999
    chosen = choose((HALF, BRAIN), answer)
    assert chosen.dtype == BRAIN
    assert "outside the bound" in chosen.facts["float16_against_float32"]
    assert answer.asked == ["float32", "float16", "bfloat16"]
    chosen = choose((HALF,), answer)
    assert chosen.dtype == SINGLE
    assert chosen.facts["precision"] == "float32"
    assert type_of(chosen.facts) == SINGLE


@pytest.mark.parametrize("wrong", [np.inf, np.nan])
def test_numbers_that_overflow_are_never_good(choose, wrong):
    def answer(dtype):
        answers = EXACT.copy()
        if dtype == HALF:
            answers[3, 7] = wrong
        return [answers]

    chosen = choose((HALF, BRAIN), answer)
    assert chosen.dtype == BRAIN
    assert "largest difference inf" in chosen.facts["float16_against_float32"]
    assert choose((HALF,), answer).dtype == SINGLE


def test_it_is_measured_once_and_kept(choose):
    first = choose((HALF, BRAIN), Answer(float16=0.1, bfloat16=0.001))
    again = Answer()
    second = choose((HALF, BRAIN), again)
    assert (second.dtype, second.facts) == (first.dtype, first.facts)
    assert not again.asked


@pytest.mark.parametrize("change", ["place", "torch", "pictures", "damage"])
def test_what_is_kept_of_another_place_does_not_count(choose, tmp_path, monkeypatch, change):
    choose((HALF,), Answer())
    if change == "torch":
        monkeypatch.setattr(torch, "__version__", "3.0.0+cu140")
    elif change == "pictures":
        monkeypatch.setattr(_short_types, "_PROBE_VERSION", 2)
    elif change == "damage":
        (kept,) = tmp_path.rglob("*.json")
        kept.write_text('{"float16": ')
    answer = Answer()
    choose((HALF,), answer, place="a GPU" if change == "place" else "cpu")
    assert answer.asked == ["float32", "float16"]


def test_all_files_must_be_within_the_bound(choose):
    def answer(dtype):
        return [*Answer(float16=0.001)(dtype), *Answer(float16=0.1)(dtype)]

    assert choose((HALF,), Answer()).dtype == HALF
    chosen = choose((HALF,), answer, n_files=2)
    assert chosen.dtype == SINGLE
    assert "outside the bound" in chosen.facts["float16_against_float32"]


def test_several_files_share_one_pass_of_each_type(choose):
    answer = Answer(n_probes=3)
    choose((HALF,), answer, n_files=3)
    assert answer.asked == ["float32", "float16"]


def test_a_folder_that_cannot_be_written_only_forgets(choose, tmp_path):
    (tmp_path / "weights 0").write_text("in the way")
    answer = Answer()
    for _ in range(2):
        assert choose((HALF,), answer).dtype == HALF
    assert answer.asked == ["float32", "float16"] * 2


def test_the_pictures_are_fixed_and_all_different():
    pictures = probe_pictures()
    assert (pictures.shape, pictures.dtype) == ((12, 3, 256, 256), np.uint8)
    assert not pictures.flags.writeable
    assert len(np.unique(pictures.reshape(12, -1), axis=0)) == 12
    probe_pictures.cache_clear()
    np.testing.assert_array_equal(probe_pictures(), pictures)
