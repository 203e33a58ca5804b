"""What can be read off and taken away: region values, files, caveats."""

from __future__ import annotations

import math
from functools import partial

import streamlit as st

from app import cache, messages, outputs_cache, state, transcript_cache
from app.cache import Answer
from app.work import Work
from components.charts import region_bars, region_courses
from models.errors import BoldcastError
from models.types import Hemisphere

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
def regions(answer: Answer) -> None:
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
        names, values, low = outputs_cache.region_courses(answer)
        figure = region_courses(
            values,
            names,
            response.row_labels,
            response.units,
            low_confidence=low,
            row_kind=response.row_kind,
            badge=response.provenance.badge,
        )
        st.plotly_chart(figure, key="courses", config={"displayModeBar": False})
    elif kind == "Bars":
        figure = region_bars(
            outputs_cache.region_rows(answer, row),
            response.units,
            badge=response.provenance.badge,
            notes=_accuracy_notes(answer),
            place_word=_place_word(answer),
        )
        st.plotly_chart(figure, key="bars", config={"displayModeBar": False})
    else:
        _table(answer, row)


def _place_word(answer: Answer) -> str:
    """Say what a region consists of."""
    return "voxels" if answer.is_volume else "vertices"


def _accuracy_notes(answer: Answer) -> dict[str, str]:
    """How well each region is predicted, over both sides or the chosen one, by the first map."""
    accuracy = outputs_cache.region_accuracy(answer)
    if not accuracy:
        return {}
    short, means = next(iter(accuracy.items()))  # the table has all of them
    return {
        region: f"{short} {mean:.2f}"
        for (region, side), mean in means.items()
        if side == answer.selection.hemisphere and math.isfinite(mean)
    }


def _table(answer: Answer, row: int) -> None:
    """Region values of one picture in numbers, with how well each region is predicted."""
    low = answer.card.low_confidence_regions
    accuracy = outputs_cache.region_accuracy(answer)
    st.dataframe(
        [
            {
                "Region": f"{line.region} (low confidence)" if line.region in low else line.region,
                "Side": line.hemisphere,
                "Mean": line.mean,
                f"SD over {_place_word(answer)}": line.sd,
                "Minimum": line.minimum,
                "Maximum": line.maximum,
                "Modelled": f"{line.n_modelled} of {line.n_vertices}",
                **{
                    short.capitalize(): means[
                        line.region, "both" if line.is_whole else line.hemisphere
                    ]
                    for short, means in accuracy.items()
                },
            }
            for line in outputs_cache.region_rows(answer, row)
        ],
        hide_index=True,
        key="table",
    )
    maps = " Ceiling and held-out r are means over the whole region." if accuracy else ""
    st.caption(f"Means in {answer.response.units}. Empty: not modelled.{maps}")


def downloads(answer: Answer) -> None:
    """Files of what is shown; each is made when its button is pressed."""
    with st.popover("Download", icon=":material/download:"):
        _files(answer)
        if not answer.is_volume and cache.can_draw(answer.card):
            st.divider()
            _still(answer)


@st.fragment
def _files(answer: Answer) -> None:
    """Numbers as files, in the response's own space."""
    name = partial(outputs_cache.file_name, answer)
    files = [
        ("Region values (CSV)", name("regions", "csv"), partial(outputs_cache.region_csv, answer)),
        ("All values (NPZ)", name("values", "npz"), partial(outputs_cache.npz, answer)),
    ]
    if answer.is_transcript:
        words = ("Volumes with text and regions (CSV)", name("volumes", "csv"))
        files.insert(0, (*words, partial(transcript_cache.volume_csv, answer)))
    if answer.is_transcript and transcript_cache.has_series(answer):
        series = ("Time series (CIFTI)", name("values", "ptseries.nii"))
        files.append((*series, partial(transcript_cache.series, answer)))
    if not answer.is_volume and not answer.is_parcels:
        sides: tuple[tuple[Hemisphere, str], ...] = (("left", "L"), ("right", "R"))
        files += [
            (
                f"{side.capitalize()} hemisphere (GIFTI)",
                name("values", f"{letter}.func.gii"),
                partial(outputs_cache.gifti, answer, side),
            )
            for side, letter in sides
        ]
    bundle = transcript_cache.bundle if answer.is_transcript else outputs_cache.bundle
    files.append(("Everything (ZIP)", name("bundle", "zip"), partial(bundle, answer)))
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
            "Second" if answer.is_transcript else "Picture",
            rows,
            format_func=lambda index: answer.response.row_labels[index],
        )
    work: Work[bytes] | None = state.recall("still")
    question = (answer.id, view, row)
    if work is None or state.recall("still-of") != question:
        if st.button("Draw at 300 dpi", width="stretch"):
            state.remember("still", outputs_cache.start_still(answer, row, view))
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
    file_name = outputs_cache.file_name(answer, f"{view}-{row + 1}", "png")
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
