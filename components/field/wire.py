"""Pack a response, its receptive fields and the model's pictures into one binary message; pure.

``"BCF1" | u32 length of header | header, JSON padded with spaces | payload``, little-endian. The
payload starts at a multiple of 4 bytes and so does every section; offsets count from its start.

- ``x_deg, y_deg, size_deg``: float32, one a drawn place; ``area``: u8, index into ``area_names``;
  ``vertex``: u32, place in the space, left hemisphere first.
- ``values``: u8, one a frame and place, frame by frame; value = minimum + code * (maximum -
  minimum) / 254, and code 255 is NaN: not modelled.
- ``lut``: colour table, 256 x 3 bytes sRGB. The cortex sends its own when a person picks another.
- ``previews`` and ``originals``: one JPEG a frame.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Protocol

import numpy as np
from PIL import Image

from models.drawing.colormaps import default_colormap, lut
from models.errors import SpaceMismatchError
from models.types import FloatArray, IntArray, Response, UInt8Array

__all__ = [
    "AREA_NAMES",
    "FieldOptions",
    "PreviewLike",
    "ReceptiveFieldsLike",
    "colour_limit",
    "pack_field",
    "quantise",
]

#: Area code of the receptive fields -> name; 0 is "not modelled".
AREA_NAMES: Mapping[int, str] = {1: "V1", 2: "V2", 3: "V3", 4: "hV4"}

_MAGIC = b"BCF1"
_NAN_CODE = 255
#: All previews of a message together have at most so many pixels.
_MOST_PREVIEW_PIXELS = 2_500_000
_LONGEST_PREVIEW_EDGE = 640
_LONGEST_ORIGINAL_EDGE = 192
_JPEG_QUALITY = 88
_LIMIT_PERCENTILE = 99.0


class ReceptiveFieldsLike(Protocol):
    """Where in the visual field each place of a space looks; arrays of shape (n_places,)."""

    @property
    def area(self) -> IntArray:
        """Area code; 0 = not modelled."""

    @property
    def x_deg(self) -> FloatArray:
        """Centre, to the right of fixation."""

    @property
    def y_deg(self) -> FloatArray:
        """Centre, above fixation."""


class PreviewLike(Protocol):
    """What the model sees of one picture."""

    @property
    def pixels(self) -> UInt8Array:
        """Shape (height, width, 3), sRGB, top row first."""

    @property
    def extent_deg(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top edge, from the fixation point."""

    @property
    def picture_deg(self) -> tuple[float, float, float, float]:
        """The same for the picture itself, without margins."""

    @property
    def note(self) -> str:
        """What was done to the picture."""


@dataclass(frozen=True)
class FieldOptions:
    """How the visual field is shown and what may be moved.

    Parameters
    ----------
    view : str
        Name under which this and the cortex speak on the page's bus.
    colormap : str, optional
        One of ``models.drawing.colormaps``; default by the response's sign.
    limit : float, optional
        Value of the last colour; default :func:`colour_limit`.
    low_confidence : tuple of str
        Areas to mark.
    area_names : Mapping
        Code of the receptive fields -> name.
    is_movable : bool
        Whether the fixation cross can be dragged.
    fixation_limit_deg, fixation_step_deg : float
        Range on either side of the picture's centre, and grid, of the fixation point.
    """

    view: str
    colormap: str | None = None
    limit: float | None = None
    low_confidence: tuple[str, ...] = ()
    area_names: Mapping[int, str] = field(default_factory=lambda: AREA_NAMES)
    is_movable: bool = False
    fixation_limit_deg: float = 15.0
    fixation_step_deg: float = 0.1


def pack_field(
    response: Response,
    receptive_fields: ReceptiveFieldsLike,
    previews: Sequence[PreviewLike] = (),
    originals: Sequence[UInt8Array] = (),
    *,
    options: FieldOptions,
    sizes_deg: FloatArray | None = None,
) -> bytes:
    """Build the message of :func:`components.field.visual_field`.

    Parameters
    ----------
    response : Response
        One row a frame.
    receptive_fields : ReceptiveFieldsLike
        Of every place of the response's space. Drawn are the places with an area that are also
        columns of the response.
    previews : sequence of PreviewLike
        One a row, or none.
    originals : sequence of ndarray of shape (height, width, 3), uint8
        The untouched pictures, one a row, or none; reduced here.
    options : FieldOptions
    sizes_deg : ndarray of shape (n_places,), optional
        Radius of each receptive field, degrees; NaN where unknown.

    Returns
    -------
    bytes
        As in the module docstring; ``header["id"]`` is a hash of everything else.

    Raises
    ------
    SpaceMismatchError
        The arrays do not have the space's number of places, or the pictures not the response's
        number of rows.
    """
    _check_lengths(response, receptive_fields, previews, originals, sizes_deg)
    assert response.columns is not None
    area = np.asarray(receptive_fields.area)[response.columns]
    drawn = np.flatnonzero(np.isin(area, list(options.area_names)))
    places = response.columns[drawn]
    codes = np.array(list(options.area_names))
    values = response.values[:, drawn]
    encoded, minimum, maximum = quantise(values)

    payload = _Payload()
    sections = {
        "x_deg": payload.add(_f32(receptive_fields.x_deg, places)),
        "y_deg": payload.add(_f32(receptive_fields.y_deg, places)),
        "area": payload.add(_positions(area[drawn], codes).tobytes()),
        "vertex": payload.add(places.astype("<u4").tobytes()),
        "values": payload.add(encoded.tobytes()),
    }
    if sizes_deg is not None:
        sections["size_deg"] = payload.add(_f32(sizes_deg, places))
    colormap = options.colormap or default_colormap(response.is_signed)
    header = {
        "version": 1,
        "view": options.view,
        "space": response.space.name,
        "n_frames": len(values),
        "n_fields": len(drawn),
        "area_names": list(options.area_names.values()),
        "low_confidence": list(options.low_confidence),
        "sections": sections,
        "minimum": minimum,
        "maximum": maximum,
        "is_signed": response.is_signed,
        "limit": colour_limit(values) if options.limit is None else options.limit,
        "units": response.units,
        "lut": payload.add(lut(colormap).tobytes()),
        "row_kind": response.row_kind,
        "row_labels": list(response.row_labels),
        "badge": response.provenance.badge,
        "is_movable": options.is_movable,
        "fixation_limit_deg": options.fixation_limit_deg,
        "fixation_step_deg": options.fixation_step_deg,
        "previews": _pack_previews(payload, previews),
        "originals": [payload.add_jpeg(pixels, _LONGEST_ORIGINAL_EDGE) for pixels in originals],
    }
    return _assemble(header, bytes(payload.data))


def quantise(values: FloatArray) -> tuple[UInt8Array, float, float]:
    """Scale values to codes 0..254 over their own range; NaN becomes 255.

    Returns
    -------
    codes : ndarray of the same shape, uint8
    minimum, maximum : float
        ``value = minimum + code * (maximum - minimum) / 254``, off by at most half a step.
    """
    is_finite = np.isfinite(values)
    if not is_finite.any():
        return np.full(values.shape, _NAN_CODE, np.uint8), 0.0, 1.0
    minimum = float(values[is_finite].min())
    maximum = float(values[is_finite].max())
    if maximum == minimum:
        maximum = minimum + 1.0
    scaled = (np.where(is_finite, values, minimum) - minimum) * (254 / (maximum - minimum))
    codes = np.rint(scaled).astype(np.uint8)
    codes[~is_finite] = _NAN_CODE
    return codes, minimum, maximum


def colour_limit(values: FloatArray) -> float:
    """99th percentile of the absolute values over all frames; 1 where nothing is modelled."""
    finite = np.abs(values[np.isfinite(values)])
    return (float(np.percentile(finite, _LIMIT_PERCENTILE)) or 1.0) if finite.size else 1.0


class _Payload:
    """Sections one after the other, each at a multiple of 4 bytes."""

    def __init__(self) -> None:
        self.data = bytearray()

    def add(self, section: bytes) -> int:
        """Append a section; return its offset."""
        offset = len(self.data)
        self.data += section + bytes(-len(section) % 4)
        return offset

    def add_jpeg(self, pixels: UInt8Array, longest_edge: int) -> dict[str, int]:
        """Append a picture, reduced to ``longest_edge``."""
        image = Image.fromarray(np.ascontiguousarray(pixels))
        image.thumbnail((longest_edge, longest_edge), Image.Resampling.LANCZOS, reducing_gap=2.0)
        file = BytesIO()
        # 4:4:4, as thin coloured edges are what the eye looks for here.
        image.save(file, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
        jpeg = file.getvalue()
        return {"offset": self.add(jpeg), "length": len(jpeg)}


def _check_lengths(
    response: Response,
    receptive_fields: ReceptiveFieldsLike,
    previews: Sequence[PreviewLike],
    originals: Sequence[UInt8Array],
    sizes_deg: FloatArray | None,
) -> None:
    """Refuse arrays of another space and pictures of another sequence."""
    n_places = response.space.n_places
    arrays = [receptive_fields.area, receptive_fields.x_deg, receptive_fields.y_deg]
    arrays += [] if sizes_deg is None else [sizes_deg]
    for array in arrays:
        if np.shape(array) != (n_places,):
            raise SpaceMismatchError(
                f"{response.space.name} has {n_places} places, but the receptive fields have "
                f"shape {np.shape(array)}."
            )
    for name, pictures in (("previews", previews), ("originals", originals)):
        if len(pictures) not in (0, len(response.values)):
            raise SpaceMismatchError(
                f"{len(response.values)} rows of values, but {len(pictures)} {name}."
            )


def _pack_previews(payload: _Payload, previews: Sequence[PreviewLike]) -> list[dict[str, Any]]:
    """Pictures small enough that many of them stay light, with their edges in degrees."""
    edge = int(np.sqrt(_MOST_PREVIEW_PIXELS / max(len(previews), 1)))
    return [
        {
            **payload.add_jpeg(preview.pixels, min(edge, _LONGEST_PREVIEW_EDGE)),
            "extent_deg": [float(edge_deg) for edge_deg in preview.extent_deg],
            "picture_deg": [float(edge_deg) for edge_deg in preview.picture_deg],
            "note": preview.note,
        }
        for preview in previews
    ]


def _positions(codes: IntArray, known: IntArray) -> UInt8Array:
    """Position of each code in ``known``."""
    matches: UInt8Array = np.argmax(codes[:, None] == known[None, :], axis=1).astype(np.uint8)
    return matches


def _f32(array: FloatArray, places: IntArray) -> bytes:
    """Pack selected elements as little-endian float32."""
    return np.asarray(array)[places].astype("<f4").tobytes()


def _assemble(header: dict[str, Any], payload: bytes) -> bytes:
    """Put the id into the header and the parts together."""
    text = json.dumps(header, sort_keys=True, ensure_ascii=False)
    digest = hashlib.blake2b(text.encode() + payload, digest_size=8).hexdigest()
    encoded = json.dumps({"id": digest, **header}, ensure_ascii=False).encode()
    encoded += b" " * (-len(encoded) % 4)
    return _MAGIC + struct.pack("<I", len(encoded)) + encoded + payload
