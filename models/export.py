"""Files of a response: CSV, NPZ, GIFTI and a bundle, each with its provenance inside."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import nibabel as nib
import numpy as np

from models.analysis.roi import region_means, region_table, sides_of
from models.atlases import Regions, Side
from models.drawing.paint import limits_of
from models.errors import SpaceMismatchError
from models.export_text import as_json, comment, csv_line, is_number, one_line, safe_name, slug
from models.types import FloatArray, Hemisphere, Response

__all__ = [
    "bundle_zip",
    "courses_csv",
    "file_name",
    "gifti",
    "npz",
    "provenance_lines",
    "region_csv",
    "series_facts",
]

_NOT_MEASURED = "prediction, not measured"
_REGION_COLUMNS = (
    *("row", "row_label", "region", "hemisphere"),
    *("mean", "sd", "minimum", "maximum", "n_vertices", "n_modelled", "confidence"),
)
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # fixed, so that equal responses give equal files
_MS_PER_S = 1000
_STRUCTURE = {"left": "CortexLeft", "right": "CortexRight"}
_LETTER = {"left": "L", "right": "R"}


def file_name(response: Response, what: str, extension: str) -> str:
    """``boldcast_<model>_<subject>_<what>.<extension>``, safe on every file system."""
    origin = response.provenance
    words = [slug(word) for word in (origin.model_id, origin.subject, what)]
    return "_".join(["boldcast", *words]) + f".{extension}"


def provenance_lines(
    response: Response,
    *,
    tr_s: float | None = None,
    limits: tuple[float, float] | None = None,
) -> tuple[tuple[str, str], ...]:
    """Key and value of everything that must be known to read the numbers.

    Parameters
    ----------
    response : Response
    tr_s : float, optional
        Time from one row to the next, in s.
    limits : tuple of float, optional
        Values of the ends of the colour bar, where the numbers are shown as colours.

    Returns
    -------
    tuple of (key, value)
        One line of text each; selection and settings as JSON.
    """
    origin = response.provenance
    lines = {
        "what": f"Boldcast: {_NOT_MEASURED}",
        "model": f"{origin.model_title} [{origin.model_id}]",
        "version": origin.version,
        "weights_sha256": origin.weights_sha256,
        "subject": origin.subject,
        "space": response.space.name,
        "unit": response.units,
        "tr": "" if tr_s is None else f"{tr_s:g} s",
        "limits": "" if limits is None else f"{limits[0]:.6g} to {limits[1]:.6g}",
        "selection": as_json(origin.selection),
        "settings": as_json(origin.settings),
        "caveat": origin.caveat,
        "badge": origin.badge,
        "citation": origin.citation,
        "licence": origin.licence,
    }
    return tuple((key, one_line(value)) for key, value in lines.items() if value)


def series_facts(response: Response, tr_s: float | None) -> tuple[tuple[str, str], ...]:
    """:func:`provenance_lines` with the limits between which pictures colour these values."""
    return provenance_lines(response, tr_s=tr_s, limits=limits_of(response))


def region_csv(
    response: Response,
    atlas: Regions,
    regions: Sequence[str] = (),
    hemispheres: Sequence[Side] = ("left", "right"),
    low_confidence: Collection[str] = (),
) -> bytes:
    r"""Table of region values, all rows of the response.

    Parameters
    ----------
    response, atlas, regions, hemispheres, low_confidence
        As in :func:`models.analysis.roi.region_table`.

    Returns
    -------
    bytes
        UTF-8 text, lines end in ``\r\n``. First ``# key: value`` lines, then a header, then one
        line for each row, region and hemisphere. Read it with
        ``pandas.read_csv(file, comment="#")``. Text is always quoted (RFC 4180), and an
        apostrophe goes before text that a spreadsheet would run as a formula. Numbers have the
        digits that give back the same float64; an empty cell means "not modelled".

    Raises
    ------
    SpaceMismatchError, UnknownRegionError
        As in :func:`models.analysis.roi.region_table`.
    """
    facts = (*provenance_lines(response), ("atlas", atlas.name))
    lines = [comment(key, value) for key, value in facts]
    lines.append(csv_line(_REGION_COLUMNS))
    table = region_table(response, atlas, regions, hemispheres, None, low_confidence)
    per_row = len(table) // max(response.n_rows, 1)
    for index, line in enumerate(table):
        where = (index // per_row, line.row_label, line.region, line.hemisphere)
        statistics = (line.mean, line.sd, line.minimum, line.maximum)
        confidence = "low" if line.is_low_confidence else "as stated"
        counts = (line.n_vertices, line.n_modelled, confidence)
        lines.append(csv_line((*where, *statistics, *counts)))
    return "".join(line + "\r\n" for line in lines).encode()


def courses_csv(
    response: Response,
    atlas: Regions,
    regions: Sequence[str] = (),
    hemispheres: Sequence[Side] = ("left", "right"),
    *,
    tr_s: float,
    texts: Sequence[str] = (),
) -> bytes:
    r"""Courses over time: a line a volume, a column a region.

    Parameters
    ----------
    response, atlas, regions, hemispheres
        As in :func:`models.analysis.roi.region_table`; the rows are seconds.
    tr_s : float
        Time from one row to the next, in s.
    texts : sequence of str
        What is said in each row; none for empty cells.

    Returns
    -------
    bytes
        As :func:`region_csv` writes it. Columns: ``tr`` (from 1, as on the pages), ``seconds``
        (when the volume starts), ``text``, then the mean of each region and hemisphere over its
        modelled places (of the region alone where places do not tell their side).

    Raises
    ------
    SpaceMismatchError
        As in :func:`region_csv`; or the rows are pictures; or there is not one text a row.
    UnknownRegionError
        As in :func:`region_csv`.
    """
    if response.row_kind != "seconds":
        raise SpaceMismatchError("Courses need rows over time; these rows are pictures.")
    if len(texts) not in (0, response.n_rows):
        raise SpaceMismatchError(f"{response.n_rows} rows, but {len(texts)} texts.")
    sides = sides_of(atlas, hemispheres)
    columns = [(name, side) for name in regions or atlas.names for side in sides]
    titles = [name if side == "both" else f"{name} {side}" for name, side in columns]
    facts = (*series_facts(response, tr_s), ("atlas", atlas.name))
    lines = [comment(key, value) for key, value in facts]
    lines.append(csv_line(["tr", "seconds", "text", *titles]))
    means = [region_means(response, atlas, name, side).tolist() for name, side in columns]
    for row, label in enumerate(response.row_labels):
        seconds = float(label) if is_number(label) else label
        said = texts[row] if texts else ""
        lines.append(csv_line([row + 1, seconds, said, *(course[row] for course in means)]))
    return "".join(line + "\r\n" for line in lines).encode()


def npz(response: Response, *, tr_s: float | None = None, texts: Sequence[str] = ()) -> bytes:
    """All numbers of a response as a numpy archive.

    Parameters
    ----------
    response : Response
    tr_s : float, optional
        Time from one row to the next, in s.
    texts : sequence of str
        What is said in each row.

    Returns
    -------
    bytes
        Load with ``numpy.load(file, allow_pickle=False)``. Arrays: ``values`` (n_rows, n_columns)
        float32, NaN where not modelled; ``columns`` (n_columns,) int64, index of each column in
        the space, left hemisphere first; ``row_labels`` (n_rows,) text; and texts of one element:
        ``row_kind``, ``space``, ``units``, ``provenance`` (JSON); ``n_left`` and ``n_right``
        int64; ``is_signed`` bool. ``tr_s`` float64 and ``texts`` (n_rows,) where they are given.
    """
    arrays = {
        "values": response.values,
        "columns": response.column_indices,
        "row_labels": np.array(response.row_labels, dtype=np.str_),
        "row_kind": np.array(response.row_kind),
        "space": np.array(response.space.name),
        "n_left": np.array(response.space.n_left, dtype=np.int64),
        "n_right": np.array(response.space.n_right, dtype=np.int64),
        "units": np.array(response.units),
        "is_signed": np.array(response.is_signed),
        "provenance": np.array(response.provenance.as_json()),
    }
    if tr_s is not None:
        arrays["tr_s"] = np.array(tr_s, dtype=np.float64)
    if texts:
        arrays["texts"] = np.array(texts, dtype=np.str_)
    return _zip({f"{name}.npy": _npy(array) for name, array in arrays.items()})


def gifti(
    response: Response, row: int | None = None, *, tr_s: float | None = None
) -> dict[str, bytes]:
    """One ``.func.gii`` file a hemisphere, for Connectome Workbench, FreeSurfer and nilearn.

    Parameters
    ----------
    response : Response
        On a surface.
    row : int, optional
        Row of the response; None puts every row in as a data array named by its label.
    tr_s : float, optional
        Time from one row to the next, in s. Also in the metadata ``TimeStep`` of each array, in
        ms, where FreeSurfer looks for it.

    Returns
    -------
    dict of str to bytes
        File name -> content, left first. float32, NaN where not modelled, every vertex of
        the space. Provenance is in the metadata of the file and of each array. Rows in seconds
        carry the intent "time series", pictures "none".

    Raises
    ------
    SpaceMismatchError
        The response does not live on a surface.
    """
    if response.space.kind != "surface":
        raise SpaceMismatchError(
            f"GIFTI needs one value a vertex; {response.space.name} holds {response.space.kind}."
        )
    rows = range(response.n_rows) if row is None else [range(response.n_rows)[row]]
    dense = response.dense()
    hemispheres: tuple[Hemisphere, ...] = ("left", "right")
    return {
        file_name(response, "values", f"{_LETTER[side]}.func.gii"): _gifti_side(
            response, dense[:, response.space.hemisphere_slice(side)], side, rows, tr_s
        )
        for side in hemispheres
    }


def bundle_zip(
    response: Response,
    atlas: Regions,
    regions: Sequence[str] = (),
    low_confidence: Collection[str] = (),
    extra: Mapping[str, bytes] | None = None,
    *,
    tr_s: float | None = None,
    texts: Sequence[str] = (),
) -> bytes:
    """Everything about one response in a zip file.

    Parameters
    ----------
    response, atlas, regions, low_confidence
        As in :func:`region_csv`.
    extra : mapping of str to bytes, optional
        More files, e.g. a still; folders in their names are dropped.
    tr_s : float, optional
        Time from one row to the next, in s, of rows over time.
    texts : sequence of str
        What is said in each row.

    Returns
    -------
    bytes
        ``README.txt`` (caveat, provenance, names of the pictures, what each file is), region CSV,
        NPZ, for rows over time a CSV with a line a volume, and for surfaces two GIFTI files.

    Raises
    ------
    SpaceMismatchError, UnknownRegionError
        As in :func:`region_csv` and :func:`courses_csv`.
    """
    table = region_csv(response, atlas, regions, low_confidence=low_confidence)
    files = {
        file_name(response, "regions", "csv"): table,
        file_name(response, "values", "npz"): npz(response, tr_s=tr_s, texts=texts),
    }
    if tr_s is not None:
        volumes = courses_csv(response, atlas, regions, tr_s=tr_s, texts=texts)
        files[file_name(response, "volumes", "csv")] = volumes
    if response.space.kind == "surface":
        files |= gifti(response, tr_s=tr_s)
    files |= {safe_name(name): content for name, content in (extra or {}).items()}
    return _zip({"README.txt": _readme(response, list(files), tr_s), **files})


def _gifti_side(
    response: Response,
    values: FloatArray,
    hemisphere: Hemisphere,
    rows: Sequence[int],
    tr_s: float | None,
) -> bytes:
    """One hemisphere: values (n_rows, n_vertices) -> GIFTI."""
    facts = {"AnatomicalStructurePrimary": _STRUCTURE[hemisphere]}
    facts |= {f"boldcast_{key}": value for key, value in series_facts(response, tr_s)}
    facts["Description"] = f"{_NOT_MEASURED}; {response.provenance.caveat}"
    is_timed = response.row_kind == "seconds"
    intent = "NIFTI_INTENT_TIME_SERIES" if is_timed else "NIFTI_INTENT_NONE"
    step = {} if tr_s is None else {"TimeStep": f"{_MS_PER_S * tr_s:.6f}"}
    arrays = [
        nib.gifti.GiftiDataArray(
            values[row],
            intent=intent,
            datatype="NIFTI_TYPE_FLOAT32",
            meta={"Name": one_line(response.row_labels[row]), **step, **facts},
        )
        for row in rows
    ]
    image = nib.gifti.GiftiImage(darrays=arrays, meta=nib.gifti.GiftiMetaData(facts))
    content: bytes = image.to_bytes()
    return content


def _readme(response: Response, names: Sequence[str], tr_s: float | None) -> bytes:
    """Text that goes with a bundle."""
    facts = [f"{key}: {value}" for key, value in provenance_lines(response, tr_s=tr_s)]
    is_timed = response.row_kind == "seconds"
    labels = [one_line(label) for label in response.row_labels]
    lines = [
        f"Predicted brain activity ({_NOT_MEASURED})",
        "",
        response.provenance.caveat,
        "",
        *facts,
        "",
        "Rows, seconds after the start:" if is_timed else "Rows, one a picture:",
        *(f"  {row}  {label}" for row, label in enumerate(labels)),
        "",
        "Files:",
        *(f"  {name}  {_what_is(name)}" for name in names),
        "",
        "NaN, or an empty cell, means that the model says nothing there. It is not 0.",
    ]
    return "\r\n".join([*lines, ""]).encode()


def _what_is(name: str) -> str:
    """Explain a file of the bundle."""
    kinds = {
        "_volumes.csv": "what is said and the mean of every region, a line a volume",
        ".csv": "means of regions; lines that start with # say where they come from",
        ".npz": 'every value; numpy.load(name, allow_pickle=False)["values"]',
        ".L.func.gii": "left hemisphere, GIFTI",
        ".R.func.gii": "right hemisphere, GIFTI",
        ".dtseries.nii": "course of every vertex, CIFTI-2",
        ".ptseries.nii": "course of every area, CIFTI-2",
        ".nii.gz": "volumes, NIfTI",
        ".png": "picture",
        ".gif": "film",
        ".mp4": "film",
        ".webm": "film",
    }
    return next((words for ending, words in kinds.items() if name.endswith(ending)), "")


def _npy(array: np.ndarray[Any, Any]) -> bytes:
    """Bytes of a ``.npy`` file."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=False)
    return buffer.getvalue()


def _zip(files: Mapping[str, bytes]) -> bytes:
    """Compress files into an archive that depends on nothing but their names and bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, _ZIP_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return buffer.getvalue()
