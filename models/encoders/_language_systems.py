"""Five systems that respond to speech and language: where they are and what drives them.

The sources fix which features drive a system and in which order systems respond; the numbers are
set by hand to illustrate that. They are no estimates and have no error bars.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np

from models.atlases import RegionMasks, load_atlas
from models.encoders._word_features import (
    CANONICAL_PEAK_S,
    FEATURES,
    FUNCTION_WORDS,
    LIST_SHARE,
    LONGEST_SENTENCE,
    RATE_WINDOW_S,
    SENTENCE_GAP_S,
    STEP_S,
)
from models.spaces import MMP360
from models.types import FloatArray, IntArray

__all__ = [
    "SYSTEMS",
    "System",
    "language_regions",
    "loadings",
    "modelled_parcels",
    "systems_sha256",
]


@dataclass(frozen=True)
class System:
    """One system.

    Parameters
    ----------
    name : str
        Also a region that can be picked.
    description : str
        One sentence.
    areas : tuple of str
        MMP 1.0 areas, the same in both hemispheres.
    strengths : tuple of (str, float)
        Strength of each feature that drives it, in the left hemisphere.
    right_share : float
        Right over left.
    sources : str
        What fixes the direction.
    """

    name: str
    description: str
    areas: tuple[str, ...]
    strengths: tuple[tuple[str, float], ...]
    right_share: float
    sources: str


SYSTEMS = (
    System(
        "Auditory core and belt",
        "Early auditory cortex: follows how many words are heard, whatever they say.",
        ("A1", "LBelt", "MBelt", "PBelt", "RI", "A4"),
        (("speech", 0.2), ("rate", 0.8)),
        1.0,
        "Binder et al. 1994, Cogn Brain Res 2:31-38; Dhankhar et al. 1997, J Neurophysiol "
        "77:476-483",
    ),
    System(
        "Superior temporal (speech)",
        "Superior temporal gyrus and sulcus: speech that can be understood, in sentences more.",
        ("A5", "STSda", "STSdp", "TA2", "STGa"),
        (("speech", 0.3), ("rate", 0.3), ("content", 0.05), ("structure", 0.35)),
        0.8,
        "Scott et al. 2000, Brain 123:2400-2406; Okada et al. 2010, Cereb Cortex 20:2486-2495",
    ),
    System(
        "Language network (temporal)",
        "Temporal part of the language network: longer sentences more than short ones, and these "
        "more than lists of words; left more than right.",
        ("STSva", "STSvp", "TE1a", "TGd", "PSL", "TPOJ1"),
        (("speech", 0.1), ("rate", 0.25), ("content", 0.05), ("rarity", 0.05), ("structure", 0.55)),
        0.4,
        "Fedorenko et al. 2010, J Neurophysiol 104:1177-1194; Pallier, Devauchelle & Dehaene 2011, "
        "PNAS, doi:10.1073/pnas.1018711108; Lipkin et al. 2022, Sci Data 9:529",
    ),
    System(
        "Language network (frontal)",
        "Frontal part of the language network: as its temporal part, rare words a little more.",
        ("44", "45", "47l", "IFSp", "55b", "SFL"),
        (("speech", 0.1), ("rate", 0.2), ("content", 0.05), ("rarity", 0.1), ("structure", 0.55)),
        0.35,
        "Fedorenko et al. 2010, J Neurophysiol 104:1177-1194; Pallier, Devauchelle & Dehaene 2011, "
        "PNAS, doi:10.1073/pnas.1018711108; Lipkin et al. 2022, Sci Data 9:529",
    ),
    System(
        "Default network (narrative)",
        "Default network: a little less with any speech, more the longer a coherent text goes on. "
        "The weakest evidence of the five.",
        ("PGi", "PGs", "7m", "POS1", "31pv", "v23ab", "d23ab", "9m", "10r", "8BL"),
        (("speech", -0.15), ("discourse", 0.6)),
        0.9,
        "Hasson et al. 2008, J Neurosci 28:2539-2550; Lerner et al. 2011, J Neurosci "
        "31:2906-2915; Simony et al. 2016, Nat Commun 7:12141",
    ),
)


@lru_cache(maxsize=1)
def modelled_parcels() -> IntArray:
    """Parcels of ``mmp360`` that belong to a system, rising; read-only; cached.

    Returns
    -------
    ndarray of shape (66,), int
    """
    parcels = np.flatnonzero(_system_of_parcel() >= 0)
    parcels.flags.writeable = False
    return parcels


def _system_of_parcel() -> IntArray:
    """Say of each of the 360 parcels which system it belongs to; -1 for none."""
    names = load_atlas(MMP360.name, "mmp").names
    number = np.full(MMP360.n_places, -1)
    for index, system in enumerate(SYSTEMS):
        left = [names.index(area) for area in system.areas]
        number[left] = index
        number[[MMP360.n_left + place for place in left]] = index
    return number


def loadings(structure_strength: float = 1.0, right_share: float = 1.0) -> FloatArray:
    """Strength of each feature in each modelled parcel.

    Parameters
    ----------
    structure_strength : float
        Factor on the strengths of sentence structure.
    right_share : float
        Factor on the right hemisphere's share of every system.

    Returns
    -------
    ndarray of shape (6, 66), float64
        Features in the order of ``FEATURES``, parcels as :func:`modelled_parcels`.
    """
    table = np.array(
        [[dict(system.strengths).get(name, 0.0) for system in SYSTEMS] for name in FEATURES]
    )
    table[FEATURES.index("structure")] *= structure_strength
    parcels = modelled_parcels()
    systems = _system_of_parcel()[parcels]
    share = np.array([system.right_share for system in SYSTEMS])[systems] * right_share
    return table[:, systems] * np.where(parcels >= MMP360.n_left, share, 1.0)


@lru_cache(maxsize=1)
def language_regions() -> RegionMasks:
    """Five systems and their 33 areas, in both hemispheres; cached."""
    atlas = load_atlas(MMP360.name, "mmp")
    places = {
        system.name: np.concatenate([np.flatnonzero(atlas.mask(area)) for area in system.areas])
        for system in SYSTEMS
    }
    places |= {
        area: np.flatnonzero(atlas.mask(area)) for system in SYSTEMS for area in system.areas
    }
    descriptions = {system.name: f"{system.description} {system.sources}." for system in SYSTEMS}
    areas = {area for system in SYSTEMS for area in system.areas}
    return RegionMasks(
        name="mmp",
        title="Systems of the language reference model",
        space=MMP360,
        places=places,
        groups={
            "Systems": tuple(system.name for system in SYSTEMS),
            **{f"Areas: {system.name}": system.areas for system in SYSTEMS},
        },
        citation=atlas.citation,
        descriptions=descriptions
        | {area: text for area, text in atlas.descriptions.items() if area in areas},
    )


def systems_sha256() -> str:
    """Hash of every number and list that shapes an answer, in hexadecimal."""
    table = {
        "systems": [asdict(system) for system in SYSTEMS],
        "features": FEATURES,
        "function_words": sorted(FUNCTION_WORDS),
        "sentences": [SENTENCE_GAP_S, LIST_SHARE, LONGEST_SENTENCE],
        "rate_window_s": RATE_WINDOW_S,
        "response": [STEP_S, CANONICAL_PEAK_S, 6, 16, 0.167],
    }
    return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()
