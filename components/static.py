"""Browser files of all components, under one content hash, ready for a route of the server.

The URL path of a file mirrors its place below ``components``, so that the relative imports
between modules are the same in the browser and on disk. Each component's ``main.js`` is also
there in one file with all that it imports, which is what pages load. plotly.js comes from the
installed package; it is large and only some pages draw with it, so it stands apart.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from components.bundle import bundle

__all__ = [
    "STATIC_PREFIX",
    "entry_url",
    "is_plotly",
    "plotly_script",
    "plotly_url",
    "static_hash",
    "static_routes_payload",
    "static_url",
]

#: Path below the server's base URL; no leading slash, as the page resolves it against its base.
STATIC_PREFIX = "boldcast/static"

_ROOM = Path(__file__).parent
_CONTENT_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


@lru_cache(maxsize=1)
def _files() -> dict[str, bytes]:
    """Path below ``components`` -> bytes, for every file a browser may ask for."""
    folders = [*sorted(_ROOM.glob("*/frontend")), _ROOM / "shared"]
    paths = [path for folder in folders for path in folder.rglob("*")]
    found = {
        path.relative_to(_ROOM).as_posix(): path.read_bytes()
        for path in sorted(paths)
        if path.suffix in _CONTENT_TYPES
    }
    modules = {name: content.decode() for name, content in found.items() if name.endswith(".js")}
    for name in [name for name in modules if name.endswith("/frontend/main.js")]:
        found[_bundle_name(name)] = bundle(name, modules).encode()
    return found


def _bundle_name(main: str) -> str:
    return main.removesuffix(".js") + ".bundle.js"


@lru_cache(maxsize=1)
def static_hash() -> str:
    """SHA-256 of all names and contents, first 16 hex digits; part of every URL."""
    digest = hashlib.sha256()
    for name, content in _files().items():
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def static_url(component: str, file: str) -> str:
    """Relative URL of one file of a component's ``frontend`` folder.

    Parameters
    ----------
    component : str
        Folder below ``components``, e.g. ``"brain"``; ``"shared"`` has no ``frontend`` folder.
    file : str
        E.g. ``"main.js"``.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    """
    path = f"shared/{file}" if component == "shared" else f"{component}/frontend/{file}"
    if path not in _files():
        raise FileNotFoundError(f"No browser file {path!r} below components.")
    return f"{STATIC_PREFIX}/{static_hash()}/{path}"


def entry_url(component: str) -> str:
    """Relative URL of a component's ``main.js`` in one file with all that it imports.

    Raises
    ------
    FileNotFoundError
        There is no such component.
    """
    return static_url(component, _bundle_name("main.js"))


def static_routes_payload() -> dict[str, tuple[bytes, str]]:
    """Relative URL -> (content, content type) of every browser file.

    The URLs hold a hash of all files together, so they may be served as immutable.
    """
    return {
        f"{STATIC_PREFIX}/{static_hash()}/{name}": (content, _CONTENT_TYPES[Path(name).suffix])
        for name, content in _files().items()
    }


_PLOTLY = "plotly.min.js"


@lru_cache(maxsize=1)
def plotly_url() -> str:
    """Relative URL of plotly.js; it holds a hash of the content, so it may be immutable."""
    digest = hashlib.sha256(plotly_script()[0]).hexdigest()[:16]
    return f"{STATIC_PREFIX}/{digest}/{_PLOTLY}"


def plotly_script() -> tuple[bytes, str]:
    """plotly.js of the installed package, as (content, content type)."""
    content = (files("plotly") / "package_data" / _PLOTLY).read_bytes()
    return content, _CONTENT_TYPES[".js"]


def is_plotly(url: str) -> bool:
    """Whether a relative URL is plotly.js's; the large file is read for no other."""
    return url.endswith(f"/{_PLOTLY}") and url == plotly_url()
