"""Files of a training in progress: whole or absent, and only of the training they belong to."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from models.errors import DiskFullError, ParameterError

__all__ = ["read_checkpoint", "write_checkpoint"]

_FORMAT = "boldcast training 1"


def write_checkpoint(path: Path, key: str, state: Mapping[str, Any]) -> None:
    """Write a checkpoint; a process killed meanwhile leaves the one before it.

    Parameters
    ----------
    path : Path
    key : str
        Of the training: its recipe and trials.
    state : mapping
        Tensors and plain values.

    Raises
    ------
    DiskFullError
        It could not be written; the one before it is still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        torch.save({"format": _FORMAT, "key": key, "state": dict(state)}, temporary)
        os.replace(temporary, path)
    except (OSError, RuntimeError) as problem:
        temporary.unlink(missing_ok=True)
        raise DiskFullError(f"The checkpoint {path} could not be written: {problem}") from None


def read_checkpoint(path: Path, key: str, device: torch.device) -> Mapping[str, Any] | None:
    """State in a checkpoint; None where there is no file. Only tensors and plain values are read.

    Raises
    ------
    ParameterError
        The file is no checkpoint, or one of another training.
    """
    if not path.exists():
        return None
    try:
        found = torch.load(path, map_location=device, weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as problem:
        raise ParameterError(
            f"{path} is no checkpoint that can be read; delete it to start anew. ({problem})"
        ) from problem
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        raise ParameterError(f"{path} is no checkpoint of a decoder; delete it to start anew.")
    if found["key"] != key:
        raise ParameterError(
            f"{path} belongs to a training with other settings or trials; delete it to start anew."
        )
    state: Mapping[str, Any] = found["state"]
    return state
