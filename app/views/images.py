"""Pictures in, predicted activity of visual cortex out."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import cache, messages, state, widgets
from app.cache import Answer
from app.state import AppState, Surroundings
from app.views import outputs
from app.views.picture_input import pick_pictures
from app.work import Pollable
from components.brain import Pick, brain_view
from components.charts import course
from components.field import visual_field
from models.catalog import list_cards
from models.errors import BoldcastError
from models.stimulus import Stimulus

__all__ = ["render"]

#: Name under which brain and visual field speak to each other in the browser.
VIEW = "images"
#: An answer that takes no longer comes without a progress bar.
PATIENCE_S = 0.4
POLL_S = 0.2
COURSE_HEIGHT_PX = 130

#: Always in view: they matter as much as the picture.
SETTINGS_IN_VIEW = ("visual_angle_deg",)
FIXATION = ("fixation_x_deg", "fixation_y_deg")


def render() -> None:
    """Draw the page."""
    around = cache.surroundings()
    before, notices = state.load(around)
    main, side = st.columns([3, 1], gap="medium")
    with side:
        beside = st.container(key="beside")
        now, stimuli = _controls(before, around)
    state.save(now, around)
    with main:
        # Fixed places: the brain must not be built anew because a message comes or goes.
        head, status, brain = st.container(), st.container(key="status"), st.container()
    with status:
        for notice in notices:
            st.info(messages.plain(notice), icon=":material/link:")
        job, answer = _answer(now, stimuli)
    with head:
        _heading(now, job, answer)
    with brain:
        if answer is not None:
            _brain(answer, now, beside)
    if answer is not None:
        _below(answer, now)


def _controls(before: AppState, around: Surroundings) -> tuple[AppState, tuple[Stimulus, ...]]:
    """Everything beside the brain."""
    before, stimuli = pick_pictures(before, around)
    model_id = widgets.pick_model(list_cards("image"), before.model_id)
    if model_id != before.model_id:
        before = replace(
            state.default_state(around, model_id), sample=before.sample, uploads=before.uploads
        )
    card = before.card
    subject = widgets.pick_subject(card, before.subject)
    atlas = cache.atlas_of(card)
    regions = widgets.pick_regions(card, atlas.groups, before.regions)
    hemisphere = widgets.pick_hemisphere(before.hemisphere)
    settings = widgets.pick_settings(card, before.settings, SETTINGS_IN_VIEW)
    others = [s.name for s in card.settings if s.name not in (*SETTINGS_IN_VIEW, *FIXATION)]
    left, right = st.columns(2, wrap=False)
    with left, st.popover("Fixation", icon=":material/my_location:", width="stretch"):
        st.caption("Where the eyes rest. Or drag the cross in the picture below the brain.")
        settings = widgets.pick_settings(card, settings, FIXATION)
    with right, st.popover("Teaching", icon=":material/school:", width="stretch"):
        settings = widgets.pick_settings(card, settings, others)
    return (
        replace(before, subject=subject, regions=regions, hemisphere=hemisphere, settings=settings),
        stimuli,
    )


def _heading(now: AppState, job: Pollable, answer: Answer | None) -> None:
    """One line over the brain: what is shown or done, and the files to take away."""
    if not job.is_finished:
        _progress(job, "Predicting")
        return
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.markdown(f"##### {_title(now)}", width="stretch")
        if answer is not None:
            outputs.downloads(answer, now)


def _title(now: AppState) -> str:
    """Say what is shown; on a first visit, what to do."""
    if now.sample == state.DEFAULT_SAMPLE and not state.pictures():
        return "Drop a photograph to see it on the cortex"
    if now.sample:
        return messages.plain(cache.picture_set(now.sample).title)
    return "Your picture" if len(now.uploads) == 1 else f"Your {len(now.uploads)} pictures"


def _answer(now: AppState, stimuli: tuple[Stimulus, ...]) -> tuple[Pollable, Answer | None]:
    """Job and answer to the page's question; while it is computed, the answer before."""
    job = state.recall("job")
    if job is None or not cache.is_for(job, now, stimuli):
        job = cache.submit(now, stimuli)
        state.remember("job", job)
        job.wait(PATIENCE_S)
    if not job.is_finished:
        return job, state.recall("answer")
    try:
        answer = cache.answer_of(job)
    except (BoldcastError, MemoryError, OSError) as error:
        messages.show(error)
        st.button("Try again", on_click=state.remember, args=("job", None))
        return job, None
    state.remember("answer", answer)
    return job, answer


@st.fragment(run_every=POLL_S)
def _progress(work: Pollable, doing: str, *, can_cancel: bool = True) -> None:
    """Stage and share done, with a way out; the page is drawn anew at the end."""
    if work.is_finished:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        share = work.done / work.total if work.total else 0.0
        st.progress(min(share, 1.0), f"{doing}: {work.stage}")
        if can_cancel:
            st.button("Cancel", on_click=work.cancel)


@st.fragment
def _brain(answer: Answer, now: AppState, beside: DeltaGenerator) -> None:
    """Draw the cortex; what was clicked on it goes ``beside`` it."""
    message = cache.brain_message(answer, sample=now.sample, regions=now.regions, is_kiosk=False)
    pick = brain_view(message, key=VIEW, on_unpin=partial(state.remember, "pick", None))
    if pick is not None:
        state.remember("pick", pick)
    pick = state.recall("pick")
    if pick is None:
        st.caption("Click the cortex to pin a place: its exact value and course appear beside it.")
    with beside:  # a fragment may only fill what every full run has filled, if with nothing
        if pick is None or pick.vertex >= answer.response.space.n_places:
            st.empty()
        else:
            _pinned(answer, pick)


def _pinned(answer: Answer, pick: Pick) -> None:
    """Exact value of the clicked place, and its course over the pictures."""
    values = cache.course_at(answer, pick.vertex)
    frame = min(pick.frame, len(values) - 1)
    response = answer.response
    name = cache.place_name(answer, pick.vertex)
    is_modelled = math.isfinite(values[frame])
    with st.container(border=True, gap="small"):
        value = f"{values[frame]:.4g} {response.units}" if is_modelled else "not modelled"
        st.markdown(f"**{name}**  \n{value}  \n{messages.plain(response.row_labels[frame])}")
        if len(values) > 1 and is_modelled:
            figure = course(
                values, response.row_labels, response.units, name=name, current_row=frame
            )
            figure.update_layout(height=COURSE_HEIGHT_PX, showlegend=False, margin_t=8, margin_b=8)
            figure.update_xaxes(title=None, showticklabels=False)
            figure.update_yaxes(title=None)
            st.plotly_chart(figure, key="course", config={"displayModeBar": False})


def _below(answer: Answer, now: AppState) -> None:
    """Under the brain: the visual field, region values, and what to keep in mind."""
    left, right = st.columns([1, 1], gap="medium")
    with left:
        _field(answer)
    with right:
        outputs.regions(answer, now)
    outputs.caveats(answer)


def _field(answer: Answer) -> None:
    """Draw what the model sees, and every vertex at its receptive field's centre."""
    fields = cache.receptive_fields(answer.card)
    if fields is None:
        return
    work = cache.start_previews(answer)
    if not work.wait(PATIENCE_S):
        _progress(work, "What the model sees", can_cancel=False)
        return
    visual_field(
        answer.response,
        fields,
        work.result(),
        cache.thumbnails(answer.stimuli),
        key=f"{VIEW}-field",
        view_key=VIEW,
        sizes_deg=cache.receptive_field_sizes(answer),
        on_fixation=partial(_move_fixation, answer.card.id),
        low_confidence=answer.card.low_confidence_regions,
    )


def _move_fixation(model_id: str, x_deg: float, y_deg: float) -> None:
    """Let the state and the widgets follow the dragged cross; a callback."""
    around = cache.surroundings()
    now, _ = state.load(around)
    values = dict(zip(FIXATION, (x_deg, y_deg), strict=True))
    state.save(replace(now, settings=now.settings.replace(**values)), around)
    for name, value in values.items():
        state.put(widgets.setting_key(model_id, name), value)
