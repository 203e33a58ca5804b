"""Tell the browser early what the first page will need: one ``Link`` header on the page.

Without it, Streamlit's component loader, the viewer's script and its mesh are found one after
the other, each only when the one before has arrived and run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from components.static import entry_url

__all__ = ["PreloadMiddleware", "preload_links"]

#: Behind Streamlit's own scripts, which must run first.
_LATER = "fetchpriority=low"


def preload_links(root: str, components: Iterable[str], mesh_urls: Iterable[str]) -> str:
    """Value of a ``Link`` header.

    Parameters
    ----------
    root : str
        Path of the app: ``"/"``, or ``"/base/"`` below a base path.
    components : iterable of str
        Folders below ``components`` whose scripts are wanted.
    mesh_urls : iterable of str
        Relative URLs of mesh files, as handed to ``brain_view``.
    """
    scripts = [entry_url(component) for component in components]
    links = [f"<{root}{url}>; rel=modulepreload; {_LATER}" for url in (*_loaders(), *scripts)]
    links += [f"<{root}{url}>; rel=preload; as=fetch; crossorigin; {_LATER}" for url in mesh_urls]
    return ", ".join(links)


@lru_cache(maxsize=1)
def _loaders() -> tuple[str, ...]:
    """Streamlit's own module that mounts components; none where it has another name."""
    scripts = Path(streamlit.__file__).parent / "static" / "static" / "js"
    return tuple(f"static/js/{path.name}" for path in scripts.glob("BidiComponent.*.js"))


class PreloadMiddleware:
    """Add the header to every HTML page.

    Parameters
    ----------
    app : ASGI application
        What answers.
    links : callable
        Gives the header's value for the path of a page; empty for none.
    """

    def __init__(self, app: ASGIApp, links: Callable[[str], str]) -> None:
        self._app = app
        self._links = links

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; complete the head of a page."""

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                is_page = headers.get("content-type", "").startswith("text/html")
                if is_page and (links := self._links(scope["path"])):
                    headers.append("link", links)
            await send(message)

        await self._app(scope, receive, send_on if scope["type"] == "http" else send)
