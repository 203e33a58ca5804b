"""Which models can answer here: told from which files exist, without reading them.

Looked at again after a second, or at once after :func:`forget`; never asks the network. The
embedded models need no look at all.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from models.catalog import ModelCard
from models.errors import BoldcastError
from models.weights import files, plans
from models.weights.locations import berg_home

__all__ = ["Readiness", "forget", "readiness_of", "variants_of"]

_FRESH_S = 1.0
_LOCK = threading.Lock()
_KNOWN: dict[str, tuple[float, Readiness]] = {}


@dataclass(frozen=True)
class Readiness:
    """Whose brains a model can predict here.

    Parameters
    ----------
    subjects : tuple of str
        Ids whose files are all here, in the card's order.
    missing_bytes : Mapping of str to int
        The other subjects, and about how much each needs.
    stamp : int
        Changes whenever files come or go.
    variants : tuple of str
        Those whose files are all here for one subject at least, the default first; of a model
        that has variants.
    problem : str
        Why the files cannot even be looked for; usually empty.
    """

    subjects: tuple[str, ...]
    missing_bytes: Mapping[str, int] = field(default_factory=dict)
    stamp: int = 0
    problem: str = ""
    variants: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether at least one subject is."""
        return bool(self.subjects)

    def reason(self, subject: str = "") -> str:
        """Why a subject, or the whole model, cannot be chosen; empty where it can."""
        if subject in self.subjects or (not subject and self.is_ready):
            return ""
        if self.problem:
            return self.problem
        needed = self.missing_bytes.values() if not subject else [self.missing_bytes[subject]]
        return f"needs about {_about(min(needed))}"


def readiness_of(card: ModelCard) -> Readiness:
    """Look at a model's files; at most once a second."""
    if card.is_embedded:
        return Readiness(tuple(subject for subject, _ in card.subjects))
    now = time.monotonic()
    with _LOCK:
        seen, known = _KNOWN.get(card.id, (0.0, None))
        if known is None or now - seen > _FRESH_S:
            known = _look(card)
            _KNOWN[card.id] = (now, known)
        return known


def forget() -> None:
    """Look again at the next question: files were fetched or removed."""
    with _LOCK:
        _KNOWN.clear()


def _about(n_bytes: float) -> str:
    """Two digits of a size: the sizes before a fetch are told from published shapes."""
    unit, scale = next((u for u in (("GB", 1e9), ("MB", 1e6)) if n_bytes >= u[1]), ("kB", 1e3))
    return f"{float(f'{n_bytes / scale:.2g}'):g} {unit}"


def _look(card: ModelCard) -> Readiness:
    """Ask for each subject on its own, and for each variant that may be here."""
    stamp = zlib.crc32(str(berg_home()).encode())
    missing: dict[str, int] = {}
    ready: dict[str, None] = {}
    complete: dict[str, None] = {}
    try:
        for variant in variants_of(card) or ("",):
            for subject, _ in card.subjects:
                state = files.state(card, subject, variant=variant)
                stamp = stamp * 31 + state.present_bytes + state.is_ready
                missing.setdefault(subject, state.missing_bytes)  # of the default variant
                if state.is_ready:
                    ready[subject] = complete[variant] = None
    except (BoldcastError, OSError) as error:
        return Readiness((), {}, 0, f"its files cannot be looked for: {error}")
    subjects = tuple(subject for subject, _ in card.subjects if subject in ready)
    for subject in subjects:
        del missing[subject]
    variants = tuple(complete) if variants_of(card) else ()
    return Readiness(subjects, missing, stamp & 0xFFFFFFFFFFFF, variants=variants)


def variants_of(card: ModelCard) -> tuple[str, ...]:
    """Variants of a model that are known without a network, the default first; () for none."""
    return plans.known_variants() if card.id == plans.TEXT else ()
