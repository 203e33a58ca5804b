"""Fetching a whole model: sizes first, mirrors, room on the disk, hub, atlas, no network."""

import dataclasses
import io
import json
import shutil

import numpy as np
import pytest
import safetensors.numpy
import torch
from nibabel import Nifti1Image

from models.errors import (
    Cancelled,
    DiskFullError,
    HashMismatchError,
    OfflineError,
    WeightsError,
)
from models.weights import files, hub, locations, plans
from models.weights.fetch import fetch, plan_fetch
from models.weights.records import digest_file, read_record
from models.weights.remote import NotThereError
from tests.models.weights import malicious

LLM = "Qwen/Qwen2.5-0.5B"
VARIANT = plans.DEFAULT_TEXT_VARIANT


def npy(tmp_path, **arrays):
    return malicious.save_object(tmp_path / "made.npy", arrays).read_bytes()


@pytest.fixture
def mosaic(s3, tmp_path):
    """The MOSAIC model in BERG's bucket, small; key -> bytes."""
    rng = np.random.default_rng(1)
    held = {}
    for file in plans.needed_files(plans.MOSAIC, [1, 2], home=tmp_path):
        held[file.key] = npy(tmp_path, x=rng.standard_normal(40_000))
        s3.put(file.key, held[file.key])
    return held


def test_sizes_are_known_before_anything_is_fetched(mosaic, home, sources, patience):
    plan = plan_fetch(plans.MOSAIC, [1], home=home, sources=sources, patience=patience)
    sizes = {item.path.relative_to(home).as_posix(): item.expected.size for item in plan.items}
    assert sizes == {key: len(data) for key, data in mosaic.items() if "sub-02" not in key}
    assert plan.remaining_bytes == plan.total_bytes == sum(sizes.values())
    assert not home.exists()


def test_exactly_what_a_subject_needs_comes_and_is_recorded(mosaic, home, sources, patience):
    told = []
    paths = fetch(
        plans.MOSAIC, "sub-02", home=home, sources=sources, patience=patience, report=told.append
    )
    assert len(paths) == 2
    for path in paths:
        key = path.relative_to(home).as_posix()
        assert path.read_bytes() == mosaic[key]
        record = read_record(path, home)
        assert record.sha256 == digest_file(path)["sha256"]
        assert record.source == f"s3://{sources.bucket}/{key}"
    assert files.state(plans.MOSAIC, 2, home=home).is_ready
    assert not files.state(plans.MOSAIC, 1, home=home).is_ready
    downloading = [one for one in told if one.stage == "downloading"]
    assert downloading[-1].done_bytes == downloading[-1].total_bytes
    done = [one.done_bytes for one in downloading]
    assert done == sorted(done)
    assert any(one.rate_bytes_s > 0 and one.remaining_s is not None for one in downloading)


def test_what_is_here_is_not_asked_for(mosaic, home, sources, patience, faulty_s3):
    fetch(plans.MOSAIC, 1, home=home, sources=sources, patience=patience)
    faulty_s3.requests.clear()
    assert fetch(plans.MOSAIC, 1, home=home, sources=sources, patience=patience) == ()
    assert faulty_s3.requests == []


def test_an_existing_download_is_used_and_its_truncated_file_fetched_again(
    mosaic, home, sources, patience
):
    weights, metadata = plans.needed_files(plans.MOSAIC, 1, home=home)
    for file in (weights, metadata):
        file.path.parent.mkdir(parents=True, exist_ok=True)
    metadata.path.write_bytes(mosaic[metadata.key])
    weights.path.write_bytes(mosaic[weights.key][:1000])
    paths = fetch(plans.MOSAIC, 1, home=home, sources=sources, patience=patience)
    assert paths == (weights.path,)
    assert weights.path.read_bytes() == mosaic[weights.key]


def test_a_file_shorter_than_recorded_is_fetched_again(mosaic, home, sources, patience):
    path = fetch(plans.MOSAIC, 1, home=home, sources=sources, patience=patience)[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(HashMismatchError, match="Fetch it again"):
        files.records.check_record(path, home)
    assert fetch(plans.MOSAIC, 1, home=home, sources=sources, patience=patience) == (path,)
    assert path.read_bytes() == whole


def test_a_mirror_stands_in_for_a_missing_object(
    mosaic, home, sources, patience, s3, server, bucket, monkeypatch
):
    key = next(key for key in mosaic if key.endswith(".pth"))
    s3.client.delete_object(Bucket=bucket, Key=key)
    server.files["/mirror/" + key.rpartition("/")[2]] = mosaic[key]
    monkeypatch.setattr(plans, "_MOSAIC_MIRROR", server.url + "/mirror/")
    path = fetch(plans.MOSAIC, 1, home=home, sources=sources, patience=patience)[0]
    assert path.read_bytes() == mosaic[key]
    assert read_record(path, home).source.startswith(server.url)


def test_an_object_that_is_nowhere_is_named(home, sources, patience, s3, monkeypatch, server):
    monkeypatch.setattr(plans, "_MOSAIC_MIRROR", server.url + "/mirror/")
    with pytest.raises(NotThereError, match=r"vertices-all\.pth is not"):
        fetch(plans.MOSAIC, 1, home=home, sources=sources, patience=patience)


def test_no_room_is_said_before_anything_is_begun(mosaic, home, sources, patience):
    with pytest.raises(DiskFullError, match="BOLDCAST_HOME to a larger disk"):
        fetch(
            plans.MOSAIC,
            1,
            home=home,
            sources=sources,
            patience=patience,
            free_bytes=lambda folder: 1_000_000,
        )
    assert not home.exists()


def test_cancel_stops_within_a_piece_and_the_next_fetch_goes_on(
    mosaic, home, sources, patience, faulty_s3, bucket
):
    def stop(progress):
        if progress.done_bytes > 100_000:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        fetch(plans.MOSAIC, 1, home=home, sources=sources, patience=patience, report=stop)
    plan = plan_fetch(plans.MOSAIC, 1, home=home, sources=sources, patience=patience)
    assert plan.total_bytes - plan.remaining_bytes == 131_072
    path = fetch(plans.MOSAIC, 1, home=home, sources=sources, patience=patience, plan=plan)[0]
    key = path.relative_to(home).as_posix()
    assert path.read_bytes() == mosaic[key]
    assert faulty_s3.ranges(f"/{bucket}/{key}") == ["", "bytes=131072-"]


def test_no_network_is_one_sentence_with_the_file_and_the_command(home, sources, patience):
    nowhere = dataclasses.replace(sources, s3_endpoint="http://127.0.0.1:9")
    with pytest.raises(OfflineError) as caught:
        fetch(plans.MOSAIC, 1, home=home, sources=nowhere, patience=patience)
    text = str(caught.value)
    assert "vertices-all.pth is missing" in text
    assert f"`python -m models fetch {plans.MOSAIC} --subject 1`" in text
    assert "\n" not in text


def test_optional_files_come_when_they_are_there(home, sources, patience, s3, tmp_path):
    for file in plans.needed_files(plans.HUZE, 1, home=tmp_path):
        if file.path.name != "config.yaml":
            s3.put(file.key, npy(tmp_path, x=np.zeros(3)))
    names = [
        path.name for path in fetch(plans.HUZE, 1, home=home, sources=sources, patience=patience)
    ]
    assert "config.json" in names
    assert "config.yaml" not in names
    assert files.state(plans.HUZE, 1, home=home).is_ready


def test_the_checkpoint_with_another_hash_than_its_name_states_is_refused(
    home, sources, patience, server, s3, tmp_path
):
    server.files[f"/models/{plans.VIT_CHECKPOINT}"] = b"not the published weights"
    for file in plans.needed_files(plans.THINGS, 1, home=tmp_path):
        if file.kind == "s3":
            s3.put(file.key, npy(tmp_path, x=np.zeros(3)))
    with pytest.raises(HashMismatchError, match="vit_b_32"):
        fetch(plans.THINGS, 1, home=home, sources=sources, patience=patience)


# -- the hub --------------------------------------------------------------------------------


@pytest.fixture
def text(s3, server, tmp_path):
    """Text2fMRI's files at the hub, S3 and the atlas's address."""
    head = io.BytesIO()
    torch.save({"w": torch.arange(70_000)}, head)
    config = json.dumps({"extractor_LLM": LLM}).encode()
    model = {"config.json": config, "model.pt": head.getvalue(), "README.md": b"no"}
    llm = {name: f"{name} content".encode() for name in ("config.json", "tokenizer.json")}
    llm |= {"tokenizer_config.json": b"{}", "merges.txt": b"a b", "pytorch_model.bin": b"no"}
    llm |= {
        "model.safetensors": safetensors.numpy.save({"w": np.arange(9)}),
        "original/params.json": b"no",
    }
    server.add_repository(VARIANT, model)
    server.add_repository(LLM, llm, commit="beef")
    s3.put(f"{locations.model_key(plans.TEXT)}/metadata/metadata.npy", npy(tmp_path, x=1))
    labels = "".join(f"{i}\t7Networks_LH_Vis_{i}\t1\t2\t3\t0\n" for i in range(1, 1001))
    image = Nifti1Image(np.arange(1001, dtype=np.int16).reshape(7, 11, 13), np.eye(4))
    nifti = tmp_path / "atlas.nii.gz"
    image.to_filename(nifti)
    for name, data in zip(plans.ATLAS_FILES, (labels.encode(), nifti.read_bytes()), strict=True):
        server.files[f"/atlas/{name}"] = data
    return {"model": model, "llm": llm}


def test_text_model_comes_from_hub_bucket_and_atlas(text, home, sources, patience):
    fetch(plans.TEXT, 1, home=home, sources=sources, patience=patience)
    for repo, held in ((VARIANT, text["model"]), (LLM, text["llm"])):
        for name, data in held.items():
            found = locations.find_hub_file(repo, name, home)
            if data == b"no":
                assert found is None
            else:
                assert found.read_bytes() == data
    assert files.state(plans.TEXT, 1, home=home).is_ready
    assert locations.find_atlas_file(plans.ATLAS_FILES[0], home).is_file()


def test_the_hub_library_finds_what_was_fetched(text, home, sources, patience):
    from huggingface_hub import hf_hub_download

    fetch(plans.TEXT, 1, home=home, sources=sources, patience=patience)
    cache = locations.weights_folder(plans.TEXT, home)
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        path = hf_hub_download(LLM, name, cache_dir=cache, local_files_only=True)
        assert locations.find_hub_file(LLM, name, home).samefile(path)


def test_hub_files_are_continued_and_checked(text, home, sources, patience, server):
    path = f"/{VARIANT}/resolve/c0ffee00/model.pt"
    server.faults.add(path, ("drop", 131_072), 503, "ok")
    fetch(plans.TEXT, 1, home=home, sources=sources, patience=patience)
    assert server.ranges(path) == ["", "bytes=131072-", "bytes=131072-"]
    server.files[path] = bytes(len(server.files[path]))  # of the right size, not of the stated hash
    files.remove(plans.TEXT, home=home)
    with pytest.raises(HashMismatchError, match=r"model\.pt"):
        fetch(plans.TEXT, 1, home=home, sources=sources, patience=patience)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_small_hub_files_are_checked_by_gits_hash(text, home, sources, patience, server, name):
    path = f"/{LLM}/resolve/beef/{name}"
    server.files[path] = bytes(len(server.files[path]))
    with pytest.raises(HashMismatchError, match=name):
        fetch(plans.TEXT, 1, home=home, sources=sources, patience=patience)


def test_a_hub_in_trouble_is_asked_again(text, home, sources, patience, server, waits):
    server.faults.add(f"/api/models/{VARIANT}", 503, "refuse", ("drop", 10), "ok")
    plan = plan_fetch(plans.TEXT, 1, home=home, sources=sources, patience=patience)
    assert plan.total_bytes > 500_000
    assert sum(waits) >= 1 + 2


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_repository_that_is_not_there_is_named(text, home, sources, patience, server, status):
    server.faults.add(f"/api/models/{VARIANT}", status)
    with pytest.raises(NotThereError, match="Text2fMRI-Qwen"):
        plan_fetch(plans.TEXT, 1, home=home, sources=sources, patience=patience)


def test_offline_by_setting_is_one_sentence(text, home, sources, patience, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(OfflineError) as caught:
        fetch(plans.TEXT, 1, home=home, sources=sources, patience=patience)
    sentence = str(caught.value)
    assert sentence.startswith("config.json is missing (")
    assert "HF_HUB_OFFLINE is set" in sentence
    assert f"`python -m models fetch {plans.TEXT} --subject 1`" in sentence


def test_offline_does_not_matter_when_all_is_here(
    text, home, sources, patience, monkeypatch, server
):
    fetch(plans.TEXT, 1, home=home, sources=sources, patience=patience)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    server.requests.clear()
    assert fetch(plans.TEXT, 5, home=home, sources=sources, patience=patience) == ()
    assert server.requests == []


def test_a_user_cache_that_is_whole_is_used(text, home, sources, patience, monkeypatch, tmp_path):
    other = tmp_path / "other"
    fetch(plans.TEXT, 1, home=other, sources=sources, patience=patience)
    shutil.move(locations.weights_folder(plans.TEXT, other), tmp_path / "hf" / "hub")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    plan = plan_fetch(plans.TEXT, 1, home=home, sources=sources, patience=patience)
    names = {item.path.name for item in plan.items}
    assert names == {"metadata.npy", *plans.ATLAS_FILES}


def test_a_variant_brings_the_language_model_its_config_names(
    text, home, sources, patience, server
):
    variant, llm = "someone/Text2fMRI-new", "someone/llm-new"
    config = json.dumps({"extractor_LLM": llm}).encode()
    server.add_repository(variant, {"config.json": config, "model.pt": b"head"})
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors"}, "metadata": {}}
    index["weight_map"]["b"] = "model-00002-of-00002.safetensors"
    index["metadata"]["total_size"] = 8
    shards = dict.fromkeys(index["weight_map"].values(), b"1234")
    held = {"config.json": b"{}", "tokenizer.json": b"{}", "tokenizer_config.json": b"{}", **shards}
    held["model.safetensors.index.json"] = json.dumps(index).encode()
    server.add_repository(llm, held, commit="abc1")
    fetch(plans.TEXT, 1, home=home, variant=variant, sources=sources, patience=patience)
    assert plans.known_llm(variant, home) == llm
    for name in shards:
        assert locations.find_hub_file(llm, name, home).read_bytes() == b"1234"
    assert files.state(plans.TEXT, 1, home=home, variant=variant).is_ready
    locations.find_hub_file(llm, next(iter(shards)), home).unlink()
    assert not files.state(plans.TEXT, 1, home=home, variant=variant).is_ready
    again = fetch(plans.TEXT, 1, home=home, variant=variant, sources=sources, patience=patience)
    assert [path.name for path in again] == [next(iter(shards))]


def test_a_config_cannot_lead_elsewhere(text, home, sources, patience, server):
    for evil in ("../../x/y", "a/b/../../c", 3, None):
        server.add_repository(
            "someone/evil", {"config.json": json.dumps({"extractor_LLM": evil}).encode()}
        )
        with pytest.raises(WeightsError):
            fetch(
                plans.TEXT, 1, home=home, variant="someone/evil", sources=sources, patience=patience
            )
    with pytest.raises(WeightsError, match="owner/name"):
        plans.needed_files(plans.TEXT, variant="../up")


def test_names_that_leave_the_folder_are_ignored(server, home, sources, patience):
    server.add_repository("a/b", {"../../../evil.json": b"x", "config.json": b"y"})
    listing = hub.list_repository("a/b", home, sources, patience, lambda: None)
    assert list(listing.files) == ["config.json"]


def test_variants_are_listed_by_author_and_from_caches(
    server, home, sources, patience, monkeypatch
):
    found = [{"id": VARIANT, "modelId": VARIANT}]
    server.files["/api/models"] = json.dumps(found).encode()
    (locations.weights_folder(plans.TEXT, home) / "models--x--Text2fMRI-y").mkdir(parents=True)
    assert hub.find_variants(home, sources, patience) == (VARIANT, "x/Text2fMRI-y")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert hub.find_variants(home, sources, patience) == ("x/Text2fMRI-y",)


def test_atlas_that_cannot_be_fetched_is_one_sentence(text, home, sources, patience, server):
    del server.files[f"/atlas/{plans.ATLAS_FILES[0]}"]
    with pytest.raises(OfflineError, match=r"order\.txt is missing \(nilearn could not fetch"):
        fetch(plans.TEXT, 1, home=home, sources=sources, patience=patience)
    assert locations.find_hub_file(VARIANT, "model.pt", home).is_file()  # what came is kept
