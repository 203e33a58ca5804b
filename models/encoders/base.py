"""What every encoding model is: features of stimuli, then a readout per subject."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from models.atlases import Regions, load_atlas
from models.catalog import ModelCard
from models.errors import SelectionError
from models.stimulus import Stimulus
from models.types import (
    FloatArray,
    Report,
    Response,
    Selection,
    Settings,
    SettingValue,
    UInt8Array,
    ignore_progress,
)

if TYPE_CHECKING:
    from models.voxel_grid import VoxelGrid

__all__ = ["EncodingModel", "Features", "Overlay", "Preview"]


@dataclass(frozen=True, eq=False)
class Features:
    """What a model's first stage says of some stimuli; shared by all regions.

    Shared by all subjects too, unless the card says ``has_backbone_per_subject``.

    Parameters
    ----------
    arrays : tuple of ndarray
        The model's own; the first axis of each is the row of the response: the picture, or the
        volume of a transcript.
    row_labels : tuple of str
        Names of the pictures, or onsets in s.
    settings : Settings
        In force when the features were made.
    subjects : tuple of str
        Whose backbones made them; empty where all subjects share one.
    facts : Mapping
        What the response's provenance must state, e.g. how a long transcript was cut.
    """

    arrays: tuple[FloatArray, ...]
    row_labels: tuple[str, ...]
    settings: Settings
    subjects: tuple[str, ...] = ()
    facts: Mapping[str, SettingValue] = field(default_factory=dict)

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


@dataclass(frozen=True, eq=False)
class Overlay:
    """One map that comes with a model's files; never a prediction.

    Parameters
    ----------
    id : str
        E.g. ``"noise_ceiling"``, ``"correlation"``, ``"prf_eccentricity"``.
    title, description : str
        Words for a person; the description says what was measured and how to read it.
    units : str
        Written on the colour bar.
    source : str
        File and key that the values were read from.
    values : ndarray of shape (n_places,), float32
        In the response's space; NaN where unknown. Kept as a read-only copy.
    is_signed : bool
        Zero is a meaningful middle.
    colormap : str
        A name in ``models.drawing.colormaps``.
    minimum, maximum : float, optional
        Ends of the scale where the quantity has them (an angle, a share); else None.
    is_accuracy : bool
        Says how well a place can be or is predicted; shown beside what is predicted.
    """

    id: str
    title: str
    description: str
    units: str
    source: str
    values: FloatArray
    is_signed: bool = False
    colormap: str = ""
    minimum: float | None = None
    maximum: float | None = None
    is_accuracy: bool = False

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=np.float32)
        values.flags.writeable = False
        object.__setattr__(self, "values", values)

    @property
    def n_bytes(self) -> int:
        """Size in memory."""
        return int(self.values.nbytes)


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
        subjects: Sequence[str] = (),
    ) -> Features:
        """Run the part that does not depend on the region.

        Parameters
        ----------
        stimuli : sequence of Stimulus
        settings : Settings
        report : callable
        subjects : sequence of str
            Whose backbones to run, where the card says ``has_backbone_per_subject`` (empty means
            the first subject); ignored where all subjects share one.

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

    def regions_of(self, subject: str) -> Regions:
        """Regions that this model knows in one subject; default the atlas on the card.

        Raises
        ------
        SelectionError
            The subject is not on the card.
        WeightsError
            The file that defines the regions is absent or unusable.
        """
        self.check_subjects(Selection((subject,)))
        return load_atlas(self.card.space, self.card.atlas)

    def overlays(self, subject: str) -> tuple[Overlay, ...]:
        """Return maps that come with the model's files, such as noise ceilings; default none.

        Raises
        ------
        SelectionError
            The subject is not on the card.
        WeightsError
            A file is unusable; a map that is merely not in the file is left out.
        """
        self.check_subjects(Selection((subject,)))
        return ()

    def grid(self, subject: str) -> VoxelGrid | None:
        """Where the columns of a volume lie; None for a model that has no voxels.

        Raises
        ------
        WeightsError
            The file that says so is absent or unusable.
        """
        self.check_subjects(Selection((subject,)))
        return None

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
