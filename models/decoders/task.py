"""The task ``fmri image`` on a folder of one's own: train, test, and write NeuralBench's metrics.

``python -m models fmri image FOLDER`` is the command line; docs/decoding.md says what the folder
holds and what the numbers mean.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from models.analysis.decode import (
    HEADLINE,
    batch_metrics,
    binomial_p,
    chance_mean_rank,
    chance_top_k,
    dummy_predictions,
    near_duplicates,
    normalised_score,
    retrieval_metrics,
    two_way,
    wilson_interval,
)
from models.decoders.fitted import FittedDecoder, Reader
from models.decoders.samples import Samples
from models.decoders.task_folder import FEATURES, Parts, read_folder
from models.errors import ParameterError, WeightsError
from models.types import FloatArray, Report, ignore_progress

__all__ = ["TaskOptions", "add_options", "run_command", "run_task"]

_FORMAT = "boldcast fmri image 1"
_RECIPES = ("neuralbench", "quick")


@dataclass(frozen=True)
class TaskOptions:
    """How the task is run.

    Parameters
    ----------
    reader : {"ridge", "mlp", "linear"}
    features : str, optional
        Targets: a name of :data:`~models.decoders.task_folder.FEATURES`; by default
        ``targets.npy`` of the folder, else the filter bank.
    seeds : tuple of int
        A training each; ridge has nothing to draw and takes the first.
    recipe : {"neuralbench", "quick"}
        Of the networks.
    changes : mapping
        Settings of the recipe to change, as pairs.
    penalties : tuple of float
        Of ridge; empty for the default ones.
    checkpoints : Path, optional
        Where trainings in progress are kept: one file a seed, removed by who wrote the results.
    home : str, optional
        Top folder, below which DINOv2's weights are looked for.
    """

    reader: Reader = "ridge"
    features: str | None = None
    seeds: tuple[int, ...] = (0,)
    recipe: str = "neuralbench"
    changes: tuple[tuple[str, Any], ...] = ()
    penalties: tuple[float, ...] = ()
    checkpoints: Path | None = None
    home: str | None = None


def run_task(
    folder: Path, options: TaskOptions, report: Report = ignore_progress
) -> tuple[dict[str, Any], list[FittedDecoder]]:
    """Train a reader on a folder's trials and test it.

    Parameters
    ----------
    folder : Path
    options : TaskOptions
    report : callable
        May raise ``Cancelled``; trainings go on from their checkpoints next time.

    Returns
    -------
    results : dict
        Ready for JSON.
    decoders : list of FittedDecoder
        One a seed.

    Raises
    ------
    ParameterError, StimulusError
        The folder or the options cannot be used.
    Cancelled
        ``report`` asked to stop.
    """
    found = read_folder(folder)
    device = str(dict(options.changes).get("device", "auto"))
    targets, name = found.targets(options.features, report, device=device, home=options.home)
    parts = found.parts(targets)
    decoders = _fit(options, parts, report)
    runs = [_test(decoder, parts) for decoder in decoders]
    seeds = options.seeds[: len(decoders)]
    metrics = {key: _mean([run["metrics"][key] for run in runs]) for key in runs[0]["metrics"]}
    gallery = parts.test.image_targets()[0]
    baselines = _baselines(options, parts)
    dummy = baselines["dummy"][HEADLINE]
    results: dict[str, Any] = {
        "format": _FORMAT,
        "task": "fmri image",
        "headline": HEADLINE,
        "metrics": metrics,
        # With five test pictures or fewer everything is a hit, and the scale has no length.
        "normalised_headline": normalised_score(metrics[HEADLINE], dummy) if dummy < 1 else None,
        "runs": [{"seed": seed, **run} for seed, run in zip(seeds, runs, strict=True)],
        "baselines": baselines,
        "gallery": {"n_images": len(gallery), "sha256": _gallery_sha256(parts.test)},
        "trials": _counts(parts),
        "reader": {"name": options.reader, "targets": name, "n_features": targets.shape[1]},
        "versions": _versions(),
        "caveats": [*_caveats(options, parts, name, gallery), *parts.notes],
    }
    plain: dict[str, Any] = _plain(results)
    return plain, decoders


def _fit(options: TaskOptions, parts: Parts, report: Report) -> list[FittedDecoder]:
    if options.reader == "ridge":
        from models.decoders.ridge import DualRidge

        ridge = DualRidge(options.penalties) if options.penalties else DualRidge()
        return [ridge.fit(parts.training, parts.validation, report)]
    from models.decoders.training import Training

    decoders = []
    for number, seed in enumerate(options.seeds):
        told = _under(report, f"training {number + 1} of {len(options.seeds)}")
        path = options.checkpoints and options.checkpoints / f"seed-{seed}.checkpoint"
        training = Training(replace(_settings(options), seed=seed), path)
        decoders.append(training.fit(parts.training, parts.validation, told))
    return decoders


def _under(report: Report, words: str) -> Report:
    """Report with a stage of our own."""
    return lambda _, done, total: report(words, done, total)


def _settings(options: TaskOptions) -> Any:
    from models.decoders.recipe import NEURALBENCH, QUICK

    if options.recipe not in _RECIPES:
        raise ParameterError(f"The recipe is one of {_RECIPES}; got {options.recipe!r}.")
    start = {"neuralbench": NEURALBENCH, "quick": QUICK}[options.recipe]
    changes: dict[str, Any] = {"reader": options.reader, **dict(options.changes)}
    return replace(start, **changes)


def _test(decoder: FittedDecoder, parts: Parts) -> dict[str, Any]:
    """Metrics of one decoder, its headline against chance, and how it was trained."""
    people = decoder.subjects
    guesses = {
        part: decoder.predict(samples.patterns, samples.subjects if people else None)
        for part, samples in (("val", parts.validation), ("test", parts.test))
    }
    test = parts.test
    targets = decoder.candidates(test.targets)
    metrics = {
        **batch_metrics(
            guesses["val"], decoder.candidates(parts.validation.targets), prefix="val/"
        ),
        **batch_metrics(guesses["test"], targets, prefix="test/"),
        **retrieval_metrics(guesses["test"], targets, test.images, test.subjects),
    }
    n_images = len(set(test.images))
    n_queries = len(set(zip(test.subjects, test.images, strict=True)))
    against = {
        f"top{k}": _against_chance(
            metrics[f"test/full_retrieval/top{k}_acc_subject-agg"], n_queries, k, n_images
        )
        for k in (1, 5, 10)
    }
    return {
        "metrics": metrics,
        "against_chance_subject-agg": against,
        "two_way_instance-agg": _two_way(guesses["test"], targets, test),
        "training": dict(decoder.facts),
    }


def _against_chance(share: float, n_queries: int, k: int, n_images: int) -> dict[str, Any]:
    hits, chance = round(share * n_queries), chance_top_k(k, n_images)
    p = binomial_p(hits, n_queries, chance)
    return {
        "hits": hits,
        "queries": n_queries,
        "chance": chance,
        "wilson_95": list(wilson_interval(hits, n_queries)),
        "binomial_p": p,
        "words": "better than guessing" if p < 0.05 else "cannot be told from guessing",
    }


def _two_way(guesses: FloatArray, targets: FloatArray, test: Samples) -> float | None:
    """Two-way identification of predictions averaged by image; None where it has no meaning."""
    _, image_of = test.image_targets()
    n = int(image_of.max()) + 1
    means = [
        np.stack([rows[image_of == i].mean(0) for i in range(n)]) for rows in (guesses, targets)
    ]
    try:
        return two_way(*means)
    except ParameterError:  # one image, or features that do not vary
        return None


def _baselines(options: TaskOptions, parts: Parts) -> dict[str, Any]:
    """Measure what guessing, the mean target and an untrained network reach."""
    test = parts.test
    n_images = len(set(test.images))
    known = np.concatenate([parts.training.targets, parts.validation.targets])
    dummy = dummy_predictions(known, len(test))
    found: dict[str, Any] = {
        "guessing": {
            **{f"top{k}_acc": chance_top_k(k, n_images) for k in (1, 5, 10)},
            "mean_retrieval_rank": chance_mean_rank(n_images),
        },
        "dummy": retrieval_metrics(dummy, test.targets, test.images, test.subjects),
    }
    if options.reader != "ridge":
        from models.decoders.training import untrained

        settings = replace(_settings(options), seed=options.seeds[0])
        decoder = untrained(settings, parts.training)
        guesses = decoder.predict(test.patterns, test.subjects if decoder.subjects else None)
        found["untrained"] = retrieval_metrics(
            guesses, decoder.candidates(test.targets), test.images, test.subjects
        )
    return found


def _caveats(options: TaskOptions, parts: Parts, name: str, gallery: FloatArray) -> list[str]:
    """Sentences that must be read with the numbers."""
    words = [
        "NeuralBench's metrics on the trials of this folder: not comparable with numbers on other "
        "data or with other galleries."
    ]
    if options.reader != "ridge":
        words.append("Architecture and loss of NeuralBench, not its trained model or its score.")
    if name != "dinov2-giant":
        words.append(f"Targets are {name}, where NeuralBench has DINOv2-giant's layer 26 of 40.")
    if parts.test.n_trs != 4:
        words.append(f"Volumes of a trial: {parts.test.n_trs}, where NeuralBench takes 4.")
    if len(gallery) < 20:
        words.append(f"Only {len(gallery)} test pictures: guessing is often right.")
    alike = near_duplicates(gallery)
    if alike:
        words.append(
            f"{len(alike)} pairs of test pictures have targets with a cosine above 0.98: near-"
            "duplicates, which no decoder tells apart (or targets with a large common part)."
        )
    if len(set(parts.test.subjects)) > 1:
        words.append(
            "Queries of several people about the same picture are not independent: intervals and "
            "p are too narrow."
        )
    return words


def _counts(parts: Parts) -> dict[str, dict[str, int]]:
    named = {"train": parts.training, "val": parts.validation, "test": parts.test}
    return {
        part: {
            "trials": len(samples),
            "images": len(set(samples.images)),
            "subjects": len(set(samples.subjects)),
        }
        for part, samples in named.items()
    }


def _gallery_sha256(test: Samples) -> str:
    """Hash of the names of the test pictures and their targets, sorted by name."""
    targets, _ = test.image_targets()
    known = hashlib.sha256(json.dumps(sorted(set(test.images))).encode())
    known.update(np.ascontiguousarray(targets).data)
    return known.hexdigest()


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in ("boldcast", "numpy", "scipy", "torch", "transformers"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _plain(value: Any) -> Any:
    """Values that JSON has; NaN becomes null."""
    if isinstance(value, dict):
        return {key: _plain(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(own) for own in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``fmri image``."""
    parser.add_argument("folder", type=Path, help="responses.npy, trials.csv, images or targets")
    parser.add_argument("--reader", choices=("ridge", "mlp", "linear"), default="ridge")
    parser.add_argument("--features", choices=FEATURES, help="default: targets.npy")
    parser.add_argument("--fetch", action="store_true", help="bring DINOv2's weights first")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one training each")
    parser.add_argument("--recipe", choices=_RECIPES, default="neuralbench", help="of networks")
    parser.add_argument("--epochs", type=int, dest="n_epochs")
    parser.add_argument("--patience", type=int)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--cap-seconds", type=float, dest="cap_s", help="of one training")
    parser.add_argument("--device", help="auto, cpu, cuda, mps")
    parser.add_argument("--penalties", type=float, nargs="+", default=[], help="of ridge")
    parser.add_argument("--output", type=Path, help="default: FOLDER/decoding-results.json")
    parser.add_argument("--save-decoder", type=Path, help="safetensors file of the first seed's")


_CHANGES = ("n_epochs", "patience", "batch_size", "learning_rate", "cap_s", "device")


def run_command(arguments: argparse.Namespace) -> int:
    """Run ``fmri image``, write the results and say the most important of them.

    Returns
    -------
    int
        0.
    """
    from tqdm import tqdm

    from models.weights.records import write_json

    output: Path = arguments.output or arguments.folder / "decoding-results.json"
    checkpoints = output.parent / f".{output.name}.checkpoints"
    changes = {name: getattr(arguments, name) for name in _CHANGES}
    options = TaskOptions(
        arguments.reader,
        arguments.features,
        tuple(arguments.seeds),
        arguments.recipe,
        tuple((name, value) for name, value in changes.items() if value is not None),
        tuple(arguments.penalties),
        checkpoints,
        arguments.home,
    )
    if arguments.fetch:
        _fetch_weights(arguments.features, arguments.home)
    with tqdm(file=sys.stderr) as bar:

        def show(stage: str, done: int, total: int) -> None:
            bar.set_description(stage, refresh=False)
            bar.total = total
            bar.update(done - bar.n)

        results, decoders = run_task(arguments.folder, options, show)
    write_json(output, results)
    if arguments.save_decoder:
        decoders[0].save(arguments.save_decoder)
    for path in checkpoints.glob("*.checkpoint"):
        path.unlink()
    if checkpoints.exists():
        checkpoints.rmdir()
    print(_words(results))
    print(f"Everything else is in {output}.")
    return 0


def _fetch_weights(features: str | None, home: str | None) -> None:
    """Bring the weights of the features, where they have some; a beginning is continued."""
    from models.decoders import image_features

    size: Any = (features or "").removeprefix("dinov2-")
    if size not in image_features.DINOV2:
        raise ParameterError("Only DINOv2 has weights to fetch: name it by --features.")
    try:
        image_features.find_dinov2(size, home)
    except WeightsError:
        image_features.fetch_dinov2(
            size,
            home=home,
            report=lambda progress: print(
                f"\r{progress.stage} {progress.name} {progress.done_bytes / 1e6:,.0f} MB",
                end="",
                file=sys.stderr,
            ),
        )
        print(file=sys.stderr)


def _words(results: dict[str, Any]) -> str:
    """Say the headline of each seed, and the caveats."""
    lines = []
    for run in results["runs"]:
        top = run["against_chance_subject-agg"]["top5"]
        low, high = (f"{100 * end:.1f}" for end in top["wilson_95"])
        lines.append(
            f"seed {run['seed']}: the right picture was among the five best guesses in "
            f"{top['hits']} of {top['queries']} ({low} to {high} %); guessing gives "
            f"{100 * top['chance']:.1f} %; p = {top['binomial_p']:.2g}: {top['words']}."
        )
    lines.append(f"{results['headline']} = {results['metrics'][results['headline']]:.4f}")
    return "\n".join([*lines, *(f"note: {words}" for words in results["caveats"])])
