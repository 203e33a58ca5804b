"""Where the words come from: built-in transcripts, pasted text or a file."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app import link, state, transcript_cache
from app.messages import plain
from app.state import AppState
from app.transcript_cache import Draft
from models.errors import BoldcastError

__all__ = ["keep", "pick_text", "pick_tr", "recall_draft"]

#: Name under which the session keeps the text on the page.
_DRAFT = "transcript"
_PROBLEM = "transcript-problem"
PASTE_HEIGHT_PX = 220


def recall_draft() -> Draft | None:
    """Text on the page; None on a first visit."""
    draft: Draft | None = state.recall(_DRAFT)
    return draft


def keep(draft: Draft, *, is_table_kept: bool = False) -> None:
    """Put another text on the page; pickers start anew from it, and so does the table.

    A table that holds what was typed into it can be kept, so that it stays where it was scrolled.
    """
    state.remember(_DRAFT, draft)
    for widget in ("example", "tr", *(() if is_table_kept else ("grid",))):
        state.revision(widget, is_next=True)


def pick_text(before: AppState) -> tuple[AppState, Draft]:
    """Draw all ways in; return the state and the text to predict from."""
    draft = recall_draft()
    if draft is None:
        draft = transcript_cache.example_draft(before.sample, before.tr_s)
        keep(draft)
    draft = _pick_example(draft, before)
    with st.container(key="text-file"):
        _file(draft.tr_s)
    key = f"{state.revision('paste')}:window"  # a new one after each text: the window closes
    with st.popover("Paste text", icon=":material/content_paste:", width="stretch", key=key):
        _paste(draft.tr_s)
    _say_problem()
    if draft.notes:
        st.caption(plain(" ".join(draft.notes)))
    if not draft.example:
        st.caption("Your text stays in this session: it is never stored and in no link.")
    uploads = () if draft.example else (draft.stimulus.digest[: state.SHORT_DIGEST],)
    return replace(before, sample=draft.example, uploads=uploads, tr_s=draft.tr_s), draft


def _pick_example(draft: Draft, before: AppState) -> Draft:
    """Pick a built-in transcript; the visitor's own stands among them while it is on the page."""
    examples = transcript_cache.examples()
    own = () if draft.example else ("",)
    options = [*own, *examples]
    picked = st.selectbox(
        "Transcript",
        options,
        options.index(draft.example),
        format_func=lambda one: examples[one].title if one else draft.name,
        key=state.revision("example"),
        help=examples[draft.example].description if draft.example else None,
    )
    if picked == draft.example:
        return draft
    draft = transcript_cache.example_draft(picked, before.tr_s)
    keep(draft)
    return draft


def _file(tr_s: float) -> None:
    """Take a dropped file over into the session, and empty the uploader."""
    file = st.file_uploader("Open a file with words", key=state.revision("text-file"))
    if file is not None:
        state.revision("text-file", is_next=True)
        _take_in(file.getvalue(), file.name, tr_s)
        st.rerun()


def _paste(tr_s: float) -> None:
    """Text that is typed or pasted, in any format that files may have."""
    key = state.revision("paste")
    with st.form(f"{key}:form", border=False):
        text = st.text_area(
            "Plain text, or the content of a file with times",
            height=PASTE_HEIGHT_PX,
            key=key,
            placeholder="Once upon a time …",
        )
        rate = st.slider(
            "Words a second, for plain text",
            *(0.5, 5.0, transcript_cache.WORDS_A_SECOND, 0.1),
            key=f"{key}:rate",
        )
        pause_s = st.slider(
            "Pause after a sentence (s)",
            *(0.0, 2.0, transcript_cache.PAUSE_S, 0.05),
            key=f"{key}:pause",
        )
        is_sent = st.form_submit_button("Use this text", type="primary", width="stretch")
    if is_sent:
        state.revision("paste", is_next=True)
        _take_in(text.encode(), "Pasted text", tr_s, rate, pause_s)
        st.rerun()


def _take_in(data: bytes, name: str, tr_s: float, *timing: float) -> None:
    """Read a text; what cannot be read costs a sentence, and the text before stays."""
    state.remember(_PROBLEM, "")
    try:
        draft = transcript_cache.read(data, name, tr_s, *timing)
        draft.stimulus  # noqa: B018 - refuses what is too long for a model
    except BoldcastError as error:
        state.remember(_PROBLEM, str(error))
    else:
        keep(draft)


def _say_problem() -> None:
    """Say what could not be read."""
    problem = state.recall(_PROBLEM)
    if problem:
        st.warning(plain(problem), icon=":material/warning:")
        st.button("Dismiss", on_click=state.remember, args=(_PROBLEM, ""), type="tertiary")


def pick_tr(before: AppState, draft: Draft) -> tuple[AppState, Draft]:
    """Time from one volume to the next; words stay at their times."""
    usual_s = before.card.usual_tr_s
    tr_s = st.number_input(
        "Time between volumes, TR (s)",
        link.SHORTEST_TR_S,
        link.LONGEST_TR_S,
        before.tr_s,
        0.01,
        "%.2f",
        key=f"{state.revision('tr')}:{before.model_id}",
        help=f"{before.card.title} is usually used with {usual_s:g} s.",
    )
    if tr_s != draft.tr_s:
        try:
            draft = transcript_cache.with_tr(draft, tr_s)
        except BoldcastError as error:
            st.warning(plain(str(error)), icon=":material/warning:")
        else:
            state.remember(_DRAFT, draft)
            state.revision("grid", is_next=True)
    return replace(before, tr_s=draft.tr_s), draft
