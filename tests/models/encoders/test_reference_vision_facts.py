"""R1 against published facts of early visual cortex; the source is in each docstring.

The tolerances were chosen knowing the outputs: they guard against regressions and are no
evidence for the model.
"""

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import gamma

from models.encoders._vision_pooling import receptive_field_size_deg
from models.retinotopy import AREAS
from tests.stimuli import (
    aperture,
    as_stimulus,
    checkerboard,
    contours,
    grating,
    grid,
    noise,
    patches,
    ring_mask,
    uniform,
    wedge_mask,
)

WIDTH_DEG = 12.0
SIDE = 144  # the canvas has 12 pixels a degree: nothing is resampled
EXPONENT = {"V1": 0.18, "V2": 0.13, "V3": 0.12, "hV4": 0.115}


def see(respond, pictures, width_deg=WIDTH_DEG):
    return respond([as_stimulus(picture) for picture in pictures], visual_angle_deg=width_deg)


@pytest.fixture(scope="module")
def size_deg(fields):
    return receptive_field_size_deg(fields.area, fields.eccentricity_deg, "kay2013")


@pytest.fixture(scope="module")
def is_well_inside(fields, size_deg):
    """More than 70 % of the receptive field in the 12-deg picture, beyond 1 deg."""
    sd = size_deg * np.sqrt([EXPONENT[AREAS[code]] for code in fields.area])
    share = [
        ndtr((WIDTH_DEG / 2 - centre) / sd) - ndtr((-WIDTH_DEG / 2 - centre) / sd)
        for centre in (fields.x_deg, fields.y_deg)
    ]
    return (share[0] * share[1] > 0.7) & (fields.eccentricity_deg > 1)


def means(responses, mask, fields):
    """Mean response of each area over a mask, (n_pictures,)."""
    return {
        name: responses[:, mask & (fields.area == code)].mean(1) for code, name in AREAS.items()
    }


def test_uniform_grey_gives_zero(respond):
    """By definition: no contrast, no response."""
    values = see(respond, [uniform(SIDE, 127), uniform(SIDE, 128)])
    assert np.nanmax(np.abs(values)) == 0


def test_inverting_contrast_changes_nothing(respond):
    """A quadrature energy model is blind to polarity (Adelson & Bergen 1985)."""
    picture = noise(SIDE, WIDTH_DEG, seed=3)
    plain, inverted = see(respond, [picture, 1 - picture])
    np.testing.assert_allclose(plain, inverted, atol=1e-3)


def test_the_other_half_of_the_visual_field_drives_under_a_tenth(
    respond, fields, size_deg, is_well_inside
):
    """Receptive fields end: beyond two sizes from the vertical meridian there is little left."""
    x, _ = grid(SIDE, WIDTH_DEG)
    checks = checkerboard(SIDE, WIDTH_DEG)
    left_field, right_field = see(respond, [aperture(checks, x < -0.3), aperture(checks, x > 0.3)])
    is_far = is_well_inside & (np.abs(fields.x_deg) > 2 * size_deg)
    left, right = is_far & fields.is_left, is_far & ~fields.is_left
    ipsilateral = left_field[left].mean() / right_field[left].mean()
    ipsilateral += right_field[right].mean() / left_field[right].mean()
    assert ipsilateral / 2 < 0.1


def test_response_grows_with_contrast_more_slowly_beyond_v1(respond, fields, is_well_inside):
    """Log-log slope .2 to .5 in V1 (Boynton 1999), flatter beyond (Tootell 1995)."""
    contrasts = np.array([0.04, 0.08, 0.16, 0.32, 0.64, 1.0])
    pattern = contours(SIDE, WIDTH_DEG, seed=1) - 0.5
    responses = see(respond, [0.5 + pattern * contrast for contrast in contrasts])
    mask = is_well_inside & (fields.eccentricity_deg < 5)
    slope = {
        name: np.polyfit(np.log(contrasts), np.log(mean), 1)[0]
        for name, mean in means(responses, mask, fields).items()
    }
    assert 0.2 < slope["V1"] < 0.5
    assert max(slope["V2"], slope["V3"], slope["hV4"]) < slope["V1"]


@pytest.mark.parametrize("area", EXPONENT)
def test_a_plaid_drives_less_than_the_sum_of_its_gratings(respond, fields, is_well_inside, area):
    """Cross-orientation normalisation: ratio .5 to .8 (Heeger 1992; Brouwer & Heeger 2011)."""
    first = grating(SIDE, WIDTH_DEG, 2.0, 0, 0.5)
    second = grating(SIDE, WIDTH_DEG, 2.0, 90, 0.5)
    responses = see(respond, [first, second, first + second - 0.5])
    mask = is_well_inside & (fields.eccentricity_deg < 5)
    one, other, plaid = means(responses, mask, fields)[area]
    assert 0.5 < plaid / (one + other) < 0.8


@pytest.mark.parametrize("area", EXPONENT)
def test_a_whole_disc_drives_less_than_its_halves_together(respond, fields, area):
    """Spatial summation is sub-additive, ratio below .9 (Kay et al. 2013, CSS)."""
    x, y = grid(SIDE, WIDTH_DEG)
    disc = np.hypot(x - 3, y) < 1.5
    halves_and_whole = (disc & (y > 0), disc & (y < 0), disc)
    textures = [contours(SIDE, WIDTH_DEG, seed) for seed in range(4)]
    upper, lower, whole = (
        see(respond, [aperture(texture, mask) for texture in textures]).mean(0)
        for mask in halves_and_whole
    )
    radius_deg = 1.6 if area == "hV4" else 1.0
    mask = np.hypot(fields.x_deg - 3, fields.y_deg) < radius_deg
    mask &= np.isin(fields.area, [code for code, name in AREAS.items() if name == area])
    assert whole[mask].mean() / (upper[mask].mean() + lower[mask].mean()) < 0.9


def test_patchy_texture_drives_more_than_an_even_grating(respond, fields, is_well_inside):
    """Second-order contrast, at least as much in V2 and V3 as in V1 (Kay et al. 2013, SOC)."""
    orientations = (0, 45, 90, 135)
    even = [grating(SIDE, WIDTH_DEG, 3.0, orientation) for orientation in orientations]
    patchy = [
        aperture(texture, patches(SIDE, 18, seed=orientation))
        for texture, orientation in zip(even, orientations, strict=True)
    ]
    responses = np.stack([see(respond, even).mean(0), see(respond, patchy).mean(0)])
    mask = is_well_inside & (fields.eccentricity_deg < 5)
    gain = {name: mean[1] / mean[0] for name, mean in means(responses, mask, fields).items()}
    assert min(gain["V1"], gain["V2"], gain["V3"]) > 1
    assert min(gain["V2"], gain["V3"]) >= gain["V1"] - 0.1


def test_preferred_frequency_in_v1_falls_with_eccentricity(respond, fields):
    """Within .6 octave of 1 / (0.119 E + 0.349) cycles/deg (Broderick et al. 2022)."""
    width_deg, side = 24.0, 288
    frequencies = np.geomspace(0.25, 4.5, 13)
    tuning = [
        see(
            respond,
            [
                grating(side, width_deg, frequency, orientation, 1.0, phase)
                for orientation in (0, 90)
                for phase in (0.0, 1.0)
            ],
            width_deg,
        ).mean(0)
        for frequency in frequencies
    ]
    peaks = []
    for low, high in ((0.5, 1.5), (2, 3), (4, 6), (7, 9)):
        ring = (fields.eccentricity_deg > low) & (fields.eccentricity_deg < high)
        response = np.array(tuning)[:, (fields.area == 1) & ring].mean(1)
        weight = (response / response.max()) ** 6  # the tuning's crest
        peak = np.exp((np.log(frequencies) * weight).sum() / weight.sum())
        published = 1 / (0.119 * (low + high) / 2 + 0.349)
        assert abs(np.log2(peak / published)) < 0.6
        peaks.append(peak)
    assert peaks == sorted(peaks, reverse=True)


TR_S = 2.0
N_POSITIONS = 24
PERIOD_S = N_POSITIONS * TR_S
N_CYCLES = 5


def to_fourier(responses):
    """Coefficient at the stimulus frequency of the BOLD series of repeated cycles.

    The series is convolved with a double-gamma response to a brief event (peak 6 s, undershoot
    16 s, ratio 1/6: SPM's canonical shape); the first cycle is cut. 5 s of delay are taken off.
    """
    t = np.arange(0, 32, TR_S)
    haemodynamic = gamma.pdf(t, 6) - gamma.pdf(t, 16) / 6
    series = np.tile(responses, (N_CYCLES, 1))
    bold = np.apply_along_axis(np.convolve, 0, series, haemodynamic)[: len(series)]
    kept = bold[N_POSITIONS:]
    turns = np.arange(len(kept)) * TR_S / PERIOD_S
    coefficient = (kept * np.exp(-2j * np.pi * turns)[:, None]).sum(0)
    return coefficient * np.exp(2j * np.pi * 5 / PERIOD_S)


def recovered_phase(responses):
    """Phase of each vertex, the remaining delay cancelled by running the cycle both ways."""
    forth = np.angle(to_fourier(responses))
    back = np.angle(to_fourier(np.roll(responses[::-1], 1, axis=0)))  # positions 0, 23, 22 ... 1
    return -np.angle(np.exp(1j * forth) + np.exp(-1j * back))


@pytest.fixture(scope="module")
def wedge_phase(respond):
    checks = checkerboard(192, 16.0)
    centres = 360 * np.arange(N_POSITIONS) / N_POSITIONS
    return recovered_phase(
        see(respond, [aperture(checks, wedge_mask(192, 16.0, c)) for c in centres], 16.0)
    )


@pytest.fixture(scope="module")
def ring_phase(respond):
    checks = checkerboard(192, 16.0)
    positions = np.arange(N_POSITIONS) / N_POSITIONS
    return recovered_phase(
        see(respond, [aperture(checks, ring_mask(192, 16.0, p)) for p in positions], 16.0)
    )


@pytest.mark.parametrize("area", ["V1", "V2", "V3"])
def test_a_rotating_wedge_recovers_polar_angle(fields, wedge_phase, area):
    """Phase-encoded retinotopy (Engel et al. 1994; Sereno et al. 1995), ecc .5 to 6.8 deg."""
    mask = in_ring(fields, area)
    angle = np.arctan2(fields.y_deg, fields.x_deg)[mask]
    assert circular_correlation(wedge_phase[mask], angle) > 0.95
    error_deg = np.rad2deg(np.angle(np.exp(1j * (wedge_phase[mask] - angle))))
    assert np.median(np.abs(error_deg)) < 3


@pytest.mark.parametrize("area", ["V1", "V2", "V3"])
def test_a_growing_ring_recovers_eccentricity(fields, ring_phase, area):
    """Phase-encoded retinotopy (Engel et al. 1994; Sereno et al. 1995), ecc .5 to 6.8 deg."""
    mask = in_ring(fields, area)
    position = ring_phase[mask] / (2 * np.pi) % 1
    assert np.corrcoef(position, np.log(fields.eccentricity_deg[mask]))[0, 1] > 0.95


def in_ring(fields, area):
    code = next(code for code, name in AREAS.items() if name == area)
    eccentricity = fields.eccentricity_deg
    return (fields.area == code) & (eccentricity > 0.5) & (eccentricity < 6.8)


def circular_correlation(a, b):
    """Jammalamadaka & Sarma's coefficient about the circular means."""
    a = np.sin(a - np.angle(np.exp(1j * a).mean()))
    b = np.sin(b - np.angle(np.exp(1j * b).mean()))
    return (a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum())


@pytest.mark.parametrize("sizes", ["kay2013", "wandell2015"])
def test_receptive_fields_grow_from_v1_to_hv4_at_5_deg(sizes):
    """V1 < V2 < V3 < hV4 (Kay et al. 2013; Wandell & Winawer 2015)."""
    size = receptive_field_size_deg(np.array([1, 2, 3, 4]), np.full(4, 5.0), sizes)
    assert np.all(np.diff(size) > 0)


def test_receptive_field_sizes_at_5_deg_equal_the_published_lines():
    """Kay et al. 2013, by hand: .16 x 5 + .5 = 1.3, then 1.4, 1.75, 2.3 deg."""
    size = receptive_field_size_deg(np.array([1, 2, 3, 4]), np.full(4, 5.0), "kay2013")
    np.testing.assert_allclose(size, [1.3, 1.4, 1.75, 2.3])
