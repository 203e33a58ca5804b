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
from models.encoders._picture_model import Picture, as_tensor
from models.encoders._shared_network import SharedNetworkModel
from models.encoders.base import Features, Overlay
from models.errors import WeightsError
from models.spaces import FSLR32K
from models.types import (
    FloatArray,
    IntArray,
    Report,
    Selection,
    Settings,
    Space,
)

if TYPE_CHECKING:
    import torch

    from models.encoders._cnn8 import Core, Head

__all__ = ["CHECKPOINT", "MosaicCnn8"]

#: One file for the network and all eight readouts.
CHECKPOINT = "model-CNN8_framework-multihead_subjects-NSD_vertices-all.pth"

_CONVERTER_VERSION = 2

#: Pictures in the network at once. On a processor one alone is as fast as many.
_BATCH = {"cpu": 1, "cuda": 16, "mps": 4}
#: Working memory of one of them, measured on a processor (8 pictures against 4).
_PICTURE_BYTES = 250_000_000

#: Of the vertices, every so-many-th says whether a shorter type is close enough: 2,853 of them.
_PROBE_EVERY = 20


class MosaicCnn8(SharedNetworkModel):
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
    places_word = "vertices"
    preparation = (
        "The centre square, resized to 224 x 224 pixels; shown at the size it had in the "
        "experiment, 8.4 deg."
    )

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
        from models.encoders._short_types import type_of

        maps = features.arrays[0]
        return self._finite(
            lambda dtype: self._read_out(maps, subject, vertices, dtype), type_of(features.facts)
        )

    def _read_out(
        self, maps: FloatArray, subject: str, vertices: IntArray, dtype: torch.dtype
    ) -> FloatArray:
        """:meth:`responses`, multiplied in one type."""
        from models.encoders._device import exact_arithmetic

        with exact_arithmetic():
            return self._head(subject)(as_tensor(maps).to(self.device), vertices, dtype)

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

    def features_sha256(self, subjects: Sequence[str] = ()) -> str:
        """Hash of the checkpoint."""
        return self._sha256("core")

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
        from models.encoders._device import run_in_batches

        subject = subjects[0] if subjects else self.card.subjects[0][0]
        chosen = self._choose_type(
            settings,
            ("core",),
            lambda dtype: [self._answer(subject, dtype, report)],
            needs_matrix_unit=True,
        )

        def run(batch: Sequence[Picture]) -> FloatArray:
            prepared = self._as_input(batch)
            return self._finite(lambda dtype: self._maps(prepared, dtype), chosen.dtype)

        size, room_bytes = (
            self._batch_size(_BATCH[self.device.type], _PICTURE_BYTES),
            self.room_bytes,
        )
        batches = run_in_batches(pictures, run, size, report, room_bytes=room_bytes)
        core = self._core(chosen.dtype)
        nothing = np.empty((0, core.n_channels, core.side, core.side), np.float32)
        return Features((np.concatenate([nothing, *batches]),), names, settings, facts=chosen.facts)

    def _maps(self, prepared: torch.Tensor, dtype: torch.dtype) -> FloatArray:
        """Channel maps of some pictures."""
        from models.encoders._device import exact_arithmetic

        with exact_arithmetic():
            maps: FloatArray = self._core(dtype)(prepared).cpu().numpy()
            return maps

    def _answer(self, subject: str, dtype: torch.dtype, report: Report) -> FloatArray:
        """Responses of the fixed pictures at some vertices of one subject."""
        from models.encoders._short_types import PROBE_STAGE, probe_pictures

        maps = []
        for number, picture in enumerate(probe_pictures()):
            report(PROBE_STAGE, number, len(probe_pictures()))
            maps.append(self._maps(self._normalised([picture]), dtype))
        vertices = np.arange(0, self._head(subject).n_vertices, _PROBE_EVERY)
        return self._read_out(np.concatenate(maps), subject, vertices, dtype)

    def _core(self, dtype: torch.dtype) -> Core:
        """Open the network; it is converted the first time."""
        from models.encoders._cnn8 import Core

        return self._once(
            ("core", dtype), lambda: Core(self._converted("core"), self.device, dtype)
        )

    def _head(self, subject: str) -> Head:
        """Open one subject's readout; it is converted the first time."""
        from models.encoders._cnn8 import Head

        return self._once(("head", subject), lambda: Head(self._converted(subject), self.device))

    def _converted(self, part: str) -> Path:
        from models.encoders._cnn8 import convert_core, convert_head
        from models.weights.convert import converted
        from models.weights.pickles import read_torch_state

        path = self._need(self._source(part), "sub-01")

        def build(folder: Path) -> None:
            state = read_torch_state(path)
            if part == "core":
                convert_core(state, folder)
            else:
                convert_head(state, part, folder)

        return converted(
            [path],
            _converter(part),
            _CONVERTER_VERSION,
            build,
            home=self.home,
            parts=lambda: [_converter(each) for each in self._parts()],
        )

    def _source(self, part: str) -> Path:
        from models.weights.locations import weights_folder

        return weights_folder(self.card, self.home) / CHECKPOINT

    def _parts(self) -> tuple[str, ...]:
        from models.encoders._cnn8 import has_head
        from models.weights.pickles import read_torch_state

        path = self._source("core")
        if not path.is_file():
            return ()
        state = read_torch_state(path)
        subjects = [subject for subject, _ in self.card.subjects]
        return ("core", *(subject for subject in subjects if has_head(state, subject)))

    def _sha256(self, part: str) -> str:
        return super()._sha256("core")  # one file for all

    def _space(self, subject: str) -> Space:
        return FSLR32K

    def _rows_and_columns(self, selection: Selection, subject: str) -> tuple[IntArray, IntArray]:
        places = self.places(subject)
        vertices = places.select(selection)
        return vertices, places.places[vertices]

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


def _converter(part: str) -> str:
    """Name of the converter that makes one part."""
    return f"cnn8-{part}"
