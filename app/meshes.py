"""Brain meshes for the browser: built once, kept in the user's cache, served from memory.

A cache folder that cannot be written costs the next start some seconds, never the app.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import platformdirs

from components.brain.mesh_file import (
    build_mesh_file,
    compress,
    ensure_mesh_file,
    mesh_file_name,
)

__all__ = ["cache_folder", "content", "known_url", "n_bytes", "url"]

_LOG = logging.getLogger("boldcast")
_LOCK = threading.Lock()
_NAME_OF: dict[str, str] = {}
_CONTENT_OF: dict[str, bytes] = {}


def cache_folder() -> Path:
    """``$BOLDCAST_HOME/cache``, or the user's cache folder."""
    home = os.environ.get("BOLDCAST_HOME")
    return Path(home) / "cache" if home else Path(platformdirs.user_cache_dir("boldcast"))


def url(space: str) -> str:
    """Relative URL of the mesh of a space; builds it on first use."""
    with _LOCK:
        if space not in _NAME_OF:
            name, packed = _load(space)
            _NAME_OF[space], _CONTENT_OF[name] = name, packed
        return f"boldcast/mesh/{_NAME_OF[space]}"


def known_url(space: str) -> str:
    """Relative URL of the mesh of a space where it is in memory, else an empty string."""
    name = _NAME_OF.get(space)
    return f"boldcast/mesh/{name}" if name else ""


def content(name: str) -> bytes | None:
    """Gzipped bytes of a mesh whose URL was given out; None for any other name."""
    return _CONTENT_OF.get(name)


def n_bytes() -> int:
    """Memory held."""
    return sum(len(packed) for packed in _CONTENT_OF.values())


def _load(space: str) -> tuple[str, bytes]:
    """Name and gzipped content of a mesh file, from the cache if it can be used."""
    try:
        path = ensure_mesh_file(space, cache_folder()).path
        return path.name, path.read_bytes()
    except OSError as error:
        _LOG.warning("The mesh cache %s cannot be used (%s).", cache_folder(), error)
    packed = build_mesh_file(space)
    return mesh_file_name(space, packed), compress(packed)
