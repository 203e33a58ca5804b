"""What the page shows, as one frozen value; the only place that touches session and URL.

``AppState`` <-> query parameters is a pure pair of functions. Our parameters are written when
they differ from the defaults; every other one (the viewer's own ``view``) is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import streamlit as st

from models.catalog import ModelCard, get_card, list_cards
from models.errors import ModelNotFoundError, SettingError, WeightsError
from models.stimulus import Stimulus
from models.types import Selection, Setting, Settings, SettingValue

__all__ = [
    "DEFAULT_SAMPLE",
    "VISUAL_ANGLE",
    "AppState",
    "Surroundings",
    "add_pictures",
    "clear_pictures",
    "default_state",
    "dismiss_problems",
    "from_query",
    "load",
    "mode",
    "notices",
    "pictures",
    "problems",
    "put",
    "recall",
    "remember",
    "remove_picture",
    "revision",
    "save",
    "to_query",
    "usual_state",
]

DEFAULT_SAMPLE = "wedge"
#: Characters of a digest written to the URL; enough to tell 64 pictures apart.
SHORT_DIGEST = 12
#: Name of the setting that a set of pictures has its own usual value for.
VISUAL_ANGLE = "visual_angle_deg"

_STATE = "boldcast:state"
_NOTICES = "boldcast:notices"
_PICTURES = "boldcast:pictures"
_PROBLEMS = "boldcast:problems"
_REVISION = "boldcast:revision"
_MEMORY = "boldcast:memory:"

HEMISPHERES: tuple[str, ...] = ("both", "left", "right")
#: Parameters that make sense for the link's own model only.
_OF_ONE_MODEL = ("subject", "regions", "hemisphere", "show", "mesh")
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
        Set of built-in pictures; empty when the visitor's own pictures are shown.
    uploads : tuple of str
        Short digests of the visitor's own pictures.
    show : str
        Id of the map of the model's files that is shown instead of the prediction; else empty.
    is_full_mesh : bool
        Draw every vertex, where a mesh for that is here.
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
        Ids of the built-in sets of pictures -> their visual angle in degrees.
    reason_of : callable
        Model card, subject -> why it cannot be chosen here, empty where it can; with an empty
        subject that of the whole model.
    """

    regions_of: Callable[[ModelCard, str], Sequence[str]]
    samples: Mapping[str, float]
    reason_of: Callable[[ModelCard, str], str] = _no_reason

    def usual_settings(self, card: ModelCard, sample: str) -> Settings:
        """Defaults of a model; a built-in set of pictures brings its own visual angle."""
        settings = card.default_settings()
        if sample in self.samples and VISUAL_ANGLE in settings.as_dict():
            return settings.replace(**{VISUAL_ANGLE: self.samples[sample]})
        return settings


def default_state(surroundings: Surroundings, model_id: str = "") -> AppState:
    """First visit: the first picture model, its first subject that is here, the rotating wedge."""
    card = get_card(model_id) if model_id else list_cards("image")[0]
    settings = surroundings.usual_settings(card, DEFAULT_SAMPLE)
    subjects = [subject for subject, _ in card.subjects]
    here = (subject for subject in subjects if not surroundings.reason_of(card, subject))
    return AppState(card.id, next(here, subjects[0]), settings)


def usual_state(surroundings: Surroundings, sample: str) -> AppState:
    """First visit, with another built-in set of pictures."""
    state = default_state(surroundings)
    return replace(state, sample=sample, settings=surroundings.usual_settings(state.card, sample))


def to_query(state: AppState, surroundings: Surroundings) -> dict[str, str]:
    """Query parameters that bring ``state`` back; what is usual is left out."""
    found: dict[str, str] = {}
    if state.model_id != list_cards("image")[0].id:
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
        found["pictures"] = ",".join(state.uploads)
    elif state.sample != DEFAULT_SAMPLE:
        found["sample"] = state.sample
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
    state = _read_pictures(state, query, surroundings, notices)
    return replace(state, settings=_read_settings(state.settings, query, notices)), tuple(notices)


def _model_problem(model_id: str, surroundings: Surroundings) -> str:
    """Why a link's model cannot be shown here; empty where it can."""
    try:
        card = get_card(model_id)
    except ModelNotFoundError as error:
        return str(error)
    if card not in list_cards("image"):
        return f"{card.title} reads transcripts, not pictures."
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


def _read_pictures(
    state: AppState, query: Mapping[str, str], surroundings: Surroundings, notices: list[str]
) -> AppState:
    """Sample or own pictures of a link; own pictures never travel with it."""
    sample = query.get("sample", DEFAULT_SAMPLE)
    if sample not in surroundings.samples:
        notices.append(f"There is no built-in set of pictures called {sample}.")
        sample = DEFAULT_SAMPLE
    gone = [digest for digest in query.get("pictures", "").split(",") if digest]
    if gone:
        them = "A picture" if len(gone) == 1 else f"{len(gone)} pictures"
        notices.append(
            f"{them} of this link stayed on the computer that made it: pictures are never kept. "
            "Drop the same file here to see it again."
        )
    return replace(state, sample=sample, settings=surroundings.usual_settings(state.card, sample))


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


def mode() -> Literal["app", "kiosk"]:
    """``?mode=kiosk`` asks for the large, menu-free page."""
    return "kiosk" if st.query_params.get("mode") == "kiosk" else "app"


def load(surroundings: Surroundings) -> tuple[AppState, tuple[str, ...]]:
    """State of this session, read from the link on the first run, with its notices."""
    if _STATE not in st.session_state:
        state, notices = from_query(st.query_params.to_dict(), surroundings)
        st.session_state[_STATE] = state
        st.session_state[_NOTICES] = notices
    return st.session_state[_STATE], st.session_state[_NOTICES]


def notices() -> tuple[str, ...]:
    """Sentences about what could not be as it was asked for; gone with the next change."""
    return st.session_state.get(_NOTICES, ())


def save(state: AppState, surroundings: Surroundings, sentences: Sequence[str] = ()) -> None:
    """Keep ``state`` and write it to the URL; other parameters stay as they are.

    ``sentences`` are the notices of this change; a change without any clears those before.
    """
    if sentences or st.session_state.get(_STATE) != state:
        st.session_state[_NOTICES] = tuple(sentences)
    st.session_state[_STATE] = state
    wanted = to_query(state, surroundings)
    ours = {"model", "sample", "pictures", *_OF_ONE_MODEL}
    ours |= {setting.name for card in list_cards() for setting in card.settings}
    for name in ours:
        if name in wanted and st.query_params.get(name) != wanted[name]:
            st.query_params[name] = wanted[name]
        elif name not in wanted and name in st.query_params:
            del st.query_params[name]


def pictures() -> tuple[Stimulus, ...]:
    """Return the visitor's own pictures, in the order they came."""
    return tuple(st.session_state.get(_PICTURES, {}).values())


def add_pictures(stimuli: Iterable[Stimulus]) -> None:
    """Add to the visitor's own pictures; the same one twice is kept once."""
    kept: dict[str, Stimulus] = dict(st.session_state.get(_PICTURES, {}))
    kept.update({stimulus.digest: stimulus for stimulus in stimuli})
    st.session_state[_PICTURES] = kept


def remove_picture(digest: str) -> None:
    """Take one of the visitor's own pictures away."""
    kept = dict(st.session_state.get(_PICTURES, {}))
    kept.pop(digest, None)
    st.session_state[_PICTURES] = kept


def clear_pictures() -> None:
    """Take all of the visitor's own pictures away."""
    st.session_state[_PICTURES] = {}
    st.session_state[_PROBLEMS] = ()


def problems(*new: str) -> tuple[str, ...]:
    """Files of the last upload that could not be used; ``new`` ones are added."""
    st.session_state[_PROBLEMS] = (*st.session_state.get(_PROBLEMS, ()), *new)
    return st.session_state[_PROBLEMS]


def dismiss_problems() -> None:
    """Forget them."""
    st.session_state[_PROBLEMS] = ()


def revision(name: str, *, is_next: bool = False) -> str:
    """Key of a widget that must be emptied: a new one after ``is_next``."""
    key = f"{_REVISION}:{name}"
    count = st.session_state.get(key, 0) + int(is_next)
    st.session_state[key] = count
    return f"{name}:{count}"


def put(key: str, value: Any) -> None:
    """Change a widget from outside, e.g. a setting dragged in a picture; from callbacks only."""
    st.session_state[key] = value


def remember(name: str, value: Any) -> None:
    """Keep something for this session that is no widget and not in the URL."""
    st.session_state[_MEMORY + name] = value


def recall(name: str) -> Any:
    """Return what :func:`remember` kept, or None."""
    return st.session_state.get(_MEMORY + name)
