"""What each model says of its memory; a closed one answers as before; rows stand for the whole."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from models.catalog import CATALOG, PUBLISHED, load_object
from models.encoders import _device
from models.encoders._device import held_by
from models.encoders.base import Features
from models.encoders.mosaic_cnn8 import MosaicCnn8
from models.encoders.nsd_huze import NsdHuze
from models.encoders.reference_vision import ReferenceVision
from models.encoders.text2fmri import Text2FMRI
from models.encoders.things_vit import ThingsFeatures, ThingsViT
from models.memory import Bytes
from models.stimulus import Stimulus
from models.types import Selection
from tests.models.encoders.cards import HUZE_CARD, TEXT_CARD
from tests.models.encoders.published_samples import write_mosaic, write_things_subject, write_vit
from tests.seeded_weights import TINY_VARIANT, write_huze, write_text

THINGS_CARD = next(card for card in PUBLISHED if "things" in card.id)
MOSAIC_CARD = next(card for card in PUBLISHED if "mosaic" in card.id)
PICTURES = tuple(
    Stimulus.from_pixels(pixels, f"{number}")
    for number, pixels in enumerate(
        np.random.default_rng(5).integers(0, 256, (3, 60, 50, 3), np.uint8)
    )
)
TRANSCRIPT = (Stimulus.from_lines(["the cat", "", "sat on"], "words", 1.49),)
SOME = tuple(range(900))


def make_things(folder):
    write_vit(folder)
    write_things_subject(THINGS_CARD, folder, "sub-01")
    return lambda: ThingsViT(THINGS_CARD, "cpu", folder)


def make_mosaic(folder):
    write_mosaic(MOSAIC_CARD, folder)
    return lambda: MosaicCnn8(MOSAIC_CARD, "cpu", folder)


def make_huze(folder):
    write_huze(folder)
    return lambda: NsdHuze(HUZE_CARD, "cpu", folder)


def make_text(folder):
    write_text(folder)
    return lambda: Text2FMRI(TEXT_CARD, TINY_VARIANT, "cpu", folder)


MAKERS = {"things": make_things, "mosaic": make_mosaic, "huze": make_huze, "text": make_text}


@pytest.fixture(scope="module", params=MAKERS)
def make(request, tmp_path_factory):
    """Make a published model on small weights."""
    return MAKERS[request.param](tmp_path_factory.mktemp(request.param))


def ask(model, stimuli=None):
    """Features, and responses of a few places of the first subject."""
    if stimuli is None:
        stimuli = TRANSCRIPT if model.card.modality == "transcript" else PICTURES
    settings = model.card.default_settings()
    features = model.features(stimuli, settings, subjects=("sub-01",))
    return features, read_out(model, features)


def read_out(model, features):
    selection = Selection(("sub-01",), indices=SOME)
    return model.readout(features, selection, model.card.default_settings())[0]


def test_a_closed_model_lets_go_and_answers_as_before(make):
    model = make()
    at_first = model.held
    _, before = ask(model)
    assert model.n_bytes == model.held.total >= at_first.total
    assert model.held.device == 0  # on a processor
    model.close()
    assert model.held == at_first
    _, after = ask(model)
    np.testing.assert_array_equal(before.values, after.values)
    assert before.provenance == after.provenance


def test_the_hash_of_what_features_use_is_the_files_own(make):
    sha256 = make().features_sha256(("sub-01",))
    assert len(sha256) == 64
    assert make().features_sha256(("sub-01",)) == sha256


def test_models_name_their_device(make):
    assert make().device_name == "cpu"


def test_rows_of_pictures_put_together_answer_as_the_whole(make):
    model = make()
    features, whole = ask(model)
    is_about_pictures = model.card.modality == "image"
    assert model.has_independent_rows == is_about_pictures
    assert type(features) is model.features_type
    if not is_about_pictures:
        return
    rows = [ask(model, [picture])[0].row(0) for picture in PICTURES]
    assert all(one.fits(other) for one, other in pairwise([*rows, features]))
    order = [2, 0, 1, 0]
    stimuli = [PICTURES[number] for number in order]
    settings = model.card.default_settings()
    again = Features.joined([rows[number] for number in order], stimuli, settings)
    assert type(again) is type(features)
    response = read_out(model, again)
    spread = whole.values.std()
    np.testing.assert_allclose(response.values, whole.values[order], rtol=1e-5, atol=1e-5 * spread)
    assert response.row_labels == ("2", "0", "1", "0")
    assert response.provenance == whole.provenance


def test_things_rows_know_their_pictures_again(tmp_path):
    model = make_things(tmp_path)()
    features, _ = ask(model)
    assert features.row(1).pictures == ()
    bound = features.row(1).bound(PICTURES[1:2])
    assert isinstance(bound, ThingsFeatures)
    assert bound.pictures == PICTURES[1:2]
    assert bound.scored == ("sub-01",)


def test_things_hash_names_whose_components_were_taken(tmp_path):
    make = make_things(tmp_path)
    alone = make().features_sha256()
    assert alone == make().features_sha256(("sub-01",))
    write_things_subject(THINGS_CARD, tmp_path, "sub-02")
    assert make().features_sha256() != alone


def test_huze_hash_is_of_the_named_subjects(monkeypatch):
    files = {"sub-01": "1" * 64, "sub-02": "2" * 64}
    monkeypatch.setattr(
        NsdHuze, "_person", lambda self, subject: SimpleNamespace(sha256=files[subject])
    )
    model = NsdHuze(HUZE_CARD, "cpu")
    one, two = model.features_sha256(("sub-01",)), model.features_sha256(("sub-02",))
    assert one == model.features_sha256()
    assert len({one, two, model.features_sha256(("sub-01", "sub-02"))}) == 3
    files["sub-01"] = "3" * 64
    assert model.features_sha256(("sub-01",)) != one


def test_the_network_of_things_is_memory_held_and_its_components_are_not(tmp_path):
    model = make_things(tmp_path)()
    ask(model)
    loaded = model._loaded
    network, readout = loaded[("network", torch.float32)], loaded[("readout", "sub-01")]
    assert readout.held == Bytes(host=readout._centre.numel() * 4)
    assert held_by(network).host >= 4 * sum(
        tensor.numel() for block in network._blocks for tensor in block.values()
    )
    assert model.held == held_by(network) + readout.held


def test_held_memory_is_found_through_objects_of_ours_only():
    class Ours:
        def __init__(self):
            self.weights = {"one": torch.zeros(10), "more": [torch.zeros(5), (torch.zeros(1),)]}
            self.me = self

    class Speaks(Ours):
        held = Bytes(3, 4)

    class Foreign(Ours):
        pass

    Ours.__module__ = Speaks.__module__ = "models.somewhere"
    Foreign.__module__ = "elsewhere"
    ours = Ours()
    assert held_by(ours, [ours]) == Bytes(host=64)
    assert held_by(ours, Speaks(), Foreign(), None, 3) == Bytes(67, 4)
    assert held_by(torch.nn.Linear(3, 2)) == Bytes(host=32)


def test_closing_a_model_on_a_gpu_empties_its_cache(tmp_path, monkeypatch):
    model = make_mosaic(tmp_path)()
    monkeypatch.setattr(_device, "pick_device", lambda name: torch.device("cuda:0"))
    emptied = []
    monkeypatch.setattr(_device, "free_unused_memory", lambda: emptied.append(True))
    model.close()
    assert emptied == [True]


def test_a_batch_that_did_not_fit_is_remembered_by_the_model(tmp_path):
    model = make_things(tmp_path)()
    size = model._batch_size(64, 1)
    size.halve(8)
    assert model._batch_size(64, 1).most == 4


@pytest.mark.parametrize("card", CATALOG, ids=lambda card: card.id)
def test_picture_models_have_independent_rows_and_transcripts_do_not(card):
    kind = load_object(card.encoder)
    assert kind.has_independent_rows == (card.modality == "image")


def test_the_reference_model_needs_no_files_and_says_what_it_depends_on():
    card = CATALOG[0]
    model = ReferenceVision(card)
    assert model.held == Bytes()
    settings = card.default_settings()
    features = model.features(PICTURES[:1], settings)
    (response,) = model.readout(features, Selection(("average",)), settings)
    assert model.features_sha256() == response.provenance.weights_sha256
