"""What would go and what would stay is told before; originals go only when nobody needs them."""

import os

import numpy as np
import pytest

from models.errors import HashMismatchError
from models.weights import convert, files, locations, plans, removal
from models.weights.transfer import part_path
from tests.models.weights import malicious
from tests.models.weights.test_files import convert_weights, put_things


def put(path, n_bytes):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(n_bytes))
    return path


def put_variant(home, variant, llm):
    """Lay a whole Text2fMRI variant into BERG's own cache."""
    cache = locations.weights_folder(plans.TEXT, home)
    for repo, names in {
        variant: ["config.json", "model.pt"],
        llm: ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"],
    }.items():
        for name in names:
            put(locations.hub_snapshot_folder(cache, repo) / name, 100)
    config = locations.hub_snapshot_folder(cache, variant) / "config.json"
    config.write_text(f'{{"extractor_LLM": "{llm}"}}')
    put(locations.metadata_folder(plans.TEXT, home) / "metadata.npy", 7)
    for name in plans.ATLAS_FILES:
        put(home / "nilearn" / "schaefer_2018" / name, 9)


def names(pairs):
    return sorted(path.name for path, _ in pairs)


def test_the_plan_names_what_goes_and_what_stays_and_touches_nothing(home):
    checkpoint, *_ = put_things(home, 1, 2)
    weights, metadata = (file.path for file in plans.needed_files(plans.THINGS, 1, home=home)[1:])
    place = convert_weights(weights, home)
    before = sorted(home.rglob("*"))
    plan = removal.plan_removal(plans.THINGS, 1, home=home)
    assert names(plan.going) == sorted([place.name, metadata.name, weights.name])
    assert plan.kept == ((checkpoint.path, "other subjects need it"),)
    assert sorted(home.rglob("*")) == before
    assert removal.remove(plans.THINGS, 1, home=home) == plan.n_bytes
    assert not weights.exists()
    assert checkpoint.path.is_file()


def test_other_programs_files_are_named_as_kept(home, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    checkpoint = put(locations.torch_checkpoints() / plans.VIT_CHECKPOINT, 50)
    put_things(home, 1)
    plan = removal.plan_removal(plans.THINGS, home=home)
    assert plan.kept == ((checkpoint, "it belongs to another program"),)
    removal.remove(plans.THINGS, home=home)
    assert checkpoint.is_file()


def test_a_beginning_counts_as_something_to_remove(home):
    file = plans.needed_files(plans.HUZE, 1, home=home)[3]
    put(part_path(file.path), 500)
    assert removal.plan_removal(plans.HUZE, 1, home=home).n_bytes == 500


def test_a_variant_leaves_what_another_one_needs(home):
    put_variant(home, plans.DEFAULT_TEXT_VARIANT, "Qwen/Qwen2.5-0.5B")
    put_variant(home, "x/Text2fMRI-y", "Qwen/Qwen2.5-0.5B")
    assert files.state(plans.TEXT, home=home, variant="x/Text2fMRI-y").is_ready
    plan = removal.plan_removal(plans.TEXT, home=home, variant="x/Text2fMRI-y")
    assert names(plan.going) == ["config.json", "model.pt"]
    assert {reason for _, reason in plan.kept} == {"another variant needs it"}
    removal.remove(plans.TEXT, home=home, variant="x/Text2fMRI-y")
    assert files.state(plans.TEXT, home=home).is_ready
    removal.remove(plans.TEXT, home=home)
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_known_variants_begin_with_the_default_and_hold_those_here(home):
    assert plans.known_variants(home) == (
        "ShreyDixit/Text2fMRI-Qwen-2.5-0.5B",
        "ShreyDixit/Text2fMRI-Qwen-2.5-3B",
    )
    put_variant(home, "x/Text2fMRI-y", "Qwen/Qwen2.5-0.5B")
    (locations.weights_folder(plans.TEXT, home) / "models--x--Text2fMRI--odd").mkdir()
    assert plans.known_variants(home)[-1] == "x/Text2fMRI-y"
    assert len(plans.known_variants(home)) == 3


def test_an_original_is_dropped_once_it_is_converted(home):
    put_things(home, 1, 2)
    weights = plans.needed_files(plans.THINGS, 1, home=home)[1].path
    assert removal.plan_drop(plans.THINGS, 1, home=home).going == ()
    convert_weights(weights, home)
    plan = removal.plan_drop(plans.THINGS, [1, 2], home=home)
    assert plan.going == ((weights, weights.stat().st_size),)
    assert removal.drop_originals(plans.THINGS, [1, 2], home=home) == plan.n_bytes
    assert not weights.exists()
    state = files.state(plans.THINGS, 1, home=home)
    assert state.is_ready
    assert [file.path for file in state.dropped] == [weights]
    assert removal.plan_drop(plans.THINGS, 1, home=home).going == ()


def test_an_original_stays_where_its_converted_form_is_spoilt(home):
    put_things(home, 1)
    weights = plans.needed_files(plans.THINGS, 1, home=home)[1].path
    place = convert_weights(weights, home)
    (place / "a.npy").write_bytes(bytes((place / "a.npy").stat().st_size))
    with pytest.raises(HashMismatchError, match="not what the converter wrote"):
        removal.drop_originals(plans.THINGS, 1, home=home)
    assert weights.is_file()


def test_an_original_that_changed_since_its_conversion_stays(home):
    put_things(home, 1)
    weights = plans.needed_files(plans.THINGS, 1, home=home)[1].path
    convert_weights(weights, home)
    os.utime(weights, ns=(1, 1))
    assert removal.plan_drop(plans.THINGS, 1, home=home).going == ()


def test_what_subjects_share_is_never_dropped(home):
    """Huze converts each subject from its two parts and the shared indices."""
    needed = plans.needed_files(plans.HUZE, [1, 2], home=home)
    for file in needed:
        put(file.path, 30)
    indices, *_ = (file.path for file in needed)
    parts = [file.path for file in needed if file.path.name.startswith("subj01_part")]
    convert.converted(
        [*parts, indices],
        "huze",
        1,
        lambda folder: np.save(folder / "a.npy", np.zeros(4)),
        home=home,
    )
    plan = removal.plan_drop(plans.HUZE, home=home)
    assert names(plan.going) == ["subj01_part1.pth", "subj01_part2.pth"]
    assert removal.drop_originals(plans.HUZE, home=home) == 60
    assert indices.is_file()


def test_the_state_tells_beginnings_and_the_room_for_converted_forms(home):
    state = files.state(plans.THINGS, 1, home=home)
    assert (state.begun_bytes, state.dropped) == (0, ())
    assert state.converted_bytes == 353_000_000 + 685_000_000
    put(part_path(state.missing[1].path), 1000)
    state = files.state(plans.THINGS, 1, home=home)
    assert (state.begun_bytes, state.missing_bytes) == (1000, 1_053_000_000 - 1000)


def test_verified_means_recorded_and_unchanged_since(home):
    weights = put_things(home, 1)[1].path
    assert not files.is_verified(plans.THINGS, 1, home=home)
    files.verify(plans.THINGS, 1, home=home)
    assert files.is_verified(plans.THINGS, 1, home=home)
    malicious.save_object(weights, {"x": np.zeros(3)})
    assert not files.is_verified(plans.THINGS, 1, home=home)
