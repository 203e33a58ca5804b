"""Small responses and atlases for tests, with values that can be checked by hand."""

import numpy as np

from models.atlases import Atlas
from models.spaces import get_space, load_mesh
from models.types import Provenance, Response, Space

#: Four places a hemisphere.
TOY = Space("toy", "surface", 4, 4, "eight places")

#: V1 at places 0, 1 (left) and 4 (right); V2 at 2 (left) and 5, 6 (right); 3 and 7 are neither.
TOY_ATLAS = Atlas(
    name="toy areas",
    title="Toy areas",
    space=TOY,
    names=("V1", "V2"),
    labels=np.array([1, 1, 2, 0, 1, 2, 2, 0]),
    groups={"Early": ("V1", "V2")},
    citation="none",
)


def a_provenance(**changes):
    """Provenance with every field filled in."""
    facts = {
        "model_id": "reference-vision",
        "model_title": "Reference model (R1)",
        "version": "R1 parameters 1",
        "weights_sha256": "ab" * 32,
        "subject": "Average brain",
        "caveat": "Not a prediction for any individual.",
        "badge": "REFERENCE R1",
        "citation": "Kay et al. 2013, PLoS Comput Biol",
        "licence": "MIT",
        "selection": {"subjects": ["average"], "regions": ["V1"]},
        "settings": {"visual_angle_deg": 8.4},
    }
    return Provenance(**{**facts, **changes})


def a_response(values, space=TOY, **changes):
    """Response with labels made up where none are given."""
    values = np.atleast_2d(np.asarray(values, np.float32))
    facts = {
        "row_labels": tuple(f"picture {index}" for index in range(len(values))),
        "units": "relative response (model units)",
        "is_signed": False,
        "provenance": a_provenance(),
    }
    return Response(values, space, **{**facts, **changes})


def a_blob(hemisphere, value=1.0, **changes):
    """fsaverage5 response that is ``value`` on one occipital pole and NaN elsewhere.

    The pole is the 300 most posterior vertices of the white surface of one hemisphere.
    """
    space = get_space("fsaverage5")
    y = load_mesh("fsaverage5", "white").hemisphere(hemisphere).positions[:, 1]
    start = space.hemisphere_slice(hemisphere).start
    values = np.full(space.n_places, np.nan, np.float32)
    values[start + np.argsort(y)[:300]] = value
    return a_response(values, space, **changes)
