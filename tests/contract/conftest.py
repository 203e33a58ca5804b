"""Every encoder of pictures, and the fake that stands in for them, meets one contract."""

import numpy as np
import pytest

from models.catalog import CATALOG, load_object
from models.encoders import reference_vision
from tests.fakes import FakeEncodingModel
from tests.stimuli import as_stimulus, noise

PICTURES = tuple(
    as_stimulus(np.random.default_rng(seed).integers(0, 256, (40, 50, 3), np.uint8), f"{seed}")
    for seed in range(5)
)
IMAGE_CARDS = [card for card in CATALOG if card.modality == "image"]


@pytest.fixture(scope="session", params=[*(card.id for card in IMAGE_CARDS), "fake"])
def encoder(request):
    if request.param == "fake":
        return FakeEncodingModel()
    card = next(card for card in CATALOG if card.id == request.param)
    return load_object(card.encoder)(card)


@pytest.fixture(autouse=True)
def small_reference(monkeypatch):
    """Three generated pictures instead of the built-in set: quicker, and the same contract."""
    pictures = tuple(as_stimulus(noise(40, 8.4, seed)) for seed in range(3))
    monkeypatch.setattr(reference_vision, "reference_pictures", lambda: pictures)
