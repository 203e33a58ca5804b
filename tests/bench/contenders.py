"""What each contender is given: the same meshes and the same activity."""

from __future__ import annotations

import plotly.graph_objects as go
from nilearn.plotting import view_surf
from nilearn.surface import InMemoryMesh

from models.types import FloatArray
from tests.bench.activity import gaussian_sums
from tests.bench.geometry import load_geometry

#: CSS pixels of every picture; at device scale 1 also the size of its drawing buffer.
WIDTH, HEIGHT = 1120, 520


def activity_of(mesh: str, n_frames: int, seed: int) -> FloatArray:
    """Values (n_frames, n_vertices), float32, between -1 and 1."""
    return gaussian_sums(load_geometry(mesh).positions, n_frames, seed)


def plotly_figure(mesh: str, n_frames: int, seed: int) -> go.Figure:
    """One Mesh3d seen from above whose frames replace its intensities only.

    The button "Step" plays what the bench writes into its arguments; "Play" plays all.
    """
    geometry = load_geometry(mesh)
    values = activity_of(mesh, n_frames, seed)
    x, y, z = geometry.positions.T
    i, j, k = geometry.faces.T
    surface = go.Mesh3d(
        **{"x": x, "y": y, "z": z, "i": i, "j": j, "k": k},
        **{"intensity": values[0], "cmin": -1, "cmax": 1, "colorscale": "RdBu_r"},
        showscale=False,
    )
    frames = [
        go.Frame(name=str(n), data=[go.Mesh3d(intensity=frame)], traces=[0])
        for n, frame in enumerate(values)
    ]
    at_once = {"mode": "immediate", "transition": {"duration": 0}}
    at_once["frame"] = {"duration": 0, "redraw": True}
    buttons = [
        {"label": "Step", "method": "animate", "args": [["0"], at_once]},
        {"label": "Play", "method": "animate", "args": [None, at_once]},
    ]
    hidden_axis = {"visible": False}
    figure = go.Figure(data=[surface], frames=frames if n_frames > 1 else [])
    figure.update_layout(
        width=WIDTH,
        height=HEIGHT,
        uirevision="brain",  # the documented way to keep what the visitor changed
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        updatemenus=[{"type": "buttons", "x": 0.1, "y": 0.2, "buttons": buttons}],
        scene={
            **{f"{axis}axis": hidden_axis for axis in "xyz"},
            "aspectmode": "data",
            "camera": {
                "eye": {"x": 0.0, "y": 0.0, "z": 1.3},
                "up": {"x": 0, "y": 1, "z": 0},
                "projection": {"type": "orthographic"},
            },
        },
    )
    return figure


def view_surf_html(mesh: str, seed: int) -> str:
    """The page nilearn writes for the first frame."""
    geometry = load_geometry(mesh)
    view = view_surf(
        InMemoryMesh(geometry.positions, geometry.faces),
        activity_of(mesh, 1, seed)[0],
        vmax=1.0,
        view="top",
    )
    return str(view.get_standalone())
