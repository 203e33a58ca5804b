"""A decoder that was trained: what it predicts, and its file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from models.decoders.samples import PatternScaler
from models.errors import ParameterError, WeightsError
from models.types import FloatArray

__all__ = ["FittedDecoder", "Reader", "load_decoder"]

Reader = Literal["ridge", "mlp", "linear"]

_FORMAT = "boldcast decoder 1"
_OWN = "decoder."
#: Trials that a network reads at once.
_BATCH = 256


@dataclass(frozen=True, eq=False)
class FittedDecoder:
    """From patterns to features of the picture behind them.

    Parameters
    ----------
    reader : {"ridge", "mlp", "linear"}
    scaler : PatternScaler
    weights : mapping of str to ndarray
        Ridge: ``"weight"`` (n_used * n_trs, d). Networks: their state.
    n_trs : int
        Volumes of a trial.
    target_mean : ndarray of shape (d,), float32
        Taken off targets before training, and off candidates: zero for the networks.
    options : mapping
        Of the network.
    subjects : tuple of str
        People with layers of their own, in the order of the layers; empty if none.
    facts : mapping
        How it was trained; plain values.
    """

    reader: Reader
    scaler: PatternScaler
    weights: Mapping[str, FloatArray]
    n_trs: int
    target_mean: FloatArray
    options: Mapping[str, Any] = field(default_factory=dict)
    subjects: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n_features(self) -> int:
        """Width of a prediction."""
        return len(self.target_mean)

    def predict(
        self, patterns: FloatArray, subjects: Sequence[str] | None = None, device: str = "cpu"
    ) -> FloatArray:
        """Predict features; compare them with :meth:`candidates`, not with raw features.

        Parameters
        ----------
        patterns : ndarray of shape (n, n_places) or (n, n_places, n_trs)
            In the units of the training patterns. NaN is "not measured".
        subjects : sequence of n str, optional
            Whose patterns; needed where people have layers of their own.
        device : str
            Where a network runs.

        Returns
        -------
        ndarray of shape (n, n_features), float32

        Raises
        ------
        ParameterError
            Another number of places or volumes, an unknown person, nothing finite.
        """
        values = np.asarray(patterns, np.float32)
        values = values[..., None] if values.ndim == 2 else values
        if values.ndim != 3 or values.shape[2] != self.n_trs:
            raise ParameterError(
                f"This decoder reads (places, {self.n_trs}) a trial; got {values.shape[1:]}."
            )
        scaled = self.scaler.apply(values)
        if self.reader == "ridge":
            return np.asarray(scaled.reshape(len(scaled), -1) @ self.weights["weight"])
        return self._run_network(scaled, self._numbers(subjects, len(scaled)), device)

    def candidates(self, features: FloatArray) -> FloatArray:
        """Bring features of pictures to where predictions lie.

        Parameters
        ----------
        features : ndarray of shape (n, n_features)

        Returns
        -------
        ndarray of shape (n, n_features), float32
        """
        values = np.asarray(features, np.float32)
        if values.ndim != 2 or values.shape[1] != self.n_features:
            raise ParameterError(
                f"This decoder predicts {self.n_features} features; got {values.shape}."
            )
        return np.asarray(values - self.target_mean, np.float32)

    def _numbers(self, subjects: Sequence[str] | None, n: int) -> list[int] | None:
        """Layer of each trial's person; None where all share one."""
        if not self.subjects:
            return None
        names = [""] * n if subjects is None else list(subjects)
        unknown = sorted(set(names) - set(self.subjects))
        if unknown or len(names) != n:
            raise ParameterError(
                f"This decoder has layers for {list(self.subjects)}; got {unknown or len(names)}."
            )
        return [self.subjects.index(name) for name in names]

    def _run_network(
        self, scaled: FloatArray, numbers: list[int] | None, device: str
    ) -> FloatArray:
        import torch

        from models.encoders._device import exact_arithmetic, pick_device

        place = pick_device(device)
        network = self._network.to(place)
        parts = []
        with exact_arithmetic():
            for start in range(0, len(scaled), _BATCH):
                rows = slice(start, start + _BATCH)
                people = None if numbers is None else torch.tensor(numbers[rows], device=place)
                given = torch.from_numpy(scaled[rows]).to(place)
                parts.append(network(given, people).cpu().numpy())
        return np.concatenate(parts)

    @cached_property
    def _network(self) -> Any:
        import torch

        network = build_network(
            self.reader,
            len(self.scaler.places),
            self.n_features,
            self.n_trs,
            len(self.subjects),
            self.options,
        )
        state = {name: torch.tensor(value) for name, value in self.weights.items()}
        try:
            network.load_state_dict(state)
        except RuntimeError as problem:
            raise WeightsError(f"The weights do not fit the decoder: {problem}") from problem
        return network.eval()

    def save(self, path: Path) -> None:
        """Write a safetensors file, whole or not at all.

        Training patterns are not in it.
        """
        from safetensors.numpy import save

        arrays = {
            f"{_OWN}places": self.scaler.places.astype(np.int64),
            f"{_OWN}mean": self.scaler.mean,
            f"{_OWN}deviation": self.scaler.deviation,
            f"{_OWN}target_mean": self.target_mean,
            **self.weights,
        }
        words = {
            "format": _FORMAT,
            "reader": self.reader,
            "n_places": self.scaler.n_places,
            "n_trs": self.n_trs,
            "options": dict(self.options),
            "subjects": list(self.subjects),
            "facts": dict(self.facts),
        }
        # Not ascontiguousarray, which gives a single number an axis.
        whole = {name: np.array(value, order="C") for name, value in arrays.items()}
        data = save(whole, metadata={"boldcast": json.dumps(words)})
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        temporary.write_bytes(data)
        os.replace(temporary, path)


def build_network(
    reader: Reader,
    n_places: int,
    n_features: int,
    n_trs: int,
    n_subjects: int,
    options: Mapping[str, Any],
) -> Any:
    """Network of a reader, untrained."""
    from models.decoders.networks import FmriLinear, FmriMlp

    kind: Any = {"mlp": FmriMlp, "linear": FmriLinear}[reader]
    people = {"n_subjects": n_subjects} if n_subjects else {}
    try:
        return kind(n_places, n_features, n_trs=n_trs, **people, **options)
    except TypeError as problem:
        raise ParameterError(f"Unknown option of the {reader} reader: {problem}") from problem


def load_decoder(path: Path) -> FittedDecoder:
    """Read what :meth:`FittedDecoder.save` wrote.

    Raises
    ------
    WeightsError
        The file is absent, damaged, or no decoder.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            words = json.loads((file.metadata() or {})["boldcast"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if words["format"] != _FORMAT:
            raise WeightsError(f"{path.name} is of another version: {words['format']}.")
        own = {name: arrays.pop(_OWN + name) for name in ("places", "mean", "deviation")}
        target_mean = arrays.pop(f"{_OWN}target_mean")
    except (OSError, SafetensorError, KeyError, ValueError) as problem:
        raise WeightsError(f"{path.name} is no decoder that can be read: {problem}") from problem
    return FittedDecoder(
        words["reader"],
        PatternScaler(words["n_places"], **own),
        arrays,
        words["n_trs"],
        target_mean,
        words["options"],
        tuple(words["subjects"]),
        words["facts"],
    )
