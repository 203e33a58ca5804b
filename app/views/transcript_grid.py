"""Rows of a transcript, one a volume, and its words in time; every change can be undone."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import state, transcript_cache
from app.messages import plain
from app.transcript_cache import Draft
from app.views.brain import TEXT_VIEW
from app.views.transcript_input import keep, recall_draft
from components.words import RowEdit, pack_words, transcript_editor
from models.errors import BoldcastError

__all__ = ["draw", "take_edits"]

_PROBLEM = "grid-problem"
#: Revision of the text and number of the last edit of it that was taken.
_TAKEN = "grid-taken"
#: Last message and what it was packed from.
_MESSAGE = "grid-message"
EDITOR = "words"


def draw(draft: Draft) -> None:
    """Draw the editor."""
    st.markdown("**Words, volume by volume**")
    transcript_editor(_message(draft), key=EDITOR, view_key=TEXT_VIEW, on_edits=take_edits)
    with st.container(key=_PROBLEM):
        if problem := state.recall(_PROBLEM):
            st.warning(plain(problem), icon=":material/warning:")


def _message(draft: Draft) -> bytes:
    """Pack the rows, but only once: thousands of them take a while."""
    revision = state.revision("grid")
    history = draft.history
    facts = (revision, _n_taken(revision), history.can_undo, history.can_redo)
    kept: tuple[object, object, bytes] | None = state.recall(_MESSAGE)
    if kept is not None and kept[0] is draft.grid and kept[1] == facts:
        return kept[2]
    message = pack_words(
        draft.texts,
        transcript_cache.offsets_s(draft),
        tr_s=draft.tr_s,
        revision=revision,
        n_taken=_n_taken(revision),
        can_undo=history.can_undo,
        can_redo=history.can_redo,
    )
    state.remember(_MESSAGE, (draft.grid, facts, message))
    return message


def _n_taken(revision: str) -> int:
    """Count the edits of a revision that were taken or refused."""
    known: tuple[str, int] = state.recall(_TAKEN) or ("", 0)
    return known[1] if known[0] == revision else 0


def take_edits(revision: str, edits: Sequence[RowEdit]) -> None:
    """Take over what was typed, dragged or pressed; the editor's callback.

    Edits of another text, and those that came before, change nothing.
    """
    draft = recall_draft()
    if draft is None or revision != state.revision("grid"):
        return
    new = [one for one in edits if one.number > _n_taken(revision)]
    if not new:
        return
    problems = []
    for one in new:
        try:
            draft = transcript_cache.change(draft, one)
        except BoldcastError as error:
            problems.append(str(error))
    state.remember(_TAKEN, (revision, new[-1].number))
    state.remember(_PROBLEM, " ".join(problems))
    keep(draft, is_table_kept=True)
