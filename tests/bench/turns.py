"""Times of things that take turns, so that the load of other programs falls on all of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]

_CHILD = """
import json, sys, time
sys.path.insert(0, {root!r})
told = {{}}
def timed(name, run):
    start = time.perf_counter()
    value = run()
    told[name] = time.perf_counter() - start
    return value
{code}
lines = open("/proc/self/status").read().splitlines()
kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
print(json.dumps({{**told, "peak_gib": kilobytes / 1024**2}}))
"""


class Times(dict[str, list[float]]):
    """Seconds of each thing in each round."""

    def median(self, name: str) -> float:
        """Median over rounds."""
        return median(self[name])

    def ratios(self, slow: str, fast: str, plus: float = 0.0) -> list[float]:
        """Ratio within each round; ``plus`` is added to it."""
        return [a / b + plus for a, b in zip(self[slow], self[fast], strict=True)]

    def total(self, name: str, *parts: str) -> None:
        """Add the sum of some parts under a name of its own."""
        self[name] = [sum(row) for row in zip(*(self[part] for part in parts), strict=True)]


def take_turns(n_rounds: int, **runs: Callable[[], object]) -> Times:
    """Run all in turn, after one unmeasured round."""
    seconds = Times({name: [] for name in runs})
    for number in range(n_rounds + 1):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if number:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def in_a_fresh_process(code: str) -> dict[str, float]:
    """Run code in a process of its own.

    Parameters
    ----------
    code : str
        May call ``timed(name, function)``.

    Returns
    -------
    dict
        Seconds by name, and ``peak_gib``: the most that was resident, mapped pages counted.
    """
    command = [sys.executable, "-W", "ignore", "-c", _CHILD.format(root=str(ROOT), code=code)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def forget(folders: Iterable[Path]) -> None:
    """Drop all files below some folders from the system's page cache."""
    for folder in folders:
        for path in (path for path in folder.rglob("*") if path.is_file()):
            with path.open("rb") as file:
                os.fsync(file.fileno())  # pages not written yet would stay
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
