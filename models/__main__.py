"""``python -m models``: look after published models' files, and run decoding tasks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.decoders import task
from models.errors import BoldcastError
from models.weights import files, locations
from models.weights.files import size_words
from models.weights.plans import PUBLISHED_IDS, subject_numbers

__all__ = ["main"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models", description=__doc__)
    parser.add_argument("--home", help="top folder (default: BOLDCAST_HOME, or the user's data)")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="models, subjects and what is here of them")
    fetch = commands.add_parser("fetch", help="bring what one model needs")
    fetch.add_argument("--yes", action="store_true", help="do not ask after showing the sizes")
    verify = commands.add_parser("verify", help="read every byte and compare with the records")
    take = commands.add_parser("import", help="take files of an existing download")
    take.add_argument("folder", type=Path)
    take.add_argument("--link", action="store_true", help="hard links instead of copies")
    commands.add_parser("du", help="disk use")
    remove = commands.add_parser("remove", help="delete a model's files")
    image = commands.add_parser("fmri", help="decode one's own responses").add_subparsers(
        dest="task", required=True
    )
    task.add_options(image.add_parser("image", help="find the picture behind a response"))
    for command, is_needed in ((fetch, True), (verify, False), (remove, True)):
        command.add_argument("model", choices=PUBLISHED_IDS, nargs=None if is_needed else "?")
        command.add_argument("--subject", nargs="+", default=["all"], help="numbers, or all")
        command.add_argument("--variant", default="", help="of Text2fMRI: owner/name on the hub")
    return parser


def _subjects(given: Sequence[str]) -> Sequence[str] | str:
    return "all" if list(given) == ["all"] else list(given)


def _list(options: argparse.Namespace) -> int:
    print(f"in {locations.berg_home(options.home)}")
    for model_id in PUBLISHED_IDS:
        print(model_id)
        for number in subject_numbers(model_id):
            print(f"  subject {number}: {files.state(model_id, number, home=options.home).words}")
    return 0


def _fetch(options: argparse.Namespace) -> int:
    from models.weights.fetch import Progress, fetch, plan_fetch

    subjects = _subjects(options.subject)
    named: dict[str, Any] = {"home": options.home, "variant": options.variant}
    plan = plan_fetch(options.model, subjects, **named)
    if not plan.items:
        print("Everything is here.")
        return 0
    for item in plan.items:
        print(f"{size_words(item.expected.size):>10}  {item.path}")
    print(f"{size_words(plan.remaining_bytes):>10}  to come")
    if plan.converted_bytes:
        print(
            f"{size_words(plan.converted_bytes):>10}  about, for their converted form at first use"
        )
    is_asked = sys.stdin.isatty() and not options.yes
    if is_asked and input("Fetch? [Y/n] ").strip().lower() not in ("", "y", "yes"):
        return 1
    from tqdm import tqdm

    with tqdm(total=plan.total_bytes, unit="B", unit_scale=True, file=sys.stderr) as bar:

        def show(progress: Progress) -> None:
            words = progress.name
            if progress.stage != "downloading":
                words = f"{progress.stage} {words}"
            bar.set_description(words, refresh=False)
            bar.update(progress.done_bytes - bar.n if progress.stage != "waiting" else 0)

        fetch(options.model, subjects, **named, plan=plan, report=show)
    print("Done.")
    return 0


def _verify(options: argparse.Namespace) -> int:
    is_bad = False
    for model_id in [options.model] if options.model else PUBLISHED_IDS:
        checks = files.verify(
            model_id, _subjects(options.subject), home=options.home, variant=options.variant
        )
        for check in checks:
            if check.verdict == "missing" and not options.model:
                continue  # nobody claims to have all models
            is_bad |= check.verdict in ("missing", "damaged")
            print(f"{check.verdict:9} {check.path} {check.words}".rstrip())
    return int(is_bad)


def _import(options: argparse.Namespace) -> int:
    from models.weights.adopt import import_folder

    adopted = import_folder(options.folder, home=options.home, is_link=options.link, report=print)
    for one in adopted:
        if one.words:
            print(f"left out: {one.source}: {one.words}")
    n_taken = sum(not one.words for one in adopted)
    print(f"{n_taken} of {len(adopted)} files taken.")
    return int(any(one.words and one.words != "is here already" for one in adopted))


def _du(options: argparse.Namespace) -> int:
    for use in files.disk_use(options.home):
        parts = {"fetched": use.originals, "converted": use.converted, "begun": use.unfinished}
        words = ", ".join(f"{size_words(size)} {word}" for word, size in parts.items())
        print(f"{size_words(use.total):>10}  {use.model_id} ({words})")
    return 0


def _remove(options: argparse.Namespace) -> int:
    freed = files.remove(
        options.model, _subjects(options.subject), home=options.home, variant=options.variant
    )
    print(f"{size_words(freed)} set free.")
    return 0


_COMMANDS = {
    "list": _list,
    "fetch": _fetch,
    "verify": _verify,
    "import": _import,
    "du": _du,
    "remove": _remove,
    "fmri": task.run_command,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default ``sys.argv``.

    Returns
    -------
    int
        0 when all is well; 1 when something is not; 130 when interrupted.
    """
    options = _parser().parse_args(arguments)
    try:
        return _COMMANDS[options.command](options)
    except BoldcastError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; what came is kept. The same command goes on from there.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
