"""Response over voxels -> one binary message for the browser; pure.

Container and shared parts: :mod:`components.message`. Values travel for the response's columns
only; where these and all other voxels lie travels once, as runs: pairs of u32 (first, length) of
consecutive numbers. Cells of the grid are numbered along the axis order that needs fewer runs;
``strides`` says which. ``decode_voxels`` is the twin of ``frontend/grid.js``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

import numpy as np

from components.message import (
    PREDICTION_WORDS,
    Encoding,
    Sections,
    assemble,
    decode_message,
    encode_values,
    value_header,
)
from models.errors import SpaceMismatchError
from models.types import BoolArray, IntArray, Response, UInt8Array
from models.voxel_grid import VoxelGrid

__all__ = ["RegionsLike", "decode_runs", "decode_voxels", "encode_runs", "pack_voxels"]

_CUBES = "The size of a voxel is not stated either; each is drawn as a cube."
_INFERRED = "Voxel indices only, no common space; directions inferred."
_UNKNOWN = "Voxel indices only, no common space; directions unknown."


class RegionsLike(Protocol):
    """What is needed of regions; they may overlap."""

    @property
    def names(self) -> Sequence[str]:
        """Region names."""

    def mask(self, region: str, /) -> BoolArray:
        """Places that belong to a region, (n_places,)."""


def pack_voxels(
    response: Response,
    grid: VoxelGrid,
    regions: RegionsLike | None = None,
    *,
    outlined: Sequence[str] = (),
    low_confidence: Sequence[str] = (),
    thumbnails: Sequence[UInt8Array] | None = None,
    encoding: Encoding = "u8",
    frame_rate_hz: float = 2.0,
    limit: float | None = None,
    colormap: str = "",
    footer: str = "",
    words: Mapping[str, str] = PREDICTION_WORDS,
    options: Mapping[str, Any] | None = None,
) -> bytes:
    """Pack all frames of a response over voxels.

    Parameters
    ----------
    response : Response
        Of a space with as many places as the grid; columns that it lacks are "not modelled".
    grid : VoxelGrid
    regions : RegionsLike, optional
        Regions named on hover, outlined and summed up in words.
    outlined : sequence of str
        Regions to outline; empty means all.
    low_confidence, thumbnails, encoding, frame_rate_hz, limit, colormap, footer, words, options
        As in :func:`components.brain.wire.pack_response`.

    Returns
    -------
    bytes

    Raises
    ------
    SpaceMismatchError
        Grid and response have different numbers of places.
    ValueError
        Thumbnails do not match the rows, or a value is too large for f16.
    """
    if grid.n_places != response.space.n_places:
        raise SpaceMismatchError(
            f"A grid of {grid.n_places:,} voxels for {response.space.n_places:,} places of "
            f"{response.space.name}."
        )
    values = response.values
    header: dict[str, Any] = {
        "version": 1,
        "kind": "voxels",
        "space": response.space.name,
        "n_left": values.shape[1],
        "n_right": 0,
        **value_header(
            response,
            values,
            space_name=response.space.name,
            encoding=encoding,
            frame_rate_hz=frame_rate_hz,
            limit=limit,
            colormap=colormap,
            footer=footer,
            words=words,
            low_confidence=low_confidence,
            regions=outlined,
        ),
        **_geometry(grid),
        "start": _strongest(response, grid),
    }
    sections = Sections()
    sections.add(encode_values(values, encoding, header["minimum"], header["maximum"]))
    cells = grid.places.astype(np.int64) @ np.array(header["strides"])
    header["cells"] = sections.add(encode_runs(cells))
    header["columns"] = sections.add(encode_runs(response.column_indices))
    masks = {name: regions.mask(name) for name in regions.names} if regions else {}
    header["masks"] = [
        {"name": name, **sections.add(encode_runs(np.flatnonzero(mask)))}
        for name, mask in masks.items()
    ]
    header["summary"] = _region_means(response, masks)
    if thumbnails is not None:
        header["thumbnails"] = sections.add_sprite(thumbnails, response.n_rows)
    header.update(options or {})
    return assemble(header, sections.payload())


def _geometry(grid: VoxelGrid) -> dict[str, Any]:
    """Header entries of the grid: where cells are, how it is cut, what that rests on."""
    n_i, n_j, n_k = grid.shape
    orders = ([n_j * n_k, n_k, 1], [1, n_i, n_i * n_j])
    places = grid.places.astype(np.int64)
    strides = min(orders, key=lambda order: _run_starts(places @ np.array(order)).size)
    box = np.zeros((2, 3), int)
    if grid.n_places:
        box = np.stack([places.min(axis=0), places.max(axis=0)])
    return {
        "shape": list(grid.shape),
        "strides": strides,
        "box": box.T.tolist(),
        "planes": [asdict(plane) for plane in grid.planes()],
        "claim": _INFERRED if grid.axes else _UNKNOWN,
        "note": f"{grid.basis} {_CUBES}",
    }


def _strongest(response: Response, grid: VoxelGrid) -> list[int]:
    """Cell to look at first: the largest |value| of the first frame, else the middle voxel."""
    if not grid.n_places:
        return [0, 0, 0]
    place = grid.n_places // 2
    if response.values.size:
        size = np.abs(response.values[0])
        size[~np.isfinite(size)] = -1.0
        if size.max() >= 0:
            place = int(response.column_indices[size.argmax()])
    cell: list[int] = grid.places[place].tolist()
    return cell


def _region_means(
    response: Response, masks: Mapping[str, BoolArray], n_strongest: int = 6
) -> dict[str, Any]:
    """Mean of every region in every frame, the strongest first, for the text equivalent."""
    names, means = [], []
    for name, mask in masks.items():
        inside = response.values[:, mask[response.column_indices]].astype(np.float64)
        count = np.isfinite(inside).sum(axis=1)
        total = np.where(np.isfinite(inside), inside, 0.0).sum(axis=1)
        names.append(name)
        means.append(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    rows = []
    for frame in np.array(means).reshape(len(names), response.n_rows).T:
        order = np.argsort(-np.nan_to_num(np.abs(frame)), kind="stable")
        strongest = [int(i) for i in order if np.isfinite(frame[i])][:n_strongest]
        rows.append([[i, float(f"{frame[i]:.3g}")] for i in strongest])
    return {"names": names, "rows": rows}


def _run_starts(numbers: IntArray) -> IntArray:
    """Positions where a number is not one more than the number before."""
    starts: IntArray = np.flatnonzero(np.diff(numbers, prepend=-2) != 1)
    return starts


def encode_runs(numbers: IntArray) -> bytes:
    """Write whole numbers as pairs of u32: first number and length of each rising run.

    Parameters
    ----------
    numbers : ndarray of shape (n,), int
        Not negative, in any order.
    """
    starts = _run_starts(numbers)
    lengths = np.diff(starts, append=len(numbers))
    encoded: bytes = np.stack([numbers[starts], lengths], axis=1).astype("<u4").tobytes()
    return encoded


def decode_runs(content: bytes) -> IntArray:
    """Numbers that :func:`encode_runs` wrote; (n,) int64."""
    pairs = np.frombuffer(content, "<u4").reshape(-1, 2).astype(np.int64)
    ends = np.cumsum(pairs[:, 1])
    offsets = np.repeat(pairs[:, 0] - (ends - pairs[:, 1]), pairs[:, 1])
    numbers: IntArray = offsets + np.arange(offsets.size)
    return numbers


def decode_voxels(message: bytes) -> tuple[IntArray, IntArray, dict[str, IntArray]]:
    """Where the voxels of a message lie.

    Returns
    -------
    places : ndarray of shape (n_places, 3), int64
        Index triple of each voxel.
    columns : ndarray of shape (n_columns,), int64
        Voxel of each value.
    regions : dict of str to ndarray of int64
        Voxels of each region.
    """
    header, payload = decode_message(message)

    def numbers(section: Mapping[str, int]) -> IntArray:
        start = section["offset"]
        return decode_runs(payload[start : start + section["length"]])

    cells = numbers(header["cells"])[:, None]
    places = cells // np.array(header["strides"]) % np.array(header["shape"])
    regions = {mask["name"]: numbers(mask) for mask in header["masks"]}
    return places, numbers(header["columns"]), regions
