"""What the published image models share: pictures in, files found, numbers labelled.

Nothing here imports torch before it is needed: a list of models costs no import.
"""

from __future__ import annotations

import os
import threading
from abc import abstractmethod
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.catalog import ModelCard
from models.encoders.base import EncodingModel, Features, Preview
from models.errors import StimulusError, WeightsError
from models.memory import Bytes
from models.stimulus import Stimulus
from models.types import (
    FloatArray,
    Provenance,
    Report,
    Selection,
    Settings,
    SettingValue,
    ignore_progress,
)

if TYPE_CHECKING:
    import torch

    from models.encoders._device import BatchSize

__all__ = ["Picture", "PictureModel", "as_tensor"]

#: A stimulus, or an array of shape (3, height, width): uint8, or float32 of 0 to 1.
Picture = Stimulus | NDArray[Any]

_Loaded = TypeVar("_Loaded")


class PictureModel(EncodingModel):
    """An encoder of pictures whose files are looked for when they are needed.

    Parameters
    ----------
    card : ModelCard
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or ``"mps"``.
    home : path, optional
        Top of the tree of files; without it the default one.

    Attributes
    ----------
    n_pictures_seen : int
        Pictures that went through the network so far. A change of region or subject leaves it
        as it is.
    """

    has_independent_rows = True

    #: Width of what the network sees, in degrees, in the experiment it was trained on.
    seen_deg: float
    #: What is done to a picture, in one sentence.
    preparation: str

    def __init__(
        self, card: ModelCard, device: str = "auto", home: str | os.PathLike[str] | None = None
    ) -> None:
        super().__init__(card)
        self.home = home
        self.n_pictures_seen = 0
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

    def _batch_size(self, most: int, picture_bytes: int) -> BatchSize:
        """How many pictures go through the network at once; what did not fit is remembered."""
        from models.encoders._device import BatchSize

        return self._once(("batch", most), lambda: BatchSize(most, picture_bytes, self.device))

    def features(
        self,
        stimuli: Sequence[Stimulus],
        settings: Settings,
        report: Report = ignore_progress,
        subjects: Sequence[str] = (),
    ) -> Features:
        """Run the network, which all subjects share.

        Parameters
        ----------
        stimuli : sequence of Stimulus
            Pictures, at least one.
        settings : Settings
            None of them changes the features.
        report : callable
            Called many times within a batch.
        subjects : sequence of str
            Whose responses will be wanted; empty for all whose files are here.

        Returns
        -------
        Features
            For :meth:`readout`.

        Raises
        ------
        StimulusError
            No picture, or one that cannot be decoded.
        WeightsError
            A file is absent or unusable.
        Cancelled
            ``report`` asked to stop.
        """
        if not stimuli:
            raise StimulusError("Add at least one picture.")
        names = tuple(stimulus.name for stimulus in stimuli)
        return self._analyse(tuple(stimuli), names, settings, report, subjects)

    def features_of_array(
        self,
        stack: Any,
        report: Report = ignore_progress,
        subjects: Sequence[str] = (),
    ) -> Features:
        """Run the network on an array of pictures.

        Parameters
        ----------
        stack : array_like of shape (n_pictures, 3, height, width)
            Integers of 0 to 255, or floats of 0 to 1 or 0 to 255: see
            :func:`models.encoders._pictures.as_pictures`. There may be no picture in it.
        report, subjects
            As for :meth:`features`.

        Raises
        ------
        StimulusError
            Shape, type or range are not those of pictures.
        WeightsError
            A file is absent or unusable.
        Cancelled
            ``report`` asked to stop.
        """
        from models.encoders._pictures import as_pictures

        pictures = tuple(as_pictures(stack))
        names = tuple(f"picture {number + 1}" for number in range(len(pictures)))
        return self._analyse(pictures, names, self.card.default_settings(), report, subjects)

    def preview(self, stimulus: Stimulus, settings: Settings) -> Preview:
        """Show the square that the network sees, as large as in the experiment.

        Raises
        ------
        StimulusError
            Not a picture, or it cannot be decoded.
        """
        from models.encoders._pictures import pixels_of

        half = self.seen_deg / 2
        edges = (-half, half, -half, half)
        pixels = np.ascontiguousarray(self._prepare(pixels_of(stimulus)).transpose(1, 2, 0))
        return Preview(pixels, edges, edges, self.preparation)

    @abstractmethod
    def _prepare(self, picture: NDArray[Any]) -> NDArray[Any]:
        """Cut and resize one picture for the network; (3, 224, 224)."""

    @abstractmethod
    def _analyse(
        self,
        pictures: Sequence[Picture],
        names: tuple[str, ...],
        settings: Settings,
        report: Report,
        subjects: Sequence[str],
    ) -> Features:
        """Run the network."""

    def _as_input(self, pictures: Sequence[Picture]) -> torch.Tensor:
        """Prepare some pictures: (n_pictures, 3, 224, 224) float32, normalised, on the device."""
        import torch

        from models.encoders._pictures import normalise, pixels_of

        arrays = [pixels_of(each) if isinstance(each, Stimulus) else each for each in pictures]
        prepared = torch.from_numpy(normalise([self._prepare(array) for array in arrays]))
        with self._lock:
            self.n_pictures_seen += len(arrays)
        return prepared.to(self.device)

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


def as_tensor(array: FloatArray) -> torch.Tensor:
    """Hand an array to torch; a read-only one is copied, for torch cannot promise to keep it."""
    import torch

    return torch.from_numpy(array if array.flags.writeable else array.copy())
