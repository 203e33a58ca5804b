"""Server of the viewer bench: the page of one contender, and the files our viewer fetches.

The app's server (app/server.py) serves the same files in the same way: gzipped once, immutable.
"""

import gzip
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.starlette import App

from app.preload import PreloadMiddleware, preload_links
from components.static import STATIC_PREFIX, static_routes_payload
from tests.bench.geometry import MESHES, mesh_file, mesh_url

_SEEN: list[str] = []
_QUERY: ContextVar[bytes] = ContextVar("query", default=b"")


@lru_cache(maxsize=1)
def static_files() -> dict[str, tuple[bytes, str]]:
    """Relative URL -> (gzipped content, content type)."""
    return {
        url: (gzip.compress(content, 9, mtime=0), kind)
        for url, (content, kind) in static_routes_payload().items()
    }


def immutable(content: bytes, content_type: str) -> Response:
    """Answer with gzipped bytes to be kept for good."""
    headers = {
        "Content-Encoding": "gzip",
        "Cache-Control": "public, max-age=31536000, immutable",
    }
    return Response(content, media_type=content_type, headers=headers)


def serve_mesh(request: Request) -> Response:
    """One mesh, by its name."""
    wanted = request.path_params["name"]
    for mesh in MESHES:
        if wanted.startswith(f"mesh-{mesh}-"):
            _SEEN[:] = [mesh]
            return immutable(mesh_file(mesh)[1], "application/octet-stream")
    return PlainTextResponse("There is no such mesh.", 404)


def serve_static(request: Request) -> Response:
    """One browser file."""
    return immutable(*static_files()[f"{STATIC_PREFIX}/{request.path_params['path']}"])


def links(path: str) -> str:
    """What the app's server would preload for our viewer; the others are spared our files."""
    is_ours = b"contender=ours" in _QUERY.get()
    return preload_links("/", ["brain"], map(mesh_url, _SEEN)) if is_ours else ""


class KnowQuery:
    """Lets ``links`` know whose page is asked for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        _QUERY.set(scope.get("query_string", b""))
        await self._app(scope, receive, send)


app = App(
    Path(__file__).with_name("viewer_page.py"),
    routes=[
        Route("/boldcast/mesh/{name}", serve_mesh),
        Route(f"/{STATIC_PREFIX}/{{path:path}}", serve_static),
    ],
    middleware=[Middleware(KnowQuery), Middleware(PreloadMiddleware, links=links)],
)
