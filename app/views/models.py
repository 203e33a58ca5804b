"""Models: what each one is, what of it is here, and how its files come and go."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import downloads, messages
from app.downloads import Job, Shelf, State, size_words
from app.views import model_jobs
from models.catalog import ModelCard, list_cards
from models.errors import BoldcastError

__all__ = ["render"]

READ_ONLY = (
    "This page is read-only here: fetching and removing are for who runs this server. The "
    "commands under each model do the same in a terminal."
)


def render() -> None:
    """Draw the page."""
    may_change = model_jobs.may_change()
    shelf = downloads.shelf()
    st.title("Models")
    with st.container(gap="small"):
        st.markdown(
            f"Published files lie in `{shelf.home}`: {size_words(shelf.total_bytes)} used, "
            f"{size_words(shelf.free_bytes)} free. `BOLDCAST_HOME` names another folder."
        )
        if not may_change:
            st.info(READ_ONLY, icon=":material/lock:")
        model_jobs.say_refusal()
    with st.container(key="models"):
        for card in _cards():
            with st.container(border=True, gap="small"):
                _card(card, shelf, may_change)


def _cards() -> list[ModelCard]:
    """All models, those that need no download first."""
    return sorted(list_cards(), key=lambda card: not card.is_embedded)


# What a model is ------------------------------------------------------------------------------


def _card(card: ModelCard, shelf: Shelf, may_change: bool) -> None:
    """One model: facts above, files below."""
    head = st.container(gap="xsmall")
    st.markdown(card.summary)
    with st.container(key=f"facts-{card.id}"):
        st.markdown(_facts(card))
    with head:
        st.subheader(card.title, anchor=False)
    if card.is_embedded:
        with head:
            st.badge("embedded", icon=":material/check:", color="green")
        st.caption("Part of the program: nothing to fetch, nothing to remove.")
        return
    try:
        _files(card, shelf, head, may_change)
    except (BoldcastError, OSError) as error:
        messages.show(error)


def _facts(card: ModelCard) -> str:
    """List what a person must know of a model."""
    subjects = [_short(card, subject) for subject, _ in card.subjects]
    facts = {
        "Fitted to": card.training,
        "Subjects": _runs(subjects),
        "Predicts": card.output,
        "Unit": card.units,
        "Accuracy": card.accuracy,
        "Source": card.citation,
    }
    lines = [f"- **{name}** {words}" for name, words in facts.items()]
    return "\n".join([*lines, f"- **Licence** :gray-badge[{card.licence}]"])


# What of it is here ---------------------------------------------------------------------------


def _files(card: ModelCard, shelf: Shelf, head: DeltaGenerator, may_change: bool) -> None:
    """State of a published model's files, and what can be done about them."""
    variant = _pick_variant(card, may_change)
    states = {subject: downloads.state(card, (subject,), variant) for subject, _ in card.subjects}
    is_one_for_all = not downloads.has_own_files(card)
    with head:
        _badge(card, states, is_one_for_all)
    st.markdown(_standing(card, states, variant, is_one_for_all))
    used = shelf.n_bytes.get(card.id, 0)
    if used:
        st.caption(f"On disk: {size_words(used)}, with converted forms and beginnings.")
    subjects = _pick_subjects(card, is_one_for_all)
    if not subjects:
        st.caption("Pick at least one subject.")
        return
    model_jobs.draw(card, subjects, variant, shelf, may_change)


def _badge(card: ModelCard, states: dict[str, State], is_one_for_all: bool) -> None:
    """State of a model in a word or two."""
    if any(job.task.kind == "fetch" for job in _running(card)):
        st.badge("fetching", icon=":material/download:", color="blue")
        return
    ready = [_short(card, subject) for subject, state in states.items() if state.is_ready]
    if len(ready) == len(states):
        st.badge("ready", icon=":material/check:", color="green")
    elif ready:
        st.badge(f"ready for {_runs(ready)}", icon=":material/check:", color="green")
    else:
        least = size_words(min(state.missing_bytes for state in states.values()))
        whom = "" if is_one_for_all else " for one subject"
        st.badge(f"needs about {least}{whom}", icon=":material/cloud:", color="gray")


def _running(card: ModelCard) -> list[Job]:
    return [job for job in downloads.shared().jobs(card.id) if not job.is_finished]


def _standing(card: ModelCard, states: dict[str, State], variant: str, is_one_for_all: bool) -> str:
    """Sentence that says whose files are here and whether they were verified."""
    if is_one_for_all:
        subject, state = next(iter(states.items()))
        words = f"One download serves all {len(states)} subjects."
        if state.is_ready:
            is_good = downloads.is_verified(card, subject, variant)
            return f"{words} It is here, {'verified' if is_good else 'not verified yet'}."
        return words
    groups: dict[str, list[str]] = {}
    for subject, state in states.items():
        if not state.is_ready:
            name = "begun" if state.begun_bytes else "not here"
        elif downloads.is_verified(card, subject, variant):
            name = "here, verified"
        else:
            name = "here, not verified yet"
        groups.setdefault(name, []).append(_short(card, subject))
    order = ("here, verified", "here, not verified yet", "begun", "not here")
    parts = [f"{_runs(groups[name])} {name}" for name in order if name in groups]
    return f"Subjects: {'; '.join(parts)}."


def _short(card: ModelCard, subject: str) -> str:
    """Shorten a subject's label to its number."""
    return dict(card.subjects)[subject].removeprefix("Subject ")


def _runs(numbers: Sequence[str]) -> str:
    """Numbers with the runs among them joined: 1–3, 5."""
    runs: list[list[str]] = []
    for number in numbers:
        if runs and number.isdigit() and int(number) == int(runs[-1][-1]) + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = [", ".join(run) if len(run) < 3 else f"{run[0]}–{run[-1]}" for run in runs]
    return ", ".join(words)


def _pick_subjects(card: ModelCard, is_one_for_all: bool) -> tuple[str, ...]:
    """Whose files to act on."""
    known = [subject for subject, _ in card.subjects]
    if is_one_for_all:
        return tuple(known)
    picked = st.pills(
        "Fetch, verify or remove for subject",
        known,
        selection_mode="multi",
        default=known[:1],
        format_func=lambda subject: _short(card, subject),
        key=f"files-of:{card.id}",
    )
    return tuple(subject for subject in known if subject in picked)


def _pick_variant(card: ModelCard, may_change: bool) -> str:
    """Variant of a model that has several; "" for its default."""
    known = downloads.variants(card)
    if not known:
        return ""

    def label(name: str) -> str:
        about = size_words(downloads.about_bytes(card, name))
        return f"{downloads.variant_title(name)}, about {about}"

    picked = st.selectbox("Variant", known, format_func=label, key=f"variant:{card.id}")
    if may_change:
        model_jobs.look_for_variants(card)
    return "" if picked == known[0] else picked
