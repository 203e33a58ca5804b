"""A GIF writer for drawn frames: one palette, only what changed, delays that add up.

Pillow packs the pixels (LZW); the rest is written here, because Pillow makes a palette a frame,
joins equal frames, and cuts every delay down to hundredths of a second.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from PIL import Image
from PIL.GifImagePlugin import getdata

from models.errors import RenderError
from models.types import FloatArray, IntArray, UInt8Array

__all__ = ["GifWriter", "choose_palette", "gif_delays_cs", "gif_step"]

_CS_PER_S = 100
#: Browsers show a frame of 0 or 1 hundredths of a second for 10 instead.
_SHORTEST_CS = 2
_LONGEST_CS = 65_535
_N_COLOURS, _N_FREQUENT = 255, 8
#: Palette index of "as in the frame before"; also "not looked up yet".
_KEEP = 255
_MOST_COUNTED = 1 << 16
#: Bits of a packed colour that tell it from others: all, or six a channel.
_EXACT, _COARSE = 0xFFFFFF, 0xFCFCFC


def gif_step(rate_hz: float) -> int:
    """Every how many-th frame a GIF can show: 1 up to 50 frames a second."""
    return max(1, math.ceil(rate_hz * _SHORTEST_CS / _CS_PER_S - 1e-9))


def gif_delays_cs(rate_hz: float) -> Iterator[int]:
    """How long each frame stands, in hundredths of a second, without end.

    Each is rounded so that every frame starts at most half a hundredth from its true time.

    Raises
    ------
    RenderError
        The frames are too slow for the format.
    """
    if rate_hz * _LONGEST_CS < _CS_PER_S:
        raise RenderError(
            f"A GIF shows a frame for {_LONGEST_CS / _CS_PER_S:g} s at most: "
            f"got {1 / rate_hz:g} s a frame."
        )
    start, index = 0, 0
    while True:
        index += 1
        end = math.floor(index * _CS_PER_S / rate_hz + 0.5)
        yield max(_SHORTEST_CS, end - start)
        start = end


def choose_palette(samples: Sequence[UInt8Array]) -> tuple[UInt8Array, bool]:
    """Colours that stand for all colours of some pictures.

    Parameters
    ----------
    samples : sequence of ndarray of shape (..., 3), uint8

    Returns
    -------
    palette : ndarray of shape (n, 3), uint8
        All colours where there are at most 255. Else the middles of boxes of equally many
        colours (median cut), in which rare colours count nearly as much as frequent ones, and
        then the eight most frequent ones, the very first of them last.
    is_exact : bool
        It holds all colours.
    """
    flat = np.concatenate([np.asarray(sample, np.uint8).reshape(-1, 3) for sample in samples])
    codes, counts = np.unique(_pack(flat), return_counts=True)
    if len(codes) <= _N_COLOURS:
        return _unpack(codes), True
    frequent = _unpack(codes[np.argsort(counts, kind="stable")[-_N_FREQUENT:]])
    # Nearly equal colours as one: fewer to sort, and no box is wasted on them.
    cells, cell = np.unique(codes & np.uint32(_COARSE), return_inverse=True)
    weights = 1 + np.floor(np.log2(np.bincount(cell, counts))).astype(np.int64)
    while weights.sum() > _MOST_COUNTED and weights.max() > 1:
        weights = np.maximum(1, weights // 2)
    drawn = np.repeat(_unpack(cells) + 1, weights, axis=0)
    image = Image.fromarray(np.ascontiguousarray(drawn[None]))
    chosen = image.quantize(_N_COLOURS - _N_FREQUENT, Image.Quantize.MEDIANCUT)
    table = np.asarray(chosen.getpalette("RGB"), np.uint8).reshape(-1, 3)
    return np.concatenate([table[np.unique(np.asarray(chosen))], frequent]), False


def _pack(frame: UInt8Array) -> IntArray:
    """Colours as numbers: (..., 3) uint8 -> (...) uint32, blue highest."""
    padded = np.zeros((*frame.shape[:-1], 4), np.uint8)
    for channel in range(3):  # four times as fast as all at once
        padded[..., channel] = frame[..., channel]
    codes: IntArray = padded.view("<u4")[..., 0]
    return codes


def _unpack(codes: IntArray) -> UInt8Array:
    """Colours (n, 3) uint8 of numbers (n,)."""
    return np.ascontiguousarray(codes.astype("<u4")).view(np.uint8).reshape(-1, 4)[:, :3].copy()


class GifWriter:
    """Writes frames to a GIF as they come.

    Parameters
    ----------
    path : Path
        Opened for writing at once.
    height, width : int
        Of the frames, in pixels.
    palette : ndarray of shape (n, 3), uint8
        1 to 255 colours; a frame's other colours become the nearest of them.
    is_exact : bool
        The frames have few other colours. Else those that nearly agree become the same.
    facts : sequence of (key, value)
        Written into the file as a comment: one line of ASCII JSON.

    Notes
    -----
    Memory holds one frame and a table of 16 MiB, whatever the number of frames.
    """

    def __init__(
        self,
        path: Path,
        height: int,
        width: int,
        palette: UInt8Array,
        is_exact: bool,
        facts: Sequence[tuple[str, str]] = (),
    ) -> None:
        from scipy.spatial import cKDTree

        self._nearest = cKDTree(palette.astype(np.float64))
        self._index_of = np.full(1 << 24, _KEEP, np.uint8)  # by packed colour
        self._mask = np.uint32(_EXACT if is_exact else _COARSE)
        self._index_of[_pack(palette) & self._mask] = np.arange(len(palette))
        self._before: IntArray | None = None
        self._file = path.open("wb")
        self._file.write(_head(height, width, palette, json.dumps(dict(facts))))

    def __enter__(self) -> GifWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._file.write(b";")
        finally:
            self._file.close()

    def add(self, frame: UInt8Array, delay_cs: int) -> None:
        """Append a frame (height, width, 3) uint8 that stands for hundredths of a second."""
        codes = _pack(frame)
        rows, columns = _changed_box(codes, self._before)
        part = codes[rows, columns]
        indices = self._indices(part)
        if self._before is not None:
            indices[part == self._before[rows, columns]] = _KEEP
        self._before = codes
        blocks = getdata(
            Image.fromarray(indices),
            (columns.start, rows.start),
            transparency=_KEEP,
            disposal=1,  # what is not drawn anew stays
            duration=10 * delay_cs,  # in ms
        )
        self._file.write(b"".join(blocks))

    def _indices(self, codes: IntArray) -> UInt8Array:
        """Palette index of each colour; a fresh array."""
        codes = codes & self._mask
        indices = np.take(self._index_of, codes)
        is_new = indices == _KEEP
        if is_new.any():
            new = np.unique(codes[is_new])
            colours: FloatArray = _unpack(new).astype(np.float64)
            colours += 1.5 * (self._mask == _COARSE)  # the middle of those that share six bits
            self._index_of[new] = self._nearest.query(colours)[1]
            indices[is_new] = self._index_of[codes[is_new]]
        return indices


def _changed_box(codes: IntArray, before: IntArray | None) -> tuple[slice, slice]:
    """Rows and columns outside which nothing changed; at least one pixel."""
    if before is None:
        return slice(0, codes.shape[0]), slice(0, codes.shape[1])
    is_changed = codes != before
    rows = np.flatnonzero(is_changed.any(axis=1))
    if not rows.size:
        return slice(0, 1), slice(0, 1)
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(is_changed[top:bottom].any(axis=0))
    return slice(top, bottom), slice(int(columns[0]), int(columns[-1]) + 1)


def _head(height: int, width: int, palette: UInt8Array, comment: str) -> bytes:
    """Everything before the first frame: size, palette, "play again and again", comment."""
    table = np.zeros((256, 3), np.uint8)
    table[: len(palette)] = palette
    text = comment.encode("ascii")
    blocks = [text[start : start + 255] for start in range(0, len(text), 255)]
    return b"".join(
        [
            b"GIF89a",
            struct.pack("<HHBBB", width, height, 0xF7, 0, 0),  # 256 colours of 8 bits
            table.tobytes(),
            b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00",
            b"\x21\xfe",
            *(bytes([len(block)]) + block for block in blocks),
            b"\x00",
        ]
    )
