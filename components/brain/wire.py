"""Response -> one binary message for the browser; pure.

Layout: ``b"BCV1"``, header length (u32, little-endian), header (JSON, padded with spaces so that
the payload starts 4-byte aligned), payload. The payload holds the frames (frame-major, left
hemisphere first), then optional pictures, each section 4-byte aligned. ``decode_message`` is the
twin of ``frontend/wire.js``.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np
from PIL import Image

from components.brain.own_labels import OwnLabels
from models.drawing.colormaps import (
    CYCLIC,
    DIVERGING,
    LABELS,
    SEQUENTIAL,
    default_colormap,
    lut,
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

MAGIC = b"BCV1"
#: Code of "not modelled" in u8 frames; values use 0..254.
NAN_CODE = 255
#: The colour limit is this percentile of |value| over the whole sequence.
LIMIT_PERCENTILE = 99.0
THUMBNAIL_PX = 48

_HALF_MAX = 65504.0

#: What the viewer says of a place without a value, and at the end of its text equivalent.
PREDICTION_WORDS = {
    "missing": "not modelled",
    "closing": "Predicted, not measured.",
    "kind": "prediction, not measured",
}


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
    encoding: Literal["u8", "f16"] = "u8",
    frame_rate_hz: float = 2.0,
    limit: float | None = None,
    colormap: str = "",
    footer: str = "",
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
    options : mapping, optional
        Further plain header entries for the viewer (layout, kiosk, height ...).

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        Thumbnails do not match the rows, a value is too large for f16, or parcels come without
        a mesh size.
    """
    values = response.dense()
    is_parcels = response.space.kind == "parcels"
    if is_parcels and (mesh_vertices is None or atlas is None):
        raise ValueError("A response over parcels needs mesh_vertices and an atlas.")
    n_left, n_right = mesh_vertices or (response.space.n_left, response.space.n_right)
    minimum, maximum = _range(values)
    sections = _Sections()
    sections.add(_encode(values, encoding, minimum, maximum))
    provenance = response.provenance
    space_name = mesh_space or response.space.name
    colormap = colormap or default_colormap(response.is_signed)
    header: dict[str, Any] = {
        "version": 1,
        "mesh": mesh_url,
        "space": space_name,
        "atlas": own_labels.name if own_labels else atlas.name if atlas else "",
        "kind": "parcels" if is_parcels else "vertices",
        "n_frames": response.n_rows,
        "n_left": n_left,
        "n_right": n_right,
        "encoding": encoding,
        "minimum": minimum,
        "maximum": maximum,
        "is_signed": response.is_signed,
        "limit": _limit(values) if limit is None else float(limit),
        "units": response.units,
        "colormap": colormap,
        "colormaps": _colormaps(response.is_signed, colormap),
        "row_kind": response.row_kind,
        "row_labels": list(response.row_labels),
        "frame_rate_hz": frame_rate_hz,
        "footer": footer
        or " · ".join(
            (
                provenance.model_title,
                provenance.subject,
                space_name,
                response.units,
                words["kind"],
            )
        ),
        "missing": words["missing"],
        "closing": words["closing"],
        "badge": provenance.badge,
        "caveat": provenance.caveat,
        "low_confidence": list(low_confidence),
        "regions": list(regions),
    }
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
    header.update(options or {})
    return _frame(header, sections.payload())


def _colormaps(is_signed: bool, chosen: str) -> list[dict[str, str]]:
    """Name, words and base64 table of each map that suits the sign, and of the chosen one."""
    family = CYCLIC if chosen in CYCLIC else DIVERGING if is_signed else SEQUENTIAL
    suited = dict.fromkeys((*family, chosen))
    return [
        {
            "name": name,
            "title": LABELS[name],
            "lut": base64.b64encode(lut(name).tobytes()).decode(),
        }
        for name in suited
    ]


def _range(values: FloatArray) -> tuple[float, float]:
    """Lowest and highest finite value; (0, 1) where there is none, never an empty range."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return low, high if high > low else low + 1.0


def _limit(values: FloatArray) -> float:
    """Colour limit over the whole sequence; 1 where everything is 0 or not modelled."""
    finite = np.abs(values[np.isfinite(values)])
    limit = float(np.percentile(finite, LIMIT_PERCENTILE)) if finite.size else 0.0
    return limit or (float(finite.max()) if finite.size else 0.0) or 1.0


def _encode(values: FloatArray, encoding: str, minimum: float, maximum: float) -> bytes:
    """Frames as codes (u8) or halves (f16), frame-major; NaN and infinities as not modelled."""
    is_modelled = np.isfinite(values)
    if encoding == "f16":
        if np.abs(values[is_modelled]).max(initial=0) > _HALF_MAX:
            raise ValueError(f"A value exceeds {_HALF_MAX:g}, the largest half; use u8.")
        halves: bytes = np.where(is_modelled, values, np.nan).astype("<f2").tobytes()
        return halves
    scaled = (np.where(is_modelled, values, minimum) - minimum) * (254.0 / (maximum - minimum))
    codes = np.clip(np.rint(scaled), 0, 254).astype(np.uint8)
    codes[~is_modelled] = NAN_CODE
    encoded: bytes = codes.tobytes()
    return encoded


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


class _Sections:
    """Payload under construction; every section starts 4-byte aligned."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, content: bytes) -> dict[str, int]:
        """Append bytes; say where they are."""
        place = {"offset": self._size, "length": len(content)}
        padded = content + bytes(-len(content) % 4)
        self._parts.append(padded)
        self._size += len(padded)
        return place

    def add_sprite(self, pictures: Sequence[UInt8Array], n_rows: int) -> dict[str, int]:
        """Append one JPEG strip of square thumbnails, side by side."""
        if len(pictures) != n_rows:
            raise ValueError(f"{len(pictures)} thumbnails for {n_rows} rows.")
        size = THUMBNAIL_PX
        strip = Image.new("RGB", (size * len(pictures), size), (128, 128, 128))
        for index, picture in enumerate(pictures):
            image = Image.fromarray(picture).convert("RGB")
            image.thumbnail((size, size), Image.Resampling.LANCZOS)
            left = index * size + (size - image.width) // 2
            strip.paste(image, (left, (size - image.height) // 2))
        buffer = io.BytesIO()
        strip.save(buffer, "JPEG", quality=85)
        place = self.add(buffer.getvalue())
        return {**place, "count": len(pictures), "width": size, "height": size}

    def payload(self) -> bytes:
        """Everything so far."""
        return b"".join(self._parts)


def _frame(header: dict[str, Any], payload: bytes) -> bytes:
    """Magic, header length, header with its id, payload."""
    text = json.dumps(header, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    digest = hashlib.blake2b(text.encode(), digest_size=12)
    digest.update(payload)
    text = json.dumps(
        {**header, "id": digest.hexdigest()},
        ensure_ascii=False,
        allow_nan=False,
        separators=(",", ":"),
    )
    encoded = text.encode()
    encoded += b" " * (-len(encoded) % 4)
    return MAGIC + struct.pack("<I", len(encoded)) + encoded + payload


def decode_message(message: bytes) -> tuple[dict[str, Any], bytes]:
    """Split a message into header and payload.

    Raises
    ------
    ValueError
        The bytes are not a BCV1 message.
    """
    if message[:4] != MAGIC:
        raise ValueError(f"Expected a message starting with {MAGIC!r}; got {message[:4]!r}.")
    (length,) = struct.unpack_from("<I", message, 4)
    return json.loads(message[8 : 8 + length]), message[8 + length :]


def decode_values(header: Mapping[str, Any], payload: bytes) -> FloatArray:
    """Frames of a message.

    Returns
    -------
    ndarray of shape (n_frames, n_vertices or n_parcels), float32
        NaN where not modelled.
    """
    width = header.get("n_parcels") or header["n_left"] + header["n_right"]
    shape = (header["n_frames"], width)
    count = shape[0] * shape[1]
    if header["encoding"] == "f16":
        return np.frombuffer(payload, "<f2", count).reshape(shape).astype(np.float32)
    codes = np.frombuffer(payload, np.uint8, count).reshape(shape)
    step = (header["maximum"] - header["minimum"]) / 254.0
    values: FloatArray = (header["minimum"] + codes * step).astype(np.float32)
    values[codes == NAN_CODE] = np.nan
    return values
