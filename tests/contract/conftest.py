"""Every encoder of the catalog, and the fake that stands in for them, meets one contract.

Published models run on small random weights in their own layout.
"""

from dataclasses import replace

import numpy as np
import pytest

from models.catalog import CATALOG, get_card, load_object
from models.encoders import reference_vision
from models.stimulus import Stimulus
from tests.fakes import FakeEncodingModel
from tests.models.encoders import published_samples
from tests.seeded_weights import TINY_VARIANT, write_huze, write_text
from tests.stimuli import as_stimulus, noise

PICTURES = tuple(
    as_stimulus(np.random.default_rng(seed).integers(0, 256, (40, 50, 3), np.uint8), f"{seed}")
    for seed in range(5)
)
TRANSCRIPT = Stimulus.from_lines(
    ["Hello, are you there?", "", "the cat sat.", "Yes."], "talk", 1.49
)
FAKE = "fake"
#: Subjects whose small weights are written: two are enough to tell one from another.
N_SUBJECTS = 2


def _write_things(card, home):
    published_samples.write_vit(home)
    for subject, _ in card.subjects:
        published_samples.write_things_subject(card, home, subject)


def _write_mosaic(card, home):
    published_samples.write_mosaic(card, home, [subject for subject, _ in card.subjects])


#: Part of a model's id -> what writes its files below a folder.
WRITERS = {
    "huze": lambda card, home: write_huze(home),
    "text2fmri": lambda card, home: write_text(home),
    "things": _write_things,
    "mosaic": _write_mosaic,
}


def _make(card, home):
    """A model on small weights; the embedded one on its own numbers."""
    if card.is_embedded:
        return load_object(card.encoder)(card)
    if card.modality == "image":
        card = replace(card, subjects=card.subjects[:N_SUBJECTS])
    (write,) = (write for part, write in WRITERS.items() if part in card.id)
    write(card, home)
    options = {"variant": TINY_VARIANT} if "text2fmri" in card.id else {}
    return load_object(card.encoder)(card, device="cpu", home=home, **options)


@pytest.fixture(scope="session")
def make_encoder(tmp_path_factory):
    """Encoders by id, each made once."""
    made = {FAKE: FakeEncodingModel()}

    def make(name):
        if name not in made:
            made[name] = _make(get_card(name), tmp_path_factory.mktemp(name[:12]))
        return made[name]

    return make


@pytest.fixture(params=[*(card.id for card in CATALOG), FAKE])
def encoder(request, make_encoder):
    """Every model."""
    return make_encoder(request.param)


@pytest.fixture(params=[*(card.id for card in CATALOG if card.modality == "image"), FAKE])
def picture_encoder(request, make_encoder):
    """Every model that takes pictures."""
    return make_encoder(request.param)


@pytest.fixture(autouse=True)
def small_reference(monkeypatch):
    """Three generated pictures instead of the built-in set: quicker, and the same contract."""
    pictures = tuple(as_stimulus(noise(40, 8.4, seed)) for seed in range(3))
    monkeypatch.setattr(reference_vision, "reference_pictures", lambda: pictures)
