"""Transcripts of the page: reading, editing, courses and files; calls the science like ``cache``.

A :class:`Draft` is the text of one visitor. It is frozen: every step gives a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from app import cache, outputs_cache
from app.cache import Answer
from app.state import Surroundings
from components.words import RowEdit
from models import export, export_images
from models.analysis import roi
from models.spaces import MMP360
from models.stimulus import Stimulus
from models.transcript import edit
from models.transcript.edit import Grid, History
from models.transcript.examples import Example, get_example, list_examples
from models.transcript.read import Transcript, read_transcript
from models.transcript.words import Word
from models.types import FloatArray

__all__ = [
    "PAUSE_S",
    "WORDS_A_SECOND",
    "Draft",
    "bundle",
    "change",
    "course_names",
    "courses",
    "example_draft",
    "examples",
    "has_series",
    "line_names",
    "offsets_s",
    "read",
    "series",
    "surroundings",
    "volume_csv",
    "with_tr",
    "words",
]

#: How plain text is read out, unless the visitor says otherwise.
WORDS_A_SECOND, PAUSE_S = 2.5, 0.35
#: Kept after the last word of the visitor's own text, so that the response to it is seen.
SILENCE_AFTER_S = 12.0
#: More lines than this cannot be told apart.
MOST_COURSES = 8


@dataclass(frozen=True)
class Draft:
    """The text on the page, cut into volumes.

    Parameters
    ----------
    name : str
        Of the example or the file.
    history : History
        The rows now, and the steps that led to them.
    notes : tuple of str
        What was done on reading.
    origin : Transcript or None
        What was read; None once a row was edited.
    silence_after_s : float
        Kept after the last word when ``origin`` is placed anew.
    example : str
        Id of the built-in transcript that this is; empty for the visitor's own.
    """

    name: str
    history: History
    notes: tuple[str, ...] = ()
    origin: Transcript | None = None
    silence_after_s: float = 0.0
    example: str = ""

    @property
    def grid(self) -> Grid:
        """Rows as they are now."""
        return self.history.grid

    @property
    def tr_s(self) -> float:
        """Time from one volume to the next, in s."""
        return self.grid.tr_s

    @property
    def texts(self) -> tuple[str, ...]:
        """What is said in each volume."""
        return tuple(row.text for row in self.grid.rows)

    @property
    def stimulus(self) -> Stimulus:
        """What a model hears."""
        return self.grid.stimulus(self.name)


# Where text comes from -----------------------------------------------------------------------


def surroundings() -> Surroundings:
    """Return what a link to the page is judged by."""
    ids = [example.id for example in list_examples()]
    return replace(
        cache.surroundings(),
        samples=dict.fromkeys(ids, 0.0),
        modality="transcript",
        first_sample=ids[0],
    )


def examples() -> Mapping[str, Example]:
    """Built-in transcripts by their ids, in the order to show them."""
    return {example.id: example for example in list_examples()}


def example_draft(example_id: str, tr_s: float) -> Draft:
    """One built-in transcript, cut into volumes."""
    example = get_example(example_id)
    found = _placed(example.transcript, tr_s, example.silence_after_s)
    return replace(found, example=example_id)


def read(
    data: bytes,
    name: str,
    tr_s: float,
    words_a_second: float = WORDS_A_SECOND,
    pause_s: float = PAUSE_S,
) -> Draft:
    """Read a file or a pasted text; volumes that the file itself names win over ``tr_s``.

    Raises
    ------
    StimulusError
        It cannot be read, in one sentence.
    """
    found = read_transcript(data, name, words_a_second, pause_s)
    silence_s = 0.0 if found.n_rows else SILENCE_AFTER_S
    return _placed(found, found.tr_s or tr_s, silence_s)


def _placed(transcript: Transcript, tr_s: float, silence_after_s: float) -> Draft:
    """Draft of what was read."""
    grid = Grid.of(transcript.place(tr_s, silence_after_s))
    history = History(grid)
    return Draft(transcript.name, history, transcript.notes, transcript, silence_after_s)


def with_tr(draft: Draft, tr_s: float) -> Draft:
    """Return the same words in volumes of another length.

    Raises
    ------
    StimulusError
        There would be too many volumes.
    """
    if tr_s == draft.tr_s:
        return draft
    if draft.origin is None:
        return replace(draft, history=draft.history.push(edit.change_tr(draft.grid, tr_s)))
    placed = _placed(draft.origin, tr_s, draft.silence_after_s)
    return replace(placed, example=draft.example)


# Editing -------------------------------------------------------------------------------------


#: What can be done with the rows, each as one step that can be undone.
_STEPS: dict[str, Callable[[Grid, RowEdit], Grid]] = {
    "text": lambda grid, one: edit.set_text(grid, one.row, one.text),
    "insert": lambda grid, one: edit.insert_rows(grid, one.row),
    "remove": lambda grid, one: edit.remove_rows(grid, one.row),
    "split": lambda grid, one: edit.split_row(grid, one.row, one.word),
    "merge": lambda grid, one: edit.merge_rows(grid, one.row),
    "later": lambda grid, one: edit.shift_rows(grid, 1, one.row),
    "earlier": lambda grid, one: edit.shift_rows(grid, -1, one.row),
    "word": lambda grid, one: edit.move_word(grid, one.word, one.onset_s),
}


def change(draft: Draft, one: RowEdit) -> Draft:
    """Take a step of the visitor with rows or words, or take one back.

    Raises
    ------
    StimulusError
        This cannot be done with this row or word.
    """
    if one.step == "undo":
        return replace(draft, history=draft.history.undo())
    if one.step == "redo":
        return replace(draft, history=draft.history.redo())
    return _stepped(draft, _STEPS[one.step](draft.grid, one))


def _stepped(draft: Draft, grid: Grid) -> Draft:
    """Draft after one more step: the visitor's own from now on."""
    if grid == draft.grid:
        return draft
    grid.stimulus(draft.name)  # refuses what is too long
    name = draft.name if not draft.example else f"{draft.name}, edited"
    return replace(draft, name=name, history=draft.history.push(grid), origin=None, example="")


# Reading off ---------------------------------------------------------------------------------


def offsets_s(draft: Draft) -> list[tuple[float, ...]]:
    """When each word of each row starts, in s from the start of its row, known or shared."""
    return [edit.row_offsets(row, draft.tr_s) for row in draft.grid.rows]


def words(stimulus: Stimulus) -> tuple[Word, ...]:
    """Words of a transcript and when each starts, known or shared by syllables."""
    return edit.grid_words(Grid.of(stimulus))


def course_names(answer: Answer) -> tuple[str, ...]:
    """Regions whose courses are drawn: those chosen, or else the model's first group."""
    chosen = answer.selection.regions
    if chosen:
        return chosen[:MOST_COURSES]
    groups = cache.regions_of(answer.card, answer.subject).groups
    return tuple(next(iter(groups.values()), ()))[:MOST_COURSES]


def line_names(answer: Answer, names: tuple[str, ...]) -> list[str]:
    """Names of the lines: with the hemisphere where one was chosen."""
    side = answer.selection.hemisphere
    return list(names) if side == "both" else [f"{name} {side}" for name in names]


@st.cache_resource(max_entries=64, show_spinner=False)
def _courses(answer_id: str, names: tuple[str, ...], _answer: Answer) -> FloatArray:
    regions = cache.regions_of(_answer.card, _answer.subject)
    side = _answer.selection.hemisphere
    means = [roi.region_means(_answer.response, regions, name, side) for name in names]
    return np.array(means).reshape(len(names), _answer.response.n_rows).T


def courses(answer: Answer, names: tuple[str, ...]) -> FloatArray:
    """Mean of each region over the chosen hemisphere, (n_rows, n_names); NaN: not modelled."""
    return _courses(answer.id, names, answer)


def volume_csv(answer: Answer) -> bytes:
    """Table with a line a volume: number, seconds, text and the mean of every region."""
    assert answer.tr_s is not None  # it is of a transcript
    return export.courses_csv(
        answer.response,
        cache.regions_of(answer.card, answer.subject),
        answer.selection.regions,
        outputs_cache.hemispheres(answer.selection.hemisphere),
        tr_s=answer.tr_s,
        texts=answer.texts,
    )


def has_series(answer: Answer) -> bool:
    """Whether :func:`series` can be made: for the areas of the HCP's parcellation."""
    return answer.response.space is MMP360


def series(answer: Answer) -> bytes:
    """Make a CIFTI-2 time series of all areas, for Connectome Workbench."""
    (content,) = export_images.cifti(answer.response, tr_s=answer.tr_s).values()
    return content


def bundle(answer: Answer) -> bytes:
    """Everything in one zip file, the time series of areas among it."""
    if not has_series(answer):
        return outputs_cache.bundle(answer)
    name = outputs_cache.file_name(answer, "values", "ptseries.nii")
    return outputs_cache.bundle(answer, {name: series(answer)})
