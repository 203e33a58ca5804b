"""Courses of regions over time with the words above, linked with the brain: ``courses_view``.

Time, pointer, emphasis and the delay guide live in the browser and cost no rerun; a region that
is chosen is also told to Python. See ``wire.py`` for the message and ``frontend/`` for the drawing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from components.courses.wire import Delay, Effects, Line, Words, pack_courses
from components.mounting import component_of, ignore

__all__ = ["Delay", "Effects", "Line", "Words", "courses_view", "pack_courses", "read_region"]

_SHEETS = ("shared/viewer.css", "courses/frontend/courses.css")


def courses_view(
    message: bytes,
    *,
    key: str,
    view_key: str,
    on_pick: Callable[[], None] | None = None,
) -> str | None:
    """Draw courses that follow a viewer of the page and can send it to another time.

    Parameters
    ----------
    message : bytes
        From :func:`pack_courses`; an unchanged one is not looked at again.
    key : str
        Name of this view. Letters, digits, "-", ".".
    view_key : str
        Key of the viewer that leads; see ``components/shared/bus.js``.
    on_pick : callable, optional
        Called before the rerun that follows the choice of a region.

    Returns
    -------
    str or None
        Name of the line chosen just now, empty for none of them; None where nothing was chosen.

    Raises
    ------
    ValueError
        A key has other characters.
    """
    result = component_of("courses", key, _SHEETS, view_key)(
        data=message, key=key, on_pick_change=on_pick or ignore, on_unpin_change=ignore
    )
    return read_region(result.pick)


def read_region(value: Any) -> str | None:
    """Check what came from the browser; anything malformed is no choice."""
    name = value.get("region") if isinstance(value, dict) else None
    return name if isinstance(name, str) else None
