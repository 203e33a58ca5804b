"""Where MOSAIC's vertices lie: grayordinates, fsLR32k, the MMP's areas and their groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.atlases import load_atlas
from models.encoders._masks import mask_indices
from models.errors import SelectionError, UnknownRegionError, WeightsError
from models.spaces import FSLR32K, cortical_grayordinates
from models.types import BoolArray, Hemisphere, IntArray, Selection

__all__ = ["MosaicPlaces"]

_SIDES: dict[str, Hemisphere] = {"L_": "left", "R_": "right"}


@dataclass(frozen=True, eq=False)
class MosaicPlaces:
    """Vertices that the model predicts, in its own order.

    Parameters
    ----------
    grayordinates : ndarray of shape (n_vertices,), int
        Index among the HCP's 91,282 grayordinates, rising.
    groups : ndarray of shape (n_vertices,), int
        Group of MMP areas, from 1; 0 for all where the metadata have none.

    Attributes
    ----------
    places : ndarray of shape (n_vertices,), int
        The same vertices on fsLR32k, rising.
    """

    grayordinates: IntArray
    groups: IntArray

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any], name: str) -> MosaicPlaces:
        """Find the vertices in one subject's metadata, of the older or the newer layout.

        Parameters
        ----------
        metadata : mapping
            Has ``vertex_mapping_all`` and ``glasser_group_id`` at the top, or below
            ``encoding_models`` or ``fmri``; without the former, the regions' indices joined.
        name : str
            Of the file, for the message.

        Raises
        ------
        WeightsError
            Neither is there, or the indices are not those of cortical grayordinates.
        """
        parts = [metadata, metadata.get("encoding_models"), metadata.get("fmri")]
        found: dict[str, Any] = {}
        for part in reversed([part for part in parts if isinstance(part, Mapping)]):
            found |= part
        mapping, regions = found.get("vertex_mapping_all"), found.get("roi")
        if mapping is None and isinstance(regions, Mapping) and regions:
            mapping = np.unique(np.concatenate([np.asarray(each) for each in regions.values()]))
        vertices = np.asarray(mapping)
        if vertices.ndim != 1 or vertices.dtype.kind not in "iu" or not vertices.size:
            raise WeightsError(f"{name} does not say where the model's vertices lie.")
        groups = np.asarray(found.get("glasser_group_id", np.zeros(len(vertices), np.int64)))
        if groups.shape != vertices.shape:
            raise WeightsError(f"{name}: {groups.shape} groups for {vertices.shape} vertices.")
        return cls(vertices.astype(np.int64), groups.astype(np.int64))

    def __post_init__(self) -> None:
        vertices, n_cortical = self.grayordinates, len(cortical_grayordinates())
        if vertices[0] < 0 or vertices[-1] >= n_cortical or (np.diff(vertices) <= 0).any():
            raise WeightsError(f"The model's vertices do not rise inside 0..{n_cortical - 1}.")

    @property
    def places(self) -> IntArray:
        """The vertices on fsLR32k, rising."""
        places: IntArray = cortical_grayordinates()[self.grayordinates]
        return places

    @property
    def n_vertices(self) -> int:
        """Vertices of the model."""
        return len(self.grayordinates)

    def is_in_region(self, name: str) -> BoolArray:
        """Vertices of an area of the MMP.

        Parameters
        ----------
        name : str
            ``"V1"`` for both hemispheres, ``"L_V1"`` or ``"R_V1"`` for one.

        Returns
        -------
        ndarray of shape (n_vertices,), bool

        Raises
        ------
        UnknownRegionError
            There is no such area; the message lists near matches.
        """
        atlas = load_atlas(FSLR32K.name, "mmp")
        if name[:2] in _SIDES and name not in atlas.names:
            return atlas.mask(name[2:], _SIDES[name[:2]])[self.places]
        return atlas.mask(name)[self.places]

    def is_in_group(self, group: int) -> BoolArray:
        """Vertices of one of the 22 groups; (n_vertices,) bool.

        Raises
        ------
        UnknownRegionError
            There is no such group.
        """
        known = np.unique(self.groups)
        is_number = isinstance(group, int | np.integer) and not isinstance(group, bool)
        if not is_number or group not in known or group == 0:
            raise UnknownRegionError(
                f"There is no group {group!r}; groups are {known.min()} to {known.max()}."
            )
        is_in_group: BoolArray = self.groups == group
        return is_in_group

    def select(self, selection: Selection) -> IntArray:
        """Vertices of a selection.

        Parameters
        ----------
        selection : Selection
            Regions are joined; hemisphere and indices (places of fsLR32k) restrict them.

        Returns
        -------
        ndarray of shape (n_chosen,), int
            Rows of the readout, rising; at least one.

        Raises
        ------
        UnknownRegionError
            A region is not in the atlas.
        SelectionError
            An index is not on fsLR32k, or nothing is left.
        """
        is_chosen = np.ones(self.n_vertices, bool)
        if selection.regions:
            is_chosen = np.any([self.is_in_region(name) for name in selection.regions], axis=0)
        is_kept = np.zeros(FSLR32K.n_places, bool)
        if selection.hemisphere == "both":
            is_kept[:] = True
        else:
            is_kept[FSLR32K.hemisphere_slice(selection.hemisphere)] = True
        if selection.indices is not None:
            if selection.indices and selection.indices[-1] >= FSLR32K.n_places:
                raise SelectionError(
                    f"Vertex {selection.indices[-1]} is not on fsLR32k, which has "
                    f"{FSLR32K.n_places} vertices."
                )
            is_listed = np.zeros_like(is_kept)
            is_listed[list(selection.indices)] = True
            is_kept &= is_listed
        is_chosen &= is_kept[self.places]
        if not is_chosen.any():
            raise SelectionError("No modelled vertex is in this selection: pick more regions.")
        return np.flatnonzero(is_chosen)

    def vertices_of(
        self, roi: Any = None, glasser_group: Any = None, voxel_index: Any = None
    ) -> IntArray:
        """Vertices of a selection as BERG states it: what any of the three names.

        Parameters
        ----------
        roi : sequence of str, optional
            Areas with their hemisphere, ``"L_V1"``.
        glasser_group : int or sequence of int, optional
            1 to 22.
        voxel_index : array_like of shape (n_vertices,), optional
            Zeros and ones in the model's own order.

        Returns
        -------
        ndarray of shape (n_chosen,), int
            Rows of the readout, rising, each once. All vertices when the three are None.

        Raises
        ------
        SelectionError
            A name, group or mask cannot be used, or nothing is selected.
        """
        if roi is None and glasser_group is None and voxel_index is None:
            return np.arange(self.n_vertices)
        names: Sequence[str] = [roi] if isinstance(roi, str) else list(roi or ())
        is_one = isinstance(glasser_group, int | np.integer)
        groups = [glasser_group] if is_one else [] if glasser_group is None else glasser_group
        is_chosen = np.zeros(self.n_vertices, bool)
        for name in names:
            is_chosen |= self.is_in_region(name)
        for group in groups:
            is_chosen |= self.is_in_group(group)
        if voxel_index is not None:
            is_chosen[mask_indices(voxel_index, self.n_vertices)] = True
        if not is_chosen.any():
            raise SelectionError("No vertex is selected: name a region, a group or a mask.")
        return np.flatnonzero(is_chosen)
