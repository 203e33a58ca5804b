"""A pattern of brain activity in, the picture that caused it out."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import decode_cache, decode_files, decode_uploads, decode_worlds, messages, state
from app.decode_cache import Reading
from app.decode_link import DecodeState, pairing
from app.decode_worlds import Uploads
from app.views import decode_controls, decode_curves, decode_results, decode_training_panel
from app.views.decode_downloads import downloads
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
        decode_results.draw(reading, now, uploads)
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
            st.badge(words, color="gray")
        st.badge(
            pair.title,
            color=_COLOURS[pair.kind],
            icon=_ICONS.get(pair.kind, ":material/join_inner:"),
            help=pair.sentence,
        )
    if pair.kind == "circular":
        st.markdown(f":red[{pair.sentence}]")
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
    if now.origin == "uploaded" and uploads.patterns is None:
        st.info("Drop a file of patterns on the right, or simulate one.", icon=":material/upload:")
        return None
    if now.gallery == "own" and len(uploads.pictures) < 2:
        st.info("Drop two pictures or more that can be guessed.", icon=":material/upload:")
        return None
    if now.method != "match":
        return decode_training_panel.read(now, uploads)
    question = decode_cache.asked(now, uploads)
    work: Work[Reading] | None = state.recall("decode-work")
    if work is None or state.recall("decode-asked") != question:
        begin = decode_uploads.start if now.origin == "uploaded" else decode_cache.start
        work = begin(now, uploads)
        state.remember("decode-work", work)
        state.remember("decode-asked", question)
        work.wait(PATIENCE_S)
    if not work.is_finished:
        progress(work, "Decoding")
        return _before(now)
    try:
        reading = work.result()
    except (BoldcastError, MemoryError, OSError) as error:
        messages.show(error)
        st.button("Try again", on_click=state.remember, args=("decode-work", None))
        return None
    state.remember("decode-reading", (now.origin, reading))
    return reading


def _before(now: DecodeState) -> Reading | None:
    """Return the reading of the question before, if it was of the same kind."""
    origin, reading = state.recall("decode-reading") or ("", None)
    return reading if origin == now.origin else None


def _caveats(reading: Reading, now: DecodeState) -> None:
    """Say what must be read with the numbers."""
    sentences = decode_files.caveats(reading, now)
    st.caption("  \n".join(messages.plain(sentence) for sentence in sentences))
