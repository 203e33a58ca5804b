"""One file of many ES modules, so that a browser asks once instead of forty times.

Only the few forms of ``import`` and ``export`` that our modules use are understood; anything else
is refused when the server starts, by name, rather than guessed at.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

__all__ = ["bundle"]

_NAMED = re.compile(r'^import \{([^}]*)\} from "([^"]+)";$', re.MULTILINE)
_WHOLE = re.compile(r'^import \* as (\w+) from "([^"]+)";$', re.MULTILINE)
_DECLARED = re.compile(
    r"^export (?=(?:const|function\*?|async function|class) (\w+))", re.MULTILINE
)
_UNPACKED = re.compile(r"^export (?=const \{([^}]*)\} =)", re.MULTILINE)
_LISTED = re.compile(r"^export \{([^}]*)\};$", re.MULTILINE)
_LEFT_OVER = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)


def bundle(entry: str, files: Mapping[str, str]) -> str:
    """Join a module and all that it imports into one module with the same exports.

    Each module keeps a scope of its own; those it imports from come before it.

    Parameters
    ----------
    entry : str
        Path of the first module among ``files``.
    files : Mapping of str to str
        Path -> source.

    Returns
    -------
    str
        Source of one module that imports nothing.

    Raises
    ------
    ValueError
        A module is missing, imports go round in a circle, or a form is not understood.
    """
    scopes: dict[str, _Scope] = {}
    _collect(entry, files, scopes, ())
    names = ", ".join(scopes[entry].exports)
    parts = [scope.source for scope in scopes.values()]
    return "\n".join([*parts, f"export const {{ {names} }} = {scopes[entry].name};\n"])


class _Scope:
    """One module as a function that runs once and gives back what the module exports."""

    def __init__(self, path: str, number: int, body: str, exports: list[str]) -> None:
        self.name = f"$module{number}"
        self.exports = exports
        given = ", ".join(exports)
        self.source = (
            f"const {self.name} = (() => {{ // {path}\n{body}\nreturn {{ {given} }};\n}})();"
        )


def _collect(
    path: str, files: Mapping[str, str], scopes: dict[str, _Scope], above: tuple[str, ...]
) -> _Scope:
    """Add a module behind those it imports from."""
    if path in scopes:
        return scopes[path]
    if path in above:
        raise ValueError(f"Modules import each other in a circle: {' -> '.join((*above, path))}.")
    if path not in files:
        raise ValueError(f"{above[-1] if above else 'The bundle'} imports {path}, which is absent.")

    def scope_of(relative: str) -> _Scope:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), relative))
        return _collect(target, files, scopes, (*above, path))

    def take(match: re.Match[str]) -> str:
        taken = match[1].replace(" as ", ": ")
        return f"const {{{taken}}} = {scope_of(match[2]).name};"

    body = _NAMED.sub(take, files[path])
    body = _WHOLE.sub(lambda match: f"const {match[1]} = {scope_of(match[2]).name};", body)
    exports = [match[1] for match in _DECLARED.finditer(body)]
    body = _DECLARED.sub("", body)
    for match in _UNPACKED.finditer(body):
        exports += [part.rpartition(":")[2].strip() for part in match[1].split(",") if part.strip()]
    body = _UNPACKED.sub("", body)
    for match in _LISTED.finditer(body):
        exports += [name.strip() for name in match[1].split(",") if name.strip()]
    body = _LISTED.sub("", body)
    if left := _LEFT_OVER.search(body):
        raise ValueError(f"{path} has an import or export of another form: {left[0]}")
    scopes[path] = _Scope(path, len(scopes), body, exports)
    return scopes[path]
