"""A brain of a few thousand voxels, a plain page around the volume viewer, and what tests ask."""

import base64
import io

import numpy as np
from PIL import Image

from components.static import static_url
from components.volume import pack_volume
from models.types import Provenance, Response, Space
from models.voxel_grid import VoxelGrid, voxel_grid
from tests.browser.viewer_page import FileServer, ViewerPage

PAGE = """<!doctype html><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{css}<link rel="icon" href="data:,">
<style>body {{ margin: 0; padding: 12px; background: #fff; font-family: sans-serif }}</style>
<div id="host"></div>
<script type="module">
const {{ mountVolume }} = await import(new URL("{js}", document.baseURI).href);
globalThis.take = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
globalThis.picks = [];
globalThis.unpins = 0;
globalThis.mounted = mountVolume(document.getElementById("host"), {{
  data: await take("first.bin"), view: "test", onPick: (pick) => picks.push(pick),
  onUnpin: () => unpins++,
}});
await mounted.ready;
globalThis.viewer = mounted.viewer;
globalThis.ready = true;
</script>"""

#: Cells of the brain to the right, to the front and upwards.
SIZE = np.array((34, 44, 30))
PROVENANCE = Provenance("m", "Test model", "1", "0" * 64, "sub-01", "Only a test.", "TEST")

#: Middle (right, front, up) and half width of regions, as shares of the brain.
REGIONS = {
    "V1": ((0.5, 0.12, 0.48), 0.09),
    "lFFA": ((0.22, 0.38, 0.25), 0.07),
    "rFFA": ((0.78, 0.38, 0.25), 0.07),
    "lPPA": ((0.3, 0.42, 0.3), 0.06),
    "rPPA": ((0.7, 0.42, 0.3), 0.06),
    "lTOS": ((0.28, 0.22, 0.7), 0.06),
    "rTOS": ((0.72, 0.22, 0.7), 0.06),
    "lRSC": ((0.4, 0.3, 0.6), 0.05),
    "rRSC": ((0.6, 0.3, 0.6), 0.05),
    "low": ((0.3, 0.2, 0.3), 0.06),
}


class VoxelRegions:
    """Regions as masks."""

    def __init__(self, places, n_places):
        self.places, self.n_places = places, n_places
        self.names = tuple(places)

    def mask(self, region):
        return np.isin(np.arange(self.n_places), self.places[region])


class Brain:
    """An ellipsoid brain whose indices are right, front and up in some order, some of them turned.

    ``anatomy`` (n_places, 3) says where each voxel truly lies, whatever its indices are.
    """

    def __init__(self, order=(0, 1, 2), flipped=(), is_known=True, margin=2):
        cells = np.stack(np.meshgrid(*map(np.arange, SIZE), indexing="ij"), -1).reshape(-1, 3)
        inside = (((cells + 0.5) / SIZE * 2 - 1) ** 2).sum(axis=1) < 1
        self.anatomy = cells[inside]
        turned = self.anatomy.copy()
        for axis in flipped:
            turned[:, axis] = SIZE[axis] - 1 - turned[:, axis]
        self.indices = turned[:, list(order)] + margin
        self.regions = VoxelRegions(
            {name: self.near(middle, half) for name, (middle, half) in REGIONS.items()},
            len(self.anatomy),
        )
        self.space = Space("test-voxels", "volume", len(self.anatomy), 0)
        self.grid = (
            voxel_grid(self.indices, self.regions.places)
            if is_known
            else VoxelGrid(tuple(self.indices.max(axis=0) + 1), self.indices)
        )

    def near(self, middle, half):
        """Voxels of a box, both as shares of the brain."""
        share = (self.anatomy + 0.5) / SIZE
        return np.flatnonzero((abs(share - middle) <= half).all(axis=1))

    def place_at(self, right, front, up):
        """Voxel of an anatomical cell."""
        (place,) = np.flatnonzero((self.anatomy == (right, front, up)).all(axis=1))
        return int(place)

    def message(self, values, columns=None, is_signed=False, **options):
        labels = tuple(f"frame {i}" for i in range(len(values)))
        response = Response(
            np.asarray(values, "f4"), self.space, labels, "z", is_signed, PROVENANCE, columns
        )
        return pack_volume(response, self.grid, self.regions, **options)

    def blob(self, n_frames=1):
        """Frame 0: 1 in region ``low`` and 0 elsewhere; later frames 0."""
        values = np.zeros((n_frames, len(self.anatomy)), "f4")
        values[0, self.regions.places["low"]] = 1.0
        return values


def volume_server():
    """Server of the page."""
    sheets = (static_url("shared", "viewer.css"), static_url("volume", "volume.css"))
    css = "".join(f'<link rel="stylesheet" href="{sheet}">' for sheet in sheets)
    return FileServer(PAGE.format(css=css, js=static_url("volume", "main.js")))


class VolumePage(ViewerPage):
    """One page with a mounted volume viewer."""

    def panels(self):
        return self.run(
            "viewer.panels.map(({kind, plane, left, top, width, height, image, scale}) => ({kind,"
            " plane: viewer.grid.planes[plane].title, left, top, width, height, image, scale}))"
        )

    def picture(self, panel, pixels=None):
        """Pixels of one panel's picture, (height, width, 3)."""
        pixels = self.stage() if pixels is None else pixels
        left, top, width, height = (
            round(panel["image"][name]) for name in ("left", "top", "width", "height")
        )
        return pixels[top : top + height, left : left + width]

    def bare_stage(self):
        """Pixels of the canvas without crosshair and outlines."""
        self.run("viewer.set({lines: false, outlines: false})")
        self.page.mouse.move(2, 2)
        self.rest()
        return self.canvas()

    def canvas(self):
        """Pixels of pictures and marks, (height, width, 4); without letters and sliders."""
        png = self.run("viewer.drawStage().toDataURL().split(',')[1]")
        image = Image.open(io.BytesIO(base64.b64decode(png)))
        return np.asarray(image.convert("RGBA")).astype(int)

    def cross(self):
        return self.run("viewer.state.cross")

    def text(self, part):
        return self.page.locator(f"[data-part={part}]").text_content()
