"""Features of pictures: DINOv2 as transformers computes it, the filter bank by hand, memory."""

import subprocess
import sys

import numpy as np
import pytest

from models import gallery, patterns
from models.catalog import get_card, load_object
from models.decoders import image_features
from models.decoders.image_features import (
    DINOV2,
    dinov2_features,
    filter_bank_features,
    find_dinov2,
    prepare_picture,
)
from models.errors import Cancelled, ParameterError, StimulusError, WeightsError
from models.feature_files import FeatureFiles
from models.stimulus import Stimulus

WIDTH, DEPTH = 24, 6


@pytest.fixture(scope="module")
def pictures():
    return (*gallery.get_set("photographs").stimuli()[1:4], *gallery.get_set("noise").stimuli()[:2])


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A small DINOv2 with random weights where the hub's cache would hold the real one."""
    import torch
    from transformers import Dinov2Config, Dinov2Model

    top = tmp_path_factory.mktemp("home")
    config = Dinov2Config(
        hidden_size=WIDTH,
        num_hidden_layers=DEPTH,
        num_attention_heads=2,
        image_size=518,
        patch_size=14,
        layerscale_value=0.5,
    )
    torch.manual_seed(0)
    model = Dinov2Model(config).eval()
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    cache = image_features.locations.hub_caches(top)[0]
    model.save_pretrained(cache / "models--facebook--dinov2-small" / "snapshots" / "main")
    return top


@pytest.fixture(autouse=True)
def small_sizes(monkeypatch):
    monkeypatch.setitem(DINOV2, "small", ("facebook/dinov2-small", WIDTH, DEPTH, 88_000_000))
    monkeypatch.setattr(image_features, "_MEMORY", image_features._Memory())


@pytest.fixture(scope="module")
def expected(home, pictures):
    """What the library's own processor and network give: hidden state 4 of 6, mean over tokens."""
    import torch
    from transformers import Dinov2Model
    from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

    folder = image_features.locations.hub_caches(home)[0]
    model = Dinov2Model.from_pretrained(
        folder / "models--facebook--dinov2-small" / "snapshots" / "main"
    ).eval()
    processor = BitImageProcessorPil(
        size={"shortest_edge": 256},
        crop_size={"height": 224, "width": 224},
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    )
    inputs = processor([picture.pixels() for picture in pictures], return_tensors="np")
    with torch.no_grad():
        out = model(torch.from_numpy(inputs["pixel_values"]), output_hidden_states=True)
    return inputs["pixel_values"], out.hidden_states[4].mean(1).numpy()


def test_layers_are_those_of_the_rule():
    # NeuralBench: hidden_states[26] of 41 for the giant
    assert [image_features._layer(size) for size in ("base", "large", "giant")] == [8, 16, 26]
    assert [DINOV2[size][1] for size in ("base", "large", "giant")] == [768, 1024, 1536]


def test_pictures_are_prepared_as_the_published_processor_does(pictures, expected):
    for picture, prepared in zip(pictures, expected[0], strict=True):
        np.testing.assert_allclose(prepare_picture(picture.pixels()), prepared, atol=1e-6)


def test_features_are_the_mean_token_of_the_hidden_state(home, pictures, expected):
    found = dinov2_features(pictures, "small", home=home, device="cpu")
    assert found.shape == (5, WIDTH)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected[1], atol=1e-4)


def test_a_picture_is_run_once(home, pictures, monkeypatch, tmp_path):
    stages = []

    def report(stage, done, total):
        stages.append((done, total))

    first = dinov2_features(pictures[:3], home=home, device="cpu")
    again = dinov2_features(pictures[2::-1], report=report, home=home, device="cpu")
    np.testing.assert_array_equal(again, first[::-1])
    assert stages == [(0, 0)]
    files = FeatureFiles(tmp_path / "features", 10**7)
    twice = dinov2_features([pictures[3], pictures[3]], home=home, device="cpu", files=files)
    np.testing.assert_array_equal(twice[0], twice[1])
    assert files.n_written == 1
    monkeypatch.setattr(image_features, "_MEMORY", image_features._Memory())
    monkeypatch.setattr(image_features, "_Runner", None)  # a later start of the program
    kept = dinov2_features([pictures[3]], home=home, device="cpu", files=files)
    np.testing.assert_array_equal(kept, twice[:1])


def test_what_was_done_before_a_cancel_is_remembered(home, pictures, monkeypatch):
    monkeypatch.setattr(image_features, "_AT_ONCE", 2)

    def stop(stage, done, total):
        if done == 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        dinov2_features(pictures, report=stop, home=home, device="cpu")
    seen = []
    dinov2_features(pictures, report=lambda *call: seen.append(call[1:]), home=home, device="cpu")
    assert seen == [(0, 3), (2, 3), (3, 3)]


def test_absent_weights_are_one_sentence_with_the_way_out(tmp_path, pictures, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match=r"hf download facebook/dinov2-base .*filter bank"):
        dinov2_features(pictures, "base", home=tmp_path)
    with pytest.raises(ParameterError, match="huge"):
        find_dinov2("huge")
    with pytest.raises(StimulusError, match="at least one"):
        dinov2_features((), home=tmp_path)


def test_unusable_weights_are_one_sentence(tmp_path, pictures):
    folder = image_features.locations.hub_caches(tmp_path)[0]
    folder = folder / "models--facebook--dinov2-small" / "snapshots" / "main"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "dinov2"}')
    (folder / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="cannot be read"):
        dinov2_features(pictures[:1], home=tmp_path, device="cpu")


def test_filter_bank_features_are_contrast_energy_by_place():
    left = np.full((384, 384), 128, np.uint8)
    left[:, 40:150] = patterns.to_grey_levels(patterns.stripes(90, 16))[:, 40:150]
    stimulus = Stimulus.from_pixels(left, "left")
    features = filter_bank_features([stimulus, stimulus])
    assert features.shape == (2, 4 * 18 * 18)
    maps = features[0].reshape(4, 18, 18)
    assert maps[:, :, :7].sum() > 20 * maps[:, :, 9:].sum()
    card = get_card("reference-vision")
    energy = load_object(card.encoder)(card).features([stimulus], card.default_settings()).arrays[0]
    # area averages keep the mean of every band
    np.testing.assert_allclose(maps.mean((1, 2)), energy[0].mean((1, 2)), rtol=1e-5)
    assert "not DINOv2" in image_features.FILTER_BANK_NAME
    with pytest.raises(StimulusError):
        filter_bank_features([])


def test_importing_loads_no_network_library():
    code = (
        "import sys, models.decoders.image_features;"
        "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
