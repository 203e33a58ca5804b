"""What the model sees of the pictures: in the visual field, or as it cuts them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from app import cache, state, widgets
from app.cache import Answer
from app.views.brain import VIEW
from app.views.waiting import PATIENCE_S, progress
from components.field import visual_field

__all__ = ["FIXATION", "draw", "move_fixation"]

FIXATION = ("fixation_x_deg", "fixation_y_deg")
#: Pictures shown as the model cuts them, for a model without receptive fields.
MOST_SEEN = 12
SEEN_WIDTH_PX = 104


def draw(answer: Answer) -> None:
    """Draw what the model sees, and every vertex at its receptive field's centre if it has one."""
    work = cache.start_previews(answer)
    if not work.wait(PATIENCE_S):
        progress(work, "What the model sees", can_cancel=False)
    elif answer.card.receptive_fields:
        _field(answer)
    else:
        _seen(answer)


def _seen(answer: Answer) -> None:
    """Pictures as the model takes them."""
    previews = cache.start_previews(answer).result()
    st.markdown("**What the model sees**")
    shown = previews[:MOST_SEEN]
    with st.container(horizontal=True, gap="small"):
        for preview, name in zip(shown, answer.response.row_labels, strict=False):
            st.image(preview.pixels, width=SEEN_WIDTH_PX, caption=name)
    more = len(previews) - len(shown)
    st.caption(shown[0].note + (f" {more} more pictures are seen the same way." if more else ""))


def _field(answer: Answer) -> None:
    """Visual field, linked with the brain."""
    fields = cache.receptive_fields(answer.card)
    assert fields is not None  # the card names them
    visual_field(
        answer.response,
        fields,
        cache.start_previews(answer).result(),
        cache.thumbnails(answer.stimuli),
        key=f"{VIEW}-field",
        view_key=VIEW,
        sizes_deg=cache.receptive_field_sizes(answer),
        on_fixation=partial(move_fixation, answer.card.id),
        low_confidence=answer.card.low_confidence_regions,
    )


def move_fixation(model_id: str, x_deg: float, y_deg: float) -> None:
    """Let the state and the widgets follow the dragged cross; a callback."""
    around = cache.surroundings()
    now, _ = state.load(around)
    values = dict(zip(FIXATION, (x_deg, y_deg), strict=True))
    state.save(replace(now, settings=now.settings.replace(**values)), around)
    for name, value in values.items():
        state.put(widgets.setting_key(model_id, name), value)
