"""Training of the networks: NeuralBench's recipe, with seeds, cancel and resume."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.analysis.decode import batch_metrics
from models.decoders._checkpoint import read_checkpoint, write_checkpoint
from models.decoders.fitted import FittedDecoder, build_network
from models.decoders.losses import ClipLoss
from models.decoders.networks import count_parameters, initialise, set_generator
from models.decoders.recipe import NEURALBENCH, QUICK, TrainingSettings, one_cycle
from models.decoders.samples import PatternScaler, Samples
from models.encoders._device import (
    device_words,
    exact_arithmetic,
    free_bytes,
    is_out_of_memory,
    pick_device,
)
from models.errors import DeviceMemoryError, ParameterError
from models.types import FloatArray, Report, ignore_progress

__all__ = ["NEURALBENCH", "QUICK", "Training", "TrainingSettings", "one_cycle", "untrained"]

_MONITOR = "batch_top5_acc"
#: Products of a step's first layer up to which one thread trains. Where nothing else runs two are
#: faster (2,376 places: 9 against 15 ms a step; 20,484: 20 against 39), but where other programs
#: do, a step that must wait for both cores at every layer took a second.
_ONE_THREAD = 64 * 20484 * 128
#: Streams of random numbers of one epoch.
_ORDER, _DROPOUT = 0, 1


class Training:
    """Fits a network, by one call of :meth:`fit`.

    Parameters
    ----------
    settings : TrainingSettings
    checkpoint : Path, optional
        Written whole after every epoch. Where it is there already, training goes on from it and
        ends, on the same device, with the weights it would have had without the interruption.
    """

    def __init__(self, settings: TrainingSettings, checkpoint: Path | None = None) -> None:
        self.settings = settings
        self.checkpoint = checkpoint

    def fit(
        self, training: Samples, validation: Samples, report: Report = ignore_progress
    ) -> FittedDecoder:
        """Train until patience, epochs or time are over; keep the best epoch.

        Parameters
        ----------
        training, validation : Samples
        report : callable
            Called before every step; may raise ``Cancelled``. The checkpoint stays.

        Returns
        -------
        FittedDecoder
            Its facts hold the history: a row an epoch, with the one before training as epoch 0.

        Raises
        ------
        ParameterError
            Trials do not fit together, the checkpoint is of another training, or the loss is no
            longer a number.
        DeviceMemoryError
            The device has no room for a batch.
        Cancelled
            ``report`` asked to stop.
        """
        try:
            run = _Run(self.settings, training, validation)
            key = ""
            if self.checkpoint is not None:
                key = _key(self.settings, training, validation)
                run.restore(read_checkpoint(self.checkpoint, key, run.device))
            with _threads(run.n_products):
                while not run.is_finished:
                    run.epoch(report)
                    if self.checkpoint is not None:
                        write_checkpoint(self.checkpoint, key, run.state())
            return run.decoder()
        except RuntimeError as problem:
            if is_out_of_memory(problem):
                raise DeviceMemoryError(
                    "The device has not enough memory for this decoder; choose a smaller batch, "
                    "fewer places, or the processor."
                ) from problem
            raise


@contextmanager
def _threads(n_products: int) -> Iterator[None]:
    """One thread for small steps; torch keeps this number for each thread of the program."""
    kept = torch.get_num_threads()
    if n_products <= _ONE_THREAD:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(kept)


def _key(settings: TrainingSettings, training: Samples, validation: Samples) -> str:
    words = json.dumps([settings.recipe(), training.digest(), validation.digest()])
    return hashlib.sha256(words.encode()).hexdigest()


def untrained(settings: TrainingSettings, training: Samples) -> FittedDecoder:
    """NeuralBench's "Chance": the network as it is before training."""
    return _Run(settings, training, training).decoder()


def _check(training: Samples, validation: Samples) -> None:
    """Refuse trials that cannot be trained on together."""
    if len(training) < 2:
        raise ParameterError("Training needs two trials at least.")
    shapes = [(s.patterns.shape[1:], s.targets.shape[1]) for s in (training, validation)]
    if shapes[0] != shapes[1]:
        raise ParameterError(f"Training and validation trials differ in shape: {shapes}.")


def _people(settings: TrainingSettings, training: Samples, validation: Samples) -> tuple[str, ...]:
    """People with layers of their own; none where all share one."""
    if settings.options.get("subject_width", "none") == "none":
        return ()
    people = tuple(sorted(set(training.subjects)))
    if strangers := sorted(set(validation.subjects) - set(people)):
        raise ParameterError(f"No training trial is of {strangers}, who need a layer.")
    return people


class _Run:
    """A training in progress; what :meth:`state` gives is all that changes."""

    def __init__(self, settings: TrainingSettings, training: Samples, validation: Samples) -> None:
        self.began = time.monotonic()
        _check(training, validation)
        self.settings, self.training, self.validation = settings, training, validation
        self.device = pick_device(settings.device)
        self.scaler = PatternScaler.fit(training.patterns)
        self.people = _people(settings, training, validation)
        self.network = build_network(
            settings.reader,
            len(self.scaler.places),
            training.targets.shape[1],
            training.n_trs,
            len(self.people),
            settings.options,
        )
        initialise(self.network, settings.seed)
        self.network.to(self.device)
        self.loss = ClipLoss(
            settings.norm_kind,
            temperature=settings.is_temperature_learned,
            symmetric=settings.is_symmetric,
        ).to(self.device)
        weights = [*self.network.parameters(), *self.loss.parameters()]
        # Fused is a sixth of the time of the plain loop on a processor, half of a step.
        self.optimizer = torch.optim.AdamW(
            weights, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self._place_trials()
        n_batches, left = divmod(len(training), settings.batch_size)
        # A last batch of one trial has nothing to be told from.
        self.n_batches = n_batches + (left > 1)
        self.history: list[dict[str, float]] = []
        self.validation_s = 0.0
        self.is_capped = False
        self.best: dict[str, torch.Tensor] = {}
        self.best_epoch = 0

    def _place_trials(self) -> None:
        """Scale trials; put them on the device where they take less than half of its room."""
        trials = []
        for samples in (self.training, self.validation):
            people = [self.people.index(name) for name in samples.subjects] if self.people else []
            trials.append(
                (
                    torch.from_numpy(self.scaler.apply(samples.patterns)),
                    torch.from_numpy(np.ascontiguousarray(samples.targets)),
                    torch.tensor(people),
                )
            )
        n_bytes = sum(tensor.nbytes for group in trials for tensor in group)
        if self.device.type != "cpu" and n_bytes < free_bytes(self.device) / 2:
            trials = [
                (a.to(self.device), b.to(self.device), c.to(self.device)) for a, b, c in trials
            ]
        self.trials, self.validation_trials = trials

    @property
    def n_products(self) -> int:
        """Multiplications of a batch in the first layer; what a step costs, about."""
        width = self.network.n_first
        size = self.training.n_trs * len(self.scaler.places)
        return int(self.settings.batch_size * size * width)

    @property
    def elapsed_s(self) -> float:
        """Seconds of training so far, those before an interruption included."""
        return time.monotonic() - self.began

    @property
    def is_late(self) -> bool:
        """Whether the cap would be passed if the last validation did not begin now."""
        cap_s = self.settings.cap_s
        return cap_s is not None and self.elapsed_s + self.validation_s > cap_s

    @property
    def n_epochs_done(self) -> int:
        """Epochs of training behind us; the row before training is none."""
        return max(0, len(self.history) - 1)

    @property
    def is_finished(self) -> bool:
        """Whether epochs, patience or time are over."""
        done = self.n_epochs_done
        return (
            done >= self.settings.n_epochs
            or (done > 0 and done - self.best_epoch >= self.settings.patience)
            or self.is_capped
        )

    def epoch(self, report: Report) -> None:
        """Go through all training trials once; before the first time, validate."""
        if not self.history:
            self._remember(0, float("nan"))
        number, losses = self.n_epochs_done, []
        generator = _generator(self.settings.seed, number, _DROPOUT, self.device)
        set_generator(self.network, generator)
        order = torch.randperm(
            len(self.training), generator=_generator(self.settings.seed, number, _ORDER)
        )
        self.network.train()
        n_steps = self.n_batches * self.settings.n_epochs
        for batch in range(self.n_batches):
            step = number * self.n_batches + batch
            report("training", step, n_steps)
            self.is_capped = self.is_late
            if self.is_capped:
                break
            rows = order[batch * self.settings.batch_size : (batch + 1) * self.settings.batch_size]
            losses.append(self._step(step, n_steps, rows))
        self._remember(number + 1, float(np.mean(losses)) if losses else float("nan"))
        if self.is_finished:
            report("training", n_steps, n_steps)

    def _step(self, step: int, n_steps: int, rows: torch.Tensor) -> float:
        """One batch; its loss."""
        settings = self.settings
        rate, beta = one_cycle(step, n_steps, settings.learning_rate, settings.warm_up)
        for group in self.optimizer.param_groups:
            group["lr"], group["betas"] = rate, (beta, group["betas"][1])
        patterns, targets, people = self._batch(self.trials, rows)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.network(patterns, people), targets)
        loss.backward()
        weights = [*self.network.parameters(), *self.loss.parameters()]
        torch.nn.utils.clip_grad_norm_(weights, settings.clip_norm)
        self.optimizer.step()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise ParameterError(
                f"The loss is no longer a number after {step} steps; take a lower learning rate "
                f"than {settings.learning_rate:g}."
            )
        return value

    def _batch(
        self, trials: tuple[torch.Tensor, ...], rows: torch.Tensor | slice
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        patterns, targets, people = trials
        if isinstance(rows, torch.Tensor):
            rows = rows.to(patterns.device)
        own = people[rows].to(self.device) if self.people else None
        return patterns[rows].to(self.device), targets[rows].to(self.device), own

    def _predict_validation(self) -> FloatArray:
        self.network.eval()
        parts = []
        with exact_arithmetic():
            for start in range(0, len(self.validation), self.settings.batch_size):
                rows = slice(start, start + self.settings.batch_size)
                patterns, _, people = self._batch(self.validation_trials, rows)
                parts.append(self.network(patterns, people).cpu().numpy())
        return np.concatenate(parts)

    def _remember(self, epoch: int, loss: float) -> None:
        """Validate, add a row to the history, keep the weights if they are the best so far."""
        start = self.elapsed_s
        found = batch_metrics(
            self._predict_validation(),
            self.validation.targets,
            batch_size=self.settings.batch_size,
            prefix="val/",
        )
        row = {"epoch": epoch, "train/loss": loss, "seconds": self.elapsed_s, **found}
        self.history.append(row)
        self.validation_s = row["seconds"] - start
        monitored = f"val/{_MONITOR}"
        # The row before training is for the eye: it is never the best.
        is_first = self.best_epoch == 0
        if epoch and (is_first or found[monitored] > self.history[self.best_epoch][monitored]):
            self.best_epoch = epoch
            self.best = {
                name: value.detach().cpu().clone()
                for name, value in self.network.state_dict().items()
            }

    def state(self) -> dict[str, Any]:
        """Everything that changes, for a checkpoint."""
        return {
            "network": self.network.state_dict(),
            "loss": self.loss.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": self.history,
            "elapsed_s": self.elapsed_s,
            "is_capped": self.is_capped,
            "best": self.best,
            "best_epoch": self.best_epoch,
        }

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Go on from a checkpoint; from the start where there is none."""
        if state is None:
            return
        self.network.load_state_dict(state["network"])
        self.loss.load_state_dict(state["loss"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.history = list(state["history"])
        self.began = time.monotonic() - float(state["elapsed_s"])
        self.is_capped = bool(state["is_capped"])
        self.best = dict(state["best"])
        self.best_epoch = int(state["best_epoch"])

    def decoder(self) -> FittedDecoder:
        """Give the network of the best epoch; the untrained one if there was none."""
        state = self.best or self.network.state_dict()
        weights = {name: value.detach().cpu().numpy() for name, value in state.items()}
        facts = {
            "recipe": self.settings.recipe(),
            "n_parameters": count_parameters(self.network),
            "n_training": len(self.training),
            "n_validation": len(self.validation),
            "n_epochs": self.n_epochs_done,
            "best_epoch": self.best_epoch,
            "is_capped": self.is_capped,
            "history": [_plain(row) for row in self.history],
            "seconds": self.elapsed_s,
            "device": device_words(self.device),
            "torch": str(torch.__version__),
        }
        return FittedDecoder(
            self.settings.reader,
            self.scaler,
            weights,
            self.training.n_trs,
            np.zeros(self.training.targets.shape[1], np.float32),
            dict(self.settings.options),
            self.people,
            facts,
        )


def _plain(row: Mapping[str, float]) -> dict[str, float | None]:
    """Numbers that JSON can hold."""
    return {name: value if math.isfinite(value) else None for name, value in row.items()}


def _generator(
    seed: int, epoch: int, stream: int, device: torch.device | None = None
) -> torch.Generator:
    """Random numbers of one epoch: going on from it needs nothing remembered."""
    mixed = np.random.SeedSequence([seed, epoch, stream]).generate_state(2, np.uint32)
    number = int(mixed[0]) << 31 | int(mixed[1])
    return torch.Generator(device or torch.device("cpu")).manual_seed(number)
