"""One large page without menus or uploads: the wedge loop, and pictures one touch away."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import cache, messages, state
from app.cache import Answer
from components.brain import brain_view
from components.kiosk import Tile, touch_tiles
from models.errors import BoldcastError

__all__ = ["render"]

VIEW = "kiosk"
#: Sequences that play, and sets whose pictures are shown one by one.
LOOPS = ("wedge", "ring")
PICTURES = ("photographs",)
MOST_TILES = 8
PATIENCE_S = 10.0

DISCLAIMER = (
    "A computer model's guess of what this part of the brain would do. Nobody was scanned for "
    "this picture. It shows patterns, not thoughts or feelings."
)


def render() -> None:
    """Draw the page."""
    st.html(Path(__file__).parent / "kiosk.css")
    chosen = state.recall("kiosk") or state.DEFAULT_SAMPLE
    tiles = _tiles()
    if chosen not in [tile.id for tile in tiles]:
        chosen = state.DEFAULT_SAMPLE
    label = next(tile.label for tile in tiles if tile.id == chosen)
    st.title(f"What visual cortex would do with: {messages.plain(label)}")
    answer = _answer(chosen)
    if answer is not None:
        message = cache.message(answer, sample=chosen.partition(":")[0], is_kiosk=True)
        brain_view(message, key=f"{VIEW}-{state.recall('kiosk-round') or 0}")
        st.markdown(DISCLAIMER)
    touch_tiles(tiles, key="tiles", chosen=chosen, home=state.DEFAULT_SAMPLE, on_choose=_choose)


def _tiles() -> list[Tile]:
    """Loops first, then single pictures."""
    tiles = []
    for sample in LOOPS:
        first = cache.sample_pictures(sample)[:1]
        tiles.append(Tile(sample, cache.picture_set(sample).title, cache.tile_pictures(first)[0]))
    for sample in PICTURES:
        stimuli = cache.sample_pictures(sample)
        for number, picture in enumerate(cache.tile_pictures(stimuli)):
            tiles.append(Tile(f"{sample}:{number}", stimuli[number].name, picture))
    return tiles[:MOST_TILES]


def _choose(tile: str) -> None:
    """Show a tile; coming home also puts the brain back as it was."""
    state.remember("kiosk", tile)
    if tile == state.DEFAULT_SAMPLE:
        state.remember("kiosk-round", (state.recall("kiosk-round") or 0) + 1)


def _answer(chosen: str) -> Answer | None:
    """Answer for one tile; the page waits, as these pictures are small."""
    sample, _, number = chosen.partition(":")
    stimuli = cache.sample_pictures(sample)
    if number:
        stimuli = (stimuli[int(number)],)
    around = cache.surroundings()
    now = state.usual_state(around, sample)
    job = cache.submit(now, stimuli)
    if not job.wait(PATIENCE_S):
        st.info("This takes longer than usual. Touch another picture.")
        return None
    try:
        return cache.answer_of(job)
    except (BoldcastError, MemoryError, OSError) as error:
        messages.show(error)
        return None
