"""What a page shows, as one frozen value, and the link that brings it back; pure.

``AppState`` <-> query parameters is a pair of functions. Parameters are written when they differ
from the defaults.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from models.catalog import ModelCard, get_card, list_cards
from models.errors import ModelNotFoundError, SettingError, WeightsError
from models.types import Selection, Setting, Settings, SettingValue

__all__ = [
    "DEFAULT_SAMPLE",
    "LONGEST_TR_S",
    "PARAMETERS",
    "SHORTEST_TR_S",
    "SHORT_DIGEST",
    "VISUAL_ANGLE",
    "AppState",
    "Surroundings",
    "default_state",
    "from_query",
    "to_query",
    "usual_state",
]

DEFAULT_SAMPLE = "wedge"
#: Characters of a digest written to the URL; enough to tell 64 pictures apart.
SHORT_DIGEST = 12
#: Name of the setting that a set of pictures has its own usual value for.
VISUAL_ANGLE = "visual_angle_deg"
#: Times between volumes that a page takes, in s.
SHORTEST_TR_S, LONGEST_TR_S = 0.2, 20.0

HEMISPHERES: tuple[str, ...] = ("both", "left", "right")
#: Parameters that make sense for the link's own model only.
_OF_ONE_MODEL = ("subject", "regions", "hemisphere", "show", "mesh")
#: Parameter with the digests of what is the visitor's own.
_OWN = {"image": "pictures", "transcript": "text"}
#: Every parameter other than the settings of models.
PARAMETERS = frozenset({"model", "sample", "tr", *_OWN.values(), *_OF_ONE_MODEL})
#: Of a map's id in a link.
MOST_LETTERS = 60


@dataclass(frozen=True)
class AppState:
    """Everything a link must bring back, other than the viewer's own state.

    Parameters
    ----------
    model_id, subject : str
    regions : tuple of str
        Empty means all.
    hemisphere : {"both", "left", "right"}
    settings : Settings
        Of the model.
    sample : str
        Built-in set of pictures, or transcript; empty when the visitor's own are shown.
    uploads : tuple of str
        Short digests of the visitor's own pictures, or text.
    show : str
        Id of the map of the model's files that is shown instead of the prediction; else empty.
    is_full_mesh : bool
        Draw every vertex, where a mesh for that is here.
    tr_s : float
        Time from one volume of a transcript to the next, in s; 0 for pictures.
    """

    model_id: str
    subject: str
    settings: Settings
    regions: tuple[str, ...] = ()
    hemisphere: Literal["both", "left", "right"] = "both"
    sample: str = DEFAULT_SAMPLE
    uploads: tuple[str, ...] = ()
    show: str = ""
    is_full_mesh: bool = False
    tr_s: float = 0.0

    @property
    def card(self) -> ModelCard:
        """Catalog row of the model."""
        return get_card(self.model_id)

    @property
    def selection(self) -> Selection:
        """Whose brain and which places."""
        return Selection((self.subject,), self.regions, self.hemisphere)


def _no_reason(card: ModelCard, subject: str) -> str:
    """Say of everything that it can be chosen."""
    return ""


@dataclass(frozen=True)
class Surroundings:
    """What is needed to judge a link: what is here, which regions and samples there are.

    Parameters
    ----------
    regions_of : callable
        Model card, subject -> names of its regions; asked of subjects that are ready only.
    samples : Mapping of str to float
        Ids of the built-in sets of pictures -> their visual angle in degrees; those of the
        built-in transcripts -> 0.
    reason_of : callable
        Model card, subject -> why it cannot be chosen here, empty where it can; with an empty
        subject that of the whole model.
    modality : {"image", "transcript"}
        What the page takes.
    first_sample : str
        What a first visit shows.
    """

    regions_of: Callable[[ModelCard, str], Sequence[str]]
    samples: Mapping[str, float]
    reason_of: Callable[[ModelCard, str], str] = _no_reason
    modality: Literal["image", "transcript"] = "image"
    first_sample: str = DEFAULT_SAMPLE

    def usual_settings(self, card: ModelCard, sample: str) -> Settings:
        """Defaults of a model; a built-in set of pictures brings its own visual angle."""
        settings = card.default_settings()
        if sample in self.samples and VISUAL_ANGLE in settings.as_dict():
            return settings.replace(**{VISUAL_ANGLE: self.samples[sample]})
        return settings


def default_state(surroundings: Surroundings, model_id: str = "") -> AppState:
    """First visit: the page's first model, its first subject that is here, the first sample."""
    card = get_card(model_id) if model_id else list_cards(surroundings.modality)[0]
    sample = surroundings.first_sample
    settings = surroundings.usual_settings(card, sample)
    subjects = [subject for subject, _ in card.subjects]
    here = (subject for subject in subjects if not surroundings.reason_of(card, subject))
    subject = next(here, subjects[0])
    return AppState(card.id, subject, settings, sample=sample, tr_s=card.usual_tr_s)


def usual_state(surroundings: Surroundings, sample: str) -> AppState:
    """First visit, with another built-in set of pictures."""
    state = default_state(surroundings)
    return replace(state, sample=sample, settings=surroundings.usual_settings(state.card, sample))


def to_query(state: AppState, surroundings: Surroundings) -> dict[str, str]:
    """Query parameters that bring ``state`` back; what is usual is left out."""
    found: dict[str, str] = {}
    if state.model_id != list_cards(surroundings.modality)[0].id:
        found["model"] = state.model_id
    if state.subject != state.card.subjects[0][0]:
        found["subject"] = state.subject
    if state.regions:
        found["regions"] = ",".join(state.regions)
    if state.hemisphere != "both":
        found["hemisphere"] = state.hemisphere
    if state.show:
        found["show"] = state.show
    if state.is_full_mesh:
        found["mesh"] = "full"
    if state.uploads:
        found[_OWN[surroundings.modality]] = ",".join(state.uploads)
    elif state.sample != surroundings.first_sample:
        found["sample"] = state.sample
    if state.tr_s != state.card.usual_tr_s:
        found["tr"] = f"{state.tr_s:g}"
    usual = surroundings.usual_settings(state.card, state.sample)
    for name, value in state.settings.as_dict().items():
        if value != usual[name]:
            found[name] = _write(value)
    return found


def from_query(
    query: Mapping[str, str], surroundings: Surroundings
) -> tuple[AppState, tuple[str, ...]]:
    """Read a link; what cannot be used falls back, with one sentence each.

    Returns
    -------
    AppState, tuple of str
        The state, and what was not as the link wanted.
    """
    notices: list[str] = []
    state = default_state(surroundings)
    if "model" in query:
        problem = _model_problem(query["model"], surroundings)
        if problem:
            notices.append(f"{problem} {state.card.title} is shown.")
            query = {name: query[name] for name in query if name not in _OF_ONE_MODEL}
        else:
            state = default_state(surroundings, query["model"])
    state = replace(
        state, show=query.get("show", "")[:MOST_LETTERS], is_full_mesh=query.get("mesh") == "full"
    )
    try:
        state = _read_place(state, query, surroundings, notices)
    except WeightsError as error:
        state = default_state(surroundings)
        notices.append(f"{error} {state.card.title} is shown.")
    state = _read_sample(state, query, surroundings, notices)
    if surroundings.modality == "transcript":
        state = replace(state, tr_s=_read_tr(state.tr_s, query, notices))
    return replace(state, settings=_read_settings(state.settings, query, notices)), tuple(notices)


def _model_problem(model_id: str, surroundings: Surroundings) -> str:
    """Why a link's model cannot be shown here; empty where it can."""
    try:
        card = get_card(model_id)
    except ModelNotFoundError as error:
        return str(error)
    if card.modality != surroundings.modality:
        does = "reads transcripts, not pictures"
        return f"{card.title} {'sees pictures, no words' if card.modality == 'image' else does}."
    reason = surroundings.reason_of(card, "")
    return f"{card.title} {reason}: fetch it on the Models page." if reason else ""


def _read_place(
    state: AppState, query: Mapping[str, str], surroundings: Surroundings, notices: list[str]
) -> AppState:
    """Subject, regions and hemisphere of a link."""
    subject = query.get("subject", state.subject)
    if subject not in [name for name, _ in state.card.subjects]:
        notices.append(f"The link names a subject this model does not have: {subject}.")
        subject = state.subject
    reason = surroundings.reason_of(state.card, subject)
    if reason:
        label = dict(state.card.subjects)
        notices.append(
            f"{label[subject]} of {state.card.title} {reason}: fetch it on the Models page. "
            f"{label[state.subject]} is shown."
        )
        subject = state.subject
    hemisphere = query.get("hemisphere", "both")
    if hemisphere not in HEMISPHERES:
        notices.append(f"The link names a hemisphere that does not exist: {hemisphere}.")
        hemisphere = "both"
    asked = [name for name in query.get("regions", "").split(",") if name]
    known = surroundings.regions_of(state.card, subject) if asked else ()
    absent = [name for name in asked if name not in known]
    if absent:
        notices.append(f"The link names regions this model does not have: {', '.join(absent)}.")
    return replace(
        state,
        subject=subject,
        hemisphere=cast('Literal["both", "left", "right"]', hemisphere),
        regions=tuple(dict.fromkeys(name for name in asked if name in known)),
    )


def _read_sample(
    state: AppState, query: Mapping[str, str], surroundings: Surroundings, notices: list[str]
) -> AppState:
    """Sample or own stimuli of a link; what is the visitor's own never travels with it."""
    sample = query.get("sample", surroundings.first_sample)
    is_image = surroundings.modality == "image"
    if sample not in surroundings.samples:
        kind = "set of pictures" if is_image else "transcript"
        notices.append(f"There is no built-in {kind} called {sample}.")
        sample = surroundings.first_sample
    gone = [digest for digest in query.get(_OWN[surroundings.modality], "").split(",") if digest]
    if gone and is_image:
        them = "A picture" if len(gone) == 1 else f"{len(gone)} pictures"
        notices.append(
            f"{them} of this link stayed on the computer that made it: pictures are never kept. "
            "Drop the same file here to see it again."
        )
    elif gone:
        notices.append(
            "The text of this link stayed on the computer that made it: your own text never "
            "travels. Paste it here to see it again."
        )
    return replace(state, sample=sample, settings=surroundings.usual_settings(state.card, sample))


def _read_tr(usual_s: float, query: Mapping[str, str], notices: list[str]) -> float:
    """Time between volumes of a link, in s."""
    try:
        tr_s = float(query.get("tr", usual_s))
    except ValueError:
        tr_s = math.nan
    if SHORTEST_TR_S <= tr_s <= LONGEST_TR_S:
        return tr_s
    notices.append(
        f"The time between volumes must be {SHORTEST_TR_S:g} to {LONGEST_TR_S:g} s. The usual "
        f"{usual_s:g} s are used."
    )
    return usual_s


def _read_settings(settings: Settings, query: Mapping[str, str], notices: list[str]) -> Settings:
    """Read the settings of a link, each checked on its own."""
    for setting in settings.declared:
        if setting.name not in query:
            continue
        try:
            settings = settings.replace(**{setting.name: _read(setting, query[setting.name])})
        except SettingError as error:
            notices.append(f"{error} The usual value is used.")
    return settings


def _write(value: SettingValue) -> str:
    """Text of a setting's value in the URL."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return value if isinstance(value, str) else f"{value:g}"


def _read(setting: Setting, text: str) -> SettingValue:
    """Value of a setting from the URL."""
    if isinstance(setting.default, bool):
        return setting.check({"on": True, "off": False}.get(text, text))
    if isinstance(setting.default, str):
        return setting.check(text)
    try:
        return setting.check(type(setting.default)(text))
    except ValueError as error:
        raise SettingError(f"{setting.label} must be a number; got {text!r}.") from error
