"""What the tests of encoders share."""

import numpy as np
import pytest

from models.catalog import get_card
from models.encoders.reference_vision import ReferenceVision
from models.retinotopy import load_receptive_fields
from models.types import Selection

AVERAGE = Selection(("average",))


@pytest.fixture(scope="session")
def model():
    return ReferenceVision(get_card("reference-vision"))


@pytest.fixture(scope="session")
def fields():
    """Receptive fields of the 1,293 modelled vertices, in the order of a response's columns."""
    everywhere = load_receptive_fields()

    class Modelled:
        vertices = everywhere.modelled
        area = everywhere.area[vertices]
        eccentricity_deg = everywhere.eccentricity_deg[vertices]
        polar_angle_rad = everywhere.polar_angle_rad[vertices]
        x_deg = everywhere.x_deg[vertices]
        y_deg = everywhere.y_deg[vertices]
        is_left = vertices < 10242

    return Modelled


@pytest.fixture(scope="session")
def respond(model):
    """Responses (n_pictures, 1293) to stimuli under some settings."""

    def run(stimuli, **settings):
        chosen = model.card.default_settings().replace(**settings)
        responses = []
        for start in range(0, len(stimuli), 16):
            features = model.features(stimuli[start : start + 16], chosen)
            responses.append(model.readout(features, AVERAGE, chosen)[0].values)
        return np.concatenate(responses)

    return run
