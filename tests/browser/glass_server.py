"""A Streamlit server with one page that shows two glass brains and counts its own runs."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from streamlit.starlette import App

from components.static import STATIC_PREFIX, static_routes_payload


def serve_static(request: Request) -> Response:
    """One browser file."""
    content, kind = static_routes_payload()[f"{STATIC_PREFIX}/{request.path_params['path']}"]
    return Response(content, media_type=kind)


app = App(
    Path(__file__).with_name("glass_app.py"),
    routes=[Route(f"/{STATIC_PREFIX}/{{path:path}}", serve_static)],
)
