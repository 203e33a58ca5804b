"""What every row of the catalog owes: words, terms, and names that exist."""

from pathlib import Path

import pytest

from models.atlases import load_atlas
from models.catalog import CATALOG, load_object
from models.encoders.base import EncodingModel
from models.retinotopy import ReceptiveFields
from models.spaces import get_space


def by_id(card):
    return card.id


@pytest.fixture(params=CATALOG, ids=by_id)
def card(request):
    return request.param


def test_ids_are_unique():
    ids = [card.id for card in CATALOG]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    "field",
    [
        "title",
        "summary",
        "units",
        "licence",
        "citation",
        "version",
        "badge",
        "caveat",
        "long_caveat",
        "accuracy",
        "training",
        "output",
    ],
)
def test_every_text_is_there(card, field):
    text = getattr(card, field)
    assert text == text.strip()
    assert text


def test_sentences_end(card):
    about = (card.accuracy, card.training, card.output)
    for text in (card.summary, card.caveat, card.long_caveat, *about):
        assert text.endswith(".")


def test_encoder_exists(card):
    assert issubclass(load_object(card.encoder), EncodingModel)


def test_readme_names_the_model(card):
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert card.id in readme


def test_space_subjects_and_marked_regions_exist(card):
    assert get_space(card.space).name == card.space
    assert card.subjects
    assert len({subject for subject, _ in card.subjects}) == len(card.subjects)
    if card.is_embedded:
        model = load_object(card.encoder)(card)
        for subject, _ in card.subjects:
            assert set(card.low_confidence_regions) <= set(model.regions_of(subject).names)
    if card.atlas:
        assert load_atlas(card.space, card.atlas).space is get_space(card.space)


def test_receptive_fields_cover_the_space(card):
    if card.receptive_fields:
        fields = load_object(card.receptive_fields)()
        assert isinstance(fields, ReceptiveFields)
        assert fields.area.shape == (get_space(card.space).n_places,)


def test_settings_are_declared_in_full(card):
    names = [setting.name for setting in card.settings]
    assert len(set(names)) == len(names)
    for setting in card.settings:
        assert setting.label, setting.name
        assert setting.help.endswith("."), setting.name
        assert setting.changes in ("features", "readout"), setting.name
        assert setting.check(setting.default) == setting.default
        is_number = not isinstance(setting.default, bool | str)
        assert (setting.minimum is not None and setting.maximum is not None) == is_number


def test_no_weights_are_claimed_and_no_percent_signal_change(card):
    if card.is_embedded:
        assert "no weights trained on brain responses" in card.caveat
        assert "%" not in card.units
