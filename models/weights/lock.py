"""One writer at a time, across threads and processes; a killed holder lets go by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["hold"]

_LOOK_AGAIN_S = 0.2


@contextmanager
def hold(path: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock file ``path``.

    Parameters
    ----------
    path : Path
        Made if needed; it stays behind, empty.
    waiting : callable, optional
        Called about five times a second while another holds it; may raise ``Cancelled``.
    """
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, thread_local=False)
    while True:
        try:
            lock.acquire(timeout=_LOOK_AGAIN_S)
            break
        except Timeout:
            if waiting is not None:
                waiting()
    try:
        yield
    finally:
        lock.release()
