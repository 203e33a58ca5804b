"""Pieces of Text2fMRI: words to volumes, windows, norms, precision, the language model's body."""

import json

import numpy as np
import pytest
import torch

from models.encoders._language_body import LanguageBody
from models.encoders._precision import (
    PrecisionError,
    compare_precisions,
    measured_once,
    shorter_types,
)
from models.encoders._text_head import TextConfig, norm_offset, read_config
from models.encoders._text_words import assign_tokens, cut_windows, join_lines, window_words
from models.errors import WeightsError
from models.weights.locations import find_hub_file
from tests.seeded_weights import TextSize, write_text


def slow_rule(offsets, lines):
    """The rule as BERG writes it: the first volume that a token overlaps, by two loops."""
    spans, at = [], 0
    for line in lines:
        spans.append((at, at + len(line) + 1))
        at += len(line) + 1
    found = []
    for first, last in offsets:
        owners = [n for n, (a, b) in enumerate(spans) if first < b and last > a and last > 0]
        found.append(owners[0] if owners else -1)
    return found


def test_tokens_go_to_the_first_volume_they_overlap():
    lines = ["ab", "", "", "cde", ""]
    text, ends = join_lines(lines)
    assert text == "ab\n\n\ncde\n\n"
    offsets = np.array([(0, 0), (0, 2), (2, 5), (5, 5), (4, 5), (5, 8), (8, 10), (9, 10), (10, 10)])
    got = assign_tokens(offsets, ends)
    assert got.tolist() == slow_rule(offsets, lines)
    assert got.tolist() == [-1, 0, 0, -1, 2, 3, 3, 4, -1]


def test_the_fast_rule_is_the_slow_rule():
    draw = np.random.default_rng(0)
    for _ in range(50):
        lines = ["x" * n for n in draw.integers(0, 5, draw.integers(1, 9))]
        text, ends = join_lines(lines)
        first = draw.integers(0, len(text) + 1, 30)
        offsets = np.stack([first, first + draw.integers(0, 4, 30)], 1)
        assert assign_tokens(offsets, ends).tolist() == slow_rule(offsets, lines)


@pytest.mark.parametrize("n_tokens", [1, 2, 63, 64, 65, 96, 97, 128, 1000])
@pytest.mark.parametrize("context", [64, 65])
def test_windows_cover_every_token_once_with_half_a_context_before(n_tokens, context):
    windows = cut_windows(n_tokens, context)
    used = [n for window in windows for n in range(window.first_used, window.stop)]
    assert used == list(range(n_tokens))
    for window in windows:
        assert 0 < window.stop - window.start <= context
        assert window.start <= window.first_used < window.stop
    for window in windows[1:]:
        assert window.first_used - window.start >= context - context // 2
    assert (len(windows) == 1) == (n_tokens <= context)


def test_the_window_rule_is_stated():
    assert window_words(cut_windows(64, 64), 64) == "whole: 64 tokens fit into the context of 64"
    words = window_words(cut_windows(100, 64), 64)
    assert words.startswith("100 tokens in 3 windows of 64, each starting 32 after")
    assert "sees at least 32 earlier tokens" in words


def gains(*values):
    return {f"layers.{n}.0.0.g": torch.tensor([value]) for n, value in enumerate(values)}


@pytest.mark.parametrize(("values", "offset"), [((0.0, 0.4, -0.3), 1.0), ((1.0, 0.6, 1.3), 0.0)])
def test_gains_say_whether_1_is_added(values, offset):
    assert norm_offset(gains(*values)) == offset


@pytest.mark.parametrize("values", [(0.1, 0.9), (2.0, 2.1), (-0.8,), (float("nan"),), ()])
def test_ambiguous_gains_are_refused(values):
    with pytest.raises(WeightsError, match="refused, not guessed"):
        norm_offset(gains(*values))


def test_config_keys_are_defaulted_and_checked(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"tr": 2, "transformer_dim": 512, "architectures": ["x"]}))
    assert read_config(path) == TextConfig(tr=2, transformer_dim=512)
    for text, words in (
        ("{", "no JSON"),
        ("[]", "no settings"),
        ('{"num_rois": true}', "num_rois"),
    ):
        path.write_text(text)
        with pytest.raises(WeightsError, match=words):
            read_config(path)
    with pytest.raises(WeightsError, match="is not at"):
        read_config(tmp_path / "absent.json")


def test_precision_is_compared_without_what_all_rows_share():
    draw = np.random.default_rng(0)
    exact = draw.normal(size=(20, 50)).astype(np.float32)
    bias = 100 * draw.normal(size=50).astype(np.float32)
    same = compare_precisions(exact, exact)
    assert same.is_within_bound
    assert (same.row_correlation, same.largest) == (pytest.approx(1), 0)
    noisy = exact + 0.05 * draw.normal(size=exact.shape).astype(np.float32)
    error = compare_precisions(exact + bias, noisy + bias)
    first, second = exact - exact.mean(0), noisy - noisy.mean(0)
    by_hand = min(np.corrcoef(a, b)[0, 1] for a, b in zip(first, second, strict=True))
    assert error.row_correlation == pytest.approx(by_hand, abs=1e-5)
    by_hand = min(np.corrcoef(a, b)[0, 1] for a, b in zip(exact.T, noisy.T, strict=True))
    assert error.column_correlation == pytest.approx(by_hand, abs=1e-5)
    assert not error.is_within_bound


@pytest.mark.parametrize(
    ("device", "capability", "expected"),
    [
        ("cpu", {"avx512_fp16": True, "avx512_bf16": True}, ("float16", "bfloat16")),
        ("cpu", {"avx512_fp16": False, "avx512_bf16": True}, ("bfloat16",)),
        ("cpu", {}, ("bfloat16",)),
        ("mps", None, ("float16",)),
        ("cuda:0", (7, 5), ("float16",)),
        ("cuda:0", (8, 0), ("float16", "bfloat16")),
        ("cuda:1", (9, 0), ("float16", "bfloat16")),
    ],
)
def test_the_16_bit_types_are_the_devices(monkeypatch, device, capability, expected):
    asked = []
    monkeypatch.setattr(
        torch.cuda, "get_device_capability", lambda which: asked.append(str(which)) or capability
    )
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capability)
    assert shorter_types(torch.device(device)) == expected
    assert asked == ([device] if device.startswith("cuda") else [])


def test_an_error_is_kept_with_all_it_depends_on(tmp_path):
    found = []

    def measure():
        found.append(PrecisionError(0.99991, 0.998, 0.5, 1.7))
        return found[-1]

    key = {"weights": "a", "torch": "2"}
    first = measured_once(tmp_path / "new", key, measure)
    assert measured_once(tmp_path / "new", key, measure) == first
    assert len(found) == 1
    measured_once(tmp_path / "new", key | {"torch": "3"}, measure)
    assert len(found) == 2
    for path in (tmp_path / "new").iterdir():
        path.write_text('{"of": {"weights": "a", "torch": "2"}, "error": {"largest": 1}}')
    assert measured_once(tmp_path / "new", key, measure) == first
    assert len(found) == 3


def test_an_error_that_cannot_be_kept_is_still_known(tmp_path):
    (tmp_path / "file").write_text("")
    error = PrecisionError(0.99991, 0.998, 0.5, 1.7)
    assert measured_once(tmp_path / "file" / "below", {"a": "b"}, lambda: error) == error


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
@pytest.mark.parametrize("activation", ["silu", "gelu"])
def test_a_16_bit_body_gives_nearly_the_same(tmp_path, precision, activation):
    size = TextSize(dtype=torch.bfloat16)
    write_text(tmp_path, size)
    folder = find_hub_file(size.llm, "config.json", tmp_path).parent
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"hidden_act": activation}))
    ids = torch.randint(0, size.n_words, (50,), generator=torch.Generator().manual_seed(0))

    def states(precision):
        body = LanguageBody(folder, torch.device("cpu"), precision)
        with torch.inference_mode():
            return torch.cat(list(body.hidden_states(ids, 4, lambda done, total: None)))

    exact, short = states("float32"), states(precision)
    assert short.dtype == torch.float32
    step = torch.finfo(getattr(torch, precision)).eps  # of numbers near 1, as these are
    assert step / 10 < (short - exact).abs().max() < 10 * step


@pytest.mark.parametrize("activation", ["silu", "gelu"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_body_gives_the_hidden_states_of_transformers(tmp_path, dtype, activation):
    from transformers import AutoModel

    size = TextSize(dtype=dtype)
    write_text(tmp_path, size)
    folder = find_hub_file(size.llm, "config.json", tmp_path).parent
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"hidden_act": activation}))
    ids = torch.randint(0, size.n_words, (50,), generator=torch.Generator().manual_seed(0))
    network = AutoModel.from_pretrained(folder, dtype=torch.float32)
    with torch.inference_mode():
        states = network(ids[None], output_hidden_states=True).hidden_states
        body = LanguageBody(folder, torch.device("cpu"), "float32")
        for n_last in (1, 2, 5):
            got = torch.cat(list(body.hidden_states(ids, n_last, lambda done, total: None)))
            expected = torch.stack(states[-n_last:]).mean(0)[0]
            torch.testing.assert_close(got, expected, rtol=0, atol=2e-6)
        with pytest.raises(WeightsError, match="6 hidden states"):
            next(body.hidden_states(ids, 6, lambda done, total: None))
    assert body.n_runs == 3


def test_a_model_in_several_files_is_read(tmp_path):
    from safetensors.torch import load_file, save_file

    size = TextSize()
    write_text(tmp_path, size)
    folder = find_hub_file(size.llm, "config.json", tmp_path).parent
    ids = torch.arange(10)

    def states():
        body = LanguageBody(folder, torch.device("cpu"), "float32")
        with torch.inference_mode():
            return torch.cat(list(body.hidden_states(ids, 4, lambda done, total: None)))

    whole = states()
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    where = {name: f"part-{number % 2}.safetensors" for number, name in enumerate(names)}
    for file in set(where.values()):
        own = {name: tensors[name].clone() for name in names if where[name] == file}
        save_file(own, folder / file)
    (folder / "model.safetensors").unlink()
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": where}))
    torch.testing.assert_close(states(), whole, rtol=0, atol=0)
    index.write_text(json.dumps({"weight_map": {"a": "../outside.safetensors"}}))
    with pytest.raises(WeightsError, match="outside its folder"):
        states()
    index.write_text("{}")
    with pytest.raises(WeightsError, match="is damaged"):
        states()
