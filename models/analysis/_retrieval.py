"""Retrieval metrics under the names that NeuralBench gives them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from models.analysis._decode_scores import (
    finite_rows,
    lower_median,
    pearson_per_dimension,
    rank_std,
    ranks,
    similarities,
    top_k,
)
from models.errors import ParameterError
from models.types import BoolArray, FloatArray, IntArray

__all__ = ["HEADLINE", "batch_metrics", "most_shown", "retrieval_metrics"]

#: The number NeuralBench shows: "Top-5 accuracy (per-subject)".
HEADLINE = "test/full_retrieval/top5_acc_subject-agg"
_TOP = (1, 5, 10)


@dataclass(frozen=True, eq=False)
class _Trials:
    """Trials of a test: predictions, whose, of which image, and one target an image."""

    predictions: FloatArray
    image_of: IntArray
    subject_of: IntArray
    gallery: FloatArray

    def ranks(self, predictions: FloatArray, image_of: IntArray) -> FloatArray:
        return ranks(similarities(predictions, self.gallery), image_of)

    def averaged(self, group_of: IntArray) -> FloatArray:
        """Ranks of predictions averaged within groups; a group has one image."""
        _, first, group = np.unique(group_of, return_index=True, return_inverse=True)
        return self.ranks(_means(self.predictions, group, len(first)), self.image_of[first])


def retrieval_metrics(
    predictions: FloatArray,
    targets: FloatArray,
    images: Sequence[Hashable],
    subjects: Sequence[Hashable] | None = None,
    *,
    prefix: str = "test/full_retrieval/",
    sizes: Sequence[int | None] = (None, 250),
    is_relative: bool = False,
) -> dict[str, float]:
    """Score retrieval over a whole test set: one gallery vector an image, the mean of its targets.

    Parameters
    ----------
    predictions, targets : ndarray of shape (n_trials, d)
    images : sequence of n_trials
        Which image each trial showed: its file, not its category.
    subjects : sequence of n_trials, optional
        Whose trial; one person by default.
    prefix : str
        Before every name.
    sizes : sequence of int or None
        None takes every image; 250 the 250 most often shown (all, if there are fewer; images
        shown equally often in order of appearance). Names then end in ``_size=250``.
    is_relative : bool
        Divide ranks by the number of images. Top-k stays.

    Returns
    -------
    dict of str to float
        ``median_``, ``mean_`` and ``std_retrieval_rank``, ``top1_acc``, ``top5_acc``,
        ``top10_acc`` of single trials; median and top with ``_instance-agg`` (predictions
        averaged over all trials of an image) and ``_subject-agg`` (over repeats within a
        person); ``median_retrieval_rank_subject-ind`` (single trials, a median a person, then
        their mean) and its ``_macro`` (a median an image, then their mean).

    Raises
    ------
    ParameterError
        Lengths differ, or a prediction or target is not finite.
    """
    if subjects is None:
        subjects = [0] * len(images)
    predictions, targets = finite_rows(predictions, "Predictions"), finite_rows(targets, "Targets")
    lengths = {len(predictions), len(targets), len(images), len(subjects)}
    if len(lengths) != 1 or predictions.shape != targets.shape:
        raise ParameterError(
            f"Every trial needs a prediction, a target of the same width, an image and a subject; "
            f"got {predictions.shape}, {targets.shape}, {len(images)} and {len(subjects)}."
        )
    found: dict[str, float] = {}
    for size in sizes:
        is_in = np.ones(len(images), bool) if size is None else most_shown(images, size)
        ending = "" if size is None else f"_size={size}"
        trials = _trials(predictions, targets, images, subjects, is_in)
        for name, value in _full(trials, ending, is_relative).items():
            found[prefix + name] = value
    return found


def most_shown(images: Sequence[Hashable], n: int) -> BoolArray:
    """Trials of the ``n`` images that were shown most often; ties in order of appearance."""
    chosen = {image for image, _ in Counter(images).most_common(n)}
    return np.array([image in chosen for image in images], bool)


def _codes(labels: Sequence[Hashable]) -> IntArray:
    """Give each label the number of its first appearance."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels], np.int64)


def _means(rows: FloatArray, group_of: IntArray, n_groups: int) -> FloatArray:
    """Mean row of each group, float32."""
    sums = np.zeros((n_groups, rows.shape[1]), np.float64)
    np.add.at(sums, group_of, rows)
    counts = np.bincount(group_of, minlength=n_groups)
    return np.asarray(sums / counts[:, None], np.float32)


def _trials(
    predictions: FloatArray,
    targets: FloatArray,
    images: Sequence[Hashable],
    subjects: Sequence[Hashable],
    is_in: BoolArray,
) -> _Trials:
    rows = np.flatnonzero(is_in).tolist()
    image_of = _codes([images[row] for row in rows])
    subject_of = _codes([subjects[row] for row in rows])
    gallery = _means(targets[rows], image_of, int(image_of.max()) + 1)
    return _Trials(predictions[rows], image_of, subject_of, gallery)


def _full(trials: _Trials, ending: str, is_relative: bool) -> dict[str, float]:
    """All metrics of one gallery."""
    n_images = len(trials.gallery)
    single = trials.ranks(trials.predictions, trials.image_of)
    kinds = {
        "": single,
        "_instance-agg": trials.averaged(trials.image_of),
        "_subject-agg": trials.averaged(trials.subject_of * n_images + trials.image_of),
    }
    unit = 1.0 / n_images if is_relative else 1.0
    found: dict[str, float] = {}
    for kind, own in kinds.items():
        found[f"median_retrieval_rank{kind}{ending}"] = lower_median(own) * unit
        for k in _TOP:
            found[f"top{k}_acc{kind}{ending}"] = top_k(own, k)
    found[f"mean_retrieval_rank{ending}"] = float(single.mean()) * unit
    found[f"std_retrieval_rank{ending}"] = rank_std(single) * unit
    name = f"median_retrieval_rank_subject-ind{ending}"
    found[name] = _mean_of_medians(single, trials.subject_of) * unit
    found[f"{name}_macro"] = _mean_of_medians(single, trials.image_of) * unit
    return found


def _mean_of_medians(values: FloatArray, group_of: IntArray) -> float:
    groups = [values[group_of == group] for group in np.unique(group_of)]
    return float(np.mean([lower_median(group) for group in groups]))


def batch_metrics(
    predictions: FloatArray, targets: FloatArray, *, batch_size: int = 64, prefix: str = ""
) -> dict[str, float]:
    """Score retrieval among the targets of the same batch, duplicates and all.

    Parameters
    ----------
    predictions, targets : ndarray of shape (n, d)
        In the order of the batches; the last batch may be smaller.
    batch_size : int
    prefix : str
        ``"val/"`` or ``"test/"``.

    Returns
    -------
    dict of str to float
        ``batch_median_rank``, ``batch_mean_rank``, ``batch_std_rank``, ``batch_top1_acc``,
        ``batch_top5_acc``, ``batch_top10_acc`` over the ranks of all batches, and
        ``batch_pearson_corr``: r over samples, averaged over the dimensions that vary (NaN
        where none does).

    Raises
    ------
    ParameterError
        Shapes differ, not finite, or a batch below one.
    """
    if batch_size < 1:
        raise ParameterError(f"A batch has one row at least; got {batch_size}.")
    correlations = pearson_per_dimension(predictions, targets)
    parts = []
    for start in range(0, len(predictions), batch_size):
        rows = slice(start, start + batch_size)
        scores = similarities(predictions[rows], targets[rows])
        parts.append(ranks(scores, np.arange(len(scores))))
    own = np.concatenate(parts)
    found = {
        "batch_median_rank": lower_median(own),
        "batch_mean_rank": float(own.mean()),
        "batch_std_rank": rank_std(own),
        **{f"batch_top{k}_acc": top_k(own, k) for k in _TOP},
    }
    known = correlations[np.isfinite(correlations)]
    found["batch_pearson_corr"] = float(known.mean()) if known.size else float("nan")
    return {prefix + name: value for name, value in found.items()}
