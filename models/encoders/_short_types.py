"""Number types shorter than float32: which are faster here, and whether they are good enough.

A shorter type is used only where a fixed set of pictures got nearly the same responses in it as
in float32, on the weights that are here. That measurement is made once and kept in a small file
beside the converted weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.encoders._precision import PrecisionError, compare_precisions, measured_once
from models.patterns import checkerboard, pink_noise, soft_disc, stripes, to_grey_levels
from models.types import FloatArray, SettingValue, UInt8Array

__all__ = [
    "PROBE_STAGE",
    "NumberType",
    "choose_type",
    "probe_pictures",
    "shorter_types",
    "type_of",
]

#: What is being done, for a report.
PROBE_STAGE = "measuring the error of shorter numbers"

#: Raise it when the pictures or the comparison change: kept measurements are then made anew.
_PROBE_VERSION = 1
_PROBE_SIDE, _N_NOISE = 256, 6

#: Responses of the fixed pictures in one type, (n_pictures, n_places) for each file.
Answer = Callable[[torch.dtype], Sequence[FloatArray]]


@dataclass(frozen=True)
class NumberType:
    """Type to multiply in.

    Parameters
    ----------
    dtype : torch.dtype
    facts : Mapping
        For provenance: the type, and the measured error of each shorter one that was tried.
    """

    dtype: torch.dtype
    facts: Mapping[str, SettingValue]


def type_of(facts: Mapping[str, SettingValue]) -> torch.dtype:
    """Type that a :class:`NumberType`'s facts name."""
    dtype: torch.dtype = getattr(torch, str(facts.get("precision", "float32")))
    return dtype


def name_of(dtype: torch.dtype) -> str:
    """``"bfloat16"`` and the like."""
    return str(dtype).removeprefix("torch.")


def shorter_types(device: torch.device, needs_matrix_unit: bool = False) -> tuple[torch.dtype, ...]:
    """Types that a device multiplies faster than float32, the most exact of them first.

    Parameters
    ----------
    device : torch.device
    needs_matrix_unit : bool
        Where float32 is already computed with fewer multiplications than the shorter type would
        be (see :mod:`models.encoders._winograd`), a processor must have AMX to gain from it.

    Returns
    -------
    tuple of torch.dtype
        CUDA from Volta on: float16; from Ampere on also bfloat16, for networks whose numbers are
        too large for float16. Processors: what their matrix unit (AMX) multiplies, and bfloat16
        where there is AVX512-BF16; elsewhere a shorter type is emulated. MPS was not measured.
    """
    has_half = has_brain = False
    if device.type == "cuda":
        major, _ = torch.cuda.get_device_capability(device)
        has_half, has_brain = major >= 7, major >= 8
    elif device.type == "cpu":
        can = torch.cpu.get_capabilities()
        has_half, has_brain = can.get("amx_fp16", False), can.get("amx_bf16", False)
        has_brain |= can.get("avx512_bf16", False) and not needs_matrix_unit
    both = ((torch.float16, has_half), (torch.bfloat16, has_brain))
    return tuple(dtype for dtype, is_fast in both if is_fast)


def choose_type(
    is_reduced: bool,
    candidates: Sequence[torch.dtype],
    folders: Sequence[Path],
    place: str,
    answer: Answer,
) -> NumberType:
    """Choose the type to multiply in.

    Parameters
    ----------
    is_reduced : bool
        Whether a shorter type than float32 is asked for.
    candidates : sequence of torch.dtype
        From :func:`shorter_types`; the first whose error is within the bound is taken.
    folders : sequence of Path
        Where the measurements are kept: one for each file of weights that the answers depend on.
    place : str
        What computes, in words. Another device, or another torch, is measured by itself.
    answer : callable
        Responses of :func:`probe_pictures` in a type, one array for each of ``folders``. Called
        only for what was not measured before.

    Returns
    -------
    NumberType
        float32 where no candidate is within the bound for all files.
    """
    facts: dict[str, SettingValue] = {}
    if is_reduced and not candidates:
        facts["precision_note"] = "no shorter type is known to be faster on this device"
    answers = lru_cache(maxsize=None)(answer)
    for dtype in candidates if is_reduced else ():
        key = {
            "type": name_of(dtype),
            "place": place,
            "torch": torch.__version__.partition("+")[0],
            "pictures": str(_PROBE_VERSION),
        }

        def measure(number: int, dtype: torch.dtype = dtype) -> PrecisionError:
            return _error(answers(torch.float32)[number], answers(dtype)[number])

        errors = [
            measured_once(folder, key, partial(measure, number))
            for number, folder in enumerate(folders)
        ]
        worst = _worst(errors)
        facts[f"{name_of(dtype)}_against_float32"] = worst.words
        if worst.is_acceptable:
            return NumberType(dtype, {"precision": name_of(dtype), **facts})
    return NumberType(torch.float32, {"precision": "float32", **facts})


def _error(exact: FloatArray, short: FloatArray) -> PrecisionError:
    """Compare two answers; numbers that overflowed are as wrong as can be."""
    if not np.isfinite(short).all():
        return PrecisionError(-1.0, -1.0, math.inf)
    return compare_precisions(exact, short)


def _worst(errors: Sequence[PrecisionError]) -> PrecisionError:
    """Worst of each kind."""
    return PrecisionError(
        min(error.row_correlation for error in errors),
        min(error.column_correlation for error in errors),
        max(error.largest for error in errors),
    )


@lru_cache(maxsize=1)
def probe_pictures() -> UInt8Array:
    """Draw the pictures that every type is compared on.

    Returns
    -------
    ndarray of shape (12, 3, 256, 256), uint8
        Coloured 1/f noise, stripes, checks, discs and a plain grey: rich and poor in detail, of
        high and low contrast. Read-only.
    """
    disc, checks = soft_disc(), checkerboard()
    drawn = [
        [stripes(0, 6) * disc, stripes(90, 6) * disc, stripes(45, 24) * disc],
        [0.1 * stripes(135, 12), 0.1 * stripes(135, 12), -0.1 * stripes(135, 12)],
        [checks * disc, checks * disc, checks * disc],
        [disc, -disc, 0 * disc],
        [0.5 * disc * stripes(20, 3), 0.9 * disc, checks * 0.3],
        [0 * disc, 0 * disc, 0 * disc],
    ]
    pictures = [_square(to_grey_levels(np.array(each))) for each in drawn]
    for number in range(_N_NOISE):
        noise = [pink_noise(3 * number + colour, _PROBE_SIDE) for colour in range(3)]
        pictures.append(np.array(noise))
    stack: UInt8Array = np.stack(pictures)
    stack.setflags(write=False)
    return stack


def _square(picture: NDArray[Any]) -> UInt8Array:
    """Middle of a drawn picture, (3, 256, 256)."""
    start = (picture.shape[1] - _PROBE_SIDE) // 2
    return picture[:, start : start + _PROBE_SIDE, start : start + _PROBE_SIDE]
