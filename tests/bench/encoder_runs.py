"""Timing by turns, fresh processes and cold files: what the benches of the encoders share."""

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

ROOT = Path(__file__).parents[2]

N_ROUNDS = 3

_PEAK = """
lines = open("/proc/self/status").read().splitlines()
print("peak", next(int(x.split()[1]) for x in lines if x.startswith("VmHWM")) / 1024**2)
"""


def a_transcript(n_volumes):
    """Random lines of six words."""
    words = ("cat", "sat", "mat", "the", "what", "really", "you", "awake", "here", "is")
    draw = np.random.default_rng(0)
    return [" ".join(draw.choice(words, 6)) for _ in range(n_volumes)]


def timed(work):
    """Seconds that a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def take_turns(*works, n_rounds=N_ROUNDS):
    """Seconds of each work in each round, after one round that is not counted."""
    for work in works:
        work()
    times = [[] for _ in works]
    for _ in range(n_rounds):
        for own, work in zip(times, works, strict=True):
            own.append(timed(work))
    return times


def ratio(slow, fast):
    """Median of the rounds' ratios."""
    return median(a / b for a, b in zip(slow, fast, strict=True))


def ratio_words(slow, fast):
    """Median of the rounds' ratios, with the smallest and the largest."""
    pairs = [a / b for a, b in zip(slow, fast, strict=True)]
    return f"{median(pairs):.2f} x ({min(pairs):.2f}-{max(pairs):.2f})"


def seconds(times):
    """Median of some times in words."""
    return f"{median(times):.3f}" if median(times) < 1 else f"{median(times):.2f}"


def child(code, *arguments):
    """Numbers that a fresh process printed, by name; ``peak`` is its resident memory in GiB."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code + _PEAK, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    words = (line.split() for line in done.stdout.splitlines())
    return {line[0]: float(line[1]) for line in words if len(line) == 2}


def forget_pages(folder):
    """Take all files of a folder out of the system's cache, so that they are read anew."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def shares(work, n_shown=6):
    """Operations that take most of a call's processor time, in words."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU]) as run:
        work()
    events = sorted(run.key_averages(), key=lambda each: -each.self_cpu_time_total)
    total = sum(each.self_cpu_time_total for each in events)
    parts = (f"{each.key} {each.self_cpu_time_total / total:.0%}" for each in events[:n_shown])
    return ", ".join(parts)
