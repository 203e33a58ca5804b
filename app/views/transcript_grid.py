"""Rows of a transcript, one a volume, to be edited; every change is a step that can be undone."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app import state, transcript_cache
from app.messages import plain
from app.transcript_cache import Draft
from app.views.transcript_input import keep, recall_draft
from models.errors import BoldcastError

__all__ = ["draw", "take_edits", "take_typed"]

_PROBLEM = "grid-problem"
#: Rows that the table's own edits are relative to.
_BASE = "grid-base"
#: Number of the volume that the buttons are for, from 1.
_ROW = "grid-row"
ROW_WIDTH_PX = 130
ROW_HEIGHT_PX = 35
MOST_ROWS_IN_VIEW = 12

#: Step -> label, icon and what it does.
_STEPS = {
    "insert": ("Insert", "add", "A silent volume before this one; all words after it come later."),
    "remove": ("Remove", "delete", "This volume with its words; all after it come earlier."),
    "split": ("Split", "call_split", "The second half of its words moves to a new volume."),
    "merge": ("Merge", "call_merge", "Join with the next volume into one."),
    "earlier": ("Earlier", "arrow_upward", "This volume and all after it, by one volume."),
    "later": ("Later", "arrow_downward", "This volume and all after it, by one volume."),
}


def draw(draft: Draft) -> None:
    """Draw table and buttons."""
    st.markdown("**Words, volume by volume**")
    _table(draft)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        last = len(draft.texts)
        number = st.number_input(
            "Volume",
            *(1, last, min(state.recall(_ROW) or 1, last)),
            key=f"{state.revision('grid')}:row",
            width=ROW_WIDTH_PX,
        )
        state.remember(_ROW, int(number))
        for step, (label, icon, words) in _STEPS.items():
            st.button(
                label,
                icon=f":material/{icon}:",
                help=words,
                key=f"step:{step}",
                on_click=_step,
                args=(step, int(number) - 1),
            )
        st.button(
            "Undo", icon=":material/undo:", on_click=_undo, disabled=not draft.history.can_undo
        )
        st.button(
            "Redo", icon=":material/redo:", on_click=_redo, disabled=not draft.history.can_redo
        )
    with st.container(key=_PROBLEM):
        if problem := state.recall(_PROBLEM):
            st.warning(plain(problem), icon=":material/warning:")


def _table(draft: Draft) -> None:
    """Index, onset and text of every volume; typed text goes in as a step."""
    key = state.revision("grid")
    base: tuple[str, tuple[str, ...]] | None = state.recall(_BASE)
    if base is None or base[0] != key:
        base = (key, draft.texts)
        state.remember(_BASE, base)
    texts = base[1]
    st.data_editor(
        {
            "Volume": list(range(1, len(texts) + 1)),
            "Onset (s)": [round(number * draft.tr_s, 3) for number in range(len(texts))],
            "Text": list(texts),
        },
        key=key,
        on_change=take_typed,
        args=(key,),
        hide_index=True,
        width="stretch",
        height=ROW_HEIGHT_PX * (1 + min(len(texts), MOST_ROWS_IN_VIEW)) + 2,
        row_height=ROW_HEIGHT_PX,
        num_rows="fixed",
        disabled=["Volume", "Onset (s)"],
        column_config={
            "Volume": st.column_config.NumberColumn(width="small"),
            "Onset (s)": st.column_config.NumberColumn(width="small", format="%.2f"),
            "Text": st.column_config.TextColumn(width="large"),
        },
    )


def take_typed(key: str) -> None:
    """Take over what was typed since the table was drawn anew; its callback."""
    take_edits({int(row): cells for row, cells in state.typed(key)["edited_rows"].items()})


def take_edits(edited: dict[int, dict[str, str | None]]) -> None:
    """Take over the table's edits; those that were taken before change nothing."""
    draft = recall_draft()
    if draft is None:
        return
    texts = {row: cells["Text"] or "" for row, cells in edited.items() if "Text" in cells}
    _try(lambda: keep(transcript_cache.set_texts(draft, texts), is_table_kept=True))


def _step(step: str, row: int) -> None:
    """Button callback: one step with one volume."""
    draft = recall_draft()
    if draft is not None:
        _try(lambda: keep(transcript_cache.change(draft, step, row)))


def _undo() -> None:
    """Button callback."""
    draft = recall_draft()
    if draft is not None:
        keep(transcript_cache.undo(draft))


def _redo() -> None:
    """Button callback."""
    draft = recall_draft()
    if draft is not None:
        keep(transcript_cache.redo(draft))


def _try(do: Callable[[], None]) -> None:
    """Do it, or say why it cannot be done."""
    state.remember(_PROBLEM, "")
    try:
        do()
    except BoldcastError as error:
        state.remember(_PROBLEM, str(error))
