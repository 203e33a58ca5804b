"""The only place that touches session and URL.

Each kind of stimulus has a page and a state of its own. Parameters that are not ours (the viewer's
own ``view``) are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import streamlit as st

from app import decode_link
from app.decode_link import DecodeState
from app.link import (
    DEFAULT_SAMPLE,
    PARAMETERS,
    SHORT_DIGEST,
    VISUAL_ANGLE,
    AppState,
    Surroundings,
    default_state,
    from_query,
    to_query,
    usual_state,
)
from models.catalog import list_cards
from models.stimulus import Stimulus

__all__ = [
    "DEFAULT_SAMPLE",
    "SHORT_DIGEST",
    "VISUAL_ANGLE",
    "AppState",
    "Surroundings",
    "add_pictures",
    "clear_pictures",
    "default_state",
    "dismiss_problems",
    "from_query",
    "load",
    "load_decode",
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
    "save_decode",
    "to_query",
    "typed",
    "usual_state",
]

_STATE = {"image": "boldcast:state", "transcript": "boldcast:state:transcript"}
_NOTICES = {"image": "boldcast:notices", "transcript": "boldcast:notices:transcript"}
_DECODE, _DECODE_NOTICES = "boldcast:state:decode", "boldcast:notices:decode"
_DECODE_SAVED = "boldcast:saved:decode"
_PICTURES = "boldcast:pictures"
_PROBLEMS = "boldcast:problems"
_REVISION = "boldcast:revision"
_MEMORY = "boldcast:memory:"


def mode() -> Literal["app", "kiosk"]:
    """``?mode=kiosk`` asks for the large, menu-free page."""
    return "kiosk" if st.query_params.get("mode") == "kiosk" else "app"


def load(surroundings: Surroundings) -> tuple[AppState, tuple[str, ...]]:
    """State of a page in this session, read from the link on the first run, with its notices."""
    name = _STATE[surroundings.modality]
    if name not in st.session_state:
        state, sentences = from_query(st.query_params.to_dict(), surroundings)
        st.session_state[name] = state
        st.session_state[_NOTICES[surroundings.modality]] = sentences
    return st.session_state[name], notices(surroundings)


def notices(surroundings: Surroundings) -> tuple[str, ...]:
    """Sentences about what could not be as it was asked for; gone with the next change."""
    return st.session_state.get(_NOTICES[surroundings.modality], ())


def save(state: AppState, surroundings: Surroundings, sentences: Sequence[str] = ()) -> None:
    """Keep ``state`` and write it to the URL; other parameters stay as they are.

    ``sentences`` are the notices of this change; a change without any clears those before.
    """
    name = _STATE[surroundings.modality]
    if sentences or st.session_state.get(name) != state:
        st.session_state[_NOTICES[surroundings.modality]] = tuple(sentences)
    st.session_state[name] = state
    settings = {setting.name for card in list_cards() for setting in card.settings}
    _write_link(to_query(state, surroundings), PARAMETERS | settings)


def load_decode(
    read: Callable[[Mapping[str, str]], tuple[DecodeState, tuple[str, ...]]],
) -> tuple[DecodeState, tuple[str, ...]]:
    """State of the page Decode; the link is ``read`` on the first run, with its notices."""
    if _DECODE not in st.session_state:
        st.session_state[_DECODE], st.session_state[_DECODE_NOTICES] = read(
            st.query_params.to_dict()
        )
    return st.session_state[_DECODE], st.session_state[_DECODE_NOTICES]


def save_decode(state: DecodeState) -> None:
    """Keep what the page Decode shows and write it to the URL; a change ends the notices."""
    # What a link asks for is completed by the first run: that is no change of the visitor's.
    if st.session_state.get(_DECODE_SAVED) and st.session_state.get(_DECODE) != state:
        st.session_state[_DECODE_NOTICES] = ()
    st.session_state[_DECODE], st.session_state[_DECODE_SAVED] = state, True
    _write_link(decode_link.to_query(state), decode_link.PARAMETERS)


def _write_link(wanted: Mapping[str, str], parameters: Iterable[str]) -> None:
    """Write some parameters to the URL and take those away that are not wanted."""
    for parameter in parameters:
        if parameter in wanted and st.query_params.get(parameter) != wanted[parameter]:
            st.query_params[parameter] = wanted[parameter]
        elif parameter not in wanted and parameter in st.query_params:
            del st.query_params[parameter]


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


def typed(key: str) -> Any:
    """Value of a widget, or what was changed in a table; for callbacks."""
    return st.session_state[key]


def remember(name: str, value: Any) -> None:
    """Keep something for this session that is no widget and not in the URL."""
    st.session_state[_MEMORY + name] = value


def recall(name: str) -> Any:
    """Return what :func:`remember` kept, or None."""
    return st.session_state.get(_MEMORY + name)
