"""Loaded models as BERG hands them out, and what all models of one ``BERG`` share."""

from __future__ import annotations

import gc
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakValueDictionary

import numpy as np

from models._berg.metadata import read_metadata
from models._berg.selection import read_selection
from models.catalog import ModelCard, load_object
from models.encoders.base import EncodingModel, Features
from models.engine import ByteCache
from models.types import IntArray

__all__ = ["BergModel", "Shelf"]

_FEATURES_BUDGET_BYTES = 1024**3


@dataclass(frozen=True, eq=False)
class _Kept:
    """Features, and the bytes that keeping them costs."""

    features: Features
    n_bytes: int


class Shelf:
    """Encoders and features that the models of one ``BERG`` share; safe between threads.

    An encoder is let go of with the last model that uses it; features are kept, least recently
    used out first, inside a budget of bytes.

    Parameters
    ----------
    home : Path
        Top of the tree of files.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._encoders: WeakValueDictionary[Hashable, EncodingModel] = WeakValueDictionary()
        self._features: ByteCache[_Kept] = ByteCache(_FEATURES_BUDGET_BYTES)
        self._lock = threading.RLock()

    def encoder(self, card: ModelCard, device: str, variant: str) -> EncodingModel:
        """Return the one encoder for these; made now if nobody holds it."""
        key = (card.id, device, variant)
        with self._lock:
            found = self._encoders.get(key)
            if found is None:
                named = {"variant": variant} if variant else {}
                found = load_object(card.encoder)(card, device=device, home=self.home, **named)
                self._encoders[key] = found
            return found

    def features(
        self,
        key: Hashable,
        make: Callable[[], Features],
        extra_bytes: int = 0,
        is_enough: Callable[[Features], bool] = lambda features: True,
    ) -> Features:
        """Features under a key, made now if they are not there or not enough."""
        kept = self._features.get(key)
        if kept is None or not is_enough(kept.features):
            features = make()
            kept = _Kept(features, features.n_bytes + extra_bytes)
            self._features.put(key, kept)
        return kept.features


class BergModel(ABC):
    """A loaded model; made by ``BERG.get_encoding_model``.

    Parameters
    ----------
    card : ModelCard
    shelf : Shelf
    subjects : tuple of str
        E.g. ``("sub-01",)``.
    selection : mapping, optional
        As on the model's page; None inside means absent.
    device : str
        Already picked, as torch names it.
    variant : str
        Of Text2fMRI; empty elsewhere.
    low_mem_use : bool
        Whether every call lets go of the weights.

    Attributes
    ----------
    model_id, units : str
        The unit holds for every number of an answer.
    """

    #: Keys that ``selection`` may have.
    selection_keys: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        card: ModelCard,
        shelf: Shelf,
        subjects: tuple[str, ...],
        selection: Mapping[str, Any] | None = None,
        device: str = "cpu",
        variant: str = "",
        low_mem_use: bool = False,
    ) -> None:
        self.model_id, self.units = card.id, card.units
        self.subjects = subjects
        self.device = device
        self.low_mem_use = low_mem_use
        self._card, self._shelf, self._variant = card, shelf, variant
        self._encoder: EncodingModel | None = None
        chosen = read_selection(selection, self.selection_keys)
        self._places = {subject: self._select(subject, chosen) for subject in subjects}

    @property
    def encoder(self) -> EncodingModel:
        """The encoder beneath, loaded when it is needed."""
        if self._encoder is None:
            self._encoder = self._shelf.encoder(self._card, self.device, self._variant)
        return self._encoder

    @abstractmethod
    def generate_response(
        self, stimulus: Any, show_progress: bool = False, low_mem_use: bool = False
    ) -> Any:
        """Predict; what ``BERG.encode`` calls, and what it returns without metadata."""

    def get_metadata(self) -> dict[str, Any]:
        """Read what the metadata files say of the model's subjects.

        Raises
        ------
        WeightsError
            A file is absent or cannot be used.
        """
        return read_metadata(self._card, self.subjects, self._shelf.home)

    def cleanup(self) -> None:
        """Let go of the weights; they come back at the next call.

        They stay while another loaded model uses the same ones.
        """
        self._encoder = None
        gc.collect()
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    @abstractmethod
    def _select(self, subject: str, chosen: Mapping[str, Any]) -> IntArray:
        """Places that a checked selection names, in the order of the answer's columns."""

    def _is_whole(self, subject: str, n_places: int) -> bool:
        """Whether every place is selected, in order."""
        return np.array_equal(self._places[subject], np.arange(n_places))

    def _one_or_several(self, answers: Mapping[str, Any]) -> Any:
        """One subject's answer by itself, several by subject."""
        if len(answers) == 1:
            return answers[self.subjects[0]]
        return dict(answers)
