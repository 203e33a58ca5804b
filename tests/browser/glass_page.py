"""A plain page with a glass brain and one that follows it, and what tests ask of them."""

import numpy as np

from components.glass import pack_glass
from components.static import static_url
from models.drawing.glass import GlassProjector
from models.spaces import get_space, load_mesh
from models.types import Provenance, Response
from tests.browser.viewer_page import FileServer, ViewerPage

PAGE = """<!doctype html><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{css}<link rel="icon" href="data:,">
<style>body {{ margin: 0; padding: 12px; background: #fff; font-family: sans-serif }}</style>
<div id="host"></div><div id="second" data-follows="test"></div>
<script type="module">
const {{ mountGlass }} = await import(new URL("{js}", document.baseURI).href);
globalThis.take = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
globalThis.mounted = mountGlass(document.getElementById("host"), {{
  data: await take("first.bin"), view: "test",
}});
await mounted.ready;
globalThis.viewer = mounted.viewer;
globalThis.follow = async () => {{
  const second = mountGlass(document.getElementById("second"), {{
    data: await take("first.bin"), view: "second",
  }});
  await second.ready;
  globalThis.follower = second.viewer;
  return second;
}};
globalThis.ready = true;
</script>"""

SPACE = get_space("fsaverage5")
PROJECTOR = GlassProjector(SPACE)
PROVENANCE = Provenance("m", "Test model", "1", "0" * 64, "sub-01", "Only a test.", "TEST")


def positions():
    """Coordinates of every vertex, in mm."""
    mesh = load_mesh(SPACE.name, "pial")
    return np.concatenate([mesh.left.positions, mesh.right.positions])


def bump(x, y, z, width_mm=12.0):
    """1 at a position, falling to 0 around it."""
    away = ((positions() - (x, y, z)) ** 2).sum(axis=1)
    return np.exp(-away / (2 * width_mm**2)).astype(np.float32)


def message(values, is_signed=True, **options):
    labels = tuple(f"{2.0 * i:g}" for i in range(len(values)))
    response = Response(
        np.asarray(values, "f4"), SPACE, labels, "z", is_signed, PROVENANCE, None, "seconds"
    )
    return pack_glass(response, PROJECTOR.project_response(response), linked=SPACE.name, **options)


def glass_server():
    """Server of the page."""
    sheets = (static_url("shared", "viewer.css"), static_url("glass", "glass.css"))
    css = "".join(f'<link rel="stylesheet" href="{sheet}">' for sheet in sheets)
    return FileServer(PAGE.format(css=css, js=static_url("glass", "main.js")))


class GlassPage(ViewerPage):
    """One page with a mounted glass brain."""

    def panels(self):
        return self.run(
            "viewer.panels.map(({view, image, scale}) => ({name: viewer.sequence.views[view].name,"
            " image, scale, across: viewer.sequence.views[view].across,"
            " up: viewer.sequence.views[view].up}))"
        )

    def point(self, name, across, up):
        """Where a position in mm lies on the stage."""
        (panel,) = (one for one in self.panels() if one["name"] == name)
        _, first, step = panel["across"]
        x = panel["image"]["left"] + ((across - first) / step + 0.5) * panel["scale"]
        _, first, step = panel["up"]
        y = panel["image"]["top"] + ((up - first) / step + 0.5) * panel["scale"]
        return round(x), round(y)

    def text(self, part):
        return self.page.locator(f"#host [data-part={part}]").text_content()
