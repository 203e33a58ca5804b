"""Links to the page Decode: there and back, and what cannot be used."""

from dataclasses import replace

import pytest

from app.decode_link import (
    MAKER,
    READER,
    DecodeState,
    Source,
    from_query,
    pairing,
    repaired,
    to_query,
)

HUZE = "fmri-nsd_fsaverage-huze"


def read(query, reason=""):
    return from_query(query, lambda card, subject: reason, lambda source: ("V1", "V2"))


def test_the_first_visit_has_an_empty_link():
    assert to_query(DecodeState()) == {}
    assert read({}) == (DecodeState(), ())


@pytest.mark.parametrize(
    "state",
    [
        DecodeState(shown="Cat, part 1", seed=12, n_repeats=20, missed_percent=0, noise=0.0),
        DecodeState(maker=READER, reader=MAKER, regions=("V1", "V2"), n_pictures=300),
        DecodeState(maker=Source(HUZE, "sub-02"), reader=Source(HUZE, "sub-05")),
        DecodeState(method="mlp", is_left_out=True, noise=1.35),
    ],
)
def test_a_link_brings_the_page_back(state):
    assert read(to_query(state)) == (state, ())


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"noise": "3"}, "0 to 2"),
        ({"repeats": "many"}, "1 to 20"),
        ({"method": "magic"}, "magic"),
        ({"maker": "nobody~x"}, "no model 'nobody'"),
        ({"maker": "reference-vision~average~other"}, "no model of pictures"),
        ({"reader": "reference-language~average"}, "no model of pictures"),
        ({"places": "V9"}, "V9"),
        ({"pattern": "uploaded"}, "never kept"),
        ({"gallery": "own"}, "never kept"),
    ],
)
def test_what_a_link_asks_in_vain_costs_a_sentence(query, words):
    state, notices = read(query)
    assert state == DecodeState()
    assert len(notices) == 1
    assert words in notices[0]


def test_a_model_without_files_is_not_taken():
    state, notices = read({"maker": f"{HUZE}~sub-01"}, "needs about 0.6 GB")
    assert state.maker == MAKER
    assert "Models page" in notices[0]


def test_the_usual_pair_is_two_sets_of_parameters_of_one_model():
    assert MAKER.settings == MAKER.card.default_settings()
    assert READER.settings["receptive_field_size"] == "wandell2015"
    assert READER.settings["second_order_contrast"] == 0
    assert pairing(DecodeState()).title == "same family, partly independent"


def test_a_circular_pair_says_so_and_cannot_be_without_noise():
    circular = DecodeState(reader=MAKER, noise=0.0)
    assert pairing(circular).kind == "circular"
    assert repaired(circular).noise > 0
    assert read({"reader": MAKER.write(), "noise": "0"})[0].noise > 0
    assert repaired(DecodeState(noise=0.0)).noise == 0


def test_pairs_are_named_by_what_they_share():
    one, other = Source(HUZE, "sub-01"), Source(HUZE, "sub-05")
    assert "other person" in pairing(DecodeState(maker=one, reader=other)).title
    assert pairing(DecodeState(maker=one, reader=READER)).kind == "independent"
    assert pairing(DecodeState(maker=one, reader=one)).kind == "circular"
    assert pairing(replace(DecodeState(reader=MAKER), method="ridge")).kind == "trained"
    assert pairing(replace(DecodeState(reader=MAKER), origin="uploaded")).kind == "unknown"
