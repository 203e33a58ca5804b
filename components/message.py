"""The binary message that viewers get: a header in words, then values and pictures; pure.

Layout: ``b"BCV1"``, header length (u32, little-endian), header (JSON, padded with spaces so that
the payload starts 4-byte aligned), payload. The payload starts with the values of all frames,
frame by frame; further sections follow, each 4-byte aligned. ``shared/wire.js`` is the twin of
the decoders here.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from PIL import Image

from models.drawing.colormaps import (
    CYCLIC,
    DIVERGING,
    LABELS,
    SEQUENTIAL,
    default_colormap,
    lut,
)
from models.types import FloatArray, Response, UInt8Array

__all__ = [
    "NAN_CODE",
    "PREDICTION_WORDS",
    "Encoding",
    "Sections",
    "assemble",
    "decode_message",
    "decode_values",
    "encode_values",
    "value_header",
    "value_range",
]

Encoding = Literal["u8", "f16"]

MAGIC = b"BCV1"
#: Code of "not modelled" in u8 frames; values use 0..254.
NAN_CODE = 255
#: The colour limit is this percentile of |value| over the whole sequence.
LIMIT_PERCENTILE = 99.0
THUMBNAIL_PX = 48

_HALF_MAX = 65504.0

#: What a viewer says of a place without a value, and of what the values are.
PREDICTION_WORDS = {
    "missing": "not modelled",
    "closing": "Predicted, not measured.",
    "kind": "prediction, not measured",
}


def value_header(
    response: Response,
    values: FloatArray,
    *,
    space_name: str,
    encoding: Encoding,
    frame_rate_hz: float,
    limit: float | None,
    colormap: str,
    footer: str,
    words: Mapping[str, str] = PREDICTION_WORDS,
    low_confidence: Sequence[str],
    regions: Sequence[str],
) -> dict[str, Any]:
    """Header entries that every viewer of a response reads.

    Parameters
    ----------
    response : Response
    values : ndarray of shape (n_frames, n_values)
        What travels; its range and percentile are stated.
    space_name : str
        What is drawn on.
    encoding, frame_rate_hz, limit, colormap, footer, words, low_confidence, regions
        As in :func:`components.brain.wire.pack_response`.
    """
    minimum, maximum = value_range(values)
    provenance = response.provenance
    colormap = colormap or default_colormap(response.is_signed)
    parts = (
        provenance.model_title,
        provenance.subject,
        space_name,
        response.units,
        words["kind"],
    )
    return {
        "n_frames": response.n_rows,
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
        "footer": footer or " · ".join(parts),
        "missing": words["missing"],
        "closing": words["closing"],
        "badge": provenance.badge,
        "caveat": provenance.caveat,
        "low_confidence": list(low_confidence),
        "regions": list(regions),
    }


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


def value_range(values: FloatArray) -> tuple[float, float]:
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


def encode_values(values: FloatArray, encoding: Encoding, minimum: float, maximum: float) -> bytes:
    """Frames as codes (u8) or halves (f16), frame-major; NaN and infinities as not modelled.

    Parameters
    ----------
    values : ndarray of shape (n_frames, n_values)
    encoding : {"u8", "f16"}
        u8: 1 byte a value, error at most half of (maximum - minimum) / 254. f16: 2 bytes.
    minimum, maximum : float
        Values of codes 0 and 254: :func:`value_range`.

    Raises
    ------
    ValueError
        A value is too large for f16.
    """
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


class Sections:
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
        """Append one JPEG strip of square thumbnails, side by side.

        Raises
        ------
        ValueError
            Not one picture a row.
        """
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


def assemble(header: dict[str, Any], payload: bytes) -> bytes:
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
    ndarray of shape (n_frames, n_vertices, n_parcels or n_voxels), float32
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
