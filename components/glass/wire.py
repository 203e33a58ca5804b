"""Projected response -> one binary message for the browser; pure.

Container and shared parts: :mod:`components.message`, with the whole payload as one zlib stream:
neighbouring cells are alike, so frames shrink to less than half. Unpacked it holds the codes of
all frames, then for each view the numbers of its cells (u32), then the coordinates of the linked
places (i16), and for places with names (parcels) which of them lie behind each cell (u16), how
many (u16), their own codes, and the named place of each linked one (u16). ``decode_glass`` is the
twin of ``frontend/sequence.js``.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from components.message import (
    PREDICTION_WORDS,
    Sections,
    assemble,
    decode_message,
    encode_values,
    value_header,
)
from models.drawing.drawn import drawn_places
from models.drawing.glass import GlassSequence, GlassView
from models.errors import SpaceMismatchError
from models.spaces import ANATOMICAL_SHAPE, load_mesh
from models.types import IntArray, Response, UInt8Array
from models.voxel_grid import VoxelGrid

__all__ = ["decode_glass", "pack_projections"]

#: Higher levels take ten times as long and save a tenth.
_ZLIB_LEVEL = 1
_TENTHS = 10  # of a mm in linked coordinates
_MOST_NAMED = 2**16 - 1
_NO_PLACE = 2**16 - 1

_CLAIM = (
    "Each cell shows the value of largest size along the line of sight, with its sign; depth is "
    "lost."
)


def pack_projections(
    response: Response,
    sequence: GlassSequence,
    *,
    linked: str | VoxelGrid | None = None,
    names: Sequence[str] = (),
    thumbnails: Sequence[UInt8Array] | None = None,
    frame_rate_hz: float = 2.0,
    limit: float | None = None,
    colormap: str = "",
    footer: str = "",
    words: Mapping[str, str] = PREDICTION_WORDS,
    options: Mapping[str, Any] | None = None,
) -> bytes:
    """Pack a projected response.

    Parameters
    ----------
    response : Response
        What was projected.
    sequence : GlassSequence
    linked : str or VoxelGrid, optional
        Whose places other views of the page name when they are pointed at: mesh of the cortex
        (``"fsaverage5"``), or grid of the volume viewer. They are ringed. A mesh on which places
        with names are drawn is pointed at, too.
    names : sequence of str
        One a place of the response's space, for parcels: pointing at a cell then names the one
        whose value is seen.
    thumbnails, frame_rate_hz, limit, colormap, footer, words, options
        As in :func:`components.brain.wire.pack_response`.

    Returns
    -------
    bytes

    Raises
    ------
    SpaceMismatchError
        The sequence has another number of frames than the response, not every place has a name,
        or the places are not drawn on the linked mesh.
    """
    if sequence.n_frames != response.n_rows:
        raise SpaceMismatchError(
            f"{sequence.n_frames} projected frames of a response of {response.n_rows} rows."
        )
    header: dict[str, Any] = {
        "version": 1,
        "kind": "glass",
        "space": response.space.name,
        "n_left": sequence.codes.shape[1],
        "n_right": 0,
        **value_header(
            response,
            response.values,
            space_name=response.space.name,
            encoding="u8",
            frame_rate_hz=frame_rate_hz,
            limit=limit,
            colormap=colormap,
            footer=footer,
            words=words,
            low_confidence=(),
            regions=(),
        ),
        "minimum": sequence.minimum,
        "maximum": sequence.maximum,
        "is_mm": sequence.views[0].across[0] in "xyz",
        "claim": _CLAIM,
        "note": sequence.basis,
    }
    sections = Sections()
    sections.add(sequence.codes.tobytes())
    header["views"] = [
        {**_view(view), "cells": sections.add(view.cells.astype("<u4").tobytes())}
        for view in sequence.views
    ]
    if linked is not None:
        header["marks"] = _add_linked(linked, sections)
    if names:
        header["names"] = list(names)
        header["behind"] = _add_names(response, sequence, names, sections)
        if isinstance(linked, str):
            header["marks"]["named"] = _add_owners(response, linked, sections)
    if thumbnails is not None:
        header["thumbnails"] = sections.add_sprite(thumbnails, response.n_rows)
    header.update(options or {})
    return assemble(header, zlib.compress(sections.payload(), _ZLIB_LEVEL))


def _view(view: GlassView) -> dict[str, Any]:
    """Header entry of one view."""
    return {
        "name": view.name,
        "title": view.title,
        "left": view.left,
        "right": view.right,
        "width": view.width,
        "height": view.height,
        "across": list(view.across),
        "up": list(view.up),
        "strokes": [
            {"path": stroke.svg(), "color": stroke.colour, "width": round(stroke.width_pt, 2)}
            for stroke in view.strokes
        ],
    }


def _add_linked(linked: str | VoxelGrid, sections: Sections) -> dict[str, Any]:
    """Coordinates of linked places; say where they are and what they mean."""
    if isinstance(linked, VoxelGrid):
        place = sections.add(linked.places.astype("<i2").tobytes())
        return {**place, "scale": 1, "axes": "ijk", "n_left": linked.n_places}
    mesh = load_mesh(linked, ANATOMICAL_SHAPE[linked])
    positions = np.concatenate([mesh.left.positions, mesh.right.positions])
    place = sections.add(np.rint(positions * _TENTHS).astype("<i2").tobytes())
    return {**place, "scale": 1 / _TENTHS, "axes": "xyz", "n_left": mesh.left.n_vertices}


def _add_names(
    response: Response, sequence: GlassSequence, names: Sequence[str], sections: Sections
) -> dict[str, Any]:
    """Which named places lie behind each cell, and their codes; say where these are."""
    n_places = response.space.n_places
    if len(names) != n_places or sequence.rays is None or n_places > _MOST_NAMED:
        raise SpaceMismatchError(
            f"{len(names):,} names for {n_places:,} places of {response.space.name}; at most "
            f"{_MOST_NAMED:,} places can have names."
        )
    columns, counts = sequence.rays.by_cell()
    codes = encode_values(response.dense(), "u8", sequence.minimum, sequence.maximum)
    return {
        "n_places": n_places,
        "columns": sections.add(columns.astype("<u2").tobytes()),
        "counts": sections.add(counts.astype("<u2").tobytes()),
        "codes": sections.add(codes),
    }


def _add_owners(response: Response, mesh: str, sections: Sections) -> dict[str, int]:
    """Parcel that each vertex of the linked mesh is of; say where they are."""
    places = drawn_places(response.space.name, mesh)
    return sections.add(np.where(places < 0, _NO_PLACE, places).astype("<u2").tobytes())


def decode_glass(message: bytes) -> tuple[dict[str, Any], UInt8Array, list[IntArray]]:
    """Header, codes and cells of a message.

    Returns
    -------
    header : dict
    codes : ndarray of shape (n_frames, n_cells), uint8
    cells : list of ndarray of shape (n_cells of a view,), uint32
    """
    header, packed = decode_message(message)
    payload = zlib.decompress(packed)
    shape = (header["n_frames"], header["n_left"])
    codes = np.frombuffer(payload, np.uint8, shape[0] * shape[1]).reshape(shape)
    cells = [
        np.frombuffer(payload, "<u4", view["cells"]["length"] // 4, view["cells"]["offset"])
        for view in header["views"]
    ]
    return header, codes, cells
