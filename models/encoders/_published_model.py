"""What all published models share: a device, files found when needed, numbers labelled.

Nothing here imports torch before it is needed: a list of models costs no import.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from models.catalog import ModelCard
from models.encoders.base import EncodingModel
from models.errors import SelectionError, UnknownRegionError, WeightsError
from models.memory import Bytes
from models.spaces import near_matches
from models.types import (
    Hemisphere,
    IntArray,
    Provenance,
    Selection,
    Settings,
    SettingValue,
    Space,
)

if TYPE_CHECKING:
    import torch

__all__ = ["PublishedModel", "find_region", "select_places"]

_Loaded = TypeVar("_Loaded")


class PublishedModel(EncodingModel):
    """An encoder whose files were published by others.

    Parameters
    ----------
    card : ModelCard
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or ``"mps"``.
    home : path, optional
        Top of the tree of files; without it the default one.
    """

    def __init__(
        self, card: ModelCard, device: str = "auto", home: str | os.PathLike[str] | None = None
    ) -> None:
        super().__init__(card)
        self.home = home
        self._device_name = device
        self._loaded: dict[Hashable, Any] = {}
        self._lock = threading.RLock()

    @property
    def device(self) -> torch.device:
        """Where it computes.

        Raises
        ------
        SettingError
            This machine has no such device.
        """
        from models.encoders._device import pick_device

        return self._once("device", lambda: pick_device(self._device_name))

    @property
    def device_name(self) -> str:
        """Name of :attr:`device`."""
        return str(self.device)

    @property
    def held(self) -> Bytes:
        """Memory of what was opened."""
        from models.encoders._device import held_by

        return held_by(list(self._loaded.values()))

    def close(self) -> None:
        """Let go of everything that was opened; the next call opens it again."""
        from models.encoders._device import free_unused_memory

        with self._lock:
            is_elsewhere = self.device.type != "cpu"
            self._loaded.clear()
        if is_elsewhere:
            free_unused_memory()

    def _once(self, key: Hashable, load: Callable[[], _Loaded]) -> _Loaded:
        """Return what ``load`` made the first time this key was asked for."""
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = load()
            loaded: _Loaded = self._loaded[key]
            return loaded

    def _is_here(self, path: Path) -> bool:
        """Whether a file is on this computer, or a safe form of it."""
        from models.weights.convert import find_conversions

        return path.is_file() or bool(find_conversions(path, self.home))

    def _need(self, path: Path, subject: str) -> Path:
        """Return the path of a file that is here.

        Raises
        ------
        WeightsError
            It is not; the message names the command that fetches it.
        """
        if not self._is_here(path):
            number = int(subject.removeprefix("sub-"))
            raise WeightsError(
                f"{path.name} is not here. Fetch it with: "
                f"python -m models fetch {self.card.id} --subject {number}"
            )
        return path

    def _provenance(
        self,
        subject: str,
        selection: Selection,
        settings: Settings,
        weights_sha256: str,
        **facts: SettingValue,
    ) -> Provenance:
        """Where the numbers come from."""
        from models.encoders._device import device_words

        card = self.card
        return Provenance(
            model_id=card.id,
            model_title=card.title,
            version=card.version,
            weights_sha256=weights_sha256,
            subject=subject,
            caveat=card.caveat,
            badge=card.badge,
            citation=card.citation,
            licence=card.licence,
            selection=selection.as_dict(),
            settings={
                **settings.as_dict(),
                "precision": "float32",
                "device": device_words(self.device),
                **facts,
            },
        )


def find_region(known: Mapping[str, IntArray], name: str, noun: str = "region") -> IntArray:
    """Places of one region.

    Raises
    ------
    UnknownRegionError
        There is no such region; the message lists near matches.
    """
    if name not in known:
        near = near_matches(name, known) or list(known)
        raise UnknownRegionError(f"There is no {noun} {name!r}. Did you mean {', '.join(near)}?")
    return known[name]


def select_places(
    selection: Selection, space: Space, places_of: Callable[[str], IntArray], noun: str
) -> IntArray:
    """Places of a selection in a space of two hemispheres, rising, at least one.

    Parameters
    ----------
    selection : Selection
        Several regions are joined; hemisphere and indices restrict them.
    space : Space
    places_of : callable
        Gives the places of a region by its name.
    noun : str
        What a place is called, e.g. ``"vertex"``.

    Raises
    ------
    UnknownRegionError
        There is no such region.
    SelectionError
        An index is not in the space, or nothing is left.
    """
    is_selected = np.ones(space.n_places, bool)
    if selection.regions:
        is_selected[:] = False
        for region in selection.regions:
            is_selected[places_of(region)] = True
    if selection.hemisphere != "both":
        other: Hemisphere = "right" if selection.hemisphere == "left" else "left"
        is_selected[space.hemisphere_slice(other)] = False
    if selection.indices is not None:
        if selection.indices and selection.indices[-1] >= space.n_places:
            raise SelectionError(
                f"There is no {noun} {selection.indices[-1]} in {space.name}, which has "
                f"{space.n_places:,}."
            )
        is_listed = np.zeros_like(is_selected)
        is_listed[list(selection.indices)] = True
        is_selected &= is_listed
    if not is_selected.any():
        what = " and ".join(selection.regions) or "the selection"
        raise SelectionError(f"There is no {noun} in {what}: pick more.")
    return np.flatnonzero(is_selected)
