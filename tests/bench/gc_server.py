"""A trivial page in a process that holds what the app holds, for the garbage collection bench.

``BENCH_FREEZE=0`` keeps the app's warm-up from freezing the heap.
"""

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nilearn.plotting  # noqa: F401  (loaded as in the app)
import plotly.graph_objects  # noqa: F401
import torch  # noqa: F401
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from streamlit.starlette import App

from app import cache, warm_up

if os.environ.get("BENCH_FREEZE") == "0":
    gc.freeze = lambda: None


async def objects(_request: Request) -> JSONResponse:
    """How much the collector has to search, and whether the warm-up is over."""
    return JSONResponse(
        {
            "tracked": len(gc.get_objects()),
            "frozen": gc.get_freeze_count(),
            "warm": warm_up.is_warm(),
        }
    )


@asynccontextmanager
async def _lifespan(_app: App) -> AsyncIterator[dict[str, object]]:
    """Warm up as the app does."""
    await asyncio.get_running_loop().run_in_executor(None, warm_up.run)
    try:
        yield {}
    finally:
        cache.close()


app = App(
    Path(__file__).with_name("trivial_page.py"),
    routes=[Route("/objects", objects)],
    lifespan=_lifespan,
)
