"""Published files of a model: found, converted once, opened once, let go of."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

from models.catalog import ModelCard
from models.errors import WeightsError

__all__ = ["PublishedFiles"]

_Loaded = TypeVar("_Loaded")


class PublishedFiles(ABC):
    """What a model does with its files; each published file is converted in one or more parts.

    Parameters
    ----------
    card : ModelCard
    home : path, optional
        Top of the tree of files; without it the default one.
    """

    def __init__(self, card: ModelCard, home: str | os.PathLike[str] | None) -> None:
        self.card = card
        self.home = home
        self._loaded: dict[Hashable, Any] = {}
        self._lock = threading.RLock()

    @abstractmethod
    def _parts(self) -> tuple[str, ...]:
        """Names of all parts that the published files here are converted in."""

    @abstractmethod
    def _source(self, part: str) -> Path:
        """Name the published file that a part is made from."""

    @abstractmethod
    def _converted(self, part: str) -> Path:
        """Folder of the safe form of a part; converted the first time."""

    def _sha256(self, part: str) -> str:
        """Hash of the published file behind a part."""
        from models.weights.convert import sources_sha256

        return self._once(("sha256", part), lambda: sources_sha256(self._converted(part)))

    def drop_originals(self) -> int:
        """Convert everything that is here, then delete the published files that were converted.

        Returns
        -------
        int
            Bytes set free.

        Raises
        ------
        WeightsError
            A file is unusable, or is not ours to delete.
        """
        from models.weights import convert

        folders = {self._source(part): self._converted(part) for part in self._parts()}
        return sum(convert.drop_originals(folder) for folder in folders.values())

    def _once(self, key: Hashable, load: Callable[[], _Loaded]) -> _Loaded:
        """Return what ``load`` made the first time this key was asked for."""
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = load()
            loaded: _Loaded = self._loaded[key]
            return loaded

    def _is_here(self, path: Path) -> bool:
        """Whether a file is on this computer, or a safe form of it."""
        from models.weights.convert import find_conversions

        return path.is_file() or bool(find_conversions(path, self.home))

    def _need(self, path: Path, subject: str) -> Path:
        """Return the path of a file that is here.

        Raises
        ------
        WeightsError
            It is not; the message names the command that fetches it.
        """
        if not self._is_here(path):
            number = int(subject.removeprefix("sub-"))
            raise WeightsError(
                f"{path.name} is not here. Fetch it with: "
                f"python -m models fetch {self.card.id} --subject {number}"
            )
        return path
