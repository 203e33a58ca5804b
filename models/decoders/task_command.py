"""The command line of the task ``fmri image``; docs/decoding.md describes it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, get_args

from models.analysis.decode import NormKind
from models.decoders.task import RECIPES, TaskOptions, run_task
from models.decoders.task_folder import FEATURES
from models.errors import ParameterError, WeightsError

__all__ = ["add_options", "run_command"]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``fmri image``."""
    parser.add_argument("folder", type=Path, help="responses.npy, trials.csv, images or targets")
    parser.add_argument("--reader", choices=("ridge", "mlp", "linear"), default="ridge")
    parser.add_argument("--features", choices=FEATURES, help="default: targets.npy")
    parser.add_argument("--fetch", action="store_true", help="bring DINOv2's weights first")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one training each")
    parser.add_argument("--recipe", choices=RECIPES, default="neuralbench", help="of networks")
    parser.add_argument("--epochs", type=int, dest="n_epochs")
    parser.add_argument("--patience", type=int)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--cap-seconds", type=float, dest="cap_s", help="of one training")
    parser.add_argument("--device", help="auto, cpu, cuda, mps")
    parser.add_argument("--norm-kind", choices=get_args(NormKind), help="of the loss; y by default")
    flag: dict[str, Any] = {"action": "store_true", "default": None}
    parser.add_argument("--learn-temperature", dest="is_temperature_learned", **flag)
    parser.add_argument("--symmetric", dest="is_symmetric", **flag)
    parser.add_argument(
        *("--option", "-o"),
        dest="options",
        action="append",
        type=_option,
        metavar="NAME=VALUE",
        help='of the network, e.g. hidden=256 or time_pooling="out_mean"',
    )
    parser.add_argument("--penalties", type=float, nargs="+", default=[], help="of ridge")
    parser.add_argument("--output", type=Path, help="default: FOLDER/decoding-results.json")
    parser.add_argument("--save-decoder", type=Path, help="safetensors file of the first seed's")


_CHANGES = (
    *("n_epochs", "patience", "batch_size", "learning_rate", "cap_s", "device", "options"),
    *("norm_kind", "is_temperature_learned", "is_symmetric"),
)


def _option(words: str) -> tuple[str, Any]:
    """Read NAME=VALUE; the value is JSON, or else a word."""
    name, _, value = words.partition("=")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


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
    if changes["options"]:
        changes["options"] = dict(changes["options"])
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
