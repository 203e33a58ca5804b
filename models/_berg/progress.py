"""A bar on standard error while a model works."""

from __future__ import annotations

from types import TracebackType
from typing import Any

__all__ = ["Bar"]


class Bar:
    """Progress of one call.

    Parameters
    ----------
    total : int
        Pictures or volumes.
    unit : str
        What they are.
    is_shown : bool
        False: nothing is drawn.
    """

    def __init__(self, total: int, unit: str, is_shown: bool) -> None:
        from tqdm import tqdm

        self._bar: Any = tqdm(total=total, unit=unit, disable=not is_shown)

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()

    def report(self, stage: str, done: int, total: int) -> None:
        """Note what is being done within the next step; for encoders."""
        self._bar.set_postfix_str(f"{stage} {done}/{total}")

    def advance(self, n_done: int) -> None:
        """Count what is answered."""
        self._bar.update(n_done)
