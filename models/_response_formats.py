"""Files of brain responses, by what is in them: NumPy, GIfTI, NIfTI, CIFTI. No file is trusted."""

from __future__ import annotations

import ast
import binascii
import io
import math
import struct
import zlib
from dataclasses import dataclass
from typing import Any, Literal
from xml.parsers.expat import ExpatError

import nibabel as nib
import numpy as np
from nibabel.cifti2 import Cifti2HeaderError
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from models import projection
from models.errors import StimulusError
from models.spaces import FSAVERAGE, FSAVERAGE5, FSLR32K
from models.types import FloatArray

__all__ = ["MAX_FILE_BYTES", "MAX_PATTERNS", "RawPatterns", "read_raw"]

#: Largest file read and largest content of a compressed one, in bytes.
MAX_FILE_BYTES = 1000**3
#: Patterns taken from all files together.
MAX_PATTERNS = 2_000

_CIFTI_INTENTS = range(3000, 3100)
_LONGEST_NPY_HEADER = 10_000

#: What the readers of damaged files raise.
_DAMAGED = (
    ValueError,
    TypeError,
    LookupError,
    AssertionError,
    AttributeError,
    EOFError,
    SyntaxError,
    MemoryError,
    OSError,
    OverflowError,
    struct.error,
    zlib.error,
    binascii.Error,
    ExpatError,
    ImageFileError,
    HeaderDataError,
    Cifti2HeaderError,
)


@dataclass(frozen=True, eq=False)
class RawPatterns:
    """Rows of one file.

    Parameters
    ----------
    values : ndarray of shape (n, n_vertices)
    part : {"whole", "one"}
        Both hemispheres on fsaverage5, or one hemisphere that still needs the other.
    side : {"left", "right", ""}
        Of one hemisphere, where the file says so.
    note : str
        How the values came to be on fsaverage5, one sentence; empty for nothing done.
    """

    values: FloatArray
    part: Literal["whole", "one"] = "whole"
    side: str = ""
    note: str = ""


def read_raw(name: str, data: bytes) -> RawPatterns:
    """Read one file; what it is, is decided by its first bytes.

    Raises
    ------
    StimulusError
        One sentence that names the file.
    """
    if not data:
        raise StimulusError(f"“{name}” is empty.")
    if len(data) > MAX_FILE_BYTES:
        raise StimulusError(f"“{name}” is larger than {MAX_FILE_BYTES / 1e9:.0f} GB.")
    try:
        return _read(name, _unpacked(name, data))
    except _DAMAGED as problem:
        raise StimulusError(f"“{name}” is damaged or cut short and cannot be read.") from problem


def _unpacked(name: str, data: bytes) -> bytes:
    """Content of a gzip file; anything else as it is."""
    if data[:2] != b"\x1f\x8b":
        return data
    machine = zlib.decompressobj(wbits=31)
    content = machine.decompress(data, MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise StimulusError(f"“{name}” unpacks to more than {MAX_FILE_BYTES / 1e9:.0f} GB.")
    if not machine.eof:
        raise EOFError
    return content


def _read(name: str, data: bytes) -> RawPatterns:
    """Choose the reader by content."""
    if data[:6] == b"\x93NUMPY":
        return _from_npy(name, data)
    if data[:4] == b"PK\x03\x04":
        raise StimulusError(f"“{name}” is an archive; save the one array with numpy.save (.npy).")
    if b"<GIFTI" in data[:2000]:
        return _from_gifti(name, data)
    if data[4:7] == b"n+2":
        (intent,) = struct.unpack_from(f"{_order(data, 540)}i", data, 504)
        return _from_cifti(name, data) if intent in _CIFTI_INTENTS else _from_nifti(name, data, 2)
    if data[344:347] == b"n+1":
        return _from_nifti(name, data, 1)
    raise StimulusError(
        f"“{name}” is none of .npy, GIfTI (.gii), NIfTI (.nii, .nii.gz) or CIFTI (.dscalar.nii, "
        ".dtseries.nii)."
    )


def _order(data: bytes, size: int) -> str:
    """Byte order, from the header's own size."""
    return "<" if struct.unpack_from("<i", data)[0] == size else ">"


def _from_npy(name: str, data: bytes) -> RawPatterns:
    """Array on fsaverage5: (20484,), (n, 20484) or (2, 10242)."""
    shape, dtype, start = _npy_header(data)
    if dtype.hasobject or dtype.kind not in "fiub":
        raise StimulusError(f"“{name}” must hold real numbers; it holds {dtype}.")
    n_bytes = math.prod(shape) * dtype.itemsize
    if len(data) - start != n_bytes:
        raise EOFError
    array = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    half, whole = FSAVERAGE5.n_left, FSAVERAGE5.n_places
    if shape in ((whole,), (2, half)):
        return RawPatterns(_float32(array.reshape(1, whole)))
    if len(shape) == 2 and shape[1] == whole and 0 < shape[0] <= MAX_PATTERNS:
        return RawPatterns(_float32(array))
    hint = " Turn it around: patterns are rows." if len(shape) == 2 and shape[0] == whole else ""
    raise StimulusError(
        f"“{name}” has shape {shape}; a response on fsaverage5 is ({whole},), (2, {half}) or "
        f"(n, {whole}) with n from 1 to {MAX_PATTERNS:,}.{hint}"
    )


def _npy_header(data: bytes) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Shape, number type and where the numbers begin, without allocating what is claimed."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    form, n_bytes = ("<H", 2) if version[0] == 1 else ("<I", 4)
    (length,) = struct.unpack(form, stream.read(n_bytes))
    if length > _LONGEST_NPY_HEADER:
        raise ValueError
    header = ast.literal_eval(stream.read(length).decode("latin1"))
    shape = tuple(int(size) for size in header["shape"])
    if any(size < 0 for size in shape):
        raise ValueError
    return shape, np.lib.format.descr_to_dtype(header["descr"]), stream.tell()


def _float32(array: Any) -> FloatArray:
    """Numbers in single precision; too large ones become infinite and are found later."""
    with np.errstate(over="ignore"):
        return np.asarray(array, np.float32)


def _from_gifti(name: str, data: bytes) -> RawPatterns:
    """One hemisphere, or both in one array."""
    image = nib.GiftiImage.from_bytes(data)
    rows = [array.data for array in image.darrays if array.data is not None]
    sizes = {row.shape for row in rows}
    if not rows:
        raise StimulusError(f"“{name}” holds no data.")
    if len(sizes) > 1 or rows[0].ndim != 1:
        raise StimulusError(
            f"“{name}” is a surface, not values on one: give a .func.gii or .shape.gii file."
        )
    values = _float32(np.stack(rows))
    if values.shape[1] == FSAVERAGE5.n_places:
        return RawPatterns(values)
    if values.shape[1] == FSAVERAGE5.n_left:
        return RawPatterns(values, "one", _gifti_side(image, name))
    if values.shape[1] == FSAVERAGE.n_left:
        kept = values[:, : FSAVERAGE5.n_left]
        return RawPatterns(kept, "one", _gifti_side(image, name), projection.FROM_FSAVERAGE)
    raise StimulusError(
        f"“{name}” has {values.shape[1]:,} vertices; a hemisphere has {FSAVERAGE5.n_left:,} on "
        f"fsaverage5 and {FSAVERAGE.n_left:,} on full fsaverage."
    )


def _gifti_side(image: Any, name: str) -> str:
    """Hemisphere by the file's own word, else by its name."""
    words = [image.meta, *(array.meta for array in image.darrays)]
    stated = " ".join(str(meta.get("AnatomicalStructurePrimary", "")) for meta in words)
    for side in ("left", "right"):
        if f"Cortex{side.capitalize()}" in stated:
            return side
    text = name.lower()
    for mark in "-_. ":
        text = text.replace(mark, "|")
    parts = set(text.split("|"))
    is_left, is_right = bool(parts & {"l", "lh", "left"}), bool(parts & {"r", "rh", "right"})
    if is_left == is_right:
        return ""
    return "left" if is_left else "right"


def _from_nifti(name: str, data: bytes, version: int) -> RawPatterns:
    """Volume in MNI space."""
    kind = nib.Nifti1Image if version == 1 else nib.Nifti2Image
    image = kind.from_bytes(data)
    shape = image.shape
    if len(shape) == 5 and shape[3] == 1:
        image, shape = kind(image.dataobj[:, :, :, 0], image.affine), (*shape[:3], shape[4])
    if len(shape) not in (3, 4) or min(shape[:3]) < 2:
        raise StimulusError(f"“{name}” has shape {shape}; a volume has three axes, or four.")
    n_patterns = shape[3] if len(shape) == 4 else 1
    if not 0 < n_patterns <= MAX_PATTERNS:
        raise StimulusError(f"“{name}” has {n_patterns:,} volumes; at most {MAX_PATTERNS:,}.")
    if 4 * math.prod(shape) > MAX_FILE_BYTES:
        raise StimulusError(f"“{name}” is too large: cut it to the brain or to fewer volumes.")
    numbers = _float32(image.dataobj)
    return RawPatterns(
        projection.from_volume(nib.Nifti1Image(numbers, image.affine)), note=projection.FROM_VOLUME
    )


def _from_cifti(name: str, data: bytes) -> RawPatterns:
    """Cortical grayordinates on fsLR32k."""
    image = nib.Cifti2Image.from_bytes(data)
    axes = [image.header.get_axis(number) for number in range(image.ndim)]
    if image.ndim != 2 or not isinstance(axes[1], nib.cifti2.BrainModelAxis):
        raise StimulusError(
            f"“{name}” is not dense: give vertices (.dscalar.nii, .dtseries.nii), not areas."
        )
    if image.shape != tuple(map(len, axes)):
        raise ValueError
    if len(axes[0]) > MAX_PATTERNS:
        raise StimulusError(f"“{name}” has {len(axes[0]):,} maps; at most {MAX_PATTERNS:,}.")
    numbers = _float32(image.dataobj)
    values = np.full((len(numbers), FSLR32K.n_places), np.nan, np.float32)
    n_found = 0
    for structure, columns, model in axes[1].iter_structures():
        start = {"CORTEX_LEFT": 0, "CORTEX_RIGHT": FSLR32K.n_left}.get(
            str(structure).removeprefix("CIFTI_STRUCTURE_")
        )
        if start is None:
            continue
        if model.nvertices[structure] != FSLR32K.n_left:
            raise StimulusError(
                f"“{name}” is on a surface of {model.nvertices[structure]:,} vertices a "
                f"hemisphere; fsLR32k has {FSLR32K.n_left:,}."
            )
        values[:, start + model.vertex] = numbers[:, columns]
        n_found += 1
    if n_found != 2:
        raise StimulusError(f"“{name}” does not hold the cortex of both hemispheres.")
    return RawPatterns(projection.from_fslr(values), note=projection.FROM_FSLR)
