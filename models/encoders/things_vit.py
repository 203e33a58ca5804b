"""Voxels of three people in THINGS fMRI from a vision transformer.

picture -> ViT-B/32 (ImageNet) -> all tokens of all 12 blocks -> 250 principal components
-> linear regression for each of 211,339 voxels.

The components are taken block by block, so that the 460,800 numbers of a picture are never in
memory together; what is kept of a picture is 250 numbers for each subject.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.atlases import Regions
from models.encoders._maps import things_overlays
from models.encoders._named_regions import things_regions
from models.encoders._picture_model import Picture, as_tensor
from models.encoders._shared_network import SharedNetworkModel
from models.encoders._things_voxels import ThingsVoxels, read_grid, read_regions, voxel_space
from models.encoders.base import Features, Overlay
from models.errors import WeightsError
from models.stimulus import Stimulus
from models.types import (
    FloatArray,
    IntArray,
    Report,
    Selection,
    Settings,
    Space,
    ignore_progress,
)
from models.voxel_grid import VoxelGrid

if TYPE_CHECKING:
    import torch

    from models.encoders._things import Readout
    from models.encoders._vit import VisionTransformer

__all__ = ["CHECKPOINT", "ThingsFeatures", "ThingsViT", "voxel_space"]

#: Torchvision's ViT-B/32, IMAGENET1K_V1, as torch hub names it.
CHECKPOINT = "vit_b_32-d86f8d99.pth"

_CONVERTER, _CONVERTER_VERSION = "things", 1

#: Pictures in the network at once. The components are read from their file once a batch, which
#: is cheap from 32 pictures on; 64 pictures take 0.1 GB.
_BATCH = 64
#: Working memory of one of them, measured on a processor (64 pictures against 16).
_PICTURE_BYTES = 3_700_000

#: Of the voxels, every so-many-th says whether a shorter type is close enough: 3,019 of them.
_PROBE_EVERY = 70


@dataclass(frozen=True, eq=False)
class ThingsFeatures(Features):
    """Component scores of some pictures.

    Parameters
    ----------
    arrays : tuple of ndarray of shape (n_pictures, n_components), float32
        One for each of ``scored``.
    scored : tuple of str
        Subjects whose components were taken. Each subject has its own.
    pictures : tuple
        What the scores are of. Should a subject's files arrive later, its scores are made
        from these.
    """

    row_fields = ("row_labels", "pictures")

    scored: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()

    def bound(self, stimuli: Sequence[Stimulus]) -> ThingsFeatures:
        """Fill in names and pictures."""
        return replace(super().bound(stimuli), pictures=tuple(stimuli))


class ThingsViT(SharedNetworkModel):
    """Responses of single voxels to pictures; one brain a subject, no common space.

    Parameters
    ----------
    card : ModelCard
        The row ``fmri-things_fmri_1-vit_b_32``.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or ``"mps"``.
    home : path, optional
        Top of the tree of files.

    Notes
    -----
    Hebart et al. 2023, eLife 12:e82580 (data); Dosovitskiy et al. 2021 (network). The weights
    come from BERG. The metadata hold voxel indices, no transform to a common space.
    """

    features_type = ThingsFeatures

    # Pictures were 10 deg wide; of 256 pixels the network sees the inner 224.
    seen_deg = 10 * 224 / 256
    places_word = "voxels"
    preparation = (
        "The shorter side made 256 pixels, then the inner 224 x 224 cut out; shown at the size "
        "it had in the experiment, where the shorter side was 10 deg."
    )

    def responses(self, features: Features, subject: str, voxels: IntArray) -> FloatArray:
        """Responses of some voxels of one subject, in any order and as often as they are named.

        Parameters
        ----------
        features : Features
            From :meth:`features` or :meth:`features_of_array`.
        subject : str
        voxels : ndarray of shape (n_chosen,), int

        Returns
        -------
        ndarray of shape (n_pictures, n_chosen), float32

        Raises
        ------
        WeightsError
            A file is absent or unusable.
        """
        own = self._features_for(features, subject)
        scores = own.arrays[own.scored.index(subject)]
        return self._readout(subject).voxels(as_tensor(scores), voxels)

    def regions(self, subject: str) -> Mapping[str, IntArray]:
        """Voxels of each region that the subject's metadata define, in stored order.

        Raises
        ------
        WeightsError
            The metadata are absent, or name a voxel that is not there.
        """

        def read() -> Mapping[str, IntArray]:
            metadata, name = self._metadata(subject)
            return read_regions(metadata, voxel_space(subject).n_places, name)

        return self._once(("regions", subject), read)

    def regions_of(self, subject: str) -> Regions:
        """Return :meth:`regions` with headings and sides; those without a voxel are left out."""
        self.check_subjects(Selection((subject,)))
        name = _metadata_name(subject)
        return things_regions(self.regions(subject), voxel_space(subject), name)

    def overlays(self, subject: str) -> tuple[Overlay, ...]:
        """Return accuracy, noise ceilings and pRF maps of every voxel; read at each call."""
        self.check_subjects(Selection((subject,)))
        metadata, name = self._metadata(subject)
        return things_overlays(metadata, voxel_space(subject), name)

    def grid(self, subject: str) -> VoxelGrid:
        """Grid cells of the subject's voxels; directions are inferred from regions if they can be.

        Raises
        ------
        WeightsError
            The metadata are absent, or their coordinates are not those of a grid.
        """
        self.check_subjects(Selection((subject,)))
        metadata, name = self._metadata(subject)
        return read_grid(metadata, voxel_space(subject).n_places, self.regions(subject), name)

    def voxels_of(self, subject: str, roi: Any = None, voxel_index: Any = None) -> IntArray:
        """Voxels of a selection as BERG states it.

        Parameters
        ----------
        subject : str
        roi : sequence of str, optional
            Region names.
        voxel_index : array_like of shape (n_voxels,), optional
            Zeros and ones.

        Returns
        -------
        ndarray of shape (n_chosen,), int
            The regions' voxels in the order of the list, then those of the mask, rising. A
            voxel named twice is there twice. All voxels when both are None.

        Raises
        ------
        SelectionError
            A region is unknown, the mask cannot be used, or nothing is selected.
        """
        return self._voxels(subject).named(roi, voxel_index)

    def features_sha256(self, subjects: Sequence[str] = ()) -> str:
        """One hash over the network's and the scored subjects' files."""
        from models.weights.records import known_sha256

        scored = tuple(subjects) or self._subjects_here()

        def take() -> str:
            hashes = [known_sha256(self._checkpoint(), self.home), *map(self._sha256, scored)]
            return hashlib.sha256(repr((scored, hashes)).encode()).hexdigest()

        return self._once(("features sha256", scored), take)

    def _prepare(self, picture: NDArray[Any]) -> NDArray[Any]:
        from models.encoders._pictures import resize_short_side_then_crop

        return resize_short_side_then_crop(picture)

    def _analyse(
        self,
        pictures: Sequence[Picture],
        names: tuple[str, ...],
        settings: Settings,
        report: Report,
        subjects: Sequence[str],
    ) -> ThingsFeatures:
        from models.encoders._device import run_in_batches

        scored = tuple(subjects) or self._subjects_here()
        chosen = self._choose_type(
            settings, scored, lambda dtype: self._answers(scored, dtype, report)
        )
        progress: tuple[str, int, int] = ("looking at pictures", 0, len(pictures))

        def note(stage: str, done: int, total: int) -> None:
            nonlocal progress
            progress = (stage, done, total)
            report(*progress)

        def run(batch: Sequence[Picture]) -> list[FloatArray]:
            prepared = self._as_input(batch)
            return self._finite(
                lambda dtype: self._score(prepared, scored, dtype, lambda: report(*progress)),
                chosen.dtype,
            )

        size = self._batch_size(_BATCH, _PICTURE_BYTES)
        batches = run_in_batches(pictures, run, size, note, room_bytes=self.room_bytes)
        nothing = [np.empty((0, self._readout(each).n_components), np.float32) for each in scored]
        scores = tuple(np.concatenate(parts) for parts in zip(nothing, *batches, strict=True))
        return ThingsFeatures(
            scores, names, settings, facts=chosen.facts, scored=scored, pictures=tuple(pictures)
        )

    def _score(
        self,
        prepared: torch.Tensor,
        subjects: Sequence[str],
        dtype: torch.dtype,
        watch: Callable[[], None],
    ) -> list[FloatArray]:
        """Component scores of each subject; ``watch`` is called once a layer."""
        import torch

        from models.encoders._device import exact_arithmetic

        readouts = [self._readout(subject) for subject in subjects]
        network = self._network(readouts, dtype)
        with exact_arithmetic():
            scores = [
                torch.zeros(len(prepared), readout.n_components, device=self.device)
                for readout in readouts
            ]
            for layer, tokens in enumerate(network.layers(prepared)):
                watch()
                for score, readout in zip(scores, readouts, strict=True):
                    score += readout.project(layer, tokens)
            return [score.cpu().numpy() for score in scores]

    def _answers(
        self, subjects: Sequence[str], dtype: torch.dtype, report: Report
    ) -> list[FloatArray]:
        """Responses of the fixed pictures at some voxels of each subject."""
        from models.encoders._short_types import PROBE_STAGE, probe_pictures

        prepared = self._normalised(probe_pictures())
        watch = partial(report, PROBE_STAGE, 0, len(prepared))
        scores = self._score(prepared, subjects, dtype, watch)
        readouts = [self._readout(subject) for subject in subjects]
        return [
            readout.voxels(as_tensor(score), np.arange(0, readout.n_voxels, _PROBE_EVERY))
            for readout, score in zip(readouts, scores, strict=True)
        ]

    def _features_for(self, features: Features, subject: str) -> ThingsFeatures:
        assert isinstance(features, ThingsFeatures)
        if subject in features.scored:
            return features
        names, settings = features.row_labels, features.settings
        return self._analyse(features.pictures, names, settings, ignore_progress, (subject,))

    def _network(self, readouts: Sequence[Readout], dtype: torch.dtype) -> VisionTransformer:
        """Load the transformer and check that the readouts fit it."""
        network = self._once(("network", dtype), lambda: self._load_network(dtype))
        size = (network.n_layers, network.n_tokens * network.width)
        for readout in readouts:
            if (readout.n_layers, readout.n_per_layer) != size:
                raise WeightsError(
                    f"The network gives {size} numbers a picture; the readout takes "
                    f"{(readout.n_layers, readout.n_per_layer)}."
                )
        return network

    def _load_network(self, dtype: torch.dtype) -> VisionTransformer:
        """Open the transformer's checkpoint."""
        from models.encoders._tensor_file import release_mapped
        from models.encoders._vit import VisionTransformer
        from models.weights.pickles import is_mapped, read_torch_state

        path = self._checkpoint()
        state = read_torch_state(path)
        network = VisionTransformer(state, self.device, dtype)
        if is_mapped(path):  # what was read to be copied, for another type or device, may go
            release_mapped(state.values())
        return network

    def _checkpoint(self) -> Path:
        """Find the transformer's file."""
        from models.weights.locations import find_torch_checkpoint

        path = find_torch_checkpoint(CHECKPOINT, self.home)
        return path or self._need(Path(CHECKPOINT), self.card.subjects[0][0])

    def _readout(self, subject: str) -> Readout:
        """Open one subject's readout; it is converted the first time."""
        from models.encoders._things import Readout

        def load() -> Readout:
            readout = Readout(self._converted(subject), self.device)
            if readout.n_voxels != voxel_space(subject).n_places:
                raise WeightsError(f"The weights of {subject} have {readout.n_voxels} voxels.")
            return readout

        return self._once(("readout", subject), load)

    def _converted(self, part: str) -> Path:
        from models.encoders._things import convert_readout
        from models.weights.convert import converted
        from models.weights.pickles import read_numpy_dict

        path = self._need(self._source(part), part)

        def build(folder: Path) -> None:
            convert_readout(read_numpy_dict(path), self._n_layers(), folder)

        return converted([path], _CONVERTER, _CONVERTER_VERSION, build, home=self.home)

    def _n_layers(self) -> int:
        """Blocks of the transformer."""
        import torch

        return self._network((), torch.float32).n_layers

    def _source(self, part: str) -> Path:
        from models.weights.locations import weights_folder

        return weights_folder(self.card, self.home) / f"weights_{part}.npy"

    def _parts(self) -> tuple[str, ...]:
        subjects = [subject for subject, _ in self.card.subjects]
        return tuple(name for name in subjects if self._is_here(self._source(name)))

    def _subjects_here(self) -> tuple[str, ...]:
        """Subjects whose weights are on this computer, or the first, whose absence is told."""
        return self._parts() or (self.card.subjects[0][0],)

    def _voxels(self, subject: str) -> ThingsVoxels:
        """Voxels of one subject; the metadata are only read where a region is named."""
        n_voxels = voxel_space(subject).n_places
        return ThingsVoxels(subject, n_voxels, partial(self.regions, subject))

    def _metadata(self, subject: str) -> tuple[dict[str, Any], str]:
        """One subject's metadata and the name of their file."""
        from models.weights.locations import metadata_folder
        from models.weights.pickles import read_numpy_dict

        path = metadata_folder(self.card, self.home) / _metadata_name(subject)
        return read_numpy_dict(self._need(path, subject)), path.name

    def _space(self, subject: str) -> Space:
        return voxel_space(subject)

    def _rows_and_columns(self, selection: Selection, subject: str) -> tuple[IntArray, IntArray]:
        voxels = self._voxels(subject).select(selection)
        return voxels, voxels


def _metadata_name(subject: str) -> str:
    """Name of the file of one subject's metadata."""
    return f"metadata_{subject}.npy"
