"""Regions that come with a subject's files: headings, sides and words for pickers.

Files name regions by short names only; headings and words follow the models' own pages. A region
without a place in a subject is left out: there is nothing to select.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from models.atlases import RegionMasks
from models.spaces import FSAVERAGE, SCHAEFER1000
from models.types import Hemisphere, IntArray, Space

__all__ = ["huze_regions", "text_regions", "things_regions"]

_HUZE_GROUPS = {
    "Early visual cortex": ("V1v", "V1d", "V2v", "V2d", "V3v", "V3d", "hV4"),
    "Bodies": ("EBA", "FBA-1", "FBA-2", "mTL-bodies"),
    "Faces": ("OFA", "FFA-1", "FFA-2", "mTL-faces", "aTL-faces"),
    "Places": ("OPA", "PPA", "RSC"),
    "Words": ("OWFA", "OVWFA", "VWFA-1", "VWFA-2", "mfs-words", "mTL-words"),
    "Streams": (
        "early",
        "midventral",
        "midlateral",
        "midparietal",
        "ventral",
        "lateral",
        "parietal",
    ),
    "Whole visual cortex": ("nsdgeneral",),
}
_HUZE_WORDS = {
    "EBA": "Extrastriate body area.",
    "FBA-1": "Fusiform body area 1.",
    "FBA-2": "Fusiform body area 2.",
    "mTL-bodies": "Body-selective region of the medial temporal lobe.",
    "OFA": "Occipital face area.",
    "FFA-1": "Fusiform face area 1.",
    "FFA-2": "Fusiform face area 2.",
    "mTL-faces": "Face-selective region of the medial temporal lobe.",
    "aTL-faces": "Face-selective region of the anterior temporal lobe.",
    "OPA": "Occipital place area.",
    "PPA": "Parahippocampal place area.",
    "RSC": "Retrosplenial complex.",
    "OWFA": "Occipital word form area.",
    "OVWFA": "Occipital word form area.",
    "VWFA-1": "Visual word form area 1.",
    "VWFA-2": "Visual word form area 2.",
    "mfs-words": "Word-selective region of the mid-fusiform sulcus.",
    "mTL-words": "Word-selective region of the medial temporal lobe.",
    "early": "Early visual cortex, V1 to V3.",
    "nsdgeneral": "Everything that responds to pictures, drawn generously by NSD's makers.",
}

_THINGS_GROUPS = {
    "Early visual cortex": ("V1", "V2", "V3", "hV4", "V3a", "V3b"),
    "Ventral and lateral maps": ("VO1", "VO2", "LO1_prf", "LO2_prf", "TO1", "TO2"),
    "Faces": ("lFFA", "rFFA", "lOFA", "rOFA", "lSTS", "rSTS"),
    "Bodies": ("lEBA", "rEBA"),
    "Places": ("lPPA", "rPPA", "lRSC", "rRSC", "lTOS", "rTOS"),
    "Objects": ("lLOC", "rLOC"),
    "Inferior temporal cortex": ("IT",),
}
_SIDED = re.compile(r"[lr][A-Z]{3}")  # lFFA, but not LO1_prf
_SIDE_OF_LETTER: dict[str, Hemisphere] = {"l": "left", "r": "right"}
_OTHERS = "Other regions of the file"


def huze_regions(places: Mapping[str, IntArray], file: str) -> RegionMasks:
    """Regions of one NSD subject on fsaverage; they overlap.

    Parameters
    ----------
    places : Mapping of str to ndarray of int
        Vertices of each region, as the metadata have them.
    file : str
        Name of the file that they are from.
    """
    return _masks(
        "nsd", "Regions of this subject", FSAVERAGE, places, _HUZE_GROUPS, file, _HUZE_WORDS
    )


def things_regions(places: Mapping[str, IntArray], space: Space, file: str) -> RegionMasks:
    """Regions of one THINGS subject in its voxels; names with l and r are of one side.

    Parameters
    ----------
    places : Mapping of str to ndarray of int
        Voxels of each region.
    space : Space
        The subject's voxels.
    file : str
        Name of the file that they are from.
    """
    return _masks("things", "Regions of this subject", space, places, _THINGS_GROUPS, file)


def text_regions(places: Mapping[str, IntArray], file: str) -> RegionMasks:
    """Seven networks of Schaefer's 1,000 parcels.

    Parameters
    ----------
    places : Mapping of str to ndarray of int
        Parcels of each network.
    file : str
        Name of the file that they are from.
    """
    groups = {"Networks": tuple(places)}
    return _masks("networks", "Networks", SCHAEFER1000, places, groups, file)


def _masks(
    name: str,
    title: str,
    space: Space,
    places: Mapping[str, IntArray],
    groups: Mapping[str, tuple[str, ...]],
    file: str,
    words: Mapping[str, str] | None = None,
) -> RegionMasks:
    """Regions that have a place, in the order of the headings."""
    held = {region: own for region, own in places.items() if len(own)}
    grouped = {
        heading: tuple(region for region in regions if region in held)
        for heading, regions in groups.items()
    }
    named = {region for regions in grouped.values() for region in regions}
    grouped[_OTHERS] = tuple(region for region in held if region not in named)
    grouped = {heading: regions for heading, regions in grouped.items() if regions}
    in_order = [region for regions in grouped.values() for region in regions]
    is_volume = space.kind == "volume"
    sides = {
        region: _SIDE_OF_LETTER[region[0]]
        for region in in_order
        if is_volume and _SIDED.fullmatch(region)
    }
    return RegionMasks(
        name=name,
        title=title,
        space=space,
        places={region: held[region] for region in in_order},
        groups=grouped,
        citation=f"Regions of interest in {file}.",
        descriptions={region: text for region, text in (words or {}).items() if region in held},
        sides=sides,
    )
