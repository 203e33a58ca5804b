"""Files of a response: CSV, NPZ, GIFTI and a bundle, each with its provenance inside."""

from __future__ import annotations

import io
import json
import math
import re
import unicodedata
import zipfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import nibabel as nib
import numpy as np

from models.analysis.roi import region_table
from models.atlases import Regions, Side
from models.errors import SpaceMismatchError
from models.types import FloatArray, Hemisphere, Response

__all__ = ["bundle_zip", "file_name", "gifti", "npz", "provenance_lines", "region_csv"]

_NOT_MEASURED = "prediction, not measured"
_REGION_COLUMNS = (
    *("row", "row_label", "region", "hemisphere"),
    *("mean", "sd", "minimum", "maximum", "n_vertices", "n_modelled", "confidence"),
)
#: First characters that a spreadsheet may take for a formula (OWASP, "CSV Injection").
_FORMULA_START = "=+-@\t\r＝＋－＠"
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # fixed, so that equal responses give equal files
_STRUCTURE = {"left": "CortexLeft", "right": "CortexRight"}
_LETTER = {"left": "L", "right": "R"}


def file_name(response: Response, what: str, extension: str) -> str:
    """``boldcast_<model>_<subject>_<what>.<extension>``, safe on every file system."""
    origin = response.provenance
    words = [_slug(word) for word in (origin.model_id, origin.subject, what)]
    return "_".join(["boldcast", *words]) + f".{extension}"


def provenance_lines(response: Response) -> tuple[tuple[str, str], ...]:
    """Key and value of everything that must be known to read the numbers.

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
        "selection": _json(origin.selection),
        "settings": _json(origin.settings),
        "caveat": origin.caveat,
        "badge": origin.badge,
        "citation": origin.citation,
        "licence": origin.licence,
    }
    return tuple((key, _one_line(value)) for key, value in lines.items() if value)


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
    lines = [_comment(key, value) for key, value in facts]
    lines.append(_csv_line(_REGION_COLUMNS))
    table = region_table(response, atlas, regions, hemispheres, None, low_confidence)
    per_row = len(table) // max(response.n_rows, 1)
    for index, line in enumerate(table):
        where = (index // per_row, line.row_label, line.region, line.hemisphere)
        statistics = (line.mean, line.sd, line.minimum, line.maximum)
        confidence = "low" if line.is_low_confidence else "as stated"
        counts = (line.n_vertices, line.n_modelled, confidence)
        lines.append(_csv_line((*where, *statistics, *counts)))
    return "".join(line + "\r\n" for line in lines).encode()


def npz(response: Response) -> bytes:
    """All numbers of a response as a numpy archive.

    Returns
    -------
    bytes
        Load with ``numpy.load(file, allow_pickle=False)``. Arrays: ``values`` (n_rows, n_columns)
        float32, NaN where not modelled; ``columns`` (n_columns,) int64, index of each column in
        the space, left hemisphere first; ``row_labels`` (n_rows,) text; and texts of one element:
        ``row_kind``, ``space``, ``units``, ``provenance`` (JSON); ``n_left`` and ``n_right``
        int64; ``is_signed`` bool.
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
    return _zip({f"{name}.npy": _npy(array) for name, array in arrays.items()})


def gifti(response: Response, row: int | None = None) -> dict[str, bytes]:
    """One ``.func.gii`` file a hemisphere, for Connectome Workbench, FreeSurfer and nilearn.

    Parameters
    ----------
    response : Response
        On a surface.
    row : int, optional
        Row of the response; None puts every row in as a data array named by its label.

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
            response, dense[:, response.space.hemisphere_slice(side)], side, rows
        )
        for side in hemispheres
    }


def bundle_zip(
    response: Response,
    atlas: Regions,
    regions: Sequence[str] = (),
    low_confidence: Collection[str] = (),
    extra: Mapping[str, bytes] | None = None,
) -> bytes:
    """Everything about one response in a zip file.

    Parameters
    ----------
    response, atlas, regions, low_confidence
        As in :func:`region_csv`.
    extra : mapping of str to bytes, optional
        More files, e.g. a still; folders in their names are dropped.

    Returns
    -------
    bytes
        ``README.txt`` (caveat, provenance, names of the pictures, what each file is), region CSV,
        NPZ, and for surfaces two GIFTI files.

    Raises
    ------
    SpaceMismatchError, UnknownRegionError
        As in :func:`region_csv`.
    """
    table = region_csv(response, atlas, regions, low_confidence=low_confidence)
    files = {
        file_name(response, "regions", "csv"): table,
        file_name(response, "values", "npz"): npz(response),
    }
    if response.space.kind == "surface":
        files |= gifti(response)
    files |= {_safe_name(name): content for name, content in (extra or {}).items()}
    return _zip({"README.txt": _readme(response, list(files)), **files})


def _gifti_side(
    response: Response, values: FloatArray, hemisphere: Hemisphere, rows: Sequence[int]
) -> bytes:
    """One hemisphere: values (n_rows, n_vertices) -> GIFTI."""
    facts = {"AnatomicalStructurePrimary": _STRUCTURE[hemisphere]}
    facts |= {f"boldcast_{key}": value for key, value in provenance_lines(response)}
    facts["Description"] = f"{_NOT_MEASURED}; {response.provenance.caveat}"
    is_timed = response.row_kind == "seconds"
    intent = "NIFTI_INTENT_TIME_SERIES" if is_timed else "NIFTI_INTENT_NONE"
    arrays = [
        nib.gifti.GiftiDataArray(
            values[row],
            intent=intent,
            datatype="NIFTI_TYPE_FLOAT32",
            meta={"Name": _one_line(response.row_labels[row]), **facts},
        )
        for row in rows
    ]
    image = nib.gifti.GiftiImage(darrays=arrays, meta=nib.gifti.GiftiMetaData(facts))
    content: bytes = image.to_bytes()
    return content


def _readme(response: Response, names: Sequence[str]) -> bytes:
    """Text that goes with a bundle."""
    facts = [f"{key}: {value}" for key, value in provenance_lines(response)]
    is_timed = response.row_kind == "seconds"
    labels = [_one_line(label) for label in response.row_labels]
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
        ".csv": "means of regions; lines that start with # say where they come from",
        ".npz": 'every value; numpy.load(name, allow_pickle=False)["values"]',
        ".L.func.gii": "left hemisphere, GIFTI",
        ".R.func.gii": "right hemisphere, GIFTI",
        ".png": "picture",
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


def _csv_line(cells: Sequence[str | int | float]) -> str:
    """One line of a table: text quoted, numbers bare, NaN empty."""
    return ",".join(_quote(cell) if isinstance(cell, str) else _number(cell) for cell in cells)


def _number(value: int | float) -> str:
    """Shortest digits that give the same number back; nothing for NaN."""
    return "" if math.isnan(value) else repr(value)


def _quote(text: str) -> str:
    """Text as a quoted cell that no spreadsheet runs."""
    text = _printable(text)
    if (text.lstrip(" ")[:1] or " ") in _FORMULA_START and not _is_number(text):
        text = "'" + text
    return '"' + text.replace('"', '""') + '"'


def _is_number(text: str) -> bool:
    """Whether text reads as a number, e.g. an onset of "-1.5"."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _comment(key: str, value: str) -> str:
    """``# key: value``; what a spreadsheet may cut off at a separator is no formula either."""
    separators_then_formula = rf"([,;\t]\s*)(?=[{re.escape(_FORMULA_START)}])"
    return f"# {key}: " + re.sub(separators_then_formula, r"\1'", value)


def _json(values: Mapping[str, Any]) -> str:
    """One line of JSON, keys sorted."""
    return json.dumps(dict(values), sort_keys=True, ensure_ascii=False)


def _printable(text: str) -> str:
    """Text without the control characters that XML and spreadsheets refuse."""
    return "".join(c for c in text if c in "\t\n\r" or unicodedata.category(c) not in ("Cc", "Cs"))


def _one_line(text: str) -> str:
    """Printable text with every run of white space made one blank."""
    return " ".join(_printable(text).split())


def _safe_name(name: str) -> str:
    """File name without folders, safe on every file system."""
    path = PurePosixPath(name.replace("\\", "/"))
    return _slug(path.stem) + (f".{_slug(path.suffix)}" if path.suffix else "")


def _slug(text: str) -> str:
    """Letters, digits, dots and hyphens only, at most 60; never empty, never hidden."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9.-]+", "-", plain).strip("-.")[:60] or "unnamed"
