"""Which mesh a response is drawn on, and which of its places are drawn there.

Full fsaverage has no mesh in the installed packages. The first 10,242 vertices of each of its
hemispheres are those of fsaverage5, so its responses are drawn there: every drawn vertex shows its
own value, nothing is averaged. Parcels of an atlas are drawn on the mesh of the atlas: every vertex
shows the value of its parcel; those of a volume (Schaefer's) where
:mod:`models.drawing.parcels` puts them. Numbers are never read off what is drawn.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from models.atlases import load_atlas
from models.drawing.parcels import parcel_volume, vertex_parcels
from models.errors import SpaceMismatchError
from models.spaces import FSAVERAGE, FSAVERAGE5, FSLR32K, MMP360, get_space
from models.types import IntArray, Response

__all__ = ["PARCEL_ATLAS", "drawn_places", "drawn_space", "to_drawn"]

#: Spaces of parcels that can be drawn -> mesh and atlas that has them, numbered the same way.
PARCEL_ATLAS = {MMP360.name: (FSLR32K.name, "mmp")}


def drawn_space(space: str, is_full: bool = False) -> str:
    """Name of the space whose mesh shows a space.

    Parameters
    ----------
    space : str
        Name of the response's space.
    is_full : bool
        Draw every vertex of full fsaverage; its meshes must have been added.
    """
    if space in PARCEL_ATLAS:
        return PARCEL_ATLAS[space][0]
    if parcel_volume(space) is not None:
        return FSAVERAGE5.name
    return FSAVERAGE5.name if space == FSAVERAGE.name and not is_full else space


@lru_cache(maxsize=4)
def drawn_places(space: str, drawn: str) -> IntArray:
    """Place of a space that each place of the drawn mesh shows; cached.

    Returns
    -------
    ndarray of shape (n_drawn,), int64
        A vertex, or a parcel; -1 for a vertex outside every parcel. Read-only.

    Raises
    ------
    SpaceMismatchError
        A space is unknown, or one is not drawn on the other.
    """
    whole, part = get_space(space), get_space(drawn)
    places: IntArray
    if whole is part:
        places = np.arange(whole.n_places)
    elif (whole, part) == (FSAVERAGE, FSAVERAGE5):
        places = np.concatenate([np.arange(part.n_left), whole.n_left + np.arange(part.n_right)])
    elif PARCEL_ATLAS.get(space, ("",))[0] == drawn:
        labels = load_atlas(*PARCEL_ATLAS[space]).labels.astype(np.int64)
        places = labels - 1
        is_right = np.arange(part.n_places) >= part.n_left
        places[(labels > 0) & is_right] += whole.n_left
    elif (path := parcel_volume(space)) is not None and drawn == FSAVERAGE5.name:
        places = vertex_parcels(path, space, drawn)
    else:
        raise SpaceMismatchError(f"{space} is not drawn on {drawn}.")
    places.flags.writeable = False
    return places


def to_drawn(response: Response, drawn: str) -> Response:
    """Return the part of a response that is drawn.

    Parameters
    ----------
    response : Response
    drawn : str
        From :func:`drawn_space`.

    Returns
    -------
    Response
        The same object where the response's own mesh is drawn, else one in the drawn space.

    Raises
    ------
    SpaceMismatchError
        The response is not drawn there.
    """
    if response.space.name == drawn:
        return response
    wanted = drawn_places(response.space.name, drawn)
    held = response.column_indices
    column = np.searchsorted(held, wanted)
    is_held = np.zeros(len(wanted), bool)
    inside = column < len(held)
    is_held[inside] = held[column[inside]] == wanted[inside]
    return replace(
        response,
        values=response.values[:, column[is_held]],
        space=get_space(drawn),
        columns=np.flatnonzero(is_held),
    )
