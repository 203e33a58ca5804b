"""Ridge against its closed form, and against what can be known beforehand."""

import numpy as np
import pytest

from models.analysis.decode import ranks, similarities, top_k
from models.decoders.fitted import load_decoder
from models.decoders.ridge import DualRidge
from models.decoders.samples import Samples
from models.errors import Cancelled, ParameterError, WeightsError
from tests.models.decoders.worlds import N_FEATURES, N_PLACES, a_world


def closed_form(training, penalty):
    """Weights of scaled places on centred targets by the textbook formula, in double precision."""
    x = np.float64(training.patterns[..., 0])
    x = (x - x.mean(0)) / x.std(0)
    y = np.float64(training.targets) - training.targets.mean(0, dtype=float)
    unit = np.square(x).sum() / min(x.shape)
    return np.linalg.solve(x.T @ x + penalty * unit * np.eye(x.shape[1]), x.T @ y)


@pytest.mark.parametrize("n", [50, 200], ids=["over trials", "over places"])
def test_weights_are_the_closed_form(n):
    training = a_world(n)
    decoder = DualRidge([0.1]).fit(training, a_world(20, first_image=1))
    np.testing.assert_allclose(decoder.weights["weight"], closed_form(training, 0.1), atol=1e-5)
    probe = a_world(5, first_image=2).patterns[..., 0]
    x = np.float64(training.patterns[..., 0])
    scaled = (probe - x.mean(0)) / x.std(0)
    expected = scaled @ closed_form(training, 0.1)
    found = decoder.predict(probe)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)
    features = training.targets[:3]
    np.testing.assert_allclose(
        decoder.candidates(features), features - training.targets.mean(0), atol=1e-6
    )


def test_the_penalty_is_the_one_that_reads_validation_best():
    """Scored by hand: top-5 among the validation pictures, then the mean rank."""
    training, validation = a_world(60, noise=4), a_world(60, noise=4, first_image=1)
    penalties = (1e-4, 1.0, 1e5)
    decoder = DualRidge(penalties[::-1]).fit(training, validation)
    scores = []
    for penalty in penalties:
        own = DualRidge([penalty]).fit(training, validation)
        found = similarities(own.predict(validation.patterns), own.candidates(validation.targets))
        place = ranks(found, np.arange(60))
        scores.append((top_k(place, 5), -place.mean()))
    assert decoder.facts["penalties"] == list(penalties)
    assert decoder.facts["validation_top5"] == [score[0] for score in scores]
    np.testing.assert_allclose(decoder.facts["validation_mean_rank"], [-s[1] for s in scores])
    assert decoder.facts["penalty"] == penalties[scores.index(max(scores))]
    assert len(set(scores)) == 3


def test_it_reads_pictures_it_never_saw_and_shuffled_ones_not():
    training, test = a_world(300), a_world(200, first_image=2)
    validation = a_world(60, first_image=1)
    decoder = DualRidge().fit(training, validation)
    gallery = decoder.candidates(test.targets)
    scores = similarities(decoder.predict(test.patterns), gallery)
    assert top_k(ranks(scores, np.arange(200)), 5) > 0.9
    assert top_k(ranks(scores, np.random.default_rng(0).permutation(200)), 5) < 0.06
    mixed = np.random.default_rng(1).permutation(300)
    shuffled = Samples(training.patterns, training.targets[mixed])
    decoder = DualRidge().fit(shuffled, validation)
    scores = similarities(decoder.predict(test.patterns), decoder.candidates(test.targets))
    assert top_k(ranks(scores, np.arange(200)), 5) < 0.1


def test_places_without_data_or_variation_are_left_out():
    training, validation = a_world(50), a_world(20, first_image=1)
    expected = DualRidge([1.0]).fit(training, validation).predict(validation.patterns)

    def widened(samples):
        extra = np.full((len(samples), 2, 1), np.nan, np.float32)
        extra[:, 1] = 0.1
        return Samples(np.concatenate([samples.patterns, extra], 1), samples.targets)

    decoder = DualRidge([1.0]).fit(widened(training), widened(validation))
    assert decoder.scaler.places.tolist() == list(range(N_PLACES))
    found = decoder.predict(widened(validation).patterns)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_value_that_is_missing_counts_as_the_mean():
    training = a_world(50)
    decoder = DualRidge([1.0]).fit(training, a_world(20, first_image=1))
    probe = training.patterns[:1].copy()
    probe[0, 3] = np.nan
    filled = probe.copy()
    filled[0, 3] = decoder.scaler.mean[3]
    expected = decoder.predict(filled)
    np.testing.assert_allclose(decoder.predict(probe), expected, atol=1e-6)
    with pytest.raises(ParameterError, match="Pattern 0 has no finite value"):
        decoder.predict(probe * np.nan)


def test_volumes_are_read_side_by_side():
    training = a_world(120, noise=3, n_trs=4)
    decoder = DualRidge().fit(training, a_world(50, noise=3, n_trs=4, first_image=1))
    assert decoder.weights["weight"].shape == (N_PLACES * 4, N_FEATURES)
    with pytest.raises(ParameterError, match=r"\(places, 4\) a trial"):
        decoder.predict(training.patterns[..., 0])


def test_repeats_of_a_validation_picture_are_one_candidate():
    training, validation = a_world(50), a_world(20, first_image=1)
    twice = validation.rows([*range(20), *range(20)])
    one, other = (DualRidge().fit(training, own).facts for own in (validation, twice))
    assert one["validation_mean_rank"] == other["validation_mean_rank"]


def test_a_decoder_goes_through_its_file(tmp_path):
    training, validation = a_world(50), a_world(20, first_image=1)
    decoder = DualRidge().fit(training, validation)
    path = tmp_path / "deep" / "decoder.safetensors"
    decoder.save(path)
    again = load_decoder(path)
    np.testing.assert_array_equal(
        again.predict(validation.patterns), decoder.predict(validation.patterns)
    )
    assert (again.reader, again.facts) == ("ridge", decoder.facts)
    assert [file.name for file in path.parent.iterdir()] == ["decoder.safetensors"]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(WeightsError, match=r"decoder\.safetensors is no decoder"):
        load_decoder(path)
    with pytest.raises(WeightsError):
        load_decoder(tmp_path / "none.safetensors")


def test_progress_is_told_and_can_stop_it():
    seen = []

    def report(stage, done, total):
        seen.append((stage, done, total))
        if stage == "trying penalties" and done == 2:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        DualRidge().fit(a_world(30), a_world(9, first_image=1), report)
    assert seen == [
        ("comparing patterns", 0, 9),
        ("trying penalties", 1, 9),
        ("trying penalties", 2, 9),
    ]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: DualRidge([]), "above zero"),
        (lambda: DualRidge([1.0, 0.0]), "above zero"),
        (lambda: Samples(np.zeros((3, 2)), np.zeros((2, 2))), "3 patterns, but 2 targets"),
        (lambda: Samples(np.zeros((3, 2)), np.full((3, 2), np.nan)), "Targets hold NaN"),
        (lambda: Samples(np.zeros(3), np.zeros((3, 1))), "Patterns must be"),
        (lambda: DualRidge().fit(Samples(np.ones((3, 2)), np.eye(3)), a_world(5)), "No place"),
        (lambda: DualRidge().fit(a_world(9), a_world(9, n_trs=2)), "other volumes"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(wrong, words):
    with pytest.raises(ParameterError, match=words):
        wrong()
