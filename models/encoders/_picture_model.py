"""What the published image models share: pictures in, as their networks want them.

Nothing here imports torch before it is needed: a list of models costs no import.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.encoders._published_model import PublishedModel
from models.encoders.base import Features, Preview
from models.errors import StimulusError
from models.stimulus import Stimulus
from models.types import FloatArray, Report, Settings, ignore_progress

if TYPE_CHECKING:
    import torch

    from models.encoders._device import BatchSize

__all__ = ["Picture", "PictureModel", "as_tensor"]

#: A stimulus, or an array of shape (3, height, width): uint8, or float32 of 0 to 1.
Picture = Stimulus | NDArray[Any]


class PictureModel(PublishedModel):
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
        Pictures that went through a network so far. A change of region, or of subject where all
        share one network, leaves it as it is.
    """

    has_independent_rows: ClassVar[bool] = True

    n_pictures_seen = 0
    #: Width of what the network sees, in degrees, in the experiment it was trained on.
    seen_deg: float
    #: What is done to a picture, in one sentence.
    preparation: str

    def features(
        self,
        stimuli: Sequence[Stimulus],
        settings: Settings,
        report: Report = ignore_progress,
        subjects: Sequence[str] = (),
    ) -> Features:
        """Run the network: the one that all subjects share, else those of ``subjects``.

        Parameters
        ----------
        stimuli : sequence of Stimulus
            Pictures, at least one.
        settings : Settings
        report : callable
            Called many times within a batch.
        subjects : sequence of str
            Whose responses will be wanted; empty for what the model can do without being told.

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
        settings: Settings | None = None,
    ) -> Features:
        """Run the network on an array of pictures.

        Parameters
        ----------
        stack : array_like of shape (n_pictures, 3, height, width)
            Integers of 0 to 255, or floats of 0 to 1 or 0 to 255: see
            :func:`models.encoders._pictures.as_pictures`. There may be no picture in it.
        report, subjects
            As for :meth:`features`.
        settings : Settings, optional
            Default the card's.

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
        chosen = settings or self.card.default_settings()
        return self._analyse(pictures, names, chosen, report, subjects)

    def preview(self, stimulus: Stimulus, settings: Settings) -> Preview:
        """Show what the network sees, as large as in the experiment.

        Raises
        ------
        StimulusError
            Not a picture, or it cannot be decoded.
        """
        from models.encoders._pictures import pixels_of

        half = self.seen_deg / 2
        edges = (-half, half, -half, half)
        seen = self._prepare(pixels_of(stimulus)).transpose(1, 2, 0)
        if seen.dtype != np.uint8:
            seen = np.rint(255 * seen).astype(np.uint8)
        return Preview(np.ascontiguousarray(seen), edges, edges, self.preparation)

    @abstractmethod
    def _prepare(self, picture: NDArray[Any]) -> NDArray[Any]:
        """Cut and resize one picture; (3, 224, 224) uint8, or float32 of 0 to 1."""

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

    def _batch_size(self, most: int, picture_bytes: int) -> BatchSize:
        """How many pictures go through the network at once; what did not fit is remembered."""
        from models.encoders._device import BatchSize

        return self._once(("batch", most), lambda: BatchSize(most, picture_bytes, self.device))

    def _as_input(self, pictures: Sequence[Picture]) -> torch.Tensor:
        """Prepare some pictures: (n_pictures, 3, 224, 224) float32, normalised, on the device."""
        prepared = self._normalised(pictures)
        with self._lock:
            self.n_pictures_seen += len(pictures)
        return prepared

    def _normalised(self, pictures: Iterable[Picture]) -> torch.Tensor:
        """:meth:`_as_input` without counting them."""
        import torch

        from models.encoders._pictures import normalise, pixels_of

        arrays = (pixels_of(each) if isinstance(each, Stimulus) else each for each in pictures)
        prepared = normalise([self._prepare(array) for array in arrays])
        return torch.from_numpy(prepared).to(self.device)


def as_tensor(array: FloatArray) -> torch.Tensor:
    """Hand an array to torch; a read-only one is copied, for torch cannot promise to keep it."""
    import torch

    return torch.from_numpy(array if array.flags.writeable else array.copy())
