"""From a response, or a map of a model's files, to the message of the viewer for its space; pure.

The space decides, never the model: a volume goes to the three planes, everything else to the
cortex.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from components.brain import pack_view
from components.brain.own_labels import own_labels
from components.message import PREDICTION_WORDS
from components.volume import pack_volume
from models.analysis import roi
from models.atlases import Atlas, Regions, load_atlas
from models.catalog import ModelCard
from models.drawing.drawn import PARCEL_ATLAS, drawn_places, drawn_space, to_drawn
from models.encoders.base import Overlay
from models.spaces import get_space, list_spaces
from models.types import Provenance, Response, Space
from models.voxel_grid import VoxelGrid

__all__ = [
    "can_draw",
    "drawn_response",
    "mesh_space",
    "one_row",
    "overlay_response",
    "own_place",
    "pack",
    "pack_overlay",
]

#: Regions of one frame that the text equivalent names.
MOST_NAMED = 6

#: What viewers say of a map that is no prediction.
OVERLAY_WORDS = {
    "missing": "no value",
    "closing": "This map comes with the model's files; it is not a prediction.",
    "kind": "from the model's files, not a prediction",
}


def mesh_space(space: str, is_full: bool) -> str:
    """Space whose mesh shows a space."""
    return drawn_space(space, is_full)


def can_draw(space: str) -> bool:
    """Whether a viewer can show a space: voxels, or what has a mesh here."""
    return get_space(space).kind == "volume" or drawn_space(space) in list_spaces()


def drawn_response(response: Response) -> Response:
    """Part of a response that a picture of the packaged meshes shows."""
    return to_drawn(response, drawn_space(response.space.name))


def one_row(response: Response, row: int) -> Response:
    """Return one row of a response by itself: a mesh of all rows of parcels would be large."""
    labels = response.row_labels[row : row + 1]
    return replace(response, values=response.values[row : row + 1], row_labels=labels)


def own_place(space: str, vertex: int, is_full: bool) -> int | None:
    """Place of the response's space that a drawn vertex shows; None for one that shows none."""
    places = drawn_places(space, drawn_space(space, is_full))
    place = int(places[vertex]) if vertex < len(places) else -1
    return place if place >= 0 else None


def pack(
    response: Response,
    regions: Regions,
    grid: VoxelGrid | None,
    *,
    mesh_url: str,
    chosen: Sequence[str],
    is_full: bool = False,
    fallback_url: str = "",
    **more: Any,
) -> bytes:
    """Message of one response.

    Parameters
    ----------
    response : Response
    regions : Regions
        Of the response's space.
    grid : VoxelGrid or None
        Where voxels lie; needed for a volume.
    mesh_url : str
        Relative URL of the mesh; unused for a volume.
    chosen : sequence of str
        Regions to outline; empty means all.
    is_full : bool
        Draw every vertex; see :func:`models.drawing.drawn.drawn_space`.
    fallback_url : str
        Picture for browsers without WebGL; unused for a volume, which needs none.
    more
        What both viewers take.
    """
    words = more.setdefault("words", PREDICTION_WORDS)
    if response.space.kind == "volume":
        assert grid is not None  # a volume comes with its grid
        return pack_volume(response, grid, regions, outlined=chosen, **more)
    drawn = drawn_space(response.space.name, is_full)
    if response.space.name in PARCEL_ATLAS:
        return _pack_parcels(response, regions, mesh_url, chosen, fallback_url, **more)
    if isinstance(regions, Atlas) and regions.space.name == drawn:
        more["atlas"] = regions
    else:
        places = drawn_places(response.space.name, drawn)
        more["own_labels"] = own_labels(regions, places, chosen)
        more["summary"] = _summary(response, regions)
    if drawn != response.space.name:
        more["footer"] = _footer(response, f"{response.space.name} drawn on {drawn}", words["kind"])
    return pack_view(
        to_drawn(response, drawn),
        mesh_url=mesh_url,
        regions=chosen,
        fallback_url=fallback_url,
        **more,
    )


def _pack_parcels(
    response: Response,
    regions: Regions,
    mesh_url: str,
    chosen: Sequence[str],
    fallback_url: str,
    **more: Any,
) -> bytes:
    """Message of a response over parcels; the mesh file knows which vertex is of which parcel."""
    drawn, name = PARCEL_ATLAS[response.space.name]
    atlas, mesh = load_atlas(response.space.name, name), get_space(drawn)
    if chosen:
        places = np.flatnonzero(np.any([regions.mask(region) for region in chosen], axis=0))
    else:
        places = response.column_indices
    return pack_view(
        response,
        mesh_url=mesh_url,
        mesh_vertices=(mesh.n_left, mesh.n_right),
        mesh_space=drawn,
        atlas=atlas,
        regions=[atlas.names[label - 1] for label in np.unique(atlas.labels[places])],
        fallback_url=fallback_url,
        **more,
    )


def overlay_response(overlay: Overlay, card: ModelCard, subject: str, space: Space) -> Response:
    """One row with the values of a map, labelled so that nobody takes it for a prediction."""
    return Response(
        values=overlay.values[None],
        space=space,
        row_labels=(overlay.title,),
        units=overlay.units,
        is_signed=overlay.is_signed,
        provenance=Provenance(
            model_id=card.id,
            model_title=card.title,
            version=card.version,
            weights_sha256="",
            subject=subject,
            caveat=f"{overlay.description} Source: {overlay.source}.",
            badge=f"{overlay.title} - not a prediction",
            citation=card.citation,
            licence=card.licence,
        ),
    )


def pack_overlay(
    overlay: Overlay,
    response: Response,
    regions: Regions,
    grid: VoxelGrid | None,
    **more: Any,
) -> bytes:
    """Message of one map; ``response`` is that of :func:`overlay_response`."""
    return pack(
        response,
        regions,
        grid,
        words=OVERLAY_WORDS,
        colormap=overlay.colormap,
        limit=overlay.maximum,
        **more,
    )


def _footer(response: Response, place: str, kind: str) -> str:
    """Line under the brain."""
    origin = response.provenance
    return " · ".join((origin.model_title, origin.subject, place, response.units, kind))


def _summary(response: Response, regions: Regions) -> dict[str, Any]:
    """Strongest regions of each row, from all places; as the viewers' text equivalent wants it."""
    table = roi.region_table(response, regions, row=None)
    n_lines = len(table) // max(response.n_rows, 1)
    means = np.array([line.mean for line in table]).reshape(response.n_rows, n_lines)
    size = np.where(np.isnan(means), -1.0, np.abs(means))
    rows = [
        [
            [int(line), float(f"{means[row, line]:.3g}")]
            for line in np.argsort(-size[row], kind="stable")[:MOST_NAMED]
            if size[row, line] >= 0
        ]
        for row in range(response.n_rows)
    ]
    return {"names": [line.name for line in table[:n_lines]], "rows": rows}
