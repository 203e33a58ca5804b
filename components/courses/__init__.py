"""Courses of regions over time with the words above, linked with the brain: ``courses_view``.

Time, pointer, emphasis and the delay guide live in the browser and cost no rerun; a region that
is chosen is also told to Python. See ``wire.py`` for the message and ``frontend/`` for the drawing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import streamlit as st

from components.courses.wire import Delay, Effects, Line, Words, pack_courses
from components.mounting import check_key, entry_script, styles

__all__ = ["Delay", "Effects", "Line", "Words", "courses_view", "pack_courses", "read_region"]


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
    check_key(key)
    check_key(view_key)
    result = _component(key, view_key)(
        data=message, key=key, on_pick_change=on_pick or _ignore, on_unpin_change=_ignore
    )
    return read_region(result.pick)


def read_region(value: Any) -> str | None:
    """Check what came from the browser; anything malformed is no choice."""
    name = value.get("region") if isinstance(value, dict) else None
    return name if isinstance(name, str) else None


def _ignore() -> None:
    """Do nothing."""


@lru_cache(maxsize=32)
def _component(key: str, view_key: str) -> Callable[..., Any]:
    """Register the component of one view; its inline entry imports the rest from the server."""
    component: Callable[..., Any] = st.components.v2.component(
        f"boldcast_courses_{view_key}_{key}".replace(".", "-"),
        html=f'<div class="boldcast-courses" data-follows="{view_key}"></div>',
        css=styles("shared/viewer.css", "courses/frontend/courses.css"),
        js=entry_script("courses", key),
    )
    return component
