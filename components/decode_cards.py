"""The story of one pattern, and how often it comes out right, as HTML; pure.

Every word of a person or a file is escaped. Styles are those of ``decode.css`` beside the page.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from models.types import UInt8Array

__all__ = ["Guess", "Share", "data_url", "share_html", "story_html"]

_JPEG_QUALITY = 84


@dataclass(frozen=True, eq=False)
class Guess:
    """One of the best guesses.

    Parameters
    ----------
    name : str
    picture : ndarray of shape (height, width, 3), uint8
    score : float
        Similarity; larger is better.
    is_true : bool
        It is the picture that was shown.
    """

    name: str
    picture: UInt8Array
    score: float
    is_true: bool


@dataclass(frozen=True)
class Share:
    """How often something was right.

    Parameters
    ----------
    title : str
        E.g. ``"First guess right"``.
    hits, n : int
    low, high : float
        Ends of the interval around ``hits / n``.
    chance : float
        Of one hit by guessing.
    p : float
        Probability of at least so many hits by guessing.
    explanation : str
        What is counted, in plain words.
    """

    title: str
    hits: int
    n: int
    low: float
    high: float
    chance: float
    p: float
    explanation: str = ""

    @property
    def is_above_chance(self) -> bool:
        """Whether guessing would do so well in fewer than one of twenty tries."""
        return self.p < 0.05

    @property
    def verdict(self) -> str:
        """What the test says, in words."""
        if self.is_above_chance:
            return f"better than guessing ({_p_words(self.p)})"
        return f"cannot be told from guessing ({_p_words(self.p)})"


def _p_words(p: float) -> str:
    """Write a probability short."""
    return "p < .001" if p < 0.001 else f"p = {p:.3f}".replace("0.", ".", 1)


def data_url(picture: UInt8Array) -> str:
    """Picture inside a URL: JPEG, or PNG where it has an alpha channel."""
    buffer = io.BytesIO()
    kind = "png" if picture.shape[2:] == (4,) else "jpeg"
    image = Image.fromarray(np.ascontiguousarray(picture))
    image.save(buffer, kind, quality=_JPEG_QUALITY)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def story_html(
    shown: tuple[str, UInt8Array] | None,
    brain: UInt8Array | None,
    guesses: Sequence[Guess],
    *,
    verdict: str,
    is_found: bool | None,
    pattern_words: str,
    note: str = "",
    score_word: str = "r = ",
) -> str:
    """One row: what was shown, the pattern it caused, the best guesses, and the verdict.

    Parameters
    ----------
    shown : (name, picture), optional
        Absent where the truth is not known.
    brain : ndarray of shape (height, width, 4), uint8, optional
        The pattern on the cortex.
    guesses : sequence of Guess
        Best first.
    verdict : str
        E.g. ``"Place 3 of 300"``.
    is_found : bool, optional
        Whether the first guess is right; None where the truth is not known.
    pattern_words : str
        Below the brain.
    note : str
        Behind the verdict, smaller.
    score_word : str
        Before each score.
    """
    parts = []
    if shown is not None:
        name, picture = shown
        parts.append(_figure("shown", data_url(picture), f"Shown: {name}"))
        parts.append(_ARROW)
    if brain is not None:
        parts.append(_figure("brain", data_url(brain), pattern_words))
        parts.append(_ARROW)
    cards = "".join(
        _card(place, guess, guesses[0].score, score_word) for place, guess in enumerate(guesses, 1)
    )
    parts.append(f'<ol class="guesses" aria-label="Best guesses">{cards}</ol>')
    kind = {True: "found", False: "missed", None: "unknown"}[is_found]
    small = f"<small>{_plain(note)}</small>" if note else ""
    words = f'<p class="verdict {kind}"><strong>{_plain(verdict)}</strong> {small}</p>'
    return f'<section class="decode-story">{words}<div class="row">{"".join(parts)}</div></section>'


_ARROW = '<span class="arrow" aria-hidden="true">→</span>'


def _figure(kind: str, url: str, words: str) -> str:
    plain = _plain(words)
    return (
        f'<figure class="{kind}"><img src="{url}" alt="{plain}">'
        f"<figcaption>{plain}</figcaption></figure>"
    )


def _card(place: int, guess: Guess, best: float, score_word: str) -> str:
    """One guess with a bar as long as its score beside the best one's."""
    width = 100 * min(1.0, max(0.0, guess.score / max(best, 1e-9)))
    name = _plain(guess.name)
    mark = "<b>the right one</b>" if guess.is_true else ""
    return (
        f'<li class="guess{" right" if guess.is_true else ""}">'
        f'<span class="place">{place}</span><img src="{data_url(guess.picture)}" alt="{name}">'
        f'<span class="name" title="{name}">{name}</span>'
        f'<span class="bar"><i style="width:{width:.0f}%"></i></span>'
        f'<span class="score">{_plain(score_word)}{guess.score:.2f}</span>{mark}</li>'
    )


def share_html(shares: Sequence[Share]) -> str:
    """Tiles: share, interval and chance on one line from 0 to 100 %, and the verdict."""
    return f'<section class="decode-tiles">{"".join(map(_tile, shares))}</section>'


def _tile(share: Share) -> str:
    value = share.hits / share.n
    low, high, chance = 100 * share.low, 100 * share.high, 100 * share.chance
    kind = "above" if share.is_above_chance else "guessing"
    numbers = (
        f"{share.hits} of {share.n}; 95 % interval {low:.0f}–{high:.0f} %; guessing {chance:.3g} %"
    )
    return (
        f'<div class="tile {kind}" title="{_plain(share.explanation)}">'
        f"<h6>{_plain(share.title)}</h6><strong>{value:.0%}</strong>"
        f'<div class="scale" role="img" aria-label="{_plain(numbers)}">'
        f'<i class="fill" style="width:{100 * value:.1f}%"></i>'
        f'<i class="span" style="left:{low:.1f}%;width:{high - low:.1f}%"></i>'
        f'<i class="chance" style="left:{chance:.1f}%"></i></div>'
        f"<p>{_plain(numbers)}</p><p><b>{_plain(share.verdict)}</b></p></div>"
    )


def _plain(text: str) -> str:
    """Text that a browser must not read as markup, in an attribute too."""
    return html.escape(text, quote=True)
