"""Response -> one binary message for the browser; pure.

Layout and shared parts: :mod:`components.message`. The payload holds the frames (frame-major, left
hemisphere first), then optional pictures. ``decode_message`` and ``decode_values`` are the twins
of ``shared/wire.js``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from components.brain.own_labels import OwnLabels
from components.message import (
    NAN_CODE,
    PREDICTION_WORDS,
    Encoding,
    Sections,
    assemble,
    decode_message,
    decode_values,
    encode_values,
    value_header,
)
from models.types import FloatArray, IntArray, Response, UInt8Array

__all__ = [
    "NAN_CODE",
    "PREDICTION_WORDS",
    "Labels",
    "decode_message",
    "decode_values",
    "pack_response",
    "strongest_regions",
]


class Labels(Protocol):
    """What is needed of an atlas: ``labels`` (n_places,), 0 = none, k = ``names[k - 1]``."""

    @property
    def name(self) -> str:
        """Key of the atlas in the mesh file."""

    @property
    def names(self) -> Sequence[str]:
        """Regions, without hemisphere."""

    @property
    def labels(self) -> IntArray:
        """One a place of the response's space."""


def pack_response(
    response: Response,
    *,
    mesh_url: str,
    mesh_vertices: tuple[int, int] | None = None,
    mesh_space: str = "",
    atlas: Labels | None = None,
    own_labels: OwnLabels | None = None,
    summary: Mapping[str, Any] | None = None,
    words: Mapping[str, str] = PREDICTION_WORDS,
    low_confidence: Sequence[str] = (),
    regions: Sequence[str] = (),
    thumbnails: Sequence[UInt8Array] | None = None,
    fallback_png: bytes | None = None,
    fallback_url: str = "",
    encoding: Encoding = "u8",
    frame_rate_hz: float = 2.0,
    limit: float | None = None,
    colormap: str = "",
    footer: str = "",
    row_texts: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
) -> bytes:
    """Pack all frames of a response.

    Parameters
    ----------
    response : Response
        Of a surface space (one value a vertex) or of a parcel space (one value a parcel; the
        parcel of a vertex is its label in ``atlas``).
    mesh_url : str
        Relative URL of the mesh file.
    mesh_vertices : (int, int), optional
        Vertices of the mesh, left and right; default those of the response's space. Needed for
        parcels.
    mesh_space : str, optional
        Name of the mesh's space, where it is not the response's.
    atlas : Labels, optional
        Regions named on hover, outlined and summed up in words.
    own_labels : OwnLabels, optional
        Instead of an atlas: labels that the mesh file does not have; they travel in the message.
    summary : mapping, optional
        Text equivalent as :func:`strongest_regions` gives it; default that of ``atlas``.
    words : mapping
        As :data:`PREDICTION_WORDS`; others where the values are no prediction.
    low_confidence : sequence of str
        Regions marked as such.
    regions : sequence of str
        Regions to outline; empty means all.
    thumbnails : sequence of uint8 arrays (height, width, 3), optional
        One a row; they become the time axis.
    fallback_png : bytes, optional
        Picture shown where the browser has no WebGL2.
    fallback_url : str, optional
        Relative URL of such a picture, fetched only where it is needed.
    encoding : {"u8", "f16"}
        u8: 1 byte a value, error at most half of (maximum - minimum) / 254. f16: 2 bytes.
    frame_rate_hz : float
        Frames a second at speed 1.
    limit : float, optional
        Value of the colour map's end; default the 99th percentile of |value| over all frames.
    colormap : str, optional
        Default by sign.
    footer : str, optional
        Default "model · subject · space · units · prediction, not measured".
    row_texts : sequence of str
        What is said in each row; shown below the brain while the row is.
    options : mapping, optional
        Further plain header entries for the viewer (layout, kiosk, height ...).

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        Thumbnails or texts do not match the rows, a value is too large for f16, or parcels come
        without a mesh size.
    """
    values = response.dense()
    is_parcels = response.space.kind == "parcels"
    if is_parcels and (mesh_vertices is None or atlas is None):
        raise ValueError("A response over parcels needs mesh_vertices and an atlas.")
    n_left, n_right = mesh_vertices or (response.space.n_left, response.space.n_right)
    space_name = mesh_space or response.space.name
    header: dict[str, Any] = {
        "version": 1,
        "mesh": mesh_url,
        "space": space_name,
        "atlas": own_labels.name if own_labels else atlas.name if atlas else "",
        "kind": "parcels" if is_parcels else "vertices",
        "n_left": n_left,
        "n_right": n_right,
        **value_header(
            response,
            values,
            space_name=space_name,
            encoding=encoding,
            frame_rate_hz=frame_rate_hz,
            limit=limit,
            colormap=colormap,
            footer=footer,
            words=words,
            low_confidence=low_confidence,
            regions=regions,
        ),
    }
    sections = Sections()
    sections.add(encode_values(values, encoding, header["minimum"], header["maximum"]))
    if is_parcels:
        header["n_parcels"] = response.space.n_places
        header["n_parcels_left"] = response.space.n_left
    if own_labels is not None:
        header["own_labels"] = {
            **sections.add(own_labels.labels.astype("<u2").tobytes()),
            "names": list(own_labels.names),
            "outlines": list(own_labels.outlines),
        }
    if summary is not None:
        header["summary"] = summary
    elif atlas is not None and len(atlas.names) and len(atlas.labels) == values.shape[1]:
        header["summary"] = strongest_regions(values, n_left, atlas)
    if thumbnails is not None:
        header["thumbnails"] = sections.add_sprite(thumbnails, response.n_rows)
    if fallback_png is not None:
        header["fallback"] = sections.add(fallback_png)
    if fallback_url:
        header["fallback_url"] = fallback_url
    if row_texts:
        if len(row_texts) != response.n_rows:
            raise ValueError(f"{len(row_texts)} texts for {response.n_rows} rows.")
        header["row_texts"] = list(row_texts)
    header.update(options or {})
    return assemble(header, sections.payload())


def strongest_regions(
    values: FloatArray, n_left: int, atlas: Labels, n_strongest: int = 6
) -> dict[str, Any]:
    """Mean of every region and hemisphere, the strongest first, for the text equivalent.

    Parameters
    ----------
    values : ndarray of shape (n_frames, n_places)
        NaN places are left out of the means.
    n_left : int
        Places of the left hemisphere, which come first.
    atlas : Labels
    n_strongest : int
        Kept a frame.

    Returns
    -------
    dict
        ``names``: "V1 left", "V1 right" ...; ``rows``: a frame's [index in names, mean] pairs,
        largest |mean| first.
    """
    n_names = len(atlas.names)
    side = (np.arange(values.shape[1]) >= n_left).astype(np.int64)
    group = np.where(atlas.labels > 0, (atlas.labels.astype(np.int64) - 1) * 2 + side, 2 * n_names)
    rows = []
    for frame in values:
        is_modelled = np.isfinite(frame)
        kept = group[is_modelled]
        count = np.bincount(kept, minlength=2 * n_names + 1)[:-1]
        total = np.bincount(kept, frame[is_modelled], minlength=2 * n_names + 1)[:-1]
        mean = total / np.maximum(count, 1)
        order = np.argsort(-np.abs(np.where(count > 0, mean, 0)), kind="stable")
        strongest = [int(i) for i in order if count[i] > 0][:n_strongest]
        rows.append([[i, float(f"{mean[i]:.3g}")] for i in strongest])
    names = [f"{name} {word}" for name in atlas.names for word in ("left", "right")]
    return {"names": names, "rows": rows}
