"""Readers that are trained here: simulated patterns of other pictures, features as targets."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from weakref import WeakSet

import numpy as np
import streamlit as st

from app.decode_cache import Reading, asked, identity, measurement_of
from app.decode_link import DecodeState
from app.decode_worlds import (
    Noise,
    Pictures,
    Uploads,
    everything,
    noise_of,
    noisy_places,
    pictures_of,
    predict,
    region_mask,
)
from app.work import Work
from models.analysis import decode, measurement
from models.decoders import image_features
from models.decoders.fitted import FittedDecoder
from models.decoders.ridge import DualRidge
from models.decoders.samples import Samples
from models.errors import ParameterError, WeightsError
from models.stimulus import Stimulus
from models.types import FloatArray, IntArray, Report, Space

__all__ = ["close", "plan_words", "start_training", "words_of"]

#: Simulated patterns to learn from, at most so many of one picture.
N_PATTERNS, MOST_DRAWS = 2_000, 16
#: Fewer other pictures than this teach nothing that holds for new ones.
FEWEST_PICTURES = 60
#: Every so manieth picture to learn from chooses penalty or epoch instead.
VALIDATION_STEP = 5
CAP_S = 90
#: Seeds of what is learnt from start at a multiple of this; those of the page end below it.
_FIRST_SEED = 10_000
#: Trainings that may still run.
_WORKS: WeakSet[Work[Reading]] = WeakSet()
_NAMES = {"ridge": "Ridge regression", "mlp": "FmriMlp with ClipLoss"}


def plan_words(state: DecodeState) -> str:
    """Say what a training will do, before it is asked for."""
    seconds = "a few seconds" if state.method == "ridge" else f"up to {CAP_S} s"
    sees = "DINOv2-small sees" if has_dinov2() else "the filter bank of the reference model sees"
    return (
        f"{_NAMES[state.method]} learns here, in {seconds}, from about {N_PATTERNS:,} simulated "
        f"patterns of built-in pictures that are not in the gallery. It predicts what {sees} in a "
        "picture; then the most similar picture is the guess."
    )


def words_of(reading: Reading) -> str:
    """Say how a reader was trained."""
    facts = reading.facts
    words = (
        f"{_NAMES[facts['reader']]}: learnt from {facts['n_training']:,} simulated patterns of "
        f"{facts['n_training_pictures']} other pictures in {facts['seconds']:.0f} s, chosen on "
        f"{facts['n_validation_pictures']} more; this gallery was never seen. Targets: "
        f"{facts['targets']}."
    )
    if "n_epochs" in facts:
        words += f" Best of {facts['n_epochs']} epochs: number {facts['best_epoch']}."
        words += f" Stopped at {CAP_S} s." if facts["is_capped"] else ""
    return words


@st.cache_resource(max_entries=1, show_spinner=False)
def _pool() -> ThreadPoolExecutor:
    """One thread: trainings take turns, and what is quick never waits behind them."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="boldcast-training")


def start_training(state: DecodeState, uploads: Uploads) -> Work[Reading]:
    """Begin to simulate, to learn and to read."""

    def do(report: Report) -> Reading:
        report("drawing pictures", 0, 0)
        return _train(state, uploads, pictures_of(state, uploads.pictures), report)

    work = Work(_pool(), do)
    _WORKS.add(work)
    return work


def close() -> None:
    """Stop what is learnt, as the program ends."""
    for work in tuple(_WORKS):
        work.cancel()
    _pool().shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, eq=False)
class _School:
    """Everything that is learnt from and tested on: the gallery first, then other pictures.

    Parameters
    ----------
    state : DecodeState
    stimuli : tuple of Stimulus
    n_test : int
        Pictures of the gallery.
    space : Space
    columns : ndarray of int
    signals : ndarray of shape (n_pictures, n_places)
    features : ndarray of shape (n_pictures, d), float32
        Standardised over the pictures to learn from.
    targets : str
        What they are.
    noise : Noise
    """

    state: DecodeState
    stimuli: tuple[Stimulus, ...]
    n_test: int
    space: Space
    columns: IntArray
    signals: FloatArray
    features: FloatArray
    targets: str
    noise: Noise

    @classmethod
    def of(cls, state: DecodeState, pictures: Pictures, report: Report) -> _School:
        """Predict and look at all pictures."""
        shown = set(pictures.stimuli)
        others = tuple(one for one in everything().stimuli if one not in shown)
        if len(others) < FEWEST_PICTURES:
            raise ParameterError(
                f"{len(others)} built-in pictures are left to learn from, {FEWEST_PICTURES} are "
                "needed: choose a smaller gallery."
            )
        stimuli = (*pictures.stimuli, *others)
        response = predict(state.maker, stimuli, report)
        signals = response.dense()
        columns = noisy_places(state.maker, response.space, signals)
        columns = columns[region_mask(state.maker, state.regions, columns)]
        features, targets = _features(stimuli, report)
        n_test = len(pictures.stimuli)
        return cls(
            state,
            stimuli,
            n_test,
            response.space,
            columns,
            signals[:, columns],
            _standard(features, slice(n_test, None)),
            targets,
            noise_of(state.maker, response.space, columns),
        )

    def parts(self) -> tuple[IntArray, IntArray]:
        """Pictures to learn from, and those to choose penalty or epoch by."""
        rows = np.arange(self.n_test, len(self.stimuli))
        is_validation = np.arange(len(rows)) % VALIDATION_STEP == VALIDATION_STEP - 1
        return rows[~is_validation], rows[is_validation]

    def measured(self, rows: IntArray, seed: int) -> FloatArray:
        """Patterns of some pictures: another seed is another noise of the same brain."""
        return measurement.measure(
            self.signals,
            replace(measurement_of(self.state), seed=seed),
            ncsnr=self.noise.ncsnr,
            neighbours=self.noise.neighbours,
            keys=[stimulus.digest for stimulus in self.stimuli],
            rows=rows.tolist(),
        )

    def samples(self, rows: IntArray, first_seed: int, n_draws: int, report: Report) -> Samples:
        """Several noisy patterns of each of some pictures."""
        patterns = []
        for draw in range(n_draws):
            report("simulating patterns to learn from", draw, n_draws)
            patterns.append(self.measured(rows, first_seed + draw))
        repeated = np.tile(rows, n_draws)
        names = tuple(self.stimuli[row].digest for row in repeated)
        return Samples(np.concatenate(patterns), self.features[repeated], names)


def _features(stimuli: tuple[Stimulus, ...], report: Report) -> tuple[FloatArray, str]:
    """DINOv2-small where its weights are here, else the filter bank; with its name."""
    if has_dinov2():
        return image_features.dinov2_features(stimuli, "small", report), "DINOv2-small, block 8"
    features = image_features.filter_bank_features(stimuli, report)
    return features, image_features.FILTER_BANK_NAME


def has_dinov2() -> bool:
    """Whether the weights of DINOv2-small are here; nothing is fetched."""
    try:
        image_features.find_dinov2("small")
    except WeightsError:
        return False
    return True


def _standard(features: FloatArray, rows: slice) -> FloatArray:
    """Bring features to mean 0 and deviation 1 over the pictures to learn from."""
    mean, deviation = features[rows].mean(axis=0), features[rows].std(axis=0)
    kept = deviation > 1e-6 * max(float(deviation.max()), 1e-12)
    standard: FloatArray = ((features - mean)[:, kept] / deviation[kept]).astype(np.float32)
    return standard


def _train(state: DecodeState, uploads: Uploads, pictures: Pictures, report: Report) -> Reading:
    """Train on other pictures, read the gallery's."""
    school = _School.of(state, pictures, report)
    training, validation = school.parts()
    n_draws = min(MOST_DRAWS, -(-N_PATTERNS // len(training)))
    first = _FIRST_SEED * (state.seed + 1)  # never the seed of the patterns that are tested
    decoder = _fit(
        state,
        school.samples(training, first, n_draws, report),
        school.samples(validation, first + n_draws, n_draws, report),
        report,
    )
    test = np.arange(school.n_test)
    patterns = school.measured(test, state.seed)
    candidates = decoder.candidates(school.features[test])
    scores = decode.similarities(decoder.predict(patterns), candidates, "xy")
    return Reading(
        identity(asked(state, uploads)),
        pictures,
        school.space,
        school.columns,
        patterns,
        scores,
        test,
        pictures.names,
        school.noise.is_assumed,
        facts={
            **decoder.facts,
            "reader": state.method,
            "targets": f"{school.targets}, standardised over the pictures to learn from",
            "n_training_pictures": len(training),
            "n_validation_pictures": len(validation),
        },
    )


def _fit(
    state: DecodeState, training: Samples, validation: Samples, report: Report
) -> FittedDecoder:
    """Ridge, or the network of NeuralBench with a rate for short training."""
    if state.method == "ridge":
        return DualRidge().fit(training, validation, report)
    from models.decoders.training import QUICK, Training  # torch

    settings = replace(QUICK, seed=state.seed, cap_s=float(CAP_S))
    return Training(settings).fit(training, validation, report)
