"""A pattern of brain activity in, the picture that caused it out."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import decode_cache, decode_files, decode_worlds, messages, state
from app.decode_cache import Reading, Uploads
from app.decode_link import DecodeState, pairing
from app.views import decode_controls, decode_curves, decode_results
from app.views.decode_files import downloads
from app.views.waiting import PATIENCE_S, progress
from app.work import Work
from models.errors import BoldcastError

__all__ = ["render"]

_COLOURS = {
    "circular": "red",
    "partly": "orange",
    "trained": "orange",
    "unknown": "gray",
    "independent": "green",
}
_ICONS = {"circular": ":material/sync_problem:", "independent": ":material/call_split:"}


def render() -> None:
    """Draw the page."""
    st.html(Path(__file__).with_name("decode.css"))
    before, notices = state.load_decode(decode_worlds.read_link)
    main, side = st.columns([3, 1], gap="medium")
    with side:
        now, uploads = decode_controls.pick(before)
    state.save_decode(now)
    with main:
        head, stage = st.container(gap="small"), st.container()
        with head:
            files = _head(now)
            for sentence in notices:
                st.info(messages.plain(sentence), icon=":material/link:")
        with stage:
            reading = _read(now, uploads)
        if reading is None:
            return
        decode_results.draw(reading, now)
        decode_curves.draw(reading, now, uploads)
        with files:
            downloads(reading, now)
        _caveats(reading, now)


def _head(now: DecodeState) -> st.delta_generator.DeltaGenerator:
    """Say what the page does, who made the pattern and who reads it; returns room for files."""
    row = st.container(horizontal=True, vertical_alignment="center")
    with row:
        st.markdown(
            "#### Show the app a pattern of brain activity; it guesses which picture caused it.",
            width="stretch",
        )
        files = st.container(width="content")
    pair = pairing(now)
    with st.container(horizontal=True, gap="small"):
        for words in _who(now):
            st.badge(messages.plain(words), color="gray")
        st.badge(
            messages.plain(pair.title),
            color=_COLOURS[pair.kind],
            icon=_ICONS.get(pair.kind, ":material/join_inner:"),
            help=pair.sentence,
        )
    if pair.kind == "circular":
        st.caption(f":red[{pair.sentence}]")
    return files


def _who(now: DecodeState) -> tuple[str, str]:
    """Who made the pattern and who reads it."""
    made = now.maker.short if now.origin == "simulated" else "your file"
    readers = {
        "match": now.reader.short,
        "ridge": "linear decoder, trained here",
        "mlp": "FmriMlp, trained here",
    }
    return f"Pattern: {made}", f"Reader: {readers[now.method]}"


def _read(now: DecodeState, uploads: Uploads) -> Reading | None:
    """Work of the page's question; while it runs, the reading before."""
    question = decode_cache.asked(now, uploads)
    work: Work[Reading] | None = state.recall("decode-work")
    if work is None or state.recall("decode-asked") != question:
        work = decode_cache.start(now, uploads)
        state.remember("decode-work", work)
        state.remember("decode-asked", question)
        work.wait(PATIENCE_S)
    if not work.is_finished:
        progress(work, "Decoding")
        return state.recall("decode-reading")
    try:
        reading = work.result()
    except (BoldcastError, MemoryError, OSError) as error:
        messages.show(error)
        st.button("Try again", on_click=state.remember, args=("decode-work", None))
        return None
    state.remember("decode-reading", reading)
    return reading


def _caveats(reading: Reading, now: DecodeState) -> None:
    """Say what must be read with the numbers."""
    sentences = decode_files.caveats(reading, now)
    st.caption("  \n".join(messages.plain(sentence) for sentence in sentences))
