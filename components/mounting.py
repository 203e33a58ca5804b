"""How a viewer gets onto a Streamlit page: its key, its inline entry, its styles."""

from __future__ import annotations

from pathlib import Path

from components.static import entry_url

__all__ = ["check_key", "entry_script", "styles"]

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
