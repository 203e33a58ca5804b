"""Text in files that others open: cells no spreadsheet runs, lines, names of files."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

__all__ = ["as_json", "comment", "csv_line", "is_number", "one_line", "safe_name", "slug"]

#: First characters that a spreadsheet may take for a formula (OWASP, "CSV Injection").
_FORMULA_START = "=+-@\t\r＝＋－＠"


def csv_line(cells: Sequence[str | int | float]) -> str:
    """One line of a table: text quoted, numbers bare, NaN empty."""
    return ",".join(_quote(cell) if isinstance(cell, str) else _number(cell) for cell in cells)


def _number(value: int | float) -> str:
    """Shortest digits that give the same number back; nothing for NaN."""
    return "" if math.isnan(value) else repr(value)


def _quote(text: str) -> str:
    """Text as a quoted cell that no spreadsheet runs."""
    text = _printable(text)
    if (text.lstrip(" ")[:1] or " ") in _FORMULA_START and not is_number(text):
        text = "'" + text
    return '"' + text.replace('"', '""') + '"'


def is_number(text: str) -> bool:
    """Whether text reads as a number, e.g. an onset of "-1.5"."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def comment(key: str, value: str) -> str:
    """``# key: value``; what a spreadsheet may cut off at a separator is no formula either."""
    separators_then_formula = rf"([,;\t]\s*)(?=[{re.escape(_FORMULA_START)}])"
    return f"# {key}: " + re.sub(separators_then_formula, r"\1'", value)


def as_json(values: Mapping[str, Any]) -> str:
    """One line of JSON, keys sorted."""
    return json.dumps(dict(values), sort_keys=True, ensure_ascii=False)


def _printable(text: str) -> str:
    """Text without the control characters that XML and spreadsheets refuse."""
    return "".join(c for c in text if c in "\t\n\r" or unicodedata.category(c) not in ("Cc", "Cs"))


def one_line(text: str) -> str:
    """Printable text with every run of white space made one blank."""
    return " ".join(_printable(text).split())


def safe_name(name: str) -> str:
    """File name without folders, safe on every file system."""
    path = PurePosixPath(name.replace("\\", "/"))
    stem = "_".join(slug(part) for part in path.stem.split("_") if part)
    return (stem or "unnamed") + (f".{slug(path.suffix)}" if path.suffix else "")


def slug(text: str) -> str:
    """Letters, digits, dots and hyphens only, at most 60; never empty, never hidden."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9.-]+", "-", plain).strip("-.")[:60] or "unnamed"
