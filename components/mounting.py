"""How a viewer gets onto a Streamlit page: its key, its inline entry, its styles."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from components.static import entry_url

__all__ = ["check_key", "component_of", "entry_script", "ignore", "playing_options", "styles"]

_ROOM = Path(__file__).parent


def check_key(key: str) -> None:
    """Refuse a key that would break the address.

    Raises
    ------
    ValueError
        It has other characters than letters, digits, "-" and ".".
    """
    if not key or not all(letter.isalnum() or letter in "-." for letter in key):
        raise ValueError(f"A view's key has letters, digits, '-' and '.' only; got {key!r}.")


def entry_script(component: str, key: str) -> str:
    """JavaScript handed to Streamlit; it must have a newline, or it is taken for a path.

    Parameters
    ----------
    component : str
        Folder below ``components``; its ``main.js`` exports ``streamlitMount``.
    key : str
        Name of the view.
    """
    return (
        "export default async function (component) {\n"
        f'  const url = new URL("{entry_url(component)}", document.baseURI);\n'
        "  const { streamlitMount } = await import(url.href);\n"
        f'  return streamlitMount(component, "{key}");\n'
        "}\n"
    )


def styles(*files: str) -> str:
    """Style sheets below ``components``, one after the other."""
    return "\n".join((_ROOM / file).read_text(encoding="utf-8") for file in files)


@lru_cache(maxsize=64)
def component_of(
    name: str, key: str, sheets: tuple[str, ...], follows: str = ""
) -> Callable[..., Any]:
    """Register the component of one view; its inline entry imports the modules from the server.

    Parameters
    ----------
    name : str
        Folder below ``components``, and class of the element that the modules fill.
    key : str
        Name of the view.
    sheets : tuple of str
        Style sheets below ``components``.
    follows : str
        Name of the view that leads this one; "" for none.

    Raises
    ------
    ValueError
        A name has other characters than letters, digits, "-" and ".".
    """
    check_key(key)
    attribute = ""
    if follows:
        check_key(follows)
        attribute = f' data-follows="{follows}"'
    registered = "_".join(("boldcast", name, key, *([follows] if follows else [])))
    component: Callable[..., Any] = st.components.v2.component(
        registered.replace(".", "-"),
        html=f'<div class="boldcast-{name}"{attribute}></div>',
        css=styles(*sheets),
        js=entry_script(name, key),
    )
    return component


def playing_options(
    height_px: int | None, is_autoplaying: bool, is_holding: bool, is_kiosk: bool, **more: Any
) -> dict[str, Any]:
    """Gather what a viewer that plays is told beside its data; a height only where one is set."""
    options = {"autoplay": is_autoplaying, "hold": is_holding, "kiosk": is_kiosk, **more}
    return options if height_px is None else {**options, "height": height_px}


def ignore() -> None:
    """Do nothing, for events that nobody waits for."""
