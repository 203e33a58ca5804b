"""How much memory there is, how much of it may be used, and a store that stays inside its share.

Read from the system's own files (Linux, with control groups of either version, so that a
container's limit counts) or asked of the system; nothing is installed for it.
"""

from __future__ import annotations

import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from models.errors import SettingError

__all__ = ["Budget", "ByteCache", "Bytes", "Machine", "parse_bytes"]

#: Environment variables; each takes bytes ("4 GB", "512 MiB", "1000000") or a share ("50%").
HOST_VARIABLE = "BOLDCAST_HOST_MEMORY"
DEVICE_VARIABLE = "BOLDCAST_DEVICE_MEMORY"
CACHE_VARIABLE = "BOLDCAST_CACHE_MEMORY"

#: Without a word from anybody: half of the machine, nearly all of a GPU, and of the host's share
#: for remembered features and responses as much as this, or a quarter where that is less.
_HOST_SHARE, _DEVICE_SHARE = "50%", "90%"
_CACHE_BYTES = 256 * 1024**2

#: What a machine that does not say is taken to have (Windows).
_UNKNOWN_TOTAL_BYTES = 4 * 1024**3

_UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*(?:(%)|([KMGT]?)(i?)B?)", re.IGNORECASE)


@dataclass(frozen=True)
class Bytes:
    """Memory that something holds.

    Parameters
    ----------
    host : int
        In the computer's own memory, mapped files that are kept resident included.
    device : int
        In the memory of a GPU.
    """

    host: int = 0
    device: int = 0

    def __add__(self, other: Bytes) -> Bytes:
        return Bytes(self.host + other.host, self.device + other.device)

    @property
    def total(self) -> int:
        """Both together."""
        return self.host + self.device


def parse_bytes(amount: str | int, whole: Callable[[], int]) -> int:
    """Bytes from a person's words.

    Parameters
    ----------
    amount : str or int
        ``"4 GB"`` (of 1000), ``"512 MiB"`` (of 1024), ``"1000000"``, or ``"50%"`` of ``whole``.
    whole : callable
        Gives the bytes that a share is of; only called for a share.

    Raises
    ------
    SettingError
        Not such an amount, nothing at all, or more than 100 %.
    """
    found = _AMOUNT.fullmatch(str(amount).strip())
    number = float(found[1]) if found else 0.0
    if found is None or number <= 0 or (found[2] and number > 100):
        raise SettingError(
            f'An amount of memory is like "4 GB", "512 MiB" or "50%"; got {amount!r}.'
        )
    if found[2]:
        return int(whole() * number / 100)
    return int(number * (1024 if found[4] else 1000) ** _UNITS[found[3].upper()])


@dataclass(frozen=True)
class Machine:
    """The computer, or the container this process is in.

    Parameters
    ----------
    proc, cgroup : Path
        Where Linux says things; tests pass folders of their own.
    """

    proc: Path = Path("/proc")
    cgroup: Path = Path("/sys/fs/cgroup")

    def total_bytes(self) -> int:
        """Memory this process may have: the machine's, or its control groups' least limit."""
        limits = [limit for limit, _ in self._groups()]
        return min([self._meminfo().get("MemTotal") or _installed_bytes(), *limits])

    def available_bytes(self) -> int:
        """Memory that can be had now without swapping.

        Half of the whole where the system does not say (anywhere but on Linux).
        """
        rooms = [max(0, limit - used) for limit, used in self._groups()]
        return min([self._meminfo().get("MemAvailable") or _installed_bytes() // 2, *rooms])

    def _meminfo(self) -> dict[str, int]:
        """Fields of ``/proc/meminfo`` in bytes; empty where there is none."""
        lines = _read(self.proc / "meminfo").splitlines()
        pairs = (line.split()[:2] for line in lines if len(line.split()) == 3)  # "Name: 12 kB"
        return {name.rstrip(":"): 1024 * int(number) for name, number in pairs}

    def _groups(self) -> Iterator[tuple[int, int]]:
        """Limit and use, in bytes, of every control group around this process that has a limit."""
        for line in _read(self.proc / "self" / "cgroup").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == "":
                yield from self._levels(self.cgroup, path, "memory.max", "memory.current", "")
            elif "memory" in controllers.split(","):
                names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
                yield from self._levels(self.cgroup / "memory", path, *names)

    @staticmethod
    def _levels(
        root: Path, path: str, limit: str, usage: str, prefix: str
    ) -> Iterator[tuple[int, int]]:
        """One control group and those it is in; inside a container often only the root is seen."""
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for depth in range(len(parts), -1, -1):
            folder = root.joinpath(*parts[:depth])
            allowed, used = _read(folder / limit).strip(), _read(folder / usage).strip()
            if not allowed.isdecimal():  # absent, or "max"
                continue
            lines = [line.split() for line in _read(folder / "memory.stat").splitlines()]
            stat = {words[0]: words[1] for words in lines if len(words) == 2}
            # Pages of files go as soon as their room is wanted; they are no use of memory.
            files = sum(int(stat.get(f"{prefix}{kind}_file", 0)) for kind in ("active", "inactive"))
            yield int(allowed), max(0, int(used or 0) - files)


def _read(path: Path) -> str:
    """Text of a small file; empty where it is absent or closed to us."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _installed_bytes() -> int:
    """Memory of the machine as POSIX tells it (macOS)."""
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" in names and "SC_PAGE_SIZE" in names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return _UNKNOWN_TOTAL_BYTES


@dataclass(frozen=True)
class Budget:
    """What predictions may take.

    Parameters
    ----------
    host_bytes : int
        Of the computer's memory: weights of models and everything remembered.
    cache_bytes : int
        Of these, for remembered features and responses.
    device : str or int
        Of each GPU, for weights: an amount, or a share such as ``"90%"``.

    Raises
    ------
    SettingError
        ``device`` is no amount of memory.
    """

    host_bytes: int
    cache_bytes: int
    device: str | int = _DEVICE_SHARE

    def __post_init__(self) -> None:
        self.device_bytes(lambda: 0)

    @classmethod
    def find(
        cls,
        host: str | int | None = None,
        cache: str | int | None = None,
        device: str | int | None = None,
        *,
        machine: Machine | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Budget:
        """Budget of this machine.

        Parameters
        ----------
        host, cache, device : str or int, optional
            Amounts, or shares: of the machine's memory, of the host's budget, and of each GPU's
            memory. Without them what ``BOLDCAST_HOST_MEMORY``, ``BOLDCAST_CACHE_MEMORY`` and
            ``BOLDCAST_DEVICE_MEMORY`` say, else half of the memory this process may have,
            256 MiB (a quarter of that half where it is less), and 90 %.
        machine, environment
            Tests pass their own.

        Raises
        ------
        SettingError
            An amount cannot be read.
        """
        known = os.environ if environment is None else environment
        held = machine or Machine()
        host_amount = host or known.get(HOST_VARIABLE, "") or _HOST_SHARE
        host_bytes = parse_bytes(host_amount, held.total_bytes)
        cache_amount = cache or known.get(CACHE_VARIABLE, "") or min(_CACHE_BYTES, host_bytes // 4)
        return cls(
            host_bytes,
            min(host_bytes, parse_bytes(cache_amount, lambda: host_bytes)),
            device or known.get(DEVICE_VARIABLE, "") or _DEVICE_SHARE,
        )

    def device_bytes(self, whole: Callable[[], int]) -> int:
        """Bytes of one GPU; ``whole`` gives its memory and is only called for a share."""
        return parse_bytes(self.device, whole)


class _Sized(Protocol):
    @property
    def n_bytes(self) -> int: ...


_V = TypeVar("_V", bound=_Sized)


class ByteCache(Generic[_V]):
    """Least-recently-used store with a budget in bytes; safe to share between threads.

    Parameters
    ----------
    budget_bytes : int
        Values are dropped, oldest use first, until the rest fits. A value larger than
        the budget is not kept, and drops nothing else.
    """

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self.n_bytes = 0
        self._values: OrderedDict[Hashable, _V] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable) -> _V | None:
        """Value of ``key``, now the most recently used, or None."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def put(self, key: Hashable, value: _V) -> None:
        """Keep ``value``; drop what no longer fits."""
        with self._lock:
            old = self._values.pop(key, None)
            if old is not None:
                self.n_bytes -= old.n_bytes
            if value.n_bytes > self.budget_bytes:
                return
            self._values[key] = value
            self.n_bytes += value.n_bytes
            while self.n_bytes > self.budget_bytes:
                _, dropped = self._values.popitem(last=False)
                self.n_bytes -= dropped.n_bytes

    def drop(self, is_unwanted: Callable[[Hashable], bool] = lambda key: True) -> None:
        """Drop the values of some keys; of all by default."""
        with self._lock:
            for key in [key for key in self._values if is_unwanted(key)]:
                self.n_bytes -= self._values.pop(key).n_bytes
