"""Every pattern against every picture as a square of colours; the pointer shows both pictures.

Canvas2D in the browser: hovering, tapping and the arrow keys cost no rerun.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from components.mounting import check_key, entry_script, styles
from models.drawing.colormaps import DIVERGING, lut
from models.errors import SpaceMismatchError
from models.types import FloatArray, IntArray, UInt8Array

__all__ = ["MOST_CELLS", "Blocks", "block_means", "pack_matrix", "similarity_matrix"]

#: Cells a side; more pictures are shown in blocks of neighbours of one category.
MOST_CELLS = 100
THUMBNAIL_PX = 56
_TOP_CODE = 254


@dataclass(frozen=True, eq=False)
class Blocks:
    """Pictures in the order of their categories, joined where there are too many.

    Parameters
    ----------
    order : ndarray of shape (n_pictures,), int
        Picture at each place.
    starts : ndarray of shape (n_blocks,), int
        First place of each block; a block holds one category only.
    groups : tuple of (name, first block, first block behind)
        Categories.
    """

    order: IntArray
    starts: IntArray
    groups: tuple[tuple[str, int, int], ...]

    @classmethod
    def of(cls, categories: Sequence[str], most: int = MOST_CELLS) -> Blocks:
        """Order pictures by category, in the order in which these first appear.

        Parameters
        ----------
        categories : sequence of str
            One a picture.
        most : int
            Blocks, about: single pictures where there are no more than this.
        """
        names = list(dict.fromkeys(categories))
        members = [[i for i, one in enumerate(categories) if one == name] for name in names]
        size = -(-len(categories) // most)
        starts: list[int] = []
        groups: list[tuple[str, int, int]] = []
        place = 0
        for name, held in zip(names, members, strict=True):
            first = len(starts)
            starts += range(place, place + len(held), size)
            groups.append((name, first, len(starts)))
            place += len(held)
        order = np.array([index for held in members for index in held], np.int64)
        return cls(order, np.array(starts, np.int64), tuple(groups))

    @property
    def n_members(self) -> IntArray:
        """Pictures in each block."""
        counts: IntArray = np.diff(np.append(self.starts, len(self.order)))
        return counts


def block_means(scores: FloatArray, rows: IntArray, blocks: Blocks) -> FloatArray:
    """Mean similarity of each block of patterns with each block of pictures.

    Parameters
    ----------
    scores : ndarray of shape (n_patterns, n_pictures)
    rows : ndarray of shape (n_patterns,), int
        Picture that each pattern is of.
    blocks : Blocks

    Returns
    -------
    ndarray of shape (n_blocks, n_blocks), float64
        NaN in the row of a block without a pattern.
    """
    block_of = np.empty(len(blocks.order), np.int64)
    block_of[blocks.order] = np.repeat(np.arange(len(blocks.starts)), blocks.n_members)
    members = np.zeros((len(blocks.starts), len(scores)))
    members[block_of[rows], np.arange(len(scores))] = 1
    n_rows = members.sum(axis=1, keepdims=True)
    by_picture = np.add.reduceat(
        np.asarray(scores, np.float64)[:, blocks.order], blocks.starts, axis=1
    )
    sums = members @ (by_picture / blocks.n_members)
    return np.where(n_rows > 0, sums / np.maximum(n_rows, 1), np.nan)


def pack_matrix(
    scores: FloatArray,
    rows: IntArray,
    categories: Sequence[str],
    names: Sequence[str],
    thumbnails: Sequence[UInt8Array],
) -> dict[str, Any]:
    """Pack what :func:`similarity_matrix` draws; worth caching.

    Pictures without a pattern have a column and no row.

    Parameters
    ----------
    scores : ndarray of shape (n_patterns, n_pictures)
        Larger means more alike; signed.
    rows : ndarray of shape (n_patterns,), int
        Picture that each pattern is of.
    categories, names : sequence of str
        One a picture.
    thumbnails : sequence of ndarray of shape (height, width, 3), uint8
        One a picture.

    Raises
    ------
    SpaceMismatchError
        Numbers of pictures or patterns differ.
    """
    n_pictures = len(categories)
    if scores.shape != (len(rows), n_pictures) or {len(names), len(thumbnails)} != {n_pictures}:
        raise SpaceMismatchError(
            f"Scores {scores.shape} for {len(rows)} patterns, {n_pictures} categories, "
            f"{len(names)} names and {len(thumbnails)} thumbnails."
        )
    blocks = Blocks.of(categories)
    means = block_means(scores, rows, blocks)
    shown = np.flatnonzero(np.isfinite(means).any(axis=1))
    means = means[shown]
    limit = float(np.abs(means).max(initial=0.0)) or 1.0
    codes = np.rint((means / limit + 1) / 2 * _TOP_CODE).astype(np.uint8)
    first = blocks.order[blocks.starts]
    return {
        "n": len(blocks.starts),
        "rows": shown.tolist(),
        "codes": base64.b64encode(codes.tobytes()).decode(),
        "limit": limit,
        "lut": base64.b64encode(lut(DIVERGING[0]).tobytes()).decode(),
        "names": [names[index] for index in first],
        "members": blocks.n_members.tolist(),
        "groups": [list(group) for group in blocks.groups],
        "sprite": _sprite([thumbnails[index] for index in first]),
        "thumbnail_px": THUMBNAIL_PX,
    }


def similarity_matrix(packed: dict[str, Any], *, key: str) -> None:
    """Draw it.

    Parameters
    ----------
    packed : dict
        From :func:`pack_matrix`.
    key : str
        Letters, digits, "-" and "." only.

    Raises
    ------
    ValueError
        ``key`` has other characters.
    """
    check_key(key)
    _component(key)(data=packed, key=key)


@lru_cache(maxsize=8)
def _component(key: str) -> Any:
    """Register the browser side once a process."""
    return st.components.v2.component(
        f"boldcast_matrix_{key}",
        html='<div class="matrix"></div>',
        css=styles("matrix/frontend/matrix.css"),
        js=entry_script("matrix", key),
    )


def _sprite(pictures: Sequence[UInt8Array]) -> str:
    """JPEG strip of square thumbnails, side by side, inside a URL."""
    size = THUMBNAIL_PX
    strip = Image.new("RGB", (size * len(pictures), size), (128, 128, 128))
    for index, picture in enumerate(pictures):
        image = Image.fromarray(np.ascontiguousarray(picture)).convert("RGB")
        image.thumbnail((size, size), Image.Resampling.LANCZOS)
        left = index * size + (size - image.width) // 2
        strip.paste(image, (left, (size - image.height) // 2))
    buffer = io.BytesIO()
    strip.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
