"""Mesh files: all shapes of a space in one binary that the viewer fetches once and keeps.

Layout: ``"BCM1"``, header length (uint32, little-endian), header (JSON, padded with spaces so
that the payload starts at a multiple of 4), payload. Offsets in the header count bytes from the
start of the payload and are multiples of 4. All numbers are little-endian.

Positions are display coordinates in 16-bit steps, ``mm = origin + scale * code``, one scale and
origin a shape and hemisphere. A step is the longest side of the hemisphere's box / 65,534, so a
coordinate is off by at most half of that: 0.0017 mm on inflated fsaverage5, 0.0033 mm on the
largest shape, the flat sheet of fsLR32k (424 mm).

Faces are stored so that neighbours follow each other: the viewer draws them in runs and leaves
out those that cannot be seen.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.atlases import Atlas, list_atlases, load_atlas
from models.drawing.layout import VIEWS, lay_out
from models.errors import SpaceMismatchError
from models.spaces import HEMISPHERES, SHAPES, Mesh, load_medial_wall, load_sulcal_depth
from models.types import BoolArray, FloatArray, Hemisphere, IntArray, UInt8Array

__all__ = [
    "HemisphereContent",
    "MeshContent",
    "MeshFile",
    "build_mesh_file",
    "compress",
    "ensure_mesh_file",
    "mesh_file_name",
    "order_along_curve",
    "pack_mesh",
    "read_mesh_file",
]

MAGIC = b"BCM1"
VERSION = 1
_LARGEST_CODE = 32767
_SULCUS_MIDDLE = 128  # code of a depth of 0


@dataclass(frozen=True)
class MeshFile:
    """A mesh file on disk.

    Parameters
    ----------
    path : Path
        The gzip file; its name holds the first 16 digits of the hash.
    sha256 : str
        Hash of the content before compression.
    n_bytes : int
        Size of the content before compression.
    """

    path: Path
    sha256: str
    n_bytes: int


@dataclass(frozen=True, eq=False)
class HemisphereContent:
    """One hemisphere read back from a mesh file.

    Parameters
    ----------
    positions : dict of str to ndarray of shape (n_vertices, 3), float32
        Display coordinates by shape, in mm.
    faces : ndarray of shape (n_faces, 3), uint16 or uint32
    flat_faces : ndarray of shape (n_flat_faces, 3), same type, or None
    sulcus : ndarray of shape (n_vertices,), uint8
        128 = level, more = sulcus, less = gyrus.
    is_medial_wall : ndarray of shape (n_vertices,), bool
    atlases : dict of str to ndarray of shape (n_vertices,), uint16
        Labels by atlas.
    """

    positions: dict[str, FloatArray]
    faces: IntArray
    flat_faces: IntArray | None
    sulcus: UInt8Array
    is_medial_wall: BoolArray
    atlases: dict[str, IntArray]


@dataclass(frozen=True, eq=False)
class MeshContent:
    """A mesh file read back: its header and both hemispheres."""

    header: dict[str, Any]
    left: HemisphereContent
    right: HemisphereContent

    def hemisphere(self, hemisphere: Hemisphere) -> HemisphereContent:
        """One side."""
        return self.left if hemisphere == "left" else self.right


def build_mesh_file(space: str) -> bytes:
    """Pack all shapes and atlases of a space, uncompressed.

    Raises
    ------
    SpaceMismatchError
        The space is unknown.
    """
    atlases = [load_atlas(space, name) for name in list_atlases(space)]
    return pack_mesh(
        [lay_out(space, shape) for shape in SHAPES[space]],
        sulcal_depth=load_sulcal_depth(space),
        is_medial_wall=load_medial_wall(space),
        atlases=atlases,
    )


def pack_mesh(
    shapes: Sequence[Mesh],
    *,
    sulcal_depth: FloatArray,
    is_medial_wall: BoolArray,
    atlases: Sequence[Atlas] = (),
    default_shape: str = "inflated",
) -> bytes:
    """Pack laid-out shapes of one space.

    Parameters
    ----------
    shapes : sequence of Mesh
        Display coordinates of one space. Shapes share their faces, except one named ``flat``.
    sulcal_depth : ndarray of shape (n_places,), float
        Positive in sulci; the 99th percentile of its size becomes the end of the grey scale.
    is_medial_wall : ndarray of shape (n_places,), bool
    atlases : sequence of Atlas
        Of the same space.
    default_shape : str
        Shown first.

    Raises
    ------
    SpaceMismatchError
        Shapes, maps and atlases do not belong together, or no shape has the default's name.
    """
    _check_parts(shapes, sulcal_depth, is_medial_wall, atlases, default_shape)
    space = shapes[0].space
    payload = _Payload()
    limit = float(np.percentile(np.abs(sulcal_depth), 99)) or 1.0
    sulcus = _SULCUS_MIDDLE + np.clip(np.rint(127 * sulcal_depth / limit), -127, 127)
    hemispheres = []
    for side in HEMISPHERES:
        part = space.hemisphere_slice(side)
        entry = {"name": side, "n_vertices": part.stop - part.start}
        entry |= _pack_shapes(payload, shapes, side, default_shape)
        entry["sulcus"] = {"offset": payload.add(sulcus[part].astype("u1"))}
        entry["medial_wall"] = {"offset": payload.add(is_medial_wall[part].astype("u1"))}
        entry["atlases"] = {
            atlas.name: {"offset": payload.add(atlas.labels[part].astype("<u2"))}
            for atlas in atlases
        }
        hemispheres.append(entry)
    header = {
        "version": VERSION,
        "space": space.name,
        "shapes": [mesh.shape for mesh in shapes],
        "default_shape": default_shape,
        "sulcus_limit": limit,
        "hemispheres": hemispheres,
        "atlases": {atlas.name: _describe_atlas(atlas) for atlas in atlases},
        "views": {name: [float(x) for x in view.rows.ravel()] for name, view in VIEWS.items()},
        "view_hemispheres": {name: list(view.hemispheres) for name, view in VIEWS.items()},
    }
    return _join(header, payload.data)


def read_mesh_file(content: bytes) -> MeshContent:
    """Read an uncompressed mesh file; the twin of the viewer's reader.

    Raises
    ------
    ValueError
        Not a mesh file, another version, or cut short.
    """
    if content[:4] != MAGIC:
        raise ValueError(f"Not a mesh file: it starts with {content[:4]!r}, not {MAGIC!r}.")
    start = 8 + int.from_bytes(content[4:8], "little")
    if len(content) < start:
        raise ValueError(f"Mesh file is cut short: {len(content)} of at least {start} bytes.")
    header = json.loads(content[8:start])
    if header["version"] != VERSION:
        raise ValueError(f"Mesh file has version {header['version']}; expected {VERSION}.")
    payload = content[start:]
    left, right = (_read_hemisphere(payload, entry) for entry in header["hemispheres"])
    return MeshContent(header, left, right)


def mesh_file_name(space: str, content: bytes) -> str:
    """Name of the compressed file; it changes whenever the content does."""
    return f"mesh-{space}-{hashlib.sha256(content).hexdigest()[:16]}.bin.gz"


def compress(content: bytes) -> bytes:
    """Gzip without a time stamp: the same content always gives the same bytes."""
    return gzip.compress(content, compresslevel=6, mtime=0)


def ensure_mesh_file(space: str, cache_dir: Path) -> MeshFile:
    """Make sure the compressed mesh file of a space is in a folder.

    The content is built anew and compared with what lies there, so a damaged or half-written
    file is replaced. It is written under a temporary name in the same folder and then moved, so
    any number of processes may do this at once.

    Parameters
    ----------
    space : str
        Name of a space.
    cache_dir : Path
        Created if absent.

    Raises
    ------
    SpaceMismatchError
        The space is unknown.
    OSError
        The folder cannot be written.
    """
    content = build_mesh_file(space)
    path = cache_dir / mesh_file_name(space, content)
    if not _holds(path, content):
        cache_dir.mkdir(parents=True, exist_ok=True)
        _write_at_once(path, compress(content))
    return MeshFile(path, hashlib.sha256(content).hexdigest(), len(content))


class _Payload:
    """Bytes that grow by whole arrays, each at a multiple of 4."""

    def __init__(self) -> None:
        self.data = bytearray()

    def add(self, array: NDArray[Any]) -> int:
        """Append an array and return its offset."""
        offset = len(self.data)
        self.data += array.tobytes()
        self.data += bytes(-len(self.data) % 4)
        return offset


def _check_parts(
    shapes: Sequence[Mesh],
    sulcal_depth: FloatArray,
    is_medial_wall: BoolArray,
    atlases: Sequence[Atlas],
    default_shape: str,
) -> None:
    """Refuse parts that do not belong together."""
    names = [mesh.shape for mesh in shapes]
    if default_shape not in names or default_shape == "flat":
        raise SpaceMismatchError(f"Default shape {default_shape!r} is no folded one of {names}.")
    space = shapes[0].space
    others = {mesh.space.name for mesh in shapes} | {atlas.space.name for atlas in atlases}
    others -= {space.name}
    if others:
        raise SpaceMismatchError(f"Expected parts of {space.name}; got {sorted(others)} too.")
    for values in (sulcal_depth, is_medial_wall):
        if values.shape != (space.n_places,):
            raise SpaceMismatchError(
                f"{space.name} has {space.n_places} places; a map has shape {values.shape}."
            )
    folded = [mesh for mesh in shapes if mesh.shape != "flat"]
    for side in HEMISPHERES:
        faces = folded[0].hemisphere(side).faces
        for mesh in folded[1:]:
            if not np.array_equal(mesh.hemisphere(side).faces, faces):
                raise SpaceMismatchError(
                    f"{mesh.shape} and {folded[0].shape} have other faces on the {side}."
                )


def _pack_shapes(
    payload: _Payload, shapes: Sequence[Mesh], side: Hemisphere, default_shape: str
) -> dict[str, Any]:
    """Header entries of the positions and faces of one hemisphere."""
    entry: dict[str, Any] = {"positions": {}}
    near = next(mesh for mesh in shapes if mesh.shape == default_shape).hemisphere(side).positions
    for mesh in shapes:
        one = mesh.hemisphere(side)
        entry["positions"][mesh.shape] = _pack_positions(payload, one.positions)
        key = "flat_faces" if mesh.shape == "flat" else "faces"
        if key not in entry:
            faces = one.faces[order_along_curve(near[one.faces].mean(axis=1))]
            entry[key] = _pack_faces(payload, faces, one.n_vertices)
    return entry


def order_along_curve(points: FloatArray) -> IntArray:
    """Order in which points near each other in space are near each other in the list.

    Parameters
    ----------
    points : ndarray of shape (n, 3)

    Returns
    -------
    ndarray of shape (n,), int64
        Indices along a Morton curve of 2**10 steps an axis; ties keep their order.

    Notes
    -----
    Source: G. M. Morton, A computer oriented geodetic data base, IBM, 1966.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    side = float((high - low).max()) or 1.0
    cells = np.minimum((points - low) / side * 1024, 1023).astype(np.int64)
    keys = np.zeros(len(points), np.int64)
    for bit in range(9, -1, -1):
        for axis in range(3):
            keys = keys * 2 + ((cells[:, axis] >> bit) & 1)
    order: IntArray = np.argsort(keys, kind="stable")
    return order


def _pack_positions(payload: _Payload, positions: FloatArray) -> dict[str, Any]:
    """Quantise positions to int16 and describe them."""
    low, high = positions.min(axis=0).astype(float), positions.max(axis=0).astype(float)
    origin = (low + high) / 2
    scale = float((high - low).max()) / (2 * _LARGEST_CODE) or 1.0
    codes = np.rint((positions - origin) / scale).astype("<i2")
    return {
        "offset": payload.add(codes),
        "scale": scale,
        "origin": origin.tolist(),
        "minimum": low.tolist(),
        "maximum": high.tolist(),
    }


def _pack_faces(payload: _Payload, faces: IntArray, n_vertices: int) -> dict[str, Any]:
    """Store faces in the smallest type that holds every vertex index."""
    kind = "u16" if n_vertices <= 1 << 16 else "u32"
    stored = faces.astype("<u2" if kind == "u16" else "<u4")
    return {"offset": payload.add(stored), "n": len(faces), "type": kind}


def _describe_atlas(atlas: Atlas) -> dict[str, Any]:
    """Say what the viewer needs to know about an atlas."""
    return {
        "title": atlas.title,
        "names": list(atlas.names),
        "groups": {group: list(names) for group, names in atlas.groups.items()},
        "descriptions": dict(atlas.descriptions),
        "citation": atlas.citation,
    }


def _join(header: Mapping[str, Any], payload: bytes | bytearray) -> bytes:
    """Magic, header length, padded header, payload."""
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)  # 8 bytes stand before it
    return MAGIC + len(text).to_bytes(4, "little") + text + bytes(payload)


def _read_hemisphere(payload: bytes, entry: Mapping[str, Any]) -> HemisphereContent:
    """Arrays of one hemisphere."""
    n = entry["n_vertices"]
    positions = {}
    for shape, where in entry["positions"].items():
        codes = _take(payload, where, "<i2", 3 * n).reshape(n, 3)
        positions[shape] = (np.array(where["origin"]) + where["scale"] * codes).astype("f4")
    faces = {
        key: _take(
            payload,
            entry[key],
            "<u2" if entry[key]["type"] == "u16" else "<u4",
            3 * entry[key]["n"],
        ).reshape(-1, 3)
        for key in ("faces", "flat_faces")
        if key in entry
    }
    return HemisphereContent(
        positions=positions,
        faces=faces["faces"],
        flat_faces=faces.get("flat_faces"),
        sulcus=_take(payload, entry["sulcus"], "u1", n),
        is_medial_wall=_take(payload, entry["medial_wall"], "u1", n).astype(bool),
        atlases={name: _take(payload, at, "<u2", n) for name, at in entry["atlases"].items()},
    )


def _take(payload: bytes, where: Mapping[str, Any], dtype: str, count: int) -> NDArray[Any]:
    """Array at an offset of the payload."""
    end = where["offset"] + count * np.dtype(dtype).itemsize
    if end > len(payload):
        raise ValueError(f"Mesh file is cut short: payload of {len(payload)} bytes, need {end}.")
    return np.frombuffer(payload, dtype, count, where["offset"])


def _holds(path: Path, content: bytes) -> bool:
    """Whether a gzip file exists, is whole and holds exactly this content."""
    try:
        return gzip.decompress(path.read_bytes()) == content
    except (FileNotFoundError, gzip.BadGzipFile, EOFError, zlib.error):
        return False


def _write_at_once(path: Path, data: bytes) -> None:
    """Write a file so that nobody ever sees a part of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)  # mkstemp makes it private
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
