"""What every encoding model is: features of stimuli, then a readout per subject."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from models.catalog import ModelCard
from models.errors import SelectionError
from models.stimulus import Stimulus
from models.types import (
    FloatArray,
    Report,
    Response,
    Selection,
    Settings,
    UInt8Array,
    ignore_progress,
)

__all__ = ["EncodingModel", "Features", "Preview"]


@dataclass(frozen=True, eq=False)
class Features:
    """What a model's first stage says of some stimuli; shared by all subjects and regions.

    Parameters
    ----------
    arrays : tuple of ndarray
        The model's own; the first axis of each is the stimulus.
    row_labels : tuple of str
        Names of the stimuli.
    settings : Settings
        In force when the features were made.
    """

    arrays: tuple[FloatArray, ...]
    row_labels: tuple[str, ...]
    settings: Settings

    @property
    def n_bytes(self) -> int:
        """Size in memory."""
        return sum(int(array.nbytes) for array in self.arrays)


@dataclass(frozen=True, eq=False)
class Preview:
    """What the model sees of one picture.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3), uint8
        sRGB, top row first.
    extent_deg : tuple of float
        Left, right, bottom, top edge in degrees from the fixation point.
    picture_deg : tuple of float
        The same for the picture itself, without margins.
    note : str
        What was done to the picture, in one sentence.
    """

    pixels: UInt8Array
    extent_deg: tuple[float, float, float, float]
    picture_deg: tuple[float, float, float, float]
    note: str


class EncodingModel(ABC):
    """A model that predicts responses to stimuli.

    Subclasses are final and hold no state that a call changes, other than caches.

    Parameters
    ----------
    card : ModelCard
        The catalog row it was made from.
    """

    def __init__(self, card: ModelCard) -> None:
        self.card = card

    @abstractmethod
    def features(
        self,
        stimuli: Sequence[Stimulus],
        settings: Settings,
        report: Report = ignore_progress,
    ) -> Features:
        """Run the part that does not depend on subject or region.

        Raises
        ------
        StimulusError
            A stimulus is of the wrong kind or cannot be decoded.
        Cancelled
            ``report`` asked to stop.
        """

    @abstractmethod
    def readout(
        self,
        features: Features,
        selection: Selection,
        settings: Settings,
        report: Report = ignore_progress,
    ) -> tuple[Response, ...]:
        """Responses of the selected places, one :class:`Response` a subject.

        Raises
        ------
        SelectionError
            Subject, region or index is not in this model.
        Cancelled
            ``report`` asked to stop.
        """

    @abstractmethod
    def preview(self, stimulus: Stimulus, settings: Settings) -> Preview:
        """Show what the model sees of one picture."""

    def check_subjects(self, selection: Selection) -> None:
        """Refuse subjects that are not on the card.

        Raises
        ------
        SelectionError
            A subject is not on the card; the message lists those that are.
        """
        known = [subject for subject, _ in self.card.subjects]
        for subject in selection.subjects:
            if subject not in known:
                raise SelectionError(f"{self.card.title} has no subject {subject!r}, only {known}.")
