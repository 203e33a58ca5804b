"""Pickers shared by the pages: value in, value out.

Each widget gets its value as the default too, not only through the session: what lies in a closed
popover is built by the browser later, and would then start from the default.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import streamlit as st

from app import state
from models.catalog import ModelCard
from models.types import Setting, Settings, SettingValue

__all__ = [
    "Choice",
    "models_link",
    "pick_hemisphere",
    "pick_one",
    "pick_regions",
    "pick_settings",
    "setting_key",
]

Side = Literal["both", "left", "right"]

SIDE_LABELS: dict[Side, str] = {"both": "Both", "left": "Left", "right": "Right"}

#: Path of the page where files of models are fetched.
MODELS_PATH = "models"


def setting_key(model_id: str, name: str) -> str:
    """Widget key of a setting, to change it from outside with ``state.put``."""
    return f"setting:{model_id}:{name}"


@dataclass(frozen=True)
class Choice:
    """One entry of a picker.

    Parameters
    ----------
    id, title : str
    reason : str
        Why it cannot be chosen now; empty where it can.
    """

    id: str
    title: str
    reason: str = ""


def pick_one(
    label: str,
    choices: Sequence[Choice],
    chosen: str,
    key: str,
    more: Callable[[], None] | None = None,
) -> str:
    """Pick one entry; those that cannot be chosen are greyed and say why.

    A select box cannot grey single entries, so this is a window of buttons. It closes after a
    choice. A single entry is shown as plain words.

    Parameters
    ----------
    label : str
        What is chosen.
    choices : sequence of Choice
    chosen : str
        Id in force.
    key : str
        Name of the widget.
    more : callable, optional
        Draws what else belongs below the entries.

    Returns
    -------
    str
        Id of the entry picked just now, or ``chosen``.
    """
    titles = {choice.id: choice.title for choice in choices}
    if len(choices) == 1:
        st.caption(f"{label}: {titles[chosen]}")
        return chosen
    picked = state.recall(key)
    state.remember(key, None)
    if picked in [choice.id for choice in choices if not choice.reason]:
        chosen = picked
    window = st.popover(
        f"{label}: **{titles[chosen]}**", key=state.revision(key), width="stretch", wrap=True
    )
    with window:
        for choice in choices:
            st.button(
                f"{choice.title} · {choice.reason}" if choice.reason else choice.title,
                key=f"{key}:{choice.id}",
                type="primary" if choice.id == chosen else "secondary",
                disabled=bool(choice.reason),
                on_click=_choose,
                args=(key, choice.id),
                width="stretch",
            )
        if any(choice.reason for choice in choices):
            models_link()
        if more is not None:
            more()
    return chosen


def _choose(key: str, entry: str) -> None:
    """Button callback: note the entry and close the window."""
    state.remember(key, entry)
    state.revision(key, is_next=True)


def models_link() -> None:
    """Lead to the page where files of models are fetched."""
    # Only the address of this page counts here; what it shows is told to st.navigation.
    page = st.Page(_nothing, title="Models", url_path=MODELS_PATH)
    st.page_link(page, label="Fetch models on the Models page", icon=":material/download:")


def _nothing() -> None:
    """Stand for a page that is drawn elsewhere."""


def pick_regions(
    card: ModelCard,
    subject: str,
    groups: Mapping[str, Sequence[str]],
    regions: Sequence[str],
) -> tuple[str, ...]:
    """Pick regions by typing or from a list sorted by group; none means all."""
    group_of = {name: group for group, names in groups.items() for name in names}
    key = f"regions:{card.id}:{subject}"

    def label(name: str) -> str:
        is_low = name in card.low_confidence_regions
        return f"{name} · {group_of[name]}" + (" · low confidence" if is_low else "")

    picked = st.multiselect(
        "Regions",
        list(group_of),
        list(regions),
        format_func=label,
        key=key,
        placeholder="All modelled places",
        wrap=True,
        help="Type to search; a heading finds all of its regions. Without a choice all places of "
        "the model are shown.",
    )
    return tuple(picked)


def pick_hemisphere(hemisphere: Side) -> Side:
    """Both, left or right."""
    picked = st.segmented_control(
        "Hemisphere",
        list(SIDE_LABELS),
        default=hemisphere,
        format_func=SIDE_LABELS.__getitem__,
        key="hemisphere",
        required=True,
        width="stretch",
    )
    return cast("Side", picked)


def pick_settings(card: ModelCard, settings: Settings, names: Sequence[str]) -> Settings:
    """Draw the named settings of a model from their declarations."""
    values = {
        setting.name: _pick_setting(card.id, setting, settings[setting.name])
        for setting in settings.declared
        if setting.name in names
    }
    return settings.replace(**values)


def _pick_setting(model_id: str, setting: Setting, value: SettingValue) -> SettingValue:
    """One widget of the kind that fits the setting."""
    key = setting_key(model_id, setting.name)
    has_unit = setting.unit not in ("", "deg")
    label = f"{setting.label} ({setting.unit})" if has_unit else setting.label
    if isinstance(setting.default, bool):
        return bool(st.toggle(label, bool(value), key=key, help=setting.help))
    if isinstance(setting.default, str):
        words = dict(setting.choices)
        return cast(
            "str",
            st.selectbox(
                label,
                list(words),
                list(words).index(str(value)),
                format_func=words.__getitem__,
                key=key,
                help=setting.help,
            ),
        )
    kind = type(setting.default)
    low, high = kind(setting.minimum or 0), kind(setting.maximum or 0)
    step, value = kind(setting.step or 1), kind(value)
    if low < 0 < high:  # places in the picture: typed, or dragged in the picture itself
        label = f"{setting.label} (°)" if setting.unit == "deg" else label
        return cast(
            "float",
            st.number_input(
                label, low, high, value, step, _format(setting).rstrip("°"), key, setting.help
            ),
        )
    return cast(
        "float",
        st.slider(
            label, low, high, value, step=step, key=key, help=setting.help, format=_format(setting)
        ),
    )


def _format(setting: Setting) -> str:
    """Digits that the setting's step can tell apart, and a degree sign where it is one."""
    step = setting.step or 1
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"%.{digits}f" + ("°" if setting.unit == "deg" else "")
