"""One person's huze: both parts of the network, and which vertex is in which row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from models.encoders._huze_checkpoint import N_VERTICES
from models.encoders._huze_conversion import PART_FILES
from models.encoders._huze_network import HuzePart
from models.encoders._tensor_file import TensorFile
from models.errors import WeightsError
from models.types import FloatArray, IntArray, SettingValue
from models.weights.convert import sources_sha256

__all__ = ["HuzePerson"]


class HuzePerson:
    """Both parts of one subject's network.

    Parameters
    ----------
    folder : Path
        From :func:`models.encoders._huze_conversion.convert_subject`.
    device : torch.device

    Attributes
    ----------
    parts : tuple of HuzePart
    sha256 : str
        Of the published files together.
    facts : dict
        What provenance must say of the conversion.

    Raises
    ------
    WeightsError
        The converted files are damaged.
    """

    def __init__(self, folder: Path, device: torch.device) -> None:
        files = [TensorFile(folder / name) for name in PART_FILES]
        self.parts = tuple(HuzePart(file, device) for file in files)
        facts = files[0].facts
        self.sha256 = sources_sha256(folder)
        self.facts: dict[str, SettingValue] = {
            "lora_scale": float(facts["lora_scale"]),
            "retina_sigma": float(facts["sigma"]),
            "constants_from": facts["constants_from"],
            "part_2_holds": facts["layout"],
        }
        self._row_of_vertex: IntArray = np.full(N_VERTICES, -1, np.int32)
        self._n_first = len(self.parts[0].places)
        for part, first_row in zip(self.parts, (0, self._n_first), strict=True):
            rows = np.arange(first_row, first_row + len(part.places), dtype=np.int32)
            self._row_of_vertex[part.places] = rows
        if (self._row_of_vertex < 0).any():
            raise WeightsError(f"The converted files in {folder} are damaged: remove the folder.")

    def parts_of(self, vertices: IntArray) -> tuple[int, ...]:
        """Which parts predict some vertices: 0, 1 or both."""
        if len(vertices) == N_VERTICES:
            return (0, 1)
        is_second = self._row_of_vertex[vertices] >= self._n_first
        return tuple(number for number in (0, 1) if (is_second == bool(number)).any())

    def read_out(self, maps: Sequence[FloatArray], vertices: IntArray) -> FloatArray:
        """Responses of some vertices.

        Parameters
        ----------
        maps : sequence of two ndarray
            Of each part, from :meth:`HuzePart.features`; that of a part that predicts none of
            the vertices is not looked at.
        vertices : ndarray of shape (n_chosen,), int, rising

        Returns
        -------
        ndarray of shape (n_pictures, n_chosen), float32
        """
        wanted: tuple[IntArray | None, ...] = (None, None)  # all rows of each part
        rank = self._row_of_vertex
        if len(vertices) != N_VERTICES:
            rows = rank[vertices]
            rising = np.sort(rows)
            split = int(np.searchsorted(rising, self._n_first))
            wanted = (rising[:split], rising[split:] - self._n_first)
            rank = np.searchsorted(rising, rows)
        found = [
            part.read_out(own, some)
            for part, own, some in zip(self.parts, maps, wanted, strict=True)
            if some is None or len(some)
        ]
        # The pages stay: they are wanted again when the region changes.
        return np.take(np.concatenate(found, axis=1), rank, axis=1)
