"""Draw triangles with VTK, off screen, in a process of its own: ``still_worker <folder>``.

VTK ends its process with a segmentation fault where OpenGL is missing, so ``models.drawing.still``
never calls it in its own. In the folder are ``job.json`` and ``job.npz``; this writes
``panels.npz``, or ``missing.json`` with the system libraries that could not be loaded.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from models.types import FloatArray, IntArray, UInt8Array

__all__ = ["main", "missing_libraries"]

_EXIT_MISSING = 3
_OVERSAMPLING = 3


def missing_libraries(names: list[str]) -> list[str]:
    """Those shared libraries that this machine cannot load."""
    missing = []
    for name in names:
        try:
            ctypes.CDLL(name)
        except OSError:
            missing.append(name)
    return missing


def main(folder: Path) -> int:
    """Draw one job; return the exit status."""
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    missing = missing_libraries(job["libraries"])
    if missing:
        (folder / "missing.json").write_text(json.dumps(missing), encoding="utf-8")
        return _EXIT_MISSING
    with np.load(folder / "job.npz", allow_pickle=False) as arrays:
        panels = {
            f"panel_{index}": _draw(
                arrays[f"positions_{index}"],
                arrays[f"faces_{index}"],
                arrays[f"colours_{index}"],
                (width, height),
            )
            for index, (width, height) in enumerate(job["sizes"])
        }
    np.savez(folder / "panels.npz", allow_pickle=False, **panels)
    return 0


def _draw(
    positions: FloatArray, faces: IntArray, colours: UInt8Array, size: tuple[int, int]
) -> UInt8Array:
    """One panel (height, width, 3); colours are drawn as they are, without lights.

    Drawn larger and averaged: multisampling extrapolates colours at the rims of triangles, which
    leaves light specks along folds.
    """
    import pyvista

    width, height = size
    larger = [_OVERSAMPLING * width, _OVERSAMPLING * height]
    mesh: Any = pyvista.PolyData.from_regular_faces(positions, faces)
    mesh.point_data["colours"] = colours
    plotter = pyvista.Plotter(off_screen=True, window_size=larger, lighting="none")
    plotter.disable_anti_aliasing()
    plotter.set_background("white")
    plotter.add_mesh(mesh, scalars="colours", rgb=True, lighting=False, show_scalar_bar=False)
    camera = plotter.camera
    camera.parallel_projection = True
    camera.focal_point = (width / 2, height / 2, 0.0)
    camera.position = (width / 2, height / 2, 10.0 * max(size))
    camera.up = (0.0, 1.0, 0.0)
    camera.parallel_scale = height / 2
    plotter.renderer.reset_camera_clipping_range()
    image = np.asarray(plotter.screenshot(return_img=True), dtype=np.float32)[..., :3]
    plotter.close()
    blocks = image.reshape(height, _OVERSAMPLING, width, _OVERSAMPLING, 3)
    pixels: UInt8Array = np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)
    return pixels


if __name__ == "__main__":
    os.environ.pop("DISPLAY", None)  # never a window, even where there is a screen
    sys.exit(main(Path(sys.argv[1])))
