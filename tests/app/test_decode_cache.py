"""What the page Decode works out, on the reference model and by hand."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from app import cache, decode_cache, decode_files, decode_sweeps, decode_training, decode_uploads
from app.decode_cache import Reading
from app.decode_link import MAKER, READER, DecodeState, Source
from app.decode_worlds import NO_UPLOADS, OwnPatterns, Pictures, Uploads, pictures_of, sources
from models.analysis.measurement import Measurement
from models.engine import Engine
from models.errors import Cancelled, ParameterError
from models.spaces import FSAVERAGE5
from models.stimulus import Stimulus

SMALL = DecodeState(n_pictures=20)


@pytest.fixture(scope="module", autouse=True)
def engine():
    """One engine of these tests' own behind the cache."""
    one = Engine()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "engine", lambda: one)
        yield one
    one.close()


def read(state, uploads=NO_UPLOADS):
    return decode_cache.start(state, uploads).result()


def by_hand(scores, truth, categories=("a", "a", "b")):
    """Reading of made-up scores over three pictures."""
    stimuli = tuple(
        Stimulus.from_pixels(np.full((4, 4), level, np.uint8), f"grey {level}")
        for level in (0, 100, 200)
    )
    scores = np.array(scores, np.float32)
    names = tuple(f"pattern {number}" for number in range(len(scores)))
    patterns = np.arange(len(scores) * 3, dtype=np.float32).reshape(-1, 3)
    return Reading(
        "by-hand",
        Pictures(stimuli, categories),
        FSAVERAGE5,
        np.arange(3),
        patterns,
        scores,
        np.array(truth),
        names,
    )


def test_the_usual_gallery_is_a_hundred_pictures_read_by_another_parameter_set():
    state = DecodeState()
    pictures = pictures_of(state)
    assert len(set(pictures.stimuli)) == len(pictures.stimuli) == 100
    assert state.shown in pictures.names
    assert {(MAKER, ""), (READER, "")} <= set(sources())


def test_simulated_patterns_are_compared_at_places_that_both_know():
    reading = read(SMALL)
    assert reading.scores.shape == (20, 20)
    assert reading.is_ncsnr_assumed
    areas = cache.regions_of(MAKER.card, "average")
    in_areas = np.any([areas.mask(name) for name in areas.names], axis=0)
    assert in_areas[reading.columns].all()
    only = read(replace(SMALL, regions=("V1",)))
    assert areas.mask("V1")[only.columns].all()
    assert len(only.columns) == areas.mask("V1")[reading.columns].sum()


def test_a_circular_pair_with_hardly_any_noise_is_always_right():
    state = replace(SMALL, reader=MAKER, noise=0.1, n_repeats=20, missed_percent=0)
    assert (read(state).ranks == 0).all()
    assert decode_cache.shares(read(state))[0].hits == 20


def test_the_same_question_has_the_same_patterns_and_another_seed_has_others():
    first = read(SMALL)
    again = read(replace(SMALL, shown="Cat, part 1", is_left_out=True))
    assert again is first
    assert not np.allclose(read(replace(SMALL, seed=1)).patterns, first.patterns)


def test_what_the_model_misses_is_what_the_slider_says():
    assert decode_cache.measurement_of(replace(SMALL, missed_percent=20, noise=0.5)) == Measurement(
        noise=0.5, n_repeats=10, captured=0.8, seed=0, misfit_seed=0
    )
    words = decode_cache.noise_words(read(SMALL), replace(SMALL, missed_percent=20))
    assert "the model has 80 %" in " ".join(words)
    assert sum(one.startswith("Assumption:") for one in words) == 4


def test_places_ties_and_left_out_pictures_are_ranked_as_counted_by_hand():
    reading = by_hand([[0.1, 0.5, 0.3], [0.2, 0.2, 0.1]], [2, 1])
    found = decode_cache.find(reading, 0)
    assert found.order == (1, 2, 0)
    assert found.rank == 1
    assert decode_cache.find(reading, 1).rank == 0.5  # tied with the first
    out = decode_cache.find(reading, 0, is_left_out=True)
    assert out.order == (1, 0)
    assert out.n_offered == 2
    assert out.rank is None
    assert found.p_open is None  # two patterns cannot tell


def test_a_match_is_confident_if_few_patterns_without_their_picture_find_one_as_good():
    scores = np.zeros((40, 3))
    scores[:, 0] = np.arange(40) / 100  # best wrong match of each
    scores[:, 2] = 0.9
    reading = by_hand(scores, [2] * 40)
    assert decode_cache.find(reading, 5).p_open == 1 / 40  # none of 39 others reaches 0.9
    assert decode_cache.find(reading, 5).is_confident
    out = decode_cache.find(reading, 5, is_left_out=True)  # 0.05: others from 0.05 on, 34 of 39
    assert out.p_open == (1 + 34) / 40
    assert not out.is_confident


def test_shares_carry_the_interval_and_the_exact_test():
    truth = [0, 0, 0, 1, 1, 1, 2, 2, 2, 2]
    scores = np.eye(3)[[0, 0, 1, 1, 0, 0, 1, 1, 0, 2]]
    (share,) = decode_cache.shares(by_hand(scores, truth))  # top-5 of three says nothing
    assert (share.hits, share.n) == (4, 10)
    assert share.p == pytest.approx(stats.binomtest(4, 10, 1 / 3, "greater").pvalue)
    interval = stats.binomtest(4, 10).proportion_ci(method="wilson")
    assert (share.low, share.high) == pytest.approx((interval.low, interval.high))
    assert "cannot be told from guessing" in share.verdict


def test_categories_of_best_guesses_are_counted():
    reading = by_hand([[1, 0, 0], [0, 0, 1], [0, 0, 1]], [1, 0, 2])
    counts, names = decode_cache.category_counts(reading)
    assert names == ("a", "b")
    assert counts.tolist() == [[1, 1], [0, 1]]


def test_patterns_without_truth_have_no_accuracy():
    reading = by_hand([[1, 0, 0]], [-1])
    assert decode_cache.shares(reading) == ()
    assert decode_cache.find(reading, 0).rank is None
    assert "no accuracy" in decode_files.facts(reading, SMALL)["results"]["truth"]


# Files -----------------------------------------------------------------------------------------


def test_the_table_has_a_line_a_pattern_and_says_how_it_was_made():
    reading = by_hand([[0.1, 0.5, 0.3], [0.2, 0.2, 0.1]], [2, -1])
    lines = decode_files.story_csv(reading, replace(SMALL, seed=7)).decode().splitlines()
    made = json.loads(lines[0].removeprefix("# provenance: "))
    assert made["measurement"]["seed"] == 7
    assert made["measurement"]["ncsnr"] == 0.435
    assert made["gallery"]["sha256"] == reading.pictures.digest
    assert made["maker"]["model_id"] == made["reader"]["model_id"] == "reference-vision"
    assert made["reader"]["settings"]["receptive_field_size"] == "wandell2015"
    rows = [line for line in lines if not line.startswith("#")]
    assert rows[1] == '"pattern 0","grey 200","b",2.0,"grey 100",0.5,0.30000001192092896'
    assert rows[2].startswith('"pattern 1","","",,"grey 0",')


def test_all_facts_come_as_json_with_curves_and_caveats():
    reading = read(SMALL)
    work, curves = decode_sweeps.start_curves(SMALL, NO_UPLOADS)
    work.result()
    found = json.loads(decode_files.story_json(reading, SMALL, curves))
    assert found["independence"] == "same family, partly independent"
    assert found["results"]["top1"]["hits"] == int((reading.ranks < 1).sum())
    assert len(found["curves"]["noise_top5"]) == len(decode_sweeps.NOISES)
    assert any("Assumption" in one for one in found["caveats"])


def test_the_picture_to_take_along_carries_its_facts():
    reading = read(SMALL)
    png = decode_files.story_picture(reading, SMALL, 3, "Found")
    image = Image.open(io.BytesIO(png))
    assert image.size[0] == 1600
    assert json.loads(image.text["Provenance"])["measurement"]["n_repeats"] == 10
    assert np.asarray(image.convert("L")).std() > 20


# Curves ----------------------------------------------------------------------------------------


def test_curves_fall_with_noise_and_choice_and_their_control_stays_at_chance():
    work, curves = decode_sweeps.start_curves(replace(SMALL, n_pictures=50), NO_UPLOADS)
    work.result()
    noise = decode_sweeps.curve_of(curves, "noise", 1)
    assert noise.positions == decode_sweeps.NOISES
    assert noise.accuracy.shape == (5, len(decode_sweeps.NOISES))
    assert noise.accuracy.mean(0)[0] > noise.accuracy.mean(0)[-1]
    gallery = decode_sweeps.curve_of(curves, "gallery", 1)
    assert gallery.positions == (10, 20, 50)
    np.testing.assert_allclose(gallery.chance, [0.1, 0.05, 0.02])
    assert np.diff(gallery.accuracy.mean(0)).max() <= 0
    n_tries = 5 * 50
    for curve in (noise, gallery):
        error = np.sqrt(curve.chance * (1 - curve.chance) / n_tries)
        assert (np.abs(curve.shuffled.mean(0) - curve.chance) < 4 * error).all()
    regions = decode_sweeps.curve_of(curves, "regions", 5)
    assert set(regions.positions[:4]) == {"V1", "V2", "V3", "hV4"}
    assert regions.positions[-1] == "best 4"


# Uploads ---------------------------------------------------------------------------------------


def uploaded(is_shuffled=False):
    """Patterns of all pictures of the small gallery with little noise, as a file would have."""
    reading = read(replace(SMALL, noise=0.2, missed_percent=0))
    values = np.full((20, FSAVERAGE5.n_places), np.nan, np.float32)
    values[:, reading.columns] = reading.patterns
    buffer = io.BytesIO()
    np.save(buffer, np.roll(values, FSAVERAGE5.n_left, axis=1) if is_shuffled else values)
    own = decode_uploads.read_patterns([("mine.npy", buffer.getvalue())])
    return own, reading.names


def test_uploaded_patterns_are_told_apart_and_a_swap_of_hemispheres_is_seen():
    state = replace(SMALL, origin="uploaded")
    own, names = uploaded()
    good = decode_uploads.start(state, Uploads(patterns=own, truth=names)).result()
    assert (good.ranks < 1).mean() > 0.5
    assert not good.is_side_wrong
    wrong, _ = uploaded(is_shuffled=True)
    swapped = decode_uploads.start(state, Uploads(patterns=wrong, truth=names)).result()
    assert swapped.is_side_wrong
    assert "right hemisphere probably came first" in swapped.notes[-1]
    mended = Uploads(patterns=wrong, truth=names, is_swapped=True)
    again = decode_uploads.start(state, mended).result()
    np.testing.assert_array_equal(again.ranks, good.ranks)
    assert not again.is_side_wrong


def test_without_truth_there_is_a_ranking_and_a_note():
    own, _ = uploaded()
    state = replace(SMALL, origin="uploaded")
    reading = decode_uploads.start(state, Uploads(patterns=own)).result()
    assert not reading.known.size
    assert "no accuracy" in reading.notes[-1]


def test_names_are_matched_without_capitals_and_endings():
    pictures = by_hand([[0, 0, 0]], [0]).pictures
    truth = decode_uploads.truth_of([" GREY 200.png", "nobody", "grey 0"], 4, pictures)
    assert truth.tolist() == [2, -1, 0, -1]


def test_a_pattern_is_shown_from_both_sides_as_it_is_or_exchanged():
    values = np.full((1, FSAVERAGE5.n_places), np.nan, np.float32)
    values[0, :2000] = np.linspace(-1, 1, 2000)  # left only
    own = OwnPatterns(values, ("one",), (), (), "left-only")

    def coloured(is_swapped):
        found = decode_uploads.previews(own, 0, is_swapped=is_swapped)
        spreads = [np.ptp(picture[..., :3].astype(int), axis=2).max() for _, picture in found]
        return spreads[0] > 60, spreads[2] > 60

    assert coloured(is_swapped=False) == (True, False)
    assert coloured(is_swapped=True) == (False, True)


# Trained readers -------------------------------------------------------------------------------


def test_a_trained_reader_learns_from_other_pictures_and_is_tested_on_the_gallery(monkeypatch):
    monkeypatch.setattr(decode_training, "everything", lambda: pictures_of(state_of(100)))
    monkeypatch.setattr(decode_training, "N_PATTERNS", 300)
    state = replace(SMALL, method="ridge", missed_percent=0, noise=0.3)
    reading = decode_training.start_training(state, NO_UPLOADS).result()
    facts = reading.facts
    assert facts["n_training_pictures"] + facts["n_validation_pictures"] == 80
    assert facts["n_training"] == 64 * 5
    assert decode_cache.shares(reading)[1].p < 0.05
    assert "R1" in decode_training.words_of(reading)
    assert decode_files.facts(reading, state)["training"]["penalty"] > 0


def state_of(n_pictures):
    return DecodeState(n_pictures=n_pictures)


def test_a_gallery_that_leaves_nothing_to_learn_from_is_refused(monkeypatch):
    monkeypatch.setattr(decode_training, "everything", lambda: pictures_of(state_of(50)))
    state = replace(SMALL, method="mlp")
    with pytest.raises(ParameterError, match="smaller gallery"):
        decode_training.start_training(state, NO_UPLOADS).result()


def test_a_gallery_of_one_is_refused():
    one = (Stimulus.from_pixels(np.zeros((4, 4), np.uint8), "black"),)
    with pytest.raises(ParameterError, match="two pictures"):
        read(replace(SMALL, gallery="own"), Uploads(pictures=one))


def test_a_model_without_files_is_listed_with_its_reason():
    listed = dict(sources())
    huze = Source("fmri-nsd_fsaverage-huze", "sub-01")
    assert "needs about" in listed[huze]


def test_a_training_that_is_stopped_ends_without_a_result(monkeypatch):
    monkeypatch.setattr(decode_training, "everything", lambda: pictures_of(state_of(100)))
    work = decode_training.start_training(replace(SMALL, method="ridge"), NO_UPLOADS)
    work.cancel()
    assert isinstance(work.error(), Cancelled)
