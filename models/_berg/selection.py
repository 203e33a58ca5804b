"""Subjects and selections as BERG's scripts write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from models.catalog import ModelCard
from models.errors import SelectionError
from models.spaces import near_matches

__all__ = ["nothing_selected", "read_names", "read_selection", "read_subjects"]

_SUBJECT = re.compile(r"(?:(?:sub|subj|subject|s)[-_ ]?)?0*(\d+)", re.IGNORECASE | re.ASCII)


def read_subjects(card: ModelCard, given: Any) -> tuple[str, ...]:
    """Subjects given in any way that BERG's pages and users write them.

    Parameters
    ----------
    card : ModelCard
    given : int, str, or a list, tuple or array of them
        ``1``, ``"1"``, ``"sub-01"``, ``"subj01"``; ``"all"`` in any case.

    Returns
    -------
    tuple of str
        Ids of the card, e.g. ``("sub-01",)``; each once, in the order given.

    Raises
    ------
    SelectionError
        None is given, or one that the model has not.
    """
    known = [subject for subject, _ in card.subjects]
    if isinstance(given, str) and given.strip().lower() == "all":
        return tuple(known)
    is_several = isinstance(given, list | tuple | range | np.ndarray)
    several = np.ravel(given).tolist() if isinstance(given, np.ndarray) else given
    subjects = [_subject_id(one) for one in (several if is_several else [given])]
    unknown = [one for one in subjects if one not in known]
    if not subjects or unknown:
        numbers = ", ".join(str(int(subject[-2:])) for subject in known)
        raise SelectionError(
            f'subject is one of {numbers}, a list of them, or "all" for {card.id}; got {given!r}.'
        )
    return tuple(dict.fromkeys(subjects))


def _subject_id(given: Any) -> str:
    """Id as the cards write it; what cannot be read becomes an id that no card has."""
    is_number = isinstance(given, int | np.integer) and not isinstance(given, bool)
    found = _SUBJECT.fullmatch(str(given).strip()) if is_number or isinstance(given, str) else None
    return f"sub-{int(found[1]):02d}" if found else ""


def read_selection(selection: Any, keys: Iterable[str]) -> dict[str, Any]:
    """Entries of a selection that say something: None means absent.

    Raises
    ------
    SelectionError
        It is no dictionary, or has a key that the model has not.
    """
    if selection is None:
        return {}
    if not isinstance(selection, Mapping):
        raise SelectionError(
            f"selection is a dictionary with keys among {list(keys)}; got {selection!r}."
        )
    for key in selection:
        if key not in keys:
            near = near_matches(str(key), keys) or list(keys)
            raise SelectionError(f"selection has no key {key!r}. Did you mean {', '.join(near)}?")
    return {key: value for key, value in selection.items() if value is not None}


def read_names(chosen: Mapping[str, Any], key: str) -> list[str] | None:
    """Names under a key: one string, or several; None where the key is absent.

    Raises
    ------
    SelectionError
        Something else is there.
    """
    given = chosen.get(key)
    if given is None:
        return None
    names = given.ravel().tolist() if isinstance(given, np.ndarray) else given
    names = [names] if isinstance(names, str) else names
    is_list = isinstance(names, list | tuple)
    if not is_list or not all(isinstance(name, str) for name in names):
        raise SelectionError(f"{key} is a name or a list of names; got {given!r}.")
    return [str(name) for name in names]


def nothing_selected(what: str, names: list[str] | None) -> SelectionError:
    """Say that a selection is empty, and which regions were named."""
    where = f" in {', '.join(names)}" if names else ""
    return SelectionError(f"No {what}{where} is selected: name others.")
