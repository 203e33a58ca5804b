"""Files for other programs' viewers: NIfTI volumes, CIFTI series of vertices and of areas.

NIfTI is written row by row, compressed as it comes, so that a long film of a whole brain needs no
more memory than one of its volumes and the finished file; CIFTI is put together in memory.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.affines import voxel_sizes

from models.atlases import load_atlas
from models.errors import RenderError, SpaceMismatchError
from models.export import file_name, series_facts
from models.export_text import as_json
from models.spaces import FSLR32K, HEMISPHERES, MMP360, cortical_grayordinates
from models.types import FloatArray, IntArray, Report, Response, ignore_progress
from models.voxel_grid import VoxelGrid

__all__ = ["MOST_VOLUMES", "NO_SCANNER_SPACE", "cifti", "nifti_parcels", "nifti_voxels"]

#: Volumes that the 16 bits of a NIfTI-1 header can count.
MOST_VOLUMES = 32_767
NO_SCANNER_SPACE = (
    "Voxel indices of the model's files: no scanner space, no voxel size. Both form codes are 0."
)
_STAGE = "writing the volumes"
_NOT_MEASURED = "Boldcast: prediction, not measured"
_MNI = 4  # NIFTI_XFORM_MNI_152
_ALIGNED = 2  # NIFTI_XFORM_ALIGNED_ANAT: some space that is stated, not the scanner's
_LEVEL = 3  # of gzip: 6 is half as fast, for 5 % less
_STRUCTURES = {"left": "CIFTI_STRUCTURE_CORTEX_LEFT", "right": "CIFTI_STRUCTURE_CORTEX_RIGHT"}
_INTENTS = {
    "dtseries": "NIFTI_INTENT_CONNECTIVITY_DENSE_SERIES",
    "ptseries": "NIFTI_INTENT_CONNECTIVITY_PARCELLATED_SERIES",
    "dscalar": "NIFTI_INTENT_CONNECTIVITY_DENSE_SCALARS",
    "pscalar": "NIFTI_INTENT_CONNECTIVITY_PARCELLATED_SCALAR",
}


def nifti_parcels(
    response: Response,
    atlas: Path,
    *,
    tr_s: float | None = None,
    report: Report = ignore_progress,
) -> bytes:
    """Parcels as volumes in MNI space.

    Parameters
    ----------
    response : Response
        On parcels.
    atlas : Path
        Volume in MNI space whose voxels are 1 to the number of parcels, in the order of the
        response's space, and 0 outside.
    tr_s : float, optional
        Time from one row to the next, in s; None where rows are pictures.
    report : Report
        Told of each volume; may raise ``Cancelled``.

    Returns
    -------
    bytes
        ``.nii.gz``, float32, (i, j, k, row), cut to the box that holds the parcels and thinned to
        every second voxel along each axis, unless a parcel would be lost. NaN outside parcels and
        where nothing is modelled. The TR is in the header, the provenance in a comment extension.

    Raises
    ------
    SpaceMismatchError
        The response is not on parcels, the atlas has others, or there are too many rows.
    RenderError
        The atlas is no volume.
    """
    if response.space.kind != "parcels":
        raise SpaceMismatchError(
            f"An atlas gives parcels a volume; {response.space.name} holds {response.space.kind}."
        )
    labels, affine = _read_labels(atlas, response.space.n_places)
    header = _header(response, labels.shape, tr_s, f"atlas: {atlas.name}")
    _place(header, affine, _MNI)
    order = labels.ravel(order="F")
    return _compress(header, _volumes(response, order), report, response.n_rows)


def nifti_voxels(
    response: Response,
    grid: VoxelGrid,
    *,
    affine: FloatArray | None = None,
    tr_s: float | None = None,
    report: Report = ignore_progress,
) -> bytes:
    """Voxels as volumes.

    Parameters
    ----------
    response : Response
        On voxels.
    grid : VoxelGrid
        Where they lie.
    affine : ndarray of shape (4, 4), float, optional
        From voxel indices to mm, where it is known. Without it the file says what the model's
        files say: indices and nothing else. Both form codes are then 0, which is NIfTI's own word
        for "no space is claimed", and the description repeats it; a program that shows such a
        file guesses its directions.
    tr_s, report
        As in :func:`nifti_parcels`.

    Returns
    -------
    bytes
        ``.nii.gz``, float32, (i, j, k, row), as :func:`nifti_parcels` writes it.

    Raises
    ------
    SpaceMismatchError
        The response is not on voxels, the grid has others, or there are too many rows.
    """
    if response.space.kind != "volume" or grid.n_places != response.space.n_places:
        raise SpaceMismatchError(
            f"The grid has {grid.n_places} voxels; {response.space.name} has "
            f"{response.space.n_places} places ({response.space.kind})."
        )
    space = grid.basis if affine is not None else f"{NO_SCANNER_SPACE} {grid.basis}"
    header = _header(response, grid.shape, tr_s, space)
    if affine is not None:
        _place(header, affine, _ALIGNED)
    else:
        header["descrip"] = f"{_NOT_MEASURED}; voxel indices, no scanner space".encode()
    order = np.zeros(int(np.prod(grid.shape)), np.int64)
    cells = np.ravel_multi_index(grid.places.astype(np.int64).T, grid.shape, order="F")
    order[cells] = np.arange(1, grid.n_places + 1)
    return _compress(header, _volumes(response, order), report, response.n_rows)


def cifti(response: Response, *, tr_s: float | None = None) -> dict[str, bytes]:
    """CIFTI-2 of the HCP's space, for Connectome Workbench and nibabel.

    Parameters
    ----------
    response : Response
        On fsLR32k or on the areas of the HCP's parcellation (mmp360).
    tr_s : float, optional
        Time from one row to the next, in s. With it rows become a series, without it named maps.

    Returns
    -------
    dict of str to bytes
        One file, by name: ``.dtseries.nii`` or ``.dscalar.nii`` with the 59,412 cortical
        grayordinates of the HCP, ``.ptseries.nii`` or ``.pscalar.nii`` with 360 areas. float32,
        NaN where not modelled; provenance in the metadata of the matrix.

    Raises
    ------
    SpaceMismatchError
        Another space; or values on the medial wall, which these files have no place for.
    """
    if response.space.name == FSLR32K.name:
        places, axis, kind = cortical_grayordinates(), _dense_axis(), "d"
    elif response.space.name == MMP360.name:
        places, axis, kind = np.arange(response.space.n_places), _area_axis(), "p"
    else:
        raise SpaceMismatchError(
            f"CIFTI holds {FSLR32K.name} or {MMP360.name}; the response is on "
            f"{response.space.name}."
        )
    values = _at_places(response, places)
    kind += "scalar" if tr_s is None else "tseries"
    facts = {"description": _NOT_MEASURED, **dict(series_facts(response, tr_s))}
    header = nib.cifti2.Cifti2Header.from_axes((_row_axis(response, tr_s), axis))
    header.matrix.metadata = nib.cifti2.Cifti2MetaData(facts)
    image = nib.cifti2.Cifti2Image(values, header)
    image.nifti_header.set_intent(_INTENTS[kind])
    image.nifti_header.set_data_dtype(np.float32)
    content: bytes = image.to_bytes()
    return {file_name(response, "values", f"{kind}.nii"): content}


def _read_labels(atlas: Path, n_parcels: int) -> tuple[IntArray, FloatArray]:
    """Parcel of each voxel, (i, j, k), and where these voxels lie."""
    try:
        image: Any = nib.load(atlas)
        labels = np.asarray(image.dataobj)
    except (OSError, EOFError, nib.filebasedimages.ImageFileError) as error:
        raise RenderError(f"{atlas.name} is no volume that can be read: fetch it again.") from error
    found = np.unique(labels)
    if labels.ndim != 3 or not np.array_equal(found[found != 0], np.arange(1, n_parcels + 1)):
        raise SpaceMismatchError(f"{atlas.name} does not hold parcels 1 to {n_parcels}.")
    for step in (2, 1):
        thin = image.slicer[::step, ::step, ::step]
        labels = np.asarray(thin.dataobj).astype(np.int32)
        if np.unique(labels).size == found.size:
            break
    inside = np.nonzero(labels)
    box = tuple(slice(int(axis.min()), int(axis.max()) + 1) for axis in inside)
    return labels[box], np.asarray(thin.slicer[box].affine)


def _header(
    response: Response, shape: tuple[int, ...], tr_s: float | None, space: str
) -> nib.Nifti1Header:
    """Sizes, TR, unit and provenance; no space yet."""
    if response.n_rows > MOST_VOLUMES:
        raise SpaceMismatchError(
            f"A NIfTI file holds {MOST_VOLUMES:,} volumes; there are {response.n_rows:,} rows."
        )
    header = nib.Nifti1Header()
    header.set_data_dtype(np.float32)
    header.set_data_shape((*shape, response.n_rows))
    header.set_xyzt_units("unknown", "unknown" if tr_s is None else "sec")
    header["pixdim"][4] = 0 if tr_s is None else tr_s
    header["descrip"] = _NOT_MEASURED.encode()
    facts = {**dict(series_facts(response, tr_s)), "voxels": space}
    facts["rows"] = json.dumps(response.row_labels, ensure_ascii=False)
    header.extensions.append(nib.nifti1.Nifti1Extension("comment", as_json(facts).encode()))
    return header


def _place(header: nib.Nifti1Header, affine: FloatArray, code: int) -> None:
    """Say where the voxels lie, in mm."""
    header.set_sform(affine, code)
    header.set_qform(affine, code, strip_shears=True)
    header["pixdim"][1:4] = voxel_sizes(affine)
    header.set_xyzt_units("mm", header.get_xyzt_units()[1])


def _volumes(response: Response, order: IntArray) -> Iterable[bytes]:
    """Raw volumes: ``order`` (n_voxels,) is the place of each voxel from 1, or 0 outside."""
    for row in response.values:
        values = np.full(response.space.n_places + 1, np.nan, np.float32)
        values[response.column_indices + 1] = row
        yield values[order].tobytes()


def _compress(
    header: nib.Nifti1Header, volumes: Iterable[bytes], report: Report, n_volumes: int
) -> bytes:
    """Pack a header and its volumes; equal responses give equal files."""
    buffer = io.BytesIO()
    with gzip.GzipFile("", "wb", _LEVEL, buffer, mtime=0) as file:
        header.write_to(file)
        for done, volume in enumerate(volumes):
            report(_STAGE, done, n_volumes)
            file.write(volume)
    report(_STAGE, n_volumes, n_volumes)
    return buffer.getvalue()


def _at_places(response: Response, places: IntArray) -> FloatArray:
    """Values at some places of the space, (n_rows, n_places) float32; nothing may be lost."""
    position = np.full(response.space.n_places, -1)
    position[places] = np.arange(places.size)
    target = position[response.column_indices]
    if not np.isnan(response.values[:, target < 0]).all():
        raise SpaceMismatchError(
            "There are values on the medial wall, which CIFTI's standard places leave out."
        )
    out = np.full((response.n_rows, places.size), np.nan, np.float32)
    out[:, target[target >= 0]] = response.values[:, target >= 0]
    return out


def _dense_axis() -> nib.cifti2.BrainModelAxis:
    """Cortical grayordinates of the HCP, left hemisphere first."""
    places = cortical_grayordinates()
    is_left = places < FSLR32K.n_left
    return nib.cifti2.BrainModelAxis.from_surface(
        places[is_left], FSLR32K.n_left, _STRUCTURES["left"]
    ) + nib.cifti2.BrainModelAxis.from_surface(
        places[~is_left] - FSLR32K.n_left, FSLR32K.n_right, _STRUCTURES["right"]
    )


def _area_axis() -> nib.cifti2.ParcelsAxis:
    """List the 180 areas of the left hemisphere, ``L_V1`` and so on, then those of the right."""
    atlas = load_atlas(FSLR32K.name, "mmp")
    models = []
    for side in HEMISPHERES:
        labels = atlas.labels[FSLR32K.hemisphere_slice(side)]
        for label, name in enumerate(atlas.names, start=1):
            vertices = np.flatnonzero(labels == label)
            surface = nib.cifti2.BrainModelAxis.from_surface(
                vertices, labels.size, _STRUCTURES[side]
            )
            models.append((f"{side[0].upper()}_{name}", surface))
    return nib.cifti2.ParcelsAxis.from_brain_models(models)


def _row_axis(
    response: Response, tr_s: float | None
) -> nib.cifti2.SeriesAxis | nib.cifti2.ScalarAxis:
    """Time, or the rows' names."""
    if tr_s is None:
        return nib.cifti2.ScalarAxis(np.array(response.row_labels, dtype=np.str_))
    start = float(response.row_labels[0]) if response.row_kind == "seconds" else 0.0
    return nib.cifti2.SeriesAxis(start, tr_s, response.n_rows, "SECOND")
