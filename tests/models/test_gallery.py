"""Built-in pictures: where they fall in the visual field, hand-computed."""

import subprocess
import sys

import numpy as np
import pytest

from models import gallery, patterns
from models.errors import StimulusError
from models.gallery import DEFAULT_SET, get_set, list_sets, reference_pictures

SIDE = 384
CENTRE = 191.5


def picture(set_id, index):
    """Grey levels of a drawn picture: (384, 384) int."""
    return get_set(set_id).stimuli()[index].pixels()[..., 0].astype(int)


def is_drawn(set_id, index):
    """Where a picture differs from grey: (384, 384) bool."""
    return picture(set_id, index) != 128


def test_first_visit_shows_the_rotating_wedge():
    wedge = get_set(DEFAULT_SET)
    assert wedge.title == "Rotating wedge"
    assert wedge.kind == "sequence"
    assert len(wedge.stimuli()) == 24
    assert wedge.frame_rate_hz == 2
    assert wedge.stimuli()[6].name == "Wedge at 90°"


# 0, 90, 180, 270, 45 and 315 degrees, counter-clockwise from the right; row 0 is the top
@pytest.mark.parametrize(
    ("frame", "row", "column"),
    [(0, 192, 300), (6, 84, 192), (12, 192, 84), (18, 300, 192), (3, 116, 268), (21, 268, 268)],
)
def test_wedge_turns_counter_clockwise_from_the_right(frame, row, column):
    drawn = is_drawn("wedge", frame)
    assert drawn[row, column]
    assert not drawn[SIDE - 1 - row, SIDE - 1 - column]
    rows, columns = np.nonzero(drawn)
    centroid_deg = np.degrees(np.arctan2(CENTRE - rows.mean(), columns.mean() - CENTRE))
    assert abs((centroid_deg - 15 * frame + 180) % 360 - 180) < 0.5


def test_wedge_is_45_degrees_wide_and_every_place_is_seen_three_times():
    seen = np.sum([is_drawn("wedge", frame) for frame in range(24)], axis=0)
    disc = np.pi * 192**2
    assert is_drawn("wedge", 5).sum() == pytest.approx(disc / 8, rel=0.01)
    assert np.median(seen[seen > 0]) == 3
    assert (seen > 0).sum() == pytest.approx(disc, rel=0.01)


def test_wedge_reverses_contrast_from_frame_to_frame():
    both = is_drawn("wedge", 0) & is_drawn("wedge", 1)
    assert both.any()
    np.testing.assert_array_equal(picture("wedge", 0)[both] + picture("wedge", 1)[both], 256)


def test_checks_are_black_and_white_in_equal_parts():
    checks = patterns.checkerboard()
    assert set(np.unique(checks)) == {-1, 1}
    assert abs(checks.mean()) < 0.01
    # sectors are 15 degrees: at radius 100 pixels the sign changes 24 times around the circle
    angles = np.radians(np.arange(0.25, 360, 0.5))
    rows = np.rint(CENTRE - 100 * np.sin(angles)).astype(int)
    columns = np.rint(CENTRE + 100 * np.cos(angles)).astype(int)
    around = checks[rows, columns]
    assert (around != np.roll(around, 1)).sum() == 24


def test_ring_grows_on_a_logarithmic_scale():
    # middle of ring 9 of 16: .25 * 32 ** .5 = 1.414 deg; it spans 32 ** (.5 -+ .125) * .25,
    # .917 to 2.181 deg; 8 deg are 192 pixels: 22.0 to 52.3 pixels
    row = is_drawn("ring", 8)[192, 192:]
    assert not row[:21].any()
    assert row[23:51].all()
    assert not row[54:].any()
    areas = [is_drawn("ring", k).sum() for k in range(2, 15)]
    assert (np.diff(areas) > 0).all()


def test_every_ring_is_round():
    for frame in (4, 8, 12):
        drawn = is_drawn("ring", frame)
        np.testing.assert_array_equal(drawn, drawn[::-1])
        np.testing.assert_array_equal(drawn, drawn[:, ::-1])
        np.testing.assert_array_equal(drawn, drawn.T)


def test_halves_lie_where_their_names_say():
    names = [stimulus.name for stimulus in get_set("halves").stimuli()]
    assert names == ["Right half", "Upper half", "Left half", "Lower half"]
    insides = (np.s_[:, 193:], np.s_[:191, :], np.s_[:, :191], np.s_[193:, :])
    outsides = (np.s_[:, :191], np.s_[193:, :], np.s_[:, 193:], np.s_[:191, :])
    for index, (inside, outside) in enumerate(zip(insides, outsides, strict=True)):
        drawn = is_drawn("halves", index)
        assert drawn[inside].mean() == pytest.approx(np.pi / 4, abs=0.01)
        assert not drawn[outside].any()


def test_stripes_have_the_orientation_and_number_they_are_named_after():
    flat, rising, upright, falling = (patterns.stripes(angle, 12) for angle in (0, 45, 90, 135))
    np.testing.assert_allclose(flat, flat[:, :1] * np.ones(SIDE))
    np.testing.assert_allclose(upright, upright[:1] * np.ones((SIDE, 1)))
    np.testing.assert_allclose(rising[1:, :-1], rising[:-1, 1:], atol=1e-4)
    np.testing.assert_allclose(falling[1:, 1:], falling[:-1, :-1], atol=1e-4)
    assert np.abs(np.fft.rfft(upright[0])).argmax() == 12
    names = [stimulus.name for stimulus in get_set("gratings").stimuli()]
    assert len(names) == len(set(names)) == 12
    assert names[1] == "Stripes at 45°, 6 across"


@pytest.mark.parametrize(
    ("index", "contrast"), [(0, 0.03), (1, 0.06), (2, 0.12), (3, 0.25), (4, 0.5), (5, 1.0)]
)
def test_contrast_series_has_the_michelson_contrast_it_says(index, contrast):
    levels = picture("contrast", index)
    found = (levels.max() - levels.min()) / (levels.max() + levels.min())
    # full contrast is 127 steps around 128; the pixel nearest to a peak of 32 pixels a cycle is
    # half a pixel off, cos(pi / 32) = .995; and levels are rounded to whole steps
    assert found == pytest.approx(contrast * 127 / 128 * 0.995, abs=0.5 / 128)
    assert get_set("contrast").stimuli()[index].name == f"Contrast {round(100 * contrast)}%"


def test_a_plaid_is_the_sum_of_its_two_gratings():
    for first in (0, 3):
        one, other, plaid = (picture("plaids", first + k) - 128 for k in range(3))
        assert np.abs(one + other - plaid).max() <= 1  # each is rounded
        for grating in (one, other):
            assert np.abs(grating).max() == pytest.approx(127 / 2, abs=0.5)


def test_pink_noise_falls_as_one_over_frequency():
    levels = patterns.pink_noise(7).astype(float)
    amplitude = np.abs(np.fft.fft2(levels - levels.mean()))
    frequency = SIDE * np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE)[None])
    band = (frequency > 4) & (frequency < 100)
    slope = np.polyfit(np.log(frequency[band]), np.log(amplitude[band]), 1)[0]
    assert slope == pytest.approx(-1, abs=0.05)  # Field 1987: natural pictures
    assert levels.mean() == pytest.approx(128, abs=1.5)
    assert levels.std() == pytest.approx(0.3 * 127, rel=0.03)
    assert (patterns.pink_noise(7) == levels).all()
    assert (patterns.pink_noise(8) != levels).mean() > 0.9


@pytest.mark.parametrize("gallery_set", list_sets(), ids=lambda gallery_set: gallery_set.id)
def test_every_set_is_complete(gallery_set):
    stimuli = gallery_set.stimuli()
    assert gallery_set.stimuli() is stimuli
    assert 1 < len(stimuli) <= 64
    assert len({stimulus.digest for stimulus in stimuli}) == len(stimuli)
    assert all(256 <= max(stimulus.size) <= 1500 for stimulus in stimuli)
    assert gallery_set.title
    assert gallery_set.description.endswith(".")
    assert gallery_set.licence
    assert 2 <= gallery_set.visual_angle_deg <= 30
    assert (gallery_set.frame_rate_hz > 0) == (gallery_set.kind == "sequence")


def test_sets_are_the_same_when_drawn_again():
    first = [get_set(set_id).stimuli() for set_id in ("wedge", "noise", "plaids")]
    gallery._draw.cache_clear()
    assert [get_set(set_id).stimuli() for set_id in ("wedge", "noise", "plaids")] == first


def test_unknown_set_names_near_matches():
    with pytest.raises(StimulusError, match="Did you mean wedge"):
        get_set("wegde")


def test_photographs_name_their_terms():
    photographs = get_set("photographs")
    for stimulus in photographs.stimuli():
        assert stimulus.name in photographs.licence
    assert photographs.licence.count("CC0") + photographs.licence.count("public domain") == 7
    assert get_set("textures").licence.count("CC0") >= 3


def test_without_scikit_image_drawn_sets_work_and_photographs_say_why_not(monkeypatch):
    monkeypatch.setattr(gallery, "find_spec", lambda name: None)
    gallery._draw.cache_clear()
    assert get_set("contrast").stimuli()
    with pytest.raises(StimulusError, match="comes with scikit-image, which is not installed"):
        get_set("photographs").stimuli()


def test_drawing_the_gallery_imports_neither_scikit_image_nor_matplotlib():
    code = (
        "import sys; from models import gallery;"
        "[s.stimuli() for s in gallery.list_sets()]; gallery.reference_pictures();"
        "print([m for m in ('skimage', 'matplotlib', 'streamlit', 'torch') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_reference_pictures_are_24_different_squares():
    pictures = reference_pictures()
    assert len(pictures) == 24
    assert len({stimulus.digest for stimulus in pictures}) == 24
    assert all(width == height >= 225 for width, height in (s.size for s in pictures))
    names = [stimulus.name for stimulus in pictures]
    assert sum(", part " in name for name in names) == 15
    assert sum(name.startswith("Noise") for name in names) == 6
    assert not {s.digest for s in pictures} & {s.digest for s in get_set("noise").stimuli()}


def test_a_reference_crop_is_the_corner_it_says():
    astronaut = get_set("photographs").stimuli()[0].pixels()
    crops = [stimulus.pixels() for stimulus in reference_pictures()[:3]]
    np.testing.assert_array_equal(crops[0], astronaut[:384, :384])
    np.testing.assert_array_equal(crops[1], astronaut[64:448, 64:448])
    np.testing.assert_array_equal(crops[2], astronaut[128:, 128:])
