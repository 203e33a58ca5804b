"""Error type -> one visitor's sentence and what to do about it; never a traceback."""

from __future__ import annotations

import logging
import string
from dataclasses import dataclass

import streamlit as st

from models.errors import (
    BoldcastError,
    Cancelled,
    DeviceMemoryError,
    DiskFullError,
    HashMismatchError,
    ModelNotFoundError,
    OfflineError,
    ParameterError,
    RenderError,
    ResourceError,
    SelectionError,
    SettingError,
    SpaceMismatchError,
    StimulusError,
    UnknownRegionError,
    UnsafePickleError,
    WeightsError,
)

__all__ = ["Message", "explain", "plain", "show", "show_script_error"]

_LOG = logging.getLogger("boldcast")

#: What to do, for every class of the tree; the nearest class in the method resolution order wins.
WHAT_TO_DO: dict[type[BoldcastError], str] = {
    BoldcastError: "Change the last thing you changed, or reload the page.",
    StimulusError: "Your other pictures are still here. Try another file.",
    ParameterError: "Pick another subject, other regions or another value.",
    SelectionError: "Pick another subject or other regions.",
    UnknownRegionError: "Pick a region from the list.",
    SettingError: "Move the setting back into its range.",
    ModelNotFoundError: "Pick a model from the list.",
    SpaceMismatchError: "Reload the page; if it happens again, please report it.",
    RenderError: "Use “Save picture” under the brain instead: it saves what you see.",
    ResourceError: "Close other programs, or pick a smaller model.",
    DeviceMemoryError: "Use fewer or smaller pictures, or a smaller model.",
    WeightsError: "Pick a model that needs no download, such as the reference model.",
    HashMismatchError: "Nothing was loaded. Download the model again.",
    OfflineError: "Connect to the internet, or pick a model that needs no download.",
    UnsafePickleError: "Nothing was loaded. Get the file from its publisher.",
    DiskFullError: "Free some disk space, then try again.",
    Cancelled: "Change anything to start again.",
}

#: Faults of the machine rather than of the request.
MACHINE: tuple[tuple[type[BaseException], str, str], ...] = (
    (
        MemoryError,
        "There was not enough memory for this.",
        "Use fewer or smaller pictures.",
    ),
    (
        ImportError,
        "A package this needs is not installed.",
        "Run `make app` again; it installs what is missing.",
    ),
    (
        OSError,
        "A file could not be read or written.",
        "Check free disk space and permissions, then try again.",
    ),
)


@dataclass(frozen=True)
class Message:
    """What a visitor reads when something did not work.

    Parameters
    ----------
    sentence : str
        What happened, plain text.
    what_to_do : str
        One step that helps.
    is_fault : bool
        False when nothing is wrong (the visitor stopped it).
    """

    sentence: str
    what_to_do: str
    is_fault: bool = True


def explain(error: BaseException) -> Message:
    """Word an error for a visitor.

    Our own errors carry a sentence fit for a visitor; any other one is named only in the log.
    """
    for kind in type(error).__mro__:
        if issubclass(kind, BoldcastError) and kind in WHAT_TO_DO:
            sentence = str(error) or f"{kind.__name__}."
            return Message(sentence, WHAT_TO_DO[kind], not isinstance(error, Cancelled))
    for machine, sentence, what_to_do in MACHINE:
        if isinstance(error, machine):
            return Message(sentence, what_to_do)
    return Message(
        "Something went wrong on our side.",
        "Reload the page; the details are in the server's log.",
    )


def plain(text: str) -> str:
    """Escape ``text`` so that Markdown shows it letter by letter.

    Names of files come from visitors: nothing in them may become a link, a picture,
    a formula, a colour directive, an icon or HTML.
    """
    text = " ".join(text.split())
    letters = (f"\\{letter}" if letter in string.punctuation else letter for letter in text)
    # Emoji codes are found after backslashes are gone; an invisible joiner breaks ":name:".
    return "".join(letters).replace("\\:", "\\:\u2060")


def show(error: BaseException) -> None:
    """Draw the message of an error; unknown errors also go to the log."""
    message = explain(error)
    if not isinstance(error, BoldcastError):
        _LOG.error("unexpected error", exc_info=error)
    text = f"{plain(message.sentence)} {message.what_to_do}"
    if message.is_fault:
        st.error(text, icon=":material/error:")
    else:
        st.info(text, icon=":material/info:")


def show_script_error(error: Exception) -> bool:
    """Draw an uncaught error of the page; for ``App(on_script_error=...)``.

    Returns
    -------
    bool
        True: Streamlit must not draw its own.
    """
    show(error)
    return True
