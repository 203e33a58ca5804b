"""The four steps: where patterns come from, what can be guessed, who reads, which places."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import streamlit as st

from app import decode_cache, decode_worlds, messages, state, widgets
from app.decode_link import (
    DEFAULT_SHOWN,
    MOST_MISSED_PERCENT,
    MOST_NOISE,
    MOST_REPEATS,
    SIZES,
    DecodeState,
    Gallery,
    Method,
    Origin,
    Source,
    repaired,
)
from app.decode_worlds import Uploads
from app.views import decode_inputs

__all__ = ["pick"]

ORIGINS: dict[Origin, str] = {"simulated": "Simulate", "uploaded": "Upload"}
GALLERIES: dict[Gallery, str] = {"builtin": "Built-in", "own": "Your own"}
METHODS: dict[Method, str] = {
    "match": "Match to predictions",
    "ridge": "Linear decoder",
    "mlp": "FmriMlp",
}
METHOD_WORDS: dict[Method, str] = {
    "match": "No training: the picture whose predicted pattern is most like this one "
    "(Kay et al. 2008).",
    "ridge": "Trained here in seconds: ridge regression from patterns to picture features.",
    "mlp": "Trained here in up to 90 s. Architecture and loss of NeuralBench, not its trained "
    "model or its score.",
}
#: More regions than this are picked from a list instead of boxes.
MOST_BOXES = 8
#: Fewer pictures make a good score easy.
FEW_PICTURES = 20
_LARGEST_SEED = 9_999


def pick(before: DecodeState) -> tuple[DecodeState, Uploads]:
    """Draw the steps; return what they say and what was uploaded."""
    st.markdown("**1 · Pattern**")
    now, uploads = _pick_pattern(before)
    st.markdown("**2 · Gallery**")
    now, uploads = _pick_gallery(now, uploads)
    st.markdown("**3 · Reader**")
    now = _pick_reader(now)
    st.markdown("**4 · Region**")
    return _pick_regions(now), uploads


def _pick_pattern(before: DecodeState) -> tuple[DecodeState, Uploads]:
    """Choose simulated or uploaded patterns."""
    origin = st.segmented_control(
        "Where patterns come from",
        list(ORIGINS),
        default=before.origin,
        format_func=ORIGINS.__getitem__,
        key="decode:origin",
        required=True,
        label_visibility="collapsed",
        width="stretch",
    )
    now = replace(before, origin=cast("Origin", origin))
    if now.origin == "uploaded":
        now = replace(now, method="match")
        return now, decode_inputs.pick_patterns()
    return _pick_simulation(now), Uploads()


def _pick_simulation(now: DecodeState) -> DecodeState:
    """Model, noise, repeats, what the model misses, seed."""
    now = replace(now, maker=_pick_source("Made by", now.maker, "decode-maker"))
    least = now.least_noise
    noise = st.slider(
        "Scanner noise",
        least,
        MOST_NOISE,
        max(now.noise, least),
        0.05,
        "× %.2f",
        key=f"decode:noise:{least}",
        help="1 = as published for this model, or as assumed where nothing is published.",
    )
    if not decode_worlds.has_published_noise(now.maker):
        st.caption("× 1 is an assumption: this model publishes no noise ceiling.")
    n_repeats = st.slider(
        "Repeats averaged",
        1,
        MOST_REPEATS,
        now.n_repeats,
        key="decode:repeats",
        help="Averaging repeats lowers the noise, never what the model misses.",
    )
    missed = st.slider(
        "Part of the brain the model misses",
        0,
        MOST_MISSED_PERCENT,
        now.missed_percent,
        5,
        "%d %%",
        key="decode:missed",
        help="Share of the true signal that the model knows nothing of: the same in all repeats. "
        "An assumption.",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = st.number_input(
            "Seed", 0, _LARGEST_SEED, now.seed, key="decode:seed", help="Names the random numbers."
        )
        st.button("Measure again", icon=":material/casino:", on_click=_next_seed, args=(now.seed,))
    return replace(now, noise=noise, n_repeats=n_repeats, missed_percent=missed, seed=int(seed))


def _next_seed(seed: int) -> None:
    """Button callback: other random numbers."""
    state.put("decode:seed", (seed + 1) % (_LARGEST_SEED + 1))


def _pick_source(
    label: str, chosen: Source, key: str, common: str = "", other: Source | None = None
) -> Source:
    """One model, subject and set of parameters; by itself not that of ``other``."""
    offered = decode_worlds.sources(common)
    choices = [
        widgets.Choice(one.write(), one.card.title if reason else one.short, reason)
        for one, reason in offered
    ]
    by_text = {one.write(): one for one, _ in offered}
    if chosen.write() not in by_text:
        ready = [one for one, reason in offered if not reason]
        chosen = next((one for one in ready if one != other), ready[0])
    return by_text[widgets.pick_one(label, choices, chosen.write(), key)]


def _pick_gallery(now: DecodeState, uploads: Uploads) -> tuple[DecodeState, Uploads]:
    """Choose what can be guessed; say chance at once."""
    gallery = st.segmented_control(
        "Gallery",
        list(GALLERIES),
        default=now.gallery,
        format_func=GALLERIES.__getitem__,
        key="decode:gallery",
        required=True,
        label_visibility="collapsed",
        width="stretch",
    )
    now = replace(now, gallery=cast("Gallery", gallery))
    if now.gallery == "own":
        uploads = replace(uploads, pictures=decode_inputs.pick_pictures())
        n_pictures = len(uploads.pictures)
    else:
        n_pictures = st.select_slider(
            "Pictures to choose from", SIZES, now.n_pictures, key="decode:size"
        )
        now = replace(now, n_pictures=n_pictures)
    if n_pictures:
        st.caption(_chance_words(n_pictures))
    if now.origin == "uploaded" or n_pictures < 2:
        return now, uploads
    return _pick_shown(now, uploads), uploads


def _chance_words(n_pictures: int) -> str:
    """How often guessing is right."""
    words = f"Guessing: {100 / n_pictures:.2g} % first guess, "
    words += f"{min(100.0, 500 / n_pictures):.2g} % among five."
    if n_pictures < FEW_PICTURES:
        words += f" **Fewer than {FEW_PICTURES} pictures: guessing often looks good.**"
    return words


def _pick_shown(now: DecodeState, uploads: Uploads) -> DecodeState:
    """Choose the picture whose pattern is looked at."""
    names = decode_worlds.pictures_of(now, uploads.pictures).names
    index = names.index(now.shown) if now.shown in names else 0
    key = f"decode:shown:{decode_cache.identity(names)}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = st.selectbox("Picture that was shown", names, index, key=key)
        st.button(
            "Next",
            icon=":material/skip_next:",
            on_click=state.put,
            args=(key, names[(names.index(shown) + 1) % len(names)]),
            help="Look at the pattern of the next picture",
        )
    if shown == DEFAULT_SHOWN:
        st.caption("Chosen to start with because the first settings find it. Try others.")
    is_out = st.toggle(
        "Take it out of the gallery",
        now.is_left_out,
        key="decode:out",
        help="A best match always exists. Is it a confident one?",
    )
    return replace(now, shown=shown, is_left_out=is_out)


def _pick_reader(now: DecodeState) -> DecodeState:
    """How patterns are read, and by which model."""
    if now.origin == "simulated":
        method = st.radio(
            "Reader",
            list(METHODS),
            list(METHODS).index(now.method),
            format_func=METHODS.__getitem__,
            key="decode:method",
            label_visibility="collapsed",
        )
        now = replace(now, method=cast("Method", method))
    st.caption(METHOD_WORDS[now.method])
    if now.method == "match":
        common = (
            decode_worlds.common_space(now.maker) if now.origin == "simulated" else "fsaverage5"
        )
        now = replace(
            now, reader=_pick_source("Read by", now.reader, "decode-reader", common, now.maker)
        )
    return repaired(now)


def _pick_regions(now: DecodeState) -> DecodeState:
    """Boxes for a few regions, a list for many; none means everywhere."""
    reader = now.reader if now.method == "match" else now.maker
    groups = decode_worlds.region_groups(reader)
    names = [name for held in groups.values() for name in held]
    kept = [name for name in now.regions if name in names]
    if not names:
        st.caption("This reader names no regions: all places are compared.")
        return replace(now, regions=())
    key = f"decode:region:{reader.model_id}:{reader.subject}"
    if len(names) > MOST_BOXES:
        picked = st.multiselect(
            "Regions", names, kept, key=key, placeholder="All places", label_visibility="collapsed"
        )
        return replace(now, regions=tuple(picked))
    with st.container(horizontal=True, gap="small"):
        ticked = [
            name
            for name in names
            if st.checkbox(messages.plain(name), name in kept or not kept, key=f"{key}:{name}")
        ]
    if not ticked:
        st.caption("Tick at least one region; until then all are compared.")
    return replace(now, regions=() if len(ticked) in (0, len(names)) else tuple(ticked))
