"""The web server: Streamlit plus our own routes and a warm-up.

Start it with ``python -m streamlit run app/server.py``.

Routes, all below ``server.baseUrlPath``:

- ``/boldcast/mesh/<name>``: brain meshes, gzipped once, cached for good by the browser;
- ``/boldcast/static/<hash>/...``: JavaScript and CSS of the components, plotly.js, likewise;
- ``/boldcast/still/<answer>.png``: a plain picture for browsers without WebGL;
- ``/boldcast/health``: whether the server answers and whether the warm-up is over;
- ``/boldcast/metrics``: a few counters in the Prometheus text format.

Only names that the process itself made are served; no path from a visitor reaches the disk.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from streamlit import config
from streamlit.starlette import App

from app import VERSION, cache, decode_training, downloads, messages, warm_up
from app.preload import PreloadMiddleware, preload_links
from components.static import (
    STATIC_PREFIX,
    is_plotly,
    plotly_script,
    static_routes_payload,
)
from models.errors import Cancelled

__all__ = ["app"]

_LOG = logging.getLogger("boldcast")
_FOREVER = "public, max-age=31536000, immutable"
_NEVER = "no-store"


@lru_cache(maxsize=1)
def _static_files() -> dict[str, tuple[bytes, str]]:
    """Relative URL -> (gzipped content, content type)."""
    return {
        url: (gzip.compress(content, 9, mtime=0), content_type)
        for url, (content, content_type) in static_routes_payload().items()
    }


@lru_cache(maxsize=1)
def _plotly() -> tuple[bytes, str]:
    """plotly.js as (gzipped content, content type); compressed when first asked for."""
    content, content_type = plotly_script()
    return gzip.compress(content, 6, mtime=0), content_type


def _serve_gzipped(request: Request, content: bytes, content_type: str) -> Response:
    """Answer with an immutable file that is already compressed."""
    headers = {
        "Cache-Control": _FOREVER,
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
    else:
        content = gzip.decompress(content)
    return Response(content, media_type=content_type, headers=headers)


def static_file(request: Request) -> Response:
    """Serve one browser file of a component."""
    path = f"{STATIC_PREFIX}/{request.path_params['path']}"
    if is_plotly(path):
        return _serve_gzipped(request, *_plotly())
    if path not in _static_files():
        return PlainTextResponse("There is no such file.", 404, {"Cache-Control": _NEVER})
    return _serve_gzipped(request, *_static_files()[path])


def mesh_file(request: Request) -> Response:
    """Serve one mesh."""
    content = cache.mesh_bytes(request.path_params["name"])
    if content is None:
        return PlainTextResponse("There is no such mesh.", 404, {"Cache-Control": _NEVER})
    return _serve_gzipped(request, content, "application/octet-stream")


def still_file(request: Request) -> Response:
    """Serve a plain picture of an answer, drawn where a browser has no WebGL."""
    content = cache.plain_still(request.path_params["answer"])
    if content is None:
        return PlainTextResponse("There is no such picture.", 404, {"Cache-Control": _NEVER})
    return Response(content, media_type="image/png", headers={"Cache-Control": "private"})


async def health(request: Request) -> Response:
    """Say that the server answers, and whether everything is warm."""
    answer = {"status": "ok", "version": VERSION, "is_warm": warm_up.is_warm()}
    return JSONResponse(answer, headers={"Cache-Control": _NEVER})


def metrics(request: Request) -> Response:
    """Counters in the Prometheus text format."""
    counters = {"is_warm": int(warm_up.is_warm()), **cache.counters()}
    lines = [f"boldcast_{name} {value}" for name, value in counters.items()]
    return PlainTextResponse("\n".join(lines) + "\n", headers={"Cache-Control": _NEVER})


@asynccontextmanager
async def _lifespan(_app: App) -> AsyncIterator[dict[str, object]]:
    """Warm up on a thread, so that serving starts at once; end the workers at the end."""
    warming = asyncio.get_running_loop().run_in_executor(None, warm_up.run)
    warming.add_done_callback(_log_failure)
    try:
        yield {}
    finally:
        downloads.shared().close()
        decode_training.close()
        cache.close()
        await asyncio.wait([warming])


def _log_failure(warming: asyncio.Future[None]) -> None:
    """Note why the warm-up stopped; the page says it in its own words."""
    if warming.cancelled() or isinstance(warming.exception(), Cancelled | type(None)):
        return
    _LOG.warning("The warm-up stopped.", exc_info=warming.exception())


def _base() -> str:
    """Path of the app: a slash, or the base path between slashes."""
    base = str(config.get_option("server.baseUrlPath")).strip("/")
    return f"/{base}/" if base else "/"


def _links(path: str) -> str:
    """List what a page needs early; its mesh once that is built."""
    is_text = path.rstrip("/").endswith("/transcripts")
    mesh_url = cache.default_mesh_url("transcript" if is_text else "image")
    views = ("brain", "glass", "courses", "words") if is_text else ("brain", "field")
    return preload_links(_base(), views, [mesh_url] if mesh_url else [])


def _routes() -> list[Route]:
    """Our routes below the base path."""
    root = f"{_base()}boldcast"
    return [
        Route(f"{root}/health", health),
        Route(f"{root}/metrics", metrics),
        Route(f"{root}/mesh/{{name}}", mesh_file),
        Route(f"{root}/still/{{answer}}.png", still_file),
        Route(f"{root}/static/{{path:path}}", static_file),
    ]


app = App(
    "main.py",
    routes=_routes(),
    middleware=[Middleware(PreloadMiddleware, links=_links)],
    lifespan=_lifespan,
    on_script_error=messages.show_script_error,
)
