"""Region labels that travel with a message, for regions that no mesh file knows.

Regions of one person overlap, so a label stands for a combination of regions: hovering names all
of them, and outlines run where the membership of the outlined ones changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.atlases import Regions
from models.types import IntArray

__all__ = ["OwnLabels", "own_labels"]


@dataclass(frozen=True, eq=False)
class OwnLabels:
    """One label a drawn place.

    Parameters
    ----------
    name : str
        Changes whenever labels or outlines do.
    names : tuple of str
        Words for label 1, 2 ...
    labels : ndarray of shape (n_drawn,), uint16
        0 = in no region.
    outlines : tuple of int
        For label 1, 2 ...: outlines run between places whose numbers differ. 0 = not outlined.
    """

    name: str
    names: tuple[str, ...]
    labels: IntArray
    outlines: tuple[int, ...]


def own_labels(regions: Regions, places: IntArray, outlined: Sequence[str] = ()) -> OwnLabels:
    """Label every drawn place by the regions that hold it.

    Parameters
    ----------
    regions : Regions
    places : ndarray of shape (n_drawn,), int
        Place of ``regions.space`` that each drawn place shows; -1 for none.
    outlined : sequence of str
        Regions to outline; empty means all.

    Returns
    -------
    OwnLabels
        A label's words name its regions, the smallest first: "V1v (early, nsdgeneral)".
    """
    if not regions.names:
        return OwnLabels("own-none", (), np.zeros(len(places), np.uint16), ())
    masks = [regions.mask(name) for name in regions.names]
    order = sorted(range(len(masks)), key=lambda index: int(masks[index].sum()))
    names = [regions.names[index] for index in order]
    held = np.zeros((len(places), len(names)), bool)
    for column, index in enumerate(order):
        held[:, column] = masks[index][places] & (places >= 0)
    patterns, label = np.unique(np.packbits(held, axis=1), axis=0, return_inverse=True)
    is_in = np.unpackbits(patterns, axis=1, count=len(names)).astype(bool)
    # The pattern of no region sorts first where it is there; labels then start at 0.
    first = 0 if len(is_in) and not is_in[0].any() else 1
    labels = (label.ravel() + first).astype(np.uint16)
    members = is_in[1 - first :]
    words = tuple(_words([n for n, own in zip(names, row, strict=True) if own]) for row in members)
    is_outlined = np.array([not outlined or name in outlined for name in names], bool)
    outlines = _numbers(members & is_outlined)
    digest = hashlib.blake2b(repr((words, outlines)).encode(), digest_size=8)
    digest.update(labels.tobytes())
    return OwnLabels(f"own-{digest.hexdigest()}", words, labels, outlines)


def _words(names: Sequence[str]) -> str:
    """Name the smallest region, and those that hold it too."""
    return names[0] if len(names) == 1 else f"{names[0]} ({', '.join(names[1:])})"


def _numbers(members: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> tuple[int, ...]:
    """Return one number for each different row; 0 for a row of nothing."""
    known: dict[bytes, int] = {bytes(members.shape[1]): 0}
    return tuple(known.setdefault(row.tobytes(), len(known)) for row in members)
