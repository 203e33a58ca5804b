"""Readers that are trained on this machine: a button, progress, a way out, what was learnt."""

from __future__ import annotations

import streamlit as st

from app import decode_cache, decode_training, messages, state
from app.decode_cache import Reading
from app.decode_link import DecodeState
from app.decode_worlds import Uploads
from app.views.waiting import progress
from app.work import Work
from models.errors import BoldcastError

__all__ = ["read"]


def read(now: DecodeState, uploads: Uploads) -> Reading | None:
    """Return the reading of a decoder trained for this question; None before that."""
    question = decode_cache.asked(now, uploads)
    work: Work[Reading] | None = state.recall("decode-training")
    is_asked = work is not None and state.recall("decode-training-of") == question
    if work is not None and not is_asked:
        work.cancel()
    if work is None or not is_asked:
        _offer(now, uploads, question)
        return None
    if not work.is_finished:
        progress(work, "Learning")
        return None
    try:
        reading = work.result()
    except (BoldcastError, MemoryError, OSError) as error:
        messages.show(error)
        st.button("Train again", on_click=state.remember, args=("decode-training", None))
        return None
    st.caption(messages.plain(decode_training.words_of(reading)))
    return reading


def _offer(now: DecodeState, uploads: Uploads, question: tuple[object, ...]) -> None:
    """Say what will be done, and begin when asked to."""
    st.info(
        decode_training.plan_words(now),
        icon=":material/model_training:",
    )
    if st.button("Train the decoder", type="primary"):
        state.remember("decode-training", decode_training.start_training(now, uploads))
        state.remember("decode-training-of", question)
        st.rerun()
