"""Patterns and pictures of the visitor's own."""

from __future__ import annotations

import streamlit as st

from app import cache, decode_uploads, messages, state
from app.decode_worlds import OwnPatterns, Uploads
from models.stimulus import MAX_PICTURES, Stimulus

__all__ = ["confirm", "pick_patterns", "pick_pictures"]

PREVIEW_PX = 170


def pick_pictures() -> tuple[Stimulus, ...]:
    """Take pictures into the gallery; they are those of the Images page too."""
    own = state.pictures()
    files = st.file_uploader(
        "Add pictures",
        accept_multiple_files=True,
        key=state.revision("decode-pictures"),
        help=f"Up to {MAX_PICTURES} pictures. They stay in this session, never on disk.",
    )
    if files:
        state.dismiss_problems()
        room = MAX_PICTURES - len(own)
        result = cache.read_pictures([(file.name, file.getvalue()) for file in files], room)
        state.add_pictures(result.stimuli)
        state.problems(*result.problems)
        state.revision("decode-pictures", is_next=True)
        st.rerun()
    for sentence in state.problems():
        st.warning(messages.plain(sentence), icon=":material/warning:")
    if own:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(f"{len(own)} of your pictures")
            st.button("Remove all", on_click=state.clear_pictures, type="tertiary")
    else:
        st.caption("Drop the pictures that can be guessed; 20 or more make a fair test.")
    return own


def pick_patterns() -> Uploads:
    """Take files of patterns, with what was shown, if that is known."""
    with st.container(key="decode-file"):  # for the words in the uploader, see decode.css
        files = st.file_uploader(
            "Drop patterns of activity",
            accept_multiple_files=True,
            key=state.revision("decode-patterns"),
            help="NumPy (20,484 values a pattern on fsaverage5, left first), GIfTI pairs, NIfTI "
            "volumes in MNI space, CIFTI. They stay in this session, never on disk.",
        )
    if files:
        read = decode_uploads.read_patterns([(file.name, file.getvalue()) for file in files])
        state.remember("decode-patterns", read)
        state.revision("decode-patterns", is_next=True)
        st.rerun()
    own: OwnPatterns | None = state.recall("decode-patterns")
    if own is None:
        st.caption("Left hemisphere first, on fsaverage5 or with a mesh that is known.")
        return Uploads()
    for sentence in own.problems:
        st.warning(messages.plain(sentence), icon=":material/warning:")
    if not len(own.values):
        return Uploads()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"{len(own.values)} patterns" if len(own.values) > 1 else own.names[0])
        st.button("Remove", on_click=state.remember, args=("decode-patterns", None))
    is_swapped = st.toggle("Exchange left and right", key="decode:swap")
    truth = st.text_area(
        "What was shown (if you know)",
        key="decode:truth",
        placeholder="One picture name a line, in the order of the patterns",
        help="Names of pictures of the gallery. Without them there is a ranking, but no accuracy.",
    )
    lines = tuple(truth.splitlines()) if truth else ()
    return Uploads(patterns=own, truth=lines, is_swapped=is_swapped)


def confirm(uploads: Uploads, row: int) -> None:
    """Show a pattern from three sides, so that a wrong orientation is seen."""
    own = uploads.patterns
    assert own is not None  # there is a reading of it
    st.markdown("**Is this your pattern the right way round?**")
    found = decode_uploads.previews(own, row, is_swapped=uploads.is_swapped)
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        for words, picture in found:
            st.image(picture, caption=words, width=PREVIEW_PX)
