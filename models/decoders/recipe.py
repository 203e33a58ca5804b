"""Settings of a training: NeuralBench's recipe, and a shorter one. Knows no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from models.analysis.decode import NormKind
from models.errors import ParameterError

__all__ = ["NEURALBENCH", "QUICK", "TrainingSettings", "one_cycle"]


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained; the defaults are NeuralBench's.

    Parameters
    ----------
    reader : {"mlp", "linear"}
    options : mapping
        Of :class:`~models.decoders.networks.FmriMlp` or ``FmriLinear``, but sizes and volumes.
        With ``subject_width`` people get layers of their own.
    norm_kind, is_temperature_learned, is_symmetric
        Of :class:`~models.decoders.losses.ClipLoss`.
    learning_rate : float
        Highest of the cycle.
    weight_decay, batch_size, n_epochs, clip_norm
        AdamW's decay, trials of a batch, most epochs, largest norm of a gradient.
    warm_up : float
        Share of the steps in which the rate rises.
    patience : int
        Epochs without a better top-5 within validation batches before training ends.
    seed : int
        Of first weights, order and dropout.
    cap_s : float, optional
        Seconds after which training has ended with what is best so far; the result then depends
        on the machine.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ...
    """

    reader: Literal["mlp", "linear"] = "mlp"
    options: Mapping[str, Any] = field(default_factory=dict)
    norm_kind: NormKind = "y"
    is_temperature_learned: bool = False
    is_symmetric: bool = False
    learning_rate: float = 1e-4
    weight_decay: float = 0.05
    batch_size: int = 64
    n_epochs: int = 40
    warm_up: float = 0.1
    clip_norm: float = 1.0
    patience: int = 5
    seed: int = 0
    cap_s: float | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.batch_size < 2 or self.n_epochs < 1 or self.patience < 1:
            raise ParameterError("Training needs batches of 2, one epoch and patience of 1.")
        if not (self.learning_rate > 0 and 0 < self.warm_up < 1 and self.clip_norm > 0):
            raise ParameterError("Learning rate, warm-up (below 1) and clip must be above zero.")

    def recipe(self) -> dict[str, Any]:
        """Everything that decides the result; plain values."""
        kept = {**asdict(self), "options": dict(self.options)}
        return {name: value for name, value in kept.items() if name not in ("cap_s", "device")}


NEURALBENCH = TrainingSettings()
#: For a page on a processor: NeuralBench's rate needs about twice the steps.
QUICK = TrainingSettings(learning_rate=1e-3, n_epochs=20, cap_s=90.0)


def one_cycle(step: int, n_steps: int, highest: float, warm_up: float) -> tuple[float, float]:
    """Learning rate and first beta of a step, as torch's ``OneCycleLR`` has them by default.

    Written out because it then has no state to resume.
    """
    top, last = warm_up * n_steps - 1, n_steps - 1
    if step <= top:
        share = step / top if top > 0 else 1.0
        ends = (highest / 25, highest), (0.95, 0.85)
    else:
        share = (step - top) / (last - top) if last > top else 1.0
        ends = (highest, highest / 25 / 1e4), (0.85, 0.95)
    mix = (1 - math.cos(math.pi * share)) / 2
    (rate_from, rate_to), (beta_from, beta_to) = ends
    return rate_from + (rate_to - rate_from) * mix, beta_from + (beta_to - beta_from) * mix
