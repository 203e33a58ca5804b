"""Whether a shorter number type is good enough, measured on the weights that are here."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from models.types import FloatArray
from models.weights.records import read_json, write_json

if TYPE_CHECKING:
    import torch

__all__ = [
    "PROBE_LINES",
    "PrecisionError",
    "ShorterType",
    "compare_precisions",
    "measured_once",
    "shorter_types",
]

ShorterType = Literal["bfloat16", "float16"]

#: Least correlation with float32 of each row (columns' means taken away), and of each column.
LEAST_ROW_CORRELATION = 0.9999
LEAST_COLUMN_CORRELATION = 0.995

#: A fixed text, one string a volume, that both precisions read on first use.
PROBE_LINES = (
    "Good morning. Did you sleep",
    "well? I heard the rain all night",
    "",
    "and then, at four, the phone rang.",
    "Nobody spoke.",
    "Who would do that? I don't know,",
    "and I don't want to know.",
    "",
    "",
    "Look at this photograph: three",
    "children on a beach, a red boat,",
    "and behind them a man in a hat.",
    "That is my grandfather in 1952!",
    "He built the boat himself.",
    "Listen, we should go. The train",
    "leaves in twenty minutes and",
    "the station is on the other side",
    "of the river.",
    "",
    "Taxi! To the station, please, as",
    "fast as you can.",
    "You forgot your umbrella again.",
    "(laughing) No, I left it for you.",
    "Thank you. Goodbye.",
)


@dataclass(frozen=True)
class PrecisionError:
    """How far answers in a shorter type are from those in float32.

    Parameters
    ----------
    row_correlation : float
        Least over rows, each column's mean taken away first.
    column_correlation : float
        Least over columns.
    largest : float
        Largest absolute difference.
    speedup : float
        Time in float32 over time in the shorter type; infinite where it was not taken.
    """

    row_correlation: float
    column_correlation: float
    largest: float
    speedup: float = math.inf

    @property
    def is_within_bound(self) -> bool:
        """Whether the answers are near enough."""
        return (
            self.row_correlation >= LEAST_ROW_CORRELATION
            and self.column_correlation >= LEAST_COLUMN_CORRELATION
        )

    @property
    def is_acceptable(self) -> bool:
        """Whether the shorter type may be used and gains anything."""
        return self.is_within_bound and self.speedup > 1

    @property
    def words(self) -> str:
        """The error in one line, for provenance."""
        verdict = "used" if self.is_within_bound else "outside the bound, so float32 is used"
        if self.is_within_bound and not self.is_acceptable:
            verdict = "not faster here, so float32 is used"
        return (
            f"on a fixed probe: least r over rows {self.row_correlation:.6f}, over columns "
            f"{self.column_correlation:.6f}, largest difference {self.largest:.2g}; {verdict}"
        )


def shorter_types(device: torch.device) -> tuple[ShorterType, ...]:
    """16-bit types that a device multiplies itself, the one to try first first.

    float16 has eleven bits, bfloat16 eight with float32's range: it is what is left where float16
    overflows. Graphics processors multiply float16, CUDA's bfloat16 too from compute capability
    8; processors multiply float16 with AVX-512 FP16, else it is emulated, a hundred times slower.
    """
    import torch

    if device.type == "cpu":
        has_float16 = torch.cpu.get_capabilities().get("avx512_fp16", False)
    else:
        has_float16 = True
    has_bfloat16 = device.type == "cpu" or (
        device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)
    )
    first: tuple[ShorterType, ...] = ("float16",) if has_float16 else ()
    return (*first, "bfloat16") if has_bfloat16 else first


def measured_once(
    folder: Path, key: Mapping[str, str], measure: Callable[[], PrecisionError]
) -> PrecisionError:
    """Error that was measured before in the same circumstances, else measured now and kept.

    Parameters
    ----------
    folder : Path
        Holds one small file a measurement; made if absent. Where nothing can be written, the
        error is measured in each process.
    key : mapping of str to str
        All that the error depends on: weights, type, device, program, probe.
    measure : callable
    """
    wanted = dict(key)
    mark = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:16]
    path = folder / f"{mark}.json"
    held = read_json(path)
    if isinstance(held, dict) and held.get("of") == wanted:
        numbers = held.get("error")
        names = set(PrecisionError.__dataclass_fields__)
        if isinstance(numbers, dict) and set(numbers) == names:
            return PrecisionError(**{name: float(value) for name, value in numbers.items()})
    error = measure()
    with suppress(OSError):
        write_json(path, {"of": wanted, "error": asdict(error)})
    return error


def compare_precisions(
    exact: FloatArray, short: FloatArray, speedup: float = math.inf
) -> PrecisionError:
    """Compare two answers to the same question.

    Parameters
    ----------
    exact, short : ndarray of shape (n_rows, n_columns), float
        In float32 and in the shorter type.
    speedup : float
        Time in float32 over time in the shorter type.
    """
    first, second = exact.astype(np.float64), short.astype(np.float64)
    rows = _correlations(first - first.mean(0), second - second.mean(0), axis=1)
    columns = _correlations(first, second, axis=0)
    largest = float(abs(exact - short).max())
    return PrecisionError(float(rows.min()), float(columns.min()), largest, speedup)


def _correlations(first: FloatArray, second: FloatArray, axis: int) -> FloatArray:
    """Pearson correlation along an axis."""
    first = first - first.mean(axis, keepdims=True)
    second = second - second.mean(axis, keepdims=True)
    norm = np.sqrt((first**2).sum(axis) * (second**2).sum(axis))
    product: FloatArray = (first * second).sum(axis) / np.maximum(norm, np.finfo(np.float64).tiny)
    return product
