"""What a visitor gives: a picture or a transcript."""

from __future__ import annotations

import hashlib
import json
import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from models import picture_file
from models.errors import StimulusError
from models.picture_file import MAX_DECODED_SIDE, MAX_FRAME_SIDE, Frame
from models.types import UInt8Array

__all__ = [
    "MAX_NAME_LENGTH",
    "MAX_PICTURES",
    "MAX_TOTAL_BYTES",
    "MAX_TRANSCRIPT_LETTERS",
    "MAX_TRANSCRIPT_LINES",
    "ReadResult",
    "Stimulus",
    "clean_name",
    "read_many",
]

#: Pictures taken at once, and the bytes of all of them together.
MAX_PICTURES = 64
MAX_TOTAL_BYTES = 256 * 1000**2

#: Volumes and letters of one transcript; 20,000 volumes of 1.49 s are eight hours.
MAX_TRANSCRIPT_LINES = 20_000
MAX_TRANSCRIPT_LETTERS = 10 * 1000**2

#: Longer names are cut in the middle.
MAX_NAME_LENGTH = 120

_ZERO_WIDTH_JOINER = "\u200d"  # holds emoji together; the only format character kept


def clean_name(name: str, max_length: int = MAX_NAME_LENGTH) -> str:
    """One line of plain text from a name that a stranger gave.

    Control characters, direction marks and broken code points are dropped, white space is one
    blank, and a long name is cut in the middle so that its ending stays. Nothing is escaped:
    the result is text, and whoever shows it must show it as text.
    """
    kept = "".join(
        letter
        for letter in " ".join(name.split())
        if letter == _ZERO_WIDTH_JOINER
        or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co")
    ).strip()
    if len(kept) > max_length:
        tail = max_length // 4
        kept = kept[: max_length - tail - 1] + "…" + kept[-tail:]
    return kept or "unnamed"


@dataclass(frozen=True, eq=False)
class Stimulus:
    """One picture or one transcript; equality is the digest.

    Parameters
    ----------
    kind : {"image", "transcript"}
    name : str
        What the visitor calls it, cleaned; shown as plain text only.
    data : bytes
        The original file; for a frame of an animated file, that frame as PNG; for a transcript,
        its lines, word onsets and repetition time as JSON (see :meth:`from_lines`).
    frame : int
        Which picture of an animated file, from 0.
    notes : tuple of str
        What was done on reading, one sentence each.

    Attributes
    ----------
    digest : str
        SHA-256 over kind, frame and data.
    """

    kind: Literal["image", "transcript"]
    name: str
    data: bytes = field(repr=False)
    frame: int = 0
    notes: tuple[str, ...] = ()
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha256(f"{self.kind}:{self.frame}:".encode())
        digest.update(self.data)
        object.__setattr__(self, "name", clean_name(self.name))
        object.__setattr__(self, "digest", digest.hexdigest())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stimulus) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> tuple[Stimulus, ...]:
        """Check an uploaded picture by decoding it; one stimulus a frame.

        Parameters
        ----------
        data : bytes
            PNG, JPEG, WebP, BMP, TIFF or GIF; what it is, is decided by its first bytes.
        name : str
            The file's name.

        Returns
        -------
        tuple of Stimulus
            One for a still picture. For an animated or many-paged file, one for each of the
            first ``picture_file.MAX_FRAMES`` frames, named "cat.gif · frame 3".

        Raises
        ------
        StimulusError
            Not a picture, damaged, empty or too large; the text says what to do.
        """
        label = clean_name(name, MAX_NAME_LENGTH - 16)
        frames, has_more = picture_file.decode_frames(data, label)
        if len(frames) == 1:
            still = cls("image", label, data, notes=_notes(frames[0], MAX_DECODED_SIDE))
            # the size is known now; PNG would decode everything again to look for EXIF
            still.__dict__["size"] = frames[0].size
            return (still,)
        cut = (f"Only the first {len(frames)} frames are used.",) if has_more else ()
        return tuple(
            cls(
                "image",
                f"{label} · frame {number + 1}",
                picture_file.encode_png(frame.pixels),
                number,
                _notes(frame, MAX_FRAME_SIDE) + cut,
            )
            for number, frame in enumerate(frames)
        )

    @classmethod
    def from_pixels(cls, pixels: UInt8Array, name: str) -> Stimulus:
        """Wrap a generated picture.

        Parameters
        ----------
        pixels : ndarray of shape (height, width) or (height, width, 3), uint8
            sRGB, top row first.
        name : str

        Raises
        ------
        StimulusError
            Wrong type or shape.
        """
        shape = pixels.shape
        if pixels.dtype != np.uint8 or 0 in shape or not (len(shape) == 2 or shape[2:] == (3,)):
            raise StimulusError(
                f"A picture is (height, width) or (height, width, 3) of uint8; got "
                f"{shape} of {pixels.dtype}."
            )
        return cls("image", name, picture_file.encode_png(pixels))

    @classmethod
    def from_lines(
        cls, lines: Sequence[str], name: str, tr_s: float, word_onsets_s: Sequence[float] = ()
    ) -> Stimulus:
        """Wrap a transcript cut into volumes.

        Parameters
        ----------
        lines : sequence of str
            What is said during each volume (repetition time), in order; ``""`` for silence.
        name : str
        tr_s : float
            Time from one volume to the next, in s.
        word_onsets_s : sequence of float, optional
            When each word starts, in s, rising; one a word (text between blanks) or none.

        Returns
        -------
        Stimulus
            Its digest covers the text, the word onsets and ``tr_s``.

        Raises
        ------
        StimulusError
            Not a list of strings (one plain string would be one volume a letter), empty, too
            long, or times that cannot be.
        """
        _check_transcript(lines, tr_s, word_onsets_s)
        content = {
            "lines": list(lines),
            "tr_s": float(tr_s),
            "word_onsets_s": [float(onset) for onset in word_onsets_s],
        }
        return cls("transcript", name, json.dumps(content, sort_keys=True).encode())

    @property
    def lines(self) -> tuple[str, ...]:
        """What is said during each volume; transcripts only."""
        return tuple(self._transcript["lines"])

    @property
    def tr_s(self) -> float:
        """Time from one volume to the next, in s; transcripts only."""
        return float(self._transcript["tr_s"])

    @property
    def word_onsets_s(self) -> tuple[float, ...]:
        """When each word starts, in s; empty if not known; transcripts only."""
        return tuple(self._transcript["word_onsets_s"])

    @cached_property
    def _transcript(self) -> dict[str, Any]:
        """Content of a transcript."""
        if self.kind != "transcript":
            raise StimulusError(f"“{self.name}” is a picture; it has no words.")
        try:
            content = json.loads(self.data)
            _check_transcript(content["lines"], content["tr_s"], content["word_onsets_s"])
        except (ValueError, KeyError, TypeError) as problem:
            raise StimulusError(f"“{self.name}” is not a transcript of lines.") from problem
        return dict(content)

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height of the original in pixels, turned upright."""
        return picture_file.measure(self.data, self.name)

    def pixels(self, max_side: int | None = None) -> UInt8Array:
        """Decode.

        Parameters
        ----------
        max_side : int, optional
            Longer side of the result in pixels, at most; never enlarged. Without it, and at
            most, ``MAX_DECODED_SIDE``, so that memory stays bounded.

        Returns
        -------
        ndarray of shape (height, width, 3), uint8
            sRGB, top row first; a fresh array.

        Raises
        ------
        StimulusError
            Not a picture, or it cannot be decoded.
        """
        if self.kind != "image":
            raise StimulusError(f"“{self.name}” is a transcript; it has no pixels.")
        side = MAX_DECODED_SIDE if max_side is None else min(max_side, MAX_DECODED_SIDE)
        return picture_file.decode(self.data, self.name, side)

    def thumbnail(self, side: int) -> UInt8Array:
        """Decode small: (height, width, 3) uint8, longer side at most ``side`` pixels."""
        return self.pixels(max_side=side)


def _check_transcript(lines: Sequence[str], tr_s: float, word_onsets_s: Sequence[float]) -> None:
    """Refuse what is not a transcript."""
    if isinstance(lines, str):
        raise StimulusError(
            "A transcript is a list of strings, one a volume; got one plain string. "
            "Write [text] for a single volume."
        )
    wrong = [type(line).__name__ for line in lines if not isinstance(line, str)]
    if wrong:
        raise StimulusError(f"Every line of a transcript is a string; got {wrong[0]}.")
    if not lines:
        raise StimulusError("The transcript is empty: add at least one line.")
    if len(lines) > MAX_TRANSCRIPT_LINES:
        raise StimulusError(
            f"The transcript has {len(lines):,} lines; at most {MAX_TRANSCRIPT_LINES:,} are taken."
        )
    n_letters = sum(map(len, lines))
    if n_letters > MAX_TRANSCRIPT_LETTERS:
        raise StimulusError(
            f"The transcript has {n_letters:,} letters; at most {MAX_TRANSCRIPT_LETTERS:,} are "
            "taken."
        )
    if not (math.isfinite(tr_s) and tr_s > 0):
        raise StimulusError(f"The time between volumes must be above 0 s; got {tr_s}.")
    n_words = sum(len(line.split()) for line in lines)
    if len(word_onsets_s) not in (0, n_words):
        raise StimulusError(f"{n_words} words, but {len(word_onsets_s)} word onsets.")
    onsets = np.asarray(word_onsets_s, np.float64)
    if onsets.size and not (np.isfinite(onsets).all() and (np.diff(onsets) >= 0).all()):
        raise StimulusError("Word onsets must be finite and must not fall.")


def _notes(frame: Frame, max_side: int) -> tuple[str, ...]:
    """List what was done on reading, with the reduction that ``max_side`` brings."""
    width, height = frame.size
    if max(frame.size) <= max_side:
        return frame.notes
    return (
        f"Reduced from {width:,} × {height:,} pixels to {max_side:,} on the longer side.",
        *frame.notes,
    )


@dataclass(frozen=True)
class ReadResult:
    """What came of several files.

    Parameters
    ----------
    stimuli : tuple of Stimulus
        In the order given.
    problems : tuple of str
        One sentence for each file, or part of one, that was left out.
    """

    stimuli: tuple[Stimulus, ...]
    problems: tuple[str, ...]


def read_many(files: Iterable[tuple[str, bytes]], limit: int = MAX_PICTURES) -> ReadResult:
    """Read several files; a bad one costs a sentence, never the others.

    Parameters
    ----------
    files : iterable of (name, bytes)
    limit : int
        Pictures kept, frames counted; the first ones stay.

    Returns
    -------
    ReadResult
        A file given twice, byte for byte, is kept once and a sentence says so. Frames of one
        animation stay all, even where they look alike: their order is time.
    """
    stimuli: list[Stimulus] = []
    problems: list[str] = []
    first_names: dict[bytes, str] = {}
    n_bytes = 0
    is_cut = False
    for name, data in files:
        room = limit - len(stimuli)
        if room <= 0:
            is_cut = True
            break
        label, key = clean_name(name), hashlib.sha256(data).digest()
        if key in first_names:
            problems.append(
                f"“{label}” is the same file as “{first_names[key]}”; it is shown once."
            )
            continue
        try:
            found = Stimulus.from_bytes(data, name)
        except StimulusError as problem:
            problems.append(str(problem))
            continue
        is_cut = is_cut or len(found) > room
        found = found[:room]
        n_found = sum(len(stimulus.data) for stimulus in found)
        if n_bytes + n_found > MAX_TOTAL_BYTES:
            problems.append(
                f"“{label}” was left out: all pictures together may have "
                f"{MAX_TOTAL_BYTES / 1e6:.0f} MB. Make it smaller or remove others."
            )
            continue
        first_names[key] = label
        n_bytes += n_found
        stimuli.extend(found)
    if is_cut:
        problems.append(
            f"The first {limit} pictures were kept and the rest left out: {limit} is the most "
            "at once."
        )
    return ReadResult(tuple(stimuli), tuple(problems))
