"""Cortex of eight people in NSD from one network trained on their responses.

picture -> CNN8 (trained on brain responses, shared) -> 384 maps of 26 x 26
-> for each of 57,051 vertices a weight per map and a mask over the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.encoders._maps import mosaic_overlays
from models.encoders._mosaic_places import MosaicPlaces
from models.encoders._picture_model import Picture, PictureModel, as_tensor
from models.encoders.base import Features, Overlay
from models.errors import WeightsError
from models.spaces import FSLR32K
from models.types import (
    FloatArray,
    IntArray,
    Report,
    Response,
    Selection,
    Settings,
    ignore_progress,
)

if TYPE_CHECKING:
    from models.encoders._cnn8 import Core, Head

__all__ = ["CHECKPOINT", "MosaicCnn8"]

#: One file for the network and all eight readouts.
CHECKPOINT = "model-CNN8_framework-multihead_subjects-NSD_vertices-all.pth"

_CONVERTER, _CONVERTER_VERSION = "cnn8", 1

#: Pictures in the network at once. On a processor one alone is as fast as many.
_BATCH = {"cpu": 1, "cuda": 16, "mps": 4}


class MosaicCnn8(PictureModel):
    """Responses of 57,051 cortical vertices to pictures, on fsLR32k.

    Parameters
    ----------
    card : ModelCard
        The row ``fmri-mosaic-CNN8_multihead_subNSD_verticesAll``.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or ``"mps"``.
    home : path, optional
        Top of the tree of files.

    Notes
    -----
    Lahner et al. 2025 (MOSAIC); Allen et al. 2022 (NSD). Only the readouts that are asked for
    are opened, and of those only the rows of the selected vertices.
    """

    # NSD's pictures were squares of 8.4 deg.
    seen_deg = 8.4
    preparation = (
        "The centre square, resized to 224 x 224 pixels; shown at the size it had in the "
        "experiment, 8.4 deg."
    )

    def readout(
        self,
        features: Features,
        selection: Selection,
        settings: Settings,
        report: Report = ignore_progress,
    ) -> tuple[Response, ...]:
        """Responses of the selected vertices; the others are not computed.

        Parameters
        ----------
        features : Features
            From :meth:`features` or :meth:`features_of_array`.
        selection : Selection
            Regions are areas of the MMP, ``"V1"`` or with their side ``"L_V1"``; several are
            joined. Hemisphere and indices (places of fsLR32k) restrict them.
        settings : Settings
        report : callable
            Called before each subject.

        Returns
        -------
        tuple of Response
            One a subject, on fsLR32k.

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
        places = self.places(selection.subjects[0])
        vertices = places.select(selection)
        responses = []
        for number, subject in enumerate(selection.subjects):
            report("reading out the vertices", number, len(selection.subjects))
            response = Response(
                values=self.responses(features, subject, vertices),
                space=FSLR32K,
                row_labels=features.row_labels,
                units=self.card.units,
                is_signed=self.card.is_signed,
                provenance=self._provenance(subject, selection, settings, self._sha256()),
                columns=places.places[vertices],
            )
            responses.append(response)
        return tuple(responses)

    def responses(self, features: Features, subject: str, vertices: IntArray) -> FloatArray:
        """Responses of some vertices of one subject.

        Parameters
        ----------
        features : Features
            From :meth:`features` or :meth:`features_of_array`.
        subject : str
        vertices : ndarray of shape (n_chosen,), int
            Rows of the readout, 0 to 57,050.

        Returns
        -------
        ndarray of shape (n_pictures, n_chosen), float32

        Raises
        ------
        WeightsError
            A file is absent or unusable.
        """
        from models.encoders._device import exact_arithmetic

        head = self._head(subject)
        with exact_arithmetic():
            return head(as_tensor(features.arrays[0]).to(self.device), vertices)

    def places(self, subject: str) -> MosaicPlaces:
        """Where the model's vertices lie; the same for all subjects.

        Parameters
        ----------
        subject : str
            Whose metadata to read, should none have been read yet.

        Raises
        ------
        WeightsError
            The metadata are absent, or do not fit the readout.
        """
        return self._once("places", lambda: self._read_places(subject))

    def overlays(self, subject: str) -> tuple[Overlay, ...]:
        """Return noise ceilings of every cortical vertex; read at each call."""
        from models.weights.pickles import read_numpy_dict

        self.check_subjects(Selection((subject,)))
        path = self._need(self._metadata_path(subject), subject)
        return mosaic_overlays(read_numpy_dict(path), path.name)

    def _prepare(self, picture: NDArray[Any]) -> NDArray[Any]:
        from models.encoders._pictures import square_then_resize

        return square_then_resize(picture)

    def _analyse(
        self,
        pictures: Sequence[Picture],
        names: tuple[str, ...],
        settings: Settings,
        report: Report,
        subjects: Sequence[str],
    ) -> Features:
        from models.encoders._device import exact_arithmetic, run_in_batches

        batch_size = _BATCH[self.device.type]
        core = self._once("core", self._load_core)

        def run(batch: Sequence[Picture]) -> FloatArray:
            with exact_arithmetic():
                maps: FloatArray = core(self._as_input(batch)).cpu().numpy()
                return maps

        batches = run_in_batches(pictures, run, batch_size, report)
        nothing = np.empty((0, core.n_channels, core.side, core.side), np.float32)
        return Features((np.concatenate([nothing, *batches]),), names, settings)

    def _load_core(self) -> Core:
        """Open the network; it is converted the first time."""
        from models.encoders._cnn8 import Core, convert_core

        return Core(self._converted("core", convert_core), self.device)

    def _head(self, subject: str) -> Head:
        """Open one subject's readout; it is converted the first time."""
        from models.encoders._cnn8 import Head, convert_head

        def load() -> Head:
            return Head(
                self._converted(subject, lambda state, to: convert_head(state, subject, to))
            )

        return self._once(("head", subject), load)

    def _converted(self, part: str, convert: Any) -> Path:
        """Folder of the safe form of one part of the checkpoint."""
        from models.weights.convert import converted
        from models.weights.locations import weights_folder
        from models.weights.pickles import read_torch_state

        path = self._need(weights_folder(self.card, self.home) / CHECKPOINT, "sub-01")

        def build(folder: Path) -> None:
            convert(read_torch_state(path), folder)

        name = f"{_CONVERTER}-{part}"
        return converted([path], name, _CONVERTER_VERSION, build, home=self.home)

    def _sha256(self) -> str:
        """Hash of the checkpoint."""
        from models.encoders._cnn8 import convert_core
        from models.weights.convert import sources_sha256

        return self._once("sha256", lambda: sources_sha256(self._converted("core", convert_core)))

    def _read_places(self, subject: str) -> MosaicPlaces:
        """Where the vertices lie, from one subject's metadata."""
        from models.weights.pickles import read_numpy_dict

        path = self._metadata_path(subject)
        metadata = read_numpy_dict(self._need(path, subject))
        places = MosaicPlaces.from_metadata(metadata, path.name)
        n_vertices = self._head(subject).n_vertices
        if places.n_vertices != n_vertices:
            raise WeightsError(
                f"{path.name} places {places.n_vertices} vertices; the model has {n_vertices}."
            )
        return places

    def _metadata_path(self, subject: str) -> Path:
        """Where one subject's metadata lie."""
        from models.weights.locations import metadata_folder

        return metadata_folder(self.card, self.home) / "NSD" / f"{subject}.npy"
