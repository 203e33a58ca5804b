"""Pickers shared by the pages: value in, value out.

Each widget gets its value as the default too, not only through the session: what lies in a closed
popover is built by the browser later, and would then start from the default.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, cast

import streamlit as st

from models.catalog import ModelCard
from models.types import Setting, Settings, SettingValue

__all__ = [
    "pick_hemisphere",
    "pick_model",
    "pick_regions",
    "pick_settings",
    "pick_subject",
    "setting_key",
]

Side = Literal["both", "left", "right"]

SIDE_LABELS: dict[Side, str] = {"both": "Both", "left": "Left", "right": "Right"}


def setting_key(model_id: str, name: str) -> str:
    """Widget key of a setting, to change it from outside with ``state.put``."""
    return f"setting:{model_id}:{name}"


def pick_model(cards: Sequence[ModelCard], model_id: str) -> str:
    """Pick one model of the catalog."""
    titles = {card.id: card.title for card in cards}
    return cast(
        "str",
        st.selectbox(
            "Model",
            list(titles),
            list(titles).index(model_id),
            format_func=titles.__getitem__,
            key="model",
        ),
    )


def pick_subject(card: ModelCard, subject: str) -> str:
    """Pick whose brain; one choice is shown as plain words."""
    labels = dict(card.subjects)
    if len(labels) == 1:
        st.caption(f"Brain: {labels[subject]}")
        return subject
    key = f"subject:{card.id}"
    return cast(
        "str",
        st.selectbox(
            "Subject",
            list(labels),
            list(labels).index(subject),
            format_func=labels.__getitem__,
            key=key,
        ),
    )


def pick_regions(
    card: ModelCard,
    groups: Mapping[str, Sequence[str]],
    regions: Sequence[str],
) -> tuple[str, ...]:
    """Pick regions by typing or from a list sorted by group; none means all."""
    group_of = {name: group for group, names in groups.items() for name in names}
    key = f"regions:{card.id}"

    def label(name: str) -> str:
        is_low = name in card.low_confidence_regions
        return f"{name} · {group_of[name]}" + (" · low confidence" if is_low else "")

    picked = st.multiselect(
        "Regions",
        list(group_of),
        list(regions),
        format_func=label,
        key=key,
        placeholder="All modelled regions",
        wrap=True,
        help="Type to search. Without a choice all regions of the model are shown.",
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
