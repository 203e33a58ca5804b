"""Atlases: names for the places of a space, read from installed packages without a download."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from models.errors import SelectionError, SpaceMismatchError, UnknownRegionError
from models.retinotopy import AREAS, load_receptive_fields
from models.spaces import (
    FSAVERAGE5,
    FSLR32K,
    data_folder,
    get_space,
    load_medial_wall,
    near_matches,
)
from models.types import BoolArray, IntArray, Space

__all__ = ["Atlas", "list_atlases", "load_atlas"]

_BY_SPACE: dict[str, tuple[str, ...]] = {
    FSAVERAGE5.name: ("retinotopy",),
    FSLR32K.name: ("mmp", "yeo7"),
}


@dataclass(frozen=True, eq=False)
class Atlas:
    """Names of regions and which places of one space belong to each.

    Parameters
    ----------
    name, title : str
        Identifier; words for a person.
    space : Space
        Where the labels live.
    names : tuple of str
        Region names without hemisphere, no repeats.
    labels : ndarray of shape (n_places,), int16
        0 = no region, k = ``names[k - 1]``; the hemisphere follows from the place. Read-only.
    groups : Mapping of str to tuple of str
        Regions under headings, for pickers; each region once.
    descriptions : Mapping of str to str
        A sentence about a region; not every region has one.
    citation : str
        Where the atlas comes from.

    Raises
    ------
    SpaceMismatchError
        Labels do not fit the space or the names; groups or descriptions name other regions.
    """

    name: str
    title: str
    space: Space
    names: tuple[str, ...]
    labels: IntArray
    groups: Mapping[str, tuple[str, ...]]
    citation: str
    descriptions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        labels = np.array(self.labels, dtype=np.int16)
        if labels.shape != (self.space.n_places,):
            raise SpaceMismatchError(
                f"{self.space.name} has {self.space.n_places} places; atlas {self.name} labels "
                f"{labels.shape}."
            )
        if labels.min() < 0 or labels.max() > len(self.names):
            raise SpaceMismatchError(f"Labels of {self.name} leave 0..{len(self.names)}.")
        if sorted(name for group in self.groups.values() for name in group) != sorted(
            set(self.names)
        ):
            raise SpaceMismatchError(f"Groups of {self.name} do not hold each region once.")
        if not set(self.descriptions) <= set(self.names):
            raise SpaceMismatchError(f"{self.name} describes a region that it does not have.")
        labels.flags.writeable = False
        object.__setattr__(self, "labels", labels)

    def label_of(self, region: str) -> int:
        """Label of a region, from 1.

        Raises
        ------
        UnknownRegionError
            The region is not in the atlas; the message lists near matches.
        """
        if region not in self.names:
            meant = near_matches(region, self.names)
            hint = f"did you mean {' or '.join(meant)}?" if meant else "no name is like it."
            raise UnknownRegionError(f"Unknown region {region!r} in {self.title}; {hint}")
        return self.names.index(region) + 1

    def mask(self, region: str, hemisphere: Literal["both", "left", "right"] = "both") -> BoolArray:
        """Places that belong to a region.

        Parameters
        ----------
        region : str
            One of ``names``.
        hemisphere : {"both", "left", "right"}
            Restriction to one side.

        Returns
        -------
        ndarray of shape (n_places,), bool

        Raises
        ------
        UnknownRegionError
            The region is not in the atlas; the message lists near matches.
        SelectionError
            The hemisphere is none of the three words.
        """
        is_region: BoolArray = self.labels == self.label_of(region)
        if hemisphere == "both":
            return is_region
        if hemisphere not in ("left", "right"):
            raise SelectionError(f"Hemisphere must be both, left or right; got {hemisphere!r}.")
        is_side = np.zeros(self.space.n_places, bool)
        is_side[self.space.hemisphere_slice(hemisphere)] = True
        return is_region & is_side

    def region_at(self, place: int) -> str | None:
        """Region of one place; None where there is none."""
        label = int(self.labels[place])
        return self.names[label - 1] if label else None


def list_atlases(space: str) -> tuple[str, ...]:
    """Names of the atlases of a space, the default first; none where no mesh comes installed.

    Raises
    ------
    SpaceMismatchError
        The space is unknown.
    """
    return _BY_SPACE.get(get_space(space).name, ())


@lru_cache(maxsize=4)
def load_atlas(space: str, name: str) -> Atlas:
    """Load one atlas; cached.

    Parameters
    ----------
    space : str
        Name of a space.
    name : str
        ``"retinotopy"`` on fsaverage5; ``"mmp"`` or ``"yeo7"`` on fsLR32k.

    Raises
    ------
    SpaceMismatchError
        The space is unknown, or the atlas lives in another space.
    SelectionError
        There is no such atlas anywhere; the message lists those of the space.
    """
    if name in list_atlases(space):
        return {"retinotopy": _retinotopy, "mmp": _mmp, "yeo7": _yeo7}[name]()
    for other, names in _BY_SPACE.items():
        if name in names:
            raise SpaceMismatchError(f"Atlas {name} lives on {other}, not on {space}.")
    raise SelectionError(f"Unknown atlas {name!r}; {space} has {', '.join(list_atlases(space))}.")


def _retinotopy() -> Atlas:
    """V1, V2, V3 and hV4 of the algebraic template."""
    return Atlas(
        name="retinotopy",
        title="Retinotopic template",
        space=FSAVERAGE5,
        names=tuple(AREAS.values()),
        labels=load_receptive_fields().area,
        groups={"Early visual cortex": ("V1", "V2", "V3"), "Ventral visual cortex": ("hV4",)},
        # Wandell, Dumoulin & Brewer (2007), Neuron 56:366-383, for order, field maps and place.
        descriptions={
            "V1": "Primary visual cortex in the calcarine sulcus: the first cortical map of the "
            "opposite half of the visual field.",
            "V2": "Second visual area: a band around V1 whose halves above and below the calcarine "
            "sulcus each map a quarter of the visual field.",
            "V3": "Third visual area: the band beyond V2, again split into a dorsal and a ventral "
            "quarter-field map.",
            "hV4": "Human V4 on the ventral surface: a map of the opposite half-field next to "
            "ventral V3. Its place is uncertain in every template; read it with care.",
        },
        citation="Algebraic template fitted to Benson et al. (2014), PLoS Comput Biol 10:e1003538.",
    )


def _mmp() -> Atlas:
    """180 areas a hemisphere of the HCP multi-modal parcellation."""
    labels, titles = _read_grayordinates("mmp_1.0.npz")
    names = tuple(title.removeprefix("L_") for title in titles[1:181])
    regions: dict[str, dict[str, str | None]] = json.loads(
        (Path(__file__).parents[1] / "assets/atlases/mmp_regions.json").read_text(encoding="utf-8")
    )["regions"]
    # The right hemisphere repeats the left's areas as 181..360.
    labels = np.where(labels > len(names), labels - len(names), labels)
    return Atlas(
        name="mmp",
        title="HCP multi-modal parcellation 1.0",
        space=FSLR32K,
        names=names,
        labels=labels,
        groups={group: tuple(areas) for group, areas in regions.items()},
        descriptions={
            area: f"{full_name}."
            for areas in regions.values()
            for area, full_name in areas.items()
            if full_name
        },
        citation="Glasser et al. (2016), Nature 536:171-178.",
    )


def _yeo7() -> Atlas:
    """Seven networks of intrinsic functional connectivity."""
    labels, titles = _read_grayordinates("yeo7.npz")
    return Atlas(
        name="yeo7",
        title="Yeo 7 networks",
        space=FSLR32K,
        names=tuple(titles[1:]),
        labels=labels,
        groups={"Networks": tuple(titles[1:])},
        descriptions=_NETWORKS,
        citation="Yeo et al. (2011), J Neurophysiol 106:1125-1165.",
    )


def _read_grayordinates(file: str) -> tuple[IntArray, list[str]]:
    """Labels of all fsLR32k places and the label names, name 0 being "none"."""
    with np.load(data_folder(FSLR32K.name) / file) as archive:
        codes, titles = archive["map_all"], archive["labels"].tolist()
    cortical = np.flatnonzero(~load_medial_wall(FSLR32K.name))
    labels = np.zeros(FSLR32K.n_places, np.int64)
    labels[cortical] = codes[: cortical.size]  # the other grayordinates are subcortical
    return labels, titles


# Names and places as in Yeo et al. (2011); places checked against the MMP areas they cover.
_NETWORKS = {
    "Visual": "Occipital cortex and its borders: the visual areas from V1 outward.",
    "Somatomotor": "Both banks of the central sulcus, with auditory cortex joined to it at this "
    "coarse division into seven.",
    "Dorsal Attention": "Superior parietal and intraparietal cortex, frontal eye fields and the "
    "MT+ neighbourhood: directing attention on purpose.",
    "Ventral Attention": "Insula, frontal and parietal operculum and midcingulate cortex: reacting "
    "to what stands out; close to the salience network of other authors.",
    "Limbic": "Temporal pole and orbitofrontal cortex, where the fMRI signal is often weak.",
    "Frontoparietal": "Lateral prefrontal and intraparietal cortex: adaptive control across tasks.",
    "Default": "Medial prefrontal and posterior cingulate cortex, angular gyrus and lateral "
    "temporal cortex: more active in rest and inward thought than in outward tasks.",
}
