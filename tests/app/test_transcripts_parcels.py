"""A model of Schaefer's parcels on the transcripts page: without and with the atlas's volume."""

import nibabel as nib
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import cache, film_cache, outputs_cache
from app.readiness import Readiness
from components.message import decode_message, decode_values
from models.atlases import RegionMasks
from models.drawing import drawn, parcels
from models.encoders.base import EncodingModel, Features
from models.engine import Engine
from models.spaces import SCHAEFER1000
from models.types import Provenance, Response, ignore_progress

TEXT2FMRI = "fmri-cneuromod_algo2025-text2fmri"
NETWORKS = ("Vis", "Default")


class FakeText(EncodingModel):
    """Value of a parcel: its number, plus a thousand a volume."""

    def features(self, stimuli, settings, report=ignore_progress, subjects=()):
        (stimulus,) = stimuli
        rows = np.arange(len(stimulus.lines), dtype=np.float32)[:, None]
        labels = tuple(f"{row * stimulus.tr_s:.2f}" for row in range(len(rows)))
        return Features((rows,), labels, settings)

    def readout(self, features, selection, settings, report=ignore_progress):
        values = 1000 * features.arrays[0] + np.arange(1000, dtype=np.float32)
        card = self.card
        origin = Provenance(card.id, card.title, "fake", "0" * 64, "sub-01", card.caveat, "FAKE")
        response = Response(
            values, SCHAEFER1000, features.row_labels, card.units, True, origin, row_kind="seconds"
        )
        return (response,)

    def preview(self, stimulus, settings):
        raise NotImplementedError

    def regions_of(self, subject):
        half = {"Vis": np.arange(0, 1000, 2), "Default": np.arange(1, 1000, 2)}
        return RegionMasks("networks", "Networks", SCHAEFER1000, half)


def page() -> None:
    from app.views import transcripts

    transcripts.render()


@pytest.fixture
def here(monkeypatch):
    """All subjects of the model are here; nothing is known of its atlas."""
    one = Engine(load=FakeText)
    monkeypatch.setattr(cache, "engine", lambda: one)
    monkeypatch.setattr(cache, "readiness_of", lambda card: Readiness(dict(card.subjects).keys()))
    monkeypatch.setattr(cache, "find_atlas_file", lambda name: None)
    monkeypatch.setattr(parcels, "_VOLUMES", {})
    cache._has_parcel_volume.clear()
    cache._regions.clear()
    cache._message.clear()  # the same answer may have been drawn with another atlas
    film_cache._glass.clear()
    yield
    one.close()
    cache._has_parcel_volume.clear()
    cache._regions.clear()
    drawn.drawn_places.cache_clear()


def open_page() -> AppTest:
    test = AppTest.from_function(page, default_timeout=60)
    test.query_params["model"] = TEXT2FMRI
    test.run()
    test.session_state["boldcast:memory:transcript-job"].wait(60)
    test.run()
    assert not test.exception, test.exception[0].message
    return test


def viewers(test: AppTest, kind="boldcast_brain"):
    return [one for one in test.get("bidi_component") if kind in one.proto.component_name]


@pytest.mark.usefixtures("here")
def test_without_the_atlas_courses_are_drawn_and_the_page_says_why_no_brain_is():
    test = open_page()
    assert "so no brain is drawn" in test.info[0].value
    assert not viewers(test)
    (courses,) = viewers(test, "boldcast_courses")
    header, _ = decode_message(courses.proto.bytes)
    assert [line["name"] for line in header["lines"]] == list(NETWORKS)
    assert test.number_input[0].value == 1.49
    answer = test.session_state["boldcast:memory:transcript-answer"]
    assert answer.tr_s == 1.49
    assert outputs_cache.npz(answer)


@pytest.mark.usefixtures("here")
def test_with_the_atlas_every_vertex_shows_its_parcel(monkeypatch, tmp_path):
    labels = np.zeros((200, 240, 200), np.int16)
    labels[:100], labels[100:] = 7, 507  # one parcel a side
    labels[-1, -1, -1] = 1000
    affine = np.eye(4)
    affine[:3, 3] = (-100, -140, -90)
    path = tmp_path / "atlas.nii.gz"
    nib.save(nib.Nifti1Image(labels, affine), path)
    monkeypatch.setattr(cache, "find_atlas_file", lambda name: path)
    (viewer,) = viewers(open_page())
    header, payload = decode_message(viewer.proto.bytes)
    assert (header["kind"], header["space"]) == ("vertices", "fsaverage5")
    assert "schaefer1000 drawn on fsaverage5" in header["footer"]
    assert set(header["own_labels"]["names"]) == {"Vis"}  # parcels 7 and 507 are columns 6 and 506
    values = decode_values(header, payload)
    step = (header["maximum"] - header["minimum"]) / 254
    left = values[1, : header["n_left"]]
    known = left[np.isfinite(left)]
    assert known.size > 9000
    assert np.abs(known - 1006).max() <= step
