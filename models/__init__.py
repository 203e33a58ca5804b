"""Predict brain activity: a plain Python library, usable without the app.

``from models import BERG`` gives the published encoders in BERG's own way (:mod:`models.berg`),
and with it the names of BERG's exceptions. Nothing is imported before it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.berg import (
        BERG,
        BERGError,
        InvalidParameterError,
        ModelLoadError,
        ModelNotFoundError,
        ResourceError,
        StimulusError,
        ValidationError,
    )

__all__ = [
    "BERG",
    "BERGError",
    "InvalidParameterError",
    "ModelLoadError",
    "ModelNotFoundError",
    "ResourceError",
    "StimulusError",
    "ValidationError",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from models import berg

    return getattr(berg, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
