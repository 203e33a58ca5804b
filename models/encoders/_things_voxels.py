"""Voxels of one person in THINGS fMRI: their regions, their grid, and selections of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from models.encoders._masks import mask_indices
from models.errors import SelectionError, SpaceMismatchError, UnknownRegionError, WeightsError
from models.spaces import get_space
from models.types import IntArray, Selection, Space
from models.voxel_grid import VoxelGrid, voxel_grid

__all__ = ["ThingsVoxels", "read_grid", "read_regions", "voxel_space"]


def voxel_space(subject: str) -> Space:
    """Voxel grid of one subject, e.g. ``"sub-01"``: 211,339 voxels of its own brain."""
    return get_space(f"things-voxels-{subject}")


def read_regions(metadata: Mapping[str, Any], n_voxels: int, name: str) -> dict[str, IntArray]:
    """Voxels of each region in one subject's metadata, in stored order.

    Parameters
    ----------
    metadata : mapping
        Has ``roi``.
    n_voxels : int
    name : str
        Of the file, for the message.

    Raises
    ------
    WeightsError
        There are none, or one names a voxel that is not there.
    """
    stored = metadata.get("roi")
    if not isinstance(stored, Mapping):
        raise WeightsError(f"{name} names no regions.")
    regions: dict[str, IntArray] = {}
    for region, voxels in stored.items():
        array = np.asarray(voxels).ravel()
        is_index = array.dtype.kind in "iu" and (array >= 0).all() and (array < n_voxels).all()
        if array.size and not is_index:
            raise WeightsError(f"{name}: {region} has a voxel outside 0..{n_voxels - 1}.")
        regions[region] = array.astype(np.int64)
    return regions


def read_grid(
    metadata: Mapping[str, Any], n_voxels: int, regions: Mapping[str, IntArray], name: str
) -> VoxelGrid:
    """Grid cells of the voxels; directions are inferred from the regions if they can be.

    Parameters
    ----------
    metadata : mapping
        Has ``voxel_coords``, (n_voxels, 3), below ``fmri``.
    n_voxels : int
    regions : mapping
        From :func:`read_regions`.
    name : str
        Of the file, for the message.

    Raises
    ------
    WeightsError
        The coordinates are absent, or not those of a grid.
    """
    fmri = metadata.get("fmri")
    stored = fmri.get("voxel_coords") if isinstance(fmri, Mapping) else None
    places = np.asarray(() if stored is None else stored)
    if places.shape != (n_voxels, 3) or places.dtype.kind not in "iuf":
        raise WeightsError(f"{name} does not say where the {n_voxels:,} voxels lie.")
    whole = np.rint(places)
    if not np.array_equal(places, whole):  # millimetres, say: rounding would invent a grid
        raise WeightsError(f"{name}: voxel_coords are not whole numbers, so no indices.")
    try:
        return voxel_grid(whole.astype(np.int64), regions)
    except SpaceMismatchError as error:
        raise WeightsError(f"{name}: {error}") from error


@dataclass(frozen=True, eq=False)
class ThingsVoxels:
    """Selections of one subject's voxels.

    Parameters
    ----------
    subject : str
    n_voxels : int
    read : callable
        Gives the regions, see :func:`read_regions`; only called where one is named.
    """

    subject: str
    n_voxels: int
    read: Callable[[], Mapping[str, IntArray]]

    def region(self, name: str) -> IntArray:
        """Voxels of one region, in stored order; there may be none.

        Raises
        ------
        UnknownRegionError
            There is no such region; the message lists near matches.
        """
        regions = self.read()
        if name not in regions:
            near = get_close_matches(str(name), regions) or sorted(regions)
            raise UnknownRegionError(
                f"{self.subject} has no region {name!r}. Did you mean {', '.join(near)}?"
            )
        return regions[name]

    def select(self, selection: Selection) -> IntArray:
        """Voxels of a selection, rising, at least one.

        Raises
        ------
        SelectionError
            A region or index is not there, a hemisphere is asked for, or nothing is left.
        """
        if selection.hemisphere != "both":
            raise SelectionError(
                "The voxels of this model are not told apart by hemisphere; some regions are "
                "(lFFA, rFFA)."
            )
        is_chosen = np.ones(self.n_voxels, bool)
        if selection.regions:
            is_chosen[:] = False
            for name in selection.regions:
                is_chosen[self.region(name)] = True
        if selection.indices is not None:
            if selection.indices and selection.indices[-1] >= self.n_voxels:
                raise SelectionError(
                    f"Voxel {selection.indices[-1]} is not among {self.n_voxels:,}."
                )
            is_listed = np.zeros(self.n_voxels, bool)
            is_listed[list(selection.indices)] = True
            is_chosen &= is_listed
        if not is_chosen.any():
            raise SelectionError(self._nothing_left(selection.regions))
        return np.flatnonzero(is_chosen)

    def named(self, roi: Any = None, voxel_index: Any = None) -> IntArray:
        """Voxels of a selection as BERG states it; see :meth:`ThingsViT.voxels_of`."""
        if roi is None and voxel_index is None:
            return np.arange(self.n_voxels)
        names = [roi] if isinstance(roi, str) else list(roi or ())
        parts = [self.region(name) for name in names]
        if voxel_index is not None:
            parts.append(mask_indices(voxel_index, self.n_voxels))
        chosen = np.concatenate([*parts, np.empty(0, np.int64)])
        if not chosen.size:
            raise SelectionError(self._nothing_left(names))
        return chosen

    def _nothing_left(self, names: Sequence[str]) -> str:
        """Say that a selection is empty, and which regions were named."""
        regions = f" in {', '.join(names)}" if names else ""
        return f"{self.subject} has no voxel{regions} that is selected: pick others."
