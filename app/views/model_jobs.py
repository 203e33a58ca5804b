"""What can be done about a model's files, what is being done, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from app import downloads, messages, state
from app.downloads import (
    Check,
    FetchPlan,
    Job,
    Kind,
    Progress,
    Removal,
    Shelf,
    State,
    Task,
    size_words,
)
from models.catalog import ModelCard
from models.errors import BoldcastError, Cancelled, WeightsError

__all__ = ["draw", "look_for_variants", "may_change", "result_or", "say_refusal", "start"]

POLL_S = 0.5
_REFUSAL = "models-refusal"
#: Files named one by one before a dialog says how many more there are.
MOST_NAMES = 8


def draw(
    card: ModelCard, subjects: Sequence[str], variant: str, shelf: Shelf, may_change: bool
) -> None:
    """Sizes, progress, buttons and outcomes for the picked subjects of one model."""
    found = downloads.state(card, subjects, variant)
    jobs = downloads.shared().jobs(card.id)
    plan = _plan(jobs, subjects, variant)
    running = [job for job in jobs if not job.is_finished]
    if not set(subjects) <= _being_fetched(running, variant):
        is_whole = downloads.is_whole_size_known(card, variant)
        st.markdown(_size_sentence(found, plan, is_whole=is_whole))
        _warn_of_room(found, plan, shelf)
    for job in running:
        _progress(job, may_change)
    if may_change:
        _buttons(card, Task("fetch", card.id, tuple(subjects), variant), found, plan, running)
    else:
        st.code(_commands(card, subjects, variant, found), language="bash", wrap_lines=True)
    for job in jobs:
        if job.is_finished:
            _outcome(card, job, may_change)


def start(task: Task) -> None:
    """Begin a task, or join it; for callbacks."""
    try:
        downloads.shared().start(task)
    except WeightsError as error:
        state.remember(_REFUSAL, error)


def may_change() -> bool:
    """Whether this visitor may fetch and remove."""
    headers = st.context.headers
    is_forwarded = any(name in headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"))
    return downloads.is_allowed(st.context.url, st.context.ip_address, is_forwarded)


def look_for_variants(card: ModelCard) -> None:
    """Offer to ask the hub which variants are published."""
    st.button(
        "Look for other variants",
        key=f"variants:{card.id}",
        help="Asks the Hugging Face Hub which ones are published.",
        on_click=start,
        args=(Task("variants", card.id),),
        type="tertiary",
        icon=":material/search:",
    )


def say_refusal() -> None:
    """Say once why the last button could not be followed."""
    error = state.recall(_REFUSAL)
    if error is not None:
        st.warning(messages.plain(str(error)), icon=":material/warning:")
        state.remember(_REFUSAL, None)


def result_or(job: Job, otherwise: Any) -> Any:
    """Return the result of a job that ended well."""
    return job.result() if job.is_finished and job.error() is None else otherwise


# Sizes ----------------------------------------------------------------------------------------


def _plan(jobs: Sequence[Job], subjects: Sequence[str], variant: str) -> FetchPlan | None:
    """Exact sizes of the picked subjects' files, if somebody asked for them."""
    for job in jobs:
        task = job.task
        if (task.kind, task.subjects, task.variant) == ("size", tuple(subjects), variant):
            return result_or(job, None)
    return None


def _size_sentence(found: State, plan: FetchPlan | None, *, is_whole: bool) -> str:
    """Say what is to come, and how well that is known."""
    if found.is_ready:
        words = f"Everything for this is here: {size_words(found.present_bytes)}."
        if found.dropped:
            words += " Originals were dropped; their converted form stands in for them."
        return words
    if plan is not None:
        n_files = _files_words(len(plan.items))
        words = (
            f"**{size_words(downloads.left_of(plan))}** to fetch, as the publishers say ({n_files})"
        )
        converted_bytes = plan.converted_bytes
    else:
        words = f"**About {size_words(found.missing_bytes)}** to fetch, told from published shapes"
        if not is_whole:
            words += ", without the language model, which the hub names when asked"
        converted_bytes = found.converted_bytes
    if converted_bytes:
        words += f"; about {size_words(converted_bytes)} more for the converted form at first use"
    if found.begun_bytes:
        words += (
            f". {size_words(found.begun_bytes)} came before a transfer broke off: fetching goes "
            "on from there"
        )
    return f"{words}."


def _warn_of_room(found: State, plan: FetchPlan | None, shelf: Shelf) -> None:
    """Say before anything is begun that it cannot fit."""
    needed = found.missing_bytes + found.converted_bytes
    if plan is not None:
        needed = downloads.left_of(plan) + plan.converted_bytes
    if not found.is_ready and needed > shelf.free_bytes:
        st.warning(
            f"Only {size_words(shelf.free_bytes)} are free at `{shelf.home}`: make room, or set "
            "`BOLDCAST_HOME` to a larger disk.",
            icon=":material/storage:",
        )


# Buttons --------------------------------------------------------------------------------------


def _buttons(
    card: ModelCard, task: Task, found: State, plan: FetchPlan | None, running: Sequence[Job]
) -> None:
    """Everything that can be done now; ``task`` is the fetch of what is picked."""
    kinds = {job.task.kind for job in running}
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if not set(task.subjects) <= _being_fetched(running, task.variant):
            if not found.is_ready or found.dropped:
                _fetch_button(task, found, plan)
            if not found.is_ready and plan is None and "size" not in kinds:
                _button("Ask for the size", task, "size")
        if kinds <= {"size", "variants"}:
            _keeping_buttons(card, task, found)


def _keeping_buttons(card: ModelCard, task: Task, found: State) -> None:
    """Draw what can be done about files that are here and not in use."""
    if found.is_ready:
        _button("Verify", task, "verify")
    drop = downloads.what_drops(card, task.subjects, task.variant)
    if drop.going:
        label = f"Drop originals ({size_words(drop.n_bytes)})"
        if _button(label, task, "drop", is_asking=True):
            _ask_before_drop(replace(task, kind="drop"), drop)
    goes = downloads.what_goes(card, task.subjects, task.variant)
    if goes.going and _button("Remove", task, "remove", is_asking=True):
        _ask_before_removal(replace(task, kind="remove"), goes)


def _being_fetched(running: Sequence[Job], variant: str) -> set[str]:
    """Subjects of a model that fetches under way bring."""
    fetches = [job.task for job in running if job.task.kind == "fetch"]
    return {subject for task in fetches if task.variant == variant for subject in task.subjects}


def _button(label: str, task: Task, kind: Kind, *, is_asking: bool = False) -> bool:
    """One button; it begins its task unless it must ask first."""
    begin = None if is_asking else partial(start, replace(task, kind=kind))
    return bool(st.button(label, key=f"{kind}:{task.model_id}", on_click=begin))


def _fetch_button(task: Task, found: State, plan: FetchPlan | None) -> None:
    """Fetch, with the size on it."""
    if found.is_ready:
        label = "Fetch the dropped originals"
    else:
        verb = "Go on fetching" if found.begun_bytes else "Fetch"
        about = "about " if plan is None else ""
        n_bytes = found.missing_bytes if plan is None else downloads.left_of(plan)
        label = f"{verb} {about}{size_words(n_bytes)}"
    st.button(
        label,
        key=f"fetch:{task.model_id}",
        icon=":material/download:",
        on_click=start,
        args=(task,),
    )


@st.dialog("Remove from this computer?", icon=":material/delete:")
def _ask_before_removal(task: Task, plan: Removal) -> None:
    """Say what would be set free and what stays."""
    _describe(plan)
    _confirm(task, "Remove", "Keep everything")


@st.dialog("Drop the originals?", icon=":material/delete:")
def _ask_before_drop(task: Task, plan: Removal) -> None:
    """Say what would be set free, and that the model goes on working."""
    st.markdown(
        "The converted form, which the model reads, stays; every byte of it is read and compared "
        "first. A later version that converts anew would have to fetch the originals again."
    )
    _describe(plan)
    _confirm(task, "Drop", "Keep them")


def _describe(plan: Removal) -> None:
    """List what goes and what stays."""
    sized = [(path.name, size) for path, size in plan.going if size]
    lines = [f"- `{name}`, {size_words(size)}" for name, size in sized[:MOST_NAMES]]
    if len(sized) > MOST_NAMES:
        lines.append(f"- and {len(sized) - MOST_NAMES} more")
    st.markdown("\n".join([f"**{size_words(plan.n_bytes)}** would be set free:", "", *lines]))
    if plan.kept:
        kept = [f"- `{path.name}`: {reason}" for path, reason in plan.kept]
        st.markdown("\n".join(["These stay:", "", *kept]))


def _confirm(task: Task, yes: str, no: str) -> None:
    with st.container(horizontal=True, gap="small"):
        if st.button(yes, key="confirm", on_click=start, args=(task,)):
            st.rerun()
        if st.button(no, key="decline"):
            st.rerun()


def _commands(card: ModelCard, subjects: Sequence[str], variant: str, found: State) -> str:
    """Commands that do what the buttons would."""
    kinds = ["fetch"] if not found.is_ready else ["verify", "remove"]
    return "\n".join(downloads.command(kind, card, subjects, variant) for kind in kinds)


# Progress and outcome -------------------------------------------------------------------------


@st.fragment(run_every=POLL_S)
def _progress(job: Job, may_change: bool) -> None:
    """Bytes, rate and remaining time, with a way out; the page is drawn anew at the end."""
    if job.is_finished:
        st.rerun()
    now = job.progress
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        share = now.done_bytes / now.total_bytes if now.total_bytes else 0.0
        st.progress(min(share, 1.0), _progress_words(job.task, now))
        if may_change:
            st.button(
                "Stop" if job.task.kind != "fetch" else "Cancel",
                key=f"cancel:{id(job)}",
                help="Stops it for everybody; what came is kept." * (job.task.kind == "fetch"),
                on_click=job.cancel,
            )


def _progress_words(task: Task, now: Progress) -> str:
    """One line about a job under way."""
    name = messages.plain(now.name)
    if now.stage == "waiting":
        if not now.name:
            return "Waits until another one is finished" if task.kind == "fetch" else "Waits"
        return f"Waits for {name}: the line is down, or another process fetches it"
    if now.stage == "asking":
        return f"Asks how large {name} is" if now.name else "Asks the hub"
    sizes = f"{size_words(now.done_bytes)} of {size_words(now.total_bytes)}"
    if now.stage == "downloading":
        words = f"{name}: {sizes}"
        if now.rate_bytes_s > 0:
            words += f", {size_words(now.rate_bytes_s)}/s"
        if now.remaining_s is not None:
            words += f", about {_duration(now.remaining_s)} left"
        return words
    if now.stage == "checking":
        return f"Checks {name}"
    if now.stage == "reading" and now.total_bytes:
        return f"Reads {name}: {sizes}"
    return now.stage.capitalize()


def _duration(seconds: float) -> str:
    """Say a time to wait in the unit a person would use."""
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _outcome(card: ModelCard, job: Job, may_change: bool) -> None:
    """How a job ended, until somebody dismisses it."""
    error = job.error()
    words = "" if error is not None else _success_words(job)
    if error is None and not words:
        return
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, gap="small"):
        if isinstance(error, Cancelled):
            st.info(_stopped_words(job), icon=":material/pause_circle:")
        elif isinstance(error, BoldcastError):
            st.error(_error_words(card, job, error), icon=":material/error:")
        elif error is not None:
            messages.show(error)
        elif words:
            is_bad = job.task.kind == "verify" and not _is_good(job.result())
            (st.warning if is_bad else st.success)(words)
        if may_change:
            st.button(
                "",
                icon=":material/close:",
                help="Dismiss",
                key=f"dismiss:{id(job)}",
                on_click=downloads.shared().dismiss,
                args=(job,),
                type="tertiary",
            )


def _stopped_words(job: Job) -> str:
    if job.task.kind == "fetch":
        return "Stopped. What came is kept: fetching goes on from there."
    return "Stopped. Nothing was changed."


def _error_words(card: ModelCard, job: Job, error: BoldcastError) -> str:
    """Give the error's sentence, with the command that does the same in a terminal."""
    sentence = messages.explain(error).sentence
    if job.task.kind not in ("fetch", "size"):
        return messages.plain(sentence)
    command = f"`{downloads.command('fetch', card, job.task.subjects, job.task.variant)}`"
    if command in sentence:
        return f" {command} ".join(messages.plain(part) for part in sentence.split(command))
    return f"{messages.plain(sentence)} In a terminal: {command}"


def _success_words(job: Job) -> str:
    """One sentence about a job that ended well; empty where the page shows it anyway."""
    result = job.result()
    if job.task.kind == "fetch":
        return f"{_files_words(len(result))} came, checked." if result else "Nothing was missing."
    if job.task.kind == "verify":
        return _verdict_words(result)
    if job.task.kind in ("remove", "drop"):
        return f"{size_words(result)} set free."
    if job.task.kind == "variants":
        return f"The hub lists {len(result)} variant{'s' * (len(result) != 1)}."
    return ""


def _is_good(checks: Sequence[Check]) -> bool:
    return all(check.verdict in ("good", "recorded") for check in checks)


def _verdict_words(checks: Sequence[Check]) -> str:
    """Say what a verification found: counts, and every damaged file by name."""
    counted = {
        "good": "unchanged since first found good",
        "recorded": "read for the first time, readable, hash noted",
        "missing": "not here",
    }
    parts = []
    for verdict, words in counted.items():
        n_files = sum(check.verdict == verdict for check in checks)
        if n_files:
            parts.append(f"{_files_words(n_files)} {words}")
    lines = [f"{'; '.join(parts)}."] if parts else []
    for check in checks:
        if check.verdict == "damaged":
            name, words = messages.plain(check.path.name), messages.plain(check.words)
            lines.append(f"**Damaged**: {name}. {words} Remove it, then fetch it again.")
    return "  \n".join(lines)


def _files_words(n_files: int) -> str:
    return "1 file" if n_files == 1 else f"{n_files} files"
