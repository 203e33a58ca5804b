"""Text2fMRI through the page: the numbers of BERG's own code, its variants, subjects, networks."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import cache, downloads, readiness
from app.downloads import Downloads
from app.views import model_jobs
from components.message import decode_message
from models.drawing import drawn, parcels
from models.engine import Engine
from models.weights.plans import ATLAS_FILES, DEFAULT_TEXT_VARIANT
from tests.app.test_films import glass_of
from tests.app.test_transcripts import answer_of, open_page, rested, widget, words
from tests.fakes_published import set_home
from tests.seeded_weights import TEXT, TINY_VARIANT, TextSize, make_folder, write_text

TEXT2FMRI = "fmri-cneuromod_algo2025-text2fmri"
GOLDEN = Path(__file__).parents[1] / "golden_data" / "text2fmri_tiny.npz"
NETWORKS = ["Cont", "Default", "DorsAttn", "Limbic", "SalVentAttn", "SomMot", "Vis"]
OTHER = "synthetic/Text2fMRI-small"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Everything the tiny variant needs, in BERG's layout, and another variant."""
    home = write_text(tmp_path_factory.mktemp("home"))
    write_text(home, TextSize(tag="small", width=64), OTHER)
    metadata = make_folder(home, TEXT, "metadata")
    (metadata / ATLAS_FILES[0]).touch()
    numbers = np.arange(1, 1001, dtype=np.int16).reshape(10, 10, 10)
    affine = np.diag([12.0, 14, 10, 1])
    affine[:3, 3] = (-54, -90, -40)
    nib.save(nib.Nifti1Image(numbers, affine), metadata / ATLAS_FILES[1])
    return home


@pytest.fixture(scope="module", autouse=True)
def _here(files):
    """Only these files are here; nothing asks the network."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from _only_here(files, monkeypatch)


def _only_here(files, monkeypatch):
    set_home(monkeypatch, files)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(parcels, "_VOLUMES", {})
    engine, jobs = Engine(), Downloads()
    monkeypatch.setattr(cache, "engine", lambda: engine)
    monkeypatch.setattr(downloads, "shared", lambda: jobs)
    monkeypatch.setattr(model_jobs, "may_change", lambda: True)
    readiness.forget()
    cache._has_parcel_volume.clear()
    cache._regions.clear()
    yield
    engine.close()
    jobs.close()
    readiness.forget()
    cache._has_parcel_volume.clear()
    cache._regions.clear()
    drawn.drawn_places.cache_clear()


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN, allow_pickle=False) as arrays:
        return dict(arrays)


def opened(golden, **query: str) -> AppTest:
    """The page on the golden transcript, brought in as a table with a line a volume."""
    test = open_page(**{"model": TEXT2FMRI, "variant": TINY_VARIANT, **query})
    lines = ["text_per_tr\twords_per_tr\tonsets_per_tr\tdurations_per_tr"]
    for number, text in enumerate(golden["texts"]):
        said = str(text).split()
        onsets = [round(1.49 * number + 0.1 * n, 3) for n in range(len(said))]
        lines.append(f"{text}\t{said}\t{onsets}\t{[0.1] * len(said)}")
    table = ("golden.tsv", "\n".join(lines).encode(), "text/tab-separated-values")
    test.file_uploader[0].set_value(table).run()
    return rested(test)


def pick(test: AppTest, key: str) -> AppTest:
    """Press an entry of a picker."""
    next(one for one in test.button if one.key == key).click().run()
    return rested(test)


@pytest.mark.parametrize("subject", [1, 5])
def test_every_parcel_is_what_bergs_code_gives(golden, subject):
    test = opened(golden)
    assert test.query_params["variant"] == TINY_VARIANT
    pick(test, f"subject:{TEXT2FMRI}:sub-0{subject}")
    response = answer_of(test).response
    assert response.provenance.subject == f"sub-0{subject}"
    assert response.row_labels[:2] == ("0.00", "1.49")
    assert answer_of(test).texts == tuple(str(text) for text in golden["texts"])
    expected = golden[f"tiny_s{subject}_all"]
    assert response.values.shape == (8, 1000)
    np.testing.assert_allclose(response.values, expected, rtol=0, atol=2e-5)


def test_subjects_and_networks_are_those_of_the_model(golden):
    test = opened(golden)
    subjects = [one.key[-2:] for one in test.button if (one.key or "").startswith("subject:")]
    assert subjects == ["01", "02", "03", "05"]
    regions = widget(test.multiselect, "Regions")
    assert [one.split(" ")[0] for one in regions.options] == NETWORKS
    regions.set_value(["Vis"]).run()
    rested(test)
    parcels_of_vis = golden["idx_roistr"]
    response = answer_of(test).response
    np.testing.assert_array_equal(response.column_indices, parcels_of_vis)
    np.testing.assert_allclose(response.values, golden["tiny_s1_roistr"], rtol=0, atol=2e-5)


def test_variants_are_those_in_the_folders_and_the_published_ones_say_what_they_need(golden):
    test = opened(golden)
    assert readiness.readiness_of(answer_of(test).card).variants == (OTHER, TINY_VARIANT)
    prefix = f"variant-of:{TEXT2FMRI}:"
    entries = {
        one.key.removeprefix(prefix): one
        for one in test.button
        if (one.key or "").startswith(prefix)
    }
    assert next(iter(entries)) == DEFAULT_TEXT_VARIANT
    assert entries[DEFAULT_TEXT_VARIANT].disabled
    assert "needs about 1." in entries[DEFAULT_TEXT_VARIANT].label
    assert {TINY_VARIANT, OTHER} <= set(entries)
    tiny = answer_of(test).response
    assert tiny.provenance.settings["variant"] == TINY_VARIANT
    pick(test, prefix + OTHER)
    small = answer_of(test).response
    assert small.provenance.settings["variant"] == OTHER
    assert np.abs(small.values - tiny.values).max() > 0.1
    pick(test, prefix + TINY_VARIANT)
    np.testing.assert_array_equal(answer_of(test).response.values, tiny.values)
    assert test.query_params["variant"] == TINY_VARIANT


def test_the_hub_is_asked_for_variants_only_when_somebody_asks(golden, monkeypatch):
    found = ("ShreyDixit/Text2fMRI-Qwen-2.5-7B",)
    monkeypatch.setattr(downloads.hub, "list_published_variants", lambda: found)
    test = opened(golden)
    assert not downloads.shared().jobs(TEXT2FMRI)
    widget(test.button, "Look for other variants").click().run()
    (job,) = downloads.shared().jobs(TEXT2FMRI)
    assert job.wait(30)
    rested(test.run())
    entry = next(one for one in test.button if one.key == f"variant-of:{TEXT2FMRI}:{found[0]}")
    assert entry.disabled
    assert entry.label.startswith("Qwen-2.5-7B · needs more than ")


def test_a_link_to_a_variant_that_is_not_here_says_so():
    test = open_page(model=TEXT2FMRI, variant="someone/Text2fMRI-large")
    assert "The variant someone/Text2fMRI-large is not here. " in words(test)
    test = open_page(model=TEXT2FMRI, variant="../../etc")
    assert "is not here" in words(test)
    assert not test.exception


def test_low_memory_gives_the_same_numbers_and_lets_the_language_model_go(golden):
    test = opened(golden)
    model = cache.engine().model(TEXT2FMRI)
    answering = model._others[TINY_VARIANT]
    assert answering._reader._bodies
    widget(test.toggle, "Low memory").set_value(True).run()
    rested(test)
    assert not answering._reader._bodies
    np.testing.assert_allclose(
        answer_of(test).response.values, golden["tiny_s1_all"], rtol=0, atol=2e-5
    )
    assert answering.n_backbone_runs == 0  # asked of the kept features, not of the model again


def test_the_parcels_are_drawn_on_the_cortex_and_in_the_glass_brain(golden):
    test = opened(golden)
    glass_of(test)
    shown = {one.proto.component_name: one.proto for one in test.get("bidi_component")}
    cortex, glass = (
        next(proto for name, proto in shown.items() if f"boldcast_{kind}" in name)
        for kind in ("brain", "glass")
    )
    header, _ = decode_message(cortex.bytes)
    assert (header["space"], header["n_frames"]) == ("fsaverage5", 8)
    header, _ = decode_message(glass.bytes)
    assert (header["space"], header["n_frames"]) == ("schaefer1000", 8)
