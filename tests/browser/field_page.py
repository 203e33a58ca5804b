"""A page that holds the visual field alone, as Streamlit mounts it: in a shadow root."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from components.static import static_routes_payload, static_url
from models.types import Provenance, Response, Space

FRONTEND = Path(__file__).parents[2] / "components" / "field" / "frontend"

THEMES = {
    "light": {
        "--st-text-color": "#1f2933",
        "--st-background-color": "#ffffff",
        "--st-secondary-background-color": "#eef1f5",
        "--st-primary-color": "#0b6fa4",
        "--st-border-color": "#d5dae1",
        "--st-font": "system-ui, sans-serif",
    },
    "dark": {
        "--st-text-color": "#e8ecf1",
        "--st-background-color": "#10141a",
        "--st-secondary-background-color": "#1c232d",
        "--st-primary-color": "#58b4e8",
        "--st-border-color": "#323c49",
        "--st-font": "system-ui, sans-serif",
    },
}

_PAGE = """<!doctype html><html><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>:root{%(theme)s} body{margin:0;padding:12px;background:var(--st-background-color)}
#host{max-width:%(width)s}</style></head><body><div id="host"></div>
<template id="parts"><style>%(css)s</style>%(html)s</template>
<script type="module">
import { mount } from "./%(main)s";
import { emit, listen } from "./%(bus)s";
const host = document.getElementById("host");
const parentElement = host.attachShadow({ mode: "open" });
parentElement.append(document.getElementById("parts").content.cloneNode(true));
window.triggers = [];
window.hovers = [];
window.emit = emit;
const setTriggerValue = (name, value) => window.triggers.push([name, value]);
window.show = async (name) => {
  const data = new Uint8Array(await (await fetch(name)).arrayBuffer());
  window.end = mount({ data, parentElement, setTriggerValue });
};
await window.show("message.bin");
listen("hover", "brain", (detail) => window.hovers.push(detail.vertex), "test");
window.isReady = true;
</script></body></html>"""


@dataclass(frozen=True, eq=False)
class Fields:
    """Receptive fields given as arrays."""

    area: np.ndarray
    x_deg: np.ndarray
    y_deg: np.ndarray


@dataclass(frozen=True, eq=False)
class Seen:
    """A preview."""

    pixels: np.ndarray
    extent_deg: tuple[float, float, float, float]
    picture_deg: tuple[float, float, float, float]
    note: str


def make_response(values: np.ndarray, space: Space, *, is_signed: bool = False) -> Response:
    """Response over all places of a space."""
    provenance = Provenance(
        model_id="test",
        model_title="Test",
        version="1",
        weights_sha256="0" * 64,
        subject="average",
        caveat="",
        badge="TEST",
    )
    return Response(
        values=values,
        space=space,
        row_labels=tuple(f"picture {k + 1}" for k in range(len(values))),
        units="relative response (model units)",
        is_signed=is_signed,
        provenance=provenance,
    )


@contextmanager
def serve_field(
    messages: dict[str, bytes], *, theme: str = "light", width: str = "400px"
) -> Iterator[str]:
    """Serve the page, the browser files and the messages; yields the page's address."""
    page = _PAGE % {
        "theme": ";".join(f"{name}:{value}" for name, value in THEMES[theme].items()),
        "width": width,
        "css": (FRONTEND / "field.css").read_text(encoding="utf-8"),
        "html": (FRONTEND / "field.html").read_text(encoding="utf-8"),
        "main": static_url("field", "main.js"),
        "bus": static_url("shared", "bus.js"),
    }
    files = {f"/{url}": content for url, content in static_routes_payload().items()}
    files["/"] = (page.encode(), "text/html; charset=utf-8")
    files |= {f"/{name}": (data, "application/octet-stream") for name, data in messages.items()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content, kind = files.get(self.path, (b"", ""))
            self.send_response(200 if kind else 404)
            self.send_header("Content-Type", kind or "text/plain")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
