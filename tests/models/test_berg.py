"""BERG's interface: what is listed, how models are named, loaded, refused; its faults put right."""

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import models
from models import BERG
from models.errors import (
    BoldcastError,
    ModelNotFoundError,
    OfflineError,
    ParameterError,
    SelectionError,
    SettingError,
    StimulusError,
    UnknownRegionError,
    WeightsError,
)
from models.weights.locations import metadata_folder
from tests.berg_samples import HUZE, MOSAIC, TEXT, THINGS

ALL = [MOSAIC, TEXT, THINGS, HUZE]


# What there is


def test_models_are_listed_under_bergs_ids(berg):
    expected = [
        "fmri-cneuromod_algo2025-text2fmri",
        "fmri-mosaic-CNN8_multihead_subNSD_verticesAll",
        "fmri-nsd_fsaverage-huze",
        "fmri-things_fmri_1-vit_b_32",
    ]
    assert berg.list_models() == expected
    every = berg.list_models(expand_brainscore_vision=True, expand_brainscore_language=True)
    assert every == expected


def test_catalog_is_data_sets_by_modality(berg, capsys):
    expected = {"fmri": ["cneuromod_algo2025", "mosaic", "nsd_fsaverage", "things_fmri_1"]}
    assert berg.get_model_catalog() == expected
    assert capsys.readouterr().out == ""
    assert berg.get_model_catalog(print_format=True) == expected
    assert "cneuromod_algo2025" in capsys.readouterr().out


@pytest.mark.parametrize("model_id", ALL)
def test_a_description_names_unit_caveat_and_where_accuracy_lies(berg, capsys, model_id):
    facts = berg.describe(model_id)
    shown = capsys.readouterr().out
    assert facts["accuracy_plots"].endswith("encoding_models_accuracy")
    assert "not measured" in facts["caveat"]
    for name in ("units", "caveat", "citation", "licence"):
        assert facts[name] in shown


def test_only_text_has_variants_and_those_here_are_told_without_a_network(berg):
    assert berg.get_model_variants(TEXT) == ["ShreyDixit/Text2fMRI-Qwen-2.5-0.5B"]
    for model_id in (MOSAIC, THINGS, HUZE):
        assert berg.get_model_variants(model_id) == []


def test_an_unknown_model_is_told_with_what_is_near(berg):
    calls = (
        berg.describe,
        berg.get_model_variants,
        berg.get_encoding_model,
        berg.get_model_metadata,
    )
    for call in calls:
        with pytest.raises(ModelNotFoundError, match="fmri-nsd_fsaverage-huze"):
            call("fmri-nsd_fsaverage-hyze")
    with pytest.raises(ModelNotFoundError, match="Did you mean"):
        berg.get_encoding_model("brainscore_language-gpt2", subject=1)


# The interface itself


def test_arguments_have_bergs_names_order_and_defaults():
    def of(method):
        parameters = list(inspect.signature(method).parameters.values())[1:]
        return [(each.name, each.default) for each in parameters]

    load = of(BERG.get_encoding_model)
    assert load[1:3] == [("device", "auto"), ("selection", None)]
    assert {"subject", "model_variant", "config", "low_mem_use"} <= {name for name, _ in load}
    assert of(BERG.encode)[:3] == [
        ("model", inspect.Parameter.empty),
        ("stimulus", inspect.Parameter.empty),
        ("return_metadata", False),
    ]
    assert {"show_progress", "low_mem_use"} <= {name for name, _ in of(BERG.encode)}
    assert of(BERG.get_model_catalog) == [("print_format", False)]
    assert of(BERG) == []  # __init__ alone
    assert list(inspect.signature(BERG).parameters) == ["berg_dir"]


def test_nothing_heavy_is_imported_before_a_model_is_loaded():
    code = (
        "import sys; from models import BERG; b = BERG('nowhere'); b.list_models(); "
        "print([m for m in ('torch', 'transformers', 'boto3', 'streamlit') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(models.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "[]"


def test_the_package_offers_what_it_lists_and_nothing_else():
    for name in models.__all__:
        assert getattr(models, name) is getattr(models.berg, name)
        assert name in dir(models)
    with pytest.raises(AttributeError, match="no attribute 'Berg'"):
        models.Berg  # noqa: B018


def test_berg_dir_is_the_argument_else_the_environments_folder(monkeypatch, tmp_path):
    assert BERG(tmp_path).berg_dir == str(tmp_path)
    monkeypatch.setenv("BOLDCAST_HOME", str(tmp_path / "own"))
    assert BERG().berg_dir == str(tmp_path / "own")


# Exceptions


def test_bergs_exceptions_are_names_of_one_tree():
    assert models.BERGError is BoldcastError
    for name in ("ModelNotFoundError", "ModelLoadError", "InvalidParameterError"):
        assert issubclass(getattr(models, name), models.BERGError)
    for name in ("StimulusError", "ResourceError", "ValidationError"):
        assert issubclass(getattr(models, name), models.BERGError)
    for kind in (SelectionError, SettingError, UnknownRegionError):
        assert issubclass(kind, models.InvalidParameterError)
    assert issubclass(OfflineError, models.ModelLoadError)


def test_memory_and_disk_are_resources():
    from models.encoders._device import DeviceMemoryError
    from models.errors import DiskFullError

    assert issubclass(DeviceMemoryError, models.ResourceError)
    assert issubclass(DiskFullError, models.ResourceError)


@pytest.mark.parametrize(
    ("model_id", "named", "error"),
    [
        (THINGS, {"subject": 9}, SelectionError),
        (THINGS, {"subject": 1, "selection": {"roi": ["nowhere"]}}, UnknownRegionError),
        (THINGS, {"subject": 1, "selection": {"voxel_index": [1, 0]}}, SelectionError),
        (THINGS, {"subject": 1, "device": "abacus"}, SettingError),
        (THINGS, {"subject": 3}, WeightsError),
        (TEXT, {"subject": 1, "model_variant": "no repository"}, WeightsError),
    ],
)
def test_what_goes_wrong_keeps_its_own_kind(berg, model_id, named, error):
    """BERG makes a ModelNotFoundError of most of these."""
    with pytest.raises(error):
        berg.get_encoding_model(model_id, **named)


def test_a_missing_file_is_named_with_the_command_that_fetches_it(berg, tmp_path):
    words = r"weights_sub-03.npy is missing: run `python -m models fetch .*-vit_b_32 --subject 3`"
    with pytest.raises(OfflineError, match=words):
        berg.get_encoding_model(THINGS, subject=3)
    for model_id in ALL:
        with pytest.raises(OfflineError, match=f"fetch {model_id}"):
            BERG(tmp_path).get_encoding_model(model_id, subject=1)


# Subjects and selections as scripts write them


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (1, ["sub-01"]),
        (np.int64(2), ["sub-02"]),
        ("1", ["sub-01"]),
        ("sub-02", ["sub-02"]),
        ("subj02", ["sub-02"]),
        ("S2", ["sub-02"]),
        ([1], ["sub-01"]),
        ((2, "1"), ["sub-02", "sub-01"]),
        ([1, 1], ["sub-01"]),
        (np.array([1, 2]), ["sub-01", "sub-02"]),
        (range(1, 3), ["sub-01", "sub-02"]),
    ],
)
def test_subjects_in_every_spelling(berg, given, expected):
    assert list(berg.get_encoding_model(THINGS, subject=given).subjects) == expected


@pytest.mark.parametrize(
    "given", [None, 0, 4, -1, "4", "", "everyone", "banana1", "1.5", 1.5, True, [], [1, 9], [[1]]]
)
def test_subjects_that_are_none(berg, given):
    with pytest.raises(SelectionError, match="subject is one of 1, 2, 3, 5") as caught:
        berg.get_encoding_model(TEXT, subject=given)
    assert isinstance(caught.value, ParameterError)


@pytest.mark.parametrize("word", ["all", "ALL"])
def test_all_is_every_subject_of_the_card(berg, word):
    assert berg.get_encoding_model(TEXT, subject=word).subjects == (
        *("sub-01", "sub-02", "sub-03", "sub-05"),
    )


@pytest.mark.parametrize("model_id", ALL)
def test_unknown_keys_and_no_dictionaries_are_refused(berg, model_id):
    with pytest.raises(SelectionError, match=r"no key 'rois'\. Did you mean roi"):
        berg.get_encoding_model(model_id, subject=1, selection={"rois": ["V1"]})
    with pytest.raises(SelectionError, match="dictionary"):
        berg.get_encoding_model(model_id, subject=1, selection=["V1"])
    with pytest.raises(SelectionError, match="name or a list of names"):
        berg.get_encoding_model(model_id, subject=1, selection={"roi": [1]})
    with pytest.raises(SelectionError, match="name or a list of names"):
        berg.get_encoding_model(model_id, subject=1, selection={"roi": 7})


@pytest.mark.parametrize("model_id", [MOSAIC, THINGS, HUZE])
def test_variants_and_configs_are_text2fmris_alone(berg, model_id):
    for named in ({"model_variant": "a/b"}, {"config": {}}):
        with pytest.raises(SettingError, match="no variants"):
            berg.get_encoding_model(model_id, subject=1, **named)


def test_only_a_loaded_model_can_be_encoded_with(berg):
    with pytest.raises(ParameterError, match="get_encoding_model"):
        berg.encode(THINGS, np.zeros((1, 3, 8, 8), np.uint8))


@pytest.mark.parametrize(
    "stimulus",
    [
        np.zeros((3, 8, 8), np.uint8),
        np.zeros((1, 4, 8, 8), np.uint8),
        np.full((1, 3, 8, 8), 256),
        np.full((1, 3, 8, 8), np.nan),
        [[[1], [1, 2]]],
        "cat.png",
        None,
    ],
    ids=str,
)
@pytest.mark.parametrize("model_id", [MOSAIC, THINGS, HUZE])
def test_what_is_no_stack_of_pictures_is_refused(berg, model_id, stimulus):
    model = berg.get_encoding_model(model_id, subject=1)
    with pytest.raises(StimulusError):
        berg.encode(model, stimulus)


# Metadata


def test_encode_returns_two_things_or_fails(berg, berg_home, tmp_path):
    model = berg.get_encoding_model(THINGS, subject=1, selection={"roi": ["V1"]})
    pictures = np.zeros((1, 3, 8, 8), np.uint8)
    responses, metadata = berg.encode(model, pictures, return_metadata=True)
    assert responses.shape == (1, 300)
    assert metadata["fmri"]["n_voxels"] == 211_339
    path = metadata_folder(THINGS, berg_home) / "metadata_sub-01.npy"
    path.rename(tmp_path / path.name)
    before = model.encoder.n_pictures_seen
    try:
        with pytest.raises(OfflineError, match=r"metadata_sub-01\.npy is missing"):
            berg.encode(model, pictures + 1, return_metadata=True)
    finally:
        (tmp_path / path.name).rename(path)
    assert model.encoder.n_pictures_seen == before  # nothing was computed in vain
