"""Tables of the benches: a number, what it is compared with, and whether the target is met."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class Verdict:
    """One line of the summary."""

    what: str
    measured: str
    target: str
    is_met: bool | None

    @property
    def word(self) -> str:
        """What the last column says."""
        return {True: "met", False: "NOT MET", None: "-"}[self.is_met]


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Median with the smallest and the largest value."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)) + " |"

    print(f"\n### {title}\n", line(header), sep="\n")
    print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    print("\n".join(line(row) for row in rows), flush=True)


def print_verdicts(verdicts: Sequence[Verdict]) -> None:
    """Print the summary of a bench."""
    rows = [(v.what, v.measured, v.target, v.word) for v in verdicts]
    print_table("Targets", ("what", "measured", "target", ""), rows)


def print_machine(*packages: str) -> None:
    """Say on what the numbers were taken."""
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    print(f"{processor()}, {os.cpu_count()} cores, load {load}")
    print(f"Python {platform.python_version()}, {versions}", flush=True)


def processor() -> str:
    """Name of the processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
