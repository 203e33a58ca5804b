"""R2 against an independent program's answers; see tests/golden_data/README.md."""

from pathlib import Path

import numpy as np
import pytest

from models.atlases import load_atlas
from models.catalog import get_card, load_object
from models.encoders import _word_features
from models.stimulus import Stimulus
from models.types import Selection

GOLDEN = Path(__file__).parents[2] / "golden_data" / "reference_language.npz"


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as archive:
        return dict(archive)


def test_every_parcel_agrees_with_the_independent_program(golden, monkeypatch):
    """Within 1.5 % of the largest response: its rate window lies half a step elsewhere."""
    monkeypatch.setattr(_word_features, "_has_wordfreq", lambda: False)
    card = get_card("reference-language")
    model, settings = load_object(card.encoder)(card), card.default_settings()
    stimulus = Stimulus.from_lines(golden["lines"].tolist(), "t", 2.0, golden["onsets_s"])
    features = model.features([stimulus], settings)
    response = model.readout(features, Selection(("average",)), settings)[0]
    areas = load_atlas("mmp360", "mmp").names
    names = [f"{'LR'[side]}_{area}" for side in (0, 1) for area in areas]
    order = [golden["parcels"].tolist().index(names[column]) for column in response.column_indices]
    expected = golden["values"][:, order]
    assert expected.shape == response.values.shape == (36, 66)
    error = np.abs(response.values - expected)
    assert error.max() < 0.015 * np.abs(expected).max()
    assert error.mean() < 0.005 * np.abs(expected).max()
