"""What the models share whose one network serves all subjects, each with a readout of its own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from models.encoders._picture_model import PictureModel
from models.encoders.base import Features
from models.types import (
    FloatArray,
    IntArray,
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

__all__ = ["SharedNetworkModel"]

_Numbers = TypeVar("_Numbers", FloatArray, list[FloatArray])


class SharedNetworkModel(PictureModel):
    """Pictures through one network, then a readout a subject; files are converted in parts.

    Parameters
    ----------
    card : ModelCard
        May declare ``precision``: ``"float32"``, or ``"reduced"`` to multiply in a shorter type
        where that is faster on the device and was measured to be close enough.
    device, home
        As for :class:`PictureModel`.
    """

    #: What the columns of a response are.
    places_word: str

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
            sha256 = self._sha256(subject)
            response = Response(
                values=self.responses(own, subject, rows),
                space=self._space(subject),
                row_labels=features.row_labels,
                units=self.card.units,
                is_signed=self.card.is_signed,
                provenance=self._provenance(subject, selection, settings, sha256, **own.facts),
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

    # -- files --------------------------------------------------------------------------------

    @abstractmethod
    def _parts(self) -> tuple[str, ...]:
        """Names of all parts that the published files here are converted in."""

    @abstractmethod
    def _source(self, part: str) -> Path:
        """Name the published file that a part is made from."""

    @abstractmethod
    def _converted(self, part: str) -> Path:
        """Folder of the safe form of a part; converted the first time."""

    def _sha256(self, part: str) -> str:
        """Hash of the published file behind a part."""
        from models.weights.convert import sources_sha256

        return self._once(("sha256", part), lambda: sources_sha256(self._converted(part)))

    def drop_originals(self) -> int:
        """Convert everything that is here, then delete the published files that were converted.

        Returns
        -------
        int
            Bytes set free.

        Raises
        ------
        WeightsError
            A file is unusable, or is not ours to delete.
        """
        from models.weights import convert

        folders = {self._source(part): self._converted(part) for part in self._parts()}
        return sum(convert.drop_originals(folder) for folder in folders.values())

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
        from models.encoders._short_types import NumberType, choose_type, shorter_types

        is_reduced = settings.as_dict().get("precision") == "reduced"
        candidates = shorter_types(self.device, needs_matrix_unit) if is_reduced else ()
        folders = [self._converted(part) / "precision" for part in parts] if candidates else []
        words = device_words(self.device)
        # The number of threads, which is told of a processor, changes no rounding worth a measure.
        place = words if self.device.type == "cuda" else self.device.type
        chosen = choose_type(is_reduced, candidates, folders, place, answer)
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
