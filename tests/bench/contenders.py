"""What each contender is given: the same meshes and the same activity."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from nilearn.plotting import view_surf
from nilearn.surface import InMemoryMesh

from components.brain import Layout, pack_view
from models.atlases import load_atlas
from models.types import FloatArray, Provenance, Response, Space
from tests.bench.activity import gaussian_sums
from tests.bench.geometry import load_geometry, mesh_url

#: CSS pixels of every picture; at device scale 1 also the size of its drawing buffer.
WIDTH, HEIGHT = 1120, 520
#: How large plotly draws, so that its brain covers as many pixels as ours.
ASPECT = 1.55


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
    extent = np.ptp(geometry.positions, axis=0)
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
            "aspectmode": "manual",
            "aspectratio": dict(zip("xyz", ASPECT * extent / np.cbrt(extent.prod()), strict=True)),
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


def our_message(mesh: str, n_frames: int, seed: int, layout: Layout = "dorsal") -> bytes:
    """What our viewer is given: one value a vertex."""
    space = load_geometry(mesh).space
    response = response_of(activity_of(mesh, n_frames, seed), space)
    return pack_view(
        response,
        mesh_url=mesh_url(mesh),
        atlas=None if mesh == "fine" else load_atlas(mesh, default_atlas(mesh)),
        layout=layout,
        height_px=HEIGHT,
    )


def our_parcel_message(mesh: str, n_frames: int, seed: int) -> bytes:
    """What our viewer is given: one value for each of the 360 areas of MMP 1.0."""
    atlas = load_atlas(mesh, "mmp")
    space = load_geometry(mesh).space
    values = activity_of(mesh, n_frames, seed)
    n_names = len(atlas.names)
    is_right = np.arange(space.n_places) >= space.n_left
    parcel = np.where(atlas.labels > 0, atlas.labels - 1 + n_names * is_right, 2 * n_names)
    n_parcels = 2 * n_names
    counts = np.bincount(parcel, minlength=n_parcels + 1)[:-1]
    means = np.array(
        [np.bincount(parcel, row, minlength=n_parcels + 1)[:-1] / counts for row in values]
    )
    parcels = Space("mmp", "parcels", n_names, n_names)
    return pack_view(
        response_of(means, parcels),
        mesh_url=mesh_url(mesh),
        mesh_vertices=(space.n_left, space.n_right),
        mesh_space=mesh,
        atlas=atlas,
        layout="dorsal",
        height_px=HEIGHT,
    )


def our_thousand_message(mesh: str, n_frames: int, seed: int) -> bytes:
    """Pack one value for each of 1,000 parcels, as many as Text2fMRI's.

    The mesh file knows the 360 areas of MMP 1.0 only, so 360 of the 1,000 are seen; what is sent,
    uploaded and looked up is the same.
    """
    space = load_geometry(mesh).space
    values = np.random.default_rng(seed).normal(size=(n_frames, 1000)).cumsum(axis=0)
    return pack_view(
        response_of(values / np.abs(values).max(), Space("thousand", "parcels", 500, 500)),
        mesh_url=mesh_url(mesh),
        mesh_vertices=(space.n_left, space.n_right),
        mesh_space=mesh,
        atlas=load_atlas(mesh, "mmp"),
        summary={},
        layout="dorsal",
        height_px=HEIGHT,
    )


def default_atlas(mesh: str) -> str:
    """Atlas whose regions are named and outlined."""
    return "retinotopy" if mesh == "fsaverage5" else "mmp"


def response_of(values: FloatArray, space: Space) -> Response:
    """Synthetic values as a response."""
    provenance = Provenance(
        **{"model_id": "bench", "model_title": "Synthetic blobs", "version": "1"},
        **{"weights_sha256": "", "subject": "nobody", "caveat": "Synthetic.", "badge": "synthetic"},
    )
    labels = tuple(str(number) for number in range(len(values)))
    return Response(values, space, labels, "arbitrary", True, provenance)
