import pytest

from models.catalog import CATALOG, get_card, list_cards, load_object
from models.errors import ModelNotFoundError
from models.retinotopy import load_receptive_fields


def test_cards_are_found_by_id_and_by_modality():
    card = get_card("reference-vision")
    assert card in list_cards("image")
    assert card not in list_cards("transcript")
    assert list_cards() == CATALOG


def test_an_unknown_id_names_the_nearest():
    with pytest.raises(ModelNotFoundError, match="Did you mean reference-vision"):
        get_card("reference-visoin")
    with pytest.raises(ModelNotFoundError, match="reference-vision"):
        get_card("zzz")


def test_load_object_follows_a_path():
    assert load_object("models.retinotopy:load_receptive_fields") is load_receptive_fields


def test_reference_vision_is_labelled_word_for_word():
    """The label says what the model is not; its wording was agreed on and is not to drift."""
    card = get_card("reference-vision")
    assert card.badge == "REFERENCE R1 - early visual cortex, model units"
    assert card.caveat == (
        "Reference model: published equations; no weights trained on brain responses; the average "
        "map's shape was fitted to a published atlas (R1). Not a prediction for any individual."
    )
    assert card.long_caveat == (
        "Computed from your picture's local contrast with published equations (Kay et al. 2013; "
        "Broderick et al. 2022) on an average brain's map. People's maps differ in size up to "
        "threefold. It knows nothing about what the picture shows. Grey = outside V1-V3/hV4 or "
        "outside the picture."
    )
    assert card.low_confidence_regions == ("hV4",)
    assert card.default_settings()["visual_angle_deg"] == 8.4
