"""A plain page around the brain viewer, served from memory, and what tests ask of it."""

import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from PIL import Image

from components.brain.mesh_file import build_mesh_file, compress
from components.static import static_routes_payload, static_url

PAGE = """<!doctype html><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="{css}"><link rel="icon" href="data:,">
<style>body {{ margin: 0; padding: 12px; background: #fff; font-family: sans-serif }}</style>
<div id="host"></div>
<script type="module">
const {{ mountBrain }} = await import(new URL("{js}", document.baseURI).href);
globalThis.take = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
globalThis.picks = [];
globalThis.mounted = mountBrain(document.getElementById("host"), {{
  data: await take("first.bin"), view: "test", onPick: (pick) => picks.push(pick),
}});
await mounted.ready;
globalThis.viewer = mounted.viewer;
globalThis.ready = true;
</script>"""

#: Counts what is sent to the graphics card and how often the page asks for a frame.
COUNTERS = """
globalThis.counted = { sent: 0, frames: 0 };
for (const name of ["bufferData", "bufferSubData", "texImage2D", "texSubImage2D"]) {
  const original = WebGL2RenderingContext.prototype[name];
  WebGL2RenderingContext.prototype[name] = function (...given) {
    if (given[0] !== this.PIXEL_PACK_BUFFER) counted.sent++;
    return original.apply(this, given);
  };
}
const ask = globalThis.requestAnimationFrame;
globalThis.requestAnimationFrame = (call) => {
  counted.frames++;
  return ask.call(globalThis, call);
};
"""


class FileServer:
    """Serves a page below a base path beside the browser files, with messages added by name."""

    def __init__(self, page, base="/some/base/"):
        files = dict(static_routes_payload())
        files[""] = (page.encode(), "text/html; charset=utf-8")
        self.files = files

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                found = files.get(self.path.split("?")[0].removeprefix(base))
                self.send_response(200 if found else 404)
                content, kind = found or (b"", "text/plain")
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}{base}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add(self, name, message):
        self.files[name] = (message, "application/octet-stream")

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class PageServer(FileServer):
    """Serves the page of the brain viewer."""

    def __init__(self):
        css, js = static_url("shared", "viewer.css"), static_url("brain", "main.js")
        super().__init__(PAGE.format(css=css, js=js))
        self.add("mesh.bin.gz", compress(build_mesh_file("fsaverage5")))


class ViewerPage:
    """One page with a mounted viewer."""

    def __init__(self, page):
        self.page = page
        self.errors = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, url):
        self.page.goto(url)
        self.page.wait_for_function("globalThis.ready", timeout=60_000)
        self.rest()
        return self

    def rest(self):
        """Wait until nothing is drawn any more (unless it plays)."""
        self.page.wait_for_function(
            "!viewer.header || viewer.player.playing || "
            "(!viewer.loop.request && !viewer.animation?.current && !viewer.needsLayout && "
            "performance.now() > viewer.loop.movingUntil + 60)",
            timeout=60_000,
        )
        self.page.wait_for_timeout(250)

    def run(self, script, argument=None):
        return self.page.evaluate(script, argument)

    def layout(self, name):
        self.page.locator(f'[data-part=layouts] button[data-name="{name}"]').click()
        self.page.mouse.move(2, 2)
        self.rest()

    def panels(self):
        return self.run(
            "viewer.scene.panels.map(({view, hemispheres, left, top, width, height, isSheet,"
            " unfolds}) => ({view: unfolds || isSheet ? 'flat' : view, hemispheres, left, top,"
            " width, height}))"
        )

    def stage(self):
        """Pixels of the stage's canvas as shown, (height, width, 3)."""
        shot = self.page.locator("[data-part=canvas]").first.screenshot()
        return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)

    def projected(self, panel, side):
        """Stage x, y and depth of every vertex of a hemisphere in a panel, (n, 3)."""
        flat = self.run(
            """([index, side]) => {
              const panel = viewer.scene.panels[index];
              const { nVertices } = viewer.mesh.hemispheres[side];
              return Array.from({ length: nVertices }, (_, vertex) =>
                viewer.pointing.picker.stagePosition(panel, side, vertex)).flat();
            }""",
            [panel, side],
        )
        return np.array(flat).reshape(-1, 3)

    def click_stage(self, x, y):
        box = self.page.locator("[data-part=canvas]").first.bounding_box()
        self.page.mouse.click(box["x"] + x, box["y"] + y)

    def move_on_stage(self, x, y):
        box = self.page.locator("[data-part=canvas]").first.bounding_box()
        self.page.mouse.move(box["x"] + x, box["y"] + y)
