"""Text2fMRI in BERG's way: tensors with both axes, variants, offline, a glass brain that moves."""

import json
import socket
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from models import BERG
from models.errors import (
    OfflineError,
    RenderError,
    SelectionError,
    SettingError,
    SpaceMismatchError,
    StimulusError,
    UnknownRegionError,
)
from models.weights.locations import find_hub_file
from tests.berg_samples import TEXT, write_atlas
from tests.seeded_weights import TextSize, write_text

GOLDEN = Path(__file__).parents[1] / "golden_data" / "text2fmri_tiny.npz"
TOLERANCE = 2e-5
DEFAULT = "ShreyDixit/Text2fMRI-Qwen-2.5-0.5B"
OTHER = "somebody/Text2fMRI-small"


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN, allow_pickle=False) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def lines(golden):
    return [str(line) for line in golden["texts"]]


def load(berg, **named):
    named.setdefault("subject", 1)
    return berg.get_encoding_model(TEXT, device="cpu", **named)


def test_answers_are_bergs_as_tensors(berg, lines, golden):
    for subject in (1, 5):
        responses = berg.encode(load(berg, subject=subject), lines)
        assert isinstance(responses, torch.Tensor)
        assert (tuple(responses.shape), responses.dtype) == ((8, 1000), torch.float32)
        responses += 0  # may be written into
        expected = golden[f"tiny_s{subject}_all"]
        np.testing.assert_allclose(responses.numpy(), expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("kind", [list, np.array])
def test_networks_and_mask_are_joined_as_in_berg(berg, lines, golden, kind):
    mask = kind(golden["mask"].tolist())
    for name, selection in (
        ("roi", {"roi": ["Vis", "Limbic"], "voxel_index": None}),
        ("roistr", {"roi": "Vis"}),
        ("vox", {"voxel_index": mask}),
        ("union", {"roi": ["limbic"], "voxel_index": mask}),
    ):
        model = load(berg, selection=selection)
        np.testing.assert_array_equal(model._places["sub-01"], golden[f"idx_{name}"])
        got = berg.encode(model, lines).numpy()
        np.testing.assert_allclose(got, golden[f"tiny_s1_{name}"], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("selection", "error"),
    [
        ({"roi": []}, SelectionError),
        ({"roi": ["Viz"]}, UnknownRegionError),
        ({"voxel_index": [0] * 1000}, SelectionError),
        ({"voxel_index": [0, 0, "...", 1, 1, 0]}, SelectionError),
    ],
)
def test_selections_that_cannot_be_used(berg, selection, error):
    with pytest.raises(error):
        load(berg, selection=selection)


@pytest.mark.parametrize(
    ("lines_", "selection", "shape"),
    [
        (["Hello"], None, (1, 1000)),
        (["Hello", ""], {"voxel_index": [1] + [0] * 999}, (2, 1)),
        (["Hello"], {"voxel_index": [1] + [0] * 999}, (1, 1)),
    ],
)
def test_both_axes_stay(berg, lines_, selection, shape):
    assert tuple(berg.encode(load(berg, selection=selection), lines_).shape) == shape


@pytest.mark.parametrize("stimulus", ["Hello, are you awake?", [], [1, 2], None, 7, [["a"]]])
def test_what_is_no_list_of_strings_is_refused(berg, stimulus):
    with pytest.raises(StimulusError):
        berg.encode(load(berg), stimulus)


def test_a_list_or_all_subjects_work(berg, lines, golden):
    one = berg.encode(load(berg, subject=[1]), lines)
    np.testing.assert_allclose(one.numpy(), golden["tiny_s1_all"], rtol=0, atol=TOLERANCE)
    every = berg.encode(load(berg, subject="all"), np.array(lines))
    assert list(every) == ["sub-01", "sub-02", "sub-03", "sub-05"]
    expected = golden["tiny_s5_all"]
    np.testing.assert_allclose(every["sub-05"].numpy(), expected, rtol=0, atol=TOLERANCE)


def test_another_subject_or_network_never_runs_the_language_model(berg, lines):
    first = load(berg)
    berg.encode(first, lines)
    assert first.encoder.n_backbone_runs == 1
    for named in ({"subject": 2}, {"subject": "all", "selection": {"roi": ["Vis"]}}):
        model = load(berg, **named)
        assert model.encoder is first.encoder
        berg.encode(model, lines)
    assert first.encoder.n_backbone_runs == 1
    berg.encode(first, lines[:-1])
    assert first.encoder.n_backbone_runs == 2


def test_low_memory_works_where_the_page_says_and_gives_the_same(berg, lines, golden):
    for named, call in (({}, {"low_mem_use": True}), ({"low_mem_use": True}, {})):
        model = load(berg, **named)
        for _ in range(2):
            got = berg.encode(model, lines, show_progress=True, **call)
            np.testing.assert_allclose(got.numpy(), golden["tiny_s1_all"], rtol=0, atol=TOLERANCE)
        assert model._encoder is None


def test_nothing_is_asked_of_a_network(berg_home, lines, monkeypatch, tmp_path):
    def refuse(*address):
        raise AssertionError(f"asked {address}")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    berg = BERG(berg_home)
    assert berg.encode(load(berg), lines).shape == (8, 1000)
    berg.get_model_metadata(TEXT)


def test_a_model_says_how_a_long_transcript_was_read(berg, lines):
    model = load(berg)
    assert not model.facts
    berg.encode(model, lines)
    assert model.facts["transcript"].startswith("whole: 27 tokens")
    berg.encode(model, lines * 4)
    assert "windows of 64" in model.facts["transcript"]


# Variants


def test_variants_are_told_by_the_loaded_model_too(berg):
    assert load(berg).get_pretrained_variants() == [DEFAULT]


@pytest.fixture(scope="module")
def two_variants(tmp_path_factory):
    home = tmp_path_factory.mktemp("variants")
    write_text(home, variant=DEFAULT)
    write_text(home, TextSize("other", n_layers=1, n_heads=2, width=64), OTHER)
    return home


def test_a_variant_of_another_size_loads_by_its_own_config(two_variants, lines):
    berg = BERG(two_variants)
    small = load(berg, model_variant=OTHER)
    assert (small.encoder.config.transformer_dim, small.encoder.variant) == (64, OTHER)
    first, second = (berg.encode(model, lines) for model in (small, load(berg)))
    assert first.shape == second.shape
    assert not torch.allclose(first, second)


def test_a_config_names_the_variant_that_has_it(two_variants):
    berg = BERG(two_variants)
    path = find_hub_file(OTHER, "config.json", two_variants)
    config = json.loads(path.read_text()) | {"extractor_LLM_dtype": "float16"}
    for given in (config, SimpleNamespace(**config), {"transformer_dim": 64}):
        assert load(berg, config=given).encoder.variant == OTHER
    named = load(berg, config=config, model_variant=DEFAULT)
    assert named.encoder.variant == DEFAULT  # the page: config is ignored then


def test_an_unknown_config_is_refused_and_never_random(two_variants):
    with pytest.raises(SettingError, match="No variant that is here"):
        load(BERG(two_variants), config={"transformer_dim": 2048})


def test_a_variant_that_is_not_here_is_named_with_its_command(two_variants, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(OfflineError, match="--variant nobody/Text2fMRI-none"):
        load(BERG(two_variants), model_variant="nobody/Text2fMRI-none")


# The glass brain


@pytest.fixture
def atlas(berg_home):
    path = write_atlas(berg_home)
    yield path
    path.unlink()


@pytest.mark.parametrize("selection", [None, {"roi": ["Vis"]}])
def test_the_animation_is_written_at_the_volumes_pace(berg, lines, atlas, tmp_path, selection):
    model = load(berg, selection=selection)
    responses = berg.encode(model, lines[:2])
    out = tmp_path / "activation.gif"
    assert model.generate_glass_brain_animation(responses, out_path=str(out)) == str(out)
    with Image.open(out) as animation:
        assert animation.n_frames == 2
        assert animation.info["duration"] == 1490


def test_its_default_place_is_the_pages(berg, lines, atlas, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = load(berg)
    path = model.generate_glass_brain_animation(np.asarray(berg.encode(model, lines[:1])))
    assert path == "brain_activation.gif"
    assert Path(path).is_file()


def test_without_the_atlas_nothing_is_fetched_and_the_command_is_named(berg, lines, tmp_path):
    model = load(berg)
    responses = berg.encode(model, lines[:1])
    with pytest.raises(OfflineError, match=r"FSLMNI152_1mm.nii.gz is missing: run `python -m"):
        model.generate_glass_brain_animation(responses, str(tmp_path / "a.gif"))


def test_responses_of_another_model_are_refused(berg, atlas, tmp_path):
    model = load(berg, selection={"roi": ["Vis"]})
    for responses in (np.zeros((2, 7)), np.zeros(162)):
        with pytest.raises(SpaceMismatchError, match=r"\(n_volumes, 162\)"):
            model.generate_glass_brain_animation(responses, str(tmp_path / "a.gif"))
    with pytest.raises(RenderError, match="no value"):
        model.generate_glass_brain_animation(np.zeros((0, 162)), str(tmp_path / "a.gif"))
