"""What can be read off and taken away: region values, files, caveats."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app import cache, messages, state
from app.cache import Answer
from app.state import AppState
from app.work import Work
from components.charts import region_bars, region_courses
from models.errors import BoldcastError

__all__ = ["caveats", "downloads", "regions"]

POLL_S = 0.2

#: View of a print -> words.
STILL_VIEWS = {
    "four": "Both sides of both hemispheres",
    "occipital": "Back of the brain",
    "left_lateral": "Left hemisphere, outside",
    "left_medial": "Left hemisphere, inside",
    "right_medial": "Right hemisphere, inside",
    "right_lateral": "Right hemisphere, outside",
    "posterior": "From behind",
    "anterior": "From the front",
    "dorsal": "From above",
    "ventral": "From below",
    "flat": "Flat map",
}


@st.fragment
def regions(answer: Answer, now: AppState) -> None:
    """Bars of one picture, courses over all of them, or the numbers as a table."""
    response = answer.response
    kinds = ["Bars", "Course", "Table"] if response.n_rows > 1 else ["Bars", "Table"]
    row = 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = f"chart:{len(kinds)}"
        kind = st.segmented_control("Region values", kinds, default="Bars", key=key, required=True)
        if len(kinds) == 3 and kind != "Course":
            row = st.selectbox(
                "Picture",
                range(response.n_rows),
                format_func=lambda index: f"{index + 1} · {response.row_labels[index]}",
                key=f"row:{answer.id}",
            )
    if kind == "Course":
        names, values = cache.region_courses(answer, now)
        figure = region_courses(
            values,
            names,
            response.row_labels,
            response.units,
            low_confidence=[
                n for n in names if _region_of(n) in answer.card.low_confidence_regions
            ],
            row_kind=response.row_kind,
            badge=response.provenance.badge,
        )
        st.plotly_chart(figure, key="courses", config={"displayModeBar": False})
    elif kind == "Bars":
        rows = cache.region_rows(answer, now, row)
        figure = region_bars(rows, response.units, badge=response.provenance.badge)
        st.plotly_chart(figure, key="bars", config={"displayModeBar": False})
    else:
        _table(answer, now, row)


def _region_of(name: str) -> str:
    """Region of a line's name ("V1 left")."""
    return name.rpartition(" ")[0]


def _table(answer: Answer, now: AppState, row: int) -> None:
    """Region values of one picture in numbers."""
    low = answer.card.low_confidence_regions
    st.dataframe(
        [
            {
                "Region": f"{line.region} (low confidence)" if line.region in low else line.region,
                "Side": line.hemisphere,
                "Mean": line.mean,
                "SD over vertices": line.sd,
                "Minimum": line.minimum,
                "Maximum": line.maximum,
                "Modelled": f"{line.n_modelled} of {line.n_vertices}",
            }
            for line in cache.region_rows(answer, now, row)
        ],
        hide_index=True,
        key="table",
    )
    st.caption(f"Means in {answer.response.units}. Empty: not modelled.")


def downloads(answer: Answer, now: AppState) -> None:
    """Files of what is shown; each is made when its button is pressed."""
    with st.popover("Download", icon=":material/download:"):
        _files(answer, now)
        st.divider()
        _still(answer)


@st.fragment
def _files(answer: Answer, now: AppState) -> None:
    """Numbers as files."""
    name = partial(cache.file_name, answer)
    files = [
        ("Region values (CSV)", name("regions", "csv"), partial(cache.region_csv, answer, now)),
        ("All values (NPZ)", name("values", "npz"), partial(cache.npz, answer)),
        *(
            (f"{side} (GIFTI)", name("values", f"{letter}.func.gii"), make)
            for side, letter, make in (
                ("Left hemisphere", "L", partial(cache.gifti, answer, "left")),
                ("Right hemisphere", "R", partial(cache.gifti, answer, "right")),
            )
        ),
        ("Everything (ZIP)", name("bundle", "zip"), partial(cache.bundle, answer, now)),
    ]
    st.caption("Values, always with model, version, settings and caveat inside.")
    for label, file_name, make in files:
        st.download_button(
            label, make, file_name, on_click="ignore", width="stretch", key=f"file:{label}"
        )


@st.fragment
def _still(answer: Answer) -> None:
    """Draw a print-quality picture of one view, on request and beside the page."""
    st.caption("“Save picture” under the brain saves what is on the screen. For print:")
    view = st.selectbox("View", list(STILL_VIEWS), format_func=STILL_VIEWS.__getitem__)
    rows = range(answer.response.n_rows)
    row = 0
    if len(rows) > 1:
        row = st.selectbox(
            "Picture", rows, format_func=lambda index: answer.response.row_labels[index]
        )
    work: Work[bytes] | None = state.recall("still")
    question = (answer.id, view, row)
    if work is None or state.recall("still-of") != question:
        if st.button("Draw at 300 dpi", width="stretch"):
            state.remember("still", cache.start_still(answer, row, view))
            state.remember("still-of", question)
            st.rerun(scope="fragment")
        return
    if not work.is_finished:
        _still_progress(work)
        return
    try:
        content = work.result()
    except (BoldcastError, MemoryError, OSError) as error:
        messages.show(error)
        return
    file_name = cache.file_name(answer, f"{view}-{row + 1}", "png")
    st.download_button(
        "Save the PNG", content, file_name, "image/png", on_click="ignore", width="stretch"
    )


@st.fragment(run_every=POLL_S)
def _still_progress(work: Work[bytes]) -> None:
    """Stage of the drawing, with a way out."""
    if work.is_finished:
        st.rerun()
    st.progress(work.done / work.total if work.total else 0.0, f"{work.stage.capitalize()} …")
    st.button("Cancel", on_click=work.cancel, key="still-cancel")


def caveats(answer: Answer) -> None:
    """Say what must be read with the picture, and where it comes from."""
    card = answer.card
    st.caption(f"**{card.badge}.** {card.caveat} {card.long_caveat}")
    low = ", ".join(card.low_confidence_regions)
    marked = f"Low confidence: {low}. " if low else ""
    st.caption(f"{marked}{card.accuracy} Source: {card.citation}. Licence: {card.licence}.")
