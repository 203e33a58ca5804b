"""Which words did it: what a response loses when one word, or one volume's words, are left out.

The baseline is the same word elsewhere: words change places at random, onsets stay, and each is
left out again. A word whose effect stands out from its baseline matters because of where it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Literal, Protocol

import numpy as np

from models.errors import StimulusError
from models.stimulus import Stimulus
from models.transcript.edit import Grid, Row, grid_words
from models.transcript.words import PlacedWords, ends_sentence
from models.types import (
    FloatArray,
    IntArray,
    Report,
    Response,
    Selection,
    Settings,
    ignore_progress,
)

__all__ = [
    "Cost",
    "LeftOut",
    "Predict",
    "TranscriptModel",
    "Unit",
    "estimate_cost",
    "leave_out",
    "predictor",
    "unit_names",
]

#: What is left out: a word, or all words of a volume.
Unit = Literal["word", "volume"]

#: Transcripts to responses of the selected places, one each, in order.
Predict = Callable[[Sequence[Stimulus]], Sequence[Response]]

#: Predictions between two reports.
BATCH = 16
#: Predictions that are timed, unless fewer take this long already.
MOST_TIMED, LONGEST_TIMING_S = 16, 0.2


class TranscriptModel(Protocol):
    """What is needed of an encoding model."""

    def features(self, stimuli: Sequence[Stimulus], settings: Settings) -> Any:
        """First stage."""

    def readout(
        self, features: Any, selection: Selection, settings: Settings
    ) -> tuple[Response, ...]:
        """Second stage."""


def predictor(model: TranscriptModel, selection: Selection, settings: Settings) -> Predict:
    """Make the ``predict`` of one model, one selection and its settings.

    Parameters
    ----------
    model : encoding model
        One that takes one transcript at a time.
    selection : Selection
        One subject; its regions are what is asked about.
    settings : Settings
    """

    def predict(stimuli: Sequence[Stimulus]) -> list[Response]:
        return [
            model.readout(model.features([stimulus], settings), selection, settings)[0]
            for stimulus in stimuli
        ]

    return predict


@dataclass(frozen=True)
class Cost:
    """What :func:`leave_out` will take.

    Parameters
    ----------
    n_predictions : int
    seconds_each : float
        Measured on the whole transcript without one unit.
    """

    n_predictions: int
    seconds_each: float

    @property
    def seconds(self) -> float:
        """All of it, in s."""
        return self.n_predictions * self.seconds_each

    @property
    def words(self) -> str:
        """A sentence for a person."""
        each = (
            f"{self.seconds_each:.2g} s" if self.seconds_each < 10 else f"{self.seconds_each:.0f} s"
        )
        if self.seconds < 1:
            total = "less than a second"
        elif self.seconds < 120:
            total = f"about {self.seconds:.0f} s"
        else:
            total = f"about {self.seconds / 60:.0f} min"
        return f"{self.n_predictions:,} predictions of about {each} each: {total}."


@dataclass(frozen=True, eq=False)
class LeftOut:
    """What every word, or volume, contributes.

    Parameters
    ----------
    unit : {"word", "volume"}
    names : tuple of str
        The words, or the text of each volume that has any.
    numbers : ndarray of shape (n_units,), int
        Number of each word among all, or of each volume, from 0.
    onsets_s : ndarray of shape (n_units,), float64
        When it starts.
    changes : ndarray of shape (n_units, n_rows), float64
        Mean response of the selected places with it minus that without it, in the response's
        units.
    baseline : ndarray of shape (n_units, n_shuffles), float64
        :attr:`effects` of the same words, or text, at another place.
    units : str
        Of the changes.
    """

    unit: Unit
    names: tuple[str, ...]
    numbers: IntArray
    onsets_s: FloatArray
    changes: FloatArray
    baseline: FloatArray
    units: str

    @property
    def effects(self) -> FloatArray:
        """Largest change that each makes at any time, with its sign; (n_units,) float64."""
        return _largest(self.changes)


def unit_names(stimulus: Stimulus, unit: Unit) -> tuple[str, ...]:
    """Words of a transcript, or texts of its volumes that have any, in order."""
    grid = Grid.of(stimulus)
    return tuple(_name(grid, slot) for slot in _slots(grid, unit))


def estimate_cost(
    predict: Predict, stimulus: Stimulus, unit: Unit = "word", n_shuffles: int = 1, n_units: int = 0
) -> Cost:
    """Say what :func:`leave_out` will take, from predictions without one unit.

    Parameters
    ----------
    predict : callable
    stimulus : Stimulus
    unit : {"word", "volume"}
    n_shuffles : int
    n_units : int
        How many are left out; 0 for all.

    Raises
    ------
    StimulusError
        The transcript has no word.
    """
    grid = _with_times(stimulus)
    slots = _slots(grid, unit)
    if not slots:
        raise StimulusError("The transcript has no word to leave out.")
    predict([stimulus])  # the first one may load files
    n_timed, start = 0, time.perf_counter()
    for slot in slots[:: len(slots) // MOST_TIMED + 1]:
        predict([_without(grid, slot).stimulus(stimulus.name)])
        n_timed, spent_s = n_timed + 1, time.perf_counter() - start
        if spent_s > LONGEST_TIMING_S:
            break
    n_left_out = n_units or len(slots)
    return Cost((n_left_out + 1) * (1 + n_shuffles), spent_s / n_timed)


def leave_out(
    predict: Predict,
    stimulus: Stimulus,
    unit: Unit = "word",
    only: Sequence[int] | None = None,
    n_shuffles: int = 1,
    seed: int = 0,
    report: Report = ignore_progress,
) -> LeftOut:
    """Leave out one word, or the words of one volume, at a time and predict again.

    Parameters
    ----------
    predict : callable
        Transcripts to responses; see :func:`predictor`.
    stimulus : Stimulus
        A transcript. Words whose onsets are not known get them by syllables first, so that the
        others stay where they are.
    unit : {"word", "volume"}
    only : sequence of int, optional
        Units to leave out, by their place among all of :func:`unit_names`; default all.
    n_shuffles : int
        Random orders for the baseline; 0 for none.
    seed : int
        Of the random orders.
    report : callable
        Called before every ``BATCH`` predictions.

    Returns
    -------
    LeftOut
        A word's closing punctuation stays, with the word before it: leaving a word out joins no
        sentences.

    Raises
    ------
    StimulusError
        No word in the transcript, or a unit that does not exist.
    Cancelled
        ``report`` asked to stop.
    """
    grid = _with_times(stimulus)
    slots = _slots(grid, unit)
    chosen = list(range(len(slots))) if only is None else [int(number) for number in only]
    if not slots or any(not 0 <= number < len(slots) for number in chosen):
        raise StimulusError(f"{len(slots)} units can be left out; numbers start at 0.")
    random = np.random.default_rng(seed)
    variants = [_variants(grid, slots, chosen)]
    for _ in range(n_shuffles):
        order = random.permutation(len(slots))  # slot -> unit that goes there
        place = np.argsort(order)  # unit -> its slot
        mixed = _reordered(grid, slots, order)
        variants.append(_variants(mixed, slots, [int(place[number]) for number in chosen]))
    n_each = len(chosen) + 1
    named = (one.stimulus(stimulus.name) for one in chain.from_iterable(variants))
    courses, units = _predict_all(predict, named, n_each * len(variants), report)
    by_order = courses.reshape(len(variants), n_each, -1)
    changes = by_order[:, :1] - by_order[:, 1:]
    return LeftOut(
        unit=unit,
        names=tuple(_name(grid, slots[number]) for number in chosen),
        numbers=np.array([number if unit == "word" else slots[number].row for number in chosen]),
        onsets_s=np.array([_onset_s(grid, slots[number]) for number in chosen]),
        changes=changes[0],
        baseline=np.array([_largest(part) for part in changes[1:]]).reshape(-1, len(chosen)).T,
        units=units,
    )


def _predict_all(
    predict: Predict, stimuli: Iterator[Stimulus], total: int, report: Report
) -> tuple[FloatArray, str]:
    """Mean course of each stimulus, (n_stimuli, n_rows), and its units; a batch at a time."""
    courses: list[FloatArray] = []
    units = ""
    while batch := list(islice(stimuli, BATCH)):
        report("leaving words out", len(courses), total)
        for response in predict(batch):
            courses.append(_mean_course(response))
            units = response.units
    report("leaving words out", total, total)
    return np.array(courses), units


def _mean_course(response: Response) -> FloatArray:
    """Mean over the selected places that are modelled, (n_rows,) float64."""
    known = response.values[:, np.isfinite(response.values).all(axis=0)]
    if not known.shape[1]:
        raise StimulusError("Nothing is modelled in the selected regions.")
    course: FloatArray = known.mean(axis=1, dtype=np.float64)
    return course


def _largest(changes: FloatArray) -> FloatArray:
    """Entry of each row that is farthest from 0."""
    farthest = np.abs(changes).argmax(axis=1)
    largest: FloatArray = changes[np.arange(len(changes)), farthest]
    return largest


@dataclass(frozen=True)
class _Slot:
    """Place of one unit: a volume, or a word in it."""

    row: int
    word: int | None = None


def _with_times(stimulus: Stimulus) -> Grid:
    """Rows of a transcript, all words with times, known or shared by syllables."""
    grid = Grid.of(stimulus)
    onsets = tuple(word.onset_s for word in grid_words(grid))
    return Grid.of(PlacedWords(stimulus.lines, stimulus.tr_s, onsets))


def _slots(grid: Grid, unit: Unit) -> list[_Slot]:
    """Places of all units, in order."""
    spoken = [(number, row) for number, row in enumerate(grid.rows) if row.text]
    if unit == "volume":
        return [_Slot(number) for number, _ in spoken]
    return [_Slot(number, word) for number, row in spoken for word in range(len(row.tokens))]


def _name(grid: Grid, slot: _Slot) -> str:
    """Text of a unit."""
    row = grid.rows[slot.row]
    return row.text if slot.word is None else row.tokens[slot.word]


def _onset_s(grid: Grid, slot: _Slot) -> float:
    """When a unit starts."""
    return slot.row * grid.tr_s + grid.rows[slot.row].offsets_s[slot.word or 0]


def _reordered(grid: Grid, slots: Sequence[_Slot], order: IntArray) -> Grid:
    """Put unit ``order[k]`` into slot k: words change, their times stay; volumes move whole."""
    rows = list(grid.rows)
    if slots[0].word is None:
        for slot, unit in zip(slots, order, strict=True):
            rows[slot.row] = grid.rows[slots[unit].row]
        return Grid(tuple(rows), grid.tr_s)
    texts = iter([_name(grid, slots[unit]) for unit in order])
    for number, row in enumerate(grid.rows):
        rows[number] = Row(" ".join(next(texts) for _ in row.tokens), row.offsets_s)
    return Grid(tuple(rows), grid.tr_s)


def _variants(grid: Grid, slots: Sequence[_Slot], chosen: Sequence[int]) -> Iterator[Grid]:
    """Yield the whole, then the same without each of some slots."""
    yield grid
    for number in chosen:
        yield _without(grid, slots[number])


def _without(grid: Grid, slot: _Slot) -> Grid:
    """Take one unit away; its closing punctuation stays, with the word before."""
    rows = list(grid.rows)
    row = rows[slot.row]
    first = slot.word or 0
    stop = len(row.tokens) if slot.word is None else first + 1
    closing = _closing(row.tokens[stop - 1])
    rows[slot.row] = Row(
        " ".join(row.tokens[:first] + row.tokens[stop:]),
        row.offsets_s[:first] + row.offsets_s[stop:],
    )
    earlier = (number for number in range(slot.row - 1, -1, -1) if rows[number].text)
    before = slot.row if first else next(earlier, None)
    if closing and before is not None:
        tokens = list(rows[before].tokens)
        last = (first if first else len(tokens)) - 1
        if not ends_sentence(tokens[last]):
            tokens[last] += closing
            rows[before] = Row(" ".join(tokens), rows[before].offsets_s)
    return Grid(tuple(rows), grid.tr_s)


def _closing(token: str) -> str:
    """Return the marks that close a sentence after a word's last letter; else nothing."""
    if not ends_sentence(token):
        return ""
    last = max((place for place, letter in enumerate(token) if letter.isalnum()), default=-1)
    return token[last + 1 :]
