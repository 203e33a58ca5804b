"""Where files are looked for: BERG's tree first, then the caches of other libraries."""

from pathlib import Path

import pytest

from models.errors import ModelNotFoundError
from models.weights import locations

HUZE = "fmri-nsd_fsaverage-huze"
TEXT = "fmri-cneuromod_algo2025-text2fmri"


@pytest.fixture(autouse=True)
def _clean(monkeypatch, tmp_path):
    names = [
        "BOLDCAST_HOME",
        "TORCH_HOME",
        "HF_HOME",
        "HF_HUB_CACHE",
        "XDG_CACHE_HOME",
        "NILEARN_DATA",
    ]
    for name in [*names, "NILEARN_SHARED_DATA"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))


def test_home_is_the_argument_then_the_environment_then_the_platforms_folder(monkeypatch, tmp_path):
    assert locations.berg_home().name == "boldcast"
    assert locations.berg_home().is_relative_to(tmp_path / "user")
    monkeypatch.setenv("BOLDCAST_HOME", "~/berg")
    assert locations.berg_home() == tmp_path / "user" / "berg"
    assert locations.berg_home("/elsewhere") == Path("/elsewhere")
    assert not (tmp_path / "user").exists()  # asking creates nothing


@pytest.mark.parametrize(
    ("model_id", "folder"),
    [
        (HUZE, "train_dataset-nsd_fsaverage/model-huze"),
        ("fmri-things_fmri_1-vit_b_32", "train_dataset-things_fmri_1/model-vit_b_32"),
        (TEXT, "train_dataset-cneuromod_algo2025/model-text2fmri"),
        (
            "fmri-mosaic-CNN8_multihead_subNSD_verticesAll",
            "train_dataset-mosaic/model-CNN8_multihead_subNSD_verticesAll",
        ),
    ],
)
def test_folders_are_bergs(model_id, folder):
    top = Path("/b/encoding_models/modality-fmri") / folder
    assert locations.weights_folder(model_id, "/b") == top / "encoding_models_weights"
    assert locations.metadata_folder(model_id, "/b") == top / "metadata"
    assert locations.accuracy_folder(model_id, "/b") == top / "encoding_models_accuracy"


@pytest.mark.parametrize("model_id", ["huze", "a-b", "a-../x-c", "a-..-c", "--", ""])
def test_an_id_without_a_folder_is_refused(model_id):
    with pytest.raises(ModelNotFoundError):
        locations.model_key(model_id)


def test_torch_checkpoint_is_found_where_torch_keeps_it(monkeypatch, tmp_path):
    def put(folder):
        path = folder / "hub" / "checkpoints" / "vit.pth"
        path.parent.mkdir(parents=True)
        path.touch()
        return path

    home = tmp_path / "home"
    assert locations.find_torch_checkpoint("vit.pth", home) is None
    default = put(tmp_path / "user" / ".cache" / "torch")
    assert locations.find_torch_checkpoint("vit.pth", home) == default
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert locations.find_torch_checkpoint("vit.pth", home) is None
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    named = put(tmp_path / "torch")
    assert locations.find_torch_checkpoint("vit.pth", home) == named
    own = put(home / "torch")
    assert locations.find_torch_checkpoint("vit.pth", home) == own


def put_hub(cache, repo, name, commit="c0ffee"):
    folder = cache / f"models--{repo.replace('/', '--')}"
    path = folder / "snapshots" / commit / name
    path.parent.mkdir(parents=True)
    path.touch()
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(commit)
    return path


def test_hub_file_is_found_in_bergs_cache_then_in_the_users(monkeypatch, tmp_path):
    repo = "Qwen/Qwen2.5-0.5B"
    assert locations.find_hub_file(repo, "config.json", tmp_path) is None
    users = put_hub(tmp_path / "user/.cache/huggingface/hub", repo, "config.json")
    assert locations.find_hub_file(repo, "config.json", tmp_path) == users
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    assert locations.find_hub_file(repo, "config.json", tmp_path) is None
    named = put_hub(tmp_path / "hf/hub", repo, "config.json")
    assert locations.find_hub_file(repo, "config.json", tmp_path) == named
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    assert locations.find_hub_file(repo, "config.json", tmp_path) is None
    bergs = put_hub(locations.weights_folder(TEXT, tmp_path), repo, "config.json")
    assert locations.find_hub_file(repo, "config.json", tmp_path) == bergs
    assert locations.find_hub_file(repo, "config.json", tmp_path, revision="c0ffee") == bergs
    assert locations.find_hub_file(repo, "config.json", tmp_path, revision="other") is None
    assert locations.find_hub_file(repo, "model.safetensors", tmp_path) is None


def test_hub_folder_names_agree_with_the_hub_library(tmp_path):
    from huggingface_hub import try_to_load_from_cache

    path = put_hub(tmp_path, "a/b", "x/config.json")
    assert try_to_load_from_cache("a/b", "x/config.json", cache_dir=tmp_path) == str(path)


def test_atlas_is_looked_for_in_bergs_folder_before_nilearns(monkeypatch, tmp_path):
    name = "Schaefer2018_1000Parcels_7Networks_order.txt"

    def put(folder):
        folder.mkdir(parents=True)
        (folder / name).touch()
        return folder / name

    home = tmp_path / "home"
    assert locations.find_atlas_file(name, home) is None
    user = put(tmp_path / "user/nilearn_data/schaefer_2018")
    assert locations.find_atlas_file(name, home) == user
    monkeypatch.setenv("NILEARN_DATA", str(tmp_path / "nilearn"))
    named = put(tmp_path / "nilearn/schaefer_2018")
    assert locations.find_atlas_file(name, home) == named
    berg = put(locations.metadata_folder(TEXT, home))
    assert locations.find_atlas_file(name, home) == berg
