"""Atlases: names for the places of a space, read from installed packages without a download."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from models.errors import SelectionError, SpaceMismatchError, UnknownRegionError
from models.retinotopy import AREAS, load_receptive_fields
from models.spaces import (
    FSAVERAGE5,
    FSLR32K,
    MMP360,
    data_folder,
    get_space,
    load_medial_wall,
    near_matches,
)
from models.types import BoolArray, Hemisphere, IntArray, Space

__all__ = ["Atlas", "RegionMasks", "Regions", "Side", "list_atlases", "load_atlas"]

Side = Literal["both", "left", "right"]

_BY_SPACE: dict[str, tuple[str, ...]] = {
    FSAVERAGE5.name: ("retinotopy",),
    FSLR32K.name: ("mmp", "yeo7"),
    MMP360.name: ("mmp",),
}


class Regions(ABC):
    """Named parts of one space; what an atlas and overlapping masks have in common.

    Attributes
    ----------
    name, title : str
        Identifier; words for a person.
    space : Space
        Where the regions live.
    names : tuple of str
        Region names, no repeats.
    groups : Mapping of str to tuple of str
        Regions under headings, for pickers; each region once.
    citation : str
        Where the regions come from.
    descriptions : Mapping of str to str
        A sentence about a region; not every region has one.
    """

    name: str
    title: str
    space: Space
    names: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    citation: str
    descriptions: Mapping[str, str]

    @abstractmethod
    def regions_at(self, place: int) -> tuple[str, ...]:
        """Regions that hold one place, the smallest first; empty where there is none."""

    @abstractmethod
    def _places(self, region: str) -> BoolArray:
        """Places of a known region, (n_places,) bool; may be shared and must not be changed."""

    @property
    def is_split_by_hemisphere(self) -> bool:
        """Whether a place says which hemisphere it is of; false for voxels."""
        return self.space.n_right > 0

    def side_of(self, region: str) -> Side:
        """Side that a region names by itself, as ``lFFA`` does; ``"both"`` where it does not."""
        return "both"

    def region_at(self, place: int) -> str | None:
        """Smallest region that holds one place; None where there is none."""
        return next(iter(self.regions_at(place)), None)

    def check(self, region: str) -> None:
        """Refuse a name that is not among ``names``.

        Raises
        ------
        UnknownRegionError
            The message lists near matches.
        """
        if region not in self.names:
            meant = near_matches(region, self.names)
            hint = f"did you mean {' or '.join(meant)}?" if meant else "no name is like it."
            raise UnknownRegionError(f"Unknown region {region!r} in {self.title}; {hint}")

    def mask(self, region: str, hemisphere: Side = "both") -> BoolArray:
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
            There is no such region; the message lists near matches.
        SelectionError
            The hemisphere is none of the three words, or the space has no sides.
        """
        self.check(region)
        is_region = self._places(region)
        if hemisphere == "both":
            return is_region
        if hemisphere not in ("left", "right"):
            raise SelectionError(f"Hemisphere must be both, left or right; got {hemisphere!r}.")
        if not self.is_split_by_hemisphere:
            raise SelectionError(f"Places of {self.space.name} are not told apart by hemisphere.")
        is_side = np.zeros(self.space.n_places, bool)
        is_side[self.space.hemisphere_slice(hemisphere)] = True
        return is_region & is_side


def _check_words(regions: Regions) -> None:
    """Refuse groups or descriptions that do not fit the names."""
    grouped = sorted(name for group in regions.groups.values() for name in group)
    if grouped != sorted(set(regions.names)):
        raise SpaceMismatchError(f"Groups of {regions.name} do not hold each region once.")
    if not set(regions.descriptions) <= set(regions.names):
        raise SpaceMismatchError(f"{regions.name} describes a region that it does not have.")


@dataclass(frozen=True, eq=False)
class Atlas(Regions):
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
        _check_words(self)
        labels.flags.writeable = False
        object.__setattr__(self, "labels", labels)

    def label_of(self, region: str) -> int:
        """Label of a region, from 1.

        Raises
        ------
        UnknownRegionError
            The region is not in the atlas; the message lists near matches.
        """
        self.check(region)
        return self.names.index(region) + 1

    def regions_at(self, place: int) -> tuple[str, ...]:
        """Region of one place, alone; empty where there is none."""
        label = int(self.labels[place])
        return (self.names[label - 1],) if label else ()

    def _places(self, region: str) -> BoolArray:
        is_region: BoolArray = self.labels == self.label_of(region)
        return is_region


@dataclass(frozen=True, eq=False)
class RegionMasks(Regions):
    """Regions given as lists of places; they may overlap, and differ from subject to subject.

    Parameters
    ----------
    name, title : str
        Identifier; words for a person.
    space : Space
        Where the places live.
    places : Mapping of str to ndarray of int
        Places of each region, in any order; a place may belong to several regions. A region may
        be empty. Kept as read-only int64 copies.
    groups : Mapping of str to tuple of str
        Regions under headings, for pickers; each region once. Default: one heading, ``title``.
    citation : str
        Where the regions come from.
    descriptions : Mapping of str to str
        A sentence about a region.
    sides : Mapping of str to {"left", "right"}
        Regions that name their side by themselves.

    Raises
    ------
    SpaceMismatchError
        A place is not in the space; groups or descriptions name other regions.
    """

    name: str
    title: str
    space: Space
    places: Mapping[str, IntArray]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    citation: str = ""
    descriptions: Mapping[str, str] = field(default_factory=dict)
    sides: Mapping[str, Hemisphere] = field(default_factory=dict)
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        kept: dict[str, IntArray] = {}
        for region, places in self.places.items():
            array = np.array(places, dtype=np.int64).ravel()
            if array.size and (array.min() < 0 or array.max() >= self.space.n_places):
                raise SpaceMismatchError(
                    f"{region} has a place outside 0..{self.space.n_places - 1} of "
                    f"{self.space.name}."
                )
            array.flags.writeable = False
            kept[region] = array
        object.__setattr__(self, "places", kept)
        object.__setattr__(self, "names", tuple(kept))
        if not self.groups and kept:
            object.__setattr__(self, "groups", {self.title: self.names})
        _check_words(self)

    def side_of(self, region: str) -> Side:
        """Side that a region names by itself."""
        return self.sides.get(region, "both")

    def regions_at(self, place: int) -> tuple[str, ...]:
        """Regions that hold one place, the smallest first."""
        held = [region for region, places in self.places.items() if (places == place).any()]
        return tuple(sorted(held, key=lambda region: self.places[region].size))

    def _places(self, region: str) -> BoolArray:
        is_region = np.zeros(self.space.n_places, bool)
        is_region[self.places[region]] = True
        return is_region


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
        ``"retinotopy"`` on fsaverage5; ``"mmp"`` or ``"yeo7"`` on fsLR32k; ``"mmp"`` on mmp360,
        where a place is a parcel and has itself for a label.

    Raises
    ------
    SpaceMismatchError
        The space is unknown, or the atlas lives in another space.
    SelectionError
        There is no such atlas anywhere; the message lists those of the space.
    """
    if name in list_atlases(space):
        if space == MMP360.name:
            return _mmp_parcels()
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


def _mmp_parcels() -> Atlas:
    """Give the same areas where each is one place of its hemisphere."""
    areas = load_atlas(FSLR32K.name, "mmp")
    return replace(areas, space=MMP360, labels=np.tile(np.arange(1, len(areas.names) + 1), 2))


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
