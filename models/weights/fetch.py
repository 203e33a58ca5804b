"""Fetch exactly what one model and some subjects need.

First :func:`plan_fetch` asks the publishers for the sizes, then :func:`fetch` brings the files,
telling bytes, rate and remaining time. Both may be stopped at any time and started again.
"""

from __future__ import annotations

import errno
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from models.catalog import ModelCard
from models.errors import DiskFullError, OfflineError, WeightsError
from models.weights import files, locations
from models.weights.ask import (
    FetchPlan,
    Item,
    Progress,
    ReportProgress,
    offline_error,
    plan_fetch,
    tell_nobody,
)
from models.weights.files import size_words
from models.weights.lock import hold
from models.weights.plans import ATLAS_FILES
from models.weights.records import check_record, write_text
from models.weights.remote import Sources
from models.weights.transfer import Patience, download

__all__ = ["FetchPlan", "Item", "Patience", "Progress", "Sources", "fetch", "plan_fetch"]

#: Left free on the disk, so that the computer stays usable.
_SPARE_BYTES = 64 * 1024 * 1024
_RATE_WINDOW_S = 10.0


def fetch(
    card: ModelCard | str,
    subjects: Sequence[str | int] | str | int = "all",
    *,
    home: str | Path | None = None,
    variant: str = "",
    report: ReportProgress = tell_nobody,
    sources: Sources | None = None,
    patience: Patience | None = None,
    plan: FetchPlan | None = None,
    free_bytes: Callable[[Path], int] | None = None,
) -> tuple[Path, ...]:
    """Bring what is missing.

    Parameters
    ----------
    card, subjects, home, variant, sources, patience
        As in :func:`plan_fetch`.
    report : callable
        Told a :class:`Progress` at every piece; may raise ``Cancelled``: beginnings are kept.
    plan : FetchPlan, optional
        Made before, to show sizes; made now otherwise.
    free_bytes : callable, optional
        Free bytes of the disk that holds a folder.

    Returns
    -------
    tuple of Path
        The files that were fetched.

    Raises
    ------
    DiskFullError
        There is no room; nothing was begun.
    OfflineError, HashMismatchError, WeightsError
        What came before is kept.
    """
    sources = sources or Sources.from_environment()
    patience = patience or Patience()
    if plan is None:
        plan = plan_fetch(
            card,
            subjects,
            home=home,
            variant=variant,
            report=report,
            sources=sources,
            patience=patience,
        )
    _check_room(plan, free_bytes or files.free_bytes)
    try:
        _bring_all(plan, report, sources, patience)
    except OSError as error:
        raise _error_of_disk(error, plan.home) from error
    return tuple(item.path for item in plan.items)


def _bring_all(
    plan: FetchPlan, report: ReportProgress, sources: Sources, patience: Patience
) -> None:
    """Bring every item of a plan."""
    for reference, commit in plan.references:
        if not reference.is_file():
            write_text(reference, commit)
    meter = _Meter(plan, report)
    for item in plan.items:
        meter.begin(item)
        try:
            _bring(item, plan.home, meter, sources, patience)
        except OfflineError as error:
            raise offline_error(item.path.name, plan.command, error) from error
        meter.end(item)


def _error_of_disk(error: OSError, home: Path) -> WeightsError:
    """Our error for a disk that cannot be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(f"The disk filled up at {home}; make room and fetch again.")
    return WeightsError(
        f"Nothing can be written at {home} ({error.strerror or error}): "
        "set BOLDCAST_HOME to a folder of yours."
    )


def _bring(item: Item, home: Path, meter: _Meter, sources: Sources, patience: Patience) -> None:
    """Bring one file by its own way."""
    if item.remote is None:
        _bring_atlas(item.path, home, meter, sources)
        return
    download(item.remote, item.expected, item.path, home=home, stage=meter.stage, patience=patience)


def _bring_atlas(path: Path, home: Path, meter: _Meter, sources: Sources) -> None:
    """Let nilearn fetch the Schaefer atlas; both of its files come at once."""
    from nilearn.datasets import fetch_atlas_schaefer_2018

    with hold(home / "locks" / "atlas.lock", lambda: meter.stage("waiting", 0)):
        if path.is_file():
            return
        meter.stage("downloading", 0)
        try:
            fetch_atlas_schaefer_2018(
                n_rois=1000,
                yeo_networks=7,
                resolution_mm=1,
                data_dir=home / "nilearn",
                base_url=sources.atlas or None,
                verbose=0,
            )
        except OSError as error:
            raise OfflineError(f"nilearn could not fetch the atlas: {error}") from error
        for name in ATLAS_FILES:
            found = locations.find_atlas_file(name, home)
            if found is not None:
                check_record(found, home)


def _check_room(plan: FetchPlan, free_bytes: Callable[[Path], int]) -> None:
    """Refuse to begin what cannot fit."""
    needed = plan.remaining_bytes + plan.converted_bytes
    free = free_bytes(plan.home)
    if plan.items and free < needed + _SPARE_BYTES:
        raise DiskFullError(
            f"{size_words(needed)} are needed (with the converted form), {size_words(free)} are "
            f"free at {plan.home}: make room, or set BOLDCAST_HOME to a larger disk."
        )


class _Meter:
    """Turns the stages of single files into the progress of the whole."""

    def __init__(self, plan: FetchPlan, report: ReportProgress) -> None:
        self._report = report
        self._total = plan.total_bytes
        self._finished = 0
        self._name = ""
        self._recent: deque[tuple[float, int]] = deque()

    def begin(self, item: Item) -> None:
        """Start a file."""
        self._name = item.path.name
        self._recent.clear()  # bytes that were here before are no speed

    def end(self, item: Item) -> None:
        """Finish a file."""
        self._finished += item.expected.size

    def stage(self, word: str, done_bytes: int) -> None:
        """Tell a stage of the present file."""
        rate = self._rate(done_bytes) if word == "downloading" else 0.0
        done = self._finished + (done_bytes if word != "waiting" else 0)
        left = (self._total - done) / rate if rate > 0 else None
        self._report(Progress(word, self._name, done, self._total, rate, left))

    def _rate(self, done_bytes: int) -> float:
        now = time.monotonic()
        self._recent.append((now, done_bytes))
        while now - self._recent[0][0] > _RATE_WINDOW_S:
            self._recent.popleft()
        began, before = self._recent[0]
        return max(done_bytes - before, 0) / (now - began) if now > began else 0.0
