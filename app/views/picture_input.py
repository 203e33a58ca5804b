"""Where the pictures come from: dropped files, the camera or the built-in sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from app import cache, state, widgets
from app.messages import plain
from app.state import AppState, Surroundings
from models.stimulus import MAX_PICTURES, Stimulus
from models.types import UInt8Array

__all__ = ["pick_pictures"]

#: Files shown with a remove button before the list scrolls.
LIST_HEIGHT_PX = 190
GALLERY_PICTURE_PX = 96


def pick_pictures(before: AppState, around: Surroundings) -> tuple[AppState, tuple[Stimulus, ...]]:
    """Draw all ways in; return the state and the pictures to predict from."""
    own = state.pictures()
    if not before.sample and not own:
        before = adopt(before, state.DEFAULT_SAMPLE, around)
    _drop_zone(before, around, n_own=len(own))
    with st.container(horizontal=True, gap="small"):
        _gallery(before, around)
        _camera(before, around)
    _say_problems()
    if own:
        _list_own(before, around, own)
    if before.sample:
        return replace(before, uploads=()), cache.sample_pictures(before.sample)
    digests = tuple(stimulus.digest[: state.SHORT_DIGEST] for stimulus in own)
    return replace(before, uploads=digests), own


def adopt(before: AppState, sample: str, around: Surroundings) -> AppState:
    """Show another source of pictures ("" = the visitor's own), at its own visual angle.

    An angle that the visitor chose stays.
    """
    name = state.VISUAL_ANGLE
    usual = around.usual_settings(before.card, before.sample).as_dict()
    settings = before.settings
    if name in usual and settings[name] == usual[name]:
        angle = around.usual_settings(before.card, sample)[name]
        settings = settings.replace(**{name: angle})
        state.put(widgets.setting_key(before.model_id, name), angle)
    return replace(before, sample=sample, settings=settings)


def _drop_zone(before: AppState, around: Surroundings, *, n_own: int) -> None:
    """Take dropped files over into the session, and empty the uploader.

    Files of every kind and size are let in, so that each one that cannot be used gets its own
    sentence, and not a word in an uploader that is emptied a moment later.
    """
    files = st.file_uploader(
        "Drop a photograph" if not n_own else "Add pictures",
        accept_multiple_files=True,
        key=state.revision("uploader"),
        help=f"Up to {MAX_PICTURES} pictures. They stay in this session, never on disk.",
    )
    if files:
        _take_in([(file.name, file.getvalue()) for file in files], before, around)


def _take_in(files: Sequence[tuple[str, bytes]], before: AppState, around: Surroundings) -> None:
    """Read files one by one, with progress; then draw the page anew."""
    state.dismiss_problems()
    bar = st.progress(0.0, "Reading pictures")
    found: list[Stimulus] = []
    for number, (name, data) in enumerate(files):
        bar.progress(number / len(files), f"Reading picture {number + 1} of {len(files)}")
        room = MAX_PICTURES - len(state.pictures()) - len(found)
        result = cache.read_pictures([(name, data)], room)
        found.extend(result.stimuli)
        state.problems(*result.problems)
    state.add_pictures(found)
    state.revision("uploader", is_next=True)
    state.revision("camera", is_next=True)
    if found:
        state.save(adopt(before, "", around), around)
    st.rerun()


def _camera(before: AppState, around: Surroundings) -> None:
    """Camera, started only when asked for."""
    key = state.revision("camera")  # a new one after each picture: the window closes
    popover = st.popover(
        "Camera", icon=":material/photo_camera:", on_change="rerun", key=f"{key}:window"
    )
    if popover.open:
        with popover:
            shot = st.camera_input("Take a picture", key=key, label_visibility="collapsed")
        if shot:
            number = len(state.pictures()) + 1
            _take_in([(f"Camera {number}.jpg", shot.getvalue())], before, around)


def _gallery(before: AppState, around: Surroundings) -> None:
    """Built-in sets, in a window of their own."""
    if st.button("Built-in", icon=":material/photo_library:"):
        _offer_sets(before, around)


@st.dialog("Built-in pictures", width="large")
def _offer_sets(before: AppState, around: Surroundings) -> None:
    """Each set with its first picture, words and licence."""
    columns = st.columns(2)
    for number, one in enumerate(cache.picture_sets()):
        with columns[number % 2], st.container(horizontal=True, wrap=False, gap="small"):
            first = cache.sample_pictures(one.id)[:1]
            st.image(cache.tile_pictures(first)[0], width=GALLERY_PICTURE_PX, alt="")
            with st.container(gap="xsmall"):
                is_chosen = st.button(
                    one.title,
                    key=f"sample:{one.id}",
                    on_click=_choose,
                    args=(before, one.id, around),
                    type="primary" if one.id == before.sample else "secondary",
                    width="stretch",
                )
                st.caption(f"{one.description} *{one.licence}.*")
            if is_chosen:
                st.rerun()


def _choose(before: AppState, sample: str, around: Surroundings) -> None:
    """Button callback: show a source of pictures."""
    state.save(adopt(before, sample, around), around)


def _say_problems() -> None:
    """One sentence for each file that could not be used."""
    problems = state.problems()
    if not problems:
        return
    for sentence in problems:
        st.warning(plain(sentence), icon=":material/warning:")
    st.button("Dismiss", on_click=state.dismiss_problems, type="tertiary")


def _list_own(before: AppState, around: Surroundings, own: Sequence[Stimulus]) -> None:
    """List the visitor's own pictures with remove buttons."""
    count = "picture" if len(own) == 1 else f"{len(own)} pictures"
    with st.container(horizontal=True, vertical_alignment="center"):
        if before.sample:
            st.button(f"Show your {count}", on_click=_choose, args=(before, "", around))
        else:
            st.text(f"Your {count}")
        st.button("Remove all", on_click=state.clear_pictures, type="tertiary")
    height = LIST_HEIGHT_PX if len(own) > 3 else "content"
    with st.container(height=height, border=len(own) > 3, gap="small"):
        for stimulus, picture in zip(own, cache.thumbnails(own), strict=True):
            _list_one(stimulus, picture)


def _list_one(stimulus: Stimulus, picture: UInt8Array) -> None:
    """One picture: thumbnail, name as plain text, what was done to it, remove."""
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, gap="small"):
        st.image(picture, width=36, alt="")
        st.text(stimulus.name, help=plain(" ".join(stimulus.notes)) or None, width="stretch")
        st.button(
            "",
            icon=":material/close:",
            key=f"remove:{stimulus.digest}",
            help="Remove this picture",
            on_click=state.remove_picture,
            args=(stimulus.digest,),
            type="tertiary",
        )
