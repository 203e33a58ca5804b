"""Long work on published files, shared by all visitors of this process.

A job outlives the page that asked for it: it is seen and may be stopped from every page, and
whoever asks for the same joins it. One fetch runs at a time, the next ones wait in line.
The only place of the app that calls ``models.weights``; nothing here asks the network unless a
job is started.
"""

from __future__ import annotations

import ipaddress
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

from app import cache, readiness
from app.work import Work
from models.catalog import ModelCard
from models.errors import WeightsError
from models.types import Report
from models.weights import files, hub, plans, removal
from models.weights.fetch import FetchPlan, Progress, fetch, plan_fetch
from models.weights.files import Check, State, fetch_command, size_words
from models.weights.locations import berg_home
from models.weights.removal import Removal

__all__ = [
    "Check",
    "Downloads",
    "FetchPlan",
    "Job",
    "Kind",
    "Progress",
    "Removal",
    "Shelf",
    "State",
    "Task",
    "about_bytes",
    "command",
    "has_own_files",
    "is_allowed",
    "is_verified",
    "is_whole_size_known",
    "left_of",
    "shared",
    "shelf",
    "size_words",
    "state",
    "variants",
    "what_drops",
    "what_goes",
]

#: Told what a task is doing; raises ``Cancelled`` once somebody stopped it.
Tell = Callable[[Progress], None]
Kind = Literal["size", "fetch", "verify", "remove", "drop", "variants"]

#: Environment variable: "0" makes the page read-only, "1" opens it to every visitor.
SWITCH = "BOLDCAST_ALLOW_FETCH"
#: Tasks that change what is on the disk; one model has one of them at a time, or fetches only.
_TAKING: tuple[Kind, ...] = ("remove", "drop")


@dataclass(frozen=True)
class Task:
    """One thing to do.

    Parameters
    ----------
    kind : {"size", "fetch", "verify", "remove", "drop", "variants"}
    model_id : str
    subjects : tuple of str
        Ids on the model's card, in its order.
    variant : str
        Of Text2fMRI; empty for the default.
    """

    kind: Kind
    model_id: str
    subjects: tuple[str, ...] = ()
    variant: str = ""


class Job:
    """A task under way or finished; the same object for every visitor.

    Attributes
    ----------
    task : Task
    progress : Progress
        Stage, file, bytes, rate and remaining time; ``"waiting"`` until its turn comes.
    """

    def __init__(self, task: Task, pool: Executor, do: Callable[[Tell], Any]) -> None:
        self.task = task
        self.progress = Progress("waiting", "", 0, 0)
        self._work: Work[Any] = Work(pool, lambda report: do(partial(self._note, report)))

    @property
    def is_finished(self) -> bool:
        """Whether :meth:`result` returns at once."""
        return self._work.is_finished

    def cancel(self) -> None:
        """Ask to stop, for everybody; what came of a file is kept."""
        self._work.cancel()

    def wait(self, timeout_s: float) -> bool:
        """Wait until finished; False when the time ran out."""
        return self._work.wait(timeout_s)

    def error(self) -> BaseException | None:
        """Return what :meth:`result` would raise; None when all went well."""
        return self._work.error()

    def result(self) -> Any:
        """Return what the task gave (see :class:`Downloads`), or raise what went wrong."""
        return self._work.result()

    def _note(self, report: Report, progress: Progress) -> None:
        """Take note of progress on the worker thread."""
        report(progress.stage, progress.done_bytes, progress.total_bytes)
        self.progress = progress


class Downloads:
    """Jobs of this process.

    Results by kind: ``size`` gives a ``FetchPlan``, ``fetch`` the paths that came, ``verify``
    a ``Check`` a file, ``remove`` and ``drop`` the bytes set free, ``variants`` names.

    Parameters
    ----------
    forget : callable, optional
        Told the id of a model before its files go, so that nobody keeps them open, and after
        they have gone or come.
    """

    def __init__(self, forget: Callable[[str], None] = lambda model_id: None) -> None:
        self._forget = forget
        self._lock = threading.Lock()
        self._line = ThreadPoolExecutor(1, "boldcast-fetch")
        self._side = ThreadPoolExecutor(2, "boldcast-files")
        self._jobs: list[Job] = []

    def start(self, task: Task) -> Job:
        """Begin a task, or join one under way that does it already.

        Raises
        ------
        WeightsError
            The same model's files are being removed, or are to be removed while they are in use.
        """
        with self._lock:
            under_way = [job for job in self._jobs if not job.is_finished]
            of_model = [job for job in under_way if job.task.model_id == task.model_id]
            for job in of_model:
                if _does(job.task, task):
                    return job
            self._check_free(task, of_model)
            if task.kind == "fetch":
                task = _without(task, of_model)
            self._forget_before(task)
            pool = self._line if task.kind == "fetch" else self._side
            job = Job(task, pool, partial(self._do, task))
            self._jobs.append(job)
            return job

    def jobs(self, model_id: str) -> tuple[Job, ...]:
        """Jobs of one model: under way, and finished ones nobody has dismissed."""
        with self._lock:
            return tuple(job for job in self._jobs if job.task.model_id == model_id)

    def dismiss(self, job: Job) -> None:
        """Forget a finished job."""
        with self._lock:
            self._jobs = [one for one in self._jobs if one is not job]

    def close(self) -> None:
        """Stop everything; what came of a file is kept."""
        with self._lock:
            for job in self._jobs:
                job.cancel()
        for pool in (self._line, self._side):
            pool.shutdown(wait=False, cancel_futures=True)

    def _do(self, task: Task, tell: Tell) -> Any:
        """Do a task, on a worker thread."""
        if task.kind in _TAKING:
            self._forget(task.model_id)
        try:
            return _DO[task.kind](task, tell)
        finally:
            if task.kind in ("fetch", *_TAKING):
                self._forget(task.model_id)

    def _check_free(self, task: Task, of_model: Sequence[Job]) -> None:
        """Refuse to take files away that are in use, and to use files that are taken away."""
        takers = [job for job in of_model if job.task.kind in _TAKING]
        users = [job for job in of_model if job.task.kind in ("fetch", "verify", *_TAKING)]
        if takers and task.kind in ("fetch", "verify"):
            raise WeightsError("Files of this model are being deleted; try again when it is over.")
        if users and task.kind in _TAKING:
            raise WeightsError("Files of this model are in use; stop that first.")

    def _forget_before(self, task: Task) -> None:
        """Drop finished jobs that say nothing any more once this one has begun."""
        asks = ("size", "variants")  # answers that hold while a fetch goes on

        def is_stale(job: Job) -> bool:
            if not job.is_finished or job.task.model_id != task.model_id:
                return False
            if task.kind in asks:
                return job.task.kind == task.kind
            return task.kind in _TAKING or job.task.kind not in asks

        self._jobs = [job for job in self._jobs if not is_stale(job)]


@lru_cache(maxsize=1)
def shared() -> Downloads:
    """Jobs of this process."""
    return Downloads(_forget)


def _forget(model_id: str) -> None:
    """Let nobody go on with files that have gone, or without files that have come."""
    cache.engine().forget(model_id)
    readiness.forget()


def _does(running: Task, task: Task) -> bool:
    """Whether a running task does all of another."""
    same = replace(running, subjects=()) == replace(task, subjects=())
    if task.kind == "fetch":
        return same and set(task.subjects) <= set(running.subjects)
    return same and set(task.subjects) == set(running.subjects)


def _without(task: Task, running: Sequence[Job]) -> Task:
    """Leave out the subjects that are being fetched already."""
    fetched: set[str] = set()
    for job in running:
        if job.task.kind == "fetch" and job.task.variant == task.variant:
            fetched |= set(job.task.subjects)
    rest = tuple(subject for subject in task.subjects if subject not in fetched)
    return replace(task, subjects=rest or task.subjects)


# What the tasks do, on a worker thread --------------------------------------------------------


def _ask_size(task: Task, tell: Tell) -> FetchPlan:
    return plan_fetch(task.model_id, task.subjects, variant=task.variant, report=tell)


def _fetch(task: Task, tell: Tell) -> tuple[Path, ...]:
    return fetch(task.model_id, task.subjects, variant=task.variant, report=tell)


def _verify(task: Task, tell: Tell) -> tuple[Check, ...]:
    total = files.state(task.model_id, task.subjects, variant=task.variant).present_bytes
    read_bytes: dict[str, int] = {}

    def read(name: str, done_bytes: int) -> None:
        read_bytes[name] = done_bytes
        tell(Progress("reading", name, sum(read_bytes.values()), total))

    return files.verify(task.model_id, task.subjects, variant=task.variant, report=read)


def _remove(task: Task, tell: Tell) -> int:
    tell(Progress("removing", "", 0, 0))
    return removal.remove(task.model_id, task.subjects, variant=task.variant)


def _drop(task: Task, tell: Tell) -> int:
    tell(Progress("reading the converted form", "", 0, 0))
    return removal.drop_originals(task.model_id, task.subjects, variant=task.variant)


def _find_variants(task: Task, tell: Tell) -> tuple[str, ...]:
    tell(Progress("asking", "", 0, 0))
    return hub.list_published_variants()


_DO: dict[Kind, Callable[[Task, Tell], Any]] = {
    "size": _ask_size,
    "fetch": _fetch,
    "verify": _verify,
    "remove": _remove,
    "drop": _drop,
    "variants": _find_variants,
}


# What is here, without network ----------------------------------------------------------------


@dataclass(frozen=True)
class Shelf:
    """Where the files lie.

    Parameters
    ----------
    home : Path
        Top of the tree (``BOLDCAST_HOME``); it may not exist yet.
    n_bytes : dict of str to int
        Model id -> bytes it takes, beginnings and converted forms included.
    shared_bytes : int
        What several models use.
    free_bytes : int
        Free on its disk.
    """

    home: Path
    n_bytes: dict[str, int]
    shared_bytes: int
    free_bytes: int

    @property
    def total_bytes(self) -> int:
        """All of it."""
        return sum(self.n_bytes.values()) + self.shared_bytes


def shelf() -> Shelf:
    """Measure the folder of published files."""
    home = berg_home()
    *models, common = files.disk_use(home)
    n_bytes = {use.model_id: use.total for use in models}
    return Shelf(home, n_bytes, common.total, files.free_bytes(home))


def state(card: ModelCard | str, subjects: Sequence[str], variant: str = "") -> State:
    """Tell what is here and what is missing for some subjects."""
    return files.state(card, subjects, variant=variant)


def left_of(plan: FetchPlan) -> int:
    """Bytes of a plan that are still to come, as of now."""
    left = [item for item in plan.items if not item.path.is_file()]
    return sum(item.expected.size - item.begun_bytes for item in left)


def is_whole_size_known(card: ModelCard, variant: str) -> bool:
    """Whether all files are known by name: those of a new variant's language model are not."""
    return card.id != plans.TEXT or bool(plans.known_llm(variant or plans.DEFAULT_TEXT_VARIANT))


def about_bytes(card: ModelCard, variant: str = "") -> int:
    """About the size of everything one subject needs, told from published shapes."""
    needed = plans.needed_files(card, card.subjects[0][0], variant=variant)
    return sum(file.about_bytes for file in needed)


def is_verified(card: ModelCard, subject: str, variant: str = "") -> bool:
    """Whether every file of a subject was read whole once and has not changed since."""
    return files.is_verified(card, subject, variant=variant)


def has_own_files(card: ModelCard) -> bool:
    """Whether subjects have files of their own, so that one can be here without the others."""
    return any(not file.is_shared for file in plans.needed_files(card, card.subjects[0][0]))


def variants(card: ModelCard) -> tuple[str, ...]:
    """Variants of a model that are known without a network, the default first; () for none."""
    return plans.known_variants() if card.id == plans.TEXT else ()


def what_goes(card: ModelCard, subjects: Sequence[str], variant: str = "") -> Removal:
    """Tell what a removal would take and leave."""
    return removal.plan_removal(card, subjects, variant=variant)


def what_drops(card: ModelCard, subjects: Sequence[str], variant: str = "") -> Removal:
    """Originals that their converted form makes superfluous."""
    return removal.plan_drop(card, subjects, variant=variant)


def command(kind: Kind, card: ModelCard, subjects: Sequence[str], variant: str = "") -> str:
    """Command line that does the same as a button."""
    fetching = fetch_command(card, subjects, variant)
    word = kind if kind in ("verify", "remove") else "fetch"
    return fetching.replace(" fetch ", f" {word} ", 1)


def is_allowed(url: str | None, address: str | None, is_forwarded: bool) -> bool:
    """Whether a visitor may fetch and remove.

    ``BOLDCAST_ALLOW_FETCH`` decides where it is set. Otherwise only who sits at this computer
    may: its address bar says localhost and nothing passed the connection on.

    Parameters
    ----------
    url : str or None
        The page's address in the visitor's browser; None where there is no browser.
    address : str or None
        Network address of the visitor; None for this computer.
    is_forwarded : bool
        Whether a proxy says that it passed the connection on.
    """
    named = os.environ.get(SWITCH, "").strip().lower()
    if named:
        return named in ("1", "on", "yes", "true")
    from urllib.parse import urlsplit

    host = urlsplit(url).hostname if url else "localhost"
    is_here = address is None or _is_loopback(address)
    return is_here and not is_forwarded and host in ("localhost", "127.0.0.1", "::1")


def _is_loopback(address: str) -> bool:
    """Whether an address is this computer's; "::ffff:127.0.0.1" is how a server on "::" sees it."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback
