"""Print-quality stills of the cortex: VTK in a guarded child process, the page by matplotlib."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.drawing.page import Tile, compose_page
from models.drawing.paint import look_for
from models.drawing.panels import Drawing, Focus, arrange, draw_panels
from models.errors import RenderError
from models.types import Response, UInt8Array

__all__ = ["OPENGL", "WORKER", "draw_still", "render"]

#: Command of the child process; the folder of the job is added.
WORKER = (sys.executable, "-m", "models.drawing.still_worker")

#: OpenGL window that VTK can be told to use -> library it cannot do without, Debian packages.
#: Tried by hiding the libraries: without the first VTK crashes, and without Mesa's part too.
OPENGL: dict[str, tuple[str, str]] = {
    "vtkEGLRenderWindow": ("libEGL.so.1", "libegl1 libegl-mesa0 libgl1-mesa-dri"),
    "vtkOSOpenGLRenderWindow": ("libOSMesa.so.8", "libosmesa6"),
    "vtkXOpenGLRenderWindow": ("libX11.so.6", "libx11-6 libgl1 libgl1-mesa-dri"),
}
_ROOT = Path(__file__).parents[2]


def draw_still(
    response: Response,
    row: int = 0,
    views: str | Sequence[str] = "four",
    shape: str = "inflated",
    colormap: str | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    threshold: float = 0.0,
    focus: Focus = "brain",
    width_mm: float = 183.0,
    dpi: int = 300,
    timeout_s: float = 120.0,
) -> bytes:
    """Draw one row of a response for print.

    Parameters
    ----------
    response : Response
        On a surface.
    row : int
        Row of the response.
    views : str or sequence of str
        ``"four"`` (lateral and medial of both hemispheres), ``"occipital"``, the name of one of
        ``layout.VIEWS``, or several of those. The flat shape has the view ``"flat"``.
    shape : str
        A surface shape of the response's space.
    colormap : str, optional
        One of ``colormaps.COLORMAPS``; default by the sign of the response.
    minimum, maximum : float, optional
        Limits of the colour bar, in the response's units; default
        :func:`models.drawing.paint.limits_of`, the same for all rows.
    threshold : float
        Values nearer to zero than this are not drawn.
    focus : {"brain", "modelled"}
        Whole hemispheres, or only the part around modelled places.
    width_mm : float
        Width of the page; 183 is two columns of a journal, 89 is one.
    dpi : int
        Dots an inch.
    timeout_s : float
        The child process is stopped after this.

    Returns
    -------
    bytes
        PNG with its resolution and, in the text chunk ``Provenance``, the provenance as JSON.

    Raises
    ------
    RenderError
        This machine cannot draw (the text names the missing system package), it took too long,
        or a choice makes no sense.
    SpaceMismatchError
        The space has no such shape, or there is no such view.
    """
    if not (60 <= width_mm <= 420 and 50 <= dpi <= 600):
        raise RenderError(
            f"A page is 60 to 420 mm wide at 50 to 600 dpi; got {width_mm:g} mm at {dpi:g} dpi."
        )
    look = look_for(response, colormap, minimum, maximum, threshold)
    lines = draw_panels(response, row, arrange(views, shape), shape, look, width_mm, dpi, focus)
    pixels = iter(render([drawing for line in lines for drawing in line], timeout_s))
    tiles = tuple(
        tuple(Tile(next(pixels), one.title, one.left_side, one.right_side) for one in line)
        for line in lines
    )
    return compose_page(tiles, response, row, look, width_mm, dpi)


def render(
    drawings: Sequence[Drawing], timeout_s: float, worker: Sequence[str] = WORKER
) -> list[UInt8Array]:
    """Turn triangles into pixels in a child process.

    Parameters
    ----------
    drawings : sequence of Drawing
    timeout_s : float
        The child is killed after this.
    worker : sequence of str
        Command of the child.

    Returns
    -------
    list of ndarray of shape (height, width, 3), uint8
        One a drawing, on white.

    Raises
    ------
    RenderError
        The child crashed, hung, or found no OpenGL.
    """
    environment = _environment()
    window = environment.get("VTK_DEFAULT_OPENGL_WINDOW", "")
    with tempfile.TemporaryDirectory(prefix="boldcast-still-") as name:
        folder = Path(name)
        _write_job(folder, drawings, [OPENGL[window][0]] if window in OPENGL else [])
        try:
            child = subprocess.run(
                [*worker, str(folder)],
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RenderError(
                f"The picture was not drawn within {timeout_s:g} s, so it was stopped. "
                "Try a smaller width or fewer dots an inch."
            ) from None
        if child.returncode != 0:
            raise RenderError(_explain(folder, child.returncode, child.stderr, window))
        with np.load(folder / "panels.npz", allow_pickle=False) as panels:
            return [panels[f"panel_{index}"] for index in range(len(drawings))]


def _environment() -> dict[str, str]:
    """Environment of the child: no screen, and on Linux EGL unless something else is asked for."""
    environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    paths = [str(_ROOT), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    environment["PYVISTA_OFF_SCREEN"] = "true"
    if platform.system() == "Linux":
        environment.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    return environment


def _write_job(folder: Path, drawings: Sequence[Drawing], libraries: list[str]) -> None:
    """Files that the child reads: plain JSON and arrays."""
    sizes = [[drawing.width, drawing.height] for drawing in drawings]
    job = json.dumps({"sizes": sizes, "libraries": libraries})
    (folder / "job.json").write_text(job, encoding="utf-8")
    arrays = {
        f"{name}_{index}": getattr(drawing, name)
        for index, drawing in enumerate(drawings)
        for name in ("positions", "faces", "colours")
    }
    np.savez(folder / "job.npz", allow_pickle=False, **arrays)


def _explain(folder: Path, status: int, stderr: bytes, window: str) -> str:
    """Why the child ended, and what to install."""
    packages = OPENGL[window][1] if window in OPENGL else ""
    advice = f" On Debian or Ubuntu: apt install {packages}" if packages else ""
    missing = folder / "missing.json"
    if missing.exists():
        libraries = ", ".join(json.loads(missing.read_text(encoding="utf-8")))
        return f"Drawing for print needs {libraries}, which this machine lacks.{advice}"
    if status < 0:
        ended = signal.Signals(-status).name
        return f"Drawing for print ended with {ended}: OpenGL fails off screen here.{advice}"
    last = stderr.decode(errors="replace").strip().splitlines()[-1:]
    return f"Drawing for print failed with status {status}: {' '.join(last) or 'no message'}"
