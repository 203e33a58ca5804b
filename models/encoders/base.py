"""What every encoding model is: features of stimuli, then a readout per subject."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from models.atlases import Regions, load_atlas
from models.catalog import ModelCard
from models.errors import SelectionError
from models.memory import Bytes
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

    #: Fields with one entry a row, besides ``arrays``; all of them can be had from the stimuli.
    row_fields: ClassVar[tuple[str, ...]] = ("row_labels",)

    @property
    def n_bytes(self) -> int:
        """Size in memory."""
        return sum(int(array.nbytes) for array in self.arrays)

    def row(self, number: int) -> Self:
        """One row, copied, without what its stimulus knows; see :meth:`joined`."""
        arrays = tuple(array[number : number + 1].copy() for array in self.arrays)
        nothing: dict[str, Any] = dict.fromkeys(self.row_fields, ())
        return replace(self, arrays=arrays, **nothing)

    def fits(self, other: Features) -> bool:
        """Whether rows of both may stand in one: made the same way by the same backbones."""
        if type(self) is not type(other) or len(self.arrays) != len(other.arrays):
            return False
        shapes = [(array.shape[1:], array.dtype) for array in self.arrays]
        if shapes != [(array.shape[1:], array.dtype) for array in other.arrays]:
            return False
        if self.settings.key("features") != other.settings.key("features"):
            return False
        by_row = {"arrays", "settings", *self.row_fields}
        shared = [one.name for one in fields(self) if one.name not in by_row]
        return all(getattr(self, name) == getattr(other, name) for name in shared)

    @staticmethod
    def joined(
        rows: Sequence[Features], stimuli: Sequence[Stimulus], settings: Settings
    ) -> Features:
        """Features of some pictures from rows of their own.

        Parameters
        ----------
        rows : sequence of Features
            From :meth:`row`, one a stimulus, at least one; all fit each other.
        stimuli : sequence of Stimulus
            In the same order; they give the labels.
        settings : Settings
            In force now; those that change features are the rows' own.
        """
        per_array = zip(*(row.arrays for row in rows), strict=True)
        arrays = tuple(np.concatenate(parts) for parts in per_array)
        return replace(rows[0], arrays=arrays, settings=settings).bound(stimuli)

    def bound(self, stimuli: Sequence[Stimulus]) -> Self:
        """Fill in :attr:`row_fields`; a subclass with more of them extends this."""
        return replace(self, row_labels=tuple(stimulus.name for stimulus in stimuli))


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
    short : str
        A word or two, for places beside a prediction.
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
    short: str = ""

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

    Attributes
    ----------
    room_bytes : int or None
        Working memory that a batch may take; the engine sets it before each call. None: what
        is free.
    """

    #: True where each row of the features belongs to one stimulus, carries its name and does not
    #: depend on the others (pictures, not transcripts): rows are then remembered one by one.
    has_independent_rows: ClassVar[bool] = False

    #: Class of what :meth:`features` returns; rows kept on disk are read back into it.
    features_type: ClassVar[type[Features]] = Features

    def __init__(self, card: ModelCard) -> None:
        self.card = card
        self.room_bytes: int | None = None

    @property
    def device_name(self) -> str:
        """Where it computes: ``"cpu"``, ``"cuda:0"``, ``"mps"``; names the engine's queue.

        Raises
        ------
        SettingError
            This machine has not the device that was asked for.
        """
        return "cpu"

    @property
    def held(self) -> Bytes:
        """Memory that weights and the like take now; 0 before first use and after close."""
        return Bytes()

    @property
    def n_bytes(self) -> int:
        """All of :attr:`held`."""
        return self.held.total

    def close(self) -> None:  # noqa: B027 - a model without files has nothing to let go of
        """Let go of everything that was read from files.

        A call that is under way ends as if nothing had happened. The model may be used again
        and then reads its files anew.
        """

    def features_sha256(self, subjects: Sequence[str] = ()) -> str:
        """Hash of the weights that :meth:`features` uses, for what is kept on disk.

        Parameters
        ----------
        subjects : sequence of str
            As for :meth:`features`.

        Returns
        -------
        str
            Empty where the model cannot tell: its features are then not kept on disk.

        Raises
        ------
        WeightsError
            Files are missing or unusable.
        """
        return ""

    def sha256_under(self, settings: Settings, subjects: Sequence[str] = ()) -> str:
        """Return :meth:`features_sha256` for settings that choose between files."""
        return self.features_sha256(subjects)

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
