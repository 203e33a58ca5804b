"""Masks of zeros and ones, as BERG's selections use them."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.errors import SelectionError
from models.types import IntArray

__all__ = ["mask_indices"]


def mask_indices(mask: Any, n_places: int, name: str = "voxel_index") -> IntArray:
    """Places where a mask is 1.

    Parameters
    ----------
    mask : array_like of shape (n_places,)
        Zeros and ones, or booleans; list or array.
    n_places : int
    name : str
        What the caller calls it, for the message.

    Returns
    -------
    ndarray of shape (n_chosen,), int
        Rising; at least one.

    Raises
    ------
    SelectionError
        Another length, another value, or no 1 in it.
    """
    try:
        array = np.asarray(mask)
    except ValueError as problem:  # rows of different lengths
        raise SelectionError(f"{name} is one row of {n_places:,} zeros and ones.") from problem
    if array.shape != (n_places,):
        raise SelectionError(
            f"{name} is one row of {n_places:,} zeros and ones; got shape {array.shape}."
        )
    if array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        raise SelectionError(f"{name} holds something else than zeros and ones.")
    chosen: IntArray = np.flatnonzero(array)
    if not chosen.size:
        raise SelectionError(f"{name} has no 1 in it: nothing is selected.")
    return chosen
