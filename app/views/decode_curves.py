"""How accuracy fades: curves that grow while they are worked out."""

from __future__ import annotations

import streamlit as st

from app import decode_cache, decode_sweeps, messages, state
from app.decode_cache import Reading
from app.decode_link import DecodeState
from app.decode_sweeps import KINDS, Curves, Kind
from app.decode_worlds import Uploads
from app.work import Work
from components.decode_charts import accuracy_bars, accuracy_curve
from models.errors import BoldcastError, Cancelled

__all__ = ["draw"]

POLL_S = 0.5
_PLAIN = {"displayModeBar": False}
_TITLES: dict[Kind, str] = {
    "noise": "More noise",
    "repeats": "More repeats",
    "gallery": "More pictures to choose from",
    "regions": "Fewer and more regions",
}


def draw(reading: Reading, now: DecodeState, uploads: Uploads) -> None:
    """Four curves, or why there are none."""
    if now.origin != "simulated" or now.method != "match":
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.markdown("**How it fades**", width="stretch")
        label = st.segmented_control(
            "Right among",
            ["First guess", "Five best"],
            default="Five best",
            key="decode:top",
            required=True,
            label_visibility="collapsed",
        )
    question = decode_cache.asked(now, uploads)
    is_quick = decode_sweeps.is_quick(len(reading.pictures.stimuli), len(reading.columns))
    if state.recall("decode-curves-asked") != question:
        _stop()
        if not is_quick and not st.button("Work out the curves", icon=":material/show_chart:"):
            st.caption("Five seeds a point, with a shuffled control; this takes a while here.")
            return
        state.remember("decode-curves", decode_sweeps.start_curves(now, uploads))
        state.remember("decode-curves-asked", question)
    work, _ = state.recall("decode-curves")
    k = 1 if label == "First guess" else 5
    if work.is_finished:
        _finished(k, now)
    else:
        _growing(k, now)
    st.caption(
        f"Mean of {decode_sweeps.N_SEEDS} seeds, band from the worst to the best; every seed is "
        "another noise and another misfit. Grey: the same with shuffled pictures, which must stay "
        "at chance (dots). Dashed: where the sliders are."
    )


def _stop() -> None:
    """Let go of curves that nobody looks at any more."""
    held: tuple[Work[Curves], Curves] | None = state.recall("decode-curves")
    if held is not None:
        held[0].cancel()


@st.fragment(run_every=POLL_S)
def _growing(k: int, now: DecodeState) -> None:
    """Draw what is known, with a way out."""
    work, curves = state.recall("decode-curves")
    if work.is_finished:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        share = work.done / work.total if work.total else 0.0
        st.progress(min(share, 1.0), f"Working out: {work.stage}")
        st.button("Stop", on_click=work.cancel, key="decode-curves-stop")
    _charts(curves, k, now)


@st.fragment
def _finished(k: int, now: DecodeState) -> None:
    """Draw all that came."""
    work, curves = state.recall("decode-curves")
    error = work.error()
    if isinstance(error, Cancelled):
        st.caption("Stopped, as you asked. Change anything to start again.")
    elif isinstance(error, BoldcastError | MemoryError | OSError):
        messages.show(error)
    _charts(curves, k, now)


def _charts(curves: Curves, k: int, now: DecodeState) -> None:
    """Two rows of two."""
    what = "first guess right" if k == 1 else "among the five best"
    here = {"noise": now.noise, "repeats": now.n_repeats, "gallery": None}
    columns = st.columns(2, gap="medium")
    for number, kind in enumerate(KINDS):
        curve = decode_sweeps.curve_of(curves, kind, k)
        with columns[number % 2]:
            st.markdown(f"*{_TITLES[kind]}*")
            if kind == "regions":
                figure = accuracy_bars(curve, what=what)
            else:
                is_log = kind != "noise"
                current = here[kind]
                figure = accuracy_curve(curve, what=what, current=current, is_log=is_log)
            figure.update_layout(height=260, showlegend=kind == "noise")
            st.plotly_chart(figure, key=f"decode-curve-{kind}", config=_PLAIN)
    for note in curves.notes:
        st.caption(messages.plain(note))
