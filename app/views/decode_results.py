"""What came out: one pattern's story, how often it is right, and all patterns at once."""

from __future__ import annotations

import streamlit as st

from app import cache, decode_cache, decode_files, decode_uploads, messages, state
from app.decode_cache import Finding, Reading
from app.decode_link import DecodeState
from app.decode_worlds import Uploads
from app.views.decode_inputs import confirm
from components.decode_cards import share_html, story_html
from components.decode_charts import category_table, rank_histogram
from components.matrix import similarity_matrix

__all__ = ["draw", "row_of", "verdict_of"]

_PLAIN = {"displayModeBar": False}


def draw(reading: Reading, now: DecodeState, uploads: Uploads) -> None:
    """Story, tiles, and the views of all patterns."""
    if reading.is_side_wrong:
        st.warning(
            "Your patterns fit much better with left and right exchanged. Turn on “Exchange left "
            "and right” if the pictures below look wrong.",
            icon=":material/swap_horiz:",
        )
    _warn_of_twins(reading)
    row = _pick_row(reading, now)
    finding = decode_cache.find(reading, row, is_left_out=now.is_left_out)
    st.html(_story(reading, row, finding, now))
    if now.origin == "uploaded":
        confirm(uploads, row)
    _tiles(reading)
    if reading.known.size > 1:
        _all_patterns(reading)


def _warn_of_twins(reading: Reading) -> None:
    """Name pictures that no reader can be expected to tell apart."""
    found = decode_uploads.twins(reading.pictures)
    if found:
        one, other = found[0]
        more = f", and {len(found) - 1} more pairs" if len(found) > 1 else ""
        st.warning(
            f"{messages.plain(one)} and {messages.plain(other)} are nearly the same picture{more}: "
            "count a mix-up between them as right.",
            icon=":material/content_copy:",
        )


def row_of(reading: Reading, now: DecodeState) -> int:
    """Pattern that is looked at."""
    if now.origin == "simulated":
        return reading.names.index(now.shown) if now.shown in reading.names else 0
    row: int | None = state.recall("decode-row")
    return row if row is not None and row < len(reading.names) else 0


def _pick_row(reading: Reading, now: DecodeState) -> int:
    """Let one of several uploaded patterns be chosen."""
    names = reading.names
    if now.origin == "uploaded" and len(names) > 1:
        key = f"decode:row:{decode_cache.identity(names)}"
        chosen = st.selectbox(
            "Pattern", range(len(names)), format_func=lambda index: names[index], key=key
        )
        state.remember("decode-row", int(chosen))
    return row_of(reading, now)


def _story(reading: Reading, row: int, finding: Finding, now: DecodeState) -> str:
    """Shown picture, pattern and best guesses in one row."""
    stimuli = reading.pictures.stimuli
    shown = None
    if finding.truth >= 0:
        truth = stimuli[finding.truth]
        shown = (truth.name, cache.tile_pictures([truth])[0])
    is_simulated = now.origin == "simulated"
    words = (
        "Simulated pattern, with noise" if is_simulated else f"Your pattern {reading.names[row]}"
    )
    return story_html(
        shown,
        decode_cache.brain_picture(reading, row),
        decode_files.guesses_of(reading, finding),
        verdict=_verdict(finding, is_left_out=now.is_left_out),
        is_found=None if finding.rank is None else finding.rank < 1,
        pattern_words=f"{words}. Red: more than on average, blue: less.",
        note=_confidence(finding),
        score_word="r = " if now.method == "match" else "cosine ",
    )


def verdict_of(reading: Reading, row: int, now: DecodeState) -> str:
    """Where the right picture of one pattern came out."""
    finding = decode_cache.find(reading, row, is_left_out=now.is_left_out)
    return _verdict(finding, is_left_out=now.is_left_out)


def _verdict(finding: Finding, *, is_left_out: bool) -> str:
    """Where the right picture came out."""
    if is_left_out:
        return "The right picture is not in the gallery. The best match is wrong."
    if finding.rank is None:
        return "Best matches (no truth was given, so nothing can be right or wrong)"
    place = f"{finding.rank + 1:g}"
    kind = "Found" if finding.rank < 1 else "Nearly" if finding.rank < 5 else "Missed"
    return f"{kind}: the right picture is number {place} of {finding.n_offered}"


def _confidence(finding: Finding) -> str:
    """Whether the best match is better than that of pictures that are not there."""
    if finding.p_open is None:
        return ""
    share = f"{finding.p_open:.0%}"
    if finding.is_confident:
        return (
            f"Confident match: only {share} of patterns whose picture is missing from the gallery "
            "find one as good."
        )
    return (
        f"No confident match: {share} of patterns whose picture is missing from the gallery find "
        "one as good."
    )


def _tiles(reading: Reading) -> None:
    """How often it is right, over all patterns."""
    found = decode_cache.shares(reading)
    if not found:
        return
    n, n_gallery = reading.known.size, len(reading.pictures.stimuli)
    st.markdown(f"**How often is it right? {n} patterns, {n_gallery} pictures to choose from**")
    st.html(share_html(found))
    st.caption(
        "Top-5 = the right picture was among the five best guesses. Line: 95 % interval (Wilson); "
        f"dots: guessing; p: exact binomial test. Median place "
        f"{decode_cache.median_place(reading):g}. r: how well a pattern correlates with what the "
        "reader predicts for a picture."
    )


def _all_patterns(reading: Reading) -> None:
    """Square of similarities beside the places of the right pictures."""
    left, right = st.columns([1, 1], gap="medium")
    with left:
        st.markdown("**Every pattern against every picture**")
        similarity_matrix(decode_cache.matrix(reading), key="decode-matrix")
    with right:
        views = ["Places"]
        if len(set(reading.pictures.categories)) > 1:
            views.append("Categories")
        view = st.segmented_control(
            "Shown",
            views,
            default=views[0],
            key=f"decode:view:{len(views)}",
            required=True,
            label_visibility="collapsed",
        )
        if view == views[0]:
            figure = rank_histogram(reading.ranks, len(reading.pictures.stimuli))
        else:
            figure = category_table(*decode_cache.category_counts(reading))
        st.plotly_chart(figure, key=f"decode-{views.index(view)}", config=_PLAIN)
