"""Words in time and the rows they belong to, to be edited: one door for pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import streamlit as st

from components.mounting import check_key, entry_script, styles
from components.words.wire import STEPS, RowEdit, pack_words, read_edits

__all__ = ["STEPS", "RowEdit", "pack_words", "read_edits", "transcript_editor"]


def transcript_editor(
    message: bytes,
    *,
    key: str,
    view_key: str,
    on_edits: Callable[[str, Sequence[RowEdit]], None],
) -> None:
    """Show a transcript as a lane of words and as a grid with a row a volume.

    What is typed or dragged is on show at once. Each change sends all edits that no message has
    acknowledged so far, so that none is lost when two come in one run; ``n_taken`` of the next
    message says how many have arrived.

    Parameters
    ----------
    message : bytes
        From :func:`pack_words`.
    key : str
        Identity of the editor.
    view_key : str
        Key of the view of the page that leads time: its volume is marked in lane and grid, and a
        click on a volume's number goes there.
    on_edits : callable
        Called with the message's revision and the edits, before the script runs. Edits with a
        number that was taken before come again and must be left out.

    Raises
    ------
    ValueError
        A key has other characters than letters, digits, "-", ".".
    """
    check_key(key)
    check_key(view_key)

    def report() -> None:
        revision, edits = read_edits(st.session_state[key].get("edits"))
        if edits:
            on_edits(revision, edits)

    _component(key, view_key)(data=message, key=key, on_edits_change=report)


@lru_cache(maxsize=8)
def _component(key: str, view_key: str) -> Callable[..., Any]:
    """Register the component of one page; its inline entry imports the modules from the server."""
    component: Callable[..., Any] = st.components.v2.component(
        f"boldcast_words_{key}_{view_key}".replace(".", "-"),
        html='<div class="boldcast-words"></div>',
        css=styles("shared/viewer.css", "words/frontend/words.css"),
        js=entry_script("words", view_key),
    )
    return component
