"""The page Decode with models whose files are here: other spaces, persons, published noise."""

from dataclasses import replace

import numpy as np
import pytest

from app import cache, decode_cache, decode_worlds, readiness
from app.decode_link import MAKER, DecodeState, Source, pairing
from models.encoders.base import Overlay
from models.engine import Engine
from models.errors import SpaceMismatchError
from models.spaces import FSAVERAGE, FSAVERAGE5, FSLR32K
from tests.fakes_published import (
    HUZE,
    MOSAIC,
    THINGS,
    FakePublished,
    load_fake,
    put_files,
    set_home,
)

ONE, FIVE = Source(HUZE, "sub-01"), Source(HUZE, "sub-05")
STATE = DecodeState(maker=ONE, reader=FIVE, n_pictures=20, missed_percent=0)
N_KNOWN = 4_000  # places of each hemisphere that carry signal


class Person(FakePublished):
    """Random responses: half of them the same in all persons; noise published for V1v only."""

    def _response(self, features, selection, subject):
        response = super()._response(features, selection, subject)
        columns = response.column_indices
        rows = [self._row(int(number), subject)[columns] for number in features.arrays[0][:, 0]]
        return replace(response, values=np.array(rows, np.float32))

    def _row(self, number, subject):
        n = self._space(subject).n_places
        shared = np.random.default_rng([number, 0]).standard_normal(n, np.float32)
        own = np.random.default_rng([number, int(subject[-1])]).standard_normal(n, np.float32)
        return shared + own

    def overlays(self, subject):
        values = np.full(self._space(subject).n_places, np.nan, np.float32)
        values[:N_KNOWN] = 0.9
        values[163_842 : 163_842 + N_KNOWN] = 0.3
        return (Overlay("ncsnr", "SNR", "How much.", "signal SD / noise SD", "metadata", values),)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Nothing is here but what a test puts there."""
    set_home(monkeypatch, tmp_path)
    readiness.forget()
    yield tmp_path
    readiness.forget()


@pytest.fixture
def engine(home, monkeypatch):
    """An engine of this test's own with random persons."""
    one = Engine(load=lambda card: Person(card) if card.id == HUZE else load_fake(card))
    monkeypatch.setattr(cache, "engine", lambda: one)
    yield one
    one.close()


def test_two_persons_of_one_model_meet_on_fsaverage5_with_published_noise(home, engine):
    put_files(home, HUZE, "sub-01", "sub-05")
    world = decode_worlds.world_of(STATE, decode_worlds.pictures_of(STATE))
    assert world.space is FSAVERAGE5
    # the first 10,242 vertices of each hemisphere are fsaverage5's; noise is known of the first
    assert world.columns.tolist() == [
        *range(N_KNOWN),
        *range(FSAVERAGE5.n_left, FSAVERAGE5.n_left + N_KNOWN),
    ]
    assert not world.noise.is_assumed
    assert set(np.unique(world.noise.ncsnr)) == {np.float32(0.9), np.float32(0.3)}
    number = int(world.pictures.stimuli[3].digest[:2], 16)
    own = Person(ONE.card)._row(number, "sub-01")
    assert own.shape == (FSAVERAGE.n_places,)
    np.testing.assert_array_equal(world.signals[3, :N_KNOWN], own[:N_KNOWN])
    np.testing.assert_array_equal(world.signals[3, N_KNOWN:], own[163_842 : 163_842 + N_KNOWN])


def test_another_person_is_read_worse_than_the_same_and_says_partly_independent(home, engine):
    put_files(home, HUZE, "sub-01", "sub-05")
    assert "other person" in pairing(STATE).title
    noisy = replace(STATE, noise=2.0, n_repeats=1)
    across = decode_cache.start(noisy).result()
    within = decode_cache.start(replace(noisy, reader=ONE)).result()
    truth = np.arange(20)
    assert across.scores[truth, truth].mean() < within.scores[truth, truth].mean()
    words = " ".join(decode_cache.noise_words(within, noisy))
    assert "where the model publishes none" not in words


def test_regions_are_those_of_the_reader_on_the_common_surface(home, engine):
    put_files(home, HUZE, "sub-01", "sub-05")
    reading = decode_cache.start(replace(STATE, regions=("V1v",))).result()
    left = FSAVERAGE5.n_left
    assert reading.columns.tolist() == [*range(50), *range(left, left + 58)]


def test_models_are_offered_where_their_files_are_and_only_those_seen_in_the_same_places(home):
    reasons = {one.model_id: reason for one, reason in decode_worlds.sources()}
    assert "needs about" in reasons[HUZE]
    put_files(home, HUZE, "sub-05")
    put_files(home, MOSAIC, "sub-01")
    readiness.forget()
    ready = [one for one, reason in decode_worlds.sources() if not reason]
    assert FIVE in ready
    assert ONE not in ready
    on_surface = {one.model_id for one, _ in decode_worlds.sources(FSAVERAGE5.name)}
    assert on_surface == {"reference-vision", HUZE}
    assert {one.model_id for one, _ in decode_worlds.sources(FSLR32K.name)} == {MOSAIC}


def test_voxels_of_two_persons_have_nothing_in_common():
    one, other = Source(THINGS, "sub-01"), Source(THINGS, "sub-02")
    assert decode_worlds.common_space(one) != decode_worlds.common_space(other)


def test_a_link_with_a_pair_without_common_places_reads_with_the_maker(home):
    put_files(home, MOSAIC, "sub-01")
    readiness.forget()
    query = {"maker": Source(MOSAIC, "sub-01").write(), "reader": MAKER.write()}
    state, notices = decode_worlds.read_link(query)
    assert state.reader == state.maker
    assert state.noise > 0
    assert "no places in common" in notices[0]


def test_a_pair_without_common_places_is_refused_in_a_sentence(home, engine):
    put_files(home, HUZE, "sub-01")
    put_files(home, MOSAIC, "sub-01")
    state = replace(STATE, reader=Source(MOSAIC, "sub-01"))
    with pytest.raises(SpaceMismatchError, match="no places in common"):
        decode_cache.start(state).result()
