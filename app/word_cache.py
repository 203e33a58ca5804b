"""Words and what they do: the message of the courses, and leaving words out one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from app import cache, transcript_cache
from app.cache import Answer
from app.work import Work
from components.courses import Delay, Effects, Line, Words, pack_courses
from components.static import plotly_url
from models.analysis import word_table
from models.analysis.words import Cost, LeftOut, Predict, Unit, estimate_cost, leave_out, predictor
from models.atlases import Regions
from models.stimulus import Stimulus
from models.types import IntArray, Report, Response

__all__ = [
    "Found",
    "Question",
    "cost_of",
    "csv",
    "delay_of",
    "lag_s",
    "line_of",
    "measure",
    "message",
    "n_units",
    "run",
    "strongest",
]

#: Where the canonical response is half as strong as at its peak, as shares of the peak's time.
HALF_BEFORE, HALF_AFTER = 0.57, 1.6
#: Peak of the canonical response, for models that state none.
USUAL_PEAK_S = 5.0
#: Words that are named, and the share of the largest bar below which none is.
MOST_NAMED, LEAST_NAMED = 5, 0.3


@dataclass(frozen=True)
class Question:
    """What is left out, and whose response is watched.

    Parameters
    ----------
    answer_id : str
        Of the answer whose words they are.
    region : str
    unit : {"word", "volume"}
    n_shuffles : int
        Random orders of the baseline.
    """

    answer_id: str
    region: str
    unit: Unit
    n_shuffles: int


@dataclass(frozen=True, eq=False)
class Found:
    """A question with its answer."""

    question: Question
    left_out: LeftOut


# Courses -------------------------------------------------------------------------------------


def delay_of(answer: Answer) -> Delay:
    """How long after a word a response to it peaks, from the model's setting where it has one."""
    peak_s = USUAL_PEAK_S
    source = (
        f"{answer.card.title} states no delay; {peak_s:g} s is usual for the blood response. Drag "
        "the band to try another delay."
    )
    if "hrf_peak_s" in answer.settings.as_dict():
        peak_s = answer.settings.number("hrf_peak_s")
        source = (
            f"{peak_s:g} s is the peak of this model's response to a word; in the band it is more "
            "than half of that. Drag to try another delay."
        )
    return Delay(peak_s, HALF_BEFORE * peak_s, HALF_AFTER * peak_s, source)


def _parts(regions: Regions, name: str) -> tuple[str, ...]:
    """Smaller regions that lie within one."""
    inside = regions.mask(name)
    masks = ((other, regions.mask(other)) for other in regions.names if other != name)
    return tuple(other for other, mask in masks if mask.any() and not (mask & ~inside).any())


def line_of(answer: Answer, region: str) -> str:
    """Name of the line of a region, with the hemisphere where one was chosen."""
    return transcript_cache.line_names(answer, (region,))[0]


@st.cache_resource(max_entries=64, show_spinner=False)
def _lines(answer_id: str, _answer: Answer) -> tuple[Line, ...]:
    names = transcript_cache.course_names(_answer)
    regions = cache.regions_of(_answer.card, _answer.subject)
    low = _answer.card.low_confidence_regions
    return tuple(
        Line(name, line_of(_answer, name), name in low, _parts(regions, name)) for name in names
    )


@st.cache_resource(max_entries=32, show_spinner=False)
def _message(
    question: Question | None, answer_id: str, _answer: Answer, _found: Found | None
) -> bytes:
    lines = _lines(answer_id, _answer)
    (transcript,) = _answer.stimuli
    words = transcript_cache.words(transcript)
    assert _answer.tr_s is not None  # it is of a transcript
    return pack_courses(
        _answer.response,
        transcript_cache.courses(_answer, tuple(line.name for line in lines)),
        lines,
        tr_s=_answer.tr_s,
        row_texts=_answer.texts,
        words=Words(tuple(word.text for word in words), tuple(word.onset_s for word in words)),
        delay=delay_of(_answer),
        effects=None if _found is None else _effects(_answer, _found),
        script_url=plotly_url(),
    )


def message(answer: Answer, found: Found | None = None) -> bytes:
    """Everything that the courses of an answer draw, with the bars of words where there are any."""
    return _message(None if found is None else found.question, answer.id, answer, found)


def _effects(answer: Answer, found: Found) -> Effects:
    """Bars on the time axis: a word's room ends where the next begins, at most 0.6 s on."""
    left_out, tr_s = found.left_out, answer.tr_s
    assert tr_s is not None
    onsets = np.asarray(left_out.onsets_s, float)
    widths = np.full(len(onsets), tr_s)
    if left_out.unit == "word":
        gaps = np.diff(onsets, append=onsets[-1:] + 0.6)
        widths = np.clip(gaps, 0.12, 0.6)
    region = found.question.region
    return Effects(
        "change",
        left_out.names,
        onsets,
        widths,
        left_out.effects,
        left_out.baseline,
        line=region,
        label=line_of(answer, region),
        one="word" if left_out.unit == "word" else "TR",
    )


# Leaving words out ---------------------------------------------------------------------------


def n_units(answer: Answer, unit: Unit) -> int:
    """How many words, or volumes with words, there are to leave out."""
    if unit == "word":
        return sum(len(text.split()) for text in answer.texts)
    return sum(bool(text.strip()) for text in answer.texts)


def _predict(answer: Answer, region: str, report: Report, total: int) -> Predict:
    """Predictions of one region, each reported; the model is held while they run."""
    selection = replace(answer.selection, regions=(region,))
    n_done = 0

    def note(*_stage: object) -> None:
        report("leaving words out", min(n_done, total), total)  # stops here, if it is to stop

    def predict(stimuli: Sequence[Stimulus]) -> Sequence[Response]:
        nonlocal n_done
        responses: list[Response] = []
        with cache.engine().in_use(answer.card.id) as model:
            one = predictor(model, selection, answer.settings, note)
            for stimulus in stimuli:
                note()
                responses += one([stimulus])
                n_done += 1
        return responses

    return predict


def measure(answer: Answer) -> Work[float]:
    """Begin to time what one unit takes, in s; regions and units differ little."""

    def estimate(report: Report) -> float:
        region = transcript_cache.course_names(answer)[0]
        predict = _predict(answer, region, report, 1)
        return estimate_cost(predict, answer.stimuli[0]).seconds_each

    return cache.work(estimate)


def _n_predictions(answer: Answer, question: Question) -> int:
    """How often the model is asked."""
    return (n_units(answer, question.unit) + 1) * (1 + question.n_shuffles)


def cost_of(answer: Answer, question: Question, seconds_each: float) -> str:
    """Say what :func:`run` will take."""
    return Cost(_n_predictions(answer, question), seconds_each).words


def run(answer: Answer, question: Question) -> Work[Found]:
    """Begin to leave out every unit of the transcript, one at a time."""

    def leave(report: Report) -> Found:
        predict = _predict(answer, question.region, report, _n_predictions(answer, question))
        (stimulus,) = answer.stimuli
        found = leave_out(predict, stimulus, question.unit, n_shuffles=question.n_shuffles)
        return Found(question, found)

    return cache.work(leave)


def _large(found: Found) -> IntArray:
    """Places of the largest bars, largest first; none where all are 0."""
    sizes = np.abs(found.left_out.effects)
    order = np.argsort(-sizes, kind="stable")
    return order[sizes[order] > LEAST_NAMED * sizes.max()]


def strongest(found: Found) -> tuple[str, ...]:
    """Names of the largest bars, largest first, each name once; none where all are 0."""
    names = dict.fromkeys(found.left_out.names[place] for place in _large(found))
    return tuple(names)[:MOST_NAMED]


def lag_s(answer: Answer, found: Found) -> float:
    """Time from a unit's onset to its largest change, in s: median over the largest bars."""
    left_out, places = found.left_out, _large(found)
    onsets_s = np.array([float(label) for label in answer.response.row_labels])
    peaks = np.abs(left_out.changes[places]).argmax(axis=1)
    return float(np.median(onsets_s[peaks] - left_out.onsets_s[places]))


def csv(answer: Answer, found: Found) -> bytes:
    """Table of what was found: a line a word, or volume."""
    return word_table.effects_csv(
        answer.response, found.left_out, line_of(answer, found.question.region), tr_s=answer.tr_s
    )
