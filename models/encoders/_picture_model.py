"""What the published image models share: pictures in, numbers labelled.

Nothing here imports torch before it is needed: a list of models costs no import.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.catalog import ModelCard
from models.encoders._published_files import PublishedFiles
from models.encoders.base import EncodingModel, Features, Preview
from models.errors import StimulusError
from models.stimulus import Stimulus
from models.types import (
    FloatArray,
    IntArray,
    Provenance,
    Report,
    Response,
    Selection,
    Settings,
    Space,
    ignore_progress,
)

if TYPE_CHECKING:
    import torch

    from models.encoders._short_types import NumberType

__all__ = ["Picture", "PictureModel", "as_tensor"]

#: A stimulus, or an array of shape (3, height, width): uint8, or float32 of 0 to 1.
Picture = Stimulus | NDArray[Any]

_Numbers = TypeVar("_Numbers", FloatArray, list[FloatArray])


class PictureModel(PublishedFiles, EncodingModel):
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

    #: Width of what the network sees, in degrees, in the experiment it was trained on.
    seen_deg: float
    #: What is done to a picture, in one sentence.
    preparation: str
    #: What the columns of a response are.
    places_word: str

    def __init__(
        self, card: ModelCard, device: str = "auto", home: str | os.PathLike[str] | None = None
    ) -> None:
        PublishedFiles.__init__(self, card, home)
        EncodingModel.__init__(self, card)
        self.n_pictures_seen = 0
        self._device_name = device

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

    # -- pictures to features -----------------------------------------------------------------

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
            ``precision``, where the card declares it: ``"fast"`` lets the network multiply in a
            shorter type where that is faster on this device and close enough to float32.
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
        settings: Settings | None = None,
    ) -> Features:
        """Run the network on an array of pictures.

        Parameters
        ----------
        stack : array_like of shape (n_pictures, 3, height, width)
            Integers of 0 to 255, or floats of 0 to 1 or 0 to 255: see
            :func:`models.encoders._pictures.as_pictures`. There may be no picture in it.
        report, subjects, settings
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
        return self._analyse(
            pictures, names, settings or self.card.default_settings(), report, subjects
        )

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

    @abstractmethod
    def _prepare(self, picture: NDArray[Any]) -> NDArray[Any]:
        """Cut and resize one picture for the network; (3, 224, 224)."""

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

    # -- features to responses ----------------------------------------------------------------

    def readout(
        self,
        features: Features,
        selection: Selection,
        settings: Settings,
        report: Report = ignore_progress,
    ) -> tuple[Response, ...]:
        """Responses of the selected places; only their rows of the weights are read.

        Parameters
        ----------
        features : Features
            From :meth:`features` or :meth:`features_of_array`.
        selection : Selection
            Regions, hemisphere and indices of places of the response's space.
        settings : Settings
        report : callable
            Called before each subject.

        Returns
        -------
        tuple of Response
            One a subject.

        Raises
        ------
        SelectionError
            Subject, region or index is not in this model, or nothing is left.
        WeightsError
            A file is absent or unusable.
        Cancelled
            ``report`` asked to stop.
        """
        self.check_subjects(selection)
        responses = []
        for number, subject in enumerate(selection.subjects):
            report(f"reading out the {self.places_word}", number, len(selection.subjects))
            rows, columns = self._rows_and_columns(selection, subject)
            own = self._features_for(features, subject)
            response = Response(
                values=self.responses(own, subject, rows),
                space=self._space(subject),
                row_labels=features.row_labels,
                units=self.card.units,
                is_signed=self.card.is_signed,
                provenance=self._provenance(subject, selection, settings, own),
                columns=columns,
            )
            responses.append(response)
        return tuple(responses)

    @abstractmethod
    def responses(self, features: Features, subject: str, places: IntArray) -> FloatArray:
        """Responses of some places of one subject, (n_pictures, n_chosen) float32."""

    @abstractmethod
    def _rows_and_columns(self, selection: Selection, subject: str) -> tuple[IntArray, IntArray]:
        """Rows of the readout that are selected, and their places in the response's space."""

    @abstractmethod
    def _space(self, subject: str) -> Space:
        """Space of one subject's responses."""

    def _features_for(self, features: Features, subject: str) -> Features:
        """Return the features that serve one subject; made anew where these do not."""
        return features

    def _provenance(
        self, subject: str, selection: Selection, settings: Settings, features: Features
    ) -> Provenance:
        """Where the numbers come from."""
        card = self.card
        return Provenance(
            model_id=card.id,
            model_title=card.title,
            version=card.version,
            weights_sha256=self._sha256(subject),
            subject=subject,
            caveat=card.caveat,
            badge=card.badge,
            citation=card.citation,
            licence=card.licence,
            selection=selection.as_dict(),
            settings={**settings.as_dict(), **features.facts},
        )

    # -- number types -------------------------------------------------------------------------

    def _choose_type(
        self,
        settings: Settings,
        parts: Sequence[str],
        answer: Callable[[torch.dtype], Sequence[FloatArray]],
        needs_matrix_unit: bool = False,
    ) -> NumberType:
        """Choose what the network multiplies in, see :func:`._short_types.choose_type`.

        The measurements are kept in the folders of ``parts``, beside the converted weights.
        """
        from models.encoders._device import device_words
        from models.encoders._short_types import NumberType, Probe, choose_type, shorter_types

        wanted = settings.as_dict().get("precision", "float32")
        candidates = shorter_types(self.device, needs_matrix_unit) if wanted == "fast" else ()
        folders = [self._converted(part) for part in parts] if candidates else []
        # The number of threads, which device_words tells of a processor, changes no rounding.
        words = device_words(self.device)
        place = words if self.device.type == "cuda" else self.device.type
        probes = [Probe(folder / "precision.json", place) for folder in folders]
        chosen = choose_type(wanted, candidates, probes, answer)
        return NumberType(chosen.dtype, {**chosen.facts, "device": words})

    @staticmethod
    def _finite(compute: Callable[[torch.dtype], _Numbers], dtype: torch.dtype) -> _Numbers:
        """Compute in a type, and once more in float32 should its range have been too small."""
        import torch

        numbers = compute(dtype)
        arrays = numbers if isinstance(numbers, list) else [numbers]
        if dtype != torch.float32 and not all(np.isfinite(array).all() for array in arrays):
            return compute(torch.float32)
        return numbers


def as_tensor(array: FloatArray) -> torch.Tensor:
    """Hand an array to torch; a read-only one is copied, for torch cannot promise to keep it."""
    import torch

    return torch.from_numpy(array if array.flags.writeable else array.copy())
