"""What a visitor gives: a picture or a transcript."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

from models.errors import StimulusError
from models.types import UInt8Array

__all__ = ["Stimulus"]


@dataclass(frozen=True, eq=False)
class Stimulus:
    """One picture or one transcript; equality is the digest.

    Parameters
    ----------
    kind : {"image", "transcript"}
    name : str
        What the visitor calls it; shown as plain text only.
    data : bytes
        The original file.
    frame : int
        Which picture of an animated file.
    notes : tuple of str
        What was done on reading, one sentence each.
    """

    kind: Literal["image", "transcript"]
    name: str
    data: bytes = field(repr=False)
    frame: int = 0
    notes: tuple[str, ...] = ()
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha256(f"{self.kind}:{self.frame}:".encode() + self.data).hexdigest()
        object.__setattr__(self, "digest", digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stimulus) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> tuple[Stimulus, ...]:
        """Check an uploaded picture; one stimulus a frame."""
        raise StimulusError("not written yet")

    @classmethod
    def from_pixels(cls, pixels: UInt8Array, name: str) -> Stimulus:
        """Wrap a generated picture."""
        raise StimulusError("not written yet")

    def pixels(self) -> UInt8Array:
        """Decode: (height, width, 3) uint8 sRGB."""
        raise StimulusError("not written yet")
