"""Built-in transcripts, written for this project."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from models.errors import StimulusError
from models.transcript.read import Transcript
from models.transcript.words import Word, time_text

__all__ = ["Example", "get_example", "list_examples"]

_FOLDER = Path(__file__).parents[2] / "assets" / "transcripts"
_ORDER = ("story", "list-and-sentences", "long-silences", "fast-and-slow")


@dataclass(frozen=True)
class Example:
    """One built-in transcript.

    Parameters
    ----------
    id, title : str
    description : str
        What to look for.
    transcript : Transcript
        Times are made by syllables at the rates that the file states.
    length_s : float
        Long enough for the response to the last word.
    """

    id: str
    title: str
    description: str
    transcript: Transcript
    length_s: float

    @property
    def silence_after_s(self) -> float:
        """What ``Transcript.place`` must keep after the last word."""
        return max(0.0, self.length_s - self.transcript.end_s)


def list_examples() -> tuple[Example, ...]:
    """All of them, the story first."""
    return tuple(get_example(name) for name in _ORDER)


@lru_cache(maxsize=len(_ORDER))
def get_example(name: str) -> Example:
    """Look one up by its id; cached.

    Raises
    ------
    StimulusError
        There is no such example; the message lists those there are.
    """
    if name not in _ORDER:
        raise StimulusError(f"There is no example {name!r}, only {', '.join(_ORDER)}.")
    content = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    words: list[Word] = []
    for block in content["blocks"]:
        words.extend(
            time_text(block["text"], block["words_a_second"], block["pause_s"], block["start_s"])
        )
    transcript = Transcript(
        tuple(words),
        content["title"],
        ("Written for this project and timed by syllables.",),
        has_times=True,
    )
    return Example(name, content["title"], content["description"], transcript, content["length_s"])
