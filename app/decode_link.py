"""What the page Decode shows, as one frozen value, and the link that brings it back; pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from models.catalog import ModelCard, get_card
from models.errors import ModelNotFoundError
from models.types import Settings, SettingValue

__all__ = [
    "DEFAULT_N_PICTURES",
    "DEFAULT_SHOWN",
    "MAKER",
    "MOST_NOISE",
    "MOST_REPEATS",
    "PARAMETERS",
    "READER",
    "SIZES",
    "VARIANTS",
    "DecodeState",
    "Gallery",
    "Method",
    "Origin",
    "Pairing",
    "Source",
    "from_query",
    "pairing",
    "repaired",
    "to_query",
    "variants_of",
]

Origin = Literal["simulated", "uploaded"]
Gallery = Literal["builtin", "own"]
Method = Literal["match", "ridge", "mlp"]

#: Ends of the sliders; noise in multiples of the published or assumed one.
MOST_NOISE, MOST_REPEATS, MOST_MISSED_PERCENT = 2.0, 20, 95
#: Noise that a circular pair must have at least.
LEAST_CIRCULAR_NOISE = 0.1
#: Numbers of built-in pictures to choose from.
SIZES = (20, 50, 100, 200, 300)
DEFAULT_N_PICTURES = 100
#: Picture that a first visit looks at.
DEFAULT_SHOWN = "Faces 7"
_LARGEST_SEED = 9_999
_MOST_LETTERS = 80


@dataclass(frozen=True)
class _Variant:
    """Set of a model's settings that has a name."""

    title: str
    settings: tuple[tuple[str, SettingValue], ...] = ()
    short: str = ""


#: Model -> name -> settings that differ from the model's own; "" is the model as it is.
VARIANTS: Mapping[str, Mapping[str, _Variant]] = {
    "reference-vision": {
        "": _Variant("Kay 2013 sizes, published c", short="R1, Kay 2013 sizes"),
        "ww15": _Variant(
            "Wandell & Winawer 2015 sizes, c = 0",
            (("receptive_field_size", "wandell2015"), ("second_order_contrast", 0.0)),
            "R1, Wandell 2015 sizes, c = 0",
        ),
    }
}
_PLAIN = {"": _Variant("")}


@dataclass(frozen=True)
class Source:
    """Whose brain under which settings: what makes patterns, or what they are compared with.

    Parameters
    ----------
    model_id, subject : str
    variant : str
        A name in :data:`VARIANTS`; empty for the model's own settings.
    """

    model_id: str
    subject: str
    variant: str = ""

    @property
    def card(self) -> ModelCard:
        """Catalog row of the model."""
        return get_card(self.model_id)

    @property
    def settings(self) -> Settings:
        """Settings in force."""
        changed = variants_of(self.model_id)[self.variant].settings
        return self.card.default_settings().replace(**dict(changed))

    @property
    def title(self) -> str:
        """Words for a person, as short as may be."""
        card = self.card
        words = variants_of(self.model_id)[self.variant].title
        if len(card.subjects) > 1:
            subject = dict(card.subjects)[self.subject]
            words = f"{subject}, {words}" if words else subject
        return f"{card.title} · {words}" if words else card.title

    @property
    def short(self) -> str:
        """Words for a badge."""
        return variants_of(self.model_id)[self.variant].short or self.title

    def write(self) -> str:
        """Text in a link."""
        return "~".join((self.model_id, self.subject, self.variant)).rstrip("~")


def variants_of(model_id: str) -> Mapping[str, _Variant]:
    """Return the sets of settings of one model by their names."""
    return VARIANTS.get(model_id, _PLAIN)


MAKER = Source("reference-vision", "average")
READER = Source("reference-vision", "average", "ww15")


@dataclass(frozen=True)
class DecodeState:
    """Everything that a link must bring back.

    Parameters
    ----------
    origin : {"simulated", "uploaded"}
        Where patterns come from.
    shown : str
        Name of the picture whose pattern is looked at; the first one where there is none of it.
    maker, reader : Source
        What makes simulated patterns; what predicts those of the gallery.
    noise : float
        In multiples of the published, or else assumed, noise of one trial.
    n_repeats : int
        Trials averaged.
    missed_percent : int
        Share of the true signal that the maker does not know.
    regions : tuple of str
        Of the reader; empty means all places.
    seed : int
        Of noise, misfit and training.
    gallery : {"builtin", "own"}
    n_pictures : int
        Built-in pictures to choose from.
    is_left_out : bool
        Take the shown picture out of the gallery.
    method : {"match", "ridge", "mlp"}
        How patterns are read.
    """

    origin: Origin = "simulated"
    shown: str = DEFAULT_SHOWN
    maker: Source = MAKER
    reader: Source = READER
    noise: float = 1.0
    n_repeats: int = 10
    missed_percent: int = 50
    regions: tuple[str, ...] = ()
    seed: int = 0
    gallery: Gallery = "builtin"
    n_pictures: int = DEFAULT_N_PICTURES
    is_left_out: bool = False
    method: Method = "match"

    @property
    def least_noise(self) -> float:
        """Low end of the noise slider: a circular pair without noise would say nothing."""
        is_circular = self.method == "match" and self.maker == self.reader
        return LEAST_CIRCULAR_NOISE if is_circular else 0.0


@dataclass(frozen=True)
class Pairing:
    """How far maker and reader are independent, for the badge.

    Parameters
    ----------
    kind : {"circular", "partly", "independent", "unknown", "trained"}
    title : str
        Short words.
    sentence : str
        What it means for the numbers.
    """

    kind: Literal["circular", "partly", "independent", "unknown", "trained"]
    title: str
    sentence: str


def pairing(state: DecodeState) -> Pairing:
    """Judge maker and reader of a page."""
    maker, reader = state.maker, state.reader
    if state.origin == "uploaded":
        return Pairing(
            "unknown",
            "your patterns",
            "Nothing is known of how your patterns were made. It is real decoding only if they "
            "were measured and the reader was not fitted to these pictures.",
        )
    if state.method != "match":
        return Pairing(
            "trained",
            "trained on this simulation",
            "The decoder learnt from simulated patterns of other pictures, made by the same "
            "model with the same misfit: a score for this simulated world only.",
        )
    if maker == reader:
        return Pairing(
            "circular",
            "circular: shows noise only",
            "The same model makes the pattern and reads it. Without noise every answer would be "
            "right by construction, so this says how noise spoils identification, nothing more.",
        )
    if (maker.model_id, maker.subject) == (reader.model_id, reader.subject):
        return Pairing(
            "partly",
            "same family, partly independent",
            "One model with two sets of parameters: it makes the pattern with one and reads it "
            "with the other, so they agree more than two brains would.",
        )
    if maker.model_id == reader.model_id:
        return Pairing(
            "partly",
            "same model, other person: partly independent",
            "Both were fitted to people who saw the same pictures, so they are not independent. "
            "Brains are matched by anatomy only: expect a large drop.",
        )
    return Pairing(
        "independent",
        "different models",
        "One model makes the pattern, another reads it.",
    )


def repaired(state: DecodeState) -> DecodeState:
    """Give a circular pair the noise that it must have."""
    return replace(state, noise=max(state.noise, state.least_noise))


# Links ---------------------------------------------------------------------------------------

_USUAL = DecodeState()
#: Parameter -> field, for those written as they are.
_TEXTS = {"pattern": "origin", "shown": "shown", "gallery": "gallery", "method": "method"}
_NUMBERS = {
    "noise": ("noise", 0.0, MOST_NOISE),
    "repeats": ("n_repeats", 1, MOST_REPEATS),
    "missed": ("missed_percent", 0, MOST_MISSED_PERCENT),
    "seed": ("seed", 0, _LARGEST_SEED),
    "size": ("n_pictures", SIZES[0], SIZES[-1]),
}
_CHOICES = {"origin": get_args(Origin), "gallery": get_args(Gallery), "method": get_args(Method)}
PARAMETERS = frozenset({*_TEXTS, *_NUMBERS, "maker", "reader", "places", "out"})


def to_query(state: DecodeState) -> dict[str, str]:
    """Query parameters that bring ``state`` back; what is usual is left out."""
    found: dict[str, str] = {}
    for parameter, name in _TEXTS.items():
        found[parameter] = getattr(state, name)
    for parameter, (name, _, _) in _NUMBERS.items():
        found[parameter] = f"{getattr(state, name):g}"
    found["maker"], found["reader"] = state.maker.write(), state.reader.write()
    found["places"] = ",".join(state.regions)
    found["out"] = "on" if state.is_left_out else ""
    if state is _USUAL:
        return found
    usual = to_query(_USUAL)
    return {name: value for name, value in found.items() if value != usual[name]}


def from_query(
    query: Mapping[str, str],
    reason_of: Callable[[ModelCard, str], str],
    regions_of: Callable[[Source], Collection[str]],
) -> tuple[DecodeState, tuple[str, ...]]:
    """Read a link; what cannot be used falls back, with one sentence each.

    Parameters
    ----------
    query : Mapping of str to str
    reason_of : callable
        Model card, subject -> why it cannot be chosen here; empty where it can.
    regions_of : callable
        Reader -> names of its regions.

    Returns
    -------
    DecodeState, tuple of str
        The state, and what was not as the link wanted.
    """
    notices: list[str] = []
    state = _read_texts(query, notices)
    numbers = {
        name: _read_number(parameter, name, low, high, query, notices)
        for parameter, (name, low, high) in _NUMBERS.items()
    }
    sources = {
        role: _read_source(query[role], getattr(state, role), reason_of, notices)
        for role in ("maker", "reader")
        if role in query
    }
    state = replace(state, **numbers, **sources, is_left_out=query.get("out") == "on")
    if state.n_pictures not in SIZES:
        state = replace(state, n_pictures=DEFAULT_N_PICTURES)
    asked = [name for name in query.get("places", "").split(",") if name]
    known = regions_of(state.reader) if asked else ()
    absent = [name for name in asked if name not in known]
    if absent:
        notices.append(f"The link names regions the reader does not have: {', '.join(absent)}.")
    kept = tuple(dict.fromkeys(name for name in asked if name in known))
    return repaired(replace(state, regions=kept)), tuple(notices)


def _read_texts(query: Mapping[str, str], notices: list[str]) -> DecodeState:
    """Read words of a link; what is the visitor's own never travels with it."""
    state = _USUAL
    for parameter, name in _TEXTS.items():
        value = query.get(parameter, "")[:_MOST_LETTERS]
        if value and name in _CHOICES and value not in _CHOICES[name]:
            notices.append(f"The link names a {parameter} that there is not: {value}.")
        elif value:
            state = replace(state, **{name: value})
    if state.origin == "uploaded" or state.gallery == "own":
        notices.append(
            "The files of this link stayed on the computer that made it: patterns and pictures "
            "are never kept. Give them again, or play with the built-in ones."
        )
        state = replace(state, origin="simulated", gallery="builtin")
    return state


def _read_number(
    parameter: str,
    name: str,
    low: float,
    high: float,
    query: Mapping[str, str],
    notices: list[str],
) -> float:
    """One number of a link, inside its range, of the type of the usual one."""
    usual = getattr(_USUAL, name)
    try:
        value = float(query.get(parameter, usual))
    except ValueError:
        value = math.nan
    if low <= value <= high:
        return cast("float", type(usual)(value))
    notices.append(f"The link's {parameter} must be {low:g} to {high:g}. {usual:g} is used.")
    return cast("float", usual)


def _read_source(
    text: str, usual: Source, reason_of: Callable[[ModelCard, str], str], notices: list[str]
) -> Source:
    """Model, subject and settings of a link."""
    model_id, subject, variant = (*text.split("~"), "", "")[:3]
    try:
        card = get_card(model_id)
    except ModelNotFoundError as error:
        notices.append(f"{error} {usual.title} is used.")
        return usual
    is_known = subject in dict(card.subjects) and variant in variants_of(model_id)
    if card.modality != "image" or not is_known:
        notices.append(f"The link names no model of pictures: {text}. {usual.title} is used.")
        return usual
    reason = reason_of(card, subject)
    if reason:
        notices.append(f"{card.title} {reason}: fetch it on the Models page.")
        return usual
    return Source(model_id, subject, variant)
