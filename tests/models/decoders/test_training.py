"""Training: that it learns, ends when it should, and is the same after an interruption."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from models.analysis.decode import batch_metrics, ranks, similarities, top_k
from models.decoders.fitted import load_decoder
from models.decoders.samples import Samples
from models.decoders.training import (
    NEURALBENCH,
    QUICK,
    Training,
    TrainingSettings,
    one_cycle,
    untrained,
)
from models.errors import Cancelled, ParameterError
from tests.models.decoders.worlds import a_world

#: Small enough for a second, large enough to learn from.
FAST = TrainingSettings(
    options={"hidden": 32, "n_blocks": 1, "head_sizes": []},
    learning_rate=1e-2,
    n_epochs=8,
    patience=8,
    device="cpu",
)


@pytest.fixture(scope="module")
def trials():
    return a_world(320, noise=0.5), a_world(64, noise=0.5, first_image=1)


@pytest.fixture(scope="module")
def fitted(trials):
    return Training(FAST).fit(*trials)


def weights_equal(first, second):
    return all(np.array_equal(value, second.weights[name]) for name, value in first.weights.items())


def test_the_defaults_are_neuralbench_s():
    assert dataclasses.asdict(NEURALBENCH) == dataclasses.asdict(
        TrainingSettings(
            *("mlp", {}, "y", False, False),
            *(1e-4, 0.05, 64, 40, 0.1, 1.0, 5, 0, None, "auto"),
        )
    )
    assert (QUICK.learning_rate, QUICK.n_epochs, QUICK.cap_s) == (1e-3, 20, 90)


def test_rates_are_those_of_torch_s_one_cycle():
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([weight], lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1e-3, total_steps=50, pct_start=0.1
    )
    for step in range(50):
        group = optimizer.param_groups[0]
        assert one_cycle(step, 50, 1e-3, 0.1) == pytest.approx((group["lr"], group["betas"][0]))
        optimizer.step()
        if step < 49:
            schedule.step()


def test_it_reads_held_out_pictures_above_chance(fitted):
    """Chance is 5 of 100; the network before training, and shuffled truth, stay there."""
    test = a_world(100, noise=0.5, first_image=2)
    scores = similarities(fitted.predict(test.patterns), fitted.candidates(test.targets))
    assert top_k(ranks(scores, np.arange(100)), 5) > 0.4
    assert top_k(ranks(scores, np.random.default_rng(0).permutation(100)), 5) < 0.14
    before = untrained(FAST, a_world(320, noise=0.5))
    scores = similarities(before.predict(test.patterns), before.candidates(test.targets))
    assert top_k(ranks(scores, np.arange(100)), 5) < 0.2


def test_the_best_epoch_is_what_is_kept(fitted, trials):
    history = fitted.facts["history"]
    assert [row["epoch"] for row in history] == list(range(9))
    monitored = [row["val/batch_top5_acc"] for row in history]
    best = fitted.facts["best_epoch"]
    assert best == 1 + int(np.argmax(monitored[1:]))
    own = batch_metrics(fitted.predict(trials[1].patterns), trials[1].targets)
    assert own["batch_top5_acc"] == monitored[best]
    assert history[0]["train/loss"] is None
    assert history[-1]["train/loss"] < history[1]["train/loss"]


def test_a_seed_gives_the_same_weights_whatever_else_draws(fitted, trials):
    torch.manual_seed(12345)
    assert weights_equal(Training(FAST).fit(*trials), fitted)
    other = Training(dataclasses.replace(FAST, seed=1, n_epochs=1)).fit(*trials)
    assert not weights_equal(other, fitted)


def test_small_steps_run_on_one_thread_and_the_number_is_given_back(fitted, trials):
    seen = []
    torch.set_num_threads(2)
    again = Training(FAST).fit(*trials, lambda *_: seen.append(torch.get_num_threads()))
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    assert set(seen) == {1}
    assert weights_equal(again, fitted)


def test_cancelled_and_resumed_is_the_same_as_uninterrupted(tmp_path, fitted, trials):
    path = tmp_path / "training.pt"

    def stop(stage, done, total):
        assert (stage, total) == ("training", 40)
        if done == 13:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        Training(FAST, path).fit(*trials, stop)
    steps = []
    again = Training(FAST, path).fit(*trials, lambda stage, done, total: steps.append(done))
    assert steps == [*range(10, 40), 40]
    assert weights_equal(again, fitted)
    for ours, theirs in zip(again.facts["history"], fitted.facts["history"], strict=True):
        assert {**ours, "seconds": 0} == {**theirs, "seconds": 0}
    assert weights_equal(Training(FAST, path).fit(*trials), fitted)
    assert [file.name for file in tmp_path.iterdir()] == ["training.pt"]


def test_killed_and_resumed_is_the_same_as_uninterrupted(tmp_path, fitted, trials):
    """The process dies by SIGKILL while its third epoch runs."""
    code = f"""
import os, signal, torch
torch.set_num_threads(1)
from tests.models.decoders.test_training import FAST, Training, a_world
def report(stage, done, total):
    if done == 12:
        os.kill(os.getpid(), signal.SIGKILL)
trials = a_world(320, noise=0.5), a_world(64, noise=0.5, first_image=1)
from pathlib import Path
Training(FAST, Path({str(tmp_path / "training.pt")!r})).fit(*trials, report)
"""
    root = Path(__file__).parents[3]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert run.returncode == -9, run.stderr
    steps = []
    again = Training(FAST, tmp_path / "training.pt").fit(
        *trials, lambda stage, done, total: steps.append(done)
    )
    assert steps[0] == 10
    assert weights_equal(again, fitted)


def test_patience_ends_training(trials):
    """Targets that have nothing to do with patterns: top-5 soon stops rising."""
    training, validation = trials
    one = Samples(validation.patterns, np.ones_like(validation.targets))
    settings = dataclasses.replace(FAST, n_epochs=30, patience=2)
    facts = Training(settings).fit(training, one).facts
    assert (facts["n_epochs"], facts["best_epoch"]) == (3, 1)


def test_time_ends_training_with_what_is_best_so_far(trials):
    decoder = Training(dataclasses.replace(FAST, cap_s=0.0)).fit(*trials)
    assert decoder.facts["is_capped"]
    assert decoder.facts["n_epochs"] == 1
    assert weights_equal(decoder, untrained(FAST, trials[0]))


def test_a_last_batch_of_one_is_left_out(trials):
    steps = []
    short = trials[0].rows(range(129))
    settings = dataclasses.replace(FAST, n_epochs=1)
    Training(settings).fit(short, trials[1], lambda stage, done, total: steps.append(done))
    assert steps == [0, 1, 2]


def test_four_volumes_linear_readers_and_people(trials):
    training, validation = (
        a_world(96, 0.5, n_trs=4, first_image=own, n_subjects=2) for own in (0, 1)
    )
    brief = dataclasses.replace(FAST, n_epochs=1)
    linear = dataclasses.replace(brief, reader="linear", options={"time_pooling": "in_mean"})
    assert Training(linear).fit(training, validation).predict(validation.patterns).shape == (96, 40)
    own = dataclasses.replace(brief, options={**FAST.options, "subject_width": "hidden"})
    decoder = Training(own).fit(training, validation)
    assert decoder.subjects == ("s0", "s1")
    one, other = (decoder.predict(validation.patterns[:1], [name]) for name in ("s0", "s1"))
    assert not np.allclose(one, other)
    with pytest.raises(ParameterError, match="layers for"):
        decoder.predict(validation.patterns[:1])
    stranger = dataclasses.replace(validation, subjects=("s9",) * 96)
    with pytest.raises(ParameterError, match="No training trial is of"):
        Training(own).fit(training, stranger)


def test_a_network_goes_through_its_file(tmp_path, fitted, trials):
    fitted.save(tmp_path / "mlp.safetensors")
    again = load_decoder(tmp_path / "mlp.safetensors")
    patterns = trials[1].patterns
    np.testing.assert_array_equal(again.predict(patterns), fitted.predict(patterns))
    assert again.facts == fitted.facts


def test_a_network_with_batch_norm_goes_through_its_file(tmp_path, trials):
    settings = dataclasses.replace(FAST, n_epochs=1, options={**FAST.options, "norm": "batch"})
    decoder = Training(settings).fit(*trials)
    decoder.save(tmp_path / "mlp.safetensors")
    patterns = trials[1].patterns
    again = load_decoder(tmp_path / "mlp.safetensors")
    np.testing.assert_array_equal(again.predict(patterns), decoder.predict(patterns))


def test_options_of_the_loss_are_trained(trials):
    options = {"norm_kind": "xy", "is_temperature_learned": True, "is_symmetric": True}
    settings = dataclasses.replace(FAST, n_epochs=2, **options)
    facts = Training(settings).fit(*trials).facts
    assert facts["history"][2]["train/loss"] < facts["history"][1]["train/loss"]


def test_a_checkpoint_of_something_else_is_refused(tmp_path, trials):
    path = tmp_path / "training.pt"
    brief = dataclasses.replace(FAST, n_epochs=1)
    Training(brief, path).fit(*trials)
    for settings, own in (
        (dataclasses.replace(brief, seed=3), trials),
        (brief, (trials[0], trials[0])),
    ):
        with pytest.raises(ParameterError, match="other settings or trials"):
            Training(settings, path).fit(*own)
    for damaged in (path.read_bytes()[:5000], b"", b"nonsense"):
        path.write_bytes(damaged)
        with pytest.raises(ParameterError, match="start anew"):
            Training(brief, path).fit(*trials)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"learning_rate": 1e20, "clip_norm": 1e30}, "no longer a number"),
        ({"options": {"depth": 3}}, "Unknown option"),
        ({"options": {"norm": "group"}}, "Unknown norm"),
        ({"norm_kind": "q"}, "Norm is one of"),
        ({"device": "toaster"}, "Device is"),
    ],
)
def test_what_cannot_train_is_told(trials, changes, words):
    with pytest.raises(ParameterError, match=words):
        Training(dataclasses.replace(FAST, **changes)).fit(*trials)


@pytest.mark.parametrize("wrong", [{"batch_size": 1}, {"n_epochs": 0}, {"warm_up": 1.0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ParameterError):
        dataclasses.replace(FAST, **wrong)


def test_trials_of_another_shape_are_refused(trials):
    with pytest.raises(ParameterError, match="differ in shape"):
        Training(FAST).fit(trials[0], a_world(9, n_trs=2))
    with pytest.raises(ParameterError, match="two trials"):
        Training(FAST).fit(a_world(1), trials[1])
