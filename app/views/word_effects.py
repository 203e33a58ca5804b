"""Which words did it: cost first, then the work, then what was found."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import messages, outputs_cache, state, transcript_cache, word_cache
from app.cache import Answer
from app.messages import plain
from app.views.waiting import PATIENCE_S, POLL_S
from app.word_cache import Found, Question
from app.work import Work
from models.errors import BoldcastError

__all__ = ["draw", "found", "watch"]

#: Names under which the session keeps whether it was asked, what is timed and what runs.
_IS_OPEN = "words-open"
_COST = "words-cost"
_RUN = "words-run"

_UNITS = {"word": "Words", "volume": "TRs"}
_ORDERS = (1, 3, 10)
_ONE = {"word": "word", "volume": "TR"}


def found(answer: Answer) -> Found | None:
    """Return what was found last, if it is about this answer."""
    work: Work[Found] | None = _work(_RUN, answer)
    is_there = work is not None and work.is_finished and work.error() is None
    return work.result() if work is not None and is_there else None


def watch(answer: Answer, region: str) -> None:
    """Ask about this region from now on; from callbacks only."""
    names = transcript_cache.course_names(answer)
    if region in names:
        state.put(_region_key(names), region)


def _region_key(names: tuple[str, ...]) -> str:
    """Key of the region's widget: its value must be one of the names."""
    return f"words-region:{names}"


def draw(answer: Answer) -> None:
    """Draw the button, or all that follows from it."""
    if not transcript_cache.course_names(answer):
        return
    if not word_cache.n_units(answer, "word"):
        st.caption("Once there are words, you can ask here which of them did it.")
    elif state.recall(_IS_OPEN):
        with st.container(border=True):
            _opened(answer)
    else:
        st.button(
            "Which words did it?",
            icon=":material/search_insights:",
            on_click=state.remember,
            args=(_IS_OPEN, True),
            help="Leaves one word, or one TR, out at a time and predicts again. Says first how "
            "long that takes.",
        )


def _opened(answer: Answer) -> None:
    """Question, then what it costs, how far it is or what was found."""
    work: Work[Found] | None = _work(_RUN, answer)
    is_running = work is not None and not work.is_finished
    question = _ask(answer, is_running=is_running)
    done = found(answer)
    if work is not None and is_running:
        _progress(work, "Leaving words out", "words-run-progress")
    elif done is not None and done.question == question:
        _say_found(answer, done)
    else:
        if work is not None and (error := work.error()) is not None:
            _say(error)
        _offer(answer, question)


def _ask(answer: Answer, *, is_running: bool) -> Question:
    """Whose response is watched, what is left out, and how often the order is shuffled."""
    names = transcript_cache.course_names(answer)
    usual = 3 if answer.card.is_embedded else 1
    region = st.selectbox(
        "Which words did it, for",
        names,
        key=_region_key(names),
        disabled=is_running,
        help="A press on a line's name above, or on the brain, chooses it too.",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        unit = st.segmented_control(
            "Leave out one at a time",
            list(_UNITS),
            default="word",
            format_func=_UNITS.__getitem__,
            key="words-unit",
            required=True,
            disabled=is_running,
        )
        n_shuffles = st.segmented_control(
            "Orders to compare with",
            _ORDERS,
            default=usual,
            key=f"words-orders:{usual}",
            required=True,
            disabled=is_running,
            help="How often the words change places at random: the grey bars.",
        )
    return Question(answer.id, region, "volume" if unit == "volume" else "word", n_shuffles)


def _offer(answer: Answer, question: Question) -> None:
    """Say what it costs, then offer to begin."""
    timing: Work[float] | None = _work(_COST, answer)
    if timing is None:
        timing = word_cache.measure(answer)
        _keep(_COST, answer, timing)
        timing.wait(PATIENCE_S)
    if not timing.is_finished:
        _progress(timing, "Finding out what it costs", "words-cost-progress")
        return
    if (error := timing.error()) is not None:
        _say(error)
        st.button("Time it again", on_click=state.remember, args=(_COST, None))
        return
    cost = word_cache.cost_of(answer, question, timing.result())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Leave them out",
            type="primary",
            icon=":material/play_arrow:",
            key="words-run",
            on_click=_begin,
            args=(answer, question),
        )
        st.caption(plain(cost))


def _begin(answer: Answer, question: Question) -> None:
    """Begin the work; the button's callback."""
    work = word_cache.run(answer, question)
    _keep(_RUN, answer, work)
    work.wait(PATIENCE_S)


def _say_found(answer: Answer, done: Found) -> None:
    """Say what the bars above mean, which words stand out, and offer the table."""
    question = done.question
    one = _ONE[question.unit]
    region = plain(word_cache.line_of(answer, question.region))
    st.caption(
        f"Coloured bars: how much the predicted response of **{region}** changes, where it changes "
        f"most, because this {one} is said here: with it minus without it, in "
        f"{plain(done.left_out.units)}. Grey: the same {one} left out after all changed places at "
        f"random. A bar much longer than the grey one beside it: where it stands matters. Both "
        f"alike: what is said counts, not where."
    )
    strongest = word_cache.strongest(done)
    if strongest:
        lag = word_cache.lag_s(answer, done)
        names = ", ".join(f"“{plain(name)}”" for name in strongest)
        st.markdown(f"Most: {names}")
        st.caption(
            f"The largest changes come {abs(lag):.1f} s {'after' if lag >= 0 else 'before'} the "
            f"{one} starts (median)."
        )
    else:
        st.markdown(f"No {one} changes this response.")
    st.download_button(
        "Table (CSV)",
        lambda: word_cache.csv(answer, done),
        outputs_cache.file_name(answer, f"left-out-{question.unit}", "csv"),
        on_click="ignore",
        icon=":material/download:",
        key="words-csv",
    )


def _say(error: BaseException) -> None:
    """Say why there is no result; only faults of ours are raised."""
    if not isinstance(error, BoldcastError | MemoryError | OSError):
        raise error
    messages.show(error)


@st.fragment(run_every=POLL_S)
def _progress(work: Work[Found] | Work[float], doing: str, key: str) -> None:
    """Share done, with a way out; the page is drawn anew at the end."""
    if work.is_finished:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        share = work.done / work.total if work.total else 0.0
        count = f" ({work.done:,} of {work.total:,})" if work.total > 1 else ""
        st.progress(share, f"{doing}{count} …")
        st.button("Cancel", on_click=work.cancel, key=key)


def _keep(name: str, answer: Answer, work: Work[Found] | Work[float]) -> None:
    """Remember work on one answer."""
    state.remember(name, (answer.id, work))


def _work(name: str, answer: Answer) -> Work[Any] | None:
    """Work on this answer; that on another one is no longer wanted."""
    kept: tuple[str, Work[Any]] | None = state.recall(name)
    if kept is None:
        return None
    answer_id, work = kept
    if answer_id == answer.id:
        return work
    work.cancel()
    state.remember(name, None)
    return None
