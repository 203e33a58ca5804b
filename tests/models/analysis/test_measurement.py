"""Simulated measurement: sizes by hand, what repeats remove, noise that is alike nearby."""

import numpy as np
import pytest

from models.analysis.measurement import (
    ASSUMED_NCSNR,
    ASSUMPTIONS,
    Measurement,
    measure,
    measure_parts,
    mesh_noise,
)
from models.errors import ParameterError
from models.spaces import load_mesh

N_PICTURES, N_PLACES = 400, 60


@pytest.fixture(scope="module")
def signals():
    """Predictions with standard deviation 1, 2, 3 ... at the places, around 10."""
    random = np.random.default_rng(5)
    unit = random.standard_normal((N_PICTURES, N_PLACES))
    unit = (unit - unit.mean(0)) / unit.std(0)
    return (10 + unit * np.arange(1, N_PLACES + 1)).astype(np.float32)


@pytest.fixture(scope="module")
def others(signals):
    return np.random.default_rng(6).standard_normal((80, N_PLACES)).astype(np.float32) * 7


@pytest.fixture(scope="module")
def neighbour_lists():
    mesh = load_mesh("fsaverage5", "sphere")
    lists = [set() for _ in range(20484)]
    for faces, start in ((mesh.left.faces, 0), (mesh.right.faces, 10242)):
        for a, b, c in (faces + start).tolist():
            lists[a] |= {b, c}
            lists[b] |= {a, c}
            lists[c] |= {a, b}
    return lists


def test_nothing_missed_and_no_noise_is_the_prediction_itself(signals):
    plain = Measurement(noise=0, captured=1)
    np.testing.assert_array_equal(measure(signals, plain), signals)


@pytest.mark.parametrize("is_own", [True, False])
def test_sizes_are_those_of_the_formulas(signals, others, is_own):
    # captured 1/5: misfit variance is 4 times the predicted one; ncsnr .5, 4 repeats, half the
    # noise: noise sd = .5 sd / (.5 * sqrt(4 * .2)) = sd * 1.118
    setting = Measurement(noise=0.5, n_repeats=4, captured=0.2, seed=3)
    assert setting.misfit_size == pytest.approx(2)
    assert setting.noise_size == pytest.approx(0.5 / np.sqrt(0.8))
    directions = None if is_own else others
    parts = measure_parts(signals, setting, ncsnr=0.5, directions=directions)
    sd = np.arange(1, N_PLACES + 1)
    # the mean over places of the sample variance; 400 x 60 numbers
    assert np.mean((parts.misfit / sd) ** 2) == pytest.approx(1, abs=0.05)
    assert np.mean((parts.noise / sd) ** 2) == pytest.approx(4, abs=0.2)
    total = parts.patterns(setting)
    by_hand = signals + 2 * parts.misfit + 0.5 / np.sqrt(0.8) * parts.noise
    np.testing.assert_allclose(total, by_hand, rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(
        measure(signals, setting, ncsnr=0.5, directions=directions), total
    )


def test_noise_agrees_with_the_published_ceiling(signals, others):
    # 36.2 % of the variance of three trials is signal at an ncsnr of .435 (all captured)
    setting = Measurement(n_repeats=3, captured=1)
    noise = measure(signals, setting, directions=others) - signals
    ceiling = signals.var(0) / (signals.var(0) + noise.var(0))
    assert np.mean(ceiling) == pytest.approx(0.362, abs=0.02)
    assert pytest.approx(0.4349, abs=2e-4) == ASSUMED_NCSNR


def test_repeats_remove_noise_but_not_what_the_model_misses(signals):
    many = measure(signals, Measurement(n_repeats=10**8, captured=0.5, seed=1))
    other = measure(signals, Measurement(n_repeats=10**8, captured=0.5, seed=2))
    sd = np.arange(1, N_PLACES + 1)
    assert np.abs((many - other) / sd).max() < 0.01
    assert np.mean(((many - signals) / sd) ** 2) == pytest.approx(1, abs=0.05)
    elsewhere = measure(signals, Measurement(n_repeats=10**8, seed=1, misfit_seed=1))
    assert np.mean(((many - elsewhere) / sd) ** 2) == pytest.approx(2, abs=0.1)


def test_a_misfit_belongs_to_the_picture_not_to_its_place_in_the_list(signals, others):
    keys = [f"picture {number}" for number in range(N_PICTURES)]
    quiet = Measurement(noise=0)
    all_of_them = measure(signals, quiet, directions=others, keys=keys)
    backwards = measure(signals[::-1], quiet, directions=others, keys=keys[::-1])
    np.testing.assert_allclose(backwards[::-1], all_of_them, rtol=1e-5, atol=1e-3)
    some = measure(signals, quiet, directions=others, keys=keys, rows=[7, 3])
    np.testing.assert_allclose(some, all_of_them[[7, 3]], rtol=1e-5, atol=1e-3)


def test_half_of_the_noise_lies_along_the_models_own_directions(signals):
    # one direction only: that half is this direction, the other is spread over 60 places
    direction = np.zeros((2, N_PLACES), np.float32)
    direction[1] = np.arange(1, N_PLACES + 1)
    setting = Measurement(captured=1, noise=1)
    parts = measure_parts(signals, setting, ncsnr=1.0, directions=direction)
    unit = parts.noise / np.arange(1, N_PLACES + 1)
    share = np.linalg.svd(unit, compute_uv=False)[0] ** 2 / np.square(unit).sum()
    assert share == pytest.approx(0.5 + 0.5 / N_PLACES, abs=0.05)


def test_a_pictures_own_response_is_not_in_its_noise(signals):
    # two pictures, two places: the mixture for one is made of the other alone
    two = np.array([[0, 0, 5.0], [1, 2, 5.0]], np.float32)
    parts = measure_parts(two, Measurement(captured=1), ncsnr=1.0, rows=[0] * 4000)
    # both differ from the mean in the same direction, so .5 of the correlation is left
    correlation = np.corrcoef(parts.noise[:, 0], parts.noise[:, 1])[0, 1]
    assert correlation == pytest.approx(0.5, abs=0.05)
    assert (parts.noise[:, 2] == 0).all()  # a place whose signal does not vary has no noise


def test_a_place_without_signal_or_model_is_not_measured(signals):
    holed = signals.copy()
    holed[:, 4] = np.nan
    ratio = np.full(N_PLACES, 0.4, np.float32)
    ratio[[8, 9]] = 0, np.nan
    pattern = measure(holed, Measurement(), ncsnr=ratio)
    is_unknown = np.isnan(pattern)
    assert is_unknown[:, [4, 8, 9]].all()
    assert is_unknown.sum() == 3 * N_PICTURES


def test_shuffled_patterns_are_those_of_other_pictures(signals):
    shuffled = measure(signals, Measurement(noise=0, captured=1, is_shuffled=True))
    assert sorted(shuffled[:, 0].tolist()) == sorted(signals[:, 0].tolist())
    assert (shuffled == signals).all(axis=1).sum() < 6


def test_smooth_noise_is_six_rounds_of_averaging_brought_to_variance_one(neighbour_lists):
    place = 15000
    weights = {place: 1.0}
    noise = mesh_noise(columns=np.array([place]))
    kernel = noise.smooth(np.eye(noise.n_white, dtype=np.float32))[:, 0]
    # averaging is A; the map at ``place`` is row ``place`` of A^6, found here by its transpose
    for _ in range(6):
        spread = {}
        for at, weight in weights.items():
            group = [at, *neighbour_lists[at]]
            for other in group:
                spread[other] = spread.get(other, 0.0) + weight / len(group)
        weights = spread
    by_hand = np.array([weights[at] for at in sorted(weights)])
    np.testing.assert_allclose(kernel, by_hand / np.linalg.norm(by_hand), atol=1e-6)


def test_smooth_noise_is_alike_nearby_and_not_afar(neighbour_lists):
    near = sorted(neighbour_lists[500])[0]
    noise = mesh_noise(columns=np.array([500, near, 9000, 10742]))
    white = np.random.default_rng(0).standard_normal((4000, noise.n_white), np.float32)
    maps = noise.smooth(white)
    np.testing.assert_allclose(maps.std(0), 1, atol=0.04)
    correlations = np.corrcoef(maps.T)[0]
    assert correlations[1] > 0.8
    assert np.abs(correlations[2:]).max() < 0.06  # the last is the same place on the other side


def test_assumptions_are_called_so():
    assert all(sentence.startswith("Assumption") for sentence in ASSUMPTIONS.values())
    assert "36.2 %" in ASSUMPTIONS["ncsnr"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"noise": -0.1}, "Noise"),
        ({"noise": np.nan}, "Noise"),
        ({"n_repeats": 0}, "repeat"),
        ({"captured": 0.0}, "share"),
        ({"captured": 1.1}, "share"),
        ({"seed": -1}, "Seeds"),
    ],
)
def test_impossible_measurements_are_refused(changed, words):
    with pytest.raises(ParameterError, match=words):
        Measurement(**changed)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"ncsnr": 0.0}, "above 0"),
        ({"ncsnr": np.ones(3)}, "one a place"),
        ({"rows": [400]}, "Rows"),
        ({"rows": []}, "Rows"),
        ({"keys": ["a"]}, "1 keys"),
        ({"directions": np.ones((3, 5))}, "Directions have 5"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(signals, arguments, words):
    with pytest.raises(ParameterError, match=words):
        measure(signals, Measurement(), **arguments)


def test_too_few_pictures_and_places_elsewhere_are_refused(signals):
    with pytest.raises(ParameterError, match="mesh noise 5"):
        measure(signals, Measurement(), neighbours=mesh_noise(columns=np.arange(5)))
    with pytest.raises(ParameterError, match="at least 2"):
        measure(signals[:1], Measurement())
    with pytest.raises(ParameterError, match=r"0\.\.20483"):
        mesh_noise(columns=np.array([20484]))
