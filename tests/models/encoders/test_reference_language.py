"""R2: features and places against hand-computed values; the six published facts are beside this."""

import math
import sys
from types import ModuleType

import numpy as np
import pytest
from nilearn.glm.first_level import spm_hrf

from models.atlases import load_atlas
from models.catalog import get_card, load_object
from models.encoders import _word_features
from models.encoders._language_systems import (
    SYSTEMS,
    language_regions,
    loadings,
    modelled_parcels,
    systems_sha256,
)
from models.encoders._word_features import (
    FEATURES,
    feature_courses,
    frequency_source,
    haemodynamic_response,
    is_function_word,
    rarity,
    sample_volumes,
    sentences_of,
)
from models.encoders.reference_language import select_parcels
from models.errors import SelectionError, StimulusError, UnknownRegionError
from models.stimulus import Stimulus
from models.transcript.words import Word, place_words, time_text, words_of
from models.types import Selection
from tests.bench.plain_language import plain_response


@pytest.fixture(autouse=True)
def built_in_frequencies(monkeypatch):
    """Hold what is installed here away from the numbers."""
    monkeypatch.setattr(_word_features, "_has_wordfreq", lambda: False)


@pytest.fixture(scope="module")
def model():
    card = get_card("reference-language")
    return load_object(card.encoder)(card)


def predict(model, stimulus, selection=None, **values):
    settings = model.card.default_settings().replace(**values)
    features = model.features([stimulus], settings)
    return model.readout(features, selection or Selection(("average",)), settings)[0]


def said(text, start_s=0.0, tr_s=2.0, n_rows=25, **options):
    return place_words(time_text(text, start_s=start_s, **options), tr_s, n_rows).stimulus("t")


def feature(name, words, length_s=20.0, saturation_wpm=90.0, memory_s=20.0):
    return feature_courses(words, length_s, saturation_wpm, memory_s)[FEATURES.index(name)]


def test_speech_is_one_while_a_word_lasts():
    words = [Word("cat", 1.0, 0.3), Word("dog", 2.0, 0.25), Word("owl", 19.96, 0.3)]
    speech = feature("speech", words)
    assert speech.shape == (200,)
    np.testing.assert_array_equal(np.flatnonzero(speech), [10, 11, 12, 20, 21])


def test_even_the_shortest_word_takes_one_step():
    assert feature("speech", [Word("a", 1.0, 0.0)]).sum() == 1


def test_rate_is_words_a_minute_in_two_seconds_around_now():
    """One word = 30 a minute, a third of 90; three or more saturate."""
    rate = feature("rate", [Word("cat", 5.0, 0.2)])
    np.testing.assert_array_equal(np.flatnonzero(rate), np.arange(40, 60))
    np.testing.assert_allclose(rate[40:60], 1 / 3)
    many = [Word("cat", 5 + 0.4 * number, 0.2) for number in range(10)]
    assert feature("rate", many).max() == 1
    assert feature("rate", many, saturation_wpm=300).max() == pytest.approx(150 / 300)


def test_content_words_are_those_that_are_no_function_words():
    words = [Word("The", 0.0, 0.2), Word("cat's", 0.2, 0.2), Word("isn't", 0.4, 0.2)]
    np.testing.assert_array_equal(feature("content", words)[:6], [0, 0, 1, 1, 0, 0])


@pytest.mark.parametrize("word", ["the", "And,", "“they", "don't", "it’s", "I'll", "of."])
def test_function_words_are_known_in_any_dress(word):
    assert is_function_word(word)


@pytest.mark.parametrize("word", ["cat", "ran", "cat's", "theory", "12", "—"])
def test_other_words_are_not(word):
    assert not is_function_word(word)


def test_rarity_follows_the_built_in_rule_without_wordfreq():
    """Function words 0; cat: Zipf 6.2 - .28 x 3 = 5.36, (6.5 - 5.36) / 5 = .228."""
    assert rarity("The") == 0
    assert rarity("cat,") == pytest.approx(0.228)
    assert rarity("x" * 40) == pytest.approx(1.0)
    assert "built-in rule" in frequency_source()


def test_rarity_uses_wordfreq_where_it_is_installed(monkeypatch):
    asked = []

    def zipf_frequency(word, language):
        asked.append((word, language))
        return {"cat": 4.0}.get(word, 0.0)

    package = ModuleType("wordfreq")
    package.zipf_frequency = zipf_frequency
    monkeypatch.setitem(sys.modules, "wordfreq", package)
    monkeypatch.setattr(_word_features, "_has_wordfreq", lambda: True)
    monkeypatch.setattr(_word_features, "version", lambda name: "3.1.1")
    _word_features._zipf.cache_clear()
    _word_features._rarity.cache_clear()
    try:
        assert rarity("Cat!") == pytest.approx(0.5)
        assert rarity("blorbish") == 1.0  # unknown: Zipf 0 counts as 1
        assert asked == [("cat", "en"), ("blorbish", "en")]
        assert frequency_source() == "wordfreq 3.1.1, English"
    finally:
        _word_features._zipf.cache_clear()
        _word_features._rarity.cache_clear()


def test_sentences_end_at_marks_and_at_gaps_of_two_seconds():
    words = time_text("The cat sat. Did it? it did")
    words = (*words, Word("then", words[-1].end_s + 1.9, 0.2), Word("not", 30.0, 0.2))
    assert [(s.first, s.stop) for s in sentences_of(words)] == [(0, 3), (3, 5), (5, 8), (8, 9)]


def test_a_list_has_less_than_a_tenth_function_words():
    (nouns,) = sentences_of(time_text("cat dog owl " * 3 + "cow"))
    (tenth,) = sentences_of(time_text("cat dog owl " * 3 + "the"))
    assert nouns.is_list
    assert nouns.structure == 0
    assert not tenth.is_list  # 1 of 10 is not less than a tenth


def test_structure_is_the_logarithm_of_sentence_size_up_to_twelve_words():
    """Four words: log2 5 / log2 13."""
    (four,) = sentences_of(time_text("The cat sat down."))
    (twenty,) = sentences_of(time_text("the cat " * 10))
    assert four.structure == pytest.approx(math.log2(5) / math.log2(13))
    assert twenty.structure == 1


def test_discourse_is_a_leaky_memory_of_structured_speech():
    """100 s of continuous speech with a memory of 20 s: 1 - exp(-t / 20)."""
    words = [Word("the", 0.1 * number, 0.1) for number in range(1000)]
    discourse = feature("discourse", words, 100.0)
    times_s = (np.arange(1000) + 1) * 0.1
    np.testing.assert_allclose(discourse, 1 - np.exp(-times_s / 20), atol=1e-9)
    silent = feature("discourse", words[:500], 100.0)
    assert not silent[500:].any()
    assert not feature("discourse", [Word("cat", 0.0, 50.0)], 100.0).any()  # a list


def test_the_response_is_spm_s_as_nilearn_computes_it():
    ours = haemodynamic_response()
    np.testing.assert_allclose(ours, spm_hrf(0.1, oversampling=1, time_length=32.0), atol=1e-12)
    assert ours.sum() == pytest.approx(1)
    assert np.argmax(ours) * 0.1 == pytest.approx(5.1, abs=0.11)


@pytest.mark.parametrize("peak_s", [3.0, 4.0, 7.5])
def test_another_peak_stretches_the_response(peak_s):
    response = haemodynamic_response(peak_s)
    assert response.sum() == pytest.approx(1)
    assert np.argmax(response) * 0.1 == pytest.approx(peak_s, abs=0.25)
    canonical = haemodynamic_response()
    assert response.min() / response.max() == pytest.approx(
        canonical.min() / canonical.max(), abs=0.01
    )


def test_volumes_are_sampled_in_their_middle():
    """An impulse at 0 s shows the response itself: at 1, 3, 5 s for volumes of 2 s."""
    course = np.zeros((1, 100))
    course[0, 0] = 1
    response = haemodynamic_response()
    sampled = sample_volumes(course, response, 5, 2.0)[:, 0]
    np.testing.assert_allclose(sampled, response[[10, 30, 50, 70, 90]])


def test_the_whole_equals_the_plain_form_of_it():
    """See tests/bench/plain_language.py: written from the description, step by step."""
    text = "The old man sat down. He was tired! cat dog owl cow hen fox bat rat elk ant."
    stimulus = said(text, 3.3, tr_s=1.49, n_rows=20, words_a_second=2.1)
    words = [(word.text, word.onset_s, word.end_s) for word in words_of(stimulus)]
    card = get_card("reference-language")
    found = predict(load_object(card.encoder)(card), stimulus).values
    expected = plain_response(
        words, 20, 1.49, loadings(), haemodynamic_response(), is_function_word, rarity
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.ptp(found) > 0.1


def test_66_parcels_are_modelled_33_a_hemisphere(model):
    response = predict(model, said("Hello there.", 2.0))
    assert response.space.name == "mmp360"
    assert response.values.shape == (25, 66)
    assert (response.column_indices < 180).sum() == 33
    np.testing.assert_array_equal(response.column_indices[33:], response.column_indices[:33] + 180)
    assert np.isnan(response.dense()).sum() == 25 * (360 - 66)
    assert response.row_labels[:3] == ("0.00", "2.00", "4.00")
    assert response.row_kind == "seconds"


def test_parcels_are_the_atlas_s_areas_in_its_order():
    """HCP MMP 1.0: area k of the list has label k on the left and 180 + k on the right."""
    parcels = load_atlas("mmp360", "mmp")
    vertices = load_atlas("fsLR32k", "mmp")
    assert parcels.names == vertices.names
    place = parcels.names.index("A1")
    np.testing.assert_array_equal(np.flatnonzero(parcels.mask("A1")), [place, 180 + place])
    assert parcels.region_at(180 + place) == "A1"
    assert language_regions().region_at(180 + place) == "A1"


def test_regions_are_five_systems_and_their_areas(model):
    regions = model.regions_of("average")
    assert regions.groups["Systems"] == tuple(system.name for system in SYSTEMS)
    assert len(regions.names) == 5 + 33
    union = np.any([regions.mask(name) for name in regions.groups["Systems"]], axis=0)
    np.testing.assert_array_equal(np.flatnonzero(union), modelled_parcels())
    assert regions.mask("Auditory core and belt").sum() == 12
    assert not any("," in name for name in regions.names)  # links list them with commas
    for system in SYSTEMS:
        assert system.sources in regions.descriptions[system.name]


def test_strengths_are_those_of_the_table():
    """By hand: left A1 = .2 speech + .8 rate; right STSva = .4 of the left one."""
    table, parcels = loadings(), modelled_parcels().tolist()
    names = load_atlas("mmp360", "mmp").names
    a1, stsva = names.index("A1"), names.index("STSva")
    np.testing.assert_allclose(table[:, parcels.index(a1)], [0.2, 0.8, 0, 0, 0, 0])
    left = table[:, parcels.index(stsva)]
    np.testing.assert_allclose(left, [0.1, 0.25, 0.05, 0.05, 0.55, 0])
    np.testing.assert_allclose(table[:, parcels.index(180 + stsva)], 0.4 * left)
    weak = loadings(structure_strength=0.0, right_share=0.5)
    np.testing.assert_allclose(weak[:, parcels.index(stsva)], [0.1, 0.25, 0.05, 0.05, 0, 0])
    assert weak[1, parcels.index(180 + stsva)] == pytest.approx(0.05)


def test_a_region_selects_its_parcels():
    left = select_parcels(Selection(("average",), ("Language network (frontal)",), "left"))
    assert len(left) == 6
    assert len(select_parcels(Selection(("average",), ("A1", "44")))) == 4
    with pytest.raises(UnknownRegionError, match="Auditory core and belt"):
        select_parcels(Selection(("average",), ("Auditory core",)))
    with pytest.raises(UnknownRegionError):
        select_parcels(Selection(("average",), ("V1",)))  # in the atlas, but not modelled
    with pytest.raises(SelectionError, match="no parcel 360"):
        select_parcels(Selection(("average",), indices=(360,)))
    with pytest.raises(SelectionError, match="No modelled parcel"):
        select_parcels(Selection(("average",), indices=(0,)))


def test_silence_has_no_response(model):
    values = predict(model, Stimulus.from_lines([""] * 10, "silence", 2.0)).values
    np.testing.assert_array_equal(values, 0)


def test_given_onsets_are_used_and_said(model):
    lines = ["one two three", "", "", "", ""]
    early = predict(model, Stimulus.from_lines(lines, "t", 2.0, [0.0, 0.1, 0.2]))
    late = predict(model, Stimulus.from_lines(lines, "t", 2.0, [1.7, 1.8, 1.9]))
    shared = predict(model, Stimulus.from_lines(lines, "t", 2.0))
    assert early.values[1].mean() > shared.values[1].mean() > late.values[1].mean() > 0
    assert early.provenance.settings["word_onsets"] == "given"
    assert shared.provenance.settings["word_onsets"] == "shared by syllables"


def test_provenance_says_where_frequencies_come_from_and_which_table(model):
    origin = predict(model, said("Hello there.")).provenance
    assert "built-in rule" in origin.settings["word_frequencies"]
    assert origin.settings["n_words"] == 2
    assert origin.weights_sha256 == systems_sha256()
    assert origin.version == "R2 parameters 1"


def test_one_transcript_at_a_time(model):
    settings = model.card.default_settings()
    stimulus = said("Hello.")
    for stimuli in ([], [stimulus, stimulus]):
        with pytest.raises(StimulusError, match="one transcript"):
            model.features(stimuli, settings)
    with pytest.raises(StimulusError, match="picture"):
        model.features([Stimulus("image", "cat.png", b"x")], settings)
    with pytest.raises(StimulusError, match="sees no picture"):
        model.preview(stimulus, settings)


def test_ten_thousand_volumes_are_predicted(model):
    stimulus = Stimulus.from_lines(["one two three four."] * 10_000, "long", 2.0)
    values = predict(model, stimulus).values
    assert values.shape == (10_000, 66)
    np.testing.assert_allclose(values[9_000], values[5_000], atol=1e-4)  # it repeats itself


def test_reference_language_is_labelled_word_for_word():
    """The label says what the model is not; its wording was agreed on and is not to drift."""
    card = get_card("reference-language")
    assert card.badge == "REFERENCE R2 - speech and language areas, model units"
    assert card.caveat == (
        "Reference model: published equations; no weights trained on brain responses; strengths "
        "set by hand (R2). Not a prediction for any individual."
    )
    assert card.long_caveat == (
        "Computed from when words occur, how common they are and how long sentences are. "
        "Strengths were set by hand to match the direction of published findings. In a check "
        "against 27 listeners it followed left posterior temporal activity weakly (r about "
        "0.2-0.5), and anterior temporal activity not at all. Grey = not modelled, not 'inactive'."
    )
    assert card.units == "relative response (model units)"
    assert card.is_signed
    for number in ("27 people", "0.48", "0.24", "p = .002", "0.15", "p = .055", ".05 to .18"):
        assert number in card.accuracy
