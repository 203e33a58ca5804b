"""Where the words come from: built-in transcripts, pasted text or a file."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app import link, state, transcript_cache
from app.messages import plain
from app.state import AppState
from app.transcript_cache import Draft
from models.errors import BoldcastError

__all__ = ["keep", "keep_tr", "pick_text", "pick_tr", "recall_draft"]

#: Name under which the session keeps the text on the page.
_DRAFT = "transcript"
_PROBLEM = "transcript-problem"
#: Who said what the time between volumes is: "visitor", "file", or "" for the model's usual one.
_TR_BY = "transcript-tr-by"
#: Plain text as it came with how it was timed, and what was read from it.
_PLAIN = "transcript-plain"
PASTE_HEIGHT_PX = 220
#: Words a second; pause after a sentence in s.
RATES = (0.5, 5.0, transcript_cache.WORDS_A_SECOND, 0.1)
PAUSES_S = (0.0, 2.0, transcript_cache.PAUSE_S, 0.05)


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
        is_usual = before.tr_s == before.card.usual_tr_s
        state.remember(_TR_BY, "" if is_usual else "visitor")  # in a link
        draft = transcript_cache.example_draft(before.sample, before.tr_s)
        keep(draft)
    # what comes next keeps the visitor's time, but not that of the file before
    tr_s = draft.tr_s if state.recall(_TR_BY) == "visitor" else before.card.usual_tr_s
    draft = _pick_example(draft, tr_s)
    with st.container(key="text-file"):
        _file(tr_s)
    key = f"{state.revision('paste')}:window"  # a new one after each text: the window closes
    with st.popover("Paste text", icon=":material/content_paste:", width="stretch", key=key):
        _paste(tr_s)
    _say_problem()
    _retime(draft)
    if draft.notes:
        st.caption(plain(" ".join(draft.notes)))
    if not draft.example:
        st.caption("Your text stays in this session: it is never stored and in no link.")
    uploads = () if draft.example else (draft.stimulus.digest[: state.SHORT_DIGEST],)
    return replace(before, sample=draft.example, uploads=uploads, tr_s=draft.tr_s), draft


def _pick_example(draft: Draft, tr_s: float) -> Draft:
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
    draft = transcript_cache.example_draft(picked, tr_s)
    _keep_new(draft)
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
        rate = st.slider("Words a second, for plain text", *RATES, key=f"{key}:rate")
        pause_s = st.slider("Pause after a sentence (s)", *PAUSES_S, key=f"{key}:pause")
        is_sent = st.form_submit_button("Use this text", type="primary", width="stretch")
    if is_sent:
        state.revision("paste", is_next=True)
        _take_in(text.encode(), "Pasted text", tr_s, rate, pause_s)
        st.rerun()


def _take_in(
    data: bytes,
    name: str,
    tr_s: float,
    rate: float = transcript_cache.WORDS_A_SECOND,
    pause_s: float = transcript_cache.PAUSE_S,
) -> None:
    """Read a text; what cannot be read costs a sentence, and the text before stays."""
    state.remember(_PROBLEM, "")
    try:
        draft = transcript_cache.read(data, name, tr_s, rate, pause_s)
        draft.stimulus  # noqa: B018 - refuses what is too long for a model
    except BoldcastError as error:
        state.remember(_PROBLEM, str(error))
    else:
        _keep_new(draft)
        state.remember(_PLAIN, (draft.origin, data, name, rate, pause_s))


def _keep_new(draft: Draft) -> None:
    """Put a text on the page that was not there before."""
    if draft.origin is not None and draft.origin.tr_s:
        state.remember(_TR_BY, "file")
    elif state.recall(_TR_BY) == "file":
        state.remember(_TR_BY, "")
    keep(draft)


def _retime(draft: Draft) -> None:
    """Speak plain text faster or slower, as long as no row was edited."""
    plain_text = state.recall(_PLAIN)
    origin = draft.origin
    if origin is None or origin.has_times or not plain_text or plain_text[0] is not origin:
        return
    _, data, name, rate, pause_s = plain_text
    key = state.revision("retime")
    label = f"Spoken at {rate:g} words a second"
    with st.popover(label, icon=":material/speed:", width="stretch", key=f"{key}:window"):
        new_rate = st.slider("Words a second", *RATES[:2], rate, RATES[3], key=f"{key}:rate")
        new_pause_s = st.slider(
            "Pause after a sentence (s)",
            *(*PAUSES_S[:2], pause_s, PAUSES_S[3]),
            key=f"{key}:pause",
            help="Half of it after a comma, twice as long after a paragraph.",
        )
    if (new_rate, new_pause_s) != (rate, pause_s):
        _take_in(data, name, draft.tr_s, new_rate, new_pause_s)
        st.rerun()


def _say_problem() -> None:
    """Say what could not be read."""
    problem = state.recall(_PROBLEM)
    if problem:
        st.warning(plain(problem), icon=":material/warning:")
        st.button("Dismiss", on_click=state.remember, args=(_PROBLEM, ""), type="tertiary")


def pick_tr(before: AppState, draft: Draft) -> tuple[AppState, Draft]:
    """Time from one volume to the next; words stay at their times.

    It is the model's usual one unless the visitor, a link or the file said another.
    """
    usual_s = before.card.usual_tr_s
    given_s = draft.tr_s if state.recall(_TR_BY) else usual_s
    tr_s = st.number_input(
        "Time between volumes, TR (s)",
        link.SHORTEST_TR_S,
        link.LONGEST_TR_S,
        given_s,
        0.01,
        "%.2f",
        key=f"{state.revision('tr')}:{before.model_id}",
        help=f"{before.card.title} is usually used with {usual_s:g} s.",
    )
    if tr_s != given_s:
        keep_tr()
    if tr_s != draft.tr_s:
        try:
            draft = transcript_cache.with_tr(draft, tr_s)
        except BoldcastError as error:
            st.warning(plain(str(error)), icon=":material/warning:")
        else:
            state.remember(_DRAFT, draft)
            state.revision("grid", is_next=True)
    return replace(before, tr_s=draft.tr_s), draft


def keep_tr() -> None:
    """Let the time between volumes stay as the visitor has it, whatever model comes."""
    state.remember(_TR_BY, "visitor")
