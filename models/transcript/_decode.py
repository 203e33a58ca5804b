"""Bytes of a text file to text."""

from __future__ import annotations

import codecs

from models.errors import StimulusError

__all__ = ["decode"]

# Longer marks first: the one of UTF-32 starts with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Above this share of control characters the bytes are no text.
_MOST_CONTROLS = 0.01


def decode(data: bytes, name: str) -> tuple[str, list[str]]:
    """Text of a file, lines ended by a line feed, and notes.

    Parameters
    ----------
    data : bytes
        UTF-8 with or without a byte-order mark, UTF-16 or UTF-32 with one, UTF-16 without one
        where every other byte of Latin text is zero, else Latin-1 in its Windows form.
    name : str
        For the error.

    Raises
    ------
    StimulusError
        The bytes are no text.
    """
    text, notes = _decode(data, name)
    n_controls = sum(text.count(chr(code)) for code in range(32) if chr(code) not in "\t\n\r\f\v")
    if n_controls > _MOST_CONTROLS * len(text):
        raise StimulusError(f"“{name}” is not a text file.")
    return text.replace("\r\n", "\n").replace("\r", "\n"), notes


def _decode(data: bytes, name: str) -> tuple[str, list[str]]:
    """Text with its own ends of lines."""
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "")
    if not encoding and data:
        encoding = _guess_utf16(data)
    try:
        return data.decode(encoding or "utf-8"), []
    except UnicodeDecodeError as problem:
        if encoding:
            raise StimulusError(f"“{name}” breaks off or is damaged ({encoding}).") from problem
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text, ["The file is not UTF-8; it was read as Latin-1 (Windows-1252)."]


def _guess_utf16(data: bytes) -> str:
    """UTF-16 without a mark: Latin letters, blanks and line feeds have a zero in every pair."""
    sample = data[:4096]
    half = len(sample) // 2
    if half and sample[1::2].count(0) > 0.4 * half:
        return "utf-16-le"
    return "utf-16-be" if half and sample[0::2].count(0) > 0.4 * half else ""
